"""The tab Results: runs side by side, by status, level and year, and as files to take away."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import ipywidgets as widgets
import pandas as pd
from altair.typing import ChartType

from planwise_nb.apps.dashboard import parts
from planwise_nb.apps.dashboard.desk import REFERENCE, Desk
from planwise_nb.apps.dashboard.links import address, workbook_address
from planwise_nb.core.manifest import MANIFEST
from planwise_nb.core.runs import Run
from planwise_nb.workforce import charts
from planwise_nb.workforce.comparison.side_by_side import MOST_RUNS, Comparison, picked_chart
from planwise_nb.workforce.selections import STATUSES, Selection

LISTED = 50
HOW_TO_CHOOSE = (
    "Choose several with Ctrl or Shift; nothing chosen means all. Of a run with several members the first is shown"
    " until you choose others."
)
WIDTH = 400
NEW_TAB = 'target="_blank" rel="noopener"'
FILES = (
    ("fct_year_metrics", "Year metrics: one row a year"),
    ("fct_workforce_snapshot", "People: one row a person and year"),
    ("fct_yearly_events", "Events: one row each"),
)
KINDS = ((".xlsx", "Excel"), (".csv", "CSV"), (".parquet", "Parquet"))
FIGURES = {
    "run": "Run",
    "simulation_year": "Year",
    "people": "People employed",
    "active": "Active at close",
    "active_change": "Active against {first}",
    "payroll": "Payroll",
    "payroll_change": "Payroll against {first}",
    "average_compensation": "Average pay of the active",
}
METRICS = {
    "scenario_id": "Run",
    "simulation_year": "Year",
    "opening_headcount": "Opening",
    "hires": "Hires",
    "exits": "Exits",
    "closing_headcount": "Closing",
    "target_headcount": "Target",
    "headcount_growth": "Headcount growth",
    "average_compensation_growth": "Average pay growth",
}


@dataclass(frozen=True)
class Shown:
    """What is shown under one name: a run, and its member where it has several."""

    run: Run
    member: str = ""


class ResultsTab:
    """The tab's widgets and the comparison that is open."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.comparison: Comparison | None = None
        self.opened: tuple[tuple[str, Shown, int], ...] = ()
        self.runs, self.members = _many("Runs, up to four", 5, "pw-wide"), _many("Member", 5)
        self.statuses = _many("Status", 4, "pw-narrow")
        self.statuses.options = [(code.replace("_", " "), code) for code in STATUSES]
        self.levels, self.years = _many("Level", 5, "pw-narrow"), _many("Year", 5, "pw-narrow")
        self.figures, self.metrics, self.downloads, self.message = (parts.text("") for _ in range(4))
        self.picked_charts, self.charts = parts.text(""), parts.text("")
        self.drawn: tuple[Any, ...] = ()
        self._chosen = parts.guarded(self._show, self.message)
        for field in (self.runs, self.members, self.statuses, self.levels, self.years):
            field.observe(self._chosen, "value")
        clear = parts.button("Clear filters", self._clear, self.message, css="pw-quiet")
        refresh = parts.button(
            "Look again", self._list, self.message, css="pw-quiet", tip="Look for new runs and years"
        )
        self.box = widgets.VBox([
            parts.card(
                parts.heading("Runs and filters", HOW_TO_CHOOSE),
                parts.row(self.runs, self.members, self.statuses, self.levels, self.years, css="pw-top"),
                parts.row(refresh, clear),
                self.message,
            ),
            parts.card(parts.heading("What is chosen"), self.figures),
            parts.card(parts.heading("Whole runs, year by year"), self.metrics),
            parts.card(parts.heading("Charts", "Point at a mark to read it."), self.picked_charts, self.charts),
            parts.card(
                parts.heading("Take away", "Filtered as above, where a table has such a column."),
                self.downloads,
            ),
        ])  # fmt: skip

    def refresh(self) -> None:
        """List the runs anew and keep what is chosen; what goes wrong is told."""
        parts.guarded(self._list, self.message)()

    def _list(self) -> None:
        """List the runs that have published something, the newest first, and keep what is chosen."""
        rows = [row for row in self.desk.ledger.runs() if row["status"] not in ("missing", "damaged")][:LISTED]
        options = [
            (f"{row['run_id']}   {row['subject']}   {self.desk.ledger.state(row)}", row["run_id"]) for row in rows
        ]
        listed = [row["run_id"] for row in rows]
        kept = [run_id for run_id in self.runs.value if run_id in listed]
        parts.offer(self.runs, options, kept or listed[:1], self._chosen)
        self._show()

    def _clear(self) -> None:
        for field in (self.members, self.statuses, self.levels, self.years):
            field.value = ()

    def _named(self) -> dict[str, Run]:
        """The chosen runs by the names that people see: the scenario, with the run's time where two are of one. A run
        of the reference comes first, the older before the newer.
        """
        runs = {run_id: self.desk.run(run_id) for run_id in self.runs.value[:MOST_RUNS]}
        subjects = {run_id: str(run.manifest["subject"]) for run_id, run in runs.items()}
        told = list(subjects.values())
        return {
            subject if told.count(subject) == 1 else f"{subject} {run_id[4:8]}-{run_id[9:15]}": runs[run_id]
            for run_id, subject in sorted(subjects.items(), key=lambda item: (item[1] != REFERENCE, item[0]))
        }

    def _picked(self) -> dict[str, Shown]:
        """What is chosen by the names that people see: the runs, and of one with several members each that is chosen,
        else its first.
        """
        named = self._named()
        members = {name: list(run.manifest["seeds"]) for name, run in named.items()}
        several = {name: found for name, found in members.items() if len(found) > 1}
        _offer(self.members, list(dict.fromkeys(chain(*several.values()))), self._chosen)
        self.members.layout.display = None if several else "none"
        chosen = {
            name: [member for member in found if member in self.members.value] or found[:1]
            for name, found in several.items()
        }
        picked = [(name, Shown(run, member)) for name, run in named.items() for member in chosen.get(name, [""])]
        told = [shown.member or name for name, shown in picked]
        return {
            f"{name}: {label}" if shown.member and told.count(label) > 1 else label: shown
            for label, (name, shown) in zip(told, picked, strict=True)
        }

    def _open(self) -> Comparison:
        """What is chosen, opened unless it is open as it is now."""
        picked = self._picked()
        is_cut = len(picked) > MOST_RUNS or len(self.runs.value) > MOST_RUNS
        said = f"The first {MOST_RUNS} of what is chosen are shown."
        self.message.value = parts.notice("warn", said) if is_cut else ""
        shown = dict(list(picked.items())[:MOST_RUNS])
        opened = tuple((name, one, (one.run.folder / MANIFEST).stat().st_mtime_ns) for name, one in shown.items())
        if self.comparison is not None and opened == self.opened:
            return self.comparison
        self._close()
        self.comparison = Comparison(
            {name: one.run.folder for name, one in shown.items()}, {name: one.member for name, one in shown.items()}
        )
        self.opened = opened
        _offer(self.levels, self.comparison.levels(), self._chosen)
        _offer(self.years, self.comparison.years(), self._chosen)
        return self.comparison

    def _close(self) -> None:
        if self.comparison is not None:
            self.comparison.close()
        self.comparison, self.opened = None, ()

    def _empty(self, said: str = "") -> None:
        """Show nothing but what is ``said``."""
        self.figures.value = said
        self.metrics.value = self.charts.value = self.picked_charts.value = self.downloads.value = ""
        self.drawn = ()

    @property
    def selection(self) -> Selection:
        """What the filters say."""
        return Selection(tuple(self.statuses.value), tuple(self.levels.value), tuple(self.years.value))

    def _show(self) -> None:
        """Show what is chosen; where that fails, nothing of what was shown before."""
        try:
            self._fill(self._open())
        except Exception:
            self._close()
            self._empty()
            raise

    def _fill(self, comparison: Comparison) -> None:
        picked, metrics = comparison.picked(self.selection), comparison.metrics(self.selection)
        if picked.empty and metrics.empty:
            self._empty('<p class="pw-empty">Nothing is published yet, or nobody is in the selection.</p>')
            return
        figures = {name: said.format(first=self.opened[0][0]) for name, said in FIGURES.items()}
        rows = _renamed(picked, figures, self._is_one())
        self.figures.value = parts.sheet(rows, "By year and run, as filtered", css="pw-numbers")
        self.metrics.value = parts.sheet(
            _renamed(_in_percent(metrics), METRICS, self._is_one()), "Headcount and growth", css="pw-numbers"
        )
        self.downloads.value = self._links()
        self.picked_charts.value = _side_by_side(
            picked_chart(picked, "active", "Active at the close, as filtered", "People"),
            picked_chart(picked, "payroll", "Payroll of the year, as filtered", "Currency units"),
        )
        if self.drawn != (wanted := (self.opened, self.selection.years)):  # drawing takes longer than reading
            width = WIDTH if self._is_one() else WIDTH // 2
            drawn = [
                chart(metrics, width=width)
                for chart in (charts.headcount, charts.growth, charts.flows, charts.level_mix)
            ]
            self.charts.value, self.drawn = _side_by_side(*drawn), wanted

    def _is_one(self) -> bool:
        return len(self.opened) == 1

    def _links(self) -> str:
        """The downloads, each in a tab of its own: a file closes it again, a refusal is read there, and the page, whose
        kernel ends when it is left, stays.
        """
        rows = []
        for name, one, _ in self.opened:
            selection = replace(self.selection, members=(one.member,) if one.member else ())
            for table, said in FILES:
                links = " ".join(
                    f'<a class="pw-link" href="{html.escape(address(one.run.folder.name, table, kind, selection))}"'
                    f' aria-label="{html.escape(f"{label}: {said}, {name}")}" {NEW_TAB}>{label}</a>'
                    for kind, label in KINDS
                )
                rows.append(f"<tr><td>{html.escape(name)}</td><td>{html.escape(said)}</td><td>{links}</td></tr>")
        heads = "<thead><tr><th>Run</th><th>What</th><th>As</th></tr></thead>"
        run_ids = dict.fromkeys(one.run.folder.name for _, one, _ in self.opened)
        workbook = (
            f'<p><a class="pw-link" href="{html.escape(workbook_address(run_ids))}" {NEW_TAB}>'
            "Workbook of these runs, side by side</a>: formatted sheets and charts, of all years, people and members."
            "</p>"
        )
        table = f'<table class="planwise">{heads}<tbody>{"".join(rows)}</tbody></table>'
        return f'{workbook}<div class="pw-sheet">{table}</div>'


def _many(label: str, rows: int, css: str = "") -> widgets.SelectMultiple:
    return parts.labelled(widgets.SelectMultiple(description=label, rows=rows), css)


def _offer(field: widgets.SelectMultiple, options: Sequence[Any], hear: Callable[..., None]) -> None:
    """Offer ``options`` and keep those that are chosen."""
    parts.offer(field, options, [value for value in field.value if value in options], hear)


def _side_by_side(*drawn: ChartType) -> str:
    return f'<div class="pw-pictures">{"".join(map(parts.picture, drawn))}</div>'


def _in_percent(metrics: pd.DataFrame) -> pd.DataFrame:
    growths = [name for name in metrics.columns if name.endswith("_growth")]
    return metrics.assign(**{name: [_percent(value) for value in metrics[name]] for name in growths})


def _percent(value: float) -> str:
    return "–" if pd.isna(value) else f"{100 * float(value):+.1f} %"


def _renamed(rows: pd.DataFrame, names: dict[str, str], is_one: bool) -> pd.DataFrame:
    shown = [name for name in names if name in rows.columns and not (is_one and name.endswith("_change"))]
    return rows[shown].rename(columns=names)

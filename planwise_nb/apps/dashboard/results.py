"""The tab Results: runs side by side, by status, level and year, and as files to take away."""

from __future__ import annotations

import html
from typing import Any

import ipywidgets as widgets
import pandas as pd
from altair.typing import ChartType

from planwise_nb.apps.dashboard import parts
from planwise_nb.apps.dashboard.desk import REFERENCE, Desk
from planwise_nb.apps.dashboard.links import address, workbook_address
from planwise_nb.workforce import charts
from planwise_nb.workforce.comparison.side_by_side import MOST_RUNS, Comparison, picked_chart
from planwise_nb.workforce.selections import STATUSES, Selection

LISTED = 50
HOW_TO_CHOOSE = (
    "Choose several with Ctrl or Shift; nothing chosen means all. Of an ensemble, its first member is shown."
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


class ResultsTab:
    """The tab's widgets and the comparison that is open."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.comparison: Comparison | None = None
        self.opened: tuple[Any, ...] = ()
        self.runs = _many("Runs, up to four", 5, "pw-wide")
        self.statuses = _many("Status", 4, "pw-narrow")
        self.statuses.options = [(code.replace("_", " "), code) for code in STATUSES]
        self.levels, self.years = _many("Level", 5, "pw-narrow"), _many("Year", 5, "pw-narrow")
        self.figures, self.metrics, self.downloads, self.message = (parts.text("") for _ in range(4))
        self.picked_charts, self.charts = parts.text(""), parts.text("")
        self.drawn: tuple[Any, ...] = ()
        self.runs.observe(lambda _: self._compare(), "value")
        for field in (self.statuses, self.levels, self.years):
            field.observe(lambda _: self._show(), "value")
        clear = parts.button("Clear filters", self._clear, css="pw-quiet")
        refresh = parts.button("Look again", self.refresh, css="pw-quiet", tip="Look for new runs and years")
        self.box = widgets.VBox([
            parts.card(
                parts.heading("Runs and filters", HOW_TO_CHOOSE),
                parts.row(self.runs, self.statuses, self.levels, self.years, css="pw-top"),
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
        """List the runs that have published something, the newest first, and keep what is chosen."""
        rows = [row for row in self.desk.ledger.runs() if row["status"] not in ("missing", "damaged")][:LISTED]
        options = [
            (f"{row['run_id']}   {row['subject']}   {self.desk.ledger.state(row)}", row["run_id"]) for row in rows
        ]
        chosen = [run_id for run_id in self.runs.value if run_id in {row["run_id"] for row in rows}]
        if list(self.runs.options) != options:
            self.runs.options = options
            self.runs.value = chosen
        if not self.runs.value and options:
            self.runs.value = [options[0][1]]
        else:
            self._compare()

    def _clear(self) -> None:
        for field in (self.statuses, self.levels, self.years):
            field.value = ()

    def _named(self) -> dict[str, str]:
        """Run ids by the names that people see: the scenario, with the run's time where two are of one. A run of the
        reference comes first, the older before the newer.
        """
        subjects = {run_id: self.desk.run(run_id).manifest["subject"] for run_id in self.runs.value[:MOST_RUNS]}
        subjects = dict(sorted(subjects.items(), key=lambda item: (item[1] != REFERENCE, item[0])))
        told = list(subjects.values())
        return {
            subject if told.count(subject) == 1 else f"{subject} {run_id[4:8]}-{run_id[9:15]}": run_id
            for run_id, subject in subjects.items()
        }

    def _compare(self) -> None:
        with parts.telling(self.message):
            named = self._named()
            folders = {name: self.desk.run(run_id).folder for name, run_id in named.items()}
            stamp = tuple((name, (folder / "manifest.json").stat().st_mtime_ns) for name, folder in folders.items())
            if stamp != self.opened:
                if self.comparison is not None:
                    self.comparison.close()
                self.comparison, self.opened = Comparison(folders), stamp
                _offer(self.levels, self.comparison.levels())
                _offer(self.years, self.comparison.years())
            more = len(self.runs.value) > MOST_RUNS
            self.message.value = parts.notice("warn", f"The first {MOST_RUNS} runs are shown.") if more else ""
            self._show()

    @property
    def selection(self) -> Selection:
        """What the filters say."""
        return Selection(tuple(self.statuses.value), tuple(self.levels.value), tuple(self.years.value))

    def _show(self) -> None:
        if self.comparison is None:
            return
        picked, metrics = self.comparison.picked(self.selection), self.comparison.metrics(self.selection)
        if picked.empty and metrics.empty:
            self.figures.value = '<p class="pw-empty">Nothing is published yet, or nobody is in the selection.</p>'
            self.metrics.value = self.charts.value = self.picked_charts.value = self.downloads.value = ""
            self.drawn = ()
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
        for name, run_id in self._named().items():
            for table, said in FILES:
                links = " ".join(
                    f'<a class="pw-link" href="{html.escape(address(run_id, table, kind, self.selection))}"'
                    f' aria-label="{html.escape(f"{label}: {said}, {name}")}" {NEW_TAB}>{label}</a>'
                    for kind, label in KINDS
                )
                rows.append(f"<tr><td>{html.escape(name)}</td><td>{html.escape(said)}</td><td>{links}</td></tr>")
        heads = "<thead><tr><th>Run</th><th>What</th><th>As</th></tr></thead>"
        workbook = (
            f'<p><a class="pw-link" href="{html.escape(workbook_address(self._named().values()))}" {NEW_TAB}>'
            "Workbook of these runs, side by side</a>: formatted sheets and charts, of all years and people.</p>"
        )
        table = f'<table class="planwise">{heads}<tbody>{"".join(rows)}</tbody></table>'
        return f'{workbook}<div class="pw-sheet">{table}</div>'


def _many(label: str, rows: int, css: str = "") -> widgets.SelectMultiple:
    return parts.labelled(widgets.SelectMultiple(description=label, rows=rows), css)


def _offer(field: widgets.SelectMultiple, options: list[int]) -> None:
    if list(field.options) != options:
        kept = [value for value in field.value if value in options]
        field.options = options
        field.value = kept


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

"""The tab Impact: what the open scenario and its changes do, before anything is simulated."""

from __future__ import annotations

import html
from collections.abc import Callable

import ipywidgets as widgets
import pandas as pd

from planwise_nb.apps.dashboard import parts
from planwise_nb.apps.dashboard.desk import REFERENCE, Desk
from planwise_nb.workforce.comparison.side_by_side import picked_chart
from planwise_nb.workforce.outlook import first_order_impact
from planwise_nb.workforce.scenario_store import open_scenario

COUNTS = {"closing_headcount": "Headcount at close", "hires": "Hires", "exits": "Exits"}
MONEY = {"payroll": "Payroll", "average_compensation": "Average pay"}
RATES = {"payroll_growth": "Payroll growth", "headcount_growth": "Headcount growth",
         "average_compensation_growth": "Average pay growth"}  # fmt: skip


class ImpactTab:
    """The tab's widgets, and whether what they show is of today."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.is_stale = True
        self.rows = pd.DataFrame()
        self.year = parts.labelled(widgets.Dropdown(description="Levels of year", options=[]))
        self.message, self.totals, self.levels, self.pictures = (parts.text("") for _ in range(4))
        self.year.observe(parts.guarded(self._show_levels, self.message), "value")
        desk.changed.append(self._changed)
        said = f"Expected values from the formulas, without a simulation, and the difference from {REFERENCE}."
        self.box = widgets.VBox([
            parts.card(parts.heading("First-order impact", said), self.message, self.totals),
            parts.card(parts.heading("By level"), self.year, self.levels),
            parts.card(parts.heading("Charts"), self.pictures),
        ])  # fmt: skip

    def _changed(self) -> None:
        self.is_stale = True

    def refresh(self) -> None:
        """Estimate anew where something changed."""
        if not self.is_stale:
            return
        self.rows = pd.DataFrame()
        self.totals.value = self.levels.value = self.pictures.value = ""
        self.message.value = parts.notice("note", "Reading the census and estimating …")
        with parts.telling(self.message):
            opened = self.desk.opened
            reference = open_scenario(self.desk.project, REFERENCE, years=(opened.years[0], opened.years[-1]))
            self.rows = first_order_impact([reference, self.desk.draft.member()], opened.census)
            self.is_stale = False
            self._show()

    def _show(self) -> None:
        changes = parts.counted(len(self.desk.changes), "change")
        said = f"{self.desk.opened.name}{f' with {changes} not saved' if self.desk.changes else ''}"
        self.message.value = parts.notice(
            "note",
            f"<strong>{html.escape(said)}</strong>: an estimate. It leaves out chance, who exactly leaves, "
            "and service of less than a year; run it to know.",
        )
        draft = self.rows[self.rows["scenario_id"] == "draft"]
        totals = draft[draft["level_id"].isna()]
        self.totals.value = _table(totals, "simulation_year", "Year", "The whole company, by year")
        years = [int(year) for year in totals["simulation_year"]]
        if list(self.year.options) != years:
            self.year.options = years
            self.year.value = years[-1]
        self._show_levels()
        both = self.rows[self.rows["level_id"].isna()].copy()
        names = {"draft": f"{self.desk.opened.name}, as changed"}
        both["run"] = both["scenario_id"].map(lambda name: names.get(name, name))
        both["place"] = (both["scenario_id"] == "draft").astype(int)
        drawn = [
            picked_chart(both, "payroll", "Payroll, estimated", "Currency units"),
            picked_chart(both, "closing_headcount", "Headcount at the close, estimated", "People"),
        ]
        self.pictures.value = f'<div class="pw-pictures">{"".join(map(parts.picture, drawn))}</div>'

    def _show_levels(self) -> None:
        rows = self.rows
        if rows.empty or self.year.value is None:
            return
        chosen = rows[(rows["scenario_id"] == "draft") & (rows["simulation_year"] == self.year.value)]
        of_levels = chosen[chosen["level_id"].notna()]
        self.levels.value = _table(of_levels, "level_id", "Level", f"By level, {self.year.value}")


def _table(rows: pd.DataFrame, key: str, title: str, caption: str) -> str:
    """Every figure, with its difference from the reference below it."""
    shapes = [(name, label, shape) for names, shape in FIGURES for name, label in names.items()]
    cells = [
        [
            (f"{int(row[key])}", ""),
            *((shape(row[name], ""), _distance(row[f"{name}_change"], shape)) for name, _, shape in shapes),
        ]
        for row in rows.to_dict("records")
    ]
    return parts.pairs([title, *(label for _, label, _ in shapes)], cells, caption)


def _count(value: float, sign: str) -> str:
    return f"{value:{sign},.1f}"


def _money(value: float, sign: str) -> str:
    return f"{value:{sign},.0f}"


def _rate(value: float, sign: str) -> str:
    return "–" if pd.isna(value) else f"{100 * value:{sign}.2f} %".replace("-", "−")


FIGURES = ((COUNTS, _count), (MONEY, _money), (RATES, _rate))


def _distance(value: float, shape: Callable[[float, str], str]) -> str:
    told = shape(value, "+").replace("-", "−").replace(" %", " points")
    return told if any(digit in told for digit in "123456789") else ""

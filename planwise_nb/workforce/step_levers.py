"""The levers of a step: which figures of the scenario concern it, what the run uses, and a field for each."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import ipywidgets as widgets
import pandas as pd

from planwise_nb.workforce.figures import figure_schema, number_in_range, plain
from planwise_nb.workforce.parameter_layers import PARAMETERS
from planwise_nb.workforce.scenario import SECTIONS

CONCERNS = {
    "workforce_baseline": tuple(SECTIONS),
    "workforce_requirements": ("simulation", "workforce"),
    "event_generation": ("compensation", "hiring"),
}
"""By step the sections of the scenario that it counts with; the first of them resolves all parameters of the year."""

FIGURES = {name: figure for figure, name in reversed(PARAMETERS.items())}
"""By parameter the section and key of the scenario that state it."""

RESOLVED = """
    select parameter_name, level_id, parameter_value, parameter_source, is_locked
    from int_effective_parameters
    where simulation_year = $year and scenario_id = $scenario
    order by parameter_name, level_id
"""
NAME_WIDTH, FIELD_WIDTH = "370px", "84px"
EVERYONE = "everyone"

Change = tuple[str, int | None]
Changes = dict[Change, Decimal]


@dataclass(frozen=True)
class LeverValue:
    """A lever as the run uses it for a step's year; ``level_id`` is None for a rate of everyone."""

    parameter_name: str
    level_id: int | None
    parameter_value: Decimal
    parameter_source: str
    is_locked: bool = False

    @property
    def change(self) -> Change:
        """What names it among the changes of a panel."""
        return self.parameter_name, self.level_id

    @property
    def title(self) -> str:
        """The lever as people read it."""
        return self.parameter_name if self.level_id is None else f"{self.parameter_name}, {self.whose}"

    @property
    def whose(self) -> str:
        """The people that it is about."""
        return EVERYONE if self.level_id is None else f"level {self.level_id}"

    @property
    def schema(self) -> dict[str, Any]:
        """Unit and range."""
        section, key = FIGURES[self.parameter_name]
        return figure_schema(SECTIONS[section].model_fields[key]) or {}

    @property
    def help(self) -> str:
        """What the scenario says it means."""
        section, key = FIGURES[self.parameter_name]
        return str(SECTIONS[section].model_fields[key].description)


def levers_of(step: str, resolved: pd.DataFrame) -> list[LeverValue]:
    """The levers that concern ``step``, from the rows of ``RESOLVED``."""
    sections = CONCERNS.get(step, ())
    return [
        LeverValue(
            row["parameter_name"],
            None if pd.isna(row["level_id"]) else int(row["level_id"]),
            Decimal(str(row["parameter_value"])),
            row["parameter_source"],
            bool(row["is_locked"]),
        )
        for row in resolved.to_dict("records")
        if FIGURES[row["parameter_name"]][0] in sections
    ]


class LeverFields:
    """A field for each of ``levers``: a line a lever, a column for everyone or for each level."""

    def __init__(self, levers: Sequence[LeverValue]) -> None:
        self._levers = {lever.change: lever for lever in levers}
        self._fields = {change: _field(lever) for change, lever in self._levers.items()}
        self.view = self._grid() if levers else widgets.VBox()

    @property
    def fields(self) -> Mapping[Change, widgets.FloatText]:
        """The fields by lever."""
        return self._fields

    @property
    def changes(self) -> Changes:
        """The levers whose field holds another value than the run uses."""
        given = {change: Decimal(str(round(field.value, 6))) for change, field in self._fields.items()}
        return {change: value for change, value in given.items() if value != self._levers[change].parameter_value}

    def told(self) -> list[str]:
        """The changes as people read them: ``target_growth_rate 0.03 → 0.05``."""
        now = {change: lever.parameter_value for change, lever in self._levers.items()}
        return [
            f"{self._levers[change].title} {plain(now[change])} → {plain(value)}"
            for change, value in self.changes.items()
        ]

    def faults(self) -> list[str]:
        """The fields whose value is out of range, as people read them, with what is allowed."""
        found = []
        for change, value in self.changes.items():
            try:
                number_in_range(value, self._levers[change].schema)
            except ValueError as error:
                found.append(f"{self._levers[change].title} {error}, not {plain(value)}")
        return found

    def reset(self) -> None:
        """Put every field back to what the run uses."""
        for change, field in self._fields.items():
            field.value = float(self._levers[change].parameter_value)

    def _grid(self) -> widgets.GridBox:
        """Names and units on the left, a column each for everyone or a level that some lever has."""
        levels = sorted({level for _, level in self._levers}, key=lambda level: level or 0)
        heads = [widgets.Label(EVERYONE if level is None else f"level {level}") for level in levels]
        cells: list[widgets.Widget] = [widgets.Label("lever"), *heads]
        for name in dict.fromkeys(name for name, _ in self._levers):
            cells.append(_meaning([lever for lever in self._levers.values() if lever.parameter_name == name]))
            cells += [self._fields.get((name, level)) or widgets.Label() for level in levels]
        columns = f"{NAME_WIDTH} repeat({len(levels)}, {FIELD_WIDTH})"
        layout = widgets.Layout(grid_template_columns=columns, grid_gap="2px 8px", align_items="center")
        return widgets.GridBox(cells, layout=layout)


def _meaning(levers: Sequence[LeverValue]) -> widgets.HTML:
    first, sources = levers[0], dict.fromkeys(lever.parameter_source for lever in levers)
    schema = first.schema
    said = f"{schema['unit']}; {schema['minimum']} to {schema['maximum']}; from {', '.join(sources)}"
    lines = f"<b>{first.parameter_name}</b><br><small>{html.escape(first.help)}<br>{html.escape(said)}</small>"
    return widgets.HTML(f'<div style="line-height:1.3">{lines}</div>')


def _field(lever: LeverValue) -> widgets.FloatText:
    """The field of a lever. Its description is its label for screen readers; the eye has the grid's heads.

    It holds whatever is typed: a bounded field would put the end of the range in its place, and nobody would know.
    """
    schema = lever.schema
    locked = "; locked in comp_levers.csv" if lever.is_locked else ""
    return widgets.FloatText(
        value=float(lever.parameter_value),
        step=0.001,
        description=lever.title,
        disabled=lever.is_locked,
        tooltip=f"{lever.title}: {schema['unit']}, {schema['minimum']} to {schema['maximum']}{locked}",
        style={"description_width": "0px"},
        layout={"width": FIELD_WIDTH, "margin": "0px"},
    )

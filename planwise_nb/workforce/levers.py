"""Levers: parameters that a planner may set by scenario, year and job level in ``comp_levers.csv``."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from planwise_nb.core.errors import Problem
from planwise_nb.workforce.csv_tables import SAMPLE, Cell, Row, Table, filled, number, one_of, whole
from planwise_nb.workforce.figures import figure_schema, number_in_range, plain, rounded
from planwise_nb.workforce.scenario import SCENARIO_NAME, SECTIONS

TRUE = ("1", "true")
"""How a table says that a row is locked, in small letters."""


@dataclass(frozen=True)
class Lever:
    """A parameter of ``comp_levers.csv``: the event that it belongs to, and the scenario key with its range."""

    event_type: str
    section: str
    key: str

    @property
    def schema(self) -> dict[str, Any]:
        """Unit and range, those of the scenario key."""
        return figure_schema(SECTIONS[self.section].model_fields[self.key]) or {}


LEVERS = {
    "merit_base": Lever("RAISE", "compensation", "merit_base"),
    "cola_rate": Lever("RAISE", "compensation", "cola_rate"),
    "promotion_probability": Lever("PROMOTION", "compensation", "promotion_probability"),
    "promotion_raise": Lever("PROMOTION", "compensation", "promotion_raise"),
    "new_hire_salary_adjustment": Lever("HIRE", "hiring", "new_hire_salary_adjustment"),
}
"""The levers by parameter name."""


@dataclass(frozen=True, kw_only=True)
class LeverRow:
    """One row of ``comp_levers.csv``; year or level is None for all; ``where`` is its file and line.

    ``is_rounded``: the table states more than six decimals.
    """

    scenario_id: str
    fiscal_year: int | None
    job_level: int | None
    parameter_name: str
    parameter_value: Decimal
    is_locked: bool
    created_at: dt.datetime
    created_by: str
    where: str
    is_rounded: bool = False


def read_levers(path: Path, problems: list[Problem]) -> list[LeverRow]:
    """All lever rows of ``path``, values rounded to six decimals; what is wrong goes to ``problems``."""
    table = Table(path)
    cells: dict[str, Cell] = {
        "scenario_id": _scenario_name,
        "fiscal_year": whole(1900, 2200, blank=True),
        "job_level": whole(1, 99, blank=True),
        "event_type": one_of("RAISE", "PROMOTION", "HIRE"),
        "parameter_name": one_of(*LEVERS),
        "parameter_value": number,
        "is_locked": _truth,
        "created_at": _moment,
        "created_by": filled,
    }
    rows = table.rows(cells)
    table.unique(rows, ("scenario_id", "fiscal_year", "job_level", "parameter_name"))
    for row in rows:
        _check_row(row, table)
    problems += table.problems()
    return [] if table.problems() else [_lever_row(row, path) for row in rows]


def _lever_row(row: Row, path: Path) -> LeverRow:
    values = {name: value for name, value in row.cells.items() if name != "event_type"}
    stated = row["parameter_value"]
    values["parameter_value"] = rounded(stated)
    return LeverRow(**values, where=f"{path}:{row.line}", is_rounded=rounded(stated) != stated)


def rounding_warnings(rows: Iterable[LeverRow]) -> Iterator[Problem]:
    """One warning where values of ``rows`` were rounded: a table may state more decimals than are counted with."""
    yield from _warning(
        rule="rounded_lever",
        what="a parameter_value has more than 6 decimals and is used rounded to 6",
        fix="Nothing, where that is close enough; else state what is meant in 6 decimals.",
        found=[f"{row.where} {row.parameter_name}: {plain(row.parameter_value)}" for row in rows if row.is_rounded],
    )


def stranger_warnings(rows: Iterable[LeverRow], names: Collection[str]) -> Iterator[Problem]:
    """One warning where ``rows`` are of scenarios that are not among ``names``: who removes a scenario need not clear
    the table, and who misspells one is told.
    """
    strangers: dict[str, LeverRow] = {}
    for row in rows:
        if row.scenario_id not in names:
            strangers.setdefault(row.scenario_id, row)
    yield from _warning(
        rule="unknown_scenario",
        what="a scenario_id is of no scenario, and its rows are not used",
        fix="Correct scenario_id, put the scenario's YAML file back beside the table, or remove the rows.",
        found=[_stranger(row, names) for row in strangers.values()],
    )


def _warning(rule: str, what: str, fix: str, found: Sequence[str]) -> Iterator[Problem]:
    if found:
        sample = tuple(found[:SAMPLE])
        yield Problem(rule=rule, where="comp_levers.csv", what=what, fix=fix, count=len(found), sample=sample)


def _stranger(row: LeverRow, names: Collection[str]) -> str:
    near = get_close_matches(row.scenario_id.lower(), names, 1, 0.6)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"{row.where}: there is no scenario {row.scenario_id!r}{hint}"


def _check_row(row: Row, table: Table) -> None:
    name = row["parameter_name"]
    lever = LEVERS[name]
    if row["event_type"] != lever.event_type:
        found = f"line {row.line}: {row['event_type']}"
        fix = f"Write {lever.event_type} as the event_type of {name}."
        table.fault("event_type", f"{name} does not belong to this event_type", found, fix)
    try:
        number_in_range(row["parameter_value"], lever.schema)
    except ValueError as error:
        found = f"line {row.line}: {row['parameter_value']}"
        table.fault("figure", f"the parameter_value of {name} {error}", found, "Correct the values.")


def _scenario_name(text: str) -> str:
    if not re.fullmatch(SCENARIO_NAME, text):
        raise ValueError("must be the name of a scenario: 1 to 64 letters a-z, digits, _ or -")
    return text


def _truth(text: str) -> bool:
    if text.lower() not in {"0", "1", "true", "false"}:
        raise ValueError("must be 0, 1, true or false")
    return text.lower() in TRUE


def _moment(text: str) -> dt.datetime:
    try:
        return dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError("must be a date or time such as 2025-06-30") from error

"""The tables beside the scenarios: job levels, hazards with their multipliers, and the timing of raises."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from planwise_nb.core.errors import InputError, Problem
from planwise_nb.workforce.csv_tables import Cell, Table, exact, filled, number, one_of, whole
from planwise_nb.workforce.figures import plain
from planwise_nb.workforce.job_levels import JobLevel, check_job_levels

AGE_BANDS = ("< 25", "25-34", "35-44", "45-54", "55-64", "65+")
TENURE_BANDS = ("< 2", "2-4", "5-9", "10-19", "20+")

HAZARDS = (
    ("termination", "level_discount_factor"),
    ("termination", "min_level_discount_multiplier"),
    ("promotion", "base_rate"),
    ("promotion", "level_dampener_factor"),
)
"""Event type and name of every hazard parameter; each is a share from 0 to 1."""

_BANDS = (*product(["age"], AGE_BANDS), *product(["tenure"], TENURE_BANDS))
_NEVER_PROMOTED = ("promotion", "age", "65+")
MULTIPLIERS = tuple(
    (event, *band) for event in ("termination", "promotion") for band in _BANDS if (event, *band) != _NEVER_PROMOTED
)
"""Event type, dimension and band of every hazard multiplier; nobody of 65 or over is promoted."""

BESIDE = ("job_levels", "hazards", "hazard_multipliers", "raise_timing")
"""The names of the tables."""


@dataclass(frozen=True)
class Tables:
    """What the tables say, each in a fixed order.

    ``hazards``: (event_type, parameter_name) to a share; ``hazard_multipliers``: (event_type, dimension, band) to a
    factor; ``raise_timing``: month to its share of the year's raises; ``files``: the paths that were read.
    """

    job_levels: tuple[JobLevel, ...]
    hazards: dict[tuple[str, str], Decimal]
    hazard_multipliers: dict[tuple[str, str, str], Decimal]
    raise_timing: dict[int, Decimal]
    files: tuple[Path, ...]


def find_table(name: str, folders: Sequence[Path]) -> Path | None:
    """The file ``name``.csv in the first of ``folders`` that has it."""
    return next((path for folder in folders if os.path.lexists(path := folder / f"{name}.csv")), None)


def read_tables(folders: Sequence[Path], problems: list[Problem]) -> Tables:
    """Every table from the first of ``folders`` that has it; what is wrong goes to ``problems``."""
    paths = {name: path for name in BESIDE if (path := find_table(name, folders))}
    searched = ", ".join(str(folder) for folder in folders)
    for name in BESIDE:
        if name not in paths:
            fix = f"Copy {name}.csv from the scenarios that the project ships."
            what = f"the table is in none of the folders {searched}"
            problems.append(Problem(rule="table_missing", where=f"{name}.csv", what=what, fix=fix))
    tables = {name: Table(path) for name, path in paths.items()}
    result = Tables(
        job_levels=_job_levels(tables["job_levels"]) if "job_levels" in tables else (),
        hazards=_hazards(tables["hazards"]) if "hazards" in tables else {},
        hazard_multipliers=_multipliers(tables["hazard_multipliers"]) if "hazard_multipliers" in tables else {},
        raise_timing=_raise_timing(tables["raise_timing"]) if "raise_timing" in tables else {},
        files=tuple(paths.values()),
    )
    problems += [problem for table in tables.values() for problem in table.problems()]
    return result


def _job_levels(table: Table) -> tuple[JobLevel, ...]:
    cells: dict[str, Cell] = {
        "level_id": whole(1, 99),
        "name": filled,
        "min_compensation": number,
        "max_compensation": number,
    }
    levels = []
    rows = table.rows(cells)
    for row in rows:
        try:
            levels.append(JobLevel(**row.cells))
        except ValidationError as error:
            for fault in error.errors():
                what = " ".join([*map(str, fault["loc"]), fault["msg"]])
                table.fault("job_level", what, f"line {row.line}", "Correct the pay range in these lines.")
    if not rows or len(levels) < len(rows):
        return ()
    try:
        return check_job_levels(levels, str(table.path))
    except InputError as error:
        for problem in error.problems:
            for found in problem.sample or ("the column level_id",):
                table.fault(problem.rule, problem.what, found, problem.fix)
        return ()


def _hazards(table: Table) -> dict[tuple[str, str], Decimal]:
    cells: dict[str, Cell] = {
        "event_type": one_of("termination", "promotion"),
        "parameter_name": one_of(*(name for _, name in HAZARDS)),
        "parameter_value": exact("0", "1"),
    }
    return _complete(table, cells, HAZARDS, "parameter_value")


def _multipliers(table: Table) -> dict[tuple[str, str, str], Decimal]:
    cells: dict[str, Cell] = {
        "event_type": one_of("termination", "promotion"),
        "dimension": one_of("age", "tenure"),
        "band": one_of(*AGE_BANDS, *TENURE_BANDS),
        "multiplier": exact("0", "100"),
    }
    return _complete(table, cells, MULTIPLIERS, "multiplier")


def _raise_timing(table: Table) -> dict[int, Decimal]:
    cells: dict[str, Cell] = {"month": whole(1, 12), "percentage": exact("0", "1")}
    shares = _complete(table, cells, tuple((month,) for month in range(1, 13)), "percentage")
    total = sum(shares.values(), Decimal(0))
    if shares and total != 1:
        fix = "Change the shares so that they add up to exactly 1."
        table.fault("shares", "the column percentage does not add up to 1", f"it adds up to {plain(total)}", fix)
    return {month: share for (month,), share in shares.items()}


def _complete(
    table: Table, cells: dict[str, Cell], expected: Sequence[tuple[Any, ...]], value: str
) -> dict[Any, Decimal]:
    """The column ``value`` by the other columns, which must be exactly the ``expected`` ones; empty if they are not."""
    columns = tuple(column for column in cells if column != value)
    rows = table.unique(table.rows(cells), columns)
    if table.problems():
        return {}
    for key in rows.keys() - set(expected):
        found = f"line {rows[key].line}: {_listed(key)}"
        if key == _NEVER_PROMOTED:
            what = "a figure without effect: nobody of 65 or over is promoted"
            table.fault("no_effect", what, found, "Remove the row.")
        else:
            table.fault("unknown_row", f"{_listed(columns)} do not belong together", found, "Remove the row.")
    for key in expected:
        if key not in rows:
            fix = f"Add a row for each: {_listed(columns)}, {value}."
            table.fault("missing_row", "rows are missing", _listed(key), fix)
    return {} if table.problems() else {key: rows[key][value] for key in expected}


def _listed(values: Any) -> str:
    return ", ".join(map(str, values))

"""Targets: what a metric of the simulated years shall be, how close, and how much that matters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path

from planwise_nb.core.errors import InputError, Problem
from planwise_nb.workforce.csv_tables import Cell, Row, Table, number, one_of, whole
from planwise_nb.workforce.figures import plain, rounded, typed_number

RATES = (
    "average_compensation_growth",
    "same_people_compensation_growth",
    "prorated_compensation_growth",
    "promotion_rate",
    "median_merit_increase",
    "level_share",
)
"""Metrics that are shares of one: a target holds for the mean of all years, its tolerance is in points of one."""

AMOUNTS = ("payroll", "average_compensation", "median_compensation", "closing_headcount", "level_median_compensation")
"""Metrics in money or people: a target holds for the last year, its tolerance is a share of the target."""

BY_LEVEL = ("level_share", "level_median_compensation")
"""Metrics of one level, which is named behind a dot: ``level_share.3``."""

SHORT = {
    "growth": "average_compensation_growth",
    "same_people_growth": "same_people_compensation_growth",
    "prorated_growth": "prorated_compensation_growth",
    "headcount": "closing_headcount",
}
"""Names that a person may write for a metric."""

COLUMNS = ("scenario_id", "fiscal_year", "metric_name", "target_value", "tolerance_pct", "priority", "description")
"""The columns of a file of targets."""

_IN_FILES = {
    "total_compensation_cost": "payroll",
    "total_employees": "closing_headcount",
    "compensation_growth_rate": "average_compensation_growth",
    "promotion_rate": "promotion_rate",
    "median_merit_increase": "median_merit_increase",
}
_MEDIAN_IN_FILES = re.compile(r"level_([1-9][0-9]?)_median_salary")
_TYPED = re.compile(r"([a-z_]+)(?:\.([1-9][0-9]?))?(?:@([0-9]{4})(?:-([0-9]{4}))?)?(<=|>=|=)(.{1,40})")
WRITTEN = (
    "Write --target growth=0.02 for the mean of all years, payroll@2027=60e6 for one year,"
    " 'payroll<=60e6' for a cap, level_share.5=0.04 for a level."
)
PRIORITIES = {"high": 1.0, "medium": 0.1, "low": 0.01}
"""How much a missed target weighs against others."""


@dataclass(frozen=True)
class Target:
    """What ``metric`` shall be over ``years`` (their arithmetic mean): ``relation`` ``=``, ``<=`` or ``>=`` the value.

    ``name`` is what a person wrote before the relation; ``tolerance`` is in the metric's own unit; a cap (``<=``) and
    a floor (``>=``) are kept to the last unit.
    """

    name: str
    metric: str
    years: tuple[int, ...]
    relation: str
    value: Decimal
    tolerance: Decimal
    priority: str = "high"


def read_targets(items: Sequence[str], tolerance: Decimal, *, years: Sequence[int], levels: int) -> tuple[Target, ...]:
    """The targets that ``items`` such as ``growth=0.02`` name, of a scenario over ``years`` with so many levels.

    ``tolerance``: of a rate in points of one, of an amount as a share of the target. Raises ``InputError`` for an item
    that cannot be read, and for a metric or a year that is not there.
    """
    problems: list[Problem] = []
    found: dict[str, Target] = {}
    for item in items:
        try:
            target = _target(item, tolerance, years, levels)
            if target.name in found:
                raise ValueError(f"{target.name} is given twice")
            found[target.name] = target
        except ValueError as error:
            problems.append(Problem(rule="target", where=f"--target {item[:100]}", what=str(error), fix=WRITTEN))
    if problems:
        raise InputError("A target cannot be used.", problems)
    return tuple(found.values())


def _target(item: str, tolerance: Decimal, years: Sequence[int], levels: int) -> Target:
    match = _TYPED.fullmatch(item.strip())
    value = typed_number(match[6].strip()) if match else None
    if match is None or value is None:
        raise ValueError("it is not metric=number, the number with six decimals at most")
    name, level, first, last, relation, _ = match.groups()
    metric = SHORT.get(name, name)
    if metric not in (*RATES, *AMOUNTS):
        near = get_close_matches(name, (*SHORT, *RATES, *AMOUNTS), 1, 0.5)
        raise ValueError(f"there is no metric {name}; " + (f"did you mean {near[0]}?" if near else _known()))
    if (metric in BY_LEVEL) != (level is not None):
        raise ValueError(f"{name} is of one level: {name}.3=…" if level is None else f"{name} has no levels")
    if level is not None and int(level) > levels:
        raise ValueError(f"there is no level {level}, the highest is {levels}")
    meant = _years(metric, first, last, years)
    if value <= 0 and metric in AMOUNTS:
        raise ValueError(f"{name} of {plain(value)} is nothing to aim at")
    off = tolerance if metric in RATES else rounded(value * tolerance)
    named = item.strip().partition(relation)[0]
    return Target(named, metric + (f".{level}" if level else ""), meant, relation, value, off)


def _years(metric: str, first: str | None, last: str | None, years: Sequence[int]) -> tuple[int, ...]:
    if first is None:
        return tuple(years) if metric in RATES else (years[-1],)
    meant = tuple(range(int(first), int(last or first) + 1))
    if not meant or not set(meant) <= set(years):
        raise ValueError(f"{first}{f'-{last}' if last else ''} is not within the years {years[0]} to {years[-1]}")
    return meant


def _known() -> str:
    return f"the metrics are {', '.join((*SHORT, *RATES, *AMOUNTS))}"


def read_target_file(path: Path, scenario: str, *, years: Sequence[int], levels: int) -> tuple[Target, ...]:
    """The targets of ``scenario`` in the CSV file at ``path``, else those of ``default``; of simulated years only.

    Raises ``InputError`` with all that is wrong with the file, and where it has no target for these years.
    """
    table = Table(path)
    cells: dict[str, Cell] = {
        "scenario_id": str,
        "fiscal_year": whole(1900, 2200),
        "metric_name": _metric,
        "target_value": number,
        "tolerance_pct": number,
        "priority": one_of(*PRIORITIES),
        "description": str,
    }
    rows = table.rows(cells)
    table.unique(rows, ("scenario_id", "fiscal_year", "metric_name"))
    for row in rows:
        if not 0 <= row["tolerance_pct"] <= 1:
            table.fault("tolerance", "tolerance_pct is a share from 0 to 1", f"line {row.line}", "Write 0.02 for 2 %.")
        if int(row["metric_name"].partition(".")[2] or 0) > levels:
            fix = f"The highest level is {levels}: remove these rows."
            table.fault("unknown_level", "a metric is of a level that is not there", f"line {row.line}", fix)
    if problems := table.problems():
        raise InputError("The file of targets cannot be used.", problems)
    named = scenario if any(row["scenario_id"] == scenario for row in rows) else "default"
    meant = [row for row in rows if row["scenario_id"] == named and row["fiscal_year"] in years]
    targets = tuple(map(_of_row, meant))
    if not targets:
        fix = f"Give rows with scenario_id {scenario} or default, and a fiscal_year from {years[0]} to {years[-1]}."
        raise InputError(f"{path} has no target for scenario {scenario} in these years.", fix=fix)
    return targets


def _metric(text: str) -> str:
    if median := _MEDIAN_IN_FILES.fullmatch(text):
        return f"level_median_compensation.{median[1]}"
    known = dict.fromkeys((*_IN_FILES, *SHORT, *RATES, *AMOUNTS))
    if text not in known:
        near = get_close_matches(text, known, 1, 0.6)
        raise ValueError(f"is no metric{f'; did you mean {near[0]}?' if near else ': ' + ', '.join(known)}")
    return _IN_FILES.get(text, SHORT.get(text, text))


def _of_row(row: Row) -> Target:
    metric, year = row["metric_name"], row["fiscal_year"]
    value = rounded(row["target_value"])
    off = rounded(abs(value) * row["tolerance_pct"])
    return Target(f"{metric}@{year}", metric, (year,), "=", value, off, row["priority"])

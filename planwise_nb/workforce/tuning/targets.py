"""Targets: what a metric of the simulated years shall be, how close, and how much that matters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path

from planwise_nb.core.errors import InputError, Problem
from planwise_nb.workforce.csv_tables import Cell, Row, Table, exact, one_of, whole
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
    found: list[Target] = []
    for item in items:
        try:
            found.append(_target(item, tolerance, years, levels))
        except ValueError as error:
            problems.append(Problem(rule="target", where=f"--target {item[:100]}", what=str(error), fix=WRITTEN))
    if problems:
        raise InputError("A target cannot be used.", problems)
    return tuple(found)


def _target(item: str, tolerance: Decimal, years: Sequence[int], levels: int) -> Target:
    match = _TYPED.fullmatch("".join(item.split()))
    value = typed_number(match[6].strip()) if match else None
    if match is None or value is None:
        raise ValueError("it is not metric=number (below 1e18, with six decimals at most)")
    name, level, first, last, relation, _ = match.groups()
    metric = _known_metric(name, level)
    meant = _years(metric, first, last, years)
    off = tolerance if _is_rate(metric) else value * tolerance
    named = "".join(item.split()).partition(relation)[0]
    return _checked(Target(named, metric, meant, relation, value, rounded(off)), levels)


def _known_metric(name: str, level: str | None) -> str:
    metric = SHORT.get(name, name)
    if metric not in (*RATES, *AMOUNTS):
        near = get_close_matches(name, (*SHORT, *RATES, *AMOUNTS), 1, 0.5)
        raise ValueError(f"there is no metric {name}; " + (f"did you mean {near[0]}?" if near else _known()))
    if (metric in BY_LEVEL) != (level is not None):
        raise ValueError(f"{name} is of one level: {name}.3" if level is None else f"{name} has no levels")
    return metric if level is None else f"{metric}.{level}"


def _checked(target: Target, levels: int) -> Target:
    """The target with a tolerance that can be met. A ValueError says why it is none."""
    metric, _, level = target.metric.partition(".")
    if level and int(level) > levels:
        raise ValueError(f"there is no level {level}, the highest is {levels}")
    if metric in AMOUNTS and target.value <= 0:
        raise ValueError(f"{target.name} of {plain(target.value)} is nothing to aim at")
    lowest = -1 if metric.endswith("growth") else 0
    is_rate = _is_rate(target.metric)
    if is_rate and not lowest <= target.value <= 1:
        raise ValueError(f"{target.name} of {plain(target.value)} is not from {lowest} to 1")
    least = Decimal("0.000001") if is_rate else Decimal("0.5" if metric == "closing_headcount" else "0.01")
    return replace(target, tolerance=max(target.tolerance, least))


def _years(metric: str, first: str | None, last: str | None, years: Sequence[int]) -> tuple[int, ...]:
    if first is None:
        return tuple(years) if _is_rate(metric) else (years[-1],)
    meant = tuple(range(int(first), int(last or first) + 1))
    if not meant or not set(meant) <= set(years):
        raise ValueError(f"{first}{f'-{last}' if last else ''} is not within the years {years[0]} to {years[-1]}")
    return meant


def _is_rate(metric: str) -> bool:
    return metric.partition(".")[0] in RATES


def _known() -> str:
    return f"the metrics are {', '.join((*SHORT, *RATES, *AMOUNTS))}"


def read_target_file(path: Path, scenario: str, *, years: Sequence[int], levels: int) -> tuple[Target, ...]:
    """The targets of ``scenario`` in the CSV file at ``path``, else those of ``default``; of simulated years only.

    Raises ``InputError`` with all that is wrong with the file, and where it has no target for these years.
    """
    if not path.is_file():
        raise InputError(f"There is no file {path}.", fix="Name the file with your targets after --targets.")
    table = Table(path)
    cells: dict[str, Cell] = {
        "scenario_id": str,
        "fiscal_year": whole(1900, 2200),
        "metric_name": _metric,
        "target_value": exact("-1e15", "1e15"),
        "tolerance_pct": exact("0", "1"),
        "priority": one_of(*PRIORITIES),
        "description": str,
    }
    rows = table.rows(cells)
    table.unique(rows, ("scenario_id", "fiscal_year", "metric_name"))
    named = scenario if any(row["scenario_id"] == scenario for row in rows) else "default"
    targets = []
    for row in rows:
        if row["scenario_id"] == named and row["fiscal_year"] in years:
            try:
                targets.append(_checked(_of_row(row), levels))
            except ValueError as error:
                table.fault("target", str(error), f"line {row.line}", "Correct or remove these rows.")
    if problems := table.problems():
        raise InputError("The file of targets cannot be used.", problems)
    if not targets:
        fix = f"Give rows with scenario_id {scenario} or default, and a fiscal_year from {years[0]} to {years[-1]}."
        raise InputError(f"{path} has no target for scenario {scenario} in these years.", fix=fix)
    return tuple(targets)


def _metric(text: str) -> str:
    if median := _MEDIAN_IN_FILES.fullmatch(text):
        return f"level_median_compensation.{median[1]}"
    name, _, level = text.partition(".")
    known = dict.fromkeys((*_IN_FILES, *SHORT, *RATES, *AMOUNTS))
    if name not in known or not re.fullmatch(r"|[1-9][0-9]?", level):
        near = get_close_matches(text, known, 1, 0.6)
        raise ValueError(f"is no metric{f'; did you mean {near[0]}?' if near else ': ' + ', '.join(known)}")
    return _IN_FILES.get(text) or _known_metric(name, level or None)


def _of_row(row: Row) -> Target:
    metric, year = row["metric_name"], row["fiscal_year"]
    value = rounded(row["target_value"])
    off = rounded(abs(value) * row["tolerance_pct"])
    return Target(f"{metric}@{year}", metric, (year,), "=", value, off, row["priority"])

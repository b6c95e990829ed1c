"""Thresholds of metrics, of which an ensemble tells the chance of passing them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path

from planwise_nb.core.errors import InputError, Problem
from planwise_nb.workforce.figures import plain, typed_number

METRICS = (
    "opening_headcount",
    "hires",
    "experienced_terminations",
    "reductions",
    "new_hire_terminations",
    "closing_headcount",
    "target_headcount",
    "merit_raises",
    "promotions",
    "hire_rate",
    "termination_rate",
    "new_hire_termination_rate",
    "promotion_rate",
    "payroll",
    "person_years",
    "payroll_per_person_year",
    "average_compensation",
    "median_compensation",
    "average_compensation_growth",
    "same_people_compensation_growth",
    "prorated_compensation_growth",
    "headcount_growth",
    "compound_growth_rate",
)
"""The metrics of ``fct_year_metrics`` of which bands are made, as the macro ``banded_metrics`` lists them."""


@dataclass(frozen=True)
class Threshold:
    """A value of a metric, in the metric's own unit."""

    metric: str
    threshold: Decimal


def read_thresholds(items: Sequence[str]) -> tuple[Threshold, ...]:
    """The ``metric=threshold`` items. Raises ``InputError`` for an item that cannot be read or names no metric."""
    problems: list[Problem] = []
    found: dict[Threshold, None] = {}
    for item in items:
        metric, _, text = item.partition("=")
        number = typed_number(text)
        if number is None:
            fix = "Write --exceeds payroll=60e6, for example; a number has six decimals at most."
            problems.append(_problem(item, "it is not metric=number", fix))
        elif metric not in METRICS:
            near = get_close_matches(metric, METRICS, 1)
            fix = f"Did you mean {near[0]}?" if near else f"The metrics are {', '.join(METRICS)}."
            problems.append(_problem(item, f"there is no metric {metric[:60]}", fix))
        else:
            found[Threshold(metric, number)] = None
    if problems:
        raise InputError("A threshold cannot be used.", problems)
    return tuple(found)


def _problem(item: str, what: str, fix: str) -> Problem:
    return Problem(rule="threshold", where=f"--exceeds {item[:100]}", what=what, fix=fix)


def write_thresholds(thresholds: Sequence[Threshold], folder: Path) -> None:
    """Write ``thresholds.csv``, which the models read, into ``folder``."""
    with (folder / "thresholds.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("metric", "threshold"))
        writer.writerows((one.metric, plain(one.threshold)) for one in thresholds)

"""The tables of a comparison, for a notebook, a page and a terminal; their cells are texts, not escaped yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from planwise_nb.core.display import MISSING, Table
from planwise_nb.workforce.comparison.explanation import Explanation, between, over_years
from planwise_nb.workforce.summary_sections import shown

MONEY, PEOPLE = ",.2f", ",d"
PARTS = {
    "payroll": {
        "volume": "Volume",
        "level_mix": "Level mix",
        "rate": "Rate",
        "hires": "Hires",
        "exits": "Exits",
        "promotion": "Promotion",
        "merit_and_cola": "Merit and COLA",
    },
    "headcount": {
        "volume": "Volume",
        "hires": "Hires",
        "exits": "Exits",
        "reductions": "Reductions",
        "new_hire_exits": "New-hire exits",
    },
}
"""By what is bridged the parts in their order, and what people read."""

SHAPES = {"payroll": MONEY, "headcount": PEOPLE}
TITLES = {"payroll": "Payroll", "headcount": "Headcount at year end"}
METRICS = {
    "closing_headcount": ("Headcount at year end", PEOPLE),
    "hires": ("Hires", PEOPLE),
    "exits": ("Exits", PEOPLE),
    "promotions": ("Promotions", PEOPLE),
    "payroll": ("Payroll", MONEY),
    "payroll_per_person_year": ("Payroll per person-year", MONEY),
    "average_compensation": ("Average pay", MONEY),
    "headcount_growth": ("Headcount growth", ".2%"),
    "average_compensation_growth": ("Growth of average pay", ".2%"),
    "same_people_compensation_growth": ("Pay growth, same people", ".2%"),
}
"""By metric what people read, and its format."""

LONGEST = 40
"""Characters of a heading."""

HIDDEN = "under 10"
"""What stands for the figures of a group that is too small to be told."""


def levers(found: Explanation) -> Table:
    """What the other sides set otherwise than the first: a row a parameter and pair of values."""
    rows = [
        (
            str(row["to_scenario_id"]),
            str(row["parameter_name"]),
            _spans(row["levels"]) or "all",
            _spans(row["simulation_years"]),
            shown(row["from_value"], ".10g"),
            shown(row["to_value"], ".10g"),
        )
        for row in found.levers.to_dict("records")
    ]
    header = ("Scenario", "Lever", "Levels", "Years", f"In {found.names[0]}", "There")
    return _table(header, rows, numbers=2, caption="Levers that differ" if rows else "No lever differs")


def metrics(found: Explanation) -> Table:
    """The metrics by year, a column a side; where there are two, how far they lie apart."""
    names = found.names
    header = ["Metric", "Year", *names, *([_apart(*names)] if len(names) == 2 else [])]  # noqa: PLR2004
    rows = []
    for (metric, year), of_sides in found.metrics.groupby(["metric", "simulation_year"], sort=False):
        title, shape = METRICS[str(metric)]
        values = [shown(value, shape) for value in of_sides["metric_value"]]
        apart = [_signed(of_sides["difference"].iloc[-1], shape)] if len(header) > len(names) + 2 else []
        rows.append((title, str(year), *values, *apart))
    return _table(header, rows, numbers=len(header) - 2, caption="Metrics by year")


def _apart(first: str, second: str) -> str:
    """The heading of differences; names of runs are too long for it."""
    by_name = f"{second} − {first}"
    return by_name if len(by_name) <= LONGEST else "Second − first"


def bridge(found: Explanation, measure: str, other: str) -> Table:
    """The bridge of ``measure`` (``payroll`` or ``headcount``) from the first side to ``other``, a column a year."""
    rows = between(getattr(found, measure))
    caption = f"{TITLES[measure]}: from {found.names[0]} to {other}"
    return _bridges(rows[rows["to_scenario_id"] == other], measure, (found.names[0], other), caption)


def yearly(found: Explanation, measure: str, name: str) -> Table:
    """The bridges of ``measure`` from year to year within the side ``name``, a column a year."""
    rows = over_years(getattr(found, measure))
    caption = f"{TITLES[measure]} of {name}: from year to year"
    return _bridges(rows[rows["to_scenario_id"] == name], measure, ("Year before", "Year"), caption)


def _bridges(rows: pd.DataFrame, measure: str, ends: tuple[str, str], caption: str) -> Table:
    """A column a bridge: where it comes from, its parts, where it goes, and what they leave unexplained."""
    shape, names = SHAPES[measure], PARTS[measure]
    columns = []
    for year, parts in rows.groupby("to_year", sort=False):
        first, amounts = parts.iloc[0], parts.set_index("part")["amount"]
        signed = [_signed(amounts[part], shape) for part in names]
        ending = [shown(first["to_amount"], shape), shown(first["residual"], shape)]
        columns.append((str(year), shown(first["from_amount"], shape), *signed, *ending))
    labels = ("Part", ends[0], *names.values(), ends[1], "Unexplained")
    header, *cells = zip(labels, *columns, strict=True)
    return _table(header, cells, numbers=len(columns), caption=caption)


def _signed(amount: float, shape: str) -> str:
    return shown(amount, f"+{shape}") if amount else MISSING


def people(found: Explanation, other: str) -> Table:
    """Winners and losers of ``other`` against the first side, at the close of the last year."""
    rows = [
        (
            str(row["attribute"]).capitalize() if row["attribute"] != "everyone" else "Everyone",
            "" if row["attribute"] == "everyone" else str(row["people_group"]),
            shown(row["people"], PEOPLE),
            *_told(row),
        )
        for row in found.people[found.people["to_scenario_id"] == other].to_dict("records")
    ]
    header = ("By", "Group", "People", "Get more", "Get less", "The same", "Sum of differences", "Average difference")
    who = "people of the census active in both" if rows else "nobody of the census is active in both"
    caption = f"Pay in {other} against {found.names[0]} at the end of {found.years[-1]}, {who}"
    return _table(header, rows, numbers=6, caption=caption)


def _told(row: dict[Any, Any]) -> Iterator[str]:
    """The figures of a group, which a small one does not show."""
    for column, shape in {"get_more": PEOPLE, "get_less": PEOPLE, "get_the_same": PEOPLE,
                          "total_change": f"+{MONEY}", "average_change": f"+{MONEY}"}.items():  # fmt: skip
        yield HIDDEN if row["is_suppressed"] else shown(row[column], shape)


def _table(header: Iterable[str], rows: Iterable[tuple[str, ...]], *, numbers: int, caption: str) -> Table:
    """A table whose last ``numbers`` columns are numbers."""
    titles = tuple(header)
    is_number = tuple(place >= len(titles) - numbers for place in range(len(titles)))
    return Table(titles, tuple(rows), is_number, caption)


def _spans(numbers: Iterable[int]) -> str:
    """Whole numbers in order as spans: 1–3, 5."""
    spans: list[list[int]] = []
    for number in map(int, numbers):
        if spans and number == spans[-1][-1] + 1:
            spans[-1].append(number)
        else:
            spans.append([number])
    return ", ".join(f"{span[0]}–{span[-1]}" if len(span) > 1 else str(span[0]) for span in spans)

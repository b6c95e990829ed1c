"""What differs between several sides, and why: the arithmetic is that of analyses of the dbt project."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import duckdb
import pandas as pd

from planwise_nb.core.digests import quoted
from planwise_nb.core.errors import InputError
from planwise_nb.workforce.analyses import shipped_project
from planwise_nb.workforce.comparison.sides import CENSUS, TABLES, Side, told_apart
from planwise_nb.workforce.parameter_layers import PARAMETERS
from planwise_nb.workforce.parameters import project_defaults

ANALYSES = {
    "levers": "lever_differences",
    "metrics": "metric_differences",
    "payroll": "payroll_bridge",
    "headcount": "headcount_bridge",
    "people": "winners_and_losers",
}

BROKEN = (
    "The bridges do not add up: the events of a run do not lead to its snapshot. Its tables were changed:"
    " planwise verify says which."
)


@dataclass(frozen=True, eq=False)
class Explanation:
    """What differs between ``sides`` in the ``years`` that all of them have; the first is what others are held against.

    ``levers``: one row per other side, parameter and pair of values, with its levels and years; ``metrics``: one row
    per metric, year and side; ``payroll`` (currency) and ``headcount`` (people): one row per part of every bridge, from
    the first side to each other one in every year and from year to year within a side; ``people``: winners and losers,
    one row per other side, attribute and group. ``notes`` say what to mind.
    """

    sides: tuple[Side, ...]
    years: tuple[int, ...]
    notes: tuple[str, ...]
    levers: pd.DataFrame
    metrics: pd.DataFrame
    payroll: pd.DataFrame
    headcount: pd.DataFrame
    people: pd.DataFrame

    @property
    def names(self) -> list[str]:
        """The names of the sides, in order."""
        return [side.name for side in self.sides]

    @property
    def adds_up(self) -> bool:
        """Whether the parts of every bridge lead from the one end to the other."""
        return not (self.payroll["residual"].any() or self.headcount["residual"].any())


def between(bridges: pd.DataFrame) -> pd.DataFrame:
    """The parts of the bridges from the first side to another one."""
    return bridges[bridges["from_year"] == bridges["to_year"]]


def over_years(bridges: pd.DataFrame) -> pd.DataFrame:
    """The parts of the bridges from year to year."""
    return bridges[bridges["from_year"] != bridges["to_year"]]


def explain(given: Sequence[Side]) -> Explanation:
    """What differs between the sides. Raises ``InputError`` where they are fewer than two or share no year."""
    if len(given) < 2:  # noqa: PLR2004 - a comparison is of two at least
        raise InputError("One run or scenario is nothing to compare.", fix="Name two: planwise compare baseline lean")
    sides = told_apart(given)
    years = tuple(sorted(set.intersection(*(set(side.years) for side in sides))))
    if not years:
        said = "; ".join(f"{side.name} has {_span(side.years)}" for side in sides)
        raise InputError(f"They have no year in common: {said}.", fix="Compare runs of the same years: --years.")
    with shipped_project() as (connection, compiled):
        _load(connection, sides)
        frames = {name: connection.execute(compiled[analysis].sql).df() for name, analysis in ANALYSES.items()}
    found = Explanation(sides, years, tuple(_notes(sides, years)), **frames)
    return found if found.adds_up else replace(found, notes=(*found.notes, BROKEN))


def _load(connection: duckdb.DuckDBPyConnection, sides: Sequence[Side]) -> None:
    """Make the tables that the analyses read, each side being a scenario by its name."""
    connection.execute("create table stg_scenarios (scenario_id varchar, member_number integer)")
    numbered = [(side.name, number) for number, side in enumerate(sides, start=1)]
    connection.executemany("insert into stg_scenarios values (?, ?)", numbered)
    for table in TABLES:
        parts = [
            connection.from_arrow(side.tables[table]).select(
                duckdb.ConstantExpression(side.name).alias("scenario_id"), duckdb.StarExpression()
            )
            for side in sides
        ]
        together = parts[0]
        for part in parts[1:]:
            together = together.union(part)
        together.create(quoted(table))


def _notes(sides: Sequence[Side], years: Sequence[int]) -> Iterator[str]:
    """What a reader has to mind."""
    first = sides[0]
    if any(side.years != tuple(years) for side in sides):
        said = ", ".join(f"{side.name} {_span(side.years)}" for side in sides)
        yield f"They are of different years ({said}): compared are those that all have, {_span(years)}."
    for side in sides:
        if not side.is_finished:
            yield f"{side.name} is not finished: it is compared by the years that it has published."
        if side.members > 1:
            yield f"{side.name} is the first of the {side.members:,} scenarios of its run."
    for side in sides[1:]:
        if side.run_id and side.run_id == first.run_id:
            yield f"{side.name} and {first.name} are one run, held against itself."
        if census := [said for key, said in CENSUS.items() if side.census.get(key) != first.census.get(key)]:
            yield (
                f"{side.name} has {' and '.join(census)} than {first.name}. People are the same where number,"
                " birth date and hire date agree; the others differ by volume, level mix and rate."
            )
        if side.seed != first.seed:
            yield (
                f"{side.name} has seed {side.seed}, {first.name} has {first.seed}: part of what differs is luck."
                " With one seed for both it is the policy alone."
            )
        if others := [name for name, said in side.beside.items() if said != first.beside[name]]:
            yield f"{side.name} has another {' and another '.join(others)} than {first.name}."
        if said := ", ".join(_settings(first, side)):
            yield f"Beside the levers, {side.name} differs from {first.name} in {said}."


def _settings(first: Side, side: Side) -> Iterator[str]:
    """What two sides state otherwise that is no lever; years and seeds are told anyway."""
    defaults = {key: str(value) for key, value in project_defaults().items()}
    for key in dict.fromkeys((*first.settings, *side.settings)):
        here, there = (one.settings.get(key, defaults.get(key, "not stated")) for one in (first, side))
        is_told = tuple(key.split(".")[:2]) in PARAMETERS or key.startswith("simulation.")
        if here != there and not is_told:
            yield f"{key} ({there}, not {here})"


def _span(years: Sequence[int]) -> str:
    return f"{years[0]}–{years[-1]}" if len(years) > 1 else "".join(map(str, years))

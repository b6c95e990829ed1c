"""What differs between two runs: what they were made from, and what came out."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from planwise_nb.core import store
from planwise_nb.core.differences import Difference, Differences, compare, manifest_differences
from planwise_nb.core.manifest import read_manifest
from planwise_nb.workforce import publication
from planwise_nb.workforce.parameters import COLUMNS

SECTIONS = ("inputs", "parameters", "seeds", "code", "versions", "results")
KEYS: Mapping[str, tuple[str, ...]] = {
    "scenarios": (),
    "parameter_layers": ("parameter_name", "fiscal_year", "job_level", "layer"),
    "job_levels": ("level_id",),
    "hazards": ("event_type", "parameter_name"),
    "hazard_multipliers": ("event_type", "dimension", "band"),
    "raise_timing": ("month",),
    "hire_levels": ("level_id",),
    "hire_ages": ("age",),
}
"""By table of parameters the columns that name a row, beside the scenario."""

SEED = "random_seed"
FOR_PEOPLE = "scenario.yaml"
COMPARED = "where list_contains($years, simulation_year) and list_contains($scenarios, scenario_id)"
NUMBERS = ("BIGINT", "INTEGER", "HUGEINT", "DOUBLE", "DECIMAL")
EVENT_COLUMNS = (
    "employee_id, event_category, simulation_year, effective_date, event_details, compensation_amount,"
    " previous_compensation, level_id, employee_age, employee_tenure, event_probability, event_sequence"
)


@dataclass(frozen=True)
class _Side:
    """One of the two runs: the name of its database, and its scenarios that are compared, each with its label."""

    name: str
    folder: Path
    manifest: dict[str, Any]
    labels: Mapping[str, str]


def differences(one: Path, other: Path) -> dict[str, Differences]:
    """What differs between the runs in two folders, by section, in the order of ``SECTIONS``.

    Two runs of one scenario each are compared whatever the scenarios are called; else scenarios of the same name
    are. Of a run that is not finished the years so far are compared.
    """
    manifests = read_manifest(one), read_manifest(other)
    names = [list(manifest["seeds"]) for manifest in manifests]
    if {len(found) for found in names} == {1}:
        labels = [{found[0]: ""} for found in names]
    else:
        labels = [{name: f"{name} " for name in names[0] if name in names[1]}] * 2
    sides = [_Side(*parts) for parts in zip(("one", "other"), (one, other), manifests, labels, strict=True)]
    found = manifest_differences(*manifests)
    found |= {"parameters": _parameters(sides), "results": _results(sides)}
    return {section: found[section] for section in SECTIONS}


def _parameters(sides: Sequence[_Side]) -> Differences:
    found = compare(*map(_read_parameters, sides))
    if not found:
        # the models read tables only; what the rest of the scenario says is for people
        return compare(*({FOR_PEOPLE: side.manifest["files"]["params"].get(FOR_PEOPLE)} for side in sides))
    return tuple(difference for difference in found if not difference.what.endswith(f".{SEED}"))


def _read_parameters(side: _Side) -> dict[str, str]:
    """Every value of the tables of parameters, by ``table[row].column``."""
    found: dict[str, str] = {}
    for table, keys in KEYS.items():
        values = [column for column in COLUMNS[table] if column not in ("scenario_id", *keys)]
        with (side.folder / "params" / f"{table}.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["scenario_id"] in side.labels:
                    place = ", ".join(_key(key, row[key]) for key in keys if row[key])
                    named = side.labels[row["scenario_id"]] + table + (f"[{place}]" if place else "")
                    found |= {f"{named}.{column}": row[column] for column in values}
    return found


def _key(column: str, value: str) -> str:
    return f"{column} {value}" if value.isdigit() else value


def _results(sides: Sequence[_Side]) -> Differences:
    with store.connect() as connection:
        years = [_open(connection, side) for side in sides]
        common = sorted(set(years[0]) & set(years[1]))
        said = compare(*({"years with results": ", ".join(map(str, found)) or None} for found in years))
        figures = [_figures(connection, side, common) if common else {} for side in sides]
        events = _events_of_one_only(connection, sides, common) if common else ()
        return (*said, *compare(*figures), *events)


def _open(connection: duckdb.DuckDBPyConnection, side: _Side) -> list[int]:
    """Open what a run has published as the database of its name: the years that are finished."""
    connection.execute(f"attach ':memory:' as {side.name}")
    connection.execute(f"use {side.name}")
    publication.open_published(connection, side.folder)
    views = store.tables_of(connection)
    if not {"fct_year_metrics", "fct_yearly_events"} <= views:
        return []
    query = "select distinct simulation_year from fct_yearly_events order by all"
    return [row[0] for row in connection.execute(query).fetchall()]


def _figures(connection: duckdb.DuckDBPyConnection, side: _Side, years: list[int]) -> dict[str, Any]:
    """The metrics and the number of events by category, by ``scenario year figure``."""
    connection.execute(f"use {side.name}")
    given = {"years": years, "scenarios": list(side.labels)}
    metrics = connection.execute(f"select * from fct_year_metrics {COMPARED} order by all", given)  # noqa: S608
    names = [column[0] for column in metrics.description]
    numbers = [column[0] for column in metrics.description if str(column[1]).startswith(NUMBERS)]
    rows = [dict(zip(names, row, strict=True)) for row in metrics.fetchall()]
    found = {
        f"{side.labels[row['scenario_id']]}{row['simulation_year']} {name}": row[name]
        for row in rows
        for name in numbers
        if name != "simulation_year"
    }
    counted = f"""
        select scenario_id, simulation_year, event_category, count(*)
        from fct_yearly_events {COMPARED} group by all order by all
    """  # noqa: S608 - own names
    for scenario, year, category, count in connection.execute(counted, given).fetchall():
        found[f"{side.labels[scenario]}{year} events of {category}"] = count
    return found


def _events_of_one_only(
    connection: duckdb.DuckDBPyConnection, sides: Sequence[_Side], years: list[int]
) -> Iterator[Difference]:
    """How many events of a year the other run does not have, event by event."""
    is_named = "".join(sides[0].labels.values()) != ""
    scenario = "scenario_id" if is_named else "'' as scenario_id"
    counts: list[dict[int, int]] = []
    for one, other in (sides, tuple(reversed(sides))):
        read = [
            f"select {scenario}, {EVENT_COLUMNS} from {side.name}.fct_yearly_events"  # noqa: S608 - own names
            f" where list_contains($years, simulation_year) and list_contains(${side.name}, scenario_id)"
            for side in (one, other)
        ]
        query = f"select simulation_year, count(*) from ({read[0]} except all {read[1]}) group by all"  # noqa: S608
        given = {side.name: list(side.labels) for side in sides} | {"years": years}
        counts.append(dict(connection.execute(query, given).fetchall()))
    for year in years:
        if any(year in found for found in counts):
            one_only, other_only = (found.get(year, 0) for found in counts)
            yield Difference(f"{year} events that the other run does not have", one_only, other_only)

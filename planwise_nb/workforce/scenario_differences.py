"""What differs between two scenarios: the values that they state, and the levers that hold by level and year."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pandas as pd

from planwise_nb.core.errors import InputError
from planwise_nb.core.project import Project
from planwise_nb.workforce.figures import plain
from planwise_nb.workforce.outlook import planned_parameters
from planwise_nb.workforce.parameters import ResolvedScenario
from planwise_nb.workforce.scenario_store import check_no_path, open_scenario

CELL = ["parameter_name", "level_id", "simulation_year"]


@dataclass(frozen=True)
class Value:
    """A key, ``section.key`` or ``section.key.level``, that scenarios state differently; None where one lacks it."""

    key: str
    a: str | None
    b: str | None


@dataclass(frozen=True)
class Held:
    """A parameter that holds differently, in the same way for all of ``levels`` and ``years``; no level: that of the
    whole company.

    ``a`` and ``b`` are the values in force, ``source_a`` and ``source_b`` who states them; None where a scenario does
    not simulate the years or lacks the level.
    """

    parameter: str
    levels: tuple[int, ...]
    years: tuple[int, ...]
    a: str | None
    source_a: str | None
    b: str | None
    source_b: str | None


def scenario_differences(project: Project, name_a: str, name_b: str) -> tuple[list[Value], list[Held]]:
    """What two scenarios of the project state differently, and which parameters hold differently, by level and year.

    Raises ``InputError`` where one of them is a path or cannot be used, or both are one.
    """
    for name in (name_a, name_b):
        check_no_path(name)
    a, b = (open_scenario(project, name) for name in (name_a, name_b))
    if a.scenario_id == b.scenario_id:
        raise InputError(f"Both scenarios are {a.scenario_id}.", fix="Name two: planwise scenarios")
    return list(_values(a, b)), list(_held(a, replace(b, member_number=2)))


def _values(a: ResolvedScenario, b: ResolvedScenario) -> Iterator[Value]:
    said_a, said_b = (one.values | _ladder(one) for one in (a, b))
    for key in dict.fromkeys((*said_a, *said_b)):
        if said_a.get(key) != said_b.get(key):
            yield Value(key, _text(said_a.get(key)), _text(said_b.get(key)))


def _ladder(one: ResolvedScenario) -> dict[str, str]:
    return {
        f"job_levels.{level.level_id}": f"{level.name} {plain(level.min_compensation)}-{plain(level.max_compensation)}"
        for level in one.tables.job_levels
    }


def _text(value: object) -> str | None:
    if value is None:
        return None
    return plain(value) if isinstance(value, Decimal) else str(value)


def _held(a: ResolvedScenario, b: ResolvedScenario) -> Iterator[Held]:
    rows = planned_parameters([a, b])
    rows["parameter_value"] = [plain(Decimal(str(value))) for value in rows["parameter_value"]]
    of_a, of_b = (rows[rows["scenario_id"] == one.scenario_id].set_index(CELL) for one in (a, b))
    both = of_a.add_suffix("_a").join(of_b.add_suffix("_b"), how="outer").sort_index()
    shown = ["parameter_value_a", "parameter_source_a", "parameter_value_b", "parameter_source_b"]
    differ = both[both["parameter_value_a"].fillna("") != both["parameter_value_b"].fillna("")][shown]
    years: dict[tuple[Any, ...], list[int]] = {}
    for (name, level, year), row in zip(differ.index, differ.itertuples(index=False), strict=True):
        said = tuple(None if pd.isna(value) else value for value in row)
        years.setdefault((name, None if pd.isna(level) else int(level), said), []).append(int(year))
    levels: dict[tuple[Any, ...], list[int]] = {}
    for (name, level, said), of_level in years.items():
        levels.setdefault((name, tuple(of_level), said), []).extend([] if level is None else [level])
    for (name, of_levels, said), held in levels.items():
        yield Held(name, tuple(held), of_levels, *said)

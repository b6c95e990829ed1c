"""What a scenario means before it is simulated: its parameters by year and level, and the first-order impact.

The arithmetic is that of two analyses of the dbt project, which dbt compiles and DuckDB executes in memory.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from planwise_nb.workforce import dbt_project
from planwise_nb.workforce.analyses import project_in
from planwise_nb.workforce.census import Census
from planwise_nb.workforce.models import create_marts
from planwise_nb.workforce.parameters import ResolvedScenario, write_parameters

STAGING = ("stg_scenarios", "stg_job_levels", "stg_parameter_layers", "stg_hazards")
OF_PEOPLE = ("stg_census", "stg_hazard_multipliers", "stg_raise_timing", "stg_hire_levels", "int_baseline_workforce")
PARAMETERS, IMPACT = "planned_parameters", "first_order_impact"


def planned_parameters(members: Sequence[ResolvedScenario]) -> pd.DataFrame:
    """One row per member, year, level and parameter: value in force, source, whether it is locked.

    ``level_id`` is null for a rate of the whole company.
    """
    return _answer_of(PARAMETERS, members, None, STAGING)


def first_order_impact(members: Sequence[ResolvedScenario], census: Census) -> pd.DataFrame:
    """One row per member, year and level, without a level those of all levels: headcount, flows, payroll, average pay
    and growth, each with its difference from the first member (``…_change``). Members share their years.
    """
    if census.job_levels is not None:
        members = [member.with_job_levels(census.job_levels) for member in members]
    return _answer_of(IMPACT, members, census, (*STAGING, *OF_PEOPLE))


def parameters_of(folder: Path) -> pd.DataFrame:
    """``planned_parameters`` of what a run in ``folder`` starts from."""
    return _answer(PARAMETERS, folder, STAGING)


def _answer_of(
    analysis: str, members: Sequence[ResolvedScenario], census: Census | None, tables: Sequence[str]
) -> pd.DataFrame:
    with tempfile.TemporaryDirectory(prefix="planwise-") as place:
        folder = Path(place)
        write_parameters(members, folder / "params")
        if census is not None:
            (folder / "inputs").mkdir()
            census.write(folder / "inputs")
        dbt_project.copy_shipped(folder)
        return _answer(analysis, folder, tables)


def _answer(analysis: str, folder: Path, tables: Sequence[str]) -> pd.DataFrame:
    """The rows of an analysis of the project in ``folder``; ``tables`` that it reads are built as of the first year."""
    with project_in(folder) as (connection, compiled):
        create_marts(connection, compiled.values())
        first, *others = (compiled[table] for table in tables)
        connection.execute(f"create table {first.relation} as {first.sql}")
        connection.execute(f"set variable simulation_year = (select min(start_year) from {first.relation})")  # noqa: S608
        for model in others:
            connection.execute(f"create table {model.relation} as {model.sql}")
        return connection.execute(compiled[analysis].sql).df()

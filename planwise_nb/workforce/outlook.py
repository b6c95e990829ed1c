"""What a scenario means before it is simulated: its parameters by year and level, and the first-order impact.

The arithmetic is that of two analyses of the dbt project, which dbt compiles and DuckDB executes in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from planwise_nb.workforce.analyses import shipped_project
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
    return _answer(PARAMETERS, members, None, STAGING)


def first_order_impact(members: Sequence[ResolvedScenario], census: Census) -> pd.DataFrame:
    """One row per member, year and level, without a level those of all levels: headcount, flows, payroll, average pay
    and growth, each with its difference from the first member (``…_change``). Members share their years.
    """
    if census.job_levels is not None:
        members = [member.with_job_levels(census.job_levels) for member in members]
    return _answer(IMPACT, members, census, (*STAGING, *OF_PEOPLE))


def _answer(
    analysis: str, members: Sequence[ResolvedScenario], census: Census | None, tables: Sequence[str]
) -> pd.DataFrame:
    """The rows of an analysis of the dbt project, in a database in memory that holds the ``tables`` that it reads."""
    with shipped_project() as (connection, compiled):
        _write_inputs(members, census)
        connection.execute(f"set variable simulation_year = {int(members[0].scenario.simulation.start_year)}")
        create_marts(connection, compiled.values())
        for table in tables:
            connection.execute(f"create table {compiled[table].relation} as {compiled[table].sql}")
        return connection.execute(compiled[analysis].sql).df()


def _write_inputs(members: Sequence[ResolvedScenario], census: Census | None) -> None:
    write_parameters(members, Path("params"))
    if census is not None:
        Path("inputs").mkdir()
        census.write(Path("inputs"))

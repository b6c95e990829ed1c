"""What a scenario means before it is simulated: its parameters by year and level, and the first-order impact.

The arithmetic is that of two analyses of the dbt project, which dbt compiles and DuckDB executes in memory.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import chdir, contextmanager, redirect_stdout
from functools import lru_cache
from pathlib import Path

import duckdb
import pandas as pd

from planwise_nb.core import store
from planwise_nb.workforce import dbt_project
from planwise_nb.workforce.census import Census
from planwise_nb.workforce.parameters import ResolvedScenario, write_parameters

STAGING = ("stg_scenarios", "stg_job_levels", "stg_parameter_layers", "stg_hazards")
OF_PEOPLE = ("stg_census", "stg_hazard_multipliers", "stg_raise_timing", "stg_hire_levels", "int_baseline_workforce")
PARAMETERS, IMPACT = "planned_parameters", "first_order_impact"
FOLDER = "/planned-inputs"
"""What the compiled SQL calls the folder of its inputs; replaced by the real one."""


def planned_parameters(members: Sequence[ResolvedScenario]) -> pd.DataFrame:
    """One row per member, year, level and parameter: value in force, source, whether it is locked.

    ``level_id`` is null for a rate of the whole company.
    """
    with _inputs(members, None) as folder, _staged(folder, members, STAGING) as connection:
        return connection.execute(_compiled(_start_year(members))[PARAMETERS]).df()


def first_order_impact(members: Sequence[ResolvedScenario], census: Census) -> pd.DataFrame:
    """One row per member, year and level, without a level those of all levels: headcount, flows, payroll, average pay
    and growth, each with its difference from the first member (``…_change``). Members share their years.
    """
    if census.job_levels is not None:
        members = [member.with_job_levels(census.job_levels) for member in members]
    with _inputs(members, census) as folder, _staged(folder, members, (*STAGING, *OF_PEOPLE)) as connection:
        return connection.execute(_compiled(_start_year(members))[IMPACT]).df()


def _start_year(members: Sequence[ResolvedScenario]) -> int:
    return members[0].scenario.simulation.start_year


@contextmanager
def _inputs(members: Sequence[ResolvedScenario], census: Census | None) -> Iterator[Path]:
    """A folder with what the models read, gone on leaving."""
    with tempfile.TemporaryDirectory(prefix="planwise-") as place:
        folder = Path(place)
        write_parameters(members, folder / "params")
        if census is not None:
            (folder / "inputs").mkdir()
            census.write(folder / "inputs")
        yield folder


@contextmanager
def _staged(
    folder: Path, members: Sequence[ResolvedScenario], tables: Sequence[str]
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory that holds ``tables`` as made from ``folder``."""
    compiled = _compiled(_start_year(members))
    with store.connect() as connection:
        connection.execute(f"attach ':memory:' as {Path(store.DATABASE).stem}")
        connection.execute(f"use {Path(store.DATABASE).stem}")
        for table in tables:
            connection.execute(f"create table {table} as {compiled[table].replace(FOLDER, folder.as_posix())}")
        yield connection


@lru_cache
def _compiled(start_year: int) -> dict[str, str]:
    """The SQL of the analyses and of the models that they read, by name, as dbt compiles it."""
    names = (*STAGING, *OF_PEOPLE, PARAMETERS, IMPACT)
    variables = f"{{simulation_year: {int(start_year)}, run_folder: {FOLDER}}}"
    # dbt prints what it compiled, even when it is asked to be quiet
    with tempfile.TemporaryDirectory(prefix="planwise-") as place, chdir(place), redirect_stdout(io.StringIO()):
        dbt_project.copy_shipped()
        done = dbt_project.invoke(["compile", "--select", *names, "--vars", variables])
        return {result.node.name: result.node.compiled_code for result in done.results}

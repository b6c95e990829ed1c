"""Simulates in this process, without notebooks: the same inputs and models as a run, in a fraction of its time."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from shutil import copytree
from tempfile import mkdtemp
from typing import Any

import duckdb
import pandas as pd

from planwise_nb.core import store
from planwise_nb.core.project import Project, shipped
from planwise_nb.workforce import dbt_project, models
from planwise_nb.workforce.inputs import Request, WorkforceInputs, resolve
from planwise_nb.workforce.parameters import ResolvedScenario, write_parameters
from planwise_nb.workforce.pipeline import WORKFORCE
from planwise_nb.workforce.scenario_files import read_scenario

STEPS = [step.name for step in WORKFORCE.steps[:-1]]
STARTED_AT = "2026-01-01 00:00:00"
SCENARIOS = shipped() / "params" / "workforce"
SHIPPED_TABLES = read_scenario("baseline", [SCENARIOS]).tables


@contextmanager
def working_directory(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@cache
def _prepared() -> Path:
    """The folder of the dbt project as dbt parsed and compiled it once for all tests: it is the same in every run."""
    folder = Path(mkdtemp())
    resolve(Project(shipped()), Request()).write(folder)
    with working_directory(folder):
        dbt_project.compiled()
        dbt_project.call(["compile", "--inline", "select 1"])
    return folder / dbt_project.COMPILED


@dataclass(frozen=True)
class Simulation:
    """A simulated run folder."""

    folder: Path

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with store.connect(self.folder / store.DATABASE, read_only=True) as connection:
            return connection.execute(query).fetchall()

    def value(self, query: str) -> Any:
        [[value]] = self.rows(query)
        return value

    def frame(self, query: str) -> pd.DataFrame:
        with store.connect(self.folder / store.DATABASE, read_only=True) as connection:
            return connection.execute(query).df()

    def digest(self, table: str) -> str:
        """An order-independent digest of a table's content, without what only says when it was made."""
        left_out = "created_at" if table == "fct_yearly_events" else "snapshot_created_at"
        with store.connect(self.folder / store.DATABASE, read_only=True) as connection:
            return _digest(connection, table, left_out)

    def failed_checks(self) -> list[tuple[Any, ...]]:
        return self.rows(
            "select simulation_year, check_name, expected, found, offender_sample from fct_validation_results"
            " where not is_passed and severity = 'error' order by all"
        )

    def build(self, year: int) -> None:
        """Build one year."""
        for step in STEPS:
            self.step(step, year)

    def step(self, name: str, year: int) -> None:
        """Build a step of a year; setup and summary are of no year and take any."""
        with working_directory(self.folder):
            models.build(name, year, STARTED_AT)

    def rebuild(self, *tables: str, year: int) -> None:
        """Build only these models of a year."""
        with working_directory(self.folder):
            models.build_tables(tables, year)

    def compiled(self, query: str, year: int = 2025) -> str:
        """A query with dbt's macros, as the SQL that runs for ``year``."""
        return str(self.dbt("compile", "--inline", query, year=year).results[0].node.compiled_code)

    def model(self, name: str, year: int = 2025) -> str:
        """A model as the SQL that runs for ``year``."""
        return str(self.dbt("compile", "--select", name, year=year).results[0].node.compiled_code)

    def change(self, *statements: str) -> None:
        """Change the database by SQL."""
        with store.connect(self.folder / store.DATABASE) as connection:
            for statement in statements:
                connection.execute(statement)

    def copy(self, folder: Path) -> Simulation:
        """A copy of its own, to spoil."""
        return Simulation(copytree(self.folder, folder))

    def dbt(self, *arguments: str, year: int) -> Any:
        """The results of a call of dbt for a year."""
        variables = f"{{simulation_year: {year}, run_folder: '.'}}"
        with working_directory(self.folder):
            return dbt_project.invoke([*arguments, "--vars", variables])


def _digest(connection: duckdb.DuckDBPyConnection, table: str, left_out: str) -> str:
    columns = [row[0] for row in connection.execute(f"describe {table}").fetchall() if row[0] != left_out]
    texts = ", ".join(f"coalesce({column}::varchar, '∅')" for column in columns)
    query = (
        f"select md5(string_agg(line, '\n' order by line)) from (select concat_ws('|', {texts}) as line from {table})"
    )
    return str(connection.execute(query).fetchall()[0][0])


def simulate(
    folder: Path,
    *,
    census: Path | None = None,
    scenario: str = "baseline",
    years: tuple[int, int] = (2025, 2026),
    settings: Sequence[str] = (),
    seed: int | None = None,
    **request: Any,
) -> Simulation:
    """Simulate ``years`` of a scenario into ``folder``, which is made; ``census`` empty: the shipped one."""
    inputs = resolve(
        Project(shipped()),
        Request(scenario=scenario, years=years, settings=settings, seed=seed, census=census, **request),
    )
    simulation = _written(folder, inputs)
    simulation.step(WORKFORCE.setup.name, years[0])
    for year in inputs.periods:
        simulation.build(year)
    return simulation


def member(
    name: str, *settings: str, scenario: str = "baseline", years: tuple[int, int] = (2025, 2025), **tables: Any
) -> ResolvedScenario:
    """A scenario named ``<scenario>~<name>``, with ``settings`` and with ``tables`` in place of the shipped."""
    resolved = read_scenario(scenario, [SCENARIOS]).resolve(settings, years=years)
    named = f"{resolved.scenario_id}~{name}"
    return replace(resolved, scenario_id=named, tables=replace(resolved.tables, **tables))


def simulate_members(folder: Path, members: Sequence[ResolvedScenario], **request: Any) -> Simulation:
    """Simulate scenarios of the same years together in one database."""
    said = members[0].scenario.simulation
    years = (said.start_year, said.end_year)
    simulation = _written(folder, resolve(Project(shipped()), Request(years=years, **request)))
    write_parameters(members, folder / "params")
    simulation.step(WORKFORCE.setup.name, years[0])
    for year in range(years[0], years[1] + 1):
        simulation.build(year)
    return simulation


def _written(folder: Path, inputs: WorkforceInputs) -> Simulation:
    folder.mkdir(parents=True)
    inputs.write(folder)
    copytree(_prepared(), folder / dbt_project.COMPILED)
    return Simulation(folder)


def person(number: int, **changes: Any) -> dict[str, Any]:
    """One row of a census: a plain, valid employee, with ``changes``."""
    return {
        "employee_id": f"EMP_{number:06d}",
        "employee_ssn": f"123-45-{number:04d}",
        "employee_birth_date": date(1985, 6, 15),
        "employee_hire_date": date(2018, 3, 1),
        "employee_termination_date": None,
        "employee_gross_compensation": 70_000,
        "active": True,
    } | changes


def write_census(path: Path, people: Sequence[Mapping[str, Any]]) -> Path:
    """Write people as a CSV census."""
    pd.DataFrame(list(people)).to_csv(path, index=False)
    return path

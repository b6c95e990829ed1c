"""Builds the models of a step: the SQL that dbt compiled, in the order in which the models read each other."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from planwise_nb.core import store
from planwise_nb.core.errors import ModelError
from planwise_nb.workforce import dbt_project
from planwise_nb.workforce.dbt_project import CompiledModel
from planwise_nb.workforce.pipeline import WORKFORCE

NO_TIME = "1970-01-01 00:00:00"

_STEPS = {step.name for step in (WORKFORCE.setup, *WORKFORCE.steps, WORKFORCE.summary)}
CHECKS = "checks"
"""The tag of the models that check others and that no other model reads."""


@dataclass(frozen=True)
class Model:
    """A model that was built: its table, how many rows it has for the year, and how long it took in seconds."""

    name: str
    rows: int
    seconds: float


def build(
    step: str,
    year: int,
    started_at: str,
    on_progress: Callable[[float, str], None] = lambda part, what: None,
) -> tuple[Model, ...]:
    """Build every model tagged with ``step`` for ``year``, in the run's folder as working directory. ``on_progress``
    hears of each model that begins: the part of them that is done, and its name.

    Raises ``ModelError`` with DuckDB's message for the first model that failed; those before it are kept.
    """
    return _build(lambda model: step in model.tags, year, started_at, on_progress)


def build_tables(tables: Sequence[str], year: int) -> tuple[Model, ...]:
    """Build the models named ``tables`` for ``year``. Raises ``ModelError`` as ``build`` does."""
    return _build(lambda model: model.name in tables, year)


def _build(
    is_wanted: Callable[[CompiledModel], bool],
    year: int,
    started_at: str = NO_TIME,
    on_progress: Callable[[float, str], None] = lambda part, what: None,
) -> tuple[Model, ...]:
    project = dbt_project.compiled()
    wanted = [model for model in project if is_wanted(model)]
    if not wanted:
        raise ModelError(
            "There is no model to build.", fix=f"See the tags of the models in {dbt_project.PROJECT}/models."
        )
    built = []
    with _opened(project, started_at) as connection:
        _turn_to(connection, year)
        for place, model in enumerate(wanted):
            on_progress(place / len(wanted), model.name)
            began = time.perf_counter()
            rows = _replace(connection, model)
            built.append(Model(model.name, rows, round(time.perf_counter() - began, 3)))
    return tuple(built)


def build_years(years: Sequence[int], on_progress: Callable[[float, str], None] = lambda part, what: None) -> None:
    """Build the models of all ``years`` but their checks, each year after the one before, in the folder of a run as
    working directory. ``on_progress`` hears of each year that begins: the part of them that is done, and the year.

    Raises ``ModelError`` as ``build`` does.
    """
    project = dbt_project.compiled()
    wanted = [model for model in project if model.tags and not {CHECKS, WORKFORCE.summary.name} & {*model.tags}]
    with _opened(project, NO_TIME) as connection:
        for place, year in enumerate(years):
            on_progress(place / len(years), str(year))
            _turn_to(connection, year)
            for model in wanted:
                if place == 0 or WORKFORCE.setup.name not in model.tags:
                    _replace(connection, model)


def build_years_by_dbt(
    years: Sequence[int], on_progress: Callable[[float, str], None] = lambda part, what: None
) -> None:
    """As ``build_years``, with the checks, by dbt itself: a call a year."""
    for place, year in enumerate(years):
        on_progress(place / len(years), str(year))
        steps = [*([WORKFORCE.setup] if place == 0 else []), *WORKFORCE.steps]
        given = json.dumps({"simulation_year": int(year), "run_folder": "."})
        dbt_project.invoke(["run", "--select", *(f"tag:{step.name}" for step in steps), "--vars", given])


@contextmanager
def _opened(project: Iterable[CompiledModel], started_at: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """The run's database, ready for its models."""
    with store.connect(Path(store.DATABASE)) as connection:
        connection.execute("set preserve_insertion_order = false")
        connection.execute(f"set variable run_started_at = '{datetime.fromisoformat(started_at)}'")
        create_marts(connection, project)
        yield connection


def _turn_to(connection: duckdb.DuckDBPyConnection, year: int) -> None:
    connection.execute(f"set variable simulation_year = {int(year)}")


def create_marts(connection: duckdb.DuckDBPyConnection, project: Iterable[CompiledModel]) -> None:
    """Make the tables that have a contract: the first year reads what a year before it would have left there."""
    for model in project:
        if model.columns and {*model.tags} & _STEPS:
            connection.execute(f"create table if not exists {model.relation} ({model.columns})")


def _replace(connection: duckdb.DuckDBPyConnection, model: CompiledModel) -> int:
    """Build a model whole, or its year in the table of all years, in one transaction; how many rows that are."""
    try:
        if model.columns:
            _require_contract(connection, model)
        if model.materialized == "table":
            return _rows_of(connection.execute(f"create or replace table {model.relation} as (\n{model.sql}\n)"))
        is_there = _is_there(connection, model.relation)
        connection.execute("begin")
        if not is_there:
            connection.execute(f"create table {model.relation} as from (\n{model.sql}\n) limit 0")
        of_year = f"{model.relation} where simulation_year = getvariable('simulation_year')"
        connection.execute(f"delete from {of_year}")  # noqa: S608 - the project's own names
        rows = _rows_of(connection.execute(f"insert into {model.relation} by name (\n{model.sql}\n)"))
        connection.execute("commit")
        return rows
    except duckdb.Error as error:
        raise _failed(model, str(error)) from error


def _rows_of(done: duckdb.DuckDBPyConnection) -> int:
    [[rows]] = done.fetchall()
    return int(rows)


def _is_there(connection: duckdb.DuckDBPyConnection, relation: str) -> bool:
    try:
        connection.execute(f"from {relation} limit 0")
    except duckdb.CatalogException:
        return False
    return True


def _require_contract(connection: duckdb.DuckDBPyConnection, model: CompiledModel) -> None:
    """Raise ``ModelError`` where the columns of the model, or of its table of earlier years, are not its contract's."""
    connection.execute(f"create or replace temp table promised ({model.columns})")
    promised = _columns_of(connection, "promised")
    connection.execute("drop table promised")
    for what, rows in (("it makes", f"(\n{model.sql}\n)"), ("its table has", model.relation)):
        found = _columns_of(connection, rows)
        broken = [
            f"{name}: {what} {found.get(name, 'no such column')}, its contract says {promised.get(name, 'nothing')}"
            for name in dict.fromkeys((*promised, *found))
            if found.get(name) != promised.get(name)
        ]
        if broken:
            raise _failed(model, f"its columns are not those of its contract: {'; '.join(broken)}.")


def _columns_of(connection: duckdb.DuckDBPyConnection, rows: str) -> dict[str, str]:
    return {name: kind for name, kind, *_ in connection.execute(f"describe from {rows}").fetchall()}


def _failed(model: CompiledModel, said: str) -> ModelError:
    fix = f"See its SQL in {dbt_project.PROJECT}/models/{model.path}."
    return ModelError(f"Model {model.name} failed: {said}", fix=fix)


def test(tables: Sequence[str], year: int) -> dict[str, str]:
    """Run the data tests of the models named ``tables`` for ``year``: what each says, empty where it holds. A test that
    reads another model too runs where that is among ``tables`` or made before them: later ones may not be there.
    """
    variables = json.dumps({"simulation_year": int(year), "run_folder": "."})
    selection = ["--select", *tables, "--exclude", "test_type:unit", "--indirect-selection", "buildable"]
    outcome = dbt_project.call(["test", *selection, "--vars", variables])
    if outcome.exception:
        raise ModelError(f"dbt could not test: {outcome.exception}") from outcome.exception
    results: Any = outcome.result
    return {done.node.name: "" if str(done.status) == "pass" else str(done.message) for done in results.results}

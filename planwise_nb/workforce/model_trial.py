"""Builds one dbt model in a copy of a run, to see what it does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import duckdb
import pandas as pd

from planwise_nb.core import store
from planwise_nb.core.errors import BusyError, InputError
from planwise_nb.core.holder import holder
from planwise_nb.core.runs import Run
from planwise_nb.workforce import models
from planwise_nb.workforce.dbt_project import PROJECT, compiled
from planwise_nb.workforce.pipeline import WORKFORCE
from planwise_nb.workforce.recheck import copied

BEFORE = "before"
SAMPLE = 5
NOT_SHOWN = ("created_at", "snapshot_created_at", "employee_ssn")
"""Columns that say when a row was made, and the one that nobody needs to see."""


@dataclass(frozen=True)
class Trial:
    """What building a model did: ``sql`` as it ran; ``counts``, how many rows of the year there were before and are
    after, are gone and new; ``rows``, the first of each of these; ``tests``, its data tests; ``seconds`` that it took.
    """

    sql: str
    counts: pd.DataFrame
    rows: Mapping[str, pd.DataFrame]
    tests: pd.DataFrame
    seconds: float

    def __repr__(self) -> str:
        return f"Trial({self.seconds} s)"


def try_model(run: Run, name: str, year: int | None) -> Trial:
    """Build the model ``name`` for ``year`` in a copy of ``run``; of a step that runs once, for the first year.

    Raises ``InputError`` where the run has no such model, ``BusyError`` while somebody runs it, ``ModelError`` where
    dbt fails.
    """
    _require_model(run, name)
    if (runner := holder(run.folder)) is not None:
        raise BusyError(f"Run {run.folder.name} is running: {runner}.", fix="Wait until it ends.")
    built_for = year or run.manifest["periods"][0]
    with copied(run.folder):
        with store.connect(Path(store.DATABASE)) as connection:
            has_before = _keep(connection, name)
        sql = _compiled_sql(name, built_for)
        (built,) = models.build_tables([name], built_for)
        said = models.test([name], built_for)
        with store.connect(Path(store.DATABASE), read_only=True) as connection:
            counts, rows = _compared(connection, name, year, has_before)
    return Trial(sql, counts, rows, _tests(said), built.seconds)


def _require_model(run: Run, name: str) -> None:
    files = {path.stem: path for path in (run.folder / PROJECT / "models").rglob("*.sql")}
    if name not in files:
        near = get_close_matches(name, files, 1)
        fix = f"Did you mean {near[0]}?" if near else f"The models are: {', '.join(sorted(files))}"
        raise InputError(f"Run {run.folder.name} has no model {name[:80]}.", fix=fix)


def _compiled_sql(name: str, year: int) -> str:
    """The SQL of a model of the run whose folder is the working directory. Raises ``InputError`` where it has none."""
    for model in compiled():
        if model.name == name:
            return model.sql_of(year)
    files = {path.stem: path.read_text(encoding="utf-8") for path in (PROJECT / "models").rglob("*.sql")}
    readers = sorted(stem for stem, text in files.items() if re.search(rf"""ref\(\s*['"]{name}['"]""", text))
    fix = f"Look at one of those: {', '.join(readers)}" if readers else "Enable it in the project of the run."
    raise InputError(f"{name} makes no table: it is part of the SQL of the models that read it.", fix=fix)


def _keep(connection: duckdb.DuckDBPyConnection, name: str) -> bool:
    """Keep the rows that the model has now, if it has any, for the comparison."""
    has_table = connection.execute("select count(*) from duckdb_tables() where table_name = ?", [name]).fetchone()
    if has_table == (0,):
        return False
    connection.execute(f"create schema {BEFORE}")
    connection.execute(f"create table {BEFORE}.{name} as from main.{name}")
    return True


def _compared(
    connection: duckdb.DuckDBPyConnection, name: str, year: int | None, has_before: bool
) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """How many rows of the year there were, are, went and came, and the first of each."""
    columns = [row[0] for row in connection.execute(f"describe main.{name}").fetchall()]
    is_yearly = year is not None and WORKFORCE.period_column in columns
    where = f"where {WORKFORCE.period_column} = {int(year or 0)}" if is_yearly else ""
    left_out = [column for column in columns if column in NOT_SHOWN]
    selected = f"select * exclude ({', '.join(left_out)})" if left_out else "select *"
    after = f"{selected} from main.{name} {where}"
    before = f"{selected} from {BEFORE}.{name} {where}" if has_before else f"{after} limit 0"
    asked = {
        "before": before,
        "after": after,
        "gone": f"({before}) except all ({after})",
        "new": f"({after}) except all ({before})",
    }
    found = {what: connection.sql(query) for what, query in asked.items()}
    counts = pd.DataFrame([{what: len(rows) for what, rows in found.items()}])
    return counts, {what: rows.order("all").limit(SAMPLE).df() for what, rows in found.items()}


def _tests(said: Mapping[str, str]) -> pd.DataFrame:
    rows = [(test, "fails" if why else "holds", why) for test, why in sorted(said.items())]
    return pd.DataFrame(rows, columns=["data test", "outcome", "what it says"])

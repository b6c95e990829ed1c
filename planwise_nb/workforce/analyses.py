"""The analyses of the shipped dbt project: dbt compiles them, DuckDB executes them in memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from pathlib import Path

import duckdb

from planwise_nb.core import store
from planwise_nb.workforce import dbt_project
from planwise_nb.workforce.dbt_project import CompiledModel


@contextmanager
def shipped_project() -> Iterator[tuple[duckdb.DuckDBPyConnection, Mapping[str, CompiledModel]]]:
    """An empty database in memory, and by name the models and analyses of the shipped project that read it.

    While the body runs, the working directory is a folder that is thrown away. Raises ``ModelError`` where dbt cannot
    compile the project.
    """
    with tempfile.TemporaryDirectory(prefix="planwise-") as place, chdir(place), store.connect() as connection:
        dbt_project.copy_shipped(Path())
        compiled = {model.name: model for model in dbt_project.compiled()}
        database = Path(store.DATABASE).stem
        connection.execute(f"attach ':memory:' as {database}; use {database}")
        yield connection, compiled

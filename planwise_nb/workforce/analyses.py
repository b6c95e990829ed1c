"""The analyses of a dbt project: dbt compiles them, DuckDB executes them in memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from pathlib import Path

import duckdb

from planwise_nb.core import store
from planwise_nb.workforce import dbt_project
from planwise_nb.workforce.dbt_project import CompiledModel

Analysed = tuple[duckdb.DuckDBPyConnection, Mapping[str, CompiledModel]]
"""An empty database in memory, and by name the models and analyses that read it."""


@contextmanager
def project_in(folder: Path) -> Iterator[Analysed]:
    """The project of a run's ``folder``, which is the working directory while the body runs.

    Raises ``ModelError`` where dbt cannot compile it.
    """
    with chdir(folder), store.connect() as connection:
        compiled = {model.name: model for model in dbt_project.compiled()}
        database = Path(store.DATABASE).stem
        connection.execute(f"attach ':memory:' as {database}; use {database}")
        yield connection, compiled


@contextmanager
def shipped_project() -> Iterator[Analysed]:
    """The shipped project, in a folder that is thrown away. Raises ``ModelError`` as ``project_in`` does."""
    with tempfile.TemporaryDirectory(prefix="planwise-") as place:
        dbt_project.copy_shipped(Path(place))
        with project_in(Path(place)) as analysed:
            yield analysed

"""The only place that opens DuckDB."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from planwise_nb.core.errors import BusyError


@contextmanager
def connect(path: Path | None = None, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the database file at ``path``, or to a database in memory, closed on leaving.

    Nobody may hold one between cells that need dbt, which opens the file itself.

    Raises ``BusyError`` where another process holds the file.
    """
    try:
        connection = duckdb.connect(str(path) if path else ":memory:", read_only=read_only)
    except duckdb.IOException as error:
        if "lock" not in str(error).lower():
            raise
        raise BusyError(
            f"The database {path} is in use by another process: {error}",
            fix="Close that process (a JupyterLab kernel, another run), then try again.",
        ) from error
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def sandbox() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory without access to files, network or extensions, its settings locked."""
    with connect() as connection:
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
        yield connection

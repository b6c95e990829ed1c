"""The only place that opens DuckDB."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from planwise_nb.core.digests import quoted
from planwise_nb.core.errors import BusyError, DamagedError, InputError
from planwise_nb.core.processes import describe

DATABASE = "simulation.duckdb"
"""The file of a run's tables, in its folder."""


MEMORY_LIMIT = "PLANWISE_MEMORY_LIMIT"
"""Set in the environment: how much memory a database may take, such as 4GB. What does not fit goes to disk."""

THREADS = "PLANWISE_THREADS"
"""May be set in the environment: how many threads a database takes; else as many as there are processors."""

_ROWS_OF_A_THREAD = 16_384
"""How many rows of a written table DuckDB hands to a thread at once: by its usual 122,880, a hundred thousand people
would be the work of one.
"""

_MEMORY = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?) ?([KMGT]i?B)", re.IGNORECASE | re.ASCII)
_LEAST_BYTES, _MOST_BYTES = 100_000_000, 10**15
_UNITS = {"K": 1, "M": 2, "G": 3, "T": 4}


def limit_memory(limit: str) -> None:
    """Let every database of this process and of its kernels take ``limit`` of memory at most, such as ``4GB``.

    Raises ``InputError`` where that is no amount of memory, too little to open a database, or more than there is.
    """
    found = _MEMORY.fullmatch(limit)
    if found is None:
        raise InputError(
            f"A memory limit of {limit[:40]} is no amount of memory.", fix="Write it as: --memory-limit 4GB"
        )
    base = 1024 if "I" in found[2].upper() else 1000
    if not _LEAST_BYTES <= float(found[1]) * base ** _UNITS[found[2][0].upper()] <= _MOST_BYTES:
        raise InputError(f"A memory limit of {limit} is too little or too much.", fix="Give 100MB to 1000TB.")
    os.environ[MEMORY_LIMIT] = limit


def _settings() -> dict[str, str]:
    """What the environment says of every database. Raises ``InputError`` for a number of threads that cannot be."""
    found = {"memory_limit": os.environ.get(MEMORY_LIMIT, ""), "threads": os.environ.get(THREADS, "")}
    if found["threads"] and not re.fullmatch(r"[1-9][0-9]{0,3}", found["threads"]):
        raise InputError(f"{THREADS} is {found['threads'][:40]!r}, no number of threads.", fix=f"Set {THREADS}=2.")
    if found["memory_limit"]:
        limit_memory(found["memory_limit"])
    return {name: value for name, value in found.items() if value}


@contextmanager
def connect(path: Path | None = None, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the database file at ``path``, or to a database in memory, closed on leaving.

    Nobody may hold one between cells that need dbt, which opens the file itself; one at a time may write.

    Raises ``BusyError`` naming the process where another one holds the file, ``DamagedError`` where it is no database,
    ``InputError`` where the environment asks for memory or threads that cannot be.
    """
    settings = _settings()
    try:
        connection = duckdb.connect(path, read_only=True) if path and read_only else _writing(path)
    except duckdb.Error as error:
        raise explained(error, path) from error
    connection.execute("set enable_progress_bar = false")  # it would write to standard output
    for name, value in settings.items():
        connection.execute(f"set {name} = ?", [value])
    if path is None:  # it would spill into the working directory
        connection.execute(
            "set temp_directory = ?", [str(Path(tempfile.gettempdir()) / f"planwise-spill-{os.getpid()}")]
        )
    try:
        yield connection
    finally:
        connection.close()


def _writing(path: Path | None) -> duckdb.DuckDBPyConnection:
    """A connection whose tables are called as in the file alone; ``path`` is not named as a word of DuckDB's."""
    connection = duckdb.connect()
    if path is None:
        return connection
    try:
        connection.execute(f"attach {_literal(path)} as {quoted(path.stem)} (row_group_size {_ROWS_OF_A_THREAD})")
        connection.execute(f"use {quoted(path.stem)}")
        connection.execute(f"set temp_directory = {_literal(f'{path.absolute()}.tmp')}")
    except duckdb.Error:
        connection.close()
        raise
    return connection


def _literal(text: object) -> str:
    return "'" + str(text).replace("'", "''") + "'"


def tables_of(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """The names of the tables and views that the connection has open."""
    return {row[0] for row in connection.execute("show tables").fetchall()}


INSPECTED = "inspected"


@contextmanager
def inspect(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that reads the tables of the database at ``path`` and runs nothing that it defines: a macro in a
    database may stand for a function of the same name.

    Raises as ``connect`` does.
    """
    with connect() as connection:
        try:
            connection.execute(f"attach {_literal(path)} as {INSPECTED} (read_only)")
        except duckdb.Error as error:
            raise explained(error, path) from error
        tables = connection.execute(
            "select table_name from duckdb_tables() where database_name = ? and schema_name = 'main'", [INSPECTED]
        ).fetchall()
        for (table,) in tables:
            connection.execute(f"create view {quoted(table)} as from {INSPECTED}.main.{quoted(table)}")
        yield connection


def explained(error: Exception, path: Path | None) -> Exception:
    """``error`` as people read it where the file at ``path`` is in use or damaged; else as it is."""
    said = str(error)
    if "set lock" in said.lower():
        found = re.search(r"PID (\d+)", said)
        return BusyError(
            f"{path} is in use by {describe(int(found[1])) if found else 'another process'}.",
            fix="Close it there (in JupyterLab: Kernel, Shut Down Kernel), or end that process; then try again.",
        )
    if "already attached" in said or "different configuration" in said:
        return BusyError(f"{path} is open in this process already.", fix="Close it there, then try again.")
    if path is not None:
        return DamagedError(f"{path} cannot be opened: {said.splitlines()[0]}")
    return error


@contextmanager
def sandbox() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory without access to files, network or extensions, its settings locked."""
    with connect() as connection:
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
        yield connection

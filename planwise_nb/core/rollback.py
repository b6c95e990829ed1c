"""Brings a run's folder to exactly the state of its records: what a killed or forced step left is removed."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from planwise_nb.core import store
from planwise_nb.core.digests import is_hidden, quoted
from planwise_nb.core.errors import BusyError
from planwise_nb.core.manifest import DIAGNOSTICS, DRAFT, done_steps, read_diagnostics, write_json
from planwise_nb.core.pipeline import Pipeline

WRITTEN = ("notebooks", "export", "compiled")
"""The folders into which steps write."""

PATIENCE_SECONDS = 30.0
TABLES = "select table_name from duckdb_tables() where schema_name = 'main' and not internal order by all"


def roll_back(pipeline: Pipeline, folder: Path, manifest: dict[str, Any]) -> None:
    """Remove every row, table, file and diagnostic of the run in ``folder`` that no record of ``manifest`` names.

    The caller holds the run. Raises ``BusyError`` where another process keeps the database open.
    """
    _tables(pipeline, folder, manifest)
    _files(folder, manifest)
    done = done_steps(manifest)
    entries = read_diagnostics(folder)["steps"]
    write_json(
        folder / DIAGNOSTICS, {"steps": [entry for entry in entries if (entry["step"], entry["period"]) in done]}
    )


def _tables(pipeline: Pipeline, folder: Path, manifest: dict[str, Any]) -> None:
    database = folder / store.DATABASE
    shutil.rmtree(f"{database}.tmp", ignore_errors=True)
    if not manifest["steps"]:
        for path in (database, database.with_name(f"{database.name}.wal")):
            path.unlink(missing_ok=True)
        return
    strays = stray_rows(pipeline, manifest)
    with _open_when_free(database) as connection:
        connection.execute("begin")
        for (table,) in connection.execute(TABLES).fetchall():
            if table not in strays:
                connection.execute(f"drop table {quoted(table)}")
            else:
                connection.execute(f"delete from {quoted(table)} where {strays[table]}")  # noqa: S608 - made here
        connection.execute("commit")


def stray_rows(pipeline: Pipeline, manifest: dict[str, Any]) -> dict[str, str]:
    """For each table that a record names, the SQL condition of its rows that no record names."""
    periods: dict[str, list[int | None]] = {}
    for record in manifest["steps"]:
        for table in record["tables"]:
            periods.setdefault(table, []).append(record["period"])
    return {
        table: "false" if None in kept else f"{pipeline.period_column} not in ({', '.join(map(str, kept))})"
        for table, kept in periods.items()
    }


@contextmanager
def _open_when_free(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection as ``store.connect`` gives it, as soon as no other process holds the file.

    Raises ``BusyError`` naming that process after half a minute.
    """
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with store.connect(database):
                break
        except BusyError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
    with store.connect(database) as connection:
        yield connection


def _files(folder: Path, manifest: dict[str, Any]) -> None:
    kept = known_files(manifest)
    for top in WRITTEN:
        for path in sorted((folder / top).rglob("*"), reverse=True):
            name = path.relative_to(folder).as_posix()
            if path.is_dir():
                if not any(path.iterdir()):
                    path.rmdir()
            elif name not in kept and (path.suffix == DRAFT or not is_hidden(name)):
                path.unlink()


def known_files(manifest: Mapping[str, Any]) -> set[str]:
    """Every file that a record names, by path in the run's folder."""
    return {name for record in manifest["steps"] for name in record["files"]}


def written_files(folder: Path) -> Iterator[str]:
    """Every file in the folders into which steps write, by path in the run's folder; hidden ones are nobody's."""
    for top in WRITTEN:
        for path in sorted((folder / top).rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_file() and not is_hidden(name):
                yield name

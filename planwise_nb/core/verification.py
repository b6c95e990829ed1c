"""Recomputes every digest of a run's trail and says what does not hold."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from planwise_nb.core import store
from planwise_nb.core.changes import find_file_changes
from planwise_nb.core.digests import file_digest, quoted, table_digest, value_digest
from planwise_nb.core.errors import PlanwiseError
from planwise_nb.core.manifest import DIAGNOSTICS, MANIFEST, done_steps, read_diagnostics
from planwise_nb.core.pipeline import Key, Pipeline, label
from planwise_nb.core.rollback import known_files, stray_rows, written_files
from planwise_nb.core.trail import broken_links, broken_seal


@dataclass(frozen=True)
class Finding:
    """Something in a run that is not what its trail says; ``key`` is the step whose result it spoils, if any."""

    where: str
    what: str
    key: Key | None = None

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def verify(
    pipeline: Pipeline, folder: Path, manifest: dict[str, Any], *, allow_leftovers: bool = False
) -> list[Finding]:
    """Everything that does not hold in the trail of the run in ``folder``: manifest, records, files, diagnostics and
    tables. Empty where all holds. Changes nothing.

    ``allow_leftovers`` passes over what no record names: an unfinished step leaves something behind, which a resume
    removes.
    """
    leftovers = [] if allow_leftovers else [*_stray_files(folder, manifest), *_stray_tables(pipeline, folder, manifest)]
    return [
        *_manifest(pipeline, manifest),
        *_files(folder, manifest),
        *_diagnostics(folder, manifest),
        *_tables(pipeline, folder, manifest),
        *leftovers,
    ]


def _manifest(pipeline: Pipeline, manifest: dict[str, Any]) -> Iterator[Finding]:
    if (said := broken_seal(manifest)) is not None:
        yield Finding(MANIFEST, said)
    done, keys = done_steps(manifest), list(pipeline.keys(manifest["periods"]))
    for place in broken_links(manifest):
        what = "its record does not follow from the one before: a record was changed, removed or moved"
        yield Finding(f"{MANIFEST}, record {place + 1} ({label(done[place])})", what, done[place])
    if done != keys[: len(done)]:
        yield Finding(MANIFEST, "the records are not those of the first steps in their order")
    if manifest["status"] == "success" and done != keys:
        yield Finding(MANIFEST, f"the run is called a success with {len(done)} of {len(keys)} records")


def _files(folder: Path, manifest: dict[str, Any]) -> Iterator[Finding]:
    for change in find_file_changes(folder, manifest):
        yield Finding(change.path, f"{change.what} since the run started")
    for record in manifest["steps"]:
        for name, digest in record["files"].items():
            path = folder / name
            if not path.is_file() or file_digest(path) != digest:
                what = "is not the file that was recorded" if path.is_file() else "is gone"
                yield Finding(name, what, (record["step"], record["period"]))


def _stray_files(folder: Path, manifest: dict[str, Any]) -> Iterator[Finding]:
    known = known_files(manifest)
    for name in written_files(folder):
        if name not in known:
            yield Finding(name, "no record names it")


def _diagnostics(folder: Path, manifest: dict[str, Any]) -> Iterator[Finding]:
    entries = {(entry["step"], entry["period"]): entry for entry in read_diagnostics(folder)["steps"]}
    for record in manifest["steps"]:
        key = record["step"], record["period"]
        if value_digest(entries.get(key)) != record["diagnostics_sha256"]:
            yield Finding(DIAGNOSTICS, f"{label(key)} is not as it was recorded", key)


def _tables(pipeline: Pipeline, folder: Path, manifest: dict[str, Any]) -> Iterator[Finding]:
    database = folder / store.DATABASE
    if not manifest["steps"]:
        return
    if not database.is_file():
        first = done_steps(manifest)[0]
        yield Finding(store.DATABASE, "is gone", first)
        return
    try:
        with store.connect(database, read_only=True) as connection:
            yield from compare_tables(pipeline, connection, manifest)
            yield from _moments(pipeline, connection, manifest)
    except (PlanwiseError, duckdb.Error) as error:
        what = error.what if isinstance(error, PlanwiseError) else f"cannot be read: {str(error).splitlines()[0]}"
        yield Finding(store.DATABASE, what, done_steps(manifest)[0])


def compare_tables(
    pipeline: Pipeline, connection: duckdb.DuckDBPyConnection, manifest: dict[str, Any]
) -> Iterator[Finding]:
    """Every table of the database that is not as the records of ``manifest`` say."""
    there = _table_names(connection)
    for key, table, where, recorded in _recorded(pipeline, manifest):
        if table not in there:
            yield Finding(f"table {table}", "is gone", key)
        elif (now := table_digest(connection, table, where)) != recorded:
            differs = now["rows"] != recorded["rows"]
            rows = f": {now['rows']:,} rows now, {recorded['rows']:,} recorded" if differs else ""
            yield Finding(f"table {table}", f"is not as {label(key)} wrote it{rows}", key)


def _recorded(pipeline: Pipeline, manifest: dict[str, Any]) -> Iterator[tuple[Key, str, str, dict[str, Any]]]:
    """Each step with each table that it wrote, the condition of its rows, and their count and digest."""
    for record in manifest["steps"]:
        period = record["period"]
        where = "true" if period is None else f"{pipeline.period_column} = {int(period)}"
        for table, recorded in record["tables"].items():
            yield (record["step"], period), table, where, recorded


def _moments(pipeline: Pipeline, connection: duckdb.DuckDBPyConnection, manifest: dict[str, Any]) -> Iterator[Finding]:
    """Tables whose rows do not say the start of the run that made them: no digest covers when a row was made."""
    created = {(record["step"], record["period"]): record["created_at"] for record in manifest["steps"]}
    there = _table_names(connection)
    for key, table, where, _ in _recorded(pipeline, manifest):
        if table in there and not _made_at(connection, table, where, created[key]):
            yield Finding(f"table {table}", f"says that {label(key)} was made at another time", key)


def _made_at(connection: duckdb.DuckDBPyConnection, table: str, where: str, created_at: str) -> bool:
    """Whether the columns that say when a row was made all hold the start of the run that made it."""
    columns = [row[0] for row in connection.execute(f"describe {quoted(table)}").fetchall()]
    moment = datetime.fromisoformat(created_at).replace(tzinfo=None)
    for column in (name for name in columns if str(name).endswith("created_at")):
        query = f"select count(*) from {quoted(table)} where {where} and {quoted(column)} is distinct from ?"  # noqa: S608
        if connection.execute(query, [moment]).fetchall()[0][0]:
            return False
    return True


def _stray_tables(pipeline: Pipeline, folder: Path, manifest: dict[str, Any]) -> Iterator[Finding]:
    """Tables and rows that no record names; a database that cannot be read is told of by ``_tables``."""
    strays = stray_rows(pipeline, manifest)
    with suppress(PlanwiseError, duckdb.Error), store.connect(folder / store.DATABASE, read_only=True) as connection:
        for table in sorted(_table_names(connection)):
            if table not in strays:
                yield Finding(f"table {table}", "no record names it")
                continue
            query = f"select count(*) from {quoted(table)} where {strays[table]}"  # noqa: S608 - made by rollback
            if rows := connection.execute(query).fetchall()[0][0]:
                yield Finding(f"table {table}", f"{rows:,} rows belong to no record")


def _table_names(connection: duckdb.DuckDBPyConnection) -> set[str]:
    return {row[0] for row in connection.execute("select table_name from duckdb_tables()").fetchall()}

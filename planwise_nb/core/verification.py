"""Recomputes every digest of a run's trail and says what does not hold."""

from __future__ import annotations

import json
import os
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
from planwise_nb.core.errors import DamagedError, InputError, Problem
from planwise_nb.core.manifest import DIAGNOSTICS, MANIFEST, done_steps, read_diagnostics
from planwise_nb.core.pipeline import Key, Pipeline, label
from planwise_nb.core.rollback import known_files, stray_rows, written_files
from planwise_nb.core.trail import KEY_VARIABLE, broken_links, broken_seal, is_signed

FOREIGN = """
    select 'view', view_name from duckdb_views() where database_name = ? and not internal
    union all
    select 'function', function_name from duckdb_functions() where database_name = ? and not internal
    union all
    select 'schema', schema_name from duckdb_schemas()
    where database_name = ? and not internal and schema_name != 'main'
    union all
    select 'sequence', sequence_name from duckdb_sequences() where database_name = ?
    union all
    select 'type', type_name from duckdb_types() where database_name = ? and not internal
    order by all
"""
"""What the database of a run never holds: it may stand for a table or a function of the same name."""


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
    removes. Raises ``BusyError`` where another process keeps the database open.
    """
    if _faults_of_form(manifest):
        return list(_manifest(pipeline, folder, manifest))
    leftovers = [] if allow_leftovers else [*_stray_files(folder, manifest), *_stray_tables(pipeline, folder, manifest)]
    return [
        *_manifest(pipeline, folder, manifest),
        *_files(folder, manifest),
        *_diagnostics(folder, manifest),
        *_tables(pipeline, folder, manifest),
        *leftovers,
    ]


def require_sound_manifest(pipeline: Pipeline, folder: Path, manifest: dict[str, Any]) -> None:
    """Raise ``InputError`` unless the manifest itself holds: nothing is removed, copied or sealed anew on the word of
    one that does not.
    """
    if is_signed(manifest) and KEY_VARIABLE not in os.environ:
        raise InputError(
            f"Run {folder.name} is signed, and {KEY_VARIABLE} is not set.", fix="Set it to the key that the run has."
        )
    if findings := list(_manifest(pipeline, folder, manifest)):
        fix = "Put back a copy of the file. Without one the run has no proof: run again, planwise run"
        problems = [Problem(rule="trail", where=found.where, what=found.what, fix=fix) for found in findings]
        raise InputError(f"Run {folder.name} cannot go on: its manifest does not hold.", problems)


def _manifest(pipeline: Pipeline, folder: Path, manifest: dict[str, Any]) -> Iterator[Finding]:
    if faults := _faults_of_form(manifest):
        yield from (Finding(MANIFEST, fault) for fault in faults)
        return
    if (manifest["run_id"], manifest["subject"]) != (folder.name, folder.parent.name):
        yield Finding(MANIFEST, f"it is that of run {manifest['run_id']} of {manifest['subject']}")
    if (said := broken_seal(manifest)) is not None:
        yield Finding(MANIFEST, said)
    done, keys = done_steps(manifest), list(pipeline.keys(manifest["periods"]))
    for place in broken_links(manifest):
        what = "its record does not follow from the one before: a record was changed, removed or moved"
        yield Finding(f"{MANIFEST}, record {place + 1} ({label(done[place])})", what)
    if done != keys[: len(done)]:
        yield Finding(MANIFEST, "the records are not those of the first steps in their order")
    if manifest["status"] == "success" and done != keys:
        yield Finding(MANIFEST, f"the run is called a success with {len(done)} of {len(keys)} records")
    made_from = {record["inputs_sha256"] for record in manifest["steps"]}
    if not manifest["accepted_changes"] and made_from - {value_digest(manifest["files"])}:
        yield Finding(MANIFEST, "its files are not those that its steps were made from")


def _faults_of_form(manifest: dict[str, Any]) -> list[str]:
    """What in a manifest is not as its JSON Schema says."""
    import jsonschema  # noqa: PLC0415 - takes a second, and only who doubts a run needs it

    schema = json.loads((Path(__file__).parent / "schemas" / "manifest.schema.json").read_text(encoding="utf-8"))
    errors = jsonschema.Draft202012Validator(schema).iter_errors(manifest)
    return [f"{error.json_path}: {error.message[:200]}" for error in errors]


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
    entries = read_diagnostics(folder)["steps"]
    for record in manifest["steps"]:
        key = record["step"], record["period"]
        told = [value_digest(entry) for entry in entries if (entry["step"], entry["period"]) == key]
        if told != [record["diagnostics_sha256"]]:
            yield Finding(DIAGNOSTICS, f"{label(key)} is not as it was recorded", key)


def _tables(pipeline: Pipeline, folder: Path, manifest: dict[str, Any]) -> Iterator[Finding]:
    database = folder / store.DATABASE
    if not manifest["steps"]:
        return
    first = done_steps(manifest)[0]
    if not database.is_file():
        yield Finding(store.DATABASE, "is gone", first)
        return
    try:
        with store.inspect(database) as connection:
            yield from compare_tables(pipeline, connection, manifest)
            yield from _moments(pipeline, connection, manifest)
    except (DamagedError, duckdb.Error) as error:
        what = error.what if isinstance(error, DamagedError) else f"cannot be read: {str(error).splitlines()[0]}"
        yield Finding(store.DATABASE, what, first)


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
    """Tables and rows that no record names, and whatever else is in the database; one that cannot be read is told of
    by ``_tables``.
    """
    strays = stray_rows(pipeline, manifest)
    with suppress(DamagedError, duckdb.Error), store.inspect(folder / store.DATABASE) as connection:
        for table in sorted(_table_names(connection)):
            if table not in strays:
                yield Finding(f"table {table}", "no record names it")
                continue
            query = f"select count(*) from {quoted(table)} where {strays[table]}"  # noqa: S608 - made by rollback
            if rows := connection.execute(query).fetchall()[0][0]:
                yield Finding(f"table {table}", f"{rows:,} rows belong to no record")
        for kind, name in connection.execute(FOREIGN, [store.INSPECTED] * FOREIGN.count("?")).fetchall():
            yield Finding(f"{kind} {name}", "no step makes such a thing")


def _table_names(connection: duckdb.DuckDBPyConnection) -> set[str]:
    query = "select table_name from duckdb_tables() where database_name = ? and schema_name = 'main'"
    return {row[0] for row in connection.execute(query, [store.INSPECTED]).fetchall()}

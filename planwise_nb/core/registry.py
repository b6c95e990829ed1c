"""Where the index of runs is kept: in SQLite beside the runs, or in the database that ``PLANWISE_REGISTRY_URL`` names.

Several processes may write at once. A registry of one's own that is damaged, or of another form, is set aside: its
rows come back from the manifests. A database that was named is never touched but for its table ``runs``.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from filelock import FileLock
from sqlalchemy.dialects import postgresql, sqlite

from planwise_nb.core.errors import BusyError, InputError, PlanwiseError

REGISTRY_URL = "PLANWISE_REGISTRY_URL"
FILE = "registry.sqlite"
WAIT = 30
"""Seconds to wait for another process that writes."""

RUNS = sa.Table(
    "runs",
    sa.MetaData(),
    sa.Column("home", sa.String, primary_key=True),
    sa.Column("run_id", sa.String, primary_key=True),
    sa.Column("pipeline", sa.String),
    sa.Column("subject", sa.String, nullable=False),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("parent_run_id", sa.String),
    sa.Column("created_at", sa.String, nullable=False),
    sa.Column("finished_at", sa.String),
    sa.Column("seconds", sa.Float),
    sa.Column("path", sa.String, nullable=False),
    sa.Column("stamp", sa.String),
)
"""``home`` is the folder of the runs where several share a registry, as host:path, and empty in the one beside them;
``path`` is relative to it. ``stamp`` tells the state of the manifest that the row was made from."""

Row = dict[str, Any]
Result = TypeVar("Result")

_DRIVERS = dict.fromkeys(("sqlite", "sqlite+pysqlite"), "sqlite") | dict.fromkeys(
    ("postgres", "postgresql", "postgresql+psycopg"), "postgresql+psycopg"
)
_INSERT: dict[str, Callable[[sa.Table], Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
_HIDDEN_OPTIONS = ("password", "sslpassword")
_CREATION_LOCK = 7_526_697_393
_ATTEMPTS = 5

# https://www.sqlite.org/rescode.html and https://www.postgresql.org/docs/current/errcodes-appendix.html
_SQLITE_BUSY = {5, 6}
_SQLITE_UNUSABLE = {1, 11, 26}
_SQLITE_MOVED = 1032
_SQLITE_INPUT_OUTPUT = 10
_POSTGRESQL_BUSY = {"40001", "40P01", "53300", "55P03", "57P03"}
_POSTGRESQL_NO_TABLE = "42P01"


class Registry:
    """The table ``runs`` of the runs below ``out``; the table is made when the first row is written.

    Raises ``InputError`` where the database cannot be used and ``BusyError`` where others hold it too long.
    """

    def __init__(self, out: Path) -> None:
        named = os.environ.get(REGISTRY_URL, "").strip()
        self.file = None if named else out / FILE
        self.home = f"{socket.gethostname()}:{out.resolve()}" if named else ""
        self.has_answered = False
        self._url = _read_url(named) if named else sa.URL.create("sqlite", database=str(out / FILE))

    def __repr__(self) -> str:
        if self.file:
            return str(self.file)
        shown = self._url.difference_update_query(_HIDDEN_OPTIONS).set(drivername=self._url.get_backend_name())
        return shown.render_as_string(hide_password=True)

    def check(self) -> None:
        """Make sure that a database that was named can be used."""
        if not self.file:
            self._transact(lambda connection: connection.execute(sa.select(RUNS).limit(0)))

    def rows(self) -> list[Row]:
        """The rows of this home."""
        if self.file and not self.file.exists():
            return []
        query = sa.select(RUNS).where(RUNS.c.home == self.home)
        return [dict(row) for row in self._transact(lambda connection: connection.execute(query).mappings().all())]

    def put(self, rows: Sequence[Row]) -> None:
        """Write or rewrite rows, all or none."""
        if self.file:
            self.file.parent.mkdir(parents=True, exist_ok=True)
        insert = _INSERT[self._url.get_backend_name()](RUNS)
        upsert = insert.on_conflict_do_update(index_elements=list(RUNS.primary_key), set_=dict(insert.excluded))
        ordered = sorted(rows, key=lambda row: row["run_id"])  # in one order, or two writers wait for each other
        self._transact(lambda connection: connection.execute(upsert, ordered))

    def remove(self, run_id: str) -> None:
        """Remove the row of a run."""
        statement = sa.delete(RUNS).where(RUNS.c.home == self.home, RUNS.c.run_id == run_id)
        self._transact(lambda connection: connection.execute(statement))

    @cached_property
    def _engine(self) -> sa.Engine:
        patience = {"sqlite": ("timeout", WAIT), "postgresql": ("connect_timeout", 10)}
        option, seconds = patience[self._url.get_backend_name()]
        given = {} if option in self._url.query else {option: seconds}
        try:
            return sa.create_engine(self._url, connect_args=given, poolclass=sa.NullPool)
        except ImportError:
            raise InputError(
                f"The registry {self} needs the package psycopg, which is not installed.",
                fix="Install it: pip install 'planwise-notebooks[postgres]'",
            ) from None

    def _transact(self, work: Callable[[sa.Connection], Result]) -> Result:
        """What ``work`` gives, in a transaction; mends what can be mended, then tries again."""
        has_table = True
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with self._engine.begin() as connection:
                    if not has_table:
                        _create_table(connection)
                    result = work(connection)
            except sa.exc.DBAPIError as error:
                if _lacks_table(error):
                    has_table = False
                elif self.file and _is_unusable(error):
                    self._set_aside(self.file)
                elif not _was_moved(error) or attempt == _ATTEMPTS:
                    raise self._told(error) from None
            else:
                self.has_answered = True
                return result
        raise BusyError(f"The registry {self} is replaced by others again and again.", fix="Try again.")

    def _set_aside(self, file: Path) -> None:
        """Keep a copy of a damaged registry and remove it; under a lock, so that nobody removes the sound one that came
        after it. A copy: whoever still has the old file open may play the next one's journal into it."""
        with FileLock(file.with_suffix(".lock")):
            if self._is_sound():
                return
            for suffix in ("-journal", ""):  # a journal left behind would be played into the next file
                path = file.with_name(file.name + suffix)
                if path.exists():
                    shutil.copyfile(path, file.with_name(f"{file.stem}.damaged{suffix}"))
                    path.unlink()

    def _is_sound(self) -> bool:
        try:
            with self._engine.begin() as connection:
                _create_table(connection)
                connection.execute(sa.select(RUNS).limit(0))
                return bool(connection.exec_driver_sql("pragma quick_check(1)").scalar() == "ok")
        except sa.exc.DBAPIError as error:
            return not _is_unusable(error)

    def _told(self, error: sa.exc.DBAPIError) -> PlanwiseError:
        reason = (str(error.orig).strip().splitlines() or [type(error.orig).__name__])[0].rstrip(".")
        if self._url.password:
            reason = reason.replace(str(self._url.password), "***")
        if _is_busy(error):
            return BusyError(
                f"The registry {self} is held by another process: {reason}.",
                fix="Try again when that process is done.",
            )
        return InputError(
            f"The registry {self} cannot be used: {reason}.",
            fix="Check that its folder can be written, or name another with --out."
            if self.file
            else f"Start that database or correct {REGISTRY_URL}; without it the registry is {FILE} beside the runs.",
        )


def _read_url(named: str) -> sa.URL:
    """The database that was named. No message repeats the text: it may hold a password."""
    try:
        url = sa.make_url(named)
    except (sa.exc.ArgumentError, ValueError):
        raise InputError(
            f"{REGISTRY_URL} is not the address of a database.",
            fix="Write it as: postgresql://NAME:PASSWORD@HOST:5432/DATABASE, or sqlite:////FOLDER/FILE",
        ) from None
    if url.drivername not in _DRIVERS:
        raise InputError(
            f"{REGISTRY_URL} names {url.drivername}, on which the registry cannot live.",
            fix="Write it as: postgresql://NAME:PASSWORD@HOST:5432/DATABASE, or sqlite:////FOLDER/FILE",
        )
    if "@" in (url.host or ""):
        raise InputError(f"{REGISTRY_URL} holds an @ in the password.", fix="Write %40 for it.")
    if url.get_backend_name() == "sqlite" and url.database in {None, "", ":memory:"}:
        raise InputError(f"{REGISTRY_URL} names no file.", fix="Write it as: sqlite:////FOLDER/FILE")
    return url.set(drivername=_DRIVERS[url.drivername])


def _create_table(connection: sa.Connection) -> None:
    if connection.dialect.name == "postgresql":  # where "if not exists" lets two in, and one of them fails
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_CREATION_LOCK)))
    connection.execute(sa.schema.CreateTable(RUNS, if_not_exists=True))


def _sqlite_code(error: sa.exc.DBAPIError) -> int:
    return int(getattr(error.orig, "sqlite_errorcode", 0))


def _lacks_table(error: sa.exc.DBAPIError) -> bool:
    return getattr(error.orig, "sqlstate", "") == _POSTGRESQL_NO_TABLE or "no such table" in str(error.orig)


def _was_moved(error: sa.exc.DBAPIError) -> bool:
    """Whether another process may have set the file aside meanwhile, so that trying again may help."""
    code = _sqlite_code(error)
    return code == _SQLITE_MOVED or code & 0xFF == _SQLITE_INPUT_OUTPUT


def _is_unusable(error: sa.exc.DBAPIError) -> bool:
    """Whether the file is no database, is damaged, or holds a table of another form."""
    return _sqlite_code(error) & 0xFF in _SQLITE_UNUSABLE


def _is_busy(error: sa.exc.DBAPIError) -> bool:
    state = getattr(error.orig, "sqlstate", None)
    return _sqlite_code(error) & 0xFF in _SQLITE_BUSY or state in _POSTGRESQL_BUSY

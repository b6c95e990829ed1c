"""The index of runs: on SQLite and on a real PostgreSQL, under many writers, after kills, damage and lies."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from planwise_nb.core import registry
from planwise_nb.core.errors import BusyError, InputError
from planwise_nb.core.ledger import Ledger
from planwise_nb.core.registry import REGISTRY_URL
from tests.postgresql import PASSWORD, programs, server
from tests.recorders import PROCESSES, RECORDS, manifest
from tests.test_cli import planwise
from tests.test_schemas import faults

RUN, LATER = "20270101-120000-0123abcd", "20270102-120000-0123abcd"


def write(out: Path, **changes: Any) -> dict[str, Any]:
    """A run's folder with its manifest, not yet in the index."""
    written = manifest(**{"run_id": RUN} | changes)
    folder = out / written["subject"] / written["run_id"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").write_text(json.dumps(written))
    return written


def statuses(out: Path) -> dict[str, str]:
    rows = Ledger(out).runs()
    assert [faults("registry", row) for row in rows] == [[] for _ in rows]
    return {row["run_id"]: row["status"] for row in rows}


def engine_of(address: str, **options: Any) -> sa.Engine:
    return sa.create_engine(address.replace("postgresql:", "postgresql+psycopg:"), poolclass=sa.NullPool, **options)


def rows_in_database(address: str) -> int:
    with engine_of(address).connect() as connection:
        return int(connection.execute(sa.text("select count(*) from runs")).scalar_one())


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    binaries = programs()
    if binaries is None:
        pytest.skip("needs PostgreSQL, which is not installed: apt-get install postgresql")
    with server(binaries) as address:
        yield address


@pytest.fixture
def postgresql(postgresql_server: str, tmp_path: Path) -> str:
    """The address of an empty database."""
    name = f"try_{tmp_path.name.lower().replace('-', '_')[:50]}"
    with engine_of(postgresql_server, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(sa.text(f'create database "{name}"'))
    return postgresql_server.replace("/postgres?", f"/{name}?")


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def address(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of the registry below ``tmp_path``: beside the runs, or on a server."""
    if request.param == "SQLite":
        return f"sqlite:///{tmp_path}/registry.sqlite"
    monkeypatch.setenv(REGISTRY_URL, request.getfixturevalue("postgresql"))
    return str(request.getfixturevalue("postgresql"))


# Many writers


def all_recording(out: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.recorders", str(out)]
    return subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)


def test_ten_processes_that_record_at_once_lose_no_row(tmp_path: Path, address: str) -> None:
    done = all_recording(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert rows_in_database(address) == PROCESSES * RECORDS
    assert not (tmp_path / "registry.damaged").exists()


def test_ten_processes_that_find_the_registry_damaged_lose_no_row(tmp_path: Path) -> None:
    (tmp_path / "registry.sqlite").write_text("junk " * 300)
    done = all_recording(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert rows_in_database(f"sqlite:///{tmp_path}/registry.sqlite") == PROCESSES * RECORDS
    assert (tmp_path / "registry.damaged").read_text() == "junk " * 300


def test_two_that_make_the_table_on_a_server_at_once_take_turns(
    tmp_path: Path, postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(REGISTRY_URL, postgresql)
    waiting = sa.text("select count(*) from pg_stat_activity where wait_event_type = 'Lock'")
    with ThreadPoolExecutor() as second, engine_of(postgresql).connect() as first:
        registry._create_table(first)
        recorded = second.submit(Ledger(tmp_path).record, manifest(RUN))
        with engine_of(postgresql).connect() as watcher:
            while not recorded.done() and not watcher.execute(waiting).scalar_one():
                watcher.rollback()
        first.commit()
        recorded.result()
    assert statuses(tmp_path) == {RUN: "missing"}


def test_a_registry_that_another_process_holds_is_busy_and_not_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "WAIT", 0.2)
    Ledger(tmp_path).record(write(tmp_path))
    holder = sqlite3.connect(tmp_path / "registry.sqlite", isolation_level=None)
    holder.execute("begin exclusive")
    with pytest.raises(BusyError, match="held by another process: database is locked"):
        Ledger(tmp_path).record(write(tmp_path, run_id=LATER))
    holder.rollback()
    holder.close()
    assert statuses(tmp_path) == {LATER: "running", RUN: "running"}
    assert not (tmp_path / "registry.damaged").exists()


# Truth


def test_a_run_recorded_again_keeps_one_row(tmp_path: Path, address: str) -> None:
    ledger = Ledger(tmp_path)
    ledger.record(write(tmp_path))
    ledger.record(write(tmp_path, status="success", seconds=2.5, finished_at="2027-01-01T12:00:03+00:00"))
    assert [(row["status"], row["seconds"]) for row in ledger.runs()] == [("success", 2.5)]
    assert rows_in_database(address) == 1


def test_a_run_killed_before_its_row_was_written_is_listed_and_recorded(tmp_path: Path, address: str) -> None:
    Ledger(tmp_path).record(write(tmp_path))
    write(tmp_path, status="success")
    write(tmp_path, run_id=LATER)
    assert list(statuses(tmp_path).items()) == [(LATER, "running"), (RUN, "success")]
    assert rows_in_database(address) == 2


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"run_id": 7}', b"\xff\x00", b"[" * 100_000, None])
def test_a_damaged_manifest_is_listed_as_damaged(tmp_path: Path, content: bytes | None) -> None:
    for run_id in (RUN, LATER):
        write(tmp_path, run_id=run_id)
    Ledger(tmp_path).record(manifest(RUN))
    for run_id in (RUN, LATER) if content is not None else (RUN,):
        path = tmp_path / "baseline" / run_id / "manifest.json"
        path.unlink() if content is None else path.write_bytes(content)
    said = statuses(tmp_path)
    assert said == {RUN: "damaged", LATER: "running" if content is None else "damaged"}
    write(tmp_path, status="success")
    assert statuses(tmp_path)[RUN] == "success"


def test_a_run_whose_folder_is_gone_is_missing_until_it_is_deleted(tmp_path: Path, address: str) -> None:
    for run_id in (RUN, LATER):
        Ledger(tmp_path).record(write(tmp_path, run_id=run_id))
    shutil.rmtree(tmp_path / "baseline" / LATER)
    assert statuses(tmp_path) == {LATER: "missing", RUN: "running"}
    with pytest.raises(InputError, match=f"is gone.*\n.*planwise runs --delete {LATER}"):
        Ledger(tmp_path).folder(LATER)
    assert Ledger(tmp_path).folder() == tmp_path / "baseline" / RUN
    Ledger(tmp_path).delete(LATER)
    assert rows_in_database(address) == 1


def test_a_folder_that_comes_back_is_no_longer_missing(tmp_path: Path) -> None:
    Ledger(tmp_path).record(write(tmp_path, status="success"))
    (tmp_path / "baseline").rename(tmp_path / "away")
    (tmp_path / "away" / RUN).rename(tmp_path / "kept")
    assert statuses(tmp_path) == {RUN: "missing"}
    (tmp_path / "kept").rename(tmp_path / "away" / RUN)
    assert [(row["status"], row["path"]) for row in Ledger(tmp_path).runs()] == [("success", f"away/{RUN}")]


def test_a_copy_that_still_bears_its_parents_name_is_no_run_yet(tmp_path: Path) -> None:
    Ledger(tmp_path).record(write(tmp_path))
    shutil.copytree(tmp_path / "baseline" / RUN, tmp_path / "baseline" / LATER)
    assert statuses(tmp_path) == {RUN: "running"}


def test_a_registry_of_an_earlier_form_is_set_aside_and_rebuilt(tmp_path: Path) -> None:
    write(tmp_path)
    with sqlite3.connect(tmp_path / "registry.sqlite") as earlier:
        earlier.execute("create table runs (run_id text primary key, status text)")
    assert statuses(tmp_path) == {RUN: "running"}
    assert (tmp_path / "registry.damaged").exists()


def test_listing_where_no_run_is_writes_nothing(tmp_path: Path) -> None:
    assert Ledger(tmp_path / "none").runs() == []
    assert not (tmp_path / "none").exists()


def test_many_runs_are_listed_without_reading_their_manifests_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for second in range(50):
        write(tmp_path, run_id=f"20270101-1200{second:02}-0123abcd", status="success")
    before = Ledger(tmp_path).runs()
    monkeypatch.delattr("planwise_nb.core.ledger._read")
    assert Ledger(tmp_path).runs() == before


# Never outside


@pytest.mark.parametrize(
    "name", ["..", "../..", "/etc", "baseline", f"../{RUN}", f"{RUN}/..", f"{RUN}\n", "*", "a" * 9999]
)
@pytest.mark.parametrize("verb", [Ledger.folder, Ledger.delete])
def test_only_a_run_id_is_looked_up(tmp_path: Path, name: str, verb: Callable[[Ledger, str], object]) -> None:
    write(tmp_path)
    with pytest.raises(InputError, match="is no run id"):
        verb(Ledger(tmp_path), name)
    assert statuses(tmp_path) == {RUN: "running"}


def test_a_link_that_leads_out_is_neither_listed_nor_deleted(tmp_path: Path) -> None:
    out, elsewhere = tmp_path / "runs", tmp_path / "elsewhere"
    for run_id in (RUN, LATER):
        write(elsewhere, run_id=run_id)
    (out / "baseline").mkdir(parents=True)
    (out / "linked").symlink_to(elsewhere / "baseline")
    (out / "baseline" / LATER).symlink_to(elsewhere / "baseline" / LATER)
    assert statuses(out) == {}
    Ledger(out).record(manifest(LATER))
    Ledger(out).delete(LATER)
    assert statuses(elsewhere) == {RUN: "running", LATER: "running"}


@pytest.mark.parametrize("lie", ["", ".", "..", "../elsewhere", "/"])
def test_a_path_in_the_registry_is_not_believed(tmp_path: Path, lie: str) -> None:
    out = tmp_path / "runs"
    Ledger(out).record(write(out))
    write(tmp_path, subject="elsewhere")
    with sqlite3.connect(out / "registry.sqlite") as connection:
        connection.execute("update runs set path = ?", (lie,))
    Ledger(out).delete(RUN)
    assert (statuses(out), (tmp_path / "elsewhere" / RUN).is_dir()) == ({}, True)


def test_a_deletion_that_was_cut_short_is_finished_by_the_next(tmp_path: Path) -> None:
    Ledger(tmp_path).record(write(tmp_path))
    (tmp_path / "baseline" / RUN).rename(tmp_path / "baseline" / f".{RUN}.deleted")
    assert statuses(tmp_path) == {RUN: "missing"}
    Ledger(tmp_path).delete(RUN)
    assert (statuses(tmp_path), list((tmp_path / "baseline").iterdir())) == ({}, [])


# The database that was named


def test_two_folders_of_runs_share_a_server_and_see_their_own_runs(
    tmp_path: Path, postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(REGISTRY_URL, postgresql)
    for name, status in (("mine", "success"), ("yours", "failed")):
        Ledger(tmp_path / name).record(write(tmp_path / name, status=status))
    Ledger(tmp_path / "yours").delete(RUN)
    assert (statuses(tmp_path / "mine"), statuses(tmp_path / "yours")) == ({RUN: "success"}, {})
    assert not list(tmp_path.rglob("registry*"))


@pytest.mark.parametrize(
    ("address", "message"),
    [
        (f"{PASSWORD}", "is not the address of a database"),
        (f"postgresql://me:{PASSWORD}@host:port/runs", "is not the address of a database"),
        (f"mysql://me:{PASSWORD}@host/runs", "names mysql, on which the registry cannot live"),
        (f"postgresql+pigeon://me:{PASSWORD}@host/runs", "names postgresql\\+pigeon"),
        (f"postgresql://me:@{PASSWORD}@host/runs", "Write %40"),
        (f"postgresql://me:{PASSWORD}@127.0.0.1:1/runs", "127.0.0.1:1/runs cannot be used: .*Connection refused"),
        (f"postgresql://me@127.0.0.1:1/runs?password={PASSWORD}", "127.0.0.1:1/runs cannot be used"),
        ("sqlite://", "names no file"),
        ("sqlite:////no/such/folder/runs.sqlite", "unable to open"),
    ],
)
def test_a_database_that_cannot_be_used_is_told_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, message: str
) -> None:
    monkeypatch.setenv(REGISTRY_URL, address)
    with pytest.raises(InputError, match=message) as refused:
        Ledger(tmp_path).check()
    assert refused.value.fix
    assert PASSWORD not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_password_is_told_without_it(tmp_path: Path, postgresql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(REGISTRY_URL, postgresql.replace(PASSWORD, "an0ther"))
    done = planwise("runs", "--json", cwd=tmp_path)
    assert (done.returncode, json.loads(done.stdout)["status"]) == (2, "refused")
    assert "password authentication failed" in done.stderr
    assert "an0ther" not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_a_driver_that_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(REGISTRY_URL, "postgresql://me@127.0.0.1:1/runs")
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(InputError, match=r"pip install 'planwise-notebooks\[postgres\]'"):
        Ledger(tmp_path).check()


def test_a_named_database_that_is_not_ours_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "theirs.sqlite"
    with sqlite3.connect(file) as theirs:
        theirs.execute("create table runs (batter text, runs integer)")
    before = file.read_bytes()
    monkeypatch.setenv(REGISTRY_URL, f"sqlite:///{file}")
    with pytest.raises(InputError, match=r"theirs\.sqlite cannot be used: no such column"):
        Ledger(tmp_path).runs()
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [before]


def test_a_run_goes_on_when_its_registry_stops_answering(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(REGISTRY_URL, f"sqlite:///{tmp_path}/there/index.sqlite")
    (tmp_path / "there").mkdir()
    ledger = Ledger(tmp_path / "runs")
    ledger.record(write(tmp_path / "runs"))
    (tmp_path / "there").rename(tmp_path / "away")
    with pytest.warns(UserWarning, match="The run goes on"):
        ledger.record(write(tmp_path / "runs", status="success"))
    (tmp_path / "away").rename(tmp_path / "there")
    assert statuses(tmp_path / "runs") == {RUN: "success"}

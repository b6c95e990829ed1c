"""The audit trail proves itself: every kind of tampering is found and named, a sound trail is not doubted."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from planwise_nb.core import store
from planwise_nb.core.changes import started_files
from planwise_nb.core.digests import table_digest
from planwise_nb.core.manifest import MANIFEST, read_diagnostics, write_json
from planwise_nb.core.runs import Run
from planwise_nb.core.trail import KEY_VARIABLE, chained, sealed
from planwise_nb.core.verification import verify
from tests.run_copies import answer, command, cut, whole_copy

EVENTS = "notebooks/2025/04_event_generation.ipynb"


def found(run: Run) -> str:
    """What ``verify`` says of a run."""
    return "\n".join(map(str, verify(run.pipeline, run.folder, run.manifest)))


def sql(run: Run, statement: str) -> None:
    with store.connect(run.folder / store.DATABASE) as connection:
        connection.execute(statement)


def edit(run: Run, change: Callable[[dict[str, Any]], object], *, seal: bool = False) -> None:
    manifest = run.manifest
    change(manifest)
    write_json(run.folder / MANIFEST, sealed(manifest) if seal else manifest)


def replace_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def swap(one: Path, other: Path) -> None:
    kept = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(kept)


def edit_model(run: Run) -> None:
    replace_byte(run.folder / "project/dbt/models/intermediate/int_hires.sql")
    edit(run, lambda manifest: manifest.update(files=started_files(run.folder)), seal=True)


def put(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"forged")


TAMPERINGS: dict[str, tuple[Callable[[Run], object], str]] = {
    "a byte of an executed notebook": (
        lambda run: replace_byte(run.folder / EVENTS),
        f"{EVENTS}: is not the file that was recorded",
    ),
    "an executed notebook is gone": (lambda run: (run.folder / EVENTS).unlink(), f"{EVENTS}: is gone"),
    "a cell of a table": (
        lambda run: sql(
            run,
            "update fct_workforce_snapshot set current_compensation = current_compensation + 0.01"
            " where simulation_year = 2025"
            " and employee_id = (select max(employee_id) from fct_workforce_snapshot where simulation_year = 2025)",
        ),
        "table fct_workforce_snapshot: is not as workforce_snapshot 2025 wrote it",
    ),
    "a row more": (
        lambda run: sql(run, "insert into fct_yearly_events from fct_yearly_events limit 1"),
        "rows now,",
    ),
    "a row of a year that nobody simulated": (
        lambda run: sql(
            run, "insert into fct_year_metrics select * replace (2031 as simulation_year) from fct_year_metrics limit 1"
        ),
        "table fct_year_metrics: 1 rows belong to no record",
    ),
    "the time at which a row was made": (
        lambda run: sql(run, "update fct_yearly_events set created_at = '2001-01-01' where employee_tenure > 3"),
        "says that event_generation 2025 was made at another time",
    ),
    "a table more": (lambda run: sql(run, "create table mine as select 1 as one"), "table mine: no record names it"),
    "a table is gone": (lambda run: sql(run, "drop table int_promotions"), "table int_promotions: is gone"),
    "a record is removed": (
        lambda run: edit(run, lambda manifest: manifest["steps"].pop(4), seal=True),
        "the records are not those of the first steps in their order",
    ),
    "two records are exchanged": (
        lambda run: edit(run, lambda manifest: manifest["steps"].insert(3, manifest["steps"].pop(5)), seal=True),
        "a record was changed, removed or moved",
    ),
    "the manifest is edited": (
        lambda run: edit(run, lambda manifest: manifest["seeds"].update(baseline=43)),
        "manifest.json: the manifest was changed after it was sealed",
    ),
    "two files are swapped": (
        lambda run: swap(run.folder / "params/hazards.csv", run.folder / "params/hire_ages.csv"),
        "params/hazards.csv: changed since the run started",
    ),
    "the census is edited": (
        lambda run: replace_byte(run.folder / "inputs/census.parquet"),
        "inputs/census.parquet: changed since the run started",
    ),
    "a model is edited": (
        lambda run: replace_byte(run.folder / "project/dbt/models/intermediate/int_hires.sql"),
        "int_hires.sql: changed since the run started",
    ),
    "compiled models in the place of the models": (
        lambda run: put(run.folder / "compiled/0123456789abcdef.json"),
        "compiled/0123456789abcdef.json: no record names it",
    ),
    "a model more": (
        lambda run: (run.folder / "project/dbt/models/mine.sql").write_text("select 1"),
        "project/dbt/models/mine.sql: is new since the run started",
    ),
    "a published table is swapped": (
        lambda run: swap(
            run.folder / "export/fct_year_metrics/2025.parquet", run.folder / "export/fct_year_metrics/2026.parquet"
        ),
        "export/fct_year_metrics/2025.parquet: is not the file that was recorded",
    ),
    "the summary is edited": (
        lambda run: replace_byte(run.folder / "export/summary.html"),
        "export/summary.html: is not the file that was recorded",
    ),
    "a notebook more": (
        lambda run: (run.folder / "notebooks/2025/mine.ipynb").write_text("{}"),
        "notebooks/2025/mine.ipynb: no record names it",
    ),
    "the diagnostics are edited": (
        lambda run: (run.folder / "diagnostics.json").write_text(
            (run.folder / "diagnostics.json").read_text().replace('"is_passed": false', '"is_passed": true')
        ),
        "diagnostics.json: ",
    ),
    "the database is truncated": (
        lambda run: (run.folder / store.DATABASE).write_bytes((run.folder / store.DATABASE).read_bytes()[:20_000]),
        "simulation.duckdb",
    ),
    "a macro in the place of a function": (
        lambda run: sql(run, "create macro md5_number(x) as 7::uhugeint"),
        "function md5_number: no step makes such a thing",
    ),
    "a view": (lambda run: sql(run, "create view mine as select 1 as one"), "view mine: no step makes such a thing"),
    "a schema": (
        lambda run: sql(run, "create schema other; create table other.fct_yearly_events as select 1 as one"),
        "schema other: no step makes such a thing",
    ),
    "a false entry of the diagnostics before the true one": (
        lambda run: write_json(
            run.folder / "diagnostics.json",
            {
                "steps": [
                    read_diagnostics(run.folder)["steps"][3] | {"checks": []},
                    *read_diagnostics(run.folder)["steps"],
                ]
            },
        ),
        "diagnostics.json: workforce_requirements 2025 is not as it was recorded",
    ),
    "a model edited and its digest with it": (
        edit_model,
        "its files are not those that its steps were made from",
    ),
    "the manifest of another run": (
        lambda run: edit(run, lambda manifest: manifest.update(run_id="20200101-000000-00000000"), seal=True),
        "it is that of run 20200101-000000-00000000",
    ),
    "a record without its tables": (
        lambda run: edit(run, lambda manifest: manifest["steps"][2].pop("tables"), seal=True),
        "'tables' is a required property",
    ),
    "SQL in the place of a year": (
        lambda run: edit(run, lambda manifest: manifest["steps"][2].update(period="2025) or (1=1"), seal=True),
        "$.steps[2].period",
    ),
    "the database is gone": (lambda run: (run.folder / store.DATABASE).unlink(), "simulation.duckdb: is gone"),
}


@pytest.mark.parametrize("kind", TAMPERINGS)
def test_tampering_is_found_and_named(finished_run: Run, tmp_path: Path, kind: str) -> None:
    run = whole_copy(finished_run, tmp_path)
    tamper, said = TAMPERINGS[kind]
    tamper(run)
    assert said in found(run)


def test_a_macro_does_not_hide_a_changed_cell(finished_run: Run, tmp_path: Path) -> None:
    run = whole_copy(finished_run, tmp_path)
    sql(run, "create macro md5_number(x) as system.main.md5_number(x); update fct_year_metrics set payroll = 1")
    assert "table fct_year_metrics: is not as validation_metrics 2025 wrote it" in found(run)


def test_a_database_in_use_is_no_tampering(finished_run: Run, tmp_path: Path) -> None:
    run = whole_copy(finished_run, tmp_path)
    script = "import duckdb, sys, time; c = duckdb.connect(sys.argv[1]); print('open', flush=True); time.sleep(60)"
    other = subprocess.Popen([sys.executable, "-c", script, str(run.folder / store.DATABASE)], stdout=subprocess.PIPE)
    try:
        assert other.stdout is not None
        other.stdout.readline()
        told = answer("verify", run.folder.name, "--out", tmp_path)
        assert (told["status"], f"process {other.pid}" in told["errors"][0]["message"]) == ("failed", True)
    finally:
        other.kill()
        other.wait()


def test_a_sound_trail_is_not_doubted(finished_run: Run, tmp_path: Path) -> None:
    assert found(whole_copy(finished_run, tmp_path)) == ""


def test_the_order_of_rows_is_no_part_of_a_digest(finished_run: Run, tmp_path: Path) -> None:
    run = whole_copy(finished_run, tmp_path)
    sql(run, "create or replace table fct_yearly_events as from fct_yearly_events order by random()")
    assert found(run) == ""


def test_verify_tells_people_and_programs_and_exits_with_one(finished_run: Run, tmp_path: Path) -> None:
    run = whole_copy(finished_run, tmp_path)
    assert command("verify", run.folder.name, "--out", tmp_path)[0] == 0
    replace_byte(run.folder / EVENTS)
    code, _, said = command("verify", run.folder.name, "--out", tmp_path)
    assert (code, "1 finding(s)" in said, EVENTS in said) == (1, True, True)
    told = answer("verify", run.folder.name, "--out", tmp_path)
    assert (told["status"], told["errors"][0]["where"]) == ("invalid", EVENTS)


def test_what_an_unfinished_step_left_is_no_tampering(finished_run: Run, tmp_path: Path) -> None:
    stopped = cut(whole_copy(finished_run, tmp_path), 9)
    assert "rows belong to no record" in found(stopped)
    code, _, said = command("verify", stopped.folder.name, "--out", tmp_path)
    assert (code, "running, 9 of 16 steps" in said) == (0, True)


def test_what_an_unfinished_step_published_is_no_result(finished_run: Run, tmp_path: Path) -> None:
    stopped = cut(whole_copy(finished_run, tmp_path), 9)
    said = answer("show", stopped.folder.name, "--out", tmp_path)
    assert [year["simulation_year"] for year in said["years"]] == [2025]


def forged(run: Run) -> Run:
    """``run`` after a forger changed a pay and computed every digest anew, but without the key."""
    sql(run, "update fct_workforce_snapshot set current_compensation = 1 where simulation_year = 2026")
    manifest = run.manifest
    record = next(r for r in manifest["steps"] if (r["step"], r["period"]) == ("workforce_snapshot", 2026))
    with store.connect(run.folder / store.DATABASE, read_only=True) as connection:
        record["tables"]["fct_workforce_snapshot"] = table_digest(
            connection, "fct_workforce_snapshot", "simulation_year = 2026"
        )
    manifest["steps"] = chained(manifest, manifest["steps"])
    write_json(run.folder / MANIFEST, sealed(manifest))
    return run


def test_a_forger_who_computes_every_digest_anew_is_found_by_the_signature(
    finished_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = whole_copy(finished_run, tmp_path)
    monkeypatch.setenv(KEY_VARIABLE, "the auditor's secret")
    run.update()
    assert found(run) == ""
    monkeypatch.delenv(KEY_VARIABLE)
    assert found(forged(run)) == ""
    monkeypatch.setenv(KEY_VARIABLE, "the auditor's secret")
    assert "the manifest is not signed" in found(run)
    monkeypatch.setenv(KEY_VARIABLE, "a guess")
    run.update()
    monkeypatch.setenv(KEY_VARIABLE, "the auditor's secret")
    assert "the signature is not that of the key" in found(run)


def test_no_two_rows_share_a_text(tmp_path: Path) -> None:
    rows = [("a|1:b", None), ("a", "1:b"), ("", None), (None, ""), ("a|b", "c"), ("a", "b|c"), ("1:a", "1:b")]
    with store.connect(tmp_path / "test.duckdb") as connection:
        connection.execute("create table pairs (one varchar, two varchar)")
        seen = set()
        for row in rows:
            connection.execute("delete from pairs")
            connection.execute("insert into pairs values (?, ?)", row)
            seen.add(table_digest(connection, "pairs")["sha256"])
    assert len(seen) == len(rows)


def test_a_digest_counts_equal_rows() -> None:
    connection = duckdb.connect()
    connection.execute("create table twins as select 1 as one from range(2)")
    two = table_digest(connection, "twins")
    connection.execute("insert into twins from twins")
    assert table_digest(connection, "twins") != two


def test_the_manifest_of_a_run_says_what_it_ran_on(finished_run: Run) -> None:
    manifest = finished_run.manifest
    assert manifest["peak_memory_mb"] > 50
    assert {"duckdb", "dbt-core", "papermill"} <= {name.lower() for name in manifest["versions"]}
    assert json.dumps(manifest["sources"]).count("notebooks/workforce") == 18

"""Going on with a run: after a stop, from a year, with a step forced, with changed files; never on unsound ground."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from planwise_nb.core import store
from planwise_nb.core.errors import BusyError, ChecklistError, DamagedError, InputError
from planwise_nb.core.forks import force, fork
from planwise_nb.core.holder import HOLDER, hold
from planwise_nb.core.manifest import MANIFEST, write_json
from planwise_nb.core.processes import Process
from planwise_nb.core.runner import run
from planwise_nb.core.runs import Run
from planwise_nb.core.trail import KEY_VARIABLE
from planwise_nb.core.verification import verify
from tests.run_copies import answer, command, cut, whole_copy

FIRST_STEPS = 6
SNAPSHOT = ("workforce_snapshot", 2026)
COMPLETION = ("year_completion", 2026)
SUMMARY = ("multi_year_summary", None)


def tables(of: Run) -> dict[tuple[str, Any], Any]:
    return {(record["step"], record["period"]): record["tables"] for record in of.manifest["steps"]}


def quiet(message: object) -> None:
    """Nobody listens."""


def test_what_an_unfinished_step_left_is_removed_before_the_next_one_runs(finished_run: Run, tmp_path: Path) -> None:
    whole = tables(finished_run)
    stopped = cut(whole_copy(finished_run, tmp_path), len(whole) - 2)
    (stopped.folder / "export/fct_yearly_events/.2026.parquet.draft").write_text("half a file")
    run(stopped, quiet)
    assert tables(stopped) == whole
    assert verify(stopped.pipeline, stopped.folder, stopped.manifest) == []
    assert not list(stopped.folder.rglob("*.draft"))


def test_a_finished_run_is_not_touched_by_a_resume(finished_run: Run, tmp_path: Path) -> None:
    whole = whole_copy(finished_run, tmp_path)
    before = (whole.folder / "manifest.json").read_bytes()
    assert command("run", "--resume", whole.folder.name, "--out", tmp_path)[0] == 0
    assert (whole.folder / "manifest.json").read_bytes() == before


def test_a_run_goes_on_from_a_year_as_a_child_and_the_parent_stays_as_it_was(finished_run: Run, tmp_path: Path) -> None:
    parent = whole_copy(finished_run, tmp_path)
    before = parent.manifest
    child = fork(parent, ("year_transition", 2026), command=["planwise", "run", "--resume-from", "2026"])
    assert (child.manifest["parent_run_id"], child.manifest["steps"][-1]["step"]) == (
        before["run_id"],
        "year_completion",
    )
    assert verify(child.pipeline, child.folder, child.manifest) == []
    with store.connect(child.folder / store.DATABASE, read_only=True) as connection:
        assert connection.execute("select distinct simulation_year from fct_yearly_events").fetchall() == [(2025,)]
    assert parent.manifest == before
    assert verify(parent.pipeline, parent.folder, before) == []


def test_a_year_that_is_not_complete_cannot_be_gone_on_from(finished_run: Run, tmp_path: Path) -> None:
    stopped = cut(whole_copy(finished_run, tmp_path), FIRST_STEPS)
    folders = sorted(tmp_path.rglob("manifest.json"))
    with pytest.raises(
        InputError, match="cannot be continued from year_transition 2026: validation_metrics 2025 is not"
    ):
        fork(stopped, ("year_transition", 2026), command=["test"])
    assert sorted(tmp_path.rglob("manifest.json")) == folders


def test_a_forced_step_makes_everything_after_it_stale(finished_run: Run, tmp_path: Path) -> None:
    stopped = cut(whole_copy(finished_run, tmp_path), len(tables(finished_run)) - 1)
    forced = force(stopped, COMPLETION, command=["test"])
    assert forced is stopped
    run(forced, quiet, until=COMPLETION)
    states = {item.key: item.state for item in forced.items()}
    assert (states[COMPLETION], states[SNAPSHOT], states[SUMMARY]) == ("forced", "done", "next")
    assert tables(forced)[COMPLETION] == tables(finished_run)[COMPLETION]


def test_a_step_forced_on_a_finished_run_runs_in_a_child_and_is_marked_to_the_end(
    finished_run: Run, tmp_path: Path
) -> None:
    parent = whole_copy(finished_run, tmp_path)
    child = force(parent, COMPLETION, command=["test"])
    assert child.manifest["parent_run_id"] == parent.folder.name
    assert child.manifest["stale"] == [["multi_year_summary", None]]
    with pytest.raises(ChecklistError, match="year_completion has not finished for 2026"):
        child.checklist.require(SUMMARY)
    run(child, quiet)
    assert [record["step"] for record in child.manifest["steps"] if record["is_forced"]] == ["year_completion"]
    assert child.manifest["stale"] == []
    assert "year_completion 2026" in (child.folder / "export/summary.md").read_text()
    assert tables(child) == tables(finished_run)


def test_nothing_stale_is_reported_as_a_result(finished_run: Run, tmp_path: Path) -> None:
    child = force(whole_copy(finished_run, tmp_path), ("year_transition", 2026), command=["test"])
    states = {item.key: item.state for item in child.items()}
    assert (states["year_transition", 2026], states[SNAPSHOT]) == ("next", "stale")
    said = answer("show", child.folder.name, "--out", tmp_path)
    assert [year["simulation_year"] for year in said["years"]] == [2025]
    assert not (child.folder / "export/summary.html").exists()
    run_error = "Cannot run workforce_snapshot for 2026: year_transition is stale for 2026"
    child.update(stale=[["year_transition", 2026], *child.manifest["stale"]])
    with pytest.raises(ChecklistError, match=run_error):
        child.checklist.require(SNAPSHOT)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--force-step", "event_generation"], "needs a year"),
        (["--force-step", "event_generation", "--year", "2031"], "covers 2025 to 2026"),
        (["--force-step", "pre_simulation", "--year", "2025"], "has no year"),
        (["--force-step", "event_generaton", "--year", "2025"], "Did you mean event_generation?"),
        (["--resume-from", "2031"], "covers 2025 to 2026"),
        (["--resume-from", "2026", "--force-step", "pre_simulation"], "given together"),
        (["--seed", "3"], "keeps the inputs"),
        (["--year", "2025"], "keeps the inputs"),
    ],
)
def test_a_wrong_way_to_go_on_is_refused(finished_run: Run, tmp_path: Path, words: list[str], said: str) -> None:
    whole_copy(finished_run, tmp_path)
    before = sorted(tmp_path.rglob("*"))
    code, _, heard = command("run", "--resume", finished_run.folder.name, *words, "--out", tmp_path)
    assert code == 2
    assert said in heard
    assert {path.name for path in set(tmp_path.rglob("*")) - set(before)} <= {"registry.sqlite"}


def test_options_of_a_run_that_exists_need_one(tmp_path: Path) -> None:
    code, _, heard = command("run", "--accept-changes", "--out", tmp_path)
    assert (code, "needs a run that exists" in heard) == (2, True)


CHANGES = ["params/hazards.csv", "inputs/census.parquet", "project/notebooks/workforce/07_year_completion.ipynb"]


@pytest.mark.parametrize("name", CHANGES)
def test_a_file_of_the_run_that_changed_stops_a_resume(finished_run: Run, tmp_path: Path, name: str) -> None:
    stopped = cut(whole_copy(finished_run, tmp_path), FIRST_STEPS)
    with (stopped.folder / name).open("ab") as file:
        file.write(b"\n")
    code, _, heard = command("run", "--resume", stopped.folder.name, "--out", tmp_path)
    assert (code, f"{name}: changed" in heard, "--accept-changes" in heard) == (2, True, True)


def with_source_beside(of: Run, place: Path, name: str) -> Path:
    """A copy of the source that ``name`` of the run was made from, which the run takes for its source."""
    source = place / Path(name).name
    shutil.copy(of.folder / name, source)
    sources = [
        entry | ({"path": f"../../../{source.name}"} if entry["target"] == name else {})
        for entry in of.manifest["sources"]
    ]
    of.update(sources=sources)
    return source


def test_a_notebook_that_changed_is_taken_up_and_recorded_where_it_is_accepted(
    finished_run: Run, tmp_path: Path
) -> None:
    name = "project/notebooks/workforce/07_year_completion.ipynb"
    stopped = cut(whole_copy(finished_run, tmp_path / "out"), len(tables(finished_run)) - 2)
    source = with_source_beside(stopped, tmp_path, name)
    source.write_text(source.read_text().replace("# 07", "# Mine 07"))
    with pytest.raises(InputError, match="cannot go on as it began"):
        run(stopped, quiet)
    run(stopped, quiet, accept_changes=True)
    [change] = stopped.manifest["accepted_changes"]
    assert (change["path"], change["what"]) == ("../../../07_year_completion.ipynb", "changed")
    assert "# Mine 07" in (stopped.folder / "notebooks/2026/07_year_completion.ipynb").read_text()
    assert verify(stopped.pipeline, stopped.folder, stopped.manifest) == []


def test_a_notebook_saved_with_its_outputs_is_not_changed(finished_run: Run, tmp_path: Path) -> None:
    stopped = cut(whole_copy(finished_run, tmp_path / "out"), len(tables(finished_run)) - 1)
    source = with_source_beside(stopped, tmp_path, "project/notebooks/workforce/99_multi_year_summary.ipynb")
    shutil.copy(stopped.folder / "notebooks/99_multi_year_summary.ipynb", tmp_path / "executed.ipynb")
    source.write_text(source.read_text().replace('"outputs": []', '"outputs": [{"output_type": "stream"}]'))
    run(stopped, quiet)
    assert stopped.manifest["status"] == "success"


def test_a_run_does_not_go_on_where_a_finished_step_was_tampered_with(finished_run: Run, tmp_path: Path) -> None:
    stopped = cut(whole_copy(finished_run, tmp_path), FIRST_STEPS)
    (stopped.folder / "notebooks/2025/03_workforce_requirements.ipynb").write_text("{}")
    with pytest.raises(InputError, match="--force-step workforce_requirements --year 2025"):
        run(stopped, quiet)


@pytest.fixture
def signed_run(finished_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A stopped run with a signature, whose key is not set any more."""
    stopped = cut(whole_copy(finished_run, tmp_path), FIRST_STEPS)
    monkeypatch.setenv(KEY_VARIABLE, "secret")
    stopped.update()
    monkeypatch.delenv(KEY_VARIABLE)
    return stopped


def test_a_signed_run_does_not_go_on_without_its_key(signed_run: Run) -> None:
    with pytest.raises(InputError, match=f"is signed, and {KEY_VARIABLE} is not set"):
        run(signed_run, quiet)


def test_no_signature_is_lost_by_a_forced_step(signed_run: Run) -> None:
    before = signed_run.manifest
    with pytest.raises(InputError, match="is signed"):
        force(signed_run, ("workforce_baseline", 2025), command=["test"])
    assert signed_run.manifest == before


def edited_by_hand(run: Run, **changes: Any) -> Run:
    write_json(run.folder / MANIFEST, run.manifest | changes)
    return run


def test_nothing_is_removed_on_the_word_of_a_manifest_that_does_not_hold(finished_run: Run, tmp_path: Path) -> None:
    doubtful = edited_by_hand(whole_copy(finished_run, tmp_path), steps=[], status="running", finished_at=None)
    before = {path: path.read_bytes() for path in doubtful.folder.rglob("*") if path.is_file()}
    with pytest.raises(InputError, match=r"its manifest does not hold(.|\n)*changed after it was sealed"):
        run(doubtful, quiet)
    after = {path: path.read_bytes() for path in doubtful.folder.rglob("*") if path.is_file()}
    assert {path.name for path in after.keys() - before.keys()} <= {".lock"}
    assert before.items() <= after.items()


def test_no_child_is_made_of_a_manifest_that_does_not_hold(finished_run: Run, tmp_path: Path) -> None:
    doubtful = edited_by_hand(whole_copy(finished_run, tmp_path), seeds={"baseline": 999})
    for key in (COMPLETION, SUMMARY):
        with pytest.raises(InputError, match="its manifest does not hold"):
            force(doubtful, key, command=["test"])
    assert len(list(tmp_path.glob("*/*/"))) == 1


def test_a_child_that_cannot_be_made_leaves_nothing_behind(finished_run: Run, tmp_path: Path) -> None:
    parent = whole_copy(finished_run, tmp_path)
    (parent.folder / store.DATABASE).write_bytes(b"no database")
    with pytest.raises(DamagedError):
        force(parent, COMPLETION, command=["test"])
    assert len(list(tmp_path.glob("*/*/"))) == 1


def test_good_steps_are_not_given_up_where_an_earlier_one_does_not_hold(finished_run: Run, tmp_path: Path) -> None:
    stopped = cut(whole_copy(finished_run, tmp_path), len(tables(finished_run)) - 1)
    (stopped.folder / "notebooks/2025/01_year_transition.ipynb").write_text("{}")
    with pytest.raises(InputError, match="--force-step year_transition --year 2025"):
        force(stopped, COMPLETION, command=["test"])
    assert len(stopped.manifest["steps"]) == len(tables(finished_run)) - 1


def test_a_closed_pipe_does_not_end_a_run(finished_run: Run, tmp_path: Path) -> None:
    stopped = cut(whole_copy(finished_run, tmp_path), len(tables(finished_run)) - 1)

    def closed(message: object) -> None:
        raise BrokenPipeError

    assert run(stopped, closed)["status"] == "success"


def test_a_clock_that_is_set_does_not_make_a_process_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    this = Process.current()
    module = pytest.importorskip("psutil._pslinux")
    monkeypatch.setattr(module, "boot_time", lambda: 0.0)
    assert this.is_alive()
    assert not Process(this.host, this.pid, "another start", this.since).is_alive()


def test_the_second_process_on_a_run_is_refused_and_told_who_holds_it(finished_run: Run, tmp_path: Path) -> None:
    stopped = cut(whole_copy(finished_run, tmp_path), FIRST_STEPS)
    with hold(stopped.folder):
        code, _, heard = command("run", "--resume", stopped.folder.name, "--out", tmp_path)
        assert code == 1
        assert "is held by another runner: process" in heard
        assert "UTC" in heard
        assert stopped.is_held
        assert command("runs", "--delete", stopped.folder.name, "--out", tmp_path)[0] == 1
    assert not stopped.is_held


def test_a_runner_that_died_on_another_machine_holds_nothing(finished_run: Run, tmp_path: Path) -> None:
    stopped = cut(whole_copy(finished_run, tmp_path), FIRST_STEPS)
    elsewhere = Process("another-machine", 1, "", "2026-01-01 00:00:00")
    write_json(stopped.folder / HOLDER, elsewhere.as_json())
    assert not stopped.is_held
    with hold(stopped.folder):
        write_json(stopped.folder / HOLDER, elsewhere.as_json())
        assert stopped.is_held


def test_a_process_that_keeps_the_database_open_is_named(finished_run: Run, tmp_path: Path) -> None:
    whole = whole_copy(finished_run, tmp_path)
    script = "import duckdb, sys, time; c = duckdb.connect(sys.argv[1]); print('open', flush=True); time.sleep(60)"
    database = str(whole.folder / store.DATABASE)
    other = subprocess.Popen([sys.executable, "-c", script, database], stdout=subprocess.PIPE)
    try:
        assert other.stdout is not None
        other.stdout.readline()
        named = pytest.raises(BusyError, match=f"is in use by python.*process {other.pid}")
        with named, store.connect(whole.folder / store.DATABASE):
            pass
    finally:
        other.kill()
        other.wait()


def test_every_check_of_a_run_runs_again_without_changing_it(finished_run: Run, tmp_path: Path) -> None:
    whole = whole_copy(finished_run, tmp_path)
    before = {path: path.read_bytes() for path in whole.folder.rglob("*") if path.is_file()}
    said = answer("run", "--resume", whole.folder.name, "--validate-only", "--out", tmp_path)
    assert (said["status"], said["errors"]) == ("valid", [])
    assert said["checks"] >= 50
    assert {path: path.read_bytes() for path in whole.folder.rglob("*") if path.is_file()} == before


def test_a_check_that_no_longer_holds_is_found(finished_run: Run, tmp_path: Path) -> None:
    whole = whole_copy(finished_run, tmp_path)
    with store.connect(whole.folder / store.DATABASE) as connection:
        connection.execute("delete from fct_yearly_events where event_category = 'hiring' and simulation_year = 2026")
    code, _, heard = command("run", "--resume", whole.folder.name, "--validate-only", "--out", tmp_path)
    assert code == 1
    assert "check hires_as_required 2026" in heard

"""A trail runs again from its own folder: equal where nothing changed, and what is not equal is named."""

from __future__ import annotations

import shlex
from pathlib import Path

from planwise_nb.core.changes import started_files
from planwise_nb.core.replay import replay
from planwise_nb.core.runs import Run
from planwise_nb.core.verification import verify
from tests.run_copies import command, cut, whole_copy
from tests.test_docs import FENCE, ROOT

FIRST_STEPS = 3


def first_steps(run: Run, out: Path) -> Run:
    """The first steps of a finished run, as a run of their own that stopped there: its replay is short."""
    stopped = cut(whole_copy(run, out), FIRST_STEPS)
    with_rest = verify(stopped.pipeline, stopped.folder, stopped.manifest)
    assert with_rest != []
    return stopped


def test_a_trail_replays_on_another_place_from_its_folder_alone(finished_run: Run, tmp_path: Path) -> None:
    moved = first_steps(finished_run, tmp_path / "elsewhere")
    heard: list[str] = []
    assert replay(moved, heard.append) == []
    assert len(heard) == FIRST_STEPS
    assert "02_workforce_baseline.ipynb replayed" in heard[-1]


def test_a_replay_that_is_not_equal_says_where(finished_run: Run, tmp_path: Path) -> None:
    stopped = first_steps(finished_run, tmp_path)
    model = stopped.folder / "project/dbt/models/intermediate/int_baseline_workforce.sql"
    model.write_text(model.read_text().replace(" as current_age", " + 1 as current_age"))
    stopped.update(files=started_files(stopped.folder))
    said = "\n".join(map(str, replay(stopped)))
    assert "02_workforce_baseline.ipynb, Cell" in said
    assert "table int_baseline_workforce: is not as workforce_baseline 2025 wrote it" in said


def test_what_does_not_hold_is_not_executed(finished_run: Run, tmp_path: Path) -> None:
    whole = whole_copy(finished_run, tmp_path)
    (whole.folder / "notebooks/00_pre_simulation.ipynb").write_text("{}")
    code, _, said = command("verify", whole.folder.name, "--replay", "--out", tmp_path)
    assert (code, "what does not hold is not executed" in said) == (1, True)


def test_every_command_of_the_page_on_trouble_works(finished_run: Run, tmp_path: Path) -> None:
    """In the order of the page, on a run that stopped before its last step; the replay has tests of its own."""
    stopped = cut(whole_copy(finished_run, tmp_path), 15)
    page = (ROOT / "docs/when-something-goes-wrong.md").read_text("utf-8")
    blocks = [body for kind, _, body in FENCE.findall(page) if kind == "console"]
    lines = [line.replace("RUN_ID", stopped.folder.name) for block in blocks for line in block.splitlines()]
    tried = [line for line in lines if "--replay" not in line]
    assert len(tried) >= 10
    for line in tried:
        code, _, said = command(*shlex.split(line)[1:], "--out", tmp_path)
        assert code == 0, f"{line}\n{said}"
    assert not stopped.folder.exists()

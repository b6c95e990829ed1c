"""nbval executes the reference copies in order, as the steps of one run of the shipped census."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import nbformat

from planwise_nb.core.kernels import step_result
from planwise_nb.core.replay import Chain
from planwise_nb.core.runs import Run, record_step
from planwise_nb.workforce.pipeline import WORKFORCE
from tests.golden_copies import GOLDEN, start_golden_run

started: list[Run] = []


def start() -> Path:
    started.append(start_golden_run(Path(tempfile.mkdtemp(prefix="golden-"))))
    return started[-1].folder


def finish(notebook: Path) -> None:
    run = started[-1]
    relative = f"notebooks/{notebook.relative_to(GOLDEN).as_posix()}"
    keys = {WORKFORCE.executed_path(key): key for key in WORKFORCE.keys(run.manifest["periods"])}
    target = run.folder / relative
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(notebook, target)
    facts = {"started_at": run.manifest["created_at"], "seconds": 0.0, "parameters": {}}
    record_step(run, keys[relative], step_result(nbformat.read(target, as_version=4), target.name), facts)
    if run.checklist.next is None:
        shutil.rmtree(run.ledger.out)


CHAIN = Chain(GOLDEN, start, finish)
pytest_runtest_setup = CHAIN.pytest_runtest_setup
pytest_runtest_teardown = CHAIN.pytest_runtest_teardown

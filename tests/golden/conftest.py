"""nbval executes the reference copies in order, as the steps of one run of the shipped census."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from planwise_nb.core.kernels import RUN_FOLDER
from planwise_nb.core.runner import Run, record_step
from planwise_nb.workforce.pipeline import WORKFORCE
from tests.golden_copies import GOLDEN, start_golden_run

STARTED = pytest.StashKey[Run]()
NOTEBOOK = pytest.StashKey[Path]()


def _is_reference_copy(item: pytest.Item | None) -> bool:
    return item is not None and item.path.suffix == ".ipynb" and item.path.is_relative_to(GOLDEN)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before the first cell of a notebook: the run is started, or the notebook before is recorded as done."""
    stash = item.config.stash
    if not _is_reference_copy(item) or stash.get(NOTEBOOK, None) == item.path:
        return
    if STARTED not in stash:
        out = Path(item.config._tmp_path_factory.mktemp("golden"))  # type: ignore[attr-defined]
        stash[STARTED] = start_golden_run(out)
        os.environ[RUN_FOLDER] = str(stash[STARTED].folder)
    else:
        _record(stash[STARTED], stash[NOTEBOOK])
    stash[NOTEBOOK] = item.path
    item.parent.skip_compare += ("image/svg+xml",)  # type: ignore[union-attr]


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    if _is_reference_copy(item) and not _is_reference_copy(nextitem):
        os.environ.pop(RUN_FOLDER, None)


def _record(started: Run, notebook: Path) -> None:
    relative = f"notebooks/{notebook.relative_to(GOLDEN).as_posix()}"
    keys = {WORKFORCE.executed_path(key): key for key in WORKFORCE.keys(started.manifest["periods"])}
    target = started.folder / relative
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(notebook, target)
    record_step(started, keys[relative], {"started_at": started.manifest["created_at"], "seconds": 0.0})

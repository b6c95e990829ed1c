"""Finds the run that a notebook belongs to."""

from __future__ import annotations

import os
from pathlib import Path

from planwise_nb.core.kernels import RUN_FOLDER
from planwise_nb.core.ledger import Ledger
from planwise_nb.core.manifest import MANIFEST
from planwise_nb.core.pipeline import Pipeline
from planwise_nb.core.runner import Run

OUT = Path("outputs/runs")


def is_executing() -> bool:
    """Whether this kernel executes a step of a run, rather than looks at one."""
    return RUN_FOLDER in os.environ


def find_run(pipeline: Pipeline, run_dir: str) -> Run:
    """The run that this kernel executes; else the one in or around ``run_dir``; else, where it is empty, the latest
    below the working directory or a folder above it.

    Raises ``InputError`` where there is none.
    """
    if is_executing():
        return _run(pipeline, Path(os.environ[RUN_FOLDER]))
    here = Path(run_dir or ".").resolve()
    around = [folder for folder in (here, *here.parents) if (folder / MANIFEST).is_file()]
    if around:
        return _run(pipeline, around[0])
    if run_dir:
        return _run(pipeline, here)
    outs = [folder / OUT for folder in (here, *here.parents) if (folder / OUT).is_dir()]
    return _run(pipeline, Ledger(outs[0] if outs else here / OUT).folder())


def _run(pipeline: Pipeline, folder: Path) -> Run:
    run = Run(pipeline, folder, Ledger(folder.parents[1]))
    run.manifest  # noqa: B018 - raises where the folder is not a run's
    return run

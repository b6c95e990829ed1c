"""Finds the run that a notebook belongs to."""

from __future__ import annotations

import os
from pathlib import Path

from planwise_nb.core.kernels import RUN_FOLDER
from planwise_nb.core.ledger import Ledger
from planwise_nb.core.manifest import MANIFEST
from planwise_nb.core.pipeline import Pipeline
from planwise_nb.core.project import Project
from planwise_nb.core.runs import Run

OUT = Path("outputs/runs")

OUT_VARIABLE = "PLANWISE_OUT"
"""Set by ``planwise lab`` and ``planwise dashboard``: the folder of the runs, wherever the notebooks lie."""

PROJECT_VARIABLE = "PLANWISE_PROJECT"
"""Set by ``planwise lab`` and ``planwise dashboard``: the user's project folder."""


def is_executing() -> bool:
    """Whether this kernel executes a step of a run, rather than looks at one."""
    return RUN_FOLDER in os.environ


def find_run(pipeline: Pipeline, run_dir: str) -> Run:
    """The run that this kernel executes; else the one in or around ``run_dir``, a folder or a run id; else, where it
    is empty, the latest.

    Raises ``InputError`` where there is none.
    """
    if is_executing():
        return _run(pipeline, Path(os.environ[RUN_FOLDER]))
    here = Path(run_dir or ".").resolve()
    around = [folder for folder in (here, *here.parents) if (folder / MANIFEST).is_file()]
    folder = around[0] if around else Ledger(out_folder(here)).folder(run_dir)
    return _run(pipeline, folder)


def find_project() -> Project:
    """The user's project: the folder that was named, else the nearest around the working directory with parameters,
    else that itself.
    """
    if PROJECT_VARIABLE in os.environ:
        return Project(Path(os.environ[PROJECT_VARIABLE]))
    here = Path.cwd()
    return Project(next((folder for folder in (here, *here.parents) if (folder / "params").is_dir()), here))


def out_folder(here: Path) -> Path:
    """The folder of the runs: the one that was named, else the nearest at or above ``here``."""
    if OUT_VARIABLE in os.environ:
        return Path(os.environ[OUT_VARIABLE])
    found = [folder / OUT for folder in (here, *here.parents) if (folder / OUT).is_dir()]
    return found[0] if found else Path.cwd() / OUT


def _run(pipeline: Pipeline, folder: Path) -> Run:
    run = Run(pipeline, folder, Ledger(folder.parents[1]))
    run.manifest  # noqa: B018 - raises where the folder is not a run's
    return run

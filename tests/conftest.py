"""Fixtures that several test files share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from filelock import FileLock

from planwise_nb.core.ledger import Ledger
from planwise_nb.core.messages import log_to
from planwise_nb.core.project import Project, shipped
from planwise_nb.core.registry import REGISTRY_URL
from planwise_nb.core.runner import run, start
from planwise_nb.core.runs import Run
from planwise_nb.workforce.generator import make_census
from planwise_nb.workforce.inputs import Request, resolve
from planwise_nb.workforce.pipeline import WORKFORCE
from tests.simulation import Simulation, member, simulate, simulate_members

os.environ.pop(REGISTRY_URL, None)  # the developer's own registry is no place for tests
SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture(scope="session")
def shared_hr() -> Path:
    """The folder of reference data, where it lies beside the checkout."""
    folder = SHARED / "data" / "hr"
    if not folder.is_dir():
        pytest.skip("needs the reference data in ../shared/data/hr, which is not here")
    return folder


@pytest.fixture(scope="session")
def two_years(tmp_path_factory: pytest.TempPathFactory) -> Simulation:
    """The shipped baseline, 2025 and 2026."""
    return simulate(tmp_path_factory.mktemp("baseline") / "run")


@pytest.fixture(scope="session")
def small_census(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty synthetic people."""
    path = tmp_path_factory.mktemp("census") / "census.csv"
    make_census(60, 7, path)
    return path


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory, small_census: Path) -> Run:
    """A run of two years through all its notebooks; the processes of one test session share it."""
    base = tmp_path_factory.getbasetemp()
    out = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "finished run"
    with FileLock(out.with_suffix(".lock")):
        for folder in out.glob("*/*/"):
            return Run(WORKFORCE, folder, Ledger(out))
        request = Request(years=(2025, 2026), census=small_census, exceeds=["payroll=6e6"])
        inputs = resolve(Project(shipped()), request)
        started = start(WORKFORCE, inputs, out=out, command=["planwise", "run"])
        run(started, log_to(started.folder / "logs.jsonl"))
        return started


@pytest.fixture(scope="session")
def five_years(tmp_path_factory: pytest.TempPathFactory) -> Simulation:
    """The shipped baseline from 2025 to 2029, a leap year among them."""
    folder = tmp_path_factory.mktemp("five") / "run"
    return simulate_members(folder, [member("five", years=(2025, 2029))])

"""Fixtures that several test files share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.simulation import Simulation, simulate

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

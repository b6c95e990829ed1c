"""The reference copies are those of the notebooks as they are."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from planwise_nb.core.project import shipped
from planwise_nb.workforce.pipeline import WORKFORCE
from tests.golden_copies import GOLDEN, YEARS

COPIES = [WORKFORCE.executed_path(key).removeprefix("notebooks/") for key in WORKFORCE.keys(YEARS)]


def sources(path: Path) -> list[str]:
    cells = nbformat.read(path, as_version=4).cells
    return [cell.source for cell in cells if "injected-parameters" not in cell.metadata.get("tags", ())]


@pytest.mark.parametrize("copy", COPIES)
def test_a_reference_copy_has_the_cells_of_its_notebook(copy: str) -> None:
    source = shipped() / "notebooks" / WORKFORCE.name / Path(copy).name
    assert sources(GOLDEN / copy) == sources(source), "Run: make golden"


def test_there_is_a_reference_copy_of_every_step() -> None:
    assert sorted(path.relative_to(GOLDEN).as_posix() for path in GOLDEN.rglob("*.ipynb")) == sorted(COPIES)

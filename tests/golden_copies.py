"""Makes the reference copies of the executed notebooks: ``make golden``."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import nbformat

from planwise_nb.core.messages import plain_lines
from planwise_nb.core.pictures import PICTURE
from planwise_nb.core.project import Project, shipped
from planwise_nb.core.runner import run, start
from planwise_nb.core.runs import Run
from planwise_nb.workforce.inputs import Request, resolve
from planwise_nb.workforce.pipeline import WORKFORCE

GOLDEN = Path(__file__).parent / "golden"
YEARS = (2025, 2026)


def start_golden_run(out: Path) -> Run:
    """A run of the shipped baseline over two years, with no step done."""
    return start(WORKFORCE, resolve(Project(shipped()), Request(years=YEARS)), out=out, command=["make", "golden"])


def reference_copy(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook without what differs between equal runs: times, memory, papermill's notes, pictures of charts."""
    copy = nbformat.from_dict(notebook)
    copy.metadata.pop("papermill", None)
    for cell in copy.cells:
        cell.metadata = {"tags": cell.metadata["tags"]} if cell.metadata.get("tags") else {}
        for output in cell.get("outputs", ()):
            output.get("data", {}).pop(PICTURE, None)
            if "metadata" in output:
                output.metadata = {}
    return copy


def main() -> None:
    """Run the notebooks and keep their reference copies."""
    with tempfile.TemporaryDirectory() as out:
        done = start_golden_run(Path(out))
        run(done, plain_lines(sys.stderr))
        for kept in GOLDEN.rglob("*.ipynb"):
            kept.unlink()
        for executed in sorted((done.folder / "notebooks").rglob("*.ipynb")):
            target = GOLDEN / executed.relative_to(done.folder / "notebooks")
            target.parent.mkdir(parents=True, exist_ok=True)
            nbformat.write(reference_copy(nbformat.read(executed, as_version=4)), target)
        shutil.rmtree(done.folder)


if __name__ == "__main__":
    main()

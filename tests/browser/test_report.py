"""The summary of a run, the pages of its notebooks and of a comparison, opened as files: nothing is asked for."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api", reason="needs playwright, which is not installed")

from playwright.sync_api import Page

TOP = {"x": 0, "y": 0, "width": 900, "height": 760}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the shipped company, with its report."""
    out = tmp_path_factory.mktemp("seen")

    def planwise(*arguments: str) -> None:
        command = [sys.executable, "-m", "planwise_nb.apps.cli", *arguments, "--out", str(out), "--json"]
        subprocess.run(command, check=True, capture_output=True)

    planwise("run", "baseline")
    [run] = out.glob("baseline/*")
    planwise("report", run.name)
    planwise("compare", run.name, "lean", "--to", str(out / "compared"))
    return run


@pytest.mark.parametrize(
    "name", ["report/index.html", "report/notebooks/2025/03_workforce_requirements.html", "report/summary.html"]
)
def test_a_page_of_the_report_opens_without_a_request(page: Page, folder: Path, name: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((folder / name).as_uri())
    assert page.get_by_role("heading").count() > 0
    assert asked == [(folder / name).as_uri()]


def test_the_summary_opens_without_a_request(
    new_page: Callable[..., Page], folder: Path, picture: Callable[..., None]
) -> None:
    page, asked = new_page((900, 1000)), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((folder / "export/summary.html").as_uri())
    picture("run", page, clip=TOP)
    assert asked == [(folder / "export/summary.html").as_uri()]


def test_a_comparison_opens_without_a_request(
    new_page: Callable[..., Page], folder: Path, picture: Callable[..., None]
) -> None:
    page, asked = new_page((900, 1000)), []
    page.on("request", lambda request: asked.append(request.url))
    file = folder.parents[1] / "compared" / "comparison.html"
    page.goto(file.as_uri())
    box = page.get_by_role("heading", name="Payroll: from baseline to lean").bounding_box()
    assert box is not None
    picture("comparing", page, full_page=True, clip={"x": 0, "y": box["y"] - 10, "width": 900, "height": 680})
    assert asked == [file.as_uri()]

"""JupyterLab as a person uses it: the landing notebook, a panel, a lever, the result."""

from __future__ import annotations

import json
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from planwise_nb.core.project import init
from planwise_nb.core.runs import Run
from tests.browser.conftest import Server
from tests.browser.seen import faint_texts, nameless_controls, reached_by_keyboard

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

START = "notebooks/start.ipynb"
REQUIREMENTS = "notebooks/workforce/03_workforce_requirements.ipynb"
EVENTS = "notebooks/workforce/04_event_generation.ipynb"
SHOWN = ".jp-NotebookPanel:not(.lm-mod-hidden)"
PANEL = f"{SHOWN} .jp-OutputArea-output:has(.widget-dropdown)"
TRIES = 20
OPTIONS = (
    "--no-browser",
    "--allow-root",
    "--ServerApp.port={port}",
    "--ServerApp.token={token}",
    "--LabApp.expose_app_in_browser=True",
)


@pytest.fixture(scope="module")
def lab(serve: Callable[..., Server], finished_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Server:
    """JupyterLab on a project of one's own that has a finished run of two years."""
    folder = tmp_path_factory.mktemp("lab") / "project"
    init(folder)
    shutil.copytree(finished_run.ledger.out, folder / "outputs" / "runs")
    return serve("lab", *OPTIONS, folder=folder, ready="/api")


def run_all(page: Page) -> Locator:
    """Run every cell of the notebook that is shown, once its kernel is ready, and look at its top."""
    page.get_by_text("PlanWise | Idle").wait_for()
    page.evaluate("() => jupyterapp.commands.execute('notebook:run-all-cells')")
    page.evaluate("() => document.querySelectorAll('.jp-WindowedPanel-outer').forEach(part => { part.scrollTop = 0 })")
    return page.locator(SHOWN)


def open_notebook(page: Page, lab: Server, path: str) -> Locator:
    """Open a notebook, nothing else, and run all its cells."""
    page.goto(lab.address(f"/lab/tree/{path}?reset"))
    return run_all(page)


def test_planwise_lab_opens_on_the_runs_the_steps_and_what_to_do_next(
    page: Page, lab: Server, finished_run: Run, picture: Callable[..., None]
) -> None:
    page.goto(lab.address("/"))
    page.wait_for_url(f"**/lab/tree/{START}")
    notebook = run_all(page)
    notebook.get_by_role("cell", name=finished_run.folder.name).wait_for()
    notebook.get_by_text("planwise compare").wait_for()
    assert notebook.get_by_role("link", name="03 · Workforce requirements").is_visible()
    picture("lab-start", page)


def test_a_lever_is_changed_in_the_panel_and_the_result_changes(
    page: Page, lab: Server, picture: Callable[..., None]
) -> None:
    notebook, panel = open_notebook(page, lab, REQUIREMENTS), page.locator(PANEL)
    before = notebook.get_by_text(re.compile(r"round\(\d+ × \(1 \+ 0\.03\)\)")).inner_text()
    lever = panel.get_by_role("spinbutton", name="target_growth_rate")
    lever.fill("0.2")
    lever.press("Tab")
    panel.get_by_text("target_growth_rate 0.03 → 0.2").wait_for()
    picture("lab-panel", panel)
    panel.get_by_role("button", name="Run this step").click()
    panel.get_by_text("is done in run").wait_for()
    assert faint_texts(page, PANEL) == []
    run_all(page)
    after = notebook.get_by_text(re.compile(r"round\(\d+ × \(1 \+ 0\.2\)\)")).inner_text()
    assert before.rpartition("=")[2] != after.rpartition("=")[2]
    picture("lab-requirements", page)


def test_work_shows_how_far_it_is_and_is_stopped_and_goes_on(
    page: Page, lab: Server, picture: Callable[..., None]
) -> None:
    open_notebook(page, lab, EVENTS)
    panel = page.locator(PANEL)
    lever = panel.get_by_role("spinbutton", name="cola_rate, level 1")
    lever.fill("0.04")
    lever.press("Tab")
    panel.get_by_role("button", name="Run to here").click()
    panel.get_by_role("status").get_by_text("2025: ").wait_for()
    picture("lab-work", panel)
    panel.get_by_role("button", name="Stop").click()
    panel.get_by_text("Stopped. What is done is kept").wait_for()
    done = panel.get_by_text("is done in run")
    assert done.count() == 0
    panel.get_by_role("button", name="Go on to here").click()
    done.wait_for()
    assert "event_generation 2025" in done.inner_text()
    assert panel.get_by_role("button", name="Stop").count() == 0


def test_every_control_of_a_panel_has_a_label_and_is_reached_by_keyboard(page: Page, lab: Server) -> None:
    open_notebook(page, lab, REQUIREMENTS)
    panel = page.locator(PANEL)
    panel.get_by_role("combobox", name="run_dir").focus()
    assert nameless_controls(page, PANEL) == []
    reached = ["run_dir", *reached_by_keyboard(page, 8)]
    levers = ["new_hire_termination_rate", "target_growth_rate", "total_termination_rate"]
    assert reached == ["run_dir", "year", *levers, "Run this step", "Run to here", "Validate", "Reset"]


def test_every_text_of_a_panel_stands_out_from_its_ground(page: Page, lab: Server) -> None:
    open_notebook(page, lab, REQUIREMENTS)
    panel = page.locator(PANEL)
    panel.get_by_role("button", name="Validate").wait_for()
    assert faint_texts(page, PANEL) == []
    lever = panel.get_by_role("spinbutton", name="target_growth_rate")
    lever.fill("5")
    lever.press("Tab")
    panel.get_by_text("target_growth_rate must be a number from -1 to 2").wait_for()
    assert faint_texts(page, PANEL) == [] and lever.input_value() == "5"


def test_without_notebooks_of_ones_own_those_that_ship_are_read_only(
    page: Page, serve: Callable[..., Server], tmp_path: Path
) -> None:
    lab = serve("lab", *OPTIONS, folder=tmp_path, ready="/api")
    page.goto(lab.address("/"))
    page.wait_for_url(f"**/lab/tree/{START}")
    notebook = run_all(page)
    notebook.get_by_text("planwise init my_plan").wait_for()
    with urllib.request.urlopen(lab.address(f"/api/contents/{START}?content=0")) as answer:
        assert json.load(answer)["writable"] is False


def test_a_wrong_token_is_refused(page: Page, lab: Server) -> None:
    page.goto(f"{lab.url}/lab?token=wrong")
    page.wait_for_url("**/login**")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"{lab.url}/api/contents?token=wrong")


def test_sql_cells_complete_the_names_of_tables(page: Page, lab: Server) -> None:
    notebook = open_notebook(page, lab, REQUIREMENTS)
    cell = notebook.locator(".jp-CodeCell", has_text="%%sql").first.get_by_role("textbox")
    cell.click()
    page.keyboard.press("Control+End")
    page.keyboard.type("\nfrom int_workforce_req")
    found = page.locator(".jp-Completer").get_by_text("int_workforce_requirements_checks")
    for _ in range(TRIES):  # an answer that takes JupyterLab more than a second is not shown
        page.keyboard.press("Tab")
        page.wait_for_timeout(1500)
        if found.is_visible():
            break
    assert found.all_inner_texts() == ["int_workforce_requirements_checks"]

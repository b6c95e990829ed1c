"""The tabs of the dashboard as a person uses them, without a browser: what is typed, pressed and shown."""

from __future__ import annotations

import asyncio
import html
import re
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import openpyxl
import pytest

from planwise_nb.apps.dashboard.desk import Desk
from planwise_nb.apps.dashboard.downloads import table_file, workbook_file
from planwise_nb.apps.dashboard.frame import build
from planwise_nb.apps.dashboard.impact import ImpactTab
from planwise_nb.apps.dashboard.parameters import ParametersTab
from planwise_nb.apps.dashboard.results import ResultsTab
from planwise_nb.apps.dashboard.running import RunTab
from planwise_nb.core.errors import InputError
from planwise_nb.core.ledger import Ledger
from planwise_nb.core.project import Project
from planwise_nb.core.runs import Run

MERIT = "Merit raise, level 1, 2026"


@pytest.fixture
def desk(tmp_path: Path, finished_run: Run) -> Desk:
    """An own project, in which the runs are those of a finished run's folder."""
    return Desk(Project(tmp_path), finished_run.ledger)


def parts_of(box: Any) -> Iterator[Any]:
    yield box
    for child in getattr(box, "children", ()):
        yield from parts_of(child)


def field(box: Any, label: str) -> Any:
    [found] = [part for part in parts_of(box) if getattr(part, "description", None) == label]
    return found


def press(box: Any, label: str) -> None:
    field(box, label).click()


def test_a_lever_that_is_typed_is_saved_as_a_scenario(desk: Desk, tmp_path: Path) -> None:
    tab = ParametersTab(desk)
    field(tab.box, MERIT).value = "6.5"
    assert ">1 change<" in tab.summary.value and "2.5" in tab.summary.value
    field(tab.box, "Name").value, field(tab.box, "Saved by").value = "careful", "A planner"
    press(tab.box, "Save scenario")
    assert "Saved as careful" in tab.message.value
    assert (tmp_path / "params/workforce/careful.yaml").is_file()
    assert (desk.opened.name, desk.changes, tab.scenario.value) == ("careful", {}, "careful")


def test_what_is_out_of_range_is_told_and_not_saved(desk: Desk, tmp_path: Path) -> None:
    tab = ParametersTab(desk)
    field(tab.box, MERIT).value = "60"
    assert f"{MERIT} must be a number from 0 to 50" in html.unescape(tab.summary.value)
    field(tab.box, "Name").value = "careless"
    press(tab.box, "Save scenario")
    assert "Correct the values" in tab.message.value
    assert not (tmp_path / "params").exists()


def test_one_field_sets_every_year_and_undo_takes_all_back(desk: Desk) -> None:
    tab = ParametersTab(desk)
    field(tab.box, "Merit raise, level 1, every year").value = "5"
    assert len(desk.changes) == len(desk.opened.years)
    press(tab.box, "Undo all changes")
    assert (desk.changes, field(tab.box, MERIT).value) == ({}, "4")


def test_another_lever_fills_the_grid_anew(desk: Desk) -> None:
    tab = ParametersTab(desk)
    tab.lever.value = next(lever for title, lever in tab.lever.options if title != tab.lever.value.title)
    assert not [part for part in parts_of(tab.grid) if getattr(part, "description", "") == MERIT]


def test_a_wrong_value_is_forgotten_with_the_field_that_held_it(desk: Desk) -> None:
    tab = ParametersTab(desk)
    [merit] = [lever for title, lever in tab.lever.options if title == "Merit raise"]
    tab.lever.value = merit
    field(tab.box, MERIT).value = "60"
    tab.lever.value = next(lever for _, lever in tab.lever.options if lever is not merit)
    assert "Merit raise" not in tab.summary.value and tab.wrong == {}


def test_who_saves_is_asked_and_what_ships_is_not_offered_to_be_replaced(desk: Desk, tmp_path: Path) -> None:
    tab = ParametersTab(desk)
    assert field(tab.box, "Saved by").value == ""
    field(tab.box, MERIT).value, field(tab.box, "Name").value = "6.5", "lean"
    replace = "Replace the scenario of that name; its file is written anew, without its comments"
    assert field(tab.box, replace).layout.display == "none"
    field(tab.box, "Saved by").value = "A planner"
    press(tab.box, "Save scenario")
    assert "ships with PlanWise" in tab.message.value and not (tmp_path / "params").exists()


def test_an_estimate_that_fails_leaves_no_figures_of_the_one_before(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "params/workforce").mkdir(parents=True)
    (tmp_path / "params/workforce/lost.yaml").write_text("extends: baseline\ncensus: {file: none.csv}\n")
    tab = ImpactTab(desk)
    desk.change(("target_growth_rate", None, None), Decimal("0.05"))
    tab.refresh()
    assert "1 change not saved" in tab.message.value and "points" in tab.totals.value
    desk.open("lost")
    tab.refresh()
    assert "pw-bad" in tab.message.value
    assert (tab.totals.value, tab.levels.value, tab.pictures.value) == ("", "", "")


def test_results_show_a_run_filtered_and_lead_to_its_files(desk: Desk, finished_run: Run) -> None:
    tab = ResultsTab(desk)
    tab.refresh()
    whole = tab.figures.value
    assert whole.count("<tr>") == 3 and "<svg" in tab.charts.value
    tab.levels.value, tab.years.value = (1,), (2026,)
    assert tab.figures.value != whole and tab.figures.value.count("<tr>") == 2
    links = [html.unescape(link) for link in re.findall(r'href="([^"]+)"', tab.downloads.value)]
    assert len(links) == 10 and all(f"run_id={finished_run.folder.name}" in link for link in links)
    assert tab.downloads.value.count(' target="_blank"') == len(links)  # a link that leaves the page ends its kernel
    assert "level=1" in links[-1] and "year=2026" in links[-1]


def test_results_of_no_run_say_so(tmp_path: Path) -> None:
    tab = ResultsTab(Desk(Project(tmp_path), Ledger(tmp_path / "runs")))
    tab.refresh()
    assert (tab.runs.options, tab.charts.value) == ((), "")


def test_a_table_is_downloaded_as_it_is_filtered(finished_run: Run, tmp_path: Path) -> None:
    out, asked = finished_run.ledger.out, {"run_id": finished_run.folder.name, "table": "fct_year_metrics"}
    file = table_file(tmp_path, out, **asked, kind=".csv", picked=((), (), ("2026",)))
    assert len(file.read_text().splitlines()) == 2
    with pytest.raises(InputError, match="is no kind of file"):
        table_file(tmp_path, out, **asked, kind=".exe", picked=((), (), ()))


def test_the_workbook_of_a_run_is_downloaded(finished_run: Run, tmp_path: Path) -> None:
    out, run_id = finished_run.ledger.out, finished_run.folder.name
    book = openpyxl.load_workbook(workbook_file(tmp_path, out, [run_id, run_id]))
    assert {"Contents", "Charts", "Headcount"} <= set(book.sheetnames)
    for wanted, said in (([], "0 runs"), ([f"{n}" for n in range(5)], "5 runs"), ([""], "No run is named")):
        with pytest.raises(InputError, match=said):
            workbook_file(tmp_path, out, wanted)
    with pytest.raises(InputError, match="No run is named"):
        table_file(tmp_path, out, run_id="", table="fct_year_metrics", kind=".csv", picked=((), (), ()))


def test_the_run_tab_watches_a_finished_run_and_tells_why_another_is_refused(desk: Desk) -> None:
    async def use() -> tuple[str, str, str]:
        tab = RunTab(desk, lambda: True)
        watched, log = tab.watch.value, tab.log.value
        tab.years.value = "2025-1999"
        press(tab.box, "Start run")
        while tab.children:
            await asyncio.sleep(0.1)
        tab._task.cancel()
        return watched, log, tab.message.value

    watched, log, refused = asyncio.run(use())
    assert "Finished" in watched and "16 of 16" in watched
    assert "multi_year_summary done" in log
    assert "pw-bad" in refused and "2025-1999" in refused


def test_a_second_click_starts_no_second_run(desk: Desk) -> None:
    async def use() -> tuple[int, bool, bool]:
        tab = RunTab(desk, lambda: True)
        tab.years.value = "2025-1999"
        for _ in range(2):
            press(tab.box, "Start run")
        tab.look()
        count, is_disabled = len(tab.children), tab.start_button.disabled
        while tab.children:
            await asyncio.sleep(0.1)
        tab.look()
        tab._task.cancel()
        return count, is_disabled, tab.start_button.disabled

    assert asyncio.run(use()) == (1, True, False)


def test_a_run_whose_folder_is_gone_is_not_listed(tmp_path: Path, finished_run: Run) -> None:
    ledger = Ledger(tmp_path / "runs")
    subject = finished_run.folder.parent.name
    shutil.copytree(finished_run.folder, ledger.out / subject / finished_run.folder.name)

    async def use() -> tuple[tuple[str, ...], str, bool]:
        tab = RunTab(Desk(Project(tmp_path), ledger), lambda: True)
        tab._task.cancel()
        assert tab.runs.options and tab.log.value
        shutil.rmtree(ledger.out / subject)
        tab.list_runs()
        return tab.runs.options, tab.log.value, tab.stop_button.disabled and tab.resume_button.disabled

    assert asyncio.run(use()) == ((), "", True)


def test_the_dashboard_has_five_tabs(desk: Desk) -> None:
    async def made() -> widgets.Tab:
        box = build(desk)
        [tabs] = [part for part in parts_of(box) if isinstance(part, widgets.Tab)]
        tabs.selected_index = 3
        return tabs

    tabs = asyncio.run(made())
    assert list(tabs.titles) == ["Parameters", "Impact", "Run", "Results", "Auto-optimise"]

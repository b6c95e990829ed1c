"""The dashboard where files are damaged or gone, and where somebody else saves or deletes meanwhile: it says so."""

from __future__ import annotations

import asyncio
import html
import os
import re
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import duckdb
import pytest

from planwise_nb.apps.dashboard.desk import Desk
from planwise_nb.apps.dashboard.downloads import table_file
from planwise_nb.apps.dashboard.optimise import OptimiseTab
from planwise_nb.apps.dashboard.parameters import ParametersTab
from planwise_nb.apps.dashboard.parts import telling, text
from planwise_nb.apps.dashboard.results import ResultsTab
from planwise_nb.apps.dashboard.running import RunTab
from planwise_nb.apps.faults import explained
from planwise_nb.core.errors import InputError
from planwise_nb.core.ledger import Ledger
from planwise_nb.core.project import Project
from planwise_nb.core.runs import Run
from tests.run_copies import change_tables, copy_of, cut, whole_copy
from tests.test_dashboard_tabs import MERIT, field, press

OLDER, NEWER = "20300101-000000-aaaaaaaa", "20300102-000000-bbbbbbbb"
CELL = ("merit_base", 2026, 1)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """An own project with a scenario ``mine`` and no run yet."""
    (tmp_path / "params/workforce").mkdir(parents=True)
    (tmp_path / "params/workforce/mine.yaml").write_text("extends: baseline\n")
    return Desk(Project(tmp_path), Ledger(tmp_path / "runs"))


@pytest.fixture
def two_runs(desk: Desk, finished_run: Run) -> Path:
    """The newer one of two runs that the desk lists."""
    copy_of(finished_run, desk.ledger.out, OLDER)
    return copy_of(finished_run, desk.ledger.out, NEWER)


def scenario_file(desk: Desk, name: str) -> Path:
    return desk.project.own / f"params/workforce/{name}.yaml"


# Runs that are damaged or gone


def test_a_run_that_is_gone_while_it_is_shown_is_told(desk: Desk, two_runs: Path) -> None:
    tab = ResultsTab(desk)
    tab.refresh()
    assert tab.runs.value == (NEWER,) and "<tr>" in tab.figures.value
    shutil.rmtree(two_runs)
    tab.levels.value = (1,)
    assert "pw-bad" in tab.message.value and NEWER in tab.message.value
    assert (tab.figures.value, tab.charts.value, tab.downloads.value) == ("", "", "")
    press(tab.box, "Look again")
    assert (tab.runs.value, tab.message.value, tab.levels.value) == ((OLDER,), "", (1,))
    assert "<tr>" in tab.figures.value


def test_a_table_that_cannot_be_read_is_told_and_the_other_run_is_still_shown(desk: Desk, two_runs: Path) -> None:
    os.truncate(two_runs / "export/fct_workforce_snapshot/2026.parquet", 100)
    tab = ResultsTab(desk)
    tab.refresh()
    assert "A table of a run cannot be read" in tab.message.value and "planwise verify" in tab.message.value
    tab.runs.value = (OLDER,)
    assert tab.message.value == "" and "<tr>" in tab.figures.value
    tab.runs.value = (NEWER,)
    assert "pw-bad" in tab.message.value and tab.figures.value == ""


def test_a_download_of_a_table_that_cannot_be_read_says_so(desk: Desk, two_runs: Path, tmp_path: Path) -> None:
    os.truncate(two_runs / "export/fct_yearly_events/2026.parquet", 100)
    with pytest.raises(duckdb.Error) as raised:
        table_file(tmp_path, desk.ledger.out, run_id=NEWER, table="fct_yearly_events", kind=".csv", picked=((), (), ()))
    assert "A table of a run cannot be read" in explained(raised.value).what


def test_an_odd_manifest_of_the_newest_run_leaves_the_run_tab_alive(desk: Desk, finished_run: Run) -> None:
    copy_of(finished_run, desk.ledger.out, OLDER)
    copy_of(finished_run, desk.ledger.out, NEWER, periods=[])

    async def use() -> tuple[str, str, bool]:
        tab = RunTab(desk, lambda: True)
        told = tab.watch.value
        tab.runs.value = OLDER
        await asyncio.sleep(1)
        return told, tab.watch.value, tab._task.done()

    told, watched, is_over = asyncio.run(use())
    assert "pw-bad" in told and "IndexError" in told
    assert "Finished" in watched and not is_over


def test_a_search_for_nothing_is_not_begun_and_asks_for_a_target(desk: Desk) -> None:
    async def use() -> tuple[str, bool]:
        tab = OptimiseTab(desk, lambda name, changes: True)
        tab.by_growth.value = False
        press(tab.box, "Search")
        return tab.message.value, tab.child is None

    said, is_idle = asyncio.run(use())
    assert "No target is named" in said and is_idle


def test_a_project_that_is_gone_starts_no_run_and_says_why(desk: Desk) -> None:
    async def use() -> str:
        tab = RunTab(desk, lambda: False)
        shutil.rmtree(desk.project.own)
        press(tab.box, "Start run")
        return tab.message.value

    assert "cannot be used: No such file or directory" in asyncio.run(use())


def test_a_process_that_ended_meanwhile_is_no_file_that_cannot_be_used() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    place = text("")
    with telling(place):
        os.kill(process.pid, 15)
    assert "The process has ended already." in place.value


# Scenarios that somebody else saves or deletes


def test_what_somebody_else_saves_is_offered_in_every_tab_and_what_is_chosen_stays(desk: Desk) -> None:
    async def use() -> list[str]:
        parameters, run = ParametersTab(desk), RunTab(desk, lambda: False)
        optimise = OptimiseTab(desk, parameters.take)
        run.scenario.value = optimise.scenario.value = "mine"
        scenario_file(desk, "fresh").write_text("extends: baseline\n")
        desk.look()
        assert ("fresh", "fresh") in parameters.scenario.options
        assert "fresh" in run.scenario.options and "fresh" in optimise.scenario.options
        return [tab.scenario.value for tab in (parameters, run, optimise)]

    assert asyncio.run(use()) == ["baseline", "mine", "mine"]


def test_what_one_saves_is_chosen_to_be_run(desk: Desk) -> None:
    async def use() -> tuple[str, str]:
        parameters, run = ParametersTab(desk), RunTab(desk, lambda: False)
        field(parameters.box, MERIT).value = "6.5"
        field(parameters.box, "Name").value, field(parameters.box, "Saved by").value = "careful", "A planner"
        press(parameters.box, "Save scenario")
        return parameters.scenario.value, run.scenario.value

    assert asyncio.run(use()) == ("careful", "careful")


def test_a_scenario_that_is_deleted_while_it_is_open_can_be_edited_on(desk: Desk) -> None:
    async def use() -> None:
        parameters, run = ParametersTab(desk), RunTab(desk, lambda: False)
        parameters.scenario.value = run.scenario.value = "mine"
        scenario_file(desk, "mine").unlink()
        field(parameters.box, MERIT).value = "6.5"
        assert ("mine (deleted)", "mine") in parameters.scenario.options and parameters.scenario.value == "mine"
        assert ">1 change<" in parameters.summary.value and desk.changes == {CELL: Decimal("0.065")}
        assert (run.scenario.value, run.message.value) == ("baseline", "")
        press(parameters.box, "Undo all changes")
        assert "pw-bad" in parameters.opening.value and desk.changes

    asyncio.run(use())


def test_levers_found_are_laid_over_a_scenario_made_meanwhile_but_for_years_it_has_not(desk: Desk) -> None:
    tab = ParametersTab(desk)
    scenario_file(desk, "fresh").write_text("extends: baseline\n")
    assert tab.take("fresh", {CELL: Decimal("0.07"), ("merit_base", 2031, 1): Decimal("0.07")})
    assert (tab.scenario.value, field(tab.box, MERIT).value) == ("fresh", "7")
    assert desk.changes == {CELL: Decimal("0.07")}
    assert "Left out" in tab.opening.value and "2031" in tab.opening.value


# What is not saved


def test_whoever_chooses_another_scenario_is_asked_before_changes_are_lost(desk: Desk) -> None:
    tab = ParametersTab(desk)
    field(tab.box, MERIT).value = "6.5"
    tab.scenario.value = "mine"
    assert "1 unsaved change of baseline" in tab.opening.value and tab.answers.layout.display is None
    assert (desk.opened.name, tab.scenario.value) == ("baseline", "baseline")
    press(tab.box, "Keep editing")
    assert (tab.opening.value, tab.answers.layout.display, len(desk.changes)) == ("", "none", 1)
    assert not tab.take("mine", {})
    press(tab.box, "Leave them")
    assert (desk.opened.name, tab.scenario.value, desk.changes, tab.opening.value) == ("mine", "mine", {}, "")


def test_a_scenario_that_cannot_be_opened_leaves_the_open_one_chosen(desk: Desk) -> None:
    tab = ParametersTab(desk)
    scenario_file(desk, "mine").write_text("extends: [")
    tab.scenario.value = "mine"
    assert "pw-bad" in tab.opening.value and "mine.yaml" in tab.opening.value
    assert (desk.opened.name, tab.scenario.value) == ("baseline", "baseline")


# Members and filters


def test_filters_stay_when_a_listed_run_changes_its_state(desk: Desk, finished_run: Run) -> None:
    run = whole_copy(finished_run, desk.ledger.out)
    tab = ResultsTab(desk)
    tab.refresh()
    tab.levels.value, tab.years.value = (1, 2), (2025,)
    cut(run, 9)
    tab.refresh()
    assert "stopped" in tab.runs.options[0][0]
    assert (tab.runs.value, tab.levels.value, tab.years.value) == ((run.folder.name,), (1, 2), (2025,))


def test_members_of_a_run_stand_side_by_side_and_each_is_taken_away_alone(
    desk: Desk, finished_run: Run, tmp_path: Path
) -> None:
    folder = copy_of(finished_run, desk.ledger.out, subject="baseline+lean", seeds={"baseline": 1, "lean": 1})
    both = "select * from {rows} union all by name select * replace ('lean' as scenario_id) from {rows}"
    change_tables(folder, both, having="scenario_id")
    tab = ResultsTab(desk)
    tab.refresh()
    assert (tab.members.options, tab.figures.value.count("<tr>")) == (("baseline", "lean"), 3)
    tab.members.value = ("baseline", "lean")
    assert tab.figures.value.count("<tr>") == 5
    tab.members.value = ("lean",)
    [link] = re.findall(r'href="([^"]+metrics[^"]+csv[^"]*)"', tab.downloads.value)
    asked = parse_qs(urlsplit(html.unescape(link)).query)
    assert asked["member"] == ["lean"]
    wanted = {"run_id": OLDER, "table": "fct_year_metrics", "kind": ".csv"}
    rows = table_file(tmp_path, desk.ledger.out, **wanted, picked=((), (), (), asked["member"])).read_text()
    assert [row.split(",")[0] for row in rows.splitlines()[1:]] == ["lean", "lean"]
    with pytest.raises(InputError, match="has no member 'none'"):
        table_file(tmp_path, desk.ledger.out, **wanted, picked=((), (), (), ("none",)))

"""The dashboard as a planner uses it, in a browser that is cut off from every network."""

from __future__ import annotations

import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import openpyxl
import pytest

from planwise_nb.workforce.generator import make_census
from tests.browser.conftest import Server, Watch
from tests.browser.seen import faint_texts, named_controls, nameless_controls, reached_by_keyboard

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

TABS = ("Parameters", "Impact", "Run", "Results", "Auto-optimise")
MERIT = "Merit raise, level 1, 2026"
NARROW = (1000, 900)
PAGE = ".pw-page"


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project folder with the census of a small company, and a lever that finance has locked."""
    folder = tmp_path_factory.mktemp("projects") / "my_plan"
    (folder / "params/workforce").mkdir(parents=True)
    make_census(120, 7, folder / "census.csv")
    (folder / "params/workforce/small.yaml").write_text(
        "description: A small company, two years.\nextends: baseline\n"
        "simulation: {start_year: 2025, end_year: 2026}\ncensus: {file: ../../census.csv}\n"
    )
    (folder / "params/workforce/comp_levers.csv").write_text(
        "scenario_id,fiscal_year,job_level,event_type,parameter_name,parameter_value,is_locked,created_at,created_by\n"
        "small,2025,5,RAISE,merit_base,0.02,1,2024-12-01,finance\n"
    )
    return folder


@pytest.fixture(scope="module")
def dashboard(serve: Callable[..., Server], plan: Path) -> Server:
    return serve("dashboard", "--no-browser", "--port={port}", "--token={token}", folder=plan)


@pytest.fixture
def opened(page: Page, dashboard: Server) -> Page:
    return look(page, dashboard)


def look(page: Page, dashboard: Server) -> Page:
    """Open the dashboard and choose the small company."""
    page.goto(dashboard.address("/"))
    page.get_by_label("Start from scenario").select_option("small")
    page.get_by_text("A small company, two years.").wait_for()
    page.locator(".pw-locked").wait_for()
    return page


def go(page: Page, tab: str) -> Locator:
    page.get_by_role("tab", name=tab, exact=True).click()
    return page.locator(".widget-tab-contents")


def type_in(page: Page, label: str, text: str) -> None:
    field = page.get_by_label(label, exact=True)
    field.fill(text)
    field.press("Tab")


def answer(address: str) -> int:
    try:
        with urllib.request.urlopen(address, timeout=20) as found:
            return int(found.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_a_planner_makes_a_scenario_runs_it_and_takes_the_workbook_home(
    new_page: Callable[..., Page], dashboard: Server, picture: Callable[..., None], tmp_path: Path
) -> None:
    closed, page = look(new_page(), dashboard), new_page()
    start(closed, "small", years="2025-2026")
    closed.close()
    look(page, dashboard)
    make_scenario(page, picture)
    see_its_impact(page, picture)
    start(page, "careful")
    page.get_by_text("workforce_requirements 2025 done").wait_for()
    picture("dashboard-run", page)
    page.get_by_role("status").filter(has_text="Finished").wait_for()
    compare(page)
    picture("dashboard-results", page)
    rows = list(downloaded(page, "Excel: Year metrics: one row a year, careful", tmp_path).worksheets[0].values)
    assert [row[rows[0].index("simulation_year")] for row in rows[1:]] == [2025, 2026]
    assert {row[0] for row in rows[1:]} == {"careful"}
    headcount = downloaded(page, "Workbook of these runs, side by side", tmp_path)["Headcount"]
    assert {"careful", "small"} <= {value for row in headcount.values for value in row}


def test_a_target_is_tuned_to_its_end_and_what_was_found_can_be_taken_over(
    opened: Page, picture: Callable[..., None]
) -> None:
    go(opened, "Auto-optimise")
    opened.get_by_label("Scenario to tune").select_option("small")
    type_in(opened, "Target growth of pay (% a year)", "6")
    type_in(opened, "Years to tune", "2025-2026")
    opened.get_by_role("button", name="Search").click()
    opened.get_by_text("Search: iteration 1").wait_for()
    opened.get_by_text("All targets are reached").wait_for(timeout=300_000)
    found = opened.get_by_role("region", name="Levers").inner_text()
    assert "cola_rate" in found and "merit_base.5" in found
    picture("dashboard-optimise", opened)
    opened.get_by_role("button", name="Take into Parameters").click()
    opened.get_by_text("The levers found are laid over the scenario").wait_for()
    go(opened, "Parameters")
    merit = opened.get_by_label("Merit raise, level 1, 2025", exact=True).input_value()
    assert float(merit) != 4
    assert f"merit_base.1\t0.04\t{float(merit) / 100:.6g}\t" in found
    assert opened.get_by_label("Merit raise, level 5, 2025", exact=True).input_value() == "2"


def downloaded(page: Page, link: str, folder: Path) -> openpyxl.Workbook:
    with page.expect_download() as download:
        page.get_by_role("link", name=link).click()
    download.value.save_as(folder / "downloaded.xlsx")
    return openpyxl.load_workbook(folder / "downloaded.xlsx")


def test_a_download_that_is_refused_says_why_and_leaves_the_page_as_it_is(
    page: Page, dashboard: Server, plan: Path, watch: Watch
) -> None:
    look(page, dashboard)
    start(page, "small", years="2025-2025")
    page.get_by_role("status").filter(has_text="Finished").wait_for()
    go(page, "Results")
    page.get_by_role("link", name="CSV: Events: one row each, small").wait_for()
    for events in plan.glob("outputs/runs/small/*/export/fct_yearly_events"):
        shutil.rmtree(events)
    assert "fct_yearly_events" in refusal_of(page, "CSV: Events: one row each, small")
    for metrics in plan.glob("outputs/runs/small/*/export/fct_year_metrics/*.parquet"):
        os.truncate(metrics, 100)
    assert "A table of a run cannot be read" in refusal_of(page, "CSV: Year metrics: one row a year, small")
    go(page, "Parameters").get_by_label(MERIT, exact=True).wait_for()  # the page and its kernel are still there
    type_in(page, MERIT, "7")
    page.get_by_role("cell", name="7", exact=True).wait_for()
    assert ["400 (Bad Request)" in error for error in watch.errors] == [True, True]
    watch.errors.clear()


def refusal_of(page: Page, link: str) -> str:
    """What the tab of a download says that cannot be made."""
    with page.context.expect_page() as opened:
        page.get_by_role("link", name=link).click()
    opened.value.get_by_text("There is no file to download.").wait_for()
    said = opened.value.locator("body").inner_text()
    opened.value.close()
    assert "Close this tab" in said
    return said


def make_scenario(page: Page, picture: Callable[..., None]) -> None:
    type_in(page, MERIT, "60")
    page.get_by_text(f"{MERIT} must be a number from 0 to 50").wait_for()
    type_in(page, MERIT, "6.5")
    page.get_by_role("cell", name="6.5", exact=True).wait_for()
    picture("dashboard-parameters", page)
    type_in(page, "Name", "careful")
    type_in(page, "Saved by", "A planner")
    page.get_by_role("button", name="Save scenario").click()
    page.get_by_text("Saved as careful").wait_for()


def see_its_impact(page: Page, picture: Callable[..., None]) -> None:
    panel = go(page, "Impact")
    page.get_by_role("region", name="The whole company, by year").wait_for()
    assert "careful: an estimate" in panel.inner_text()
    picture("dashboard-impact", page)


def start(page: Page, scenario: str, years: str = "") -> None:
    go(page, "Run")
    page.get_by_label("Scenario", exact=True).select_option(scenario)
    type_in(page, "Years", years)
    page.get_by_role("button", name="Start run").click()
    page.locator("dd", has_text=scenario).wait_for()


def compare(page: Page) -> None:
    go(page, "Results")
    runs = page.get_by_label("Runs, up to four")
    page.get_by_role("region", name="By year and run, as filtered").wait_for()
    runs.select_option(label=runs.locator("option").all_inner_texts())
    for scenario in ("careful", "small"):
        page.get_by_role("cell", name=scenario).first.wait_for()


def test_nobody_comes_in_without_the_token(dashboard: Server, plan: Path) -> None:
    kernel = "/api/kernels/00000000-0000-0000-0000-000000000000"
    download = "/planwise/download?run_id=20260101-000000-00000000&table=fct_year_metrics&kind=.csv"
    workbook = "/planwise/workbook?run_id=20260101-000000-00000000"
    for path in ("/", kernel, f"{kernel}/channels", download, workbook, "/voila/files/dashboard.ipynb", "/voila/tree"):
        for token in ("", "?token=", f"?token={'0' * len(dashboard.token)}"):
            assert answer(dashboard.url + path + token.replace("?", "&" if "?" in path else "?")) == 403
    assert [answer(dashboard.address(path)) for path in (download, workbook)] == [400, 400]


def test_two_people_do_not_see_each_others_edits(new_page: Callable[..., Page], dashboard: Server) -> None:
    first, second = look(new_page(), dashboard), look(new_page(NARROW), dashboard)
    type_in(first, MERIT, "7")
    first.get_by_role("cell", name="7", exact=True).wait_for()
    go(second, "Impact").get_by_text("small: an estimate").wait_for()
    go(second, "Parameters")
    assert second.get_by_label(MERIT, exact=True).input_value() == "4"
    assert "Nothing is changed yet" in second.locator(".widget-tab-contents").inner_text()


def test_a_locked_lever_cannot_be_changed_and_a_name_that_is_taken_asks_first(opened: Page) -> None:
    assert opened.get_by_label("Merit raise, level 5, 2025", exact=True).is_disabled()
    type_in(opened, "Merit raise, level 5, every year", "3")
    opened.get_by_role("cell", name="3", exact=True).wait_for()
    assert opened.get_by_label("Merit raise, level 5, 2025", exact=True).input_value() == "2"
    type_in(opened, "Name", "small")
    type_in(opened, "Saved by", "A planner")
    opened.get_by_label("Replace the scenario of that name").wait_for()
    opened.get_by_role("button", name="Save scenario").click()
    opened.get_by_text("There is a scenario small already").wait_for()


def test_whoever_chooses_another_scenario_is_asked_before_changes_are_lost(opened: Page) -> None:
    type_in(opened, MERIT, "6.5")
    scenarios = opened.get_by_label("Start from scenario")
    for answer, state in (("Keep editing", "visible"), ("Leave them", "hidden")):
        scenarios.select_option("baseline")
        opened.get_by_text("1 unsaved change of small.").wait_for()
        assert scenarios.locator("option:checked").inner_text() == "small"
        assert nameless_controls(opened, PAGE) == [] and faint_texts(opened, PAGE) == []
        opened.get_by_role("button", name=answer).focus()
        opened.keyboard.press("Enter")
        opened.get_by_text("1 unsaved change of small.").wait_for(state="hidden")
        opened.locator(".pw-changed").wait_for(state=state)
    assert scenarios.locator("option:checked").inner_text() == "baseline"
    assert opened.get_by_label(MERIT, exact=True).input_value() == "4"


def test_every_control_has_a_label_and_is_reached_by_keyboard(opened: Page) -> None:
    for tab in TABS:
        panel = go(opened, tab)
        panel.get_by_role("heading").first.wait_for()
        assert nameless_controls(opened, PAGE) == []
    opened.get_by_role("tab", name="Parameters").click()
    wanted = named_controls(opened, PAGE)
    opened.get_by_role("tab", name="Parameters").focus()
    assert wanted <= {"Parameters", *reached_by_keyboard(opened, len(wanted) + 20)}
    opened.get_by_role("tab", name="Parameters").focus()
    opened.keyboard.press("ArrowRight")
    opened.keyboard.press("Enter")
    opened.get_by_role("heading", name="First-order impact").wait_for()


def test_every_text_stands_out_from_its_ground(opened: Page) -> None:
    for tab in TABS:
        go(opened, tab).get_by_role("heading").first.wait_for()
        assert faint_texts(opened, PAGE) == []

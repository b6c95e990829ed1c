"""The dashboard without a browser: what people work on, and the runs that it starts and watches."""

from __future__ import annotations

import asyncio
import html
import re
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from planwise_nb.apps.dashboard.children import Child, run_of, stop
from planwise_nb.apps.dashboard.desk import Desk
from planwise_nb.apps.dashboard.impact import ImpactTab
from planwise_nb.apps.dashboard.parameters import ParametersTab
from planwise_nb.apps.dashboard.parts import notice, pairs, refused, told
from planwise_nb.apps.dashboard.progress import progress_of
from planwise_nb.apps.dashboard.running import RunTab
from planwise_nb.apps.dashboard.server import DashboardServer
from planwise_nb.core.errors import STOPPED, InputError, Problem
from planwise_nb.core.ledger import Ledger
from planwise_nb.core.messages import RunFinished, StepFinished, read_log
from planwise_nb.core.project import Project
from planwise_nb.core.runs import Run
from planwise_nb.workforce.pipeline import WORKFORCE

MERIT = ("merit_base", 2026, 1)
SECONDS = 120
REPLACE = "Replace the scenario of that name"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(Project(tmp_path), Ledger(tmp_path / "runs"))


def wait_until(holds: Callable[[], object]) -> None:
    latest = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < latest, "waited in vain"
        time.sleep(0.1)


def test_a_change_is_told_and_can_be_taken_back(desk: Desk) -> None:
    heard: list[int] = []
    desk.changed.append(lambda: heard.append(len(desk.changes)))
    desk.change(MERIT, Decimal("0.05"))
    assert (desk.value(MERIT), desk.opened.values[MERIT]) == (Decimal("0.05"), Decimal("0.04"))
    desk.change(MERIT, Decimal("0.04"))
    assert heard == [1, 0]


def test_a_locked_value_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "params/workforce").mkdir(parents=True)
    (tmp_path / "params/workforce/comp_levers.csv").write_text(
        "scenario_id,fiscal_year,job_level,event_type,parameter_name,parameter_value,is_locked,created_at,created_by\n"
        "fixed,2026,1,RAISE,merit_base,0.02,1,2024-12-01,finance\n"
    )
    (tmp_path / "params/workforce/fixed.yaml").write_text("extends: baseline\n")
    desk = Desk(Project(tmp_path), Ledger(tmp_path / "runs"))
    desk.open("fixed")
    assert desk.opened.locked == {MERIT}
    desk.change(MERIT, Decimal("0.05"))
    assert (desk.value(MERIT), desk.changes) == (Decimal("0.02"), {})


def test_the_grid_has_the_levels_that_the_census_mapping_brings(tmp_path: Path) -> None:
    for folder in ("workforce", "census_maps"):
        (tmp_path / "params" / folder).mkdir(parents=True)
    (tmp_path / "params/census_maps/grades.yaml").write_text(
        "job_levels:\n"
        "  - {level_id: 1, name: Grade A, min_compensation: 10000, max_compensation: 40000}\n"
        "  - {level_id: 2, name: Grade B, min_compensation: 30000, max_compensation: 90000}\n"
    )
    mix = "hiring: {level_mix: {1: 0.5, 2: 0.5}}\n"
    (tmp_path / "params/workforce/graded.yaml").write_text(f"extends: baseline\n{mix}census: {{map: grades}}\n")
    tab = ParametersTab(Desk(Project(tmp_path), Ledger(tmp_path / "runs")))
    tab.scenario.value = "graded"
    rows = [child.value for child in tab.grid.children if "<b>" in getattr(child, "value", "")]
    assert rows == ["<b>1</b> Grade A", "<b>2</b> Grade B"]
    assert "2 levels, draft" in tab.about.value


def test_whoever_replaces_a_file_is_told_whether_its_comments_stay(tmp_path: Path) -> None:
    (tmp_path / "params/workforce").mkdir(parents=True)
    for name in ("mine", "other"):
        (tmp_path / f"params/workforce/{name}.yaml").write_text("extends: baseline  # as agreed\n")
    tab = ParametersTab(Desk(Project(tmp_path), Ledger(tmp_path / "runs")))
    tab.scenario.value = "mine"
    told = []
    for name in ("mine", "other"):
        tab.saving[0].value = name
        told.append(tab.saving[-1].description)
    assert told == [REPLACE, f"{REPLACE}; its file is written anew, without its comments"]


def test_an_impact_shows_the_change_and_its_difference(desk: Desk) -> None:
    tab = ImpactTab(desk)
    for level in desk.opened.levels:
        desk.change(("cola_rate", 2026, level), Decimal("0.035"))
    tab.refresh()
    assert "baseline with 5 changes not saved" in tab.message.value
    assert tab.totals.value.count("pw-more") > 0
    assert not tab.is_stale


def test_a_finished_run_is_told_as_done(finished_run: Run) -> None:
    found = progress_of(finished_run)
    assert (found.done, found.total, found.step) == (16, 16, "")
    assert found.remaining == 0
    assert found.lines[-1].endswith(f"{finished_run.manifest['seconds']:.1f} s") or "success" in found.lines[-1]


def test_a_log_is_read_as_it_was_written_but_for_a_line_in_writing(finished_run: Run, tmp_path: Path) -> None:
    whole = (finished_run.folder / "logs.jsonl").read_text()
    log = tmp_path / "logs.jsonl"
    log.write_text(whole + '{"at": "2026-01-01T00:00:00+00:00", "message": "StepFin')
    messages = [message for _, message in read_log(log)]
    assert len([message for message in messages if isinstance(message, StepFinished)]) == 16
    assert isinstance(messages[-1], RunFinished)
    assert read_log(tmp_path / "none.jsonl") == []


def test_a_damaged_line_of_a_log_is_left_out_wherever_it_stands(finished_run: Run, tmp_path: Path) -> None:
    first, *others = (finished_run.folder / "logs.jsonl").read_bytes().splitlines(keepends=True)
    log = tmp_path / "logs.jsonl"
    log.write_bytes(b"".join([b"\xff\n", first, b"\x00\n[1]\n", b"[" * 100_000 + b"\n", *others, b"\xc3"]))
    assert read_log(log) == read_log(finished_run.folder / "logs.jsonl")


def test_a_refused_run_says_why_and_what_fixes_it(tmp_path: Path) -> None:
    child = Child("run", ["baselin"], project=tmp_path, out=tmp_path / "runs")
    wait_until(lambda: not child.is_alive)
    assert [problem.fix for problem in child.refusal()] == ["Did you mean baseline?"]
    assert not (tmp_path / "runs").exists()


def test_a_refused_census_is_told_with_the_lines_that_are_wrong(tmp_path: Path, small_census: Path) -> None:
    header, first, *others = small_census.read_text().splitlines()
    (tmp_path / "census.csv").write_text("\n".join([header, first, first, *others]))
    child = Child("run", ["baseline", "--census=census.csv"], project=tmp_path, out=tmp_path / "runs")
    wait_until(lambda: not child.is_alive)
    [problem] = child.refusal()
    assert problem.sample and all(line in html.unescape(refused([problem])) for line in problem.sample)


def test_a_stopped_run_is_resumed_to_its_end(tmp_path: Path, small_census: Path) -> None:
    ledger = Ledger(tmp_path / "runs")

    def runs() -> list[Run]:
        return [Run(WORKFORCE, ledger.folder(str(row["run_id"])), ledger) for row in ledger.runs()]

    child = Child(
        "run", ["baseline", "--years=2025-2025", f"--census={small_census}"], project=tmp_path, out=ledger.out
    )
    wait_until(lambda: run_of(child, runs()) is not None and progress_of(runs()[0]).done > 2)
    [run] = runs()
    stop(run)
    wait_until(lambda: not child.is_alive)
    assert run.manifest["failure"]["reason"] == STOPPED
    assert asyncio.run(watched(Desk(Project(tmp_path), ledger))) == ("Stopped: it can be resumed", False)
    with pytest.raises(InputError, match="Nobody runs"):
        stop(run)
    again = Child("run", ["--resume", run.folder.name], project=tmp_path, out=ledger.out)
    wait_until(lambda: not again.is_alive)
    assert again.refusal() == []
    assert run.manifest["status"] == "success"


async def watched(desk: Desk) -> tuple[str, bool]:
    """What the tab Run says of the newest run, and whether it offers no going on."""
    tab = RunTab(desk, lambda: False)
    tab._task.cancel()
    assert "KeyboardInterrupt" not in tab.watch.value and "planwise run" not in tab.watch.value
    return re.findall(r'role="status">([^<]*)<', tab.watch.value)[0], tab.resume_button.disabled


def test_a_killed_run_is_no_error_of_its_last_line(tmp_path: Path) -> None:
    child = Child("run", ["--", "baseline"], project=tmp_path, out=tmp_path / "runs")
    child.process.kill()
    wait_until(lambda: not child.is_alive)
    [problem] = child.refusal()
    assert (problem.what, problem.fix) == ("The run ended unexpectedly.", "Resume it.")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--seed=many", "--", "baseline"], "Invalid value for '--seed'"),
        (["--", "--help"], "--help"),
        (["--help"], "Show this message"),
    ],
)
def test_a_child_that_ran_nothing_says_what_it_printed(tmp_path: Path, arguments: list[str], said: str) -> None:
    child = Child("run", arguments, project=tmp_path, out=tmp_path / "runs")
    wait_until(lambda: not child.is_alive)
    [problem] = child.refusal()
    assert said in problem.what and "See standard error" not in problem.what


def test_the_address_that_is_printed_holds_any_token(capsys: pytest.CaptureFixture[str]) -> None:
    server = DashboardServer(token="a b&c#d")
    server.shows_browser = False
    assert server.display_url in capsys.readouterr().out
    assert server.display_url.endswith("/?token=a%20b%26c%23d")


def test_what_people_wrote_is_shown_and_never_run() -> None:
    evil = "<img src=x onerror=alert(1)>"
    error = InputError(evil, [Problem(rule="r", where=evil, what=evil, fix=evil)], fix=evil)
    assert "<img" not in told(error)
    assert "<img" not in pairs([evil], [[(evil, f"+{evil}")]], evil)
    assert 'role="alert"' in notice("bad", "said")

"""The control panel, in JupyterLab and under the runner."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell

from planwise_nb.core.errors import ChecklistError
from planwise_nb.core.messages import Message, StepProgressed
from planwise_nb.core.project import Project, init
from planwise_nb.core.runner import run, start
from planwise_nb.core.runs import Run
from planwise_nb.workforce import scenario, step, step_levers
from planwise_nb.workforce.figures import Section, figure
from planwise_nb.workforce.inputs import Request, resolve
from planwise_nb.workforce.panel import Panel
from planwise_nb.workforce.panel_orders import STEP, UPTO, VALIDATE, carry_out, order, run_from_panel
from planwise_nb.workforce.pipeline import WORKFORCE
from planwise_nb.workforce.step import open_step
from planwise_nb.workforce.step_levers import levers_of
from tests.run_copies import copy_of, cut, whole_copy
from tests.simulation import Simulation
from tests.test_run import started_run

GROWTH = ("target_growth_rate", None)


def quiet(message: Message) -> None:
    """Hears all and says nothing."""


def texts(box: widgets.Box) -> str:
    """All that a panel says."""
    own = [child.value for child in box.children if isinstance(child, widgets.HTML)]
    return " ".join([*own, *(texts(child) for child in box.children if isinstance(child, widgets.Box))])


def choices(panel: Panel) -> dict[str, Any]:
    lines = panel.view.children[1].children
    return {line.children[0].description: line.children[0] for line in lines}


def is_free(panel: Panel) -> bool:
    return not panel.buttons[STEP].disabled


def in_a_notebook(*acts: tuple[Callable[[], Any], Callable[[], bool]]) -> None:
    """Do one thing after another as the kernel of a notebook would, and wait after each until something holds."""

    async def work() -> None:
        for do, until in acts:
            do()
            while not until():
                await asyncio.sleep(0.05)

    asyncio.run(work())


def test_the_panel_offers_the_levers_of_its_step_with_range_and_unit(finished_run: Run) -> None:
    panel = Panel(open_step("workforce_requirements", str(finished_run.folder), 2026))
    offered = {field.description: field for field in panel.levers.fields.values()}
    assert set(offered) == {"total_termination_rate", "new_hire_termination_rate", "target_growth_rate"}
    growth = offered["target_growth_rate"]
    assert growth.value == 0.03 and "-1 to 2" in growth.tooltip
    assert "growth of headcount<br>share of headcount, a year; -1 to 2; from yaml:baseline" in texts(panel.levers.view)


def test_the_panel_says_what_each_parameter_means(finished_run: Run) -> None:
    panel = Panel(open_step("event_generation", str(finished_run.folder), 2025))
    assert {name: choice.tooltip for name, choice in choices(panel).items()} == {
        "run_dir": "the run to work in; empty: the latest",
        "year": "the year to simulate",
        "scenario": "whose people are shown; empty: the run's first",
    }
    assert "year_completion 2025" in texts(panel.view)
    assert "cola_rate, level 3" in {field.description for field in panel.levers.fields.values()}


def test_a_new_lever_of_the_scenario_appears_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    class Compensation(Section):
        bonus_rate: Decimal = figure(Decimal(0), "bonus", unit="share of pay, a year", minimum="0", maximum="1")

    monkeypatch.setitem(step_levers.FIGURES, "bonus_rate", ("compensation", "bonus_rate"))
    monkeypatch.setitem(scenario.SECTIONS, "compensation", Compensation)
    row = ["bonus_rate", 1, Decimal("0.1"), "default", False]
    columns = ["parameter_name", "level_id", "parameter_value", "parameter_source", "is_locked"]
    (lever,) = levers_of("event_generation", pd.DataFrame([row], columns=columns))
    assert (lever.title, lever.schema["unit"], lever.help) == ("bonus_rate, level 1", "share of pay, a year", "bonus")
    assert levers_of("workforce_requirements", pd.DataFrame([row], columns=columns)) == []


def test_a_locked_lever_is_shown_and_cannot_be_changed() -> None:
    lever = step_levers.LeverValue("cola_rate", 1, Decimal("0.02"), "levers:baseline", is_locked=True)
    field = step_levers.LeverFields([lever]).fields[lever.change]
    assert field.disabled and "locked in comp_levers.csv" in field.tooltip


def test_a_lever_out_of_range_is_told_with_what_is_allowed_and_nothing_runs(finished_run: Run) -> None:
    panel = Panel(open_step("workforce_requirements", str(finished_run.folder), 2026))
    panel.levers.fields[GROWTH].value = 5
    said = "target_growth_rate must be a number from -1 to 2 (share of headcount, a year), not 5."
    assert said in texts(panel.view)
    runs = finished_run.ledger.runs()
    panel.buttons[STEP].click()
    assert is_free(panel) and finished_run.ledger.runs() == runs
    panel.reset.click()
    assert said not in texts(panel.view)


def test_of_several_members_a_panel_with_levers_lets_choose_whose_they_are(tmp_path: Path, small_census: Path) -> None:
    request = Request(scenario="baseline,high_growth", years=(2025, 2025), census=small_census)
    begun = start(WORKFORCE, resolve(Project(tmp_path), request), out=tmp_path / "runs", command=["test"])
    run(begun, quiet, until=("workforce_baseline", 2025))
    panel = Panel(open_step("workforce_requirements", str(begun.folder), 2025))
    assert choices(panel)["scenario"].options == ("baseline", "high_growth")
    before = panel.levers.fields[GROWTH].value
    choices(panel)["scenario"].value = "high_growth"
    assert panel.step.scenario == "high_growth" and panel.levers.fields[GROWTH].value > before
    panel.levers.fields[GROWTH].value = 0.5
    assert "→ 0.5, for all 2 members of the run." in texts(panel.view)
    assert "scenario" not in choices(Panel(open_step("year_transition", str(begun.folder), 2025)))


def project_with_a_parameter(folder: Path) -> Project:
    """A project whose notebook of requirements has a parameter of its own."""
    init(folder)
    path = folder / "notebooks/workforce/03_workforce_requirements.ipynb"
    notebook = json.loads(path.read_text("utf-8"))
    [cell] = [cell for cell in notebook["cells"] if "parameters" in cell["metadata"].get("tags", ())]
    cell["source"] = "".join(cell["source"]) + "\ntop: int = 5  # how many rows"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return Project(folder)


def test_a_parameter_of_ones_own_is_shown_by_a_run_and_changed_in_the_panel(
    tmp_path: Path, small_census: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = started_run(project_with_a_parameter(tmp_path / "plan"), small_census, tmp_path / "runs")
    run(begun, quiet, until=("workforce_requirements", 2025))
    executed = (begun.folder / "notebooks/2025/03_workforce_requirements.ipynb").read_text("utf-8")
    assert re.search(r">top</td>[^/]*>5</td>[^/]*>how many rows</td>", executed)
    shell = InteractiveShell()
    monkeypatch.setattr(step, "get_ipython", lambda: shell)
    panel = Panel(open_step("workforce_requirements", str(begun.folder), 2025))
    assert (choices(panel)["top"].value, choices(panel)["top"].tooltip) == (5, "how many rows")
    choices(panel)["top"].value = 7
    choices(panel)["year"].value = 2025
    panel._fill()
    assert (shell.user_ns["top"], choices(panel)["top"].value) == (7, 7)


def test_reset_puts_every_lever_back(finished_run: Run) -> None:
    panel = Panel(open_step("workforce_requirements", str(finished_run.folder), 2026))
    panel.levers.fields[GROWTH].value = 0.5
    assert panel.levers.told() == ["target_growth_rate 0.03 → 0.5"]
    assert "with target_growth_rate 0.03 → 0.5" in texts(panel.view)
    panel.reset.click()
    assert panel.levers.changes == {}


def test_a_changed_lever_runs_in_a_child_and_leaves_the_finished_run_as_it_was(finished_run: Run) -> None:
    before = Simulation(finished_run.folder).digest("fct_yearly_events")
    child = run_from_panel(finished_run, ("workforce_requirements", 2025), {GROWTH: Decimal("0.5")}, quiet)
    assert child.manifest["parent_run_id"] == finished_run.folder.name
    grown = Simulation(child.folder)
    assert grown.value("select target_headcount - round(opening_headcount * 1.5) from int_workforce_requirements") == 0
    source = "select parameter_source from int_effective_parameters where parameter_name = 'target_growth_rate'"
    assert grown.value(source) == "panel"
    assert Simulation(finished_run.folder).digest("fct_yearly_events") == before
    again = run_from_panel(child, ("workforce_baseline", 2025), {GROWTH: Decimal("0.1")}, quiet)
    assert Simulation(again.folder).value(source.replace("_source", "_value", 1)) == Decimal("0.1")


def test_a_done_step_runs_again_in_a_child_that_ends_there(finished_run: Run) -> None:
    child = run_from_panel(finished_run, ("year_completion", 2025), {}, quiet, alone=True)
    assert [record["step"] for record in child.manifest["steps"]][-1] == "year_completion"
    assert Simulation(child.folder).value("select max(simulation_year) from fct_yearly_events") == 2025
    assert not (child.folder / "export/fct_yearly_events/2026.parquet").exists()
    assert "year_completion" in (child.folder / "logs.jsonl").read_text(encoding="utf-8")


def test_a_step_alone_is_refused_while_one_before_it_is_missing(tmp_path: Path, finished_run: Run) -> None:
    stopped = cut(whole_copy(finished_run, tmp_path), 4)
    with pytest.raises(ChecklistError, match="event_generation has not finished for 2025"):
        carry_out(order(STEP, stopped, ("workforce_snapshot", 2025), {}), quiet)
    panel = Panel(open_step("workforce_snapshot", str(stopped.folder), 2025))
    assert "event_generation has not finished for 2025" in texts(panel.view)
    assert [button.description for button in panel.work.offer.children] == ["Run to here"]


def test_the_offered_button_runs_what_is_missing_and_the_notebook_goes_there(
    tmp_path: Path, small_census: Path
) -> None:
    stopped = started_run(Project(tmp_path), small_census, tmp_path / "runs")
    run(stopped, quiet, until=("pre_simulation", None))
    panel = Panel(open_step("workforce_baseline", str(stopped.folder), 2025))
    heard: list[Message] = []
    carry_out(order(UPTO, stopped, ("year_transition", 2025), {}), heard.append)
    assert any(isinstance(message, StepProgressed) for message in heard)
    in_a_notebook((panel.work.offer.children[0].click, lambda: is_free(panel)))
    assert ("workforce_baseline", 2025) in panel.step.checklist.done
    assert "workforce_baseline 2025 is done in run" in texts(panel.view)
    with pytest.raises(ChecklistError, match=r"workforce_requirements 2025 of run .* has not run yet"):
        open_step("workforce_requirements", str(stopped.folder), 2025).build()


def test_what_is_stopped_leaves_a_run_that_goes_on(tmp_path: Path, finished_run: Run) -> None:
    stopped = cut(whole_copy(finished_run, tmp_path), 8)
    panel = Panel(open_step("multi_year_summary", str(stopped.folder)))
    in_a_notebook(
        (panel.buttons[UPTO].click, lambda: "workforce_baseline 2026" in texts(panel.work.view)),
        (panel.work.stop.click, lambda: is_free(panel)),
    )
    assert "Stopped." in texts(panel.work.view)
    assert ("multi_year_summary", None) not in stopped.checklist.done
    assert [button.description for button in panel.work.offer.children] == ["Go on to here"]
    run(stopped, quiet)
    assert stopped.manifest["status"] == "success"


def test_validate_runs_every_check_again_and_says_what_does_not_hold(tmp_path: Path, finished_run: Run) -> None:
    copy = whole_copy(finished_run, tmp_path)
    key = ("workforce_snapshot", 2025)
    assert carry_out(order(VALIDATE, copy, key, {}), quiet)["said"].endswith("ran again: all hold.")
    (copy.folder / copy.manifest["steps"][3]["notebook"]).write_text("{}", encoding="utf-8")
    assert "workforce_requirements" in carry_out(order(VALIDATE, copy, key, {}), quiet)["said"]


def test_an_unfinished_run_is_validated_as_far_as_it_is(tmp_path: Path, small_census: Path) -> None:
    stopped = started_run(Project(tmp_path), small_census, tmp_path / "runs")
    run(stopped, quiet, until=("workforce_baseline", 2025))
    said = carry_out(order(VALIDATE, stopped, ("workforce_baseline", 2025), {}), quiet)["said"]
    assert said.endswith("ran again: all hold.")


def test_a_running_run_is_read_from_what_it_published(tmp_path: Path, finished_run: Run) -> None:
    running = whole_copy(finished_run, tmp_path)
    step = open_step("validation_metrics", str(running.folder), 2025)
    running.update(status="running")
    assert len(step.metrics()) == 1
    step.check()


def test_another_year_in_the_panel_moves_the_notebook_there(finished_run: Run) -> None:
    panel = Panel(open_step("workforce_requirements", str(finished_run.folder), 2025))
    choices(panel)["year"].value = 2026
    assert panel.step.key == ("workforce_requirements", 2026)
    assert "year_completion 2026" in texts(panel.view)


def test_a_run_that_is_gone_or_damaged_is_no_choice(tmp_path: Path, finished_run: Run) -> None:
    opened = whole_copy(finished_run, tmp_path)
    gone, damaged, whole = (copy_of(finished_run, tmp_path, f"2030010{n}-000000-aaaaaaaa") for n in (1, 2, 3))
    assert len(opened.ledger.runs()) == 4
    shutil.rmtree(gone)
    (damaged / "manifest.json").write_text("{")
    panel = Panel(open_step("workforce_requirements", str(opened.folder), 2026))
    assert choices(panel)["run_dir"].options == (opened.folder.name, whole.name)


def test_a_run_that_goes_while_the_panel_is_open_is_said_and_the_panel_stays(tmp_path: Path, finished_run: Run) -> None:
    opened = whole_copy(finished_run, tmp_path)
    gone = copy_of(finished_run, tmp_path)
    panel = Panel(open_step("workforce_requirements", str(opened.folder), 2026))
    shutil.rmtree(gone)
    choices(panel)["run_dir"].value = gone.name
    assert f"The folder of run {gone.name} is gone" in texts(panel.view)
    assert choices(panel)["run_dir"].value == panel.step.run.folder.name == opened.folder.name
    assert choices(panel)["run_dir"].options == (opened.folder.name,)

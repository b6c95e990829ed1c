"""The control panel, in JupyterLab and under the runner."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import ipywidgets as widgets
import pytest

from planwise_nb.core.errors import ChecklistError
from planwise_nb.core.project import Project
from planwise_nb.core.runner import run
from planwise_nb.core.runs import Run
from planwise_nb.workforce import panel
from planwise_nb.workforce.step import open_step
from tests.simulation import Simulation
from tests.test_run import started_run


def fields(box: widgets.VBox) -> dict[str, widgets.BoundedFloatText]:
    return {child.description: child for child in box.children if isinstance(child, widgets.BoundedFloatText)}


def test_the_panel_offers_the_levers_of_its_step_with_range_and_unit(finished_run: Run) -> None:
    step = open_step("workforce_requirements", str(finished_run.folder), 2026)
    offered = fields(panel._live_panel(step))
    assert set(offered) == {"total_termination_rate", "new_hire_termination_rate", "target_growth_rate"}
    growth = offered["target_growth_rate"]
    assert (growth.value, growth.min, growth.max) == (0.03, -1, 2)


def test_the_panel_says_what_each_parameter_means(finished_run: Run) -> None:
    step = open_step("event_generation", str(finished_run.folder), 2025)
    box = panel._live_panel(step)
    choices = [child for child in box.children if isinstance(child, widgets.Dropdown)]
    assert [(choice.description, choice.tooltip) for choice in choices] == [
        ("run_dir", "the run to work in; empty: the latest"),
        ("year", "the year to simulate"),
        ("scenario", "whose people are shown; empty: the run's first"),
    ]
    assert "year_completion 2025" in " ".join(child.value for child in box.children if isinstance(child, widgets.HTML))
    assert "cola_rate, level 3" in fields(box)


def test_a_changed_lever_runs_in_a_child_and_leaves_the_finished_run_as_it_was(finished_run: Run) -> None:
    before = Simulation(finished_run.folder).digest("fct_yearly_events")
    said: list[str] = []
    changes = {("target_growth_rate", None): Decimal("0.5")}
    child = panel.run_from_panel(finished_run, ("workforce_requirements", 2025), changes, said.append)
    assert child is not None, said
    assert child.manifest["parent_run_id"] == finished_run.folder.name
    grown = Simulation(child.folder)
    assert grown.value("select target_headcount - round(opening_headcount * 1.5) from int_workforce_requirements") == 0
    source = "select parameter_source from int_effective_parameters where parameter_name = 'target_growth_rate'"
    assert grown.value(source) == "panel"
    assert Simulation(finished_run.folder).digest("fct_yearly_events") == before


def test_a_done_step_runs_again_in_a_child_that_ends_there(finished_run: Run) -> None:
    child = panel.run_from_panel(finished_run, ("year_completion", 2025), {}, lambda text: None)
    assert child is not None
    assert [record["step"] for record in child.manifest["steps"]][-1] == "year_completion"
    assert Simulation(child.folder).value("select max(simulation_year) from fct_yearly_events") == 2025
    assert not (child.folder / "export/fct_yearly_events/2026.parquet").exists()


def test_the_button_runs_the_next_step_of_an_unfinished_run(tmp_path: Path, small_census: Path) -> None:
    stopped = started_run(Project(tmp_path), small_census, tmp_path / "runs")
    run(stopped, lambda message: None, until=("pre_simulation", None))
    step = open_step("year_transition", str(stopped.folder), 2025)
    box = panel._live_panel(step)
    next(child for child in box.children if isinstance(child, widgets.Button)).click()
    assert ("year_transition", 2025) in step.checklist.done
    with pytest.raises(ChecklistError, match=r"workforce_baseline 2025 of run .* has not run yet"):
        open_step("workforce_baseline", str(stopped.folder), 2025).build()


def test_a_running_run_is_read_from_what_it_published(tmp_path: Path, finished_run: Run) -> None:
    step = open_step("validation_metrics", str(finished_run.folder), 2025)
    finished_run.update(status="running")
    try:
        assert len(step.metrics()) == 1
        step.check()
    finally:
        finished_run.update(status="success")


def test_another_year_in_the_panel_moves_the_notebook_there(finished_run: Run) -> None:
    step = open_step("workforce_requirements", str(finished_run.folder), 2025)
    box = panel._live_panel(step)
    next(child for child in box.children if getattr(child, "description", "") == "year").value = 2026
    assert step.key == ("workforce_requirements", 2026)
    assert "year_completion 2026" in " ".join(child.value for child in box.children if isinstance(child, widgets.HTML))

"""Looking into a run: one line each for census, workforce, years and models; the landing notebook; ``%%sql``."""

from __future__ import annotations

from pathlib import Path

import pytest
from IPython.core.completer import CompletionContext
from IPython.core.interactiveshell import InteractiveShell

from planwise_nb.core.errors import ChecklistError, InputError
from planwise_nb.core.location import OUT_VARIABLE, PROJECT_VARIABLE
from planwise_nb.core.runs import Run
from planwise_nb.workforce import inspect, landing, sql_magic
from planwise_nb.workforce.model_trial import try_model
from planwise_nb.workforce.step import open_step
from tests.run_copies import cut, whole_copy
from tests.simulation import Simulation

Shown = pytest.CaptureFixture[str]


def test_the_census_is_counted_and_every_column_says_how_far_it_is_filled(finished_run: Run, capsys: Shown) -> None:
    inspect.census(open_step("pre_simulation", str(finished_run.folder)))
    said = capsys.readouterr().out
    assert "employee_ssn" in said and "employee_gross_compensation" in said
    people = [line.split()[1] for line in said.splitlines() if line.startswith(("active", "left"))]
    assert sum(int(count) for count in people if count.isdigit()) == 60


def test_the_workforce_of_a_year_adds_up_to_its_closing_headcount(finished_run: Run, capsys: Shown) -> None:
    inspect.workforce(open_step("workforce_snapshot", str(finished_run.folder), 2025))
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    active = sum(int(row[1]) for row in rows if row and row[0] in {"continuous_active", "new_hire_active"})
    closing = "select closing_headcount from fct_year_metrics where simulation_year = 2025"
    assert active == Simulation(finished_run.folder).value(closing)


def test_the_workforce_of_a_year_that_is_not_complete_is_refused(tmp_path: Path, finished_run: Run) -> None:
    stopped = cut(whole_copy(finished_run, tmp_path), 6)
    with pytest.raises(ChecklistError, match="workforce of 2025 cannot be inspected: year_completion is not done"):
        inspect.workforce(open_step("workforce_snapshot", str(stopped.folder), 2025))


def test_the_years_of_a_run_stand_side_by_side(finished_run: Run, capsys: Shown) -> None:
    inspect.years(finished_run)
    said = capsys.readouterr().out
    assert f"Years of run {finished_run.folder.name}" in said
    assert [line.split()[1] for line in said.splitlines() if line.startswith("baseline")] == ["2025", "2026"]


def test_a_model_is_built_in_a_copy_and_the_run_stays_as_it_was(finished_run: Run) -> None:
    before = Simulation(finished_run.folder).digest("int_hires")
    tried = try_model(finished_run, "int_hires", 2026)
    assert "int_workforce_requirements" in tried.sql and "{{" not in tried.sql
    assert tried.counts.to_dict("records")[0] | {"gone": 0, "new": 0} == tried.counts.to_dict("records")[0]
    assert set(tried.tests["outcome"]) == {"holds"} and "employee_ssn" not in tried.rows["after"]
    assert Simulation(finished_run.folder).digest("int_hires") == before


def test_a_changed_model_shows_the_rows_that_went_and_came(tmp_path: Path, finished_run: Run) -> None:
    copy = whole_copy(finished_run, tmp_path)
    model = copy.folder / "project/dbt/models/intermediate/int_workforce_requirements.sql"
    model.write_text(model.read_text() + "\nwhere simulation_year < 2026", encoding="utf-8")
    counts = try_model(copy, "int_workforce_requirements", 2026).counts.to_dict("records")[0]
    assert counts == {"before": 1, "after": 0, "gone": 1, "new": 0}


def test_a_model_that_is_none_is_refused_with_the_nearest(finished_run: Run) -> None:
    with pytest.raises(InputError, match=r"has no model int_hirs\.\nDid you mean int_hires\?"):
        try_model(finished_run, "int_hirs", 2025)
    with pytest.raises(InputError, match=r"int_hand_off makes no table.*\n.*int_baseline_workforce"):
        try_model(finished_run, "int_hand_off", 2025)


def test_the_landing_notebook_says_how_to_make_the_first_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OUT_VARIABLE, str(tmp_path))
    assert "No run yet" in repr(landing.runs()) and "No run yet" in landing.checklist().value
    assert "planwise run baseline" in landing.next_steps().data
    with pytest.raises(InputError, match=r"There is no run yet in .*\nMake the first one: planwise run"):
        open_step("workforce_requirements")


def test_the_landing_notebook_says_whose_the_notebooks_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OUT_VARIABLE, str(tmp_path))
    monkeypatch.setenv(PROJECT_VARIABLE, str(tmp_path))
    assert "planwise init my_plan" in landing.next_steps().data
    (tmp_path / "notebooks").mkdir()
    assert "planwise init" not in landing.next_steps().data


def test_the_landing_notebook_says_how_a_stopped_run_goes_on(
    tmp_path: Path, finished_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = cut(whole_copy(finished_run, tmp_path), 4)
    monkeypatch.setenv(OUT_VARIABLE, str(tmp_path))
    said = landing.next_steps().data
    assert "stopped" in repr(landing.runs())
    assert f"planwise run --resume {stopped.folder.name}" in said
    assert 'href="workforce/04_event_generation.ipynb"' in said
    assert "year_completion 2026" in landing.checklist().value


def test_sql_cells_complete_tables_columns_and_keywords(finished_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    shell = InteractiveShell()
    monkeypatch.setattr(sql_magic, "get_ipython", lambda: shell)
    open_step("workforce_requirements", str(finished_run.folder), 2025).look()

    def completed(token: str, cell: str = "%%sql\n") -> list[str]:
        text = cell + token
        context = CompletionContext(token, text, len(token), text.count("\n"), None)
        return [found.text for found in sql_magic.complete(context)["completions"]]

    assert completed("int_workforce_req") == ["int_workforce_requirements", "int_workforce_requirements_checks"]
    assert completed("int_hires.age") == ["int_hires.age"]
    assert completed("sel") == ["select"] and completed("sel", cell="x = ") == []

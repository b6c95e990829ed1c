"""``planwise compare`` from command line to exit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from planwise_nb.apps.cli import app
from planwise_nb.core.runs import Run
from tests.simulation import Simulation

PAYROLL = {"volume", "level_mix", "rate", "hires", "exits", "promotion", "merit_and_cola"}


def compare(*words: object) -> Any:
    return CliRunner().invoke(app, ["compare", *map(str, words)])


@pytest.fixture(scope="module")
def written(finished_run: Run, small_census: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A run against a scenario simulated now, written to a folder."""
    target = tmp_path_factory.mktemp("compared") / "pages"
    simulated = ("--census", small_census, "--years", "2025-2026")
    out = ("--out", finished_run.folder.parents[1], "--json", "--to", target)
    return target, compare(finished_run.folder.name, "lean", *simulated, *out)


def test_a_run_and_a_scenario_are_compared_as_promised(written: tuple[Path, Any], finished_run: Run) -> None:
    done = json.loads(written[1].stdout)
    assert (written[1].exit_code, done["status"], done["years"]) == (0, "done", [2025, 2026])
    assert [side["run_id"] for side in done["compared"]] == [finished_run.folder.name, None]
    payroll, headcount = done["bridges"]["payroll"], done["bridges"]["headcount"]
    assert set(payroll["parts"]) == PAYROLL
    assert payroll["residual"] == headcount["residual"] == 0
    assert round(payroll["from"] + sum(payroll["parts"].values()), 2) == payroll["to"]
    assert headcount["from"] + sum(headcount["parts"].values()) == headcount["to"]
    query = "select payroll::double, closing_headcount from fct_year_metrics where simulation_year = 2026"
    assert Simulation(finished_run.folder).rows(query) == [(payroll["from"], headcount["from"])]
    assert len(done["bridges"]["all"]["payroll"]) == 4


def test_page_and_workbook_are_written_only_where_asked(written: tuple[Path, Any]) -> None:
    target, done = written
    files = [target / "comparison.html", target / "comparison.xlsx"]
    assert sorted(target.iterdir()) == files
    assert json.loads(done.stdout)["files"] == [str(file.resolve()) for file in files]
    refused = compare("baseline", "lean", "--to", target)
    assert (refused.exit_code, "is not empty" in refused.stderr) == (2, True)


def test_folders_of_runs_are_compared_in_words(finished_run: Run, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    done = compare(finished_run.folder, finished_run.folder)
    assert done.exit_code == 0
    for words in ("No lever differs", "Metrics by year", "Payroll: from baseline", "Unexplained", "The same"):
        assert words in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_years_that_nobody_shares_are_refused(finished_run: Run, small_census: Path) -> None:
    later = ("--census", small_census, "--years", "2028-2028", "--census-date", "2024-12-31", "--json")
    refused = compare(finished_run.folder, "baseline", *later)
    assert (refused.exit_code, json.loads(refused.stdout)["status"]) == (2, "refused")
    assert "no year in common" in refused.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["baseline"], "One run or scenario is nothing to compare"),
        (["baseline", "no_such"], "no_such"),
        (["", "lean"], "one is empty"),
        (["baseline", "20250101-000000-01234567"], "There is no run '20250101-000000-01234567'"),
        (["baseline", "baseline"], "baseline is given twice"),
        (["baseline", "lean", "--years", "2025"], "not a range of years"),
    ],
)
def test_what_cannot_be_compared_is_refused(words: list[str], said: str, tmp_path: Path) -> None:
    refused = compare(*words, "--out", tmp_path)
    assert refused.exit_code == 2
    assert said in refused.stderr


def test_options_of_a_simulation_are_refused_where_there_is_none(finished_run: Run) -> None:
    refused = compare(finished_run.folder, finished_run.folder, "--seed", "7")
    assert refused.exit_code == 2
    assert "Only runs are compared" in refused.stderr

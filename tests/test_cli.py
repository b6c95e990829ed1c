"""The command line, as a person and as another tool calls it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from planwise_nb.core.runs import Run
from tests.run_copies import copy_of, whole_copy, withdraw


def planwise(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from planwise_nb.apps.cli import main; main()", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def test_a_bad_census_is_refused_with_all_rules_and_nothing_written(tmp_path: Path) -> None:
    (tmp_path / "census.csv").write_text(
        "employee_id,employee_ssn,employee_birth_date,employee_hire_date,employee_termination_date,"
        "employee_gross_compensation,active\n"
        "E1,123-45-6789,1980-01-01,2030-01-01,,50000,true\nE1,123-45-6780,1980-01-01,2020-01-01,,-5,true\n"
    )
    done = planwise("run", "--census", "census.csv", "--json", cwd=tmp_path)
    said = json.loads(done.stdout)
    assert (done.returncode, said["status"]) == (2, "refused")
    assert {error["rule"] for error in said["errors"]} == {"duplicate_id", "hired_after_census", "pay_not_positive"}
    assert "line 2" in done.stderr
    assert not (tmp_path / "outputs").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "no_such"], "no_such"),
        (["run", "--set", "workforce.total_terminaton_rate=0.1"], "total_termination_rate"),
        (["run", "--set", "workforce.total_termination_rate=7"], "from 0 to 1"),
        (["run", "--years", "2029-2025"], "end_year"),
        (["run", "--years", "soon"], "--years 2025-2029"),
        (["run", "--year", "2025", "--years", "2025-2026"], "Give one of them"),
        (["run", "--census", "nowhere.csv"], "nowhere.csv"),
        (["run", "--census-date", "yesterday"], "Write it as: 2024-12-31"),
        (["run", "--census-date", "2025-06-30"], "lies after 2024-12-31"),
        (["run", "--census-map", "../../etc/passwd"], "census mapping"),
        (["run", "--resume", "20200101-000000-00000000"], "planwise runs"),
        (["run", "--colour", "blue"], "No such option"),
        (["show", "20200101-000000-00000000"], "planwise runs"),
        (["show", "../../etc"], "planwise runs"),
        (["census", "make", "--employees", "0"], "0"),
    ],
)
def test_a_wrong_command_exits_with_two_and_says_what_to_do(tmp_path: Path, arguments: list[str], message: str) -> None:
    done = planwise(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_validate_only_checks_everything_and_runs_nothing(tmp_path: Path) -> None:
    done = planwise("run", "lean", "--validate-only", "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["status"] == "valid"
    assert list(tmp_path.iterdir()) == []


def test_show_runs_and_checklist_read_a_finished_run(finished_run: Run, tmp_path: Path) -> None:
    out = ["--out", finished_run.ledger.out, "--json"]
    shown = json.loads(planwise("show", finished_run.folder.name, *out, cwd=tmp_path).stdout)
    assert (shown["status"], [year["checks_failed"] for year in shown["years"]]) == ("success", [0, 0])
    listed = json.loads(planwise("runs", *out, cwd=tmp_path).stdout)
    assert finished_run.folder.name in {row["run_id"] for row in listed["runs"]}
    steps = json.loads(planwise("checklist", finished_run.folder.name, *out, cwd=tmp_path).stdout)["steps"]
    assert {step["state"] for step in steps} == {"done"}


def test_a_project_of_ones_own_runs_its_own_scenario_and_notebooks(tmp_path: Path) -> None:
    assert planwise("init", "mine", cwd=tmp_path).returncode == 0
    (tmp_path / "mine/params/workforce/mine.yaml").write_text(
        "extends: lean\nsimulation: {start_year: 2025, end_year: 2025}\n"
    )
    done = planwise("run", "mine", "--json", cwd=tmp_path / "mine")
    said = json.loads(done.stdout)
    assert (done.returncode, said["status"]) == (0, "success"), done.stderr
    assert Path(said["path"]).is_relative_to(tmp_path / "mine/outputs/runs/mine")
    assert (Path(said["path"]) / "export/summary.html").is_file()


def test_a_census_made_twice_is_the_same(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        assert (
            planwise("census", "make", "--employees", "50", "--seed", "3", "--out", name, cwd=tmp_path).returncode == 0
        )
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "--year", "0"], "start_year"),
        (["run", "--resume", "x", "--seed", "3", "--set", "a.b=1"], "--seed, --set cannot be given with --resume"),
        (["census", "make", "--employees", "5", "--out", "/proc/x.csv"], "/proc"),
        (["init", "/proc/mine"], "/proc"),
        (["runs", "--delete", "20200101-000000-00000000"], "There is no run"),
    ],
)
def test_a_wrong_choice_of_options_or_paths_is_refused(tmp_path: Path, arguments: list[str], message: str) -> None:
    done = planwise(*arguments, cwd=tmp_path)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert message in done.stderr


def test_a_wrong_option_is_json_too_where_json_is_asked_for(tmp_path: Path) -> None:
    done = planwise("run", "--bogus", "--json", cwd=tmp_path)
    assert (done.returncode, json.loads(done.stdout)["status"]) == (2, "refused")


def test_resuming_a_finished_run_changes_nothing(finished_run: Run, tmp_path: Path) -> None:
    before = finished_run.manifest
    done = planwise("run", "--resume", finished_run.folder.name, "--out", finished_run.ledger.out, cwd=tmp_path)
    assert done.returncode == 0
    assert finished_run.manifest == before


def test_runs_in_a_folder_with_glob_signs_and_a_damaged_registry_are_read(finished_run: Run, tmp_path: Path) -> None:
    out = tmp_path / "o[1]*"
    shutil.copytree(finished_run.folder, out / "census" / finished_run.folder.name)
    manifest = json.loads((out / "census" / finished_run.folder.name / "manifest.json").read_text())
    shutil.move(out / "census", out / manifest["subject"])
    (out / "registry.sqlite").write_text("junk " * 300)
    done = planwise("show", finished_run.folder.name, "--out", out, "--json", cwd=tmp_path)
    assert len(json.loads(done.stdout)["years"]) == 2, done.stderr
    assert planwise("runs", "--delete", finished_run.folder.name, "--out", out, cwd=tmp_path).returncode == 0
    assert not (out / manifest["subject"] / finished_run.folder.name).exists()


def test_a_reader_that_goes_early_ends_a_command_without_a_word(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-c", "from planwise_nb.apps.cli import main; main()", "runs"]
    done = subprocess.run(command, cwd=tmp_path, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


def test_a_run_that_nobody_works_on_is_shown_as_stopped_and_promises_no_table_that_is_missing(
    finished_run: Run, tmp_path: Path
) -> None:
    seeds = {f"baseline~seed={seed}": seed for seed in range(12)}
    folder = copy_of(finished_run, tmp_path, seeds=seeds, status="running", finished_at=None)
    with_years = planwise("show", folder.name, "--out", tmp_path, cwd=tmp_path).stdout
    assert f"{folder.name}  baseline  stopped in" in with_years
    assert "12 members; what each of them gives is in fct_year_metrics." in with_years
    withdraw(folder, "*/*")
    assert (
        "12 members; no year is published yet." in planwise("show", folder.name, "--out", tmp_path, cwd=tmp_path).stdout
    )


READERS = [["show"], ["export", "people.csv", "--table", "fct_workforce_snapshot"]]


@pytest.mark.parametrize("words", READERS)
def test_a_table_that_is_lost_is_not_told_by_the_rest(finished_run: Run, tmp_path: Path, words: list[str]) -> None:
    run = whole_copy(finished_run, tmp_path / "runs")
    lost = "export/fct_workforce_snapshot/2026.parquet"
    (run.folder / lost).unlink()
    command, *rest = words
    done = planwise(command, run.folder.name, *rest, "--out", "runs", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"lacks {lost}, which it has written" in done.stderr
    assert f"planwise verify {run.folder.name}" in done.stderr


@pytest.mark.parametrize("words", READERS)
def test_a_damaged_table_is_told_with_what_to_do(finished_run: Run, tmp_path: Path, words: list[str]) -> None:
    run = whole_copy(finished_run, tmp_path / "runs")
    for file in run.folder.glob("export/*/*.parquet"):
        file.write_bytes(file.read_bytes()[:100])
    command, *rest = words
    done = planwise(command, run.folder.name, *rest, "--out", "runs", cwd=tmp_path)
    assert done.returncode == 1
    assert "cannot be read" in done.stderr
    assert "planwise verify" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("shown", ["> out.txt", ">&-"])
def test_scenarios_are_listed_whatever_standard_output_is(tmp_path: Path, shown: str) -> None:
    command = f"PYTHONIOENCODING=ascii {sys.executable} -m planwise_nb.apps.cli scenarios {shown}"
    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")

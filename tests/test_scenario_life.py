"""Scenario files have a life: listed, copied, extended, compared, published and deleted, from the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from planwise_nb.apps.cli import app
from planwise_nb.core.project import Project, init, shipped
from planwise_nb.core.yaml_files import read_yaml
from planwise_nb.workforce import scenario_store
from planwise_nb.workforce.parameters import write_parameters
from planwise_nb.workforce.scenario_store import FOLDER, TABLE, open_scenario
from tests.run_copies import command

VERBS = {"copy", "extend", "diff", "delete", "publish", "unpublish"}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """An empty project folder, in which somebody works."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_AUTHOR_NAME", "A planner")
    return Project(tmp_path)


def scenarios(*words: str, code: int = 0) -> Any:
    """What ``planwise scenarios`` answers as JSON, with its exit code."""
    done = CliRunner().invoke(app, ["scenarios", *words, "--json"])
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


def refused(*words: str) -> dict[str, str]:
    """The one error with which ``planwise scenarios`` refuses."""
    [error] = scenarios(*words, code=2)["errors"]
    return dict(error)


def files(project: Project) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (project.own / FOLDER).glob("*.*") if path.suffix != ".lock"}


def test_scenarios_are_listed_with_status_base_author_and_description() -> None:
    scenarios("extend", "lean", "careful", "--description", "Slower")
    listed = {one["name"]: one for one in scenarios()["scenarios"]}
    assert list(listed) == ["baseline", "careful", "high_growth", "lean"]
    assert {one["status"] for one in listed.values() if one["is_shipped"]} == {"published"}
    mine = listed["careful"]
    assert [mine[key] for key in ("status", "extends", "author", "description")] == [
        *("draft", "lean", "A planner", "Slower")
    ]


def test_a_broken_file_is_listed_with_what_is_wrong(project: Project) -> None:
    scenarios("extend", "lean", "careful")
    (project.own / FOLDER / "careful.yaml").write_text("extends: [lean\n")
    [broken] = [one for one in scenarios()["scenarios"] if one["status"] == "unreadable"]
    assert broken["name"] == "careful" and "not valid YAML" in broken["problem"]


def test_a_copy_means_what_its_original_means(project: Project) -> None:
    scenarios("copy", "high_growth", "mine")
    written = []
    for name in ("high_growth", "mine"):
        write_parameters([open_scenario(project, name)], project.own / name)
        texts = {path.name: path.read_text() for path in (project.own / name).iterdir()}
        written.append({file: text.replace("mine", "high_growth") for file, text in texts.items()})
    assert written[0] == written[1]
    assert open_scenario(project, "mine").scenario.author == "A planner"
    assert open_scenario(project, "mine").scenario.status == "draft"


def test_a_copy_finds_the_census_of_its_original(project: Project) -> None:
    scenarios("copy", "baseline", "mine")
    assert open_scenario(project, "mine").census_file == open_scenario(project, "baseline").census_file
    assert not Path(str(read_yaml(project.own / FOLDER / "mine.yaml")["census"]["file"])).is_absolute()


def test_a_scenario_that_extends_another_says_so_and_follows_it(project: Project) -> None:
    scenarios("extend", "lean", "careful")
    assert read_yaml(project.own / FOLDER / "careful.yaml")["extends"] == "lean"
    assert open_scenario(project, "careful").chain == ("careful", "lean", "baseline")
    assert scenarios("diff", "lean", "careful")["equal"]


@pytest.mark.parametrize("verb", ["copy", "extend"])
def test_a_name_that_is_taken_or_ships_is_refused(project: Project, verb: str) -> None:
    scenarios(verb, "lean", "careful")
    before = files(project)
    assert "There is a scenario careful already" in refused(verb, "baseline", "careful")["message"]
    if verb == "copy":
        assert "cannot be copied onto itself" in refused(verb, "careful", "careful")["message"]
    assert "Scenario high_growth ships" in refused(verb, "lean", "high_growth")["message"]
    assert "there is no scenario 'leen'" in refused(verb, "leen", "other")["message"]
    assert "cannot be the name" in refused(verb, "lean", "../other")["message"]
    assert "Nobody is named" in refused(verb, "lean", "other", "--author", "")["message"]
    assert files(project) == before


def test_scenarios_differ_in_values_and_in_what_holds_by_level_and_year(project: Project) -> None:
    scenarios("extend", "baseline", "careful")
    with (project.own / FOLDER / "careful.yaml").open("a") as file:
        file.write("simulation: {target_growth_rate: 0.01}\n")
    header = (shipped() / FOLDER / TABLE).read_text().splitlines()[0]
    rows = [f"careful,{year},1,RAISE,merit_base,0.05,0,2025-01-01,finance\n" for year in (2026, 2027)]
    (project.own / FOLDER / TABLE).write_text(f"{header}\n{''.join(rows)}")
    found = scenarios("diff", "baseline", "careful")
    assert found["values"] == [{"key": "simulation.target_growth_rate", "a": "0.03", "b": "0.01"}]
    held = [(one["parameter"], one["levels"], one["years"], one["a"], one["b"]) for one in found["levers"]]
    assert held == [
        ("merit_base", [1], [2026, 2027], "0.04", "0.05"),
        ("target_growth_rate", [], [2025, 2026, 2027, 2028, 2029], "0.03", "0.01"),
    ]
    printed = CliRunner().invoke(app, ["scenarios", "diff", "baseline", "careful"]).stdout
    assert "merit_base, level 1, 2026-2027 " in printed


def test_a_published_scenario_stays_until_it_is_a_draft_again(project: Project) -> None:
    scenarios("extend", "lean", "careful")
    scenarios("publish", "careful", "--author", "Finance")
    said = read_yaml(project.own / FOLDER / "careful.yaml")
    assert (said["status"], said["author"], said["changed_by"]) == ("published", "A planner", "Finance")
    error = refused("delete", "careful", "--yes")
    assert error["fix"] == "Make it a draft again first: planwise scenarios unpublish careful"
    scenarios("unpublish", "careful")
    assert read_yaml(project.own / FOLDER / "careful.yaml")["status"] == "draft"
    scenarios("delete", "careful", "--yes")
    assert "careful.yaml" not in files(project)


def test_what_no_run_would_take_is_not_published(project: Project) -> None:
    scenarios("extend", "lean", "careful")
    with (project.own / FOLDER / "careful.yaml").open("a") as file:
        file.write("simulation: {target_growth_rate: 9}\n")
    before = files(project)
    assert "target_growth_rate" in refused("publish", "careful")["message"]
    assert files(project) == before


def test_a_published_scenario_that_no_run_takes_any_more_becomes_a_draft_again_and_goes(project: Project) -> None:
    scenarios("extend", "lean", "parent")
    scenarios("extend", "parent", "child")
    scenarios("publish", "child")
    with (project.own / FOLDER / "parent.yaml").open("a") as file:
        file.write("simulation: {target_growth_rate: 9}\n")
    assert "unpublish child" in refused("delete", "child", "--yes")["fix"]
    scenarios("unpublish", "child")
    assert read_yaml(project.own / FOLDER / "child.yaml")["status"] == "draft"
    scenarios("delete", "child", "--yes")


def test_a_baseline_of_ones_own_is_ones_own_and_the_shipped_one_lies_behind_it(project: Project) -> None:
    own = project.own / FOLDER / "baseline.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("description: Ours\nextends: baseline\nsimulation: {target_growth_rate: 0.01}\n")
    scenarios("publish", "baseline")
    assert read_yaml(own)["status"] == "published"
    scenarios("unpublish", "baseline")
    assert {one["name"]: one["is_shipped"] for one in scenarios()["scenarios"]} == {
        "baseline": False, "high_growth": True, "lean": True
    }  # fmt: skip
    scenarios("delete", "baseline", "--yes")
    assert open_scenario(project, "baseline").scenario.status == "published"


def test_a_path_is_not_taken_for_the_name_of_a_scenario(project: Project) -> None:
    elsewhere = project.own / "elsewhere" / "lean.yaml"
    elsewhere.parent.mkdir()
    elsewhere.write_text("extends: baseline\n")
    for words in (("extend", str(elsewhere), "mine"), ("copy", "elsewhere/lean.yaml", "mine"),
                  ("diff", "elsewhere/lean.yaml", "lean"), ("publish", "elsewhere/lean.yaml")):  # fmt: skip
        error = refused(*words)
        assert "not the name of a scenario" in error["message"] and "planwise scenarios" in error["fix"]
    assert files(project) == {}


@pytest.mark.parametrize("name", ["con", "nul", "com1", "lpt9"])
def test_a_name_that_windows_keeps_for_a_device_is_refused(name: str) -> None:
    assert "cannot be the name" in refused("extend", "lean", name)["message"]


def test_whoever_writes_is_named_and_not_waited_for_for_ever(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenario_store, "PATIENCE", 0.1)
    with scenario_store.locked(project):
        [error] = scenarios("extend", "lean", "careful", code=1)["errors"]
    assert "Scenarios in " in error["message"] and f"(process {os.getpid()}, since " in error["message"]
    assert error["fix"] == "Try again when it is done, or end that process."
    scenarios("extend", "lean", "careful")


def test_a_scenario_goes_with_its_levers_and_leaves_those_of_others(tmp_path: Path) -> None:
    init(tmp_path / "plan")
    project = Project(tmp_path / "plan")
    before = files(project)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.own)
        scenarios("copy", "high_growth", "mine")
        assert b"\nmine,2025," in files(project)[TABLE]
        scenarios("delete", "mine", "--yes")
    assert files(project) == before


def test_deleting_asks_first_and_is_refused_where_nobody_can_be_asked(project: Project) -> None:
    scenarios("extend", "lean", "careful")
    error = refused("delete", "careful")
    assert error["message"] == "Nobody can be asked whether to delete scenario careful."
    assert error["fix"].endswith("planwise scenarios delete careful --yes")
    assert "careful.yaml" in files(project)


@pytest.mark.parametrize(("answer", "code", "stays"), [("n", 1, True), ("y", 0, False)])
def test_whoever_is_asked_decides(project: Project, answer: str, code: int, stays: bool) -> None:
    scenarios("extend", "lean", "careful")
    keyboard, terminal = os.openpty()
    os.write(keyboard, f"{answer}\n".encode())
    command = [sys.executable, "-m", "planwise_nb.apps.cli", "scenarios", "delete", "careful", "--json"]
    done = subprocess.run(command, stdin=terminal, capture_output=True, text=True, check=False)
    for end in (keyboard, terminal):
        os.close(end)
    assert "Delete scenario careful, params/workforce/careful.yaml and its levers? [y/N]" in done.stderr
    assert (done.returncode, json.loads(done.stdout)["status"]) == (code, "failed" if stays else "done")
    assert ("careful.yaml" in files(project)) == stays


def test_what_ships_or_is_extended_is_not_deleted(project: Project) -> None:
    for base, name in (("lean", "careful"), ("careful", "bold"), ("careful", "bolder")):
        scenarios("extend", base, name)
    assert refused("delete", "careful", "--yes")["message"] == "Scenario careful is extended by bold, bolder."
    for words in (("delete", "lean", "--yes"), ("unpublish", "lean"), ("publish", "lean")):
        error = refused(*words)
        assert error["message"] == "Scenario lean ships with PlanWise and stays as it is."
        assert error["fix"].endswith("planwise scenarios copy lean NAME")
    assert "there is no scenario" in refused("delete", "nobody", "--yes")["message"]
    assert "not the name of a scenario" in refused("delete", "../careful", "--yes")["message"]


def test_every_verb_is_told_in_the_help() -> None:
    told = CliRunner().invoke(app, ["scenarios", "--help"]).stdout
    assert set(told.split()) >= VERBS


def test_scenarios_are_listed_with_and_without_the_word() -> None:
    assert command("scenarios", "list") == command("scenarios")
    assert command("scenarios", "list")[0] == 0

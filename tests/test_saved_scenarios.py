"""Drafts of scenarios, as people type them and as they are saved."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from planwise_nb.core.errors import InputError
from planwise_nb.core.project import Project, init, shipped
from planwise_nb.core.yaml_files import read_yaml
from planwise_nb.workforce.drafts import Draft, all_parameters
from planwise_nb.workforce.levers import LEVERS
from planwise_nb.workforce.outlook import planned_parameters
from planwise_nb.workforce.parameters import write_parameters
from planwise_nb.workforce.saved_scenarios import Save, save_scenario
from planwise_nb.workforce.scenario_files import read_scenario
from planwise_nb.workforce.scenario_life import delete_scenario, set_status
from planwise_nb.workforce.scenario_store import FOLDER, TABLE, open_scenario

MERIT, GROWTH = ("merit_base", 2026, 1), ("target_growth_rate", None, None)
CHANGES = {MERIT: Decimal("0.065"), GROWTH: Decimal("0.01")}


def draft_of(project: Project, name: str = "high_growth", **changes: Decimal) -> Draft:
    return Draft(read_scenario(name, project.folders("params/workforce")).resolve(), changes or CHANGES)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.suffix != ".lock"
            and path.is_file()}  # fmt: skip


def test_every_lever_is_offered_with_the_range_of_its_scenario_key() -> None:
    offered = {parameter.name: parameter for parameter in all_parameters()}
    assert {name for name, parameter in offered.items() if parameter.is_lever} == set(LEVERS)
    assert all(offered[name].schema == lever.schema for name, lever in LEVERS.items())


@pytest.mark.parametrize(("typed", "value"), [("2.5", "0.025"), ("2.5 %", "0.025"), (".5", "0.005"), ("50", "0.5")])
def test_a_rate_is_typed_in_percent(typed: str, value: str) -> None:
    merit = next(parameter for parameter in all_parameters() if parameter.name == "merit_base")
    assert merit.meant(typed) == Decimal(value)
    assert merit.meant(merit.shown(Decimal(value))) == Decimal(value)


def test_a_percent_sign_divides_by_a_hundred_for_factors_too() -> None:
    factor = next(one for one in all_parameters() if one.name == "new_hire_salary_adjustment")
    assert (factor.meant("90%"), factor.meant("0.9"), factor.meant(".9")) == (Decimal("0.9"),) * 3
    with pytest.raises(ValueError, match=r"must be a number from 0\.1 to 5"):
        factor.meant("2%")


@pytest.mark.parametrize("typed", ["", "much", "-1", "50.1", "2.50001", "1e9", "nan", "=1+1", "٢"])
def test_what_is_no_rate_in_range_says_what_is_allowed(typed: str) -> None:
    merit = next(parameter for parameter in all_parameters() if parameter.name == "merit_base")
    with pytest.raises(ValueError, match="from 0 to 50 with at most 4 decimals"):
        merit.meant(typed)


def test_a_saved_scenario_means_what_was_drafted(project: Project) -> None:
    draft = draft_of(project)
    path = save_scenario(project, draft, Save(name="careful", author="A planner", description="Slower"))
    assert path == project.own / "params/workforce/careful.yaml"
    said = read_yaml(path)
    assert (said["extends"], said["author"], said["description"]) == ("high_growth", "A planner", "Slower")
    assert said["created_at"].tzinfo is not None
    saved = read_scenario("careful", project.folders("params/workforce")).resolve()
    columns = ["simulation_year", "level_id", "parameter_name", "parameter_value"]
    drafted, kept = planned_parameters([draft.member()])[columns], planned_parameters([saved])[columns]
    assert drafted.equals(kept)


def test_who_saved_a_scenario_and_when_is_no_part_of_its_results(project: Project, tmp_path: Path) -> None:
    written = []
    for author in ("A planner", "Another one"):
        save_scenario(project, draft_of(project), Save(name="careful", author=author, may_replace=True))
        folder = tmp_path / author
        write_parameters([read_scenario("careful", project.folders("params/workforce")).resolve()], folder)
        written.append(tree(folder))
    assert written[0] == written[1]


def test_a_name_that_is_taken_is_refused_until_one_agrees(project: Project) -> None:
    save_scenario(project, draft_of(project), Save(name="careful", author="A planner"))
    before = tree(project.own)
    with pytest.raises(InputError, match="There is a scenario careful already"):
        save_scenario(project, draft_of(project, "lean"), Save(name="careful", author="Another one"))
    assert tree(project.own) == before
    save_scenario(project, draft_of(project, "lean"), Save(name="careful", author="Another one", may_replace=True))
    assert read_yaml(project.own / FOLDER / "careful.yaml")["extends"] == "lean"


def test_a_scenario_with_locked_levers_is_not_replaced_by_another(project: Project) -> None:
    save_scenario(project, draft_of(project), Save(name="careful", author="A planner"))
    table = project.own / FOLDER / "comp_levers.csv"
    table.write_text(table.read_text() + "careful,2026,5,RAISE,merit_base,0.02,TRUE,2026-01-01,finance\n")
    before = tree(project.own)
    other = Save(name="careful", author="Another one", may_replace=True)
    with pytest.raises(InputError, match="careful has locked levers, which replacing it would take away"):
        save_scenario(project, draft_of(project, "lean"), other)
    assert tree(project.own) == before
    save_scenario(project, draft_of(project, "careful"), other)
    assert "finance" in table.read_text()


def test_saving_ones_own_scenario_again_keeps_what_else_it_states(project: Project) -> None:
    save_scenario(project, draft_of(project), Save(name="careful", author="A planner", description="Slower"))
    draft = Draft(draft_of(project, "careful").base, {("cola_rate", 2027, 2): Decimal("0.01")})
    save_scenario(project, draft, Save(name="careful", author="Another one", may_replace=True))
    said = read_yaml(project.own / FOLDER / "careful.yaml")
    assert (said["extends"], said["description"]) == ("high_growth", "Slower")
    assert said["simulation"] == {"target_growth_rate": Decimal("0.01")}
    lines = (project.own / FOLDER / TABLE).read_text().splitlines()[1:]
    assert sorted(line.split(",")[4] for line in lines) == ["cola_rate", "merit_base"]


def test_who_made_a_scenario_first_and_when_stays_beside_who_replaced_it(project: Project) -> None:
    save_scenario(project, draft_of(project), Save(name="careful", author="A planner"))
    first = read_yaml(project.own / FOLDER / "careful.yaml")
    assert "changed_by" not in first
    for base in ("careful", "lean"):
        save_scenario(project, draft_of(project, base), Save(name="careful", author="Another", may_replace=True))
        said = read_yaml(project.own / FOLDER / "careful.yaml")
        assert (said["author"], said["created_at"]) == ("A planner", first["created_at"])
        assert said["changed_by"] == "Another" and said["changed_at"] >= first["created_at"]


def test_a_published_scenario_is_not_replaced(project: Project) -> None:
    save_scenario(project, draft_of(project), Save(name="careful", author="A planner"))
    set_status(project, "careful", "published", "A planner")
    before = tree(project.own)
    for base in ("careful", "lean"):
        with pytest.raises(InputError, match="Scenario careful is published and stays as it is") as refused:
            save_scenario(project, draft_of(project, base), Save(name="careful", author="Another", may_replace=True))
        assert refused.value.fix.endswith("planwise scenarios unpublish careful")
    assert tree(project.own) == before


BY_HAND = """\
# agreed with finance in May
description: Slower  # than last year
extends: lean

simulation:
  # the board's figure
  target_growth_rate: 0.02
"""


def test_saving_keeps_comments_and_layout_of_a_file_written_by_hand(project: Project) -> None:
    path = project.own / FOLDER / "careful.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(BY_HAND)
    save_scenario(project, draft_of(project, "careful"), Save(name="careful", author="A planner", may_replace=True))
    stamp, expected = path.read_text().splitlines(), BY_HAND.replace("0.02", "0.01").splitlines()
    assert [line for line in stamp if not line.startswith("changed_")] == expected
    assert read_yaml(path)["changed_by"] == "A planner"


LADDER = "".join(
    f"  - {{level_id: {n}, name: Grade {n}, min_compensation: {n}0000, max_compensation: {n}9000}}\n"
    for n in range(1, 8)
)


def test_a_draft_of_levels_that_only_the_census_mapping_has_is_saved(project: Project) -> None:
    for folder in ("params/workforce", "params/census_maps"):
        (project.own / folder).mkdir(parents=True)
    (project.own / "params/census_maps/grades.yaml").write_text(f"job_levels:\n{LADDER}")
    (project.own / FOLDER / "graded.yaml").write_text("extends: baseline\ncensus: {map: grades}\n")
    graded = open_scenario(project, "graded")
    assert [level.name for level in graded.tables.job_levels] == [f"Grade {n}" for n in range(1, 8)]
    draft = Draft(graded, {("merit_base", 2026, 7): Decimal("0.065")})
    save_scenario(project, draft, Save(name="careful", author="A planner"))
    assert {layer.job_level for layer in open_scenario(project, "careful").layers} == {None, 7}
    wrong = Draft(graded, {("merit_base", 2026, 8): Decimal("0.065")})
    with pytest.raises(InputError, match="level 8 does not exist, levels are 1 to 7"):
        save_scenario(project, wrong, Save(name="other", author="A planner"))


def test_the_levers_of_other_scenarios_stay_as_they_are(tmp_path: Path) -> None:
    project = Project(tmp_path)
    (tmp_path / FOLDER).mkdir(parents=True)
    (tmp_path / FOLDER / TABLE).write_bytes((shipped() / FOLDER / TABLE).read_bytes())
    before = (shipped() / FOLDER / TABLE).read_text()
    save_scenario(project, draft_of(project), Save(name="careful", author="A planner"))
    now = (tmp_path / FOLDER / TABLE).read_text()
    assert now.startswith(before)
    assert now.count("\n") == before.count("\n") + 1


@pytest.mark.parametrize("name", ["baseline", "high_growth", "lean"])
def test_a_scenario_that_ships_is_never_changed_wherever_its_copy_lies(tmp_path: Path, name: str) -> None:
    init(tmp_path / "plan")
    for folder in (shipped(), tmp_path / "plan"):
        before = tree(folder / "params")
        with pytest.raises(InputError, match=f"Scenario {name} ships with PlanWise") as refused:
            save_scenario(Project(folder), draft_of(Project(folder)), Save(name=name, author="A", may_replace=True))
        assert refused.value.fix == "Choose another name."
        assert tree(folder / "params") == before


def test_what_somebody_else_saved_since_is_not_lost(project: Project) -> None:
    save_scenario(project, draft_of(project), Save(name="careful", author="A planner"))
    mine, theirs = (draft_of(project, "careful") for _ in range(2))
    again = Save(name="careful", author="Another one", may_replace=True)
    save_scenario(project, Draft(theirs.base, {("cola_rate", 2027, 2): Decimal("0.01")}), again)
    before = tree(project.own)
    with pytest.raises(InputError, match="Scenario careful was changed since you opened it"):
        save_scenario(project, Draft(mine.base, {("cola_rate", 2027, 3): Decimal("0.02")}), again)
    assert tree(project.own) == before


def test_a_scenario_that_was_deleted_since_it_was_opened_is_told_as_that(project: Project) -> None:
    save_scenario(project, draft_of(project), Save(name="careful", author="A planner"))
    mine = draft_of(project, "careful")
    delete_scenario(project, "careful")
    before = tree(project.own)
    for name in ("careful", "other"):
        with pytest.raises(InputError, match="Scenario careful was deleted since you opened it") as refused:
            save_scenario(project, mine, Save(name=name, author="A planner", may_replace=True))
        assert refused.value.fix.endswith("or open another scenario and make your changes there.")
    assert tree(project.own) == before


def test_rows_written_by_hand_are_replaced_however_they_are_spaced_and_spelt(project: Project) -> None:
    save_scenario(project, draft_of(project), Save(name="careful", author="A planner"))
    table = project.own / FOLDER / TABLE
    row = " careful , 02026, 01 ,RAISE, Merit_Base ,0.02,0,2024-12-01,by hand\n"
    table.write_text(table.read_text().splitlines(keepends=True)[0] + row)
    for base in ("careful", "lean"):
        save_scenario(project, draft_of(project, base), Save(name="careful", author="Another", may_replace=True))
        [line] = table.read_text().splitlines()[1:]
        assert line.startswith("careful,2026,1,RAISE,merit_base,0.065,")
        table.write_text(table.read_text().splitlines(keepends=True)[0] + row)


def test_rows_of_other_scenarios_do_not_count_as_a_change(project: Project) -> None:
    for name in ("another", "careful"):
        save_scenario(project, draft_of(project), Save(name=name, author="A planner"))
    mine = Draft(draft_of(project, "careful").base, {("cola_rate", 2027, 2): Decimal("0.01")})
    save_scenario(project, draft_of(project), Save(name="another", author="Another one", may_replace=True))
    save_scenario(project, mine, Save(name="careful", author="A planner", may_replace=True))
    assert "cola_rate" in (project.own / FOLDER / TABLE).read_text()


@pytest.mark.parametrize(
    ("added", "message"),
    [(b"lean,2026,1,RAISE,merit_base,0.02,0,2024-12-01,a,b\n", "has not 9 cells"), (b"lean,\xe9\n", "is not UTF-8")],
)
def test_a_table_of_levers_that_cannot_be_read_is_refused(project: Project, added: bytes, message: str) -> None:
    save_scenario(project, draft_of(project), Save(name="careful", author="A planner"))
    draft, table = draft_of(project), project.own / FOLDER / TABLE
    table.write_bytes(table.read_bytes() + added)
    with pytest.raises(InputError, match=message):
        save_scenario(project, draft, Save(name="other", author="A planner"))


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (Save(name="../evil", author="A planner"), "cannot be the name of a scenario"),
        (Save(name="Big Plan", author="A planner"), "cannot be the name of a scenario"),
        (Save(name="--help", author="A planner"), "cannot be the name of a scenario"),
        (Save(name="fine", author=""), "Nobody is named"),
        (Save(name="fine", author=" "), "Nobody is named"),
        (Save(name="fine", author="=HYPERLINK(1)"), "would take the author =HYPERLINK.1. for a formula"),
        (Save(name="fine", author="-Max"), "Write the name without the sign"),
        (Save(name="fine", author="A\nplanner"), "too long or cannot be printed"),
        (Save(name="fine", author="A planner", description="x" * 300), "plain text, 200 letters at most"),
    ],
)
def test_what_cannot_be_written_is_refused_before_anything_is(project: Project, said: Save, message: str) -> None:
    with pytest.raises(InputError, match=message):
        save_scenario(project, draft_of(project), said)
    assert tree(project.own) == {}


def test_a_draft_that_no_run_would_take_is_refused(project: Project) -> None:
    wrong = Draft(draft_of(project).base, {("merit_base", 2026, 99): Decimal("0.05")})
    with pytest.raises(InputError, match="level 99 does not exist"):
        save_scenario(project, wrong, Save(name="careful", author="A planner"))
    assert tree(project.own) == {}

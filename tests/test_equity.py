"""Pay gaps between groups of people: what a census says of them, what is adjusted for, and who is not told of."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from math import exp, expm1, log
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from statsmodels.formula.api import ols

from planwise_nb.core import store
from planwise_nb.core.display import svg
from planwise_nb.core.errors import InputError
from planwise_nb.core.runs import Run
from planwise_nb.workforce import equity_view as view
from planwise_nb.workforce.equity import EVERYONE, FEW, FIGURES, NOT_STATED, WITHOUT_DRAWN, Equity, equity
from planwise_nb.workforce.pay_gaps import gaps
from tests.run_copies import answer, command, copy_of, withdraw_year

Person = dict[str, Any]


def person(number: int, gender: str | None, level: int = 1, **changes: Any) -> Person:
    """A person of a year's end; pay rises with the level, the age and the tenure, and else is chance."""
    chance = random.Random(number)
    age, tenure = chance.randint(20, 60), chance.randint(0, 15)
    pay = 50_000 * exp(0.3 * (level - 1) + 0.004 * age + 0.01 * tenure + chance.gauss(0, 0.03))
    return {
        "employee_id": f"EMP_{number:06d}", "gender": gender, "level_id": level, "current_age": age,
        "current_tenure": tenure, "current_compensation": pay, "department": chance.choice(["Sales", "Finance"]),
        "is_attributes_drawn": False,
    } | changes  # fmt: skip


def company(
    counts: Mapping[tuple[str | None, int], int], change: Callable[[Person], Any] = lambda one: None
) -> list[Person]:
    """So many people of each gender on each level, every one changed by ``change``."""
    groups = [who for who, count in counts.items() for _ in range(count)]
    people = [person(number, *who) for number, who in enumerate(groups)]
    for one in people:
        change(one)
    return people


def published(finished: Run, folder: Path, people: Sequence[Person]) -> Path:
    """A copy of a finished run of which 2025 was published with these people, and no year after it."""
    copy = copy_of(finished, folder)
    withdraw_year(copy, 2026)
    table = pd.DataFrame(list(people))
    with store.connect() as connection:
        connection.register("people", table)
        file = copy / "export" / "fct_workforce_snapshot" / "2025.parquet"
        connection.read_parquet(str(file)).limit(1).create("one")
        left = ", ".join(table.columns)
        connection.execute(
            f"create table written as select one.* exclude ({left}) replace ('active' as employment_status), people.*"
            " replace (cast(people.current_compensation as decimal(18, 2)) as current_compensation,"
            " cast(people.gender as varchar) as gender, cast(people.department as varchar) as department)"
            " from one, people"
        )
        connection.table("written").write_parquet(str(file))
    return copy


@pytest.fixture
def told(finished_run: Run, tmp_path: Path) -> Callable[..., Equity]:
    """What is told of people, by an attribute."""

    def tell(people: Sequence[Person], by: str = "gender", reference: str = "") -> Equity:
        return equity([published(finished_run, tmp_path, people)], [by], reference)

    return tell


def row(found: Equity, group: str, population: str = EVERYONE) -> pd.Series:
    [one] = found.gaps[(found.gaps["group_name"] == group) & (found.gaps["population"] == population)].index
    return found.gaps.loc[one]


MEN_AND_WOMEN = {("M", 1): 120, ("M", 2): 80, ("M", 3): 60, ("F", 1): 90, ("F", 2): 50, ("F", 3): 15}


def women_paid(share: float) -> Callable[[Person], None]:
    def change(one: Person) -> None:
        one["current_compensation"] *= share if one["gender"] == "F" else 1

    return change


# what the figures mean


def test_a_census_in_which_women_are_paid_5_percent_less_at_every_level_shows_an_adjusted_gap_of_5_percent(
    told,
) -> None:
    women = row(told(company(MEN_AND_WOMEN, women_paid(0.95))), "F")
    assert women["adjusted_gap"] == pytest.approx(-0.05, abs=0.01)
    assert women["adjusted_low"] < -0.05 < women["adjusted_high"] < 0
    assert women["raw_gap"] < -0.1
    assert women["adjusted_for"] == "level, department, tenure, age"


def test_a_pay_gap_that_is_only_one_of_levels_disappears_when_adjusted(told) -> None:
    women = row(told(company({("M", 1): 40, ("M", 3): 120, ("F", 1): 120, ("F", 3): 40}), reference="M"), "F")
    assert women["raw_gap"] < -0.2 and women["raw_high"] < -0.1
    assert women["adjusted_low"] < 0 < women["adjusted_high"] and abs(women["adjusted_gap"]) < 0.02


def test_the_largest_group_is_the_reference_unless_another_is_asked_for(told) -> None:
    people = company(MEN_AND_WOMEN, women_paid(0.95))
    found = told(people)
    assert found.references == {"gender": "M"} and row(found, "M")["is_reference"]
    assert pd.isna(row(found, "M")["raw_gap"])


def test_another_reference_turns_the_gap_around(told) -> None:
    men = row(told(company(MEN_AND_WOMEN, women_paid(0.95)), reference="F"), "M")
    assert men["adjusted_gap"] == pytest.approx(1 / 0.95 - 1, abs=0.01)


def test_people_whose_attribute_was_drawn_blur_a_gap_and_are_shown_apart(told) -> None:
    drawn = [person(1000 + n, "FM"[n % 2], is_attributes_drawn=True) for n in range(200)]
    found = told([*company(MEN_AND_WOMEN, women_paid(0.9)), *drawn])
    blurred, stated = (row(found, "F", population)["adjusted_gap"] for population in (EVERYONE, WITHOUT_DRAWN))
    assert stated == pytest.approx(-0.1, abs=0.01) and blurred > stated + 0.02
    assert (row(found, "F")["people"], row(found, "F", WITHOUT_DRAWN)["people"]) == (255, 155)


def test_what_people_are_grouped_by_is_not_adjusted_for(told) -> None:
    people = company(MEN_AND_WOMEN)
    assert set(told(people, "level_id").gaps["adjusted_for"]) == {"department, tenure, age"}


def test_a_census_without_departments_is_adjusted_for_the_rest(told) -> None:
    found = told(company(MEN_AND_WOMEN, lambda one: one.update(department=None)))
    assert set(found.gaps["adjusted_for"]) == {"level, tenure, age"}


def test_a_group_that_is_a_department_cannot_be_told_apart_from_it(told) -> None:
    found = told(
        company(MEN_AND_WOMEN, lambda one: one.update(department="Sales" if one["gender"] == "F" else "Finance"))
    )
    women = row(found, "F")
    assert pd.isna(women["adjusted_gap"]) and women["raw_gap"] < 0
    assert women["note"] == "the data cannot tell the group from what is adjusted for"


# cells and people


def test_cells_give_what_the_people_give_one_by_one() -> None:
    people = pd.DataFrame(company(MEN_AND_WOMEN, women_paid(0.95))).assign(
        log_pay=lambda one: np.log(one.current_compensation)
    )
    rounded = people.assign(current_age=people["current_age"] // 10, current_tenure=people["current_tenure"] // 5)
    formula = "log_pay ~ C(gender, Treatment('M')) + C(level_id) + C(department) + current_tenure + current_age"
    fitted = ols(formula, rounded).fit(cov_type="HC1", use_t=True)
    keys = ["gender", "level_id", "department", "current_tenure", "current_age"]
    squared = rounded.assign(people=1, log_pay_squared=rounded["log_pay"] ** 2)
    cells = squared.groupby(keys, as_index=False)[["people", "log_pay", "log_pay_squared"]].sum()
    found = gaps(cells.rename(columns={"gender": "group_name"}), "M", ["level_id", "department"], keys[3:])["F"]
    wanted = fitted.params.iloc[1], *fitted.conf_int().iloc[1]
    assert len(cells) < len(people)
    assert (found.gap, found.low, found.high) == pytest.approx([expm1(value) for value in wanted], abs=1e-6)


def test_a_raw_gap_is_that_of_the_mean_logarithms() -> None:
    cells = pd.DataFrame({
        "group_name": ["M", "F"], "people": [20, 10], "log_pay": [20 * log(50_000), 10 * log(45_000)],
        "log_pay_squared": [20 * log(50_000) ** 2 + 1, 10 * log(45_000) ** 2 + 1],
    })  # fmt: skip
    found = gaps(cells, "M")["F"]
    assert found.gap == pytest.approx(-0.1) and found.low < -0.1 < found.high


def test_a_company_of_two_has_no_gap() -> None:
    cells = pd.DataFrame(
        {"group_name": ["M", "F"], "people": [1, 1], "log_pay": [11.0, 10.0], "log_pay_squared": [121.0, 100.0]}
    )
    assert np.isnan(gaps(cells, "M")["F"].gap)


# who is not told of


def test_a_group_of_nine_is_not_told_of_and_the_gap_of_the_others_is(told) -> None:
    found = told(company({("M", 1): 436, ("F", 1): 454, ("X", 1): 9}), reference="M")
    few, women, men = (row(found, group) for group in "XFM")
    assert few[["people", "average_pay", *FIGURES]].isna().all() and few["note"] == FEW
    assert women[list(FIGURES)].notna().all() and (women["note"], men["note"]) == ("", "")


def test_beside_a_few_people_amounts_are_rounded_so_that_the_few_do_not_follow(told) -> None:
    people = company({("M", 1): 436, ("F", 1): 454, ("X", 1): 5})
    found = told(people)
    shown = [row(found, group) for group in "MF"]
    assert [one["people"] for one in shown] == [435, 455] and all(one["is_rounded"] for one in shown)
    for one in shown:
        exact = np.mean([each["current_compensation"] for each in people if each["gender"] == one["group_name"]])
        assert one["average_pay"] == float(f"{exact:.3g}") != round(exact, 2)
    table = repr(view.gaps_table(next(view.slices(found))))
    assert "≈ 435" in table and "≈ marks" in " ".join(view.remarks(found))


def test_without_a_few_people_amounts_are_exact(told) -> None:
    found = told(company({("M", 1): 121, ("F", 1): 83}))
    assert [row(found, group)["people"] for group in "MF"] == [121, 83] and not found.gaps["is_rounded"].any()
    assert len(view.remarks(found)) == 1


def test_ten_people_are_told_of(told) -> None:
    found = told(company({("M", 1): 120, ("F", 1): 80, ("X", 1): 10}))
    assert row(found, "X")["people"] == 10 and not pd.isna(row(found, "X")["adjusted_gap"])


@pytest.mark.parametrize("sizes", [(9, 200), (2, 3, 50, 200), (4, 4, 4, 100), (9, 9, 9, 9)])
def test_only_groups_of_ten_people_are_told_of(told, sizes: tuple[int, ...]) -> None:
    counts: dict[tuple[str | None, int], int] = {(f"group {place}", 1): size for place, size in enumerate(sizes)}
    found = told(company(counts)).gaps
    everyone = found[found["population"] == EVERYONE].sort_values("group_name")
    assert everyone["people"].notna().tolist() == [size >= 10 for size in sizes]


def test_without_a_reference_group_to_tell_of_there_is_no_gap(told) -> None:
    found = told(company({("M", 1): 120, ("F", 1): 80, ("X", 1): 9}), reference="X")
    assert found.gaps["raw_gap"].isna().all()
    assert row(found, "M")["note"].startswith("nobody to compare with")


def test_people_who_state_nothing_are_a_group_and_never_the_reference_by_themselves(told) -> None:
    found = told(company({(None, 1): 200, ("F", 1): 30, ("M", 1): 40}))
    assert found.references == {"gender": "M"} and row(found, NOT_STATED)["people"] == 200


# what is seen


def test_the_chart_shows_both_gaps_of_each_group_by_year(told) -> None:
    [everyone, _] = view.slices(told(company(MEN_AND_WOMEN, women_paid(0.95))))
    drawn = svg(view.gaps_chart(everyone))
    assert all(text in drawn for text in ("Pay by gender against M", "Raw", "Adjusted", "2025"))


def test_a_year_in_which_a_group_is_not_told_of_keeps_its_place_in_the_chart(told) -> None:
    [first, _] = view.slices(told(company({("M", 1): 120, ("F", 1): 80, ("X", 1): 30})))
    untold = first["group_name"] == "X"
    later = first.assign(simulation_year=2026, raw_gap=first["raw_gap"].mask(untold))
    panels = view.gaps_chart(pd.concat([first, later])).to_dict()["concat"]
    years = [layer["encoding"]["x"]["scale"]["domain"] for panel in panels for layer in panel["layer"][1:]]
    assert years == [[2025, 2026]] * 4


def test_where_no_gap_is_told_the_chart_says_so(told) -> None:
    [everyone, _] = view.slices(told(company({("M", 1): 120, ("F", 1): 9})))
    assert "No gap to show" in svg(view.gaps_chart(everyone))


def test_the_table_says_what_is_not_told_and_why(told) -> None:
    [everyone, _] = view.slices(told(company({("M", 1): 120, ("F", 1): 80, ("X", 1): 9})))
    lines = repr(view.gaps_table(everyone)).splitlines()
    assert [line.split()[1:6] for line in lines if " X " in line] == [["X", "–", "–", "–", "–"]]
    assert any(line.endswith(FEW) for line in lines)


# the command


def test_the_command_answers_in_json_and_writes_a_safe_page_and_table(finished_run: Run, tmp_path: Path) -> None:
    hostile = {"F": "=cmd|'/c calc'!A1", "M": "<script>alert(1)</script>"}
    people = company(MEN_AND_WOMEN, lambda one: one.update(gender=hostile[one["gender"]]))
    run = published(finished_run, tmp_path, people)
    found = answer("equity", run, "--to", tmp_path / "board")
    assert (found["status"], found["missing"], len(found["gaps"])) == ("done", {}, 4)
    assert found["gaps"][0]["raw_gap"] is None and found["gaps"][1]["adjusted_low"] < found["gaps"][1]["adjusted_high"]
    page, table = (Path(file).read_text("utf-8") for file in found["files"])
    assert "default-src 'none'" in page and "<script" not in page and page.count("<svg") == 2
    assert "'=cmd" in table


def test_an_attribute_that_the_census_does_not_have_is_said_to_be_missing(finished_run: Run, tmp_path: Path) -> None:
    run = published(finished_run, tmp_path, company(MEN_AND_WOMEN, lambda one: one.update(gender=None)))
    code, said, report = command("equity", run)
    assert (code, said) == (2, "") and "The census has no gender: there are no groups to compare." in report
    found = answer("equity", run, "--by", "gender", "--by", "department")
    assert found["missing"] == {"gender": [run.name]}
    assert {row["attribute"] for row in found["gaps"]} == {"department"}


def test_a_run_without_the_attribute_is_left_out_beside_one_that_has_it(finished_run: Run, tmp_path: Path) -> None:
    without = published(finished_run, tmp_path, company(MEN_AND_WOMEN, lambda one: one.update(gender=None)))
    found = equity([finished_run.folder, without])
    assert found.missing == {"gender": (without.name,)}
    assert set(found.gaps["run_id"]) == {finished_run.folder.name}
    assert f"The census of run {without.name} has no gender" in " ".join(view.remarks(found))


def test_runs_without_active_people_are_refused(told) -> None:
    with pytest.raises(InputError, match="Nobody is active at the end of any year"):
        told(company({("M", 1): 20}, lambda one: one.update(current_compensation=0)))


def test_runs_and_their_years_stand_side_by_side_by_id_or_folder(finished_run: Run, tmp_path: Path) -> None:
    copy = copy_of(finished_run, tmp_path)
    found = answer("equity", finished_run.folder.name, copy, "--by", "level_id", "--out", finished_run.ledger.out)
    assert {row["run_id"] for row in found["gaps"]} == {finished_run.folder.name, copy.name}
    assert {row["simulation_year"] for row in found["gaps"]} == {2025, 2026}


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["--by", "gendr"], "The census has no gendr that a run keeps.\nChoose from gender, "),
        (["--by", "gender", "--by", "education"], "The census has no education that a run keeps."),
        (["--by", "employee_ssn"], "Choose from gender, department, location"),
        (["--by", "level_id", "--reference", "7"], "There is no group 7.\nChoose from"),
        (["--by", "gender", "--by", "level_id", "--reference", "M"], "A reference is of one attribute."),
    ],
)
def test_what_cannot_be_compared_is_refused_with_what_can(finished_run: Run, words: list[str], wanted: str) -> None:
    code, said, report = command("equity", finished_run.folder, *words)
    assert (code, said) == (2, "") and wanted in report


def test_a_run_that_does_not_exist_or_has_no_year_is_refused(finished_run: Run, tmp_path: Path) -> None:
    assert command("equity", "20300101-000000-aaaaaaaa", "--out", tmp_path)[0] == 2
    copy = copy_of(finished_run, tmp_path)
    withdraw_year(copy, 2025)
    withdraw_year(copy, 2026)
    with pytest.raises(InputError, match="has no finished year yet"):
        equity([copy])


def test_a_run_that_is_not_finished_is_said_to_be_so(finished_run: Run, tmp_path: Path) -> None:
    copy = copy_of(finished_run, tmp_path, status="running", finished_at=None)
    withdraw_year(copy, 2026)
    found = equity([copy, finished_run.folder])
    assert f"Run {copy.name} is not finished: compared are the years that it has published." in view.remarks(found)
    assert finished_run.folder.name not in " ".join(view.remarks(found))


def test_a_run_that_lost_a_year_is_not_compared_by_the_others(finished_run: Run, tmp_path: Path) -> None:
    copy = copy_of(finished_run, tmp_path)
    (copy / "export" / "fct_workforce_snapshot" / "2026.parquet").unlink()
    code, said, report = command("equity", copy)
    assert (code, said) == (1, "") and "lacks export/fct_workforce_snapshot/2026.parquet" in report

"""What a scenario means before it is simulated."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pandas as pd
import pytest

from planwise_nb.core.project import Project, shipped
from planwise_nb.workforce.drafts import Draft
from planwise_nb.workforce.inputs import Request, WorkforceInputs, resolve
from planwise_nb.workforce.outlook import first_order_impact, planned_parameters
from tests.simulation import Simulation, member, simulate_members

FIGURES = ["closing_headcount", "hires", "exits", "promotions", "payroll"]


@pytest.fixture(scope="module")
def baseline() -> WorkforceInputs:
    return resolve(Project(shipped()), Request())


@pytest.fixture(scope="module")
def impact(baseline: WorkforceInputs) -> pd.DataFrame:
    """Baseline, and beside it a cost-of-living raise that is a point higher on every level in every year."""
    changes = {("cola_rate", None, None): Decimal("0.035")}
    return first_order_impact([baseline.members[0], Draft(baseline.members[0], changes).member()], baseline.census)


def test_planned_parameters_are_those_that_the_model_uses(baseline: WorkforceInputs, five_years: Simulation) -> None:
    columns = "simulation_year, level_id, parameter_name, parameter_value"
    query = f"select {columns} from int_effective_parameters order by simulation_year, parameter_name, level_id"
    planned = planned_parameters([baseline.members[0]])[columns.split(", ")].astype(object)
    rows = planned.where(planned.notna(), None).itertuples(index=False, name=None)
    assert [(*row[:3], float(row[3])) for row in rows] == [(*row[:3], float(row[3])) for row in five_years.rows(query)]


def test_the_estimate_lies_near_the_simulation(impact: pd.DataFrame, five_years: Simulation) -> None:
    totals = impact[(impact["scenario_id"] == "baseline") & impact["level_id"].isna()].set_index("simulation_year")
    query = "select simulation_year, closing_headcount, payroll::double from fct_year_metrics order by all"
    for year, headcount, payroll in five_years.rows(query):
        assert totals.loc[year, "closing_headcount"] == pytest.approx(headcount, abs=1)
        assert totals.loc[year, "payroll"] == pytest.approx(payroll, rel=0.06)


def test_a_difference_is_nearer_to_the_simulated_one_than_a_tenth(tmp_path, impact: pd.DataFrame) -> None:
    runs = [member("base", years=(2025, 2026)), member("cola", "compensation.cola_rate=0.035", years=(2025, 2026))]
    simulated = simulate_members(tmp_path / "run", runs)
    query = """
        select simulation_year, sum(case scenario_id when 'baseline~cola' then payroll else -payroll end)::double
        from fct_year_metrics group by all order by all"""
    totals = impact[(impact["scenario_id"] == "draft") & impact["level_id"].isna()].set_index("simulation_year")
    for year, difference in simulated.rows(query):
        assert totals.loc[year, "payroll_change"] == pytest.approx(difference, rel=0.10)


def test_levels_add_up_to_the_company(impact: pd.DataFrame) -> None:
    of_levels = impact[impact["level_id"].notna()].groupby(["scenario_id", "simulation_year"])[FIGURES].sum()
    totals = impact[impact["level_id"].isna()].set_index(["scenario_id", "simulation_year"])[FIGURES]
    pd.testing.assert_frame_equal(of_levels, totals, atol=0.5)


def test_a_scenario_differs_from_itself_by_nothing(baseline: WorkforceInputs) -> None:
    first = baseline.members[0]
    rows = first_order_impact([first, replace(first, scenario_id="same", member_number=2)], baseline.census)
    changes = rows[[name for name in rows.columns if name.endswith("_change")]]
    assert (changes.fillna(0) == 0).all(axis=None)


def test_more_growth_means_more_hires_and_no_exits_but_of_those(baseline: WorkforceInputs) -> None:
    draft = Draft(baseline.members[0], {("target_growth_rate", None, None): Decimal("0.05")})
    rows = first_order_impact([baseline.members[0], draft.member()], baseline.census)
    first_year = rows[(rows["scenario_id"] == "draft") & rows["level_id"].isna()].iloc[0]
    assert first_year["closing_headcount"] == pytest.approx(885 * 1.05, abs=0.1)
    assert first_year["hires_change"] > 0
    assert first_year["exits_change"] == pytest.approx(0.25 * first_year["hires_change"], abs=0.1)


def test_headcount_closes_on_what_came_and_left(baseline: WorkforceInputs) -> None:
    rows = first_order_impact([baseline.members[0]], baseline.census)
    years = rows[rows["level_id"].isna()]
    opening = [885.0, *years["closing_headcount"][:-1]]
    assert list(opening + years["hires"] - years["exits"]) == pytest.approx(list(years["closing_headcount"]), abs=0.2)

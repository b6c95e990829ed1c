"""A chart shows the numbers of its frame, whatever their type, and stands with one year, thirty, or none."""

import json
import math
from decimal import Decimal

import pandas as pd
import pytest

from planwise_nb.core.display import svg
from planwise_nb.workforce import charts
from planwise_nb.workforce.charts import people, years

OF_METRICS = [
    charts.headcount_bridge,
    charts.headcount,
    charts.growth,
    charts.flows,
    charts.level_mix,
    charts.payroll,
]


def year_of_metrics(year=2025, scenario="baseline", **changes):
    return {
        "scenario_id": scenario,
        "simulation_year": year,
        "opening_headcount": 4378,
        "hires": 875,
        "experienced_terminations": 525,
        "reductions": 0,
        "new_hire_terminations": 219,
        "exits": 744,
        "closing_headcount": 4509,
        "target_headcount": 4510,
        "promotions": 454,
        "headcount_by_level": {"1": 3000, "2": 1000, "10": 509},
        "payroll": Decimal("447289936.30"),
        "person_years": 4529.58,
        "payroll_per_person_year": Decimal("98748.58"),
        "average_compensation": 102525.03,
        "median_compensation": 86271.0,
        "average_compensation_growth": Decimal("0.107"),
        "same_people_compensation_growth": 0.083,
        "prorated_compensation_growth": 0.066,
        "headcount_growth": 0.0299,
        "target_growth_rate": 0.03,
    } | changes


def metrics(years=range(2025, 2030), scenarios=("baseline",), **changes):
    return pd.DataFrame([year_of_metrics(year, name, **changes) for name in scenarios for year in years])


def values(chart):
    return [row for rows in chart.to_dict()["datasets"].values() for row in rows]


def the(chart, **wanted):
    (row,) = [row for row in values(chart) if wanted.items() <= row.items()]
    return row


@pytest.mark.parametrize("draw", OF_METRICS)
@pytest.mark.parametrize("years", [[2025], range(2025, 2055)], ids=["one year", "thirty years"])
def test_any_number_of_years_is_drawn(draw, years):
    assert str(years[-1]) in svg(draw(metrics(years))) or draw is charts.headcount_bridge


@pytest.mark.parametrize("draw", OF_METRICS)
def test_no_year_gives_a_note(draw):
    assert "No rows to show" in svg(draw(metrics().head(0)))


@pytest.mark.parametrize("draw", OF_METRICS)
def test_an_empty_company_is_drawn(draw):
    nothing = {name: 0 for name, value in year_of_metrics().items() if isinstance(value, int)}
    nothing |= dict.fromkeys((*years.GROWTH, *years.PAY)) | {"headcount_by_level": {}, "payroll": 0}
    drawn = svg(draw(metrics(**nothing | {"simulation_year": 2025}).head(1)))
    assert drawn.startswith("<svg") and "NaN" not in drawn


@pytest.mark.parametrize("draw", OF_METRICS)
def test_equal_rows_in_another_order_give_an_equal_chart(draw):
    rows = metrics()
    assert draw(rows).to_dict() == draw(rows.iloc[::-1]).to_dict()


@pytest.mark.parametrize("draw", OF_METRICS)
def test_several_scenarios_have_a_panel_each(draw):
    drawn = svg(draw(metrics(scenarios=["lean", "rich"])))
    assert ">lean<" in drawn and ">rich<" in drawn


def test_of_many_scenarios_the_first_are_drawn_and_a_note_says_so():
    drawn = svg(charts.headcount(metrics(scenarios=[f"s{number}" for number in range(9)])))
    assert "The first 4 of 9 scenarios" in drawn and ">s3<" in drawn and ">s4<" not in drawn


def test_bridge_leads_from_opening_to_closing():
    chart = charts.headcount_bridge(metrics([2025]))
    assert the(chart, part="New-hire exits")["to"] == the(chart, part="Closing")["to"] == 4509
    assert the(chart, part="Experienced exits")["people"] == "−525"


def test_bridge_of_several_years_adds_them_up_and_stays_above_zero():
    first = year_of_metrics(2025, opening_headcount=100, experienced_terminations=80, hires=90, closing_headcount=100)
    rows = pd.DataFrame([first, first | {"simulation_year": 2026}]).assign(new_hire_terminations=10)
    chart = charts.headcount_bridge(rows)
    assert the(chart, part="Hires")["people"] == "+180"
    assert min(min(row["from"], row["to"]) for row in values(chart)) == 0


def test_bridge_takes_the_requirements_too():
    columns = [name for _, name, _, _ in years.BRIDGE]
    assert "4,509" in svg(charts.headcount_bridge(metrics([2025])[["scenario_id", "simulation_year", *columns]]))


def test_exits_hang_below_the_line_and_hires_stand_above():
    chart = charts.flows(metrics([2025]))
    assert the(chart, series="Hires")["signed"] == 875
    assert the(chart, series="Experienced exits")["signed"] == -525


def test_growth_leaves_out_what_is_not_defined():
    chart = charts.growth(metrics([2025, 2026], headcount_growth=None))
    assert {row["value"] for row in values(chart) if row["series"] == "Headcount"} == {None}
    assert {row["value"] for row in values(chart) if row["series"] == "Average pay"} == {0.107}


def test_levels_stack_to_the_whole_in_the_order_of_their_numbers():
    rows = values(charts.level_mix(metrics([2025])))
    assert [row["level"] for row in rows] == [1, 2, 10]
    assert math.isclose(sum(row["share"] for row in rows), 1) and rows[0]["share"] == 3000 / 4509


def test_levels_are_read_from_parquet_too():
    pairs = list(year_of_metrics()["headcount_by_level"].items())
    from_parquet = pd.DataFrame([year_of_metrics(headcount_by_level=pairs)])
    assert charts.level_mix(from_parquet).to_dict() == charts.level_mix(metrics([2025])).to_dict()


@pytest.mark.parametrize(("payroll", "unit"), [(447e6, "millions"), (120_000, "thousands")])
def test_payroll_is_in_the_unit_of_its_size(payroll, unit):
    assert f"Payroll of the year ({unit})" in svg(charts.payroll(metrics(payroll=payroll)))


@pytest.mark.parametrize(
    ("metric", "unit"), [("closing_headcount", "number"), ("payroll", "pay a year"), ("headcount_growth", "share")]
)
def test_a_fan_names_its_unit(metric, unit):
    band = {"scenario_id": "a", "simulation_year": 2025, "metric": metric, "members": 9}
    band |= dict.fromkeys(["p5", "p25", "p50", "p75", "p95"], 1.0)
    assert f"({unit})" in svg(charts.fan(pd.DataFrame([band])))


def test_pay_of_a_level_without_a_range_is_drawn():
    spread = {"minimum": 1, "quartile_1": 2, "median": 3, "quartile_3": 4, "maximum": 5}
    chart = charts.pay_by_level(pd.DataFrame([{"level_id": 1, **spread, "range_min": None, "range_max": None}]))
    assert "NaN" not in svg(chart) and the(chart, level_id=1)["range_min"] is None


def test_bands_are_in_the_order_of_their_ages():
    bands = ["65+", "25-34", "< 25", "5-9"]
    assert sorted(bands, key=people._band) == ["< 25", "5-9", "25-34", "65+"]


def test_age_and_tenure_count_everyone_once():
    people = pd.DataFrame({"age_band": ["< 25", "< 25"], "tenure_band": ["< 2", "< 2"], "headcount": [3, 4]})
    assert the(charts.age_tenure(people), age_band="< 25")["headcount"] == 7


def test_calendar_shades_each_kind_by_its_own_busiest_month():
    counts = {"month": [1, 2, 1], "event_category": ["hiring", "hiring", "promotion"], "events": [900, 9, 3]}
    chart = charts.event_calendar(pd.DataFrame(counts))
    assert the(chart, kind="Promotions")["shade"] == the(chart, kind="Hires", month="Jan")["shade"]
    assert the(chart, kind="Hires", month="Feb")["shade"] != the(chart, kind="Hires", month="Jan")["shade"]


def test_validation_names_what_does_not_hold():
    checks = pd.DataFrame(
        [
            {"step": "event_generation", "check_name": "pay_chain", "severity": "error", "is_passed": False},
            {"step": "event_generation", "check_name": "pay_chain", "severity": "error", "is_passed": False},
            {"step": "workforce_baseline", "check_name": "opening_unique", "severity": "error", "is_passed": True},
        ]
    )
    chart = charts.validation(checks)
    assert the(chart, outcome="error")["checks"] == 2
    assert "pay_chain (2)" in svg(chart) and "all hold" in svg(chart)


def test_frames_without_rows_give_a_note():
    draws = {
        charts.pay_by_level: ["level_id"],
        charts.age_tenure: ["age_band", "tenure_band", "headcount"],
        charts.event_calendar: ["month", "event_category", "events"],
        charts.validation: ["step", "check_name", "severity", "is_passed"],
    }
    for draw, columns in draws.items():
        assert "No rows to show" in svg(draw(pd.DataFrame(columns=columns)))


def test_a_chart_keeps_no_column_that_it_does_not_show():
    rows = metrics().assign(employee_ssn="900-12-3456")
    assert not any("900-12-3456" in json.dumps(draw(rows).to_dict()) for draw in OF_METRICS)

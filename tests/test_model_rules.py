"""The rules of each event and of the year's end, read off simulated years."""

from __future__ import annotations

from calendar import isleap
from collections import Counter
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from planwise_nb.workforce.generator import make_census
from planwise_nb.workforce.parameters import ResolvedScenario
from tests.simulation import SHIPPED_TABLES, Simulation, member, person, simulate_members, write_census

MIX = {1: "0.4", 2: "0.3", 3: "0.2", 4: "0.08", 5: "0.02"}


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Simulation:
    """One year of a census of 5,000 under eight seeds: enough for shares to show."""
    folder = tmp_path_factory.mktemp("many")
    make_census(5_000, 5, folder / "census.parquet")
    seeds = [member(f"seed={seed}", f"simulation.random_seed={seed}") for seed in range(8)]
    return simulate_members(folder / "run", seeds, census=folder / "census.parquet")


def company(folder: Path, people: list[dict[str, Any]], *members: ResolvedScenario) -> Simulation:
    return simulate_members(folder / "run", members, census=write_census(folder / "census.csv", people))


# Experienced exits


def test_exits_are_exactly_as_many_as_required_under_every_seed(many: Simulation) -> None:
    counts = many.rows("select count(*) from int_experienced_terminations group by scenario_id")
    required = many.rows("select experienced_terminations from int_workforce_requirements")
    assert counts == required and len(counts) == 8


@pytest.mark.parametrize("dimension", ["level_id", "age_band", "tenure_band"])
def test_groups_leave_in_proportion_to_their_weights(many: Simulation, dimension: str) -> None:
    weights = f"""
        select opening.{dimension} as part, exits.employee_id is not null as has_left,
            greatest(0.4, 1 - 0.1 * (opening.level_id - 1)) * ages.multiplier * tenures.multiplier as weight
        from int_baseline_workforce as opening
        join stg_hazard_multipliers as ages on ages.event_type = 'termination' and ages.band = age_band
            and ages.dimension = 'age' and ages.scenario_id = opening.scenario_id
        join stg_hazard_multipliers as tenures on tenures.event_type = 'termination' and tenures.band = tenure_band
            and tenures.dimension = 'tenure' and tenures.scenario_id = opening.scenario_id
        left join int_experienced_terminations as exits
            on exits.scenario_id = opening.scenario_id and exits.employee_id = opening.employee_id"""
    figures = "avg(weight)::double as weight, avg(has_left::int) as rate, count(*) as n"
    people = many.frame(f"select part, {figures} from ({weights}) group by part")
    expected = 0.12 * people.weight / ((people.weight * people.n).sum() / people.n.sum())
    error = (expected * (1 - expected) / people.n) ** 0.5
    # sampling without replacement takes a little less of heavy groups than drawing one person would
    assert ((people.rate - expected).abs() < 4 * error + 0.06 * expected).all()
    assert people.rate.max() > 1.4 * people.rate.min()


def test_the_probability_of_an_exit_is_the_required_number_times_the_share_of_the_weight(two_years: Simulation) -> None:
    probabilities = two_years.rows(
        """select event_probability, least(1, round(required * weight / sum_of_weights, 6)) from (
            select employee_id,
                greatest(0.4, 1 - 0.1 * (level_id - 1)) * ages.multiplier * tenures.multiplier as weight,
                sum(weight) over () as sum_of_weights, 1.0 * experienced_terminations as required
            from int_baseline_workforce as opening
            join stg_hazard_multipliers as ages
                on ages.event_type = 'termination' and ages.band = age_band and ages.dimension = 'age'
            join stg_hazard_multipliers as tenures
                on tenures.event_type = 'termination' and tenures.band = tenure_band and tenures.dimension = 'tenure'
            join int_workforce_requirements using (simulation_year) where simulation_year = 2026)
        join fct_yearly_events using (employee_id)
        where simulation_year = 2026 and event_category = 'experienced_termination'"""
    )
    assert len(probabilities) > 100
    assert all(float(found) == pytest.approx(float(expected), abs=2e-6) for found, expected in probabilities)


def test_exits_are_dated_evenly_over_the_year(many: Simulation) -> None:
    months = Counter(
        month for (month,) in many.rows("select month(termination_date) from int_experienced_terminations")
    )
    assert sorted(months) == list(range(1, 13))
    assert max(months.values()) < 1.25 * min(months.values())


def test_whoever_opens_the_year_at_65_or_over_retires_and_others_leave_of_their_own_will(many: Simulation) -> None:
    reasons = many.rows(
        """select termination_reason, min(current_age), max(current_age) from int_experienced_terminations
        join int_baseline_workforce using (scenario_id, employee_id) group by all order by all"""
    )
    (retired, youngest, _), (left, _, oldest) = reasons
    assert (retired, youngest, left, oldest) == ("retirement", 65, "voluntary", 64)


def test_exits_beyond_the_rate_are_reductions_even_of_the_old(tmp_path: Path) -> None:
    people = [person(number, employee_birth_date=date(1955, 1, 1)) for number in range(20)]
    run = company(tmp_path, people, member("halved", "simulation.target_growth_rate=-0.5"))
    reasons = run.rows(
        "select event_details, count(*) from fct_yearly_events where event_type = 'termination' group by all"
    )
    assert dict(reasons) == {"retirement": 2, "reduction": 8}
    assert run.value("select reductions from fct_year_metrics") == 8


# Hires and their exits


def test_hires_fill_levels_by_largest_remainder(many: Simulation, two_years: Simulation) -> None:
    for run in (many, two_years):
        totals = run.rows("select scenario_id, simulation_year, count(*) from int_hires group by all")
        for scenario_id, year, total in totals:
            quotas = {level: total * Fraction(share) for level, share in MIX.items()}
            seats = {level: int(quota) for level, quota in quotas.items()}
            by_remainder = sorted(quotas, key=lambda level: (seats[level] - quotas[level], level))
            for level in by_remainder[: total - sum(seats.values())]:
                seats[level] += 1
            found = run.rows(
                f"""select level_id, count(*) from int_hires
                where scenario_id = '{scenario_id}' and simulation_year = {year} group by all"""
            )
            assert dict(found) == seats


def test_hires_come_from_new_years_day_to_the_day_before_the_last(many: Simulation) -> None:
    days = Counter(day for (day,) in many.rows("select dayofyear(employee_hire_date) from int_hires"))
    assert (min(days), max(days), len(days)) == (1, 364, 364)
    assert max(days.values()) < 2.5 * days.total() / 364


def test_hires_are_paid_around_the_middle_of_the_range_and_never_under_its_minimum(many: Simulation) -> None:
    pay = many.rows(
        """select level_id, min(compensation_cents) / 100, avg(compensation_cents) / 100, max(compensation_cents) / 100
        from int_hires group by all order by all"""
    )
    ranges = {
        level.level_id: (int(level.min_compensation), int(level.max_compensation))
        for level in SHIPPED_TABLES.job_levels
    }
    for level, least, average, most in pay:
        lowest, highest = ranges[level]
        middle = (lowest + highest) / 2
        assert max(lowest, 0.9 * middle) <= least <= average <= most <= 1.1 * middle
        assert average == pytest.approx(middle, rel=0.02)
    assert len(pay) == 5


def test_pay_over_the_range_is_a_warning_and_pay_under_it_is_lifted(tmp_path: Path) -> None:
    said = [["hiring.new_hire_salary_adjustment=2"], ["hiring.new_hire_salary_adjustment=0.5"]]
    members = [member(f"{number}", *of, "simulation.target_growth_rate=1") for number, of in enumerate(said)]
    run = company(tmp_path, [person(number) for number in range(20)], *members)
    warned = run.rows(
        "select scenario_id, found, is_passed from fct_validation_results where check_name = 'hire_pay_in_level_range'"
    )
    hires = run.value("select count(*) from int_hires where scenario_id = 'baseline~0'")
    assert sorted(warned) == [("baseline~0", str(hires), False), ("baseline~1", "0", True)]
    pay = "select distinct level_id, compensation_cents // 100 from int_hires"
    low = run.rows(f"{pay} where scenario_id = 'baseline~1' order by all")
    assert low == [(1, 56_000), (2, 81_000), (3, 121_000), (4, 161_000), (5, 275_000)][: len(low)] and len(low) > 3
    assert run.failed_checks() == []


def test_ages_of_hires_have_the_shares_of_the_scenario(many: Simulation) -> None:
    ages = (
        many.frame("select age, count(*) / sum(count(*)) over () as share from int_hires group by all")
        .set_index("age")
        .share
    )
    expected = {22: 0.05, 25: 0.15, 28: 0.2, 32: 0.25, 35: 0.15, 40: 0.1, 45: 0.08, 50: 0.02}
    assert ages.to_dict() == pytest.approx(expected, abs=0.018)
    grown = "select count(*) from int_hires where date_sub('year', employee_birth_date, employee_hire_date) != age"
    assert many.value(grown) == 0


def test_new_hires_leave_90_to_275_days_after_the_hire_and_inside_the_year(many: Simulation) -> None:
    stays = many.rows(
        """select termination_date - employee_hire_date, year(termination_date), minimum_days
        from int_new_hire_terminations join int_hires using (scenario_id, employee_id)"""
    )
    days = {stay for stay, *_ in stays}
    assert (min(days), max(days)) == (90, 275)
    assert {(year, minimum) for _, year, minimum in stays} == {(2025, 90)}


def test_the_ninety_days_shorten_to_the_largest_number_at_which_enough_can_leave(tmp_path: Path) -> None:
    rates = ["workforce.new_hire_termination_rate=0.99", "workforce.total_termination_rate=0.5"]
    run = company(tmp_path, [person(number) for number in range(20)], member("fleeting", *rates))
    hired = sorted(days for (days,) in run.rows("select date '2025-12-31' - employee_hire_date from int_hires"))
    stays = run.rows(
        """select minimum_days, termination_date - employee_hire_date
        from int_new_hire_terminations join int_hires using (employee_id)"""
    )
    assert len(stays) == run.value("select new_hire_terminations from int_workforce_requirements")
    shortest = hired[len(hired) - len(stays)]
    assert shortest < 90
    assert {minimum for minimum, _ in stays} == {shortest}
    assert min(days for _, days in stays) >= shortest
    assert run.failed_checks() == []


def test_attributes_of_hires_are_drawn_from_their_level_and_marked(many: Simulation) -> None:
    for attribute in ("department", "gender", "location", "scheduled_hours"):
        people, hires = (
            many.frame(
                f"""select level_id, {attribute}, count(*) / sum(count(*)) over (partition by level_id) as share
                from {table} where level_id <= 3 group by level_id, {attribute}"""
            ).set_index(["level_id", attribute])["share"]
            for table in (
                "int_baseline_workforce",
                "int_hire_attributes join int_hires using (scenario_id, employee_id)",
            )
        )
        assert (hires.sub(people, fill_value=0).abs() < 0.04).all()
    marks = many.rows("select distinct employee_id like 'NH%', is_attributes_drawn from fct_workforce_snapshot")
    assert sorted(marks) == [(False, False), (True, True)]


def test_a_level_s_own_mix_is_what_its_hires_get_and_an_empty_level_takes_everybodys(tmp_path: Path) -> None:
    pay = {1: 60_000, 2: 90_000, 3: 130_000}
    where = {1: "North", 2: "South", 3: "East"}
    people = [
        person(number, employee_gross_compensation=pay[level], location=where[level])
        for number in range(60)
        for level in [number % 3 + 1]
    ]
    run = company(tmp_path, people, member("grown", "simulation.target_growth_rate=2"))
    mixes = run.rows(
        "select distinct level_id, location from fct_workforce_snapshot where is_attributes_drawn order by all"
    )
    assert [mix for mix in mixes if mix[0] <= 3] == sorted(where.items())
    assert {location for level, location in mixes if level == 4} == {"North", "South", "East"}


# Raises


def test_raises_come_in_the_months_of_the_timing_table(many: Simulation) -> None:
    months = (
        many.frame("select month(raise_date) as month, count(*) as n from int_raises group by all").set_index("month").n
    )
    expected = {month: float(share) for month, share in SHIPPED_TABLES.raise_timing.items()}
    # who leaves is not raised later on, so shares fall by up to an eighth over the year
    for month, share in (months / months.sum()).items():
        assert 0.85 * expected[month] < share < 1.15 * expected[month]


def test_everyone_with_a_full_year_of_service_gets_one_raise_unless_gone_before(many: Simulation) -> None:
    unraised = many.rows(
        """select employee_hire_date, termination_date from int_baseline_workforce
        left join int_experienced_terminations using (scenario_id, employee_id)
        anti join int_raises using (scenario_id, employee_id)"""
    )
    assert len(unraised) > 1_000
    assert all(left is not None or hired > date(2024, 1, 1) for hired, left in unraised)
    hasty = "select count(*) from int_raises join int_baseline_workforce using (scenario_id, employee_id)"
    assert many.value(f"{hasty} where employee_hire_date + interval 1 year > raise_date") == 0
    assert (
        many.value("select max(n) from (select count(*) as n from int_raises group by scenario_id, employee_id)") == 1
    )


def test_nobody_is_raised_or_promoted_in_the_year_of_the_hire(five_years: Simulation) -> None:
    moves = "select count(*) from fct_yearly_events where event_type in ('raise', 'promotion')"
    assert five_years.value(f"{moves} and employee_id like 'NH_' || simulation_year || '%'") == 0
    assert five_years.value(f"{moves} and employee_id like 'NH_' || (simulation_year - 1) || '%'") > 100


# Promotions


def test_promotions_are_never_from_the_top_level_nor_from_65_on(tmp_path: Path) -> None:
    people = [
        person(number, employee_birth_date=born, employee_gross_compensation=pay)
        for number, (born, pay) in enumerate(
            [(date(1985, 1, 1), 60_000), (date(1985, 1, 1), 300_000), (date(1959, 12, 31), 60_000)] * 10
        )
    ]
    stay = "workforce.total_termination_rate=0"
    run = company(tmp_path, people, member("sure", "compensation.promotion_probability=1", stay))
    promoted = run.rows(
        "select distinct from_level_id, current_age from int_promotions join int_baseline_workforce using (employee_id)"
    )
    # a probability of one times the multipliers of age and tenure is kept at one
    assert promoted == [(1, 39)]
    assert run.value("select count(*) from int_promotions") == 10


def test_promotions_are_as_frequent_as_their_probability_says(many: Simulation) -> None:
    chances = many.frame(
        """select opening.level_id, avg(least(1, greatest(0,
                0.1 * (1 - 0.15 * (opening.level_id - 1)) * ages.multiplier * tenures.multiplier))::double) as expected,
            avg((promoted.employee_id is not null)::int) as rate, count(*) as n
        from int_baseline_workforce as opening
        join stg_hazard_multipliers as ages on ages.event_type = 'promotion' and ages.band = age_band
            and ages.dimension = 'age' and ages.scenario_id = opening.scenario_id
        join stg_hazard_multipliers as tenures on tenures.event_type = 'promotion' and tenures.band = tenure_band
            and tenures.dimension = 'tenure' and tenures.scenario_id = opening.scenario_id
        left join int_promotions as promoted
            on promoted.scenario_id = opening.scenario_id and promoted.employee_id = opening.employee_id
        where opening.current_age < 65 and opening.level_id < 5 and opening.employee_hire_date <= '2024-01-01'
        group by all"""
    )
    error = (chances.expected * (1 - chances.expected) / chances.n) ** 0.5
    # some leave before their day comes
    assert (chances.rate < chances.expected + 4 * error).all()
    assert (chances.rate > 0.88 * chances.expected - 4 * error).all()


def test_levels_change_by_promotion_only(five_years: Simulation) -> None:
    levels = five_years.rows(
        """select b.level_id - a.level_id, count(event_id), count(*) from fct_workforce_snapshot as a
        join fct_workforce_snapshot as b on a.employee_id = b.employee_id and a.simulation_year + 1 = b.simulation_year
        left join fct_yearly_events as events on events.employee_id = b.employee_id
            and events.simulation_year = b.simulation_year and event_type = 'promotion'
        group by all order by all"""
    )
    (stayed, of_stayed, _), (rose, of_risen, risen) = levels
    assert (stayed, of_stayed, rose, of_risen) == (0, 0, 1, risen)


# Levels, ages and pay over the years


def test_a_level_is_read_from_pay_in_overlapping_ranges_unless_it_is_given(tmp_path: Path) -> None:
    # level 4 reaches up to 300,000 and level 5 begins at 285,000
    ladder = list(SHIPPED_TABLES.job_levels)
    ladder[4] = ladder[4].model_copy(update={"min_compensation": 285_000})
    said = [(284_999.99, None, 4), (285_000, None, 5), (290_000, 2, 2), (1_500, None, 1), (1_500, 5, 5)]
    people = [person(n, employee_gross_compensation=pay, level_id=level) for n, (pay, level, _) in enumerate(said)]
    run = company(tmp_path, people, member("ladder", job_levels=tuple(ladder)))
    found = run.rows("select level_id from int_baseline_workforce order by employee_id")
    assert found == [(level,) for *_, level in said]


def completed_years(since: pd.Timestamp, day: pd.Timestamp) -> int:
    return day.year - since.year - ((day.month, day.day) < (since.month, since.day))


def test_age_and_tenure_are_completed_years_in_every_year(five_years: Simulation) -> None:
    opening = five_years.frame("from int_baseline_workforce")
    for row in opening.itertuples():
        day = pd.Timestamp(row.simulation_year - 1, 12, 31)
        assert row.current_age == completed_years(row.employee_birth_date, day)
        assert row.current_tenure == completed_years(row.employee_hire_date, day)
    closing = five_years.frame("from fct_workforce_snapshot")
    for row in closing.itertuples():
        day = (
            row.termination_date if row.employment_status == "terminated" else pd.Timestamp(row.simulation_year, 12, 31)
        )
        assert row.current_age == completed_years(row.employee_birth_date, day)
        assert row.current_tenure == completed_years(row.employee_hire_date, day)


def test_whoever_stays_is_five_years_older_after_five_years(five_years: Simulation) -> None:
    aged = five_years.rows(
        """select distinct last.current_age - first.current_age, last.current_tenure - first.current_tenure
        from int_baseline_workforce as first join fct_workforce_snapshot as last using (employee_id)
        where first.simulation_year = 2025 and last.simulation_year = 2029 and last.employment_status = 'active'"""
    )
    assert aged == [(5, 5)]


def test_bands_contain_the_age_and_the_tenure_that_they_name(five_years: Simulation) -> None:
    def lowest(band: str) -> int:
        return 0 if band.startswith("<") else int(band.rstrip("+").partition("-")[0])

    for table in ("int_baseline_workforce", "fct_workforce_snapshot"):
        for figure, band in (("current_age", "age_band"), ("current_tenure", "tenure_band")):
            bands = five_years.rows(f"select {band}, min({figure}), max({figure}) from {table} group by all")
            bands.sort(key=lambda row: lowest(row[0]))
            assert all(lowest(name) <= least for name, least, _ in bands)
            assert all(most < lowest(above) for (_, _, most), (above, *_) in pairwise(bands))


@pytest.mark.parametrize("year", [2027, 2028])
def test_a_year_s_pay_is_spread_over_the_days_that_the_year_has(five_years: Simulation, year: int) -> None:
    days = 366 if isleap(year) else 365
    hires = five_years.rows(
        f"""select employee_hire_date, coalesce(termination_date, date '{year}-12-31'), current_compensation * 100,
            prorated_annual_compensation * 100 from fct_workforce_snapshot
        where simulation_year = {year} and detailed_status_code like 'new_hire%'"""
    )
    assert len(hires) > 100
    for first, last, pay, paid in hires:
        worked = (last - first + timedelta(days=1)).days
        assert paid == (2 * int(pay) * worked + days) // (2 * days)


def test_the_29th_of_february_is_a_day_like_any_other(tmp_path: Path) -> None:
    people = [person(1, employee_birth_date=date(1988, 2, 29), employee_hire_date=date(2024, 2, 29))]
    run = company(tmp_path, people, member("leap", "workforce.total_termination_rate=0", years=(2027, 2028)))
    opening = run.rows("select current_age, current_tenure from int_baseline_workforce order by simulation_year")
    assert opening == [(38, 2), (39, 3)]
    assert run.failed_checks() == []

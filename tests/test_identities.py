"""The identities that always hold, worked out again from the tables; and every check of the models, seen to fail."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pandas as pd
import pytest

from tests.simulation import Simulation

YEARS = range(2025, 2030)


def test_every_check_holds_on_the_shipped_census(two_years: Simulation) -> None:
    assert two_years.failed_checks() == []
    assert two_years.value("select count(*) from fct_validation_results") > 50


def census(simulation: Simulation) -> str:
    return f"read_parquet('{simulation.folder}/inputs/census.parquet')"


def counts(simulation: Simulation, column: str, table: str) -> dict[tuple[int, str], int]:
    query = f"select simulation_year, {column}, count(*) from {table} group by all"
    return {(year, value): count for year, value, count in simulation.rows(query)}


def test_opening_plus_hires_minus_exits_is_closing_in_every_year(five_years: Simulation) -> None:
    headcount = five_years.value(f"select count(*) from {census(five_years)} where active")
    events = counts(five_years, "event_type", "fct_yearly_events")
    closing = counts(five_years, "employment_status", "fct_workforce_snapshot")
    for year in YEARS:
        headcount += events[year, "hire"] - events[year, "termination"]
        assert closing[year, "active"] == headcount
        assert closing[year, "terminated"] == events[year, "termination"]


@pytest.mark.parametrize("year", YEARS[1:])
def test_opening_is_the_last_closing_person_by_person(five_years: Simulation, year: int) -> None:
    known = """employee_id, employee_ssn, employee_birth_date, employee_hire_date, level_id, department, gender,
        location, scheduled_hours, is_attributes_drawn"""
    opening = f"select {known}, compensation_cents from int_baseline_workforce where simulation_year = {year}"
    closing = f"""select {known}, current_compensation * 100 from fct_workforce_snapshot
        where simulation_year = {year} - 1 and employment_status = 'active'"""
    assert sorted(five_years.rows(opening)) == sorted(five_years.rows(closing))


def test_the_first_opening_is_the_active_census(five_years: Simulation) -> None:
    kept = "employee_id, employee_ssn, employee_birth_date, employee_hire_date, department"
    opening = f"select {kept}, compensation_cents from int_baseline_workforce where simulation_year = 2025"
    active = f"select {kept}, employee_gross_compensation * 100 from {census(five_years)} where active"
    assert sorted(five_years.rows(opening)) == sorted(five_years.rows(active))


@pytest.mark.parametrize("year", YEARS)
def test_events_replay_to_pay_level_and_status_of_the_snapshot(five_years: Simulation, year: int) -> None:
    where = f"where simulation_year = {year}"
    opening = five_years.rows(f"select employee_id, compensation_cents, level_id from int_baseline_workforce {where}")
    events = five_years.rows(
        f"""select employee_id, event_type, event_details, compensation_amount * 100, level_id from fct_yearly_events
        {where} order by effective_date, event_sequence"""
    )
    state = {who: (pay, level, "active") for who, pay, level in opening}
    for who, kind, details, pay, level_before in events:
        level = int(details[-1]) if kind == "promotion" else level_before
        state[who] = (pay, level, "terminated" if kind == "termination" else "active")
    columns = "current_compensation * 100, level_id, employment_status"
    snapshot = five_years.rows(f"select employee_id, ({columns}) from fct_workforce_snapshot {where}")
    assert state == dict(snapshot)


def test_nobody_has_an_event_after_leaving_in_any_year(five_years: Simulation) -> None:
    leavers = five_years.rows(
        """select arg_max(event_type, (effective_date, event_sequence)), count(*) filter (event_type = 'termination')
        from fct_yearly_events group by employee_id having bool_or(event_type = 'termination')"""
    )
    assert len(leavers) > 500
    assert set(leavers) == {("termination", 1)}


def test_new_hires_leave_after_their_hire_date_and_inside_the_year(five_years: Simulation) -> None:
    stays = five_years.rows(
        """select hires.effective_date, exits.effective_date from fct_yearly_events as hires
        join fct_yearly_events as exits using (employee_id)
        where hires.event_type = 'hire' and exits.event_category = 'new_hire_termination'"""
    )
    assert len(stays) > 100
    assert all(hired < left and hired.year == left.year for hired, left in stays)


def test_previous_pay_is_the_pay_in_force_from_the_census_to_the_last_year(five_years: Simulation) -> None:
    pay = dict(five_years.rows(f"select employee_id, employee_gross_compensation from {census(five_years)}"))
    events = five_years.rows(
        """select employee_id, previous_compensation, compensation_amount from fct_yearly_events
        order by effective_date, event_sequence"""
    )
    assert len(events) > 5_000
    for who, previous, amount in events:
        assert previous == pay.get(who)
        pay[who] = amount


def paid_by_day(year: int, hired: date, opening_cents: int | None, events: list[tuple[date, str, Decimal]]) -> Decimal:
    """What a person is paid in a year: each day the pay in force on it, an exit's day included, rounded once."""
    days = pd.date_range(f"{year}-01-01", f"{year}-12-31")
    pay = pd.Series(opening_cents or 0, index=days)
    for effective, kind, amount in events:
        pay[str(effective) :] = int(amount * 100)
        if kind == "termination":
            pay[pd.Timestamp(effective) + timedelta(days=1) :] = 0
    pay[: pd.Timestamp(hired) - timedelta(days=1)] = 0
    return (Decimal(int(pay.sum())) / len(days) / 100).quantize(Decimal("0.01"), ROUND_HALF_UP)


@pytest.mark.parametrize("year", [2025, 2028])
def test_prorated_pay_is_the_pay_of_every_day_rounded_once(five_years: Simulation, year: int) -> None:
    people = five_years.rows(
        f"""select snapshot.*, compensation_cents from (
            select employee_id, employee_hire_date, prorated_annual_compensation
            from fct_workforce_snapshot where simulation_year = {year} order by md5(employee_id) limit 250) as snapshot
        left join int_baseline_workforce as opening
            on snapshot.employee_id = opening.employee_id and opening.simulation_year = {year}"""
    )
    events = defaultdict(list)
    for who, *event in five_years.rows(
        f"""select employee_id, effective_date, event_type, compensation_amount from fct_yearly_events
        where simulation_year = {year} order by effective_date, event_sequence"""
    ):
        events[who].append(event)
    for who, hired, prorated, opening_cents in people:
        assert paid_by_day(year, hired, opening_cents, events[who]) == prorated, who


def test_payroll_is_the_sum_of_what_everyone_was_paid(five_years: Simulation) -> None:
    payroll: dict[int, Decimal] = dict.fromkeys(YEARS, Decimal(0))
    for year, paid in five_years.rows(
        "select simulation_year, prorated_annual_compensation from fct_workforce_snapshot"
    ):
        payroll[year] += paid
    assert payroll == dict(five_years.rows("select simulation_year, payroll from fct_year_metrics"))


def test_metrics_say_what_the_snapshot_holds(five_years: Simulation) -> None:
    active = five_years.frame("from fct_workforce_snapshot where employment_status = 'active'")
    for year, said in five_years.frame("from fct_year_metrics").set_index("simulation_year").iterrows():
        people = active[active.simulation_year == year]
        assert said.closing_headcount == len(people)
        assert said.headcount_by_level == people.level_id.astype(str).value_counts().to_dict()
        assert said.headcount_by_age_band == people.age_band.value_counts().to_dict()
        assert said.headcount_by_tenure_band == people.tenure_band.value_counts().to_dict()
        assert said.average_compensation == pytest.approx(people.current_compensation.mean(), abs=0.006)
        assert said.median_compensation == pytest.approx(people.current_compensation.median(), abs=0.006)


def test_growth_of_pay_compares_like_with_like(five_years: Simulation) -> None:
    """All at both ends; the same people at both ends; what a person-year was paid against the year before."""
    pay = "compensation_cents / 100 as pay"
    opening = five_years.frame(f"select *, simulation_year as year, {pay} from int_baseline_workforce")
    snapshot = five_years.frame("select simulation_year as year, * from fct_workforce_snapshot")
    metrics = five_years.frame("from fct_year_metrics").set_index("simulation_year")
    paid_before = opening[opening.year == 2025].pay.mean()
    for year in YEARS:
        before, people = opening[opening.year == year].set_index("employee_id").pay, snapshot[snapshot.year == year]
        after = people[people.employment_status == "active"].set_index("employee_id").current_compensation
        same = after.index.intersection(before.index)
        first = people.employee_hire_date.clip(lower=pd.Timestamp(year, 1, 1))
        days = (people.termination_date.fillna(pd.Timestamp(year, 12, 31)) - first).dt.days + 1
        paid = people.prorated_annual_compensation.sum() / (days.sum() / (366 if year == 2028 else 365))
        said = metrics.loc[year]
        assert said.average_compensation_growth == pytest.approx(after.mean() / before.mean() - 1, abs=1e-5)
        kept = after[same].sum() / before[same].sum() - 1
        assert said.same_people_compensation_growth == pytest.approx(kept, abs=1e-5)
        assert said.prorated_compensation_growth == pytest.approx(paid / paid_before - 1, abs=1e-5)
        paid_before = paid


def test_rates_and_growth_of_headcount_are_those_of_the_counts(five_years: Simulation) -> None:
    metrics = five_years.frame("from fct_year_metrics order by simulation_year")
    leavers = metrics.experienced_terminations + metrics.reductions
    assert list(metrics.exits) == list(leavers + metrics.new_hire_terminations)
    expected = {
        "hire_rate": metrics.hires / metrics.opening_headcount,
        "termination_rate": leavers / metrics.opening_headcount,
        "new_hire_termination_rate": metrics.new_hire_terminations / metrics.hires,
        "promotion_rate": metrics.promotions / metrics.opening_headcount,
        "headcount_growth": metrics.closing_headcount / metrics.opening_headcount - 1,
        "compound_growth_rate": (metrics.closing_headcount / metrics.opening_headcount[0]) ** (1 / (metrics.index + 1))
        - 1,
        "valid_event_share": metrics.closing_headcount * 0 + 1,
    }
    for name, figures in expected.items():
        assert metrics[name].to_numpy() == pytest.approx(figures.to_numpy(), abs=1e-6)


# Of every error-level check: the year it is spoilt in, how, and the offender that it names, or what it expects and
# finds. ANYONE is one person, active over both years and raised in both; LEAVER one who leaves in 2026 after a raise.
SPOILT = {
    "hand_off_headcount": (
        "delete from fct_workforce_snapshot where simulation_year = 2025 and employee_id = 'ANYONE'",
        "one fewer",
    ),
    "hand_off_complete": (
        "update fct_workforce_snapshot set employee_birth_date = null where employee_id = 'ANYONE'",
        "ANYONE",
    ),
    "hand_off_unique": (
        "insert into fct_workforce_snapshot from fct_workforce_snapshot where employee_id = 'ANYONE'",
        "ANYONE",
    ),
    "hand_off_dates": (
        "update fct_workforce_snapshot set employee_hire_date = '2026-01-01' where employee_id = 'ANYONE'",
        "ANYONE",
    ),
    "opening_equals_last_closing": (
        "update int_baseline_workforce set compensation_cents = compensation_cents + 1 where employee_id = 'ANYONE'",
        "ANYONE",
    ),
    "opening_unique": (
        "insert into int_baseline_workforce from int_baseline_workforce where employee_id = 'ANYONE'",
        "ANYONE",
    ),
    "requirements_balance": ("update int_workforce_requirements set hires = hires - 1", "one fewer"),
    "exits_within_headcount": (
        "update int_workforce_requirements set reductions = opening_headcount - experienced_terminations + 1",
        "one fewer",
    ),
    "experienced_terminations_as_required": (
        "delete from fct_yearly_events where event_category = 'experienced_termination'",
        "none",
    ),
    "hires_as_required": ("delete from fct_yearly_events where event_category = 'hiring'", "none"),
    "new_hire_terminations_as_required": (
        "delete from fct_yearly_events where event_category = 'new_hire_termination'",
        "none",
    ),
    "no_event_after_leaving": (
        """update fct_yearly_events set effective_date = '2026-12-31'
        where employee_id = 'LEAVER' and event_type = 'raise'""",
        "LEAVER",
    ),
    "nobody_leaves_twice": (
        """insert into fct_yearly_events from fct_yearly_events
        where employee_id = 'LEAVER' and event_type = 'termination'""",
        "LEAVER",
    ),
    "new_hires_leave_after_hire": (
        """update fct_yearly_events set effective_date = '2026-01-01'
        where employee_id = 'NEW_LEAVER' and event_type = 'termination'""",
        "NEW_LEAVER",
    ),
    "pay_chain": (
        """update fct_yearly_events set previous_compensation = previous_compensation - 0.01
        where employee_id = 'ANYONE' and event_type = 'raise'""",
        "ANYONE",
    ),
    "events_valid": (
        "update fct_yearly_events set data_quality_flag = 'INVALID_COMPENSATION' where employee_id = 'ANYONE'",
        "ANYONE",
    ),
    "event_ids_unique": (
        """update fct_yearly_events set event_id = (select event_id from fct_yearly_events
            where simulation_year = 2026 and employee_id = 'ANYONE' and event_type = 'raise')
        where simulation_year = 2026 and employee_id = 'LEAVER' and event_type = 'raise'""",
        "ANYONE",
    ),
    "reconciliation": (
        "delete from fct_yearly_events where employee_id = 'NEW_LEAVER' and event_type = 'hire'",
        "one more",
    ),
    "closing_meets_target": (
        "update int_workforce_requirements set target_headcount = target_headcount + 1",
        "one fewer",
    ),
    "events_replay_to_snapshot": (
        """update fct_workforce_snapshot set current_compensation = current_compensation + 0.01
        where employee_id = 'ANYONE'""",
        "ANYONE",
    ),
    "snapshot_unique": (
        "insert into fct_workforce_snapshot from fct_workforce_snapshot where employee_id = 'ANYONE'",
        "ANYONE",
    ),
    "growth_as_required": ("update fct_year_metrics set closing_headcount = closing_headcount - 1", "one fewer"),
    "all_events_valid": ("update fct_year_metrics set valid_event_share = 0.99", "fewer"),
    "pay_plausible": (
        """update fct_workforce_snapshot set prorated_annual_compensation = current_compensation + 1
        where employee_id = 'ANYONE'""",
        "ANYONE",
    ),
}


@pytest.fixture(scope="module")
def people(two_years: Simulation) -> dict[str, str]:
    """Three people of 2026 by the names that SPOILT calls them."""
    raised = "select employee_id from fct_yearly_events where simulation_year = 2026 and event_type = 'raise'"
    left = "select employee_id from fct_yearly_events where simulation_year = 2026 and event_type = 'termination'"
    return {
        "NEW_LEAVER": two_years.value(f"select min(employee_id) from ({left}) where employee_id like 'NH_2026%'"),
        "LEAVER": two_years.value(f"select min(employee_id) from ({left} intersect {raised})"),
        "ANYONE": two_years.value(f"select min(employee_id) from ({raised} except {left})"),
    }


@pytest.mark.parametrize("check", SPOILT)
def test_every_check_fails_on_what_it_guards_against(
    two_years: Simulation, people: dict[str, str], tmp_path: Path, check: str
) -> None:
    change, offence = SPOILT[check]
    for name, employee_id in people.items():
        change, offence = change.replace(f"'{name}'", f"'{employee_id}'"), offence.replace(name, employee_id)
    step = two_years.value(f"select any_value(step) from fct_validation_results where check_name = '{check}'")
    spoilt = two_years.copy(tmp_path / "run")
    spoilt.change(change)
    spoilt.rebuild(*([f"int_{step}_checks"] * (step != "validation_metrics")), "fct_validation_results", year=2026)
    failed = {name: found for year, name, *found in spoilt.failed_checks() if year == 2026}
    expected, found, offenders = failed[check]
    gap = float(found) - float(expected)
    said = {-1: "one fewer", 1: "one more"}.get(gap, "none" if float(found) == 0 else "fewer")
    assert offence == (offenders or said)


def test_every_error_level_check_was_seen_to_fail(two_years: Simulation) -> None:
    checks = two_years.rows("select distinct check_name from fct_validation_results where severity = 'error'")
    assert {name for (name,) in checks} == set(SPOILT)


@pytest.mark.parametrize("spoilt", ["level_id = level_id + 1", "employment_status = 'terminated'"])
def test_a_snapshot_with_another_level_or_status_than_its_events_is_found(
    two_years: Simulation, people: dict[str, str], tmp_path: Path, spoilt: str
) -> None:
    run = two_years.copy(tmp_path / "run")
    run.change(f"update fct_workforce_snapshot set {spoilt} where employee_id = '{people['ANYONE']}'")
    run.rebuild("int_workforce_snapshot_checks", year=2026)
    check = "select offender_sample from int_workforce_snapshot_checks where check_name = 'events_replay_to_snapshot'"
    assert run.value(f"{check} and simulation_year = 2026") == people["ANYONE"]

"""The identities that always hold, worked out again from the tables; and every check of the models, seen to fail."""

from __future__ import annotations

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


def test_opening_plus_hires_minus_exits_is_closing_in_every_year(five_years: Simulation) -> None:
    headcount = five_years.value("select count(*) from 'inputs/census.parquet' where active".replace("'i", f"'{five_years.folder}/i"))
    for year in YEARS:
        events = dict(five_years.rows(f"select event_type, count(*) from fct_yearly_events where simulation_year = {year} group by all"))
        status = dict(
            five_years.rows(f"select employment_status, count(*) from fct_workforce_snapshot where simulation_year = {year} group by all")
        )
        headcount += events["hire"] - events["termination"]
        assert status == {"active": headcount, "terminated": events["termination"]}


@pytest.mark.parametrize("year", YEARS[1:])
def test_opening_is_the_last_closing_person_by_person(five_years: Simulation, year: int) -> None:
    known = """employee_id, employee_ssn, employee_birth_date, employee_hire_date, level_id, department, gender, location,
        scheduled_hours, is_attributes_drawn"""
    opening = f"select {known}, compensation_cents / 100 from int_baseline_workforce where simulation_year = {year}"
    closing = f"""select {known}, current_compensation from fct_workforce_snapshot
        where simulation_year = {year} - 1 and employment_status = 'active'"""
    assert sorted(five_years.rows(opening)) == sorted(five_years.rows(closing))


def test_the_first_opening_is_the_active_census(five_years: Simulation) -> None:
    opening = """select employee_id, employee_birth_date, employee_hire_date, compensation_cents / 100, department
        from int_baseline_workforce where simulation_year = 2025"""
    census = f"""select employee_id, employee_birth_date, employee_hire_date, employee_gross_compensation, department
        from '{five_years.folder}/inputs/census.parquet' where active"""
    assert sorted(five_years.rows(opening)) == sorted(five_years.rows(census))


@pytest.mark.parametrize("year", YEARS)
def test_events_replay_to_pay_level_and_status_of_the_snapshot(five_years: Simulation, year: int) -> None:
    state = {
        who: (pay, level, "active")
        for who, pay, level in five_years.rows(
            f"""select employee_id, cast(compensation_cents / 100 as decimal(18, 2)), level_id
            from int_baseline_workforce where simulation_year = {year}"""
        )
    }
    for who, kind, details, pay, level in five_years.rows(
        f"""select employee_id, event_type, event_details, compensation_amount, level_id from fct_yearly_events
        where simulation_year = {year} order by effective_date, event_sequence"""
    ):
        before = state.get(who, (None, level, "active"))
        after = int(details[-1]) if kind == "promotion" else before[1]
        state[who] = (pay, after, "terminated" if kind == "termination" else "active")
    snapshot = five_years.rows(
        f"""select employee_id, current_compensation, level_id, employment_status from fct_workforce_snapshot
        where simulation_year = {year}"""
    )
    assert state == {who: (pay, level, status) for who, pay, level, status in snapshot}


def test_nobody_has_an_event_after_leaving_in_any_year(five_years: Simulation) -> None:
    last = five_years.frame(
        """select employee_id, arg_max(event_type, (effective_date, event_sequence)) as last_event,
            count(*) filter (event_type = 'termination') as exits
        from fct_yearly_events group by all having exits > 0"""
    )
    assert len(last) > 500
    assert set(last.last_event) == {"termination"}
    assert set(last.exits) == {1}


def test_new_hires_leave_after_their_hire_date_and_inside_the_year(five_years: Simulation) -> None:
    stays = five_years.rows(
        """select hires.effective_date, exits.effective_date from fct_yearly_events as hires
        join fct_yearly_events as exits using (employee_id)
        where hires.event_type = 'hire' and exits.event_category = 'new_hire_termination'"""
    )
    assert len(stays) > 100
    assert all(hired < left and hired.year == left.year for hired, left in stays)


def test_previous_pay_is_the_pay_in_force_from_the_census_to_the_last_year(five_years: Simulation) -> None:
    pay = dict(five_years.rows(f"select employee_id, employee_gross_compensation from '{five_years.folder}/inputs/census.parquet'"))
    events = five_years.rows(
        """select employee_id, previous_compensation, compensation_amount from fct_yearly_events
        order by effective_date, event_sequence"""
    )
    for who, previous, amount in events:
        assert previous == pay.get(who)
        pay[who] = amount
    assert len(events) > 5_000


def paid_day_by_day(year: int, hired: date, opening_pay: Decimal | None, events: pd.DataFrame) -> Decimal:
    """What a person is paid in a year: every day, the pay in force on it; an exit's day is the last one paid."""
    day, total, days = date(year, 1, 1), Decimal(0), (date(year + 1, 1, 1) - date(year, 1, 1)).days
    changes = {moment.date(): pay for moment, pay in zip(events.effective_date, events.compensation_amount, strict=True)}
    left = events.effective_date[events.event_type == "termination"]
    last = left.iloc[0].date() if len(left) else date(year, 12, 31)
    pay = opening_pay
    while day <= last:
        pay = changes.get(day, pay)
        total += pay if day >= hired else 0
        day += timedelta(days=1)
    return (total / days).quantize(Decimal("0.01"), ROUND_HALF_UP)


@pytest.mark.parametrize("year", [2025, 2028])
def test_prorated_pay_is_the_pay_of_every_day_summed_and_rounded_once(five_years: Simulation, year: int) -> None:
    events = five_years.frame(
        f"select * from fct_yearly_events where simulation_year = {year} order by effective_date, event_sequence"
    )
    people = five_years.rows(
        f"""select employee_id, employee_hire_date, compensation_cents, prorated_annual_compensation
        from fct_workforce_snapshot as snapshot left join int_baseline_workforce using (employee_id, simulation_year)
        where simulation_year = {year} order by md5(employee_id) limit 200"""
    )
    of = dict(iter(events.groupby("employee_id")))
    for who, hired, cents, prorated in people:
        opening = None if cents is None else Decimal(cents) / 100
        assert paid_day_by_day(year, hired, opening, of.get(who, events.head(0))) == prorated


def test_payroll_is_the_sum_of_what_everyone_was_paid(five_years: Simulation) -> None:
    snapshot = five_years.frame("select simulation_year, prorated_annual_compensation as paid from fct_workforce_snapshot")
    payroll = dict(five_years.rows("select simulation_year, payroll from fct_year_metrics"))
    assert {year: sum(rows.paid) for year, rows in snapshot.groupby("simulation_year")} == payroll


def test_metrics_count_what_the_tables_hold(five_years: Simulation) -> None:
    snapshot = five_years.frame("select * from fct_workforce_snapshot")
    for year, metrics in five_years.frame("select * from fct_year_metrics").set_index("simulation_year").iterrows():
        active = snapshot[(snapshot.simulation_year == year) & (snapshot.employment_status == "active")]
        levels = {str(level): count for level, count in active.level_id.value_counts().items()}
        assert metrics.headcount_by_level == levels
        assert metrics.closing_headcount == len(active) == sum(metrics.headcount_by_age_band.values())
        average = sum(active.current_compensation) / len(active)
        assert metrics.average_compensation == average.quantize(Decimal("0.01"), ROUND_HALF_UP)

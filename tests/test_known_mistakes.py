"""Mistakes that simulations of this kind are known to make, each looked for in five simulated years."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from planwise_nb.core.project import Project
from planwise_nb.workforce.inputs import Request, resolve
from planwise_nb.workforce.scenario import SECTIONS
from tests.simulation import Simulation, member, person, simulate_members, write_census


def test_nobody_has_an_event_after_an_exit(five_years: Simulation) -> None:
    after_exit = five_years.rows(
        """select count(distinct exits.employee_id), count(*) filter (others.effective_date < exits.effective_date),
            count(*) filter (others.effective_date >= exits.effective_date)
        from fct_yearly_events as exits join fct_yearly_events as others using (scenario_id, employee_id)
        where exits.event_type = 'termination' and others.event_type != 'termination'"""
    )
    [(people, before, after)] = after_exit
    assert people > 500
    assert (before > 500, after) == (True, 0)


def test_a_raise_after_a_promotion_of_the_same_year_builds_on_the_new_pay(five_years: Simulation) -> None:
    pairs = five_years.rows(
        """select raises.previous_compensation, promotions.compensation_amount, raises.level_id - promotions.level_id,
            abs(raises.compensation_amount - round(promotions.compensation_amount * 1.065, 2))
        from fct_yearly_events as raises join fct_yearly_events as promotions using (employee_id, simulation_year)
        where raises.event_type = 'raise' and promotions.event_type = 'promotion'
            and promotions.effective_date < raises.effective_date"""
    )
    assert len(pairs) > 50
    assert all(previous == promoted and level == 1 and gap == 0 for previous, promoted, level, gap in pairs)


def test_the_snapshot_says_what_the_last_event_said(five_years: Simulation) -> None:
    differing = five_years.rows(
        """select count(*), count(*) filter (last_pay != current_compensation),
            count(*) filter ((last_event = 'termination') != (employment_status = 'terminated'))
        from fct_workforce_snapshot join (
            select employee_id, simulation_year,
                last(compensation_amount order by effective_date, event_sequence) as last_pay,
                last(event_type order by effective_date, event_sequence) as last_event
            from fct_yearly_events group by all) using (employee_id, simulation_year)"""
    )
    [(people, other_pay, other_status)] = differing
    assert people > 4_000
    assert (other_pay, other_status) == (0, 0)


def test_the_pay_of_a_hire_is_a_year_s_pay_whenever_the_hire_comes(five_years: Simulation) -> None:
    hires = five_years.rows(
        """select hired.compensation_amount, current_compensation, full_year_equivalent_compensation,
            prorated_annual_compensation, date_diff('day', effective_date, make_date(simulation_year + 1, 1, 1)),
            if(simulation_year = 2028, 366, 365)
        from fct_yearly_events as hired join fct_workforce_snapshot using (employee_id, simulation_year)
        where event_type = 'hire' and employment_status = 'active'"""
    )
    assert len(hires) > 500
    for pay, current, full_year, prorated, days_employed, days in hires:
        assert pay == current == full_year
        assert float(prorated) == pytest.approx(float(pay) * days_employed / days, abs=0.0051)


def test_an_annual_salary_without_a_change_is_paid_once_a_year(five_years: Simulation) -> None:
    paid = five_years.rows(
        """select prorated_annual_compensation, opening.compensation_cents / 100, full_year_equivalent_compensation
        from fct_workforce_snapshot join int_baseline_workforce as opening using (employee_id, simulation_year)
        anti join fct_yearly_events as events using (employee_id, simulation_year)"""
    )
    assert len(paid) > 5
    assert all(float(prorated) == opening == float(full_year) for prorated, opening, full_year in paid)


def test_raises_are_spread_over_the_year(five_years: Simulation) -> None:
    days = Counter(
        day
        for (day,) in five_years.rows(
            "select dayofyear(effective_date) from fct_yearly_events where event_type = 'raise'"
        )
    )
    assert len(days) > 350
    assert max(days.values()) < 0.02 * days.total()


def test_people_between_two_pay_ranges_are_on_the_level_that_they_have_outgrown(tmp_path: Path) -> None:
    levels = {
        20_000: 1, 55_999.99: 1, 56_000: 1, 80_500: 1, 80_999.99: 1, 81_000: 2, 120_500: 2, 121_000: 3, 160_000.01: 3,
        161_000: 4, 274_999.99: 4, 275_000: 5, 290_000: 5, 600_000: 5,
    }  # fmt: skip
    people = [person(number, employee_gross_compensation=pay) for number, pay in enumerate(levels)]
    census = write_census(tmp_path / "census.csv", people)
    simulation = simulate_members(tmp_path / "run", [member("levels")], census=census)
    found = simulation.rows("select compensation_cents / 100, level_id from int_baseline_workforce")
    assert dict(found) == levels


def test_event_ids_are_digests_of_year_employee_and_sequence(five_years: Simulation) -> None:
    events = five_years.rows("select event_id, simulation_year, employee_id, event_sequence from fct_yearly_events")
    assert all(found == hashlib.md5("|".join(map(str, key)).encode()).hexdigest() for found, *key in events)
    assert len({found for found, *_ in events}) == len(events)


def test_hires_are_numbered_by_year_from_one(five_years: Simulation) -> None:
    hires = five_years.rows("select simulation_year, employee_id from int_hires order by simulation_year, employee_id")
    counts = Counter(year for year, _ in hires)
    assert hires == [(year, f"NH_{year}_{number:06d}") for year in counts for number in range(1, counts[year] + 1)]


# One hire of 2026 who stays is spoilt, or one raise of 2026, or the years of the scenario.
FLAGS = {
    "INVALID_EMPLOYEE_ID": ("update int_hires set employee_id = '' where employee_id = 'HIRE'", 1),
    "INVALID_SIMULATION_YEAR": ("update stg_scenarios set end_year = 2025", "all"),
    "INVALID_EFFECTIVE_DATE": ("update int_hires set employee_hire_date = '2027-01-01' where employee_id = 'HIRE'", 1),
    "INVALID_COMPENSATION": ("update int_hires set compensation_cents = 0 where employee_id = 'HIRE'", 1),
}


@pytest.mark.parametrize("flag", FLAGS)
def test_every_flag_appears_where_it_should_and_fails_the_run(two_years: Simulation, tmp_path: Path, flag: str) -> None:
    hire = two_years.value(
        """select min(employee_id) from fct_workforce_snapshot
        where simulation_year = 2026 and detailed_status_code = 'new_hire_active' and employee_id like 'NH_2026%'"""
    )
    change, expected = FLAGS[flag]
    spoilt = two_years.copy(tmp_path / "run")
    spoilt.change(change.replace("HIRE", hire))
    models = ["fct_yearly_events", "int_event_generation_checks", "fct_year_metrics", "fct_validation_results"]
    spoilt.rebuild(*models, year=2026)
    events = "from fct_yearly_events where simulation_year = 2026"
    flags = spoilt.rows(f"select data_quality_flag, count(*) {events} group by all order by all")
    every = two_years.value(f"select count(*) {events}")
    assert flags == ([(flag, every)] if expected == "all" else [(flag, 1), ("VALID", every - 1)])
    assert {"events_valid", "all_events_valid"} <= {name for _, name, *_ in spoilt.failed_checks()}


# a key of the scenario, and settings of it that are not the baseline's
SIMULATED = {
    "simulation.random_seed": ["=7"],
    "simulation.target_growth_rate": ["=0.04"],
    "workforce.total_termination_rate": ["=0.13"],
    "workforce.new_hire_termination_rate": ["=0.3"],
    "compensation.cola_rate": ["=0.03"],
    "compensation.merit_budget": ["=0.05"],
    "compensation.merit_base": ["=0.05"],
    "compensation.promotion_probability": ["=0.2"],
    "compensation.promotion_raise": ["=0.3"],
    "hiring.level_mix": [".1=0.5", ".2=0.2"],
    "hiring.ages": [".22=0.1", ".25=0.1"],
    "hiring.new_hire_salary_adjustment": ["=1.2"],
    "hiring.compensation_variance": ["=0.2"],
    "validation.tolerance_percent": ["=0"],
    "census.mask_ssn": ["=false"],
}
YEARS = {"simulation.start_year": ("2024", 2024, 2029), "simulation.end_year": ("2026", 2025, 2026)}
CENSUS = {
    "census.file": "other.csv",
    "census.map": "doubled",
    "census.date": "2024-06-30",
    "census.mask_ssn": "false",
}


@pytest.fixture(scope="module")
def one_key_each(tmp_path_factory: pytest.TempPathFactory) -> Simulation:
    """A scenario for each key that the models read; each loses one event before the year is checked."""
    members = [member("none")]
    members += [member(key.replace(".", "-"), *(key + said for said in values)) for key, values in SIMULATED.items()]
    simulation = simulate_members(tmp_path_factory.mktemp("keys") / "run", members)
    simulation.change(
        """delete from fct_yearly_events where event_category = 'experienced_termination' and employee_id in (
            select min(employee_id) from fct_yearly_events where event_type = 'termination' group by scenario_id)"""
    )
    simulation.rebuild("int_event_generation_checks", year=2025)
    return simulation


@pytest.mark.parametrize("key", SIMULATED)
def test_a_key_of_the_scenario_changes_what_is_simulated(one_key_each: Simulation, key: str) -> None:
    def rows(table: str, name: str) -> list[tuple]:
        kept = f"select * exclude scenario_id from {table} where scenario_id = 'baseline~{name}'"
        return one_key_each.rows(f"{kept} order by all")

    tables = ["fct_yearly_events", "int_event_generation_checks"]
    assert any(rows(table, "none") != rows(table, key.replace(".", "-")) for table in tables)


@pytest.mark.parametrize("key", YEARS)
def test_a_key_of_the_years_changes_which_are_simulated(key: str) -> None:
    value, first, last = YEARS[key]
    inputs = resolve(Project(), Request(settings=[f"{key}={value}"], census_date=date(2023, 12, 31), set_aside=True))
    assert inputs.periods == tuple(range(first, last + 1))


@pytest.mark.parametrize("key", CENSUS)
def test_a_key_of_the_census_changes_who_is_accepted(tmp_path: Path, key: str) -> None:
    people = [person(1), person(2, employee_hire_date=date(2024, 8, 1))]
    write_census(tmp_path / "one.csv", people)
    write_census(tmp_path / "other.csv", people[:1])
    maps = tmp_path / "params" / "census_maps"
    maps.mkdir(parents=True)
    (maps / "doubled.yaml").write_text("derive: {employee_gross_compensation: employee_gross_compensation * 2}")

    def accepted(*more: str) -> list[dict]:
        said = [f"census.file={tmp_path / 'one.csv'}", *more]
        return resolve(Project(tmp_path), Request(settings=said, set_aside=True)).census.accepted.to_pylist()

    value = tmp_path / CENSUS[key] if key == "census.file" else CENSUS[key]
    assert accepted(f"{key}={value}") != accepted()


def test_every_key_of_the_scenario_was_tried() -> None:
    keys = {f"{section}.{key}" for section, model in SECTIONS.items() for key in model.model_fields}
    assert keys == {*SIMULATED, *YEARS, *CENSUS}

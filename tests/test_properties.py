"""Whatever small census and whatever scenario: every identity holds, and the headcount is what the formulas say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction
from itertools import count
from math import ceil, floor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.simulation import Simulation, member, simulate_members, write_census

OPENING = date(2024, 12, 31)
LEAP_BIRTHDAYS = [date(year, 2, 29) for year in range(1952, 2008, 4)]
OPTIONAL = ["level_id", "department", "gender", "location", "scheduled_hours"]


@st.composite
def employees(draw: st.DrawFn) -> dict[str, Any]:
    """Anybody whom the contract accepts: born on any day, hired up to the last day, paid inside a range or between."""
    birthdays = st.dates(date(1930, 1, 1), date(2010, 12, 31))
    born = draw(st.one_of(birthdays, st.sampled_from(LEAP_BIRTHDAYS)))
    hires = st.dates(born + timedelta(days=1), OPENING)
    hired = draw(st.one_of(hires, st.sampled_from([date(2024, 2, 29), OPENING]).filter(lambda day: day > born)))
    pay = st.one_of(st.integers(1_000_00, 900_000_00), st.sampled_from([80_500_00, 120_500_00, 55_999_99, 275_000_00]))
    return {
        "employee_ssn": draw(st.sampled_from(["123-45-6789", "987-65-4321", None])),
        "employee_birth_date": born,
        "employee_hire_date": hired,
        "employee_termination_date": None,
        "employee_gross_compensation": draw(pay) / 100,
        "active": draw(st.sampled_from([True, True, True, False])),
        "level_id": draw(st.sampled_from([None, None, 1, 2, 3, 4, 5])),
        "department": draw(st.sampled_from(["Sales", "Research", None])),
        "gender": draw(st.sampled_from(["F", "M", None])),
        "location": draw(st.sampled_from(["North", "Süd, West"])),
        "scheduled_hours": draw(st.sampled_from([40, 37.5, None])),
    }


@st.composite
def censuses(draw: st.DrawFn) -> list[dict[str, Any]]:
    """From one to forty people, at least one of them active, with any of the optional columns."""
    people = draw(st.lists(employees(), min_size=1, max_size=40))
    people[0]["active"] = True
    left_out = draw(st.sets(st.sampled_from(OPTIONAL)))
    kept = [{key: value for key, value in someone.items() if key not in left_out} for someone in people]
    return [{"employee_id": f"E{number:03d}"} | someone for number, someone in enumerate(kept)]


def shares(lowest: int, highest: int) -> st.SearchStrategy[str]:
    return st.integers(lowest, highest).map(lambda number: str(number / 1000))


RATES = {
    "workforce.total_termination_rate": shares(0, 1000),
    "workforce.new_hire_termination_rate": shares(0, 900),
    "simulation.target_growth_rate": st.one_of(shares(-1000, 600), st.sampled_from(["0", "-1", "0.03"])),
    "compensation.cola_rate": shares(0, 500),
    "compensation.merit_base": shares(0, 500),
    "compensation.promotion_probability": shares(0, 1000),
    "compensation.promotion_raise": shares(0, 1000),
    "hiring.new_hire_salary_adjustment": shares(100, 5000),
    "hiring.compensation_variance": shares(0, 900),
    "simulation.random_seed": st.integers(0, 2**63 - 1).map(str),
}
SCENARIOS = st.lists(st.fixed_dictionaries(RATES), min_size=3, max_size=3)
LAST_YEARS = st.integers(2025, 2027)


def closings_on_paper(headcount: int, years: int, said: dict[str, str]) -> list[tuple[int, int, int]]:
    """Exits, hires and closing headcount of each year, by the formulas."""
    t, n, g = (Fraction(said[key]) for key in list(RATES)[:3])
    result = []
    for _ in range(years):
        exits, target = floor(headcount * t + Fraction(1, 2)), floor(headcount * (1 + g) + Fraction(1, 2))
        net = target - headcount + exits
        hires = ceil(net / (1 - n)) if net > 0 else 0
        result.append((exits + max(-net, 0) + hires - max(net, 0), hires, target))
        headcount = target
    return result


def simulated(folder: Path, census: Sequence[dict], scenarios: Sequence[dict[str, str]], last_year: int) -> Simulation:
    settings_ = [[f"{key}={value}" for key, value in said.items()] for said in scenarios]
    members = [
        member(str(number), "census.mask_ssn=false", *said, years=(2025, last_year))
        for number, said in enumerate(settings_)
    ]
    path = write_census(folder.with_suffix(".csv"), census)
    return simulate_members(folder, members, census=path, settings=["census.mask_ssn=false"])


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A new folder at every call."""
    base, numbers = tmp_path_factory.mktemp("properties"), count()
    return lambda: base / f"run_{next(numbers)}"


@given(census=censuses(), scenarios=SCENARIOS, last_year=LAST_YEARS)
@settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_any_census_under_any_scenario_keeps_every_identity(
    folders: Any, census: list[dict], scenarios: list[dict[str, str]], last_year: int
) -> None:
    simulation = simulated(folders(), census, scenarios, last_year)
    assert simulation.failed_checks() == []
    for number, said in enumerate(scenarios):
        found = simulation.rows(
            f"""select exits, hires, closing_headcount
            from fct_year_metrics where scenario_id = 'baseline~{number}' order by simulation_year"""
        )
        active = sum(someone["active"] for someone in census)
        assert found == closings_on_paper(active, last_year - 2024, said)
    hires_are_marked_as_hires(simulation)


def hires_are_marked_as_hires(simulation: Simulation) -> None:
    """Ids by year and number; numbers never issued to people and never given twice; of working age at hire."""
    for name in simulation.rows("select distinct scenario_id from fct_year_metrics"):
        hires = simulation.rows(
            f"select employee_id, employee_ssn, simulation_year, age from int_hires where scenario_id = '{name[0]}'"
        )
        assert all(re.fullmatch(rf"NH_{year}_\d{{6,}}", who) for who, _, year, _ in hires)
        assert all(re.fullmatch(r"9\d\d-\d\d-\d{4}", ssn) for _, ssn, *_ in hires)
        assert len({ssn for _, ssn, *_ in hires}) == len({who for who, *_ in hires}) == len(hires)
        assert all(22 <= age <= 50 for *_, age in hires)

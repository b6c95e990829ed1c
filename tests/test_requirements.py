"""How many leave and how many are hired: the formulas in whole numbers, on paper and in whole simulations."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planwise_nb.core import store
from tests.simulation import Simulation, member, person, simulate_members, write_census

Case = tuple[int, str, str, str]
"""Opening headcount, rates of exits, of new-hire exits and of growth."""

FIGURES = "experienced_terminations, target_headcount, hires, new_hire_terminations, reductions, closing_headcount"


@pytest.fixture(scope="module")
def formulas(two_years: Simulation) -> str:
    """The model of the requirements, to be run on other numbers."""
    return two_years.model("int_workforce_requirements")


def worked_out(formulas: str, cases: list[Case]) -> list[tuple[int, ...]]:
    """FIGURES of every case, by the model's SQL."""
    rates = ["total_termination_rate", "new_hire_termination_rate", "target_growth_rate"]
    with store.connect() as connection:
        connection.execute("attach ':memory:' as simulation; use simulation")
        connection.execute("create table stg_scenarios (scenario_id integer)")
        connection.execute("create table int_baseline_workforce (scenario_id integer, simulation_year integer)")
        connection.execute(
            """create table int_effective_parameters (scenario_id integer, simulation_year integer, level_id integer,
            parameter_name varchar, parameter_value decimal(9, 6))"""
        )
        for number, (headcount, *given_rates) in enumerate(cases):
            connection.execute("insert into stg_scenarios values (?)", [number])
            connection.execute("insert into int_baseline_workforce select ?, 2025 from range(?)", [number, headcount])
            for name, rate in zip(rates, given_rates, strict=True):
                row = [number, name, rate]
                connection.execute("insert into int_effective_parameters values (?, 2025, null, ?, ?)", row)
        return connection.execute(f"select {FIGURES} from ({formulas}) order by scenario_id").fetchall()


def on_paper(headcount: int, t: str, n: str, g: str) -> tuple[int, ...]:
    """FIGURES by the formulas as they are written down, in exact fractions."""
    exits = floor(headcount * Fraction(t) + Fraction(1, 2))
    target = floor(headcount * (1 + Fraction(g)) + Fraction(1, 2))
    net = target - (headcount - exits)
    hires = ceil(net / (1 - Fraction(n))) if net > 0 else 0
    return exits, target, hires, hires - max(net, 0), max(-net, 0), target


CASES: dict[str, tuple[Case, tuple[int, ...]]] = {
    "thirty hires leave twenty-one, not thirty-one hires": ((100, "0.10", "0.30", "0.11"), (10, 111, 30, 9, 0, 111)),
    "the reference census in its first year": ((4378, "0.12", "0.25", "0.03"), (525, 4509, 875, 219, 0, 4509)),
    "shrinking takes more than the exits": ((1000, "0.12", "0.25", "-0.2"), (120, 800, 0, 0, 80, 800)),
    "shrinking by exactly the exits": ((1000, "0.12", "0.25", "-0.12"), (120, 880, 0, 0, 0, 880)),
    "shrinking by less than the exits still hires": ((1000, "0.12", "0.25", "-0.1"), (120, 900, 27, 7, 0, 900)),
    "zero growth replaces who leaves": ((1000, "0.12", "0.25", "0"), (120, 1000, 160, 40, 0, 1000)),
    "no new hire leaves": ((1000, "0.12", "0", "0.03"), (120, 1030, 150, 0, 0, 1030)),
    "nine of ten new hires leave": ((10, "0", "0.9", "0.1"), (0, 11, 10, 9, 0, 11)),
    "nobody leaves and nobody comes": ((1000, "0", "0.25", "0"), (0, 1000, 0, 0, 0, 1000)),
    "half a person is a whole one": ((50, "0.01", "0", "0.01"), (1, 51, 2, 0, 0, 51)),
    "one employee": ((1, "0.12", "0.25", "0.03"), (0, 1, 0, 0, 0, 1)),
    "one employee who leaves": ((1, "1", "0.25", "0"), (1, 1, 2, 1, 0, 1)),
    "everyone leaves": ((1000, "0.12", "0.25", "-1"), (120, 0, 0, 0, 880, 0)),
    "nobody is here": ((0, "0.12", "0.25", "0.03"), (0, 0, 0, 0, 0, 0)),
    "a rate of six digits": ((1_000_000, "0.123457", "0", "0"), (123457, 1_000_000, 123457, 0, 0, 1_000_000)),
}


def test_requirements_are_these_whole_numbers(formulas: str) -> None:
    expected = {name: figures for name, (_, figures) in CASES.items()}
    found = worked_out(formulas, [case for case, _ in CASES.values()])
    assert dict(zip(CASES, found, strict=True)) == expected


def test_every_rate_of_new_hire_exits_leaves_as_many_as_are_needed(formulas: str) -> None:
    cases = [(100, "0.1", f"0.{tenths}", growth) for tenths in range(10) for growth in ("0", "0.11", "0.333333")]
    assert worked_out(formulas, cases) == [on_paper(*case) for case in cases]


def millionths(lowest: int, highest: int) -> st.SearchStrategy[str]:
    return st.integers(lowest, highest).map(lambda number: f"{number / 1_000_000:.6f}")


@given(
    st.lists(
        st.tuples(
            st.integers(0, 3_000), millionths(0, 1_000_000), millionths(0, 990_000), millionths(-1_000_000, 2_000_000)
        ),
        min_size=1,
        max_size=20,
    )
)
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_requirements_equal_the_formulas_in_fractions(formulas: str, cases: list[Case]) -> None:
    assert worked_out(formulas, cases) == [on_paper(*case) for case in cases]


def closings(simulation: Simulation, name: str) -> list[int]:
    rows = simulation.rows(
        f"""select closing_headcount from fct_year_metrics where scenario_id = 'baseline~{name}'
        order by simulation_year"""
    )
    return [closing for (closing,) in rows]


def test_the_reference_census_closes_as_published(shared_hr: Path, tmp_path: Path) -> None:
    members = [member("reference", years=(2025, 2029))]
    simulation = simulate_members(tmp_path / "run", members, census=shared_hr / "census_5k.parquet")
    assert closings(simulation, "reference") == [4509, 4644, 4783, 4926, 5074]
    assert simulation.failed_checks() == []


@pytest.fixture(scope="module")
def small_company(tmp_path_factory: pytest.TempPathFactory) -> Simulation:
    """Forty people over three years, under scenarios that grow, shrink, stand still or close."""
    growth, exits, early = "simulation.target_growth_rate", "workforce.total_termination_rate", "workforce.new_hire_"
    members = {
        "shrinking": [f"{growth}=-0.2"],
        "standing": [f"{growth}=0"],
        "closing": [f"{growth}=-1"],
        "doubling": [f"{growth}=1"],
        "loyal": [f"{early}termination_rate=0"],
        "fleeting": [f"{early}termination_rate=0.9"],
        "quiet": [f"{growth}=0", f"{exits}=0"],
        "replaced": [f"{growth}=0", f"{exits}=1"],
    }
    folder = tmp_path_factory.mktemp("small")
    people = [person(number, employee_gross_compensation=50_000 + 5_000 * number) for number in range(1, 41)]
    named = [member(name, *said, years=(2025, 2027)) for name, said in members.items()]
    return simulate_members(folder / "run", named, census=write_census(folder / "census.csv", people))


@pytest.mark.parametrize(
    ("name", "expected"),
    {
        "shrinking": [32, 26, 21],
        "standing": [40, 40, 40],
        "closing": [0, 0, 0],
        "doubling": [80, 160, 320],
        "loyal": [41, 42, 43],
        "fleeting": [41, 42, 43],
        "quiet": [40, 40, 40],
        "replaced": [40, 40, 40],
    }.items(),
)
def test_a_small_company_closes_at_its_target(small_company: Simulation, name: str, expected: list[int]) -> None:
    assert closings(small_company, name) == expected


def test_every_check_holds_however_the_company_moves(small_company: Simulation) -> None:
    assert small_company.failed_checks() == []
    assert (
        small_company.value("select count(distinct (scenario_id, simulation_year)) from fct_validation_results") == 24
    )


def test_there_are_exactly_as_many_events_as_required(small_company: Simulation) -> None:
    figures = "experienced_terminations, reductions, hires, new_hire_terminations, closing_headcount"
    required, found = (
        small_company.rows(f"select scenario_id, simulation_year, {figures} from {table} order by all")
        for table in ("int_workforce_requirements", "fct_year_metrics")
    )
    assert required == found


def test_a_workforce_that_reaches_zero_stays_empty_with_ratios_null(small_company: Simulation) -> None:
    [_, *later] = small_company.rows(
        """select opening_headcount, closing_headcount, event_count, payroll, hire_rate, termination_rate,
            average_compensation, average_compensation_growth, headcount_growth, valid_event_share
        from fct_year_metrics where scenario_id = 'baseline~closing' order by simulation_year"""
    )
    assert later == [(0, 0, 0, 0, None, None, None, None, None, None)] * 2


def test_a_company_that_closes_says_so_in_its_last_year(small_company: Simulation) -> None:
    reasons = small_company.rows(
        """select event_details, count(*) from fct_yearly_events
        where scenario_id = 'baseline~closing' and event_type = 'termination' group by all order by all"""
    )
    assert reasons == [("reduction", 35), ("voluntary", 5)]


@pytest.mark.parametrize(("rate", "events"), [("0.12", []), ("1", ["termination", "hire", "hire", "termination"])])
def test_a_company_of_one_works(tmp_path: Path, rate: str, events: list[str]) -> None:
    alone = member("alone", f"workforce.total_termination_rate={rate}", "simulation.target_growth_rate=0")
    census = write_census(tmp_path / "census.csv", [person(1)])
    simulation = simulate_members(tmp_path / "run", [alone], census=census)
    assert simulation.failed_checks() == []
    assert closings(simulation, "alone") == [1]
    moves = (
        "select event_type from fct_yearly_events where event_type in ('hire', 'termination') order by event_sequence"
    )
    assert sorted(kind for (kind,) in simulation.rows(moves)) == sorted(events)

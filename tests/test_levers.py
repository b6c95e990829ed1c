"""Every lever moves what it should and nothing that it should not.

One simulation of the first year holds a scenario for each lever, and its events are held against those of the
baseline: they share their luck, so what differs is the lever's doing.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from planwise_nb.workforce.job_levels import JobLevel
from planwise_nb.workforce.levers import LEVERS
from planwise_nb.workforce.parameter_tables import HAZARDS, MULTIPLIERS
from planwise_nb.workforce.parameters import ResolvedScenario
from planwise_nb.workforce.scenario_files import read_scenario
from tests.simulation import SCENARIOS, SHIPPED_TABLES, Simulation, member, simulate_members


def hazard(event: str, name: str, value: str) -> dict[str, Any]:
    return {"hazards": SHIPPED_TABLES.hazards | {(event, name): Decimal(value)}}


def multiplier(event: str, dimension: str, band: str, factor: int) -> dict[str, Any]:
    key = (event, dimension, band)
    return {"hazard_multipliers": SHIPPED_TABLES.hazard_multipliers | {key: Decimal(factor)}}


def level_range(level: int, **pay: int) -> dict[str, Any]:
    levels = [JobLevel(**(of.model_dump() | (pay if of.level_id == level else {}))) for of in SHIPPED_TABLES.job_levels]
    return {"job_levels": tuple(levels)}


def all_raises_in(month: int) -> dict[str, Any]:
    return {"raise_timing": {other: Decimal(other == month) for other in range(1, 13)}}


SETTINGS = {
    "merit_base": ["compensation.merit_base=0.06"],
    "merit_base of level 3": ["compensation.merit_base.3=0.06"],
    "merit_budget": ["compensation.merit_budget=0.06"],
    "cola_rate": ["compensation.cola_rate=0.045"],
    "promotion_probability": ["compensation.promotion_probability=0.3"],
    "promotion_raise": ["compensation.promotion_raise=0.2"],
    "new_hire_salary_adjustment": ["hiring.new_hire_salary_adjustment=1.1"],
    "total_termination_rate": ["workforce.total_termination_rate=0.2"],
    "new_hire_termination_rate": ["workforce.new_hire_termination_rate=0.4"],
    "target_growth_rate": ["simulation.target_growth_rate=0.06"],
    "level_mix": [f"hiring.level_mix.{level}={share}" for level, share in enumerate([0.1, 0.2, 0.3, 0.2, 0.2], 1)],
    "ages": ["hiring.ages.22=0", "hiring.ages.50=0.07"],
    "compensation_variance": ["hiring.compensation_variance=0.3"],
    "tolerance_percent": ["validation.tolerance_percent=1"],
    "random_seed": ["simulation.random_seed=43"],
}
TABLES = {
    "level_discount_factor": hazard("termination", "level_discount_factor", "0.3"),
    "min_level_discount_multiplier": hazard("termination", "min_level_discount_multiplier", "1"),
    "base_rate": hazard("promotion", "base_rate", "0.3"),
    "level_dampener_factor": hazard("promotion", "level_dampener_factor", "0.3"),
    "raise_timing": all_raises_in(4),
    "level 2 to more": level_range(2, max_compensation=140_000),
    "level 3 from more": level_range(3, min_compensation=125_000),
    **{" ".join(key): multiplier(*key, factor=20) for key in MULTIPLIERS},
}

PAY = {"compensation_amount", "previous_compensation"}
RAISED = {"merit_raise": {"compensation_amount", "event_details"}, "promotion": PAY, "experienced_termination": PAY}
PROMOTED = {"merit_raise": {"level_id", *PAY}, "experienced_termination": {"level_id", *PAY}}
HIRED = {"hiring": {"more"}, "new_hire_termination": {"event_probability", "more"}}
HIRE_PAY = {"hiring": {"compensation_amount"}, "new_hire_termination": PAY}
MOVED: dict[str, dict[str, set[str]]] = {
    "merit_base": RAISED,
    "merit_base of level 3": RAISED,
    "merit_budget": RAISED,
    "cola_rate": RAISED,
    "promotion_probability": {"promotion": {"event_probability", "more"}, **PROMOTED},
    "base_rate": {"promotion": {"event_probability", "more"}, **PROMOTED},
    "level_dampener_factor": {"promotion": {"event_probability", "fewer"}, "merit_raise": {"level_id", *PAY}},
    "promotion_raise": {"promotion": {"compensation_amount"}, "merit_raise": PAY, "experienced_termination": PAY},
    "new_hire_salary_adjustment": HIRE_PAY,
    "compensation_variance": HIRE_PAY,
    "level 2 to more": HIRE_PAY,
    "level_mix": {
        "hiring": {"level_id", "event_details", "compensation_amount"},
        "new_hire_termination": {"level_id", *PAY},
    },
    "ages": {category: {"employee_age", "age_band"} for category in HIRED},
    "new_hire_termination_rate": HIRED,
    "target_growth_rate": HIRED,
    "total_termination_rate": {
        "experienced_termination": {"event_probability", "more"},
        "merit_raise": {"fewer"},
        "promotion": {"fewer"},
        "hiring": {"more"},
        "new_hire_termination": {"event_probability", "more", "fewer"},
    },
    "tolerance_percent": {},
    "raise_timing": {
        "merit_raise": {"effective_date", "level_id", "more", "fewer", *PAY},
        "promotion": PAY,
        "experienced_termination": PAY,
    },
}
"""By lever, what differs from the baseline: columns of the events that both have, and more or fewer events."""


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Simulation:
    """2025 under the baseline and under every lever alone."""
    members = [member("as it is"), *(member(name, *said) for name, said in SETTINGS.items())]
    members += [member(name, **tables) for name, tables in TABLES.items()]
    return simulate_members(tmp_path_factory.mktemp("laboratory") / "run", members)


@pytest.fixture(scope="module")
def events(laboratory: Simulation) -> dict[str, pd.DataFrame]:
    """The events of every member by its name, by event_id."""
    left_out = ", ".join(["parameter_source", "data_quality_flag", "employee_ssn"])
    every = laboratory.frame(f"select * exclude ({left_out}) from fct_yearly_events order by event_id")
    return {name.partition("~")[2]: of.set_index("event_id") for name, of in every.groupby("scenario_id")}


def moved(events: Mapping[str, pd.DataFrame], name: str) -> dict[str, set[str]]:
    """What differs from the baseline, by category: columns of events that both have, and more and fewer events."""
    before, after = events["as it is"], events[name]
    shared = before.index.intersection(after.index)
    result: dict[str, set[str]] = {}
    for category, of in before.loc[shared].groupby("event_category"):
        twins = after.loc[of.index]
        differs = [column for column in of if column != "scenario_id" and not of[column].equals(twins[column])]
        result[str(category)] = set(differs)
    for word, extra in (("more", after.drop(shared)), ("fewer", before.drop(shared))):
        for category in extra.event_category.unique():
            result.setdefault(category, set()).add(word)
    return {category: differs for category, differs in result.items() if differs}


@pytest.mark.parametrize("lever", MOVED)
def test_a_lever_moves_this_and_nothing_else(events: dict[str, pd.DataFrame], lever: str) -> None:
    assert moved(events, lever) == MOVED[lever]


def test_no_lever_breaks_a_check(laboratory: Simulation) -> None:
    assert laboratory.failed_checks() == []


def test_every_lever_is_in_the_laboratory() -> None:
    assert {"merit_budget", *LEVERS} | {name for _, name in HAZARDS} | {" ".join(key) for key in MULTIPLIERS} <= {
        *SETTINGS,
        *TABLES,
    }


@pytest.mark.parametrize(
    ("lever", "category"),
    {
        "merit_base": "merit_raise",
        "merit_budget": "merit_raise",
        "cola_rate": "merit_raise",
        "new_hire_salary_adjustment": "hiring",
    }.items(),
)
def test_raising_a_lever_of_pay_raises_the_pay_of_its_events(
    events: dict[str, pd.DataFrame], lever: str, category: str
) -> None:
    before, after = events["as it is"], events[lever].compensation_amount
    of = before[before.event_category == category]
    assert (after.loc[of.index] > of.compensation_amount).all()
    assert (after.loc[before.index] >= before.compensation_amount).all()


def test_a_promotion_raise_is_paid_where_it_goes_over_the_new_minimum(events: dict[str, pd.DataFrame]) -> None:
    minimums = {level.level_id: float(level.min_compensation) for level in SHIPPED_TABLES.job_levels}
    for lever, rate in {"as it is": 0.12, "promotion_raise": 0.2}.items():
        promoted = events[lever][events[lever].event_category == "promotion"]
        raised, minimum = promoted.previous_compensation * (1 + rate), (promoted.level_id + 1).map(minimums)
        assert (promoted.compensation_amount - raised.where(raised > minimum, minimum)).abs().max() < 0.0051
        assert (raised > minimum).any()


def test_merit_and_cola_are_added_to_the_pay_in_force(events: dict[str, pd.DataFrame]) -> None:
    for lever, rate in {"as it is": 0.065, "merit_base": 0.085, "merit_budget": 0.085, "cola_rate": 0.085}.items():
        raises = events[lever][events[lever].event_category == "merit_raise"]
        assert (raises.compensation_amount - raises.previous_compensation * (1 + rate)).abs().max() < 0.0051
        assert set(raises.event_details) == {f"merit_and_cola_{rate:.6f}"}


def test_merit_of_one_level_moves_only_people_who_open_the_year_on_it(
    laboratory: Simulation, events: dict[str, pd.DataFrame]
) -> None:
    before, after = events["as it is"], events["merit_base of level 3"]
    raised = before[before.event_details != after.event_details].employee_id
    opening = "select employee_id from int_baseline_workforce where level_id = 3 and scenario_id = 'baseline~as it is'"
    on_three = {employee_id for (employee_id,) in laboratory.rows(opening)}
    everyone = before[before.event_category == "merit_raise"].employee_id
    assert set(raised) == set(everyone) & on_three
    paid = before[before.compensation_amount != after.compensation_amount].employee_id
    assert set(paid) == set(raised)


def exits(events: pd.DataFrame) -> pd.DataFrame:
    return events[events.event_category == "experienced_termination"]


@pytest.mark.parametrize("key", [key for key in MULTIPLIERS if key[0] == "termination"], ids=" ".join)
def test_a_higher_exit_weight_of_a_band_takes_people_of_that_band_instead_of_others(
    events: dict[str, pd.DataFrame], key: tuple[str, str, str]
) -> None:
    _, dimension, band = key
    before, after = exits(events["as it is"]), exits(events[" ".join(key)])
    gained, lost = (
        a.drop(b.index, errors="ignore")[f"{dimension}_band"] for a, b in ((after, before), (before, after))
    )
    assert len(before) == len(after)
    assert set(gained) == {band}
    assert band not in set(lost)


@pytest.mark.parametrize("key", [key for key in MULTIPLIERS if key[0] == "promotion"], ids=" ".join)
def test_a_higher_promotion_multiplier_of_a_band_promotes_more_of_that_band_only(
    events: dict[str, pd.DataFrame], key: tuple[str, str, str]
) -> None:
    _, dimension, band = key
    before, after = (of[of.event_category == "promotion"] for of in (events["as it is"], events[" ".join(key)]))
    assert set(after.drop(before.index)[f"{dimension}_band"]) == {band}
    likelier = before.event_probability < after.event_probability.loc[before.index]
    assert set(before[likelier][f"{dimension}_band"]) <= {band}


def test_a_steeper_level_discount_keeps_higher_levels_and_its_floor_lets_them_go(
    laboratory: Simulation, events: dict[str, pd.DataFrame]
) -> None:
    query = "select employee_id, level_id from int_baseline_workforce where scenario_id = 'baseline~as it is'"
    opening = dict(laboratory.rows(query))
    names = ["level_discount_factor", "as it is", "min_level_discount_multiplier"]
    steeper, shipped, floor = (exits(events[name]).employee_id.map(opening).mean() for name in names)
    assert steeper < shipped < floor
    assert len({len(exits(events[name])) for name in names}) == 1


def test_a_stronger_dampener_promotes_fewer_of_higher_levels_and_none_other_of_level_one(
    events: dict[str, pd.DataFrame],
) -> None:
    before, after = (
        of[of.event_category == "promotion"] for of in (events["as it is"], events["level_dampener_factor"])
    )
    assert before.drop(after.index).level_id.min() == 2
    assert (before.event_probability > after.event_probability.reindex(before.index, fill_value=0))[
        before.level_id > 1
    ].all()


def test_raise_timing_moves_every_raise_to_the_months_that_it_names(events: dict[str, pd.DataFrame]) -> None:
    raises = events["raise_timing"][events["raise_timing"].event_category == "merit_raise"]
    assert set(raises.effective_date.dt.month) == {4}
    assert raises.effective_date.dt.day.nunique() == 30


@pytest.mark.parametrize(("lever", "level"), [("level 2 to more", 2), ("level 3 from more", 3)])
def test_a_pay_range_moves_the_pay_of_hires_of_its_level_only(
    events: dict[str, pd.DataFrame], lever: str, level: int
) -> None:
    before, after = (of[of.event_category == "hiring"] for of in (events["as it is"], events[lever]))
    assert set(before[before.compensation_amount < after.compensation_amount].level_id) == {level}
    assert set(before[before.compensation_amount == after.compensation_amount].level_id) == {1, 2, 3, 4, 5} - {level}


def test_a_higher_minimum_reads_levels_anew_and_lifts_who_is_promoted_to_it(
    laboratory: Simulation, events: dict[str, pd.DataFrame]
) -> None:
    levels = laboratory.rows(
        """select distinct a.level_id, b.level_id from int_baseline_workforce as a
        join int_baseline_workforce as b on a.employee_id = b.employee_id
        where a.scenario_id = 'baseline~as it is' and b.scenario_id = 'baseline~level 3 from more'
            and (a.level_id != b.level_id or a.compensation_cents between 12100000 and 12499999)"""
    )
    assert levels == [(3, 2)]
    promoted = events["level 3 from more"][events["level 3 from more"].event_details == "level_2_to_3"]
    assert promoted.compensation_amount.min() == 125_000


def test_another_seed_draws_other_luck_for_the_same_numbers(events: dict[str, pd.DataFrame]) -> None:
    before, after = events["as it is"], events["random_seed"]
    fixed = ["experienced_termination", "hiring", "new_hire_termination"]
    counts = [of.event_category.value_counts()[fixed].to_dict() for of in (before, after)]
    assert counts[0] == counts[1]
    shared = before.index.intersection(after.index)
    assert (before.effective_date.loc[shared] == after.effective_date.loc[shared]).mean() < 0.02
    assert len(exits(before).index.intersection(exits(after).index)) < 0.5 * len(exits(before))


def test_tolerance_decides_how_many_events_may_be_missing(laboratory: Simulation, tmp_path: Path) -> None:
    spoilt = laboratory.copy(tmp_path / "run")
    # 4 of 106 exits are under 4 percent
    spoilt.change(
        """delete from fct_yearly_events where event_category = 'experienced_termination' and employee_id in (
            select employee_id from fct_yearly_events where event_category = 'experienced_termination'
                and scenario_id = 'baseline~as it is' order by employee_id limit 4)"""
    )
    spoilt.rebuild("int_event_generation_checks", year=2025)
    within = """select is_passed from int_event_generation_checks
        where check_name = 'experienced_terminations_as_required' and scenario_id = 'baseline~'"""
    assert [spoilt.value(f"{within} || '{name}'") for name in ("as it is", "tolerance_percent")] == [True, False]


def test_the_mix_and_the_ages_of_hires_are_those_of_the_scenario(events: dict[str, pd.DataFrame]) -> None:
    mixed = events["level_mix"][events["level_mix"].event_category == "hiring"].level_id.value_counts(normalize=True)
    for level, share in {1: 0.1, 2: 0.2, 3: 0.3, 4: 0.2, 5: 0.2}.items():
        assert mixed[level] == pytest.approx(share, abs=1 / 150)
    before, after = (of[of.event_category == "hiring"].employee_age for of in (events["as it is"], events["ages"]))
    assert 22 in set(before) and 22 not in set(after)
    assert (before <= after).all()


def test_scenarios_share_the_ids_ages_and_dates_of_their_hires(events: dict[str, pd.DataFrame]) -> None:
    hires = {
        name: of[of.event_category == "hiring"] for name, of in events.items() if name not in {"random_seed", "ages"}
    }
    for after in hires.values():
        shared = hires["as it is"].index.intersection(after.index)
        assert len(shared) == min(len(after), len(hires["as it is"]))
        shares = ["employee_id", "employee_age", "effective_date"]
        assert hires["as it is"].loc[shared, shares].equals(after.loc[shared, shares])


@pytest.fixture(scope="module")
def two_years_of_hiring(tmp_path_factory: pytest.TempPathFactory) -> Simulation:
    """The baseline, one that hires more and one that hires others, over two years."""
    years = (2025, 2026)
    grown = member("grown", "simulation.target_growth_rate=0.1", years=years)
    other = member("other", *SETTINGS["level_mix"], "hiring.ages.22=0", "hiring.ages.50=0.07", years=years)
    return simulate_members(tmp_path_factory.mktemp("hiring") / "run", [member("plain", years=years), grown, other])


@pytest.mark.parametrize("name", ["grown", "other"])
def test_hiring_changes_no_draw_of_those_who_were_here(two_years_of_hiring: Simulation, name: str) -> None:
    stays = """select employee_id from fct_workforce_snapshot where simulation_year = 2026 and employee_id like 'EMP%'
        and employment_status = 'active'"""
    moves = f"""select employee_id, event_type, simulation_year, effective_date, compensation_amount, event_probability
        from fct_yearly_events where employee_id in ({stays} and scenario_id = 'baseline~plain')
        and employee_id in ({stays} and scenario_id = 'baseline~{name}')"""
    plain, changed = (
        sorted(two_years_of_hiring.rows(f"{moves} and scenario_id = 'baseline~{which}'")) for which in ("plain", name)
    )
    assert plain == changed
    assert len(plain) > 1_000


CHILD = """
extends: parent
compensation: {promotion_raise: 0.15, merit_budget: 0.035}
"""
PARENT = """
extends: baseline
compensation: {cola_rate: {all: 0.02, 4: 0.021}, promotion_raise: 0.3}
workforce: {total_termination_rate: 0.1}
"""
ROWS = """
scenario_id,fiscal_year,job_level,event_type,parameter_name,parameter_value,is_locked,created_at,created_by
parent,,,RAISE,cola_rate,0.03,0,2025-01-01,planner
parent,,,PROMOTION,promotion_raise,0.2,0,2025-01-01,planner
parent,2026,1,PROMOTION,promotion_probability,0.25,1,2025-01-01,planner
child,,5,RAISE,cola_rate,0.2,0,2025-01-01,planner
child,,2,RAISE,merit_base,0.07,0,2025-01-01,planner
child,2026,2,RAISE,merit_base,0.09,0,2025-01-01,planner
sibling,,5,RAISE,cola_rate,0.2,0,2025-01-01,planner
sibling,,2,RAISE,merit_base,0.07,0,2025-01-01,planner
"""


def family_member(folder: Path, name: str) -> ResolvedScenario:
    said = ["hiring.new_hire_salary_adjustment.3=1.2", "compensation.cola_rate.5=0.1"]
    return read_scenario(name, [folder, SCENARIOS]).resolve(said, years=(2025, 2026))


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Simulation:
    """Two scenarios of one parent; the child alone has a lever row for level 2 in 2026."""
    folder = tmp_path_factory.mktemp("family")
    for name, text in {"child": CHILD, "sibling": CHILD, "parent": PARENT}.items():
        (folder / f"{name}.yaml").write_text(text)
    (folder / "comp_levers.csv").write_text(ROWS.lstrip())
    return simulate_members(folder / "run", [family_member(folder, name) for name in ("child", "sibling")])


def test_the_first_that_speaks_of_a_parameter_is_named_as_its_source(family: Simulation) -> None:
    said = family.rows(
        """select simulation_year, parameter_name, level_id, parameter_value::float, parameter_source
        from int_effective_parameters where scenario_id = 'child'"""
    )
    found = {key: (round(value, 6), source) for *key_, value, source in said for key in [tuple(key_)]}
    expected = {
        (2025, "cola_rate", 1): (0.03, "levers:parent"),
        (2025, "cola_rate", 4): (0.03, "levers:parent"),
        (2025, "cola_rate", 5): (0.1, "set"),
        (2025, "promotion_raise", 1): (0.15, "yaml:child"),
        (2025, "merit_base", 1): (0.035, "yaml:child"),
        (2025, "merit_base", 2): (0.07, "levers:child"),
        (2026, "merit_base", 2): (0.09, "levers:child"),
        (2026, "merit_base", 3): (0.035, "yaml:child"),
        (2025, "promotion_probability", 1): (0.1, "hazard"),
        (2026, "promotion_probability", 1): (0.25, "levers:parent"),
        (2026, "promotion_probability", 2): (0.085, "hazard"),
        (2025, "new_hire_salary_adjustment", 3): (1.2, "set"),
        (2025, "new_hire_salary_adjustment", 1): (1, "yaml:baseline"),
        (2025, "total_termination_rate", None): (0.1, "yaml:parent"),
        (2025, "target_growth_rate", None): (0.03, "yaml:baseline"),
    }
    assert {key: found[key] for key in expected} == expected


def test_a_parameter_that_no_file_states_is_the_default(tmp_path: Path) -> None:
    (tmp_path / "rootless.yaml").write_text("compensation: {merit_budget: 0.05}")
    alone = read_scenario("rootless", [tmp_path, SCENARIOS]).resolve(years=(2025, 2025))
    simulation = simulate_members(tmp_path / "run", [alone])
    sources = "select distinct parameter_name, parameter_source from int_effective_parameters"
    found = dict(simulation.rows(sources))
    assert found.pop("merit_base") == "yaml:rootless"
    assert found.pop("promotion_probability") == "hazard"
    assert set(found.values()) == {"default"}


def test_a_lever_row_of_one_level_and_year_moves_raises_of_that_level_and_year_only(family: Simulation) -> None:
    differing = family.rows(
        """select child.simulation_year, opening.level_id, child.event_category, sum(child.event_type = 'raise')
        from fct_yearly_events as child
        full join fct_yearly_events as sibling
            on child.event_id = sibling.event_id and sibling.scenario_id = 'sibling'
        left join int_baseline_workforce as opening on child.employee_id = opening.employee_id
            and child.simulation_year = opening.simulation_year and opening.scenario_id = 'child'
        where child.scenario_id = 'child' and child.compensation_amount is distinct from sibling.compensation_amount
        group by all"""
    )
    assert {(year, level) for year, level, *_ in differing} == {(2026, 2)}
    assert sum(raises for *_, raises in differing) > 100


def test_events_say_where_their_parameters_came_from(family: Simulation) -> None:
    sources = family.rows(
        """select distinct event_category, parameter_source from fct_yearly_events
        where scenario_id = 'child' and simulation_year = 2026"""
    )
    assert ("merit_raise", "merit_base=levers:child, cola_rate=levers:parent") in sources
    assert ("promotion", "promotion_probability=levers:parent, promotion_raise=yaml:child") in sources
    assert ("promotion", "promotion_probability=hazard, promotion_raise=yaml:child") in sources
    assert ("hiring", "new_hire_salary_adjustment=set") in sources
    assert ("experienced_termination", "total_termination_rate=yaml:parent") in sources
    assert ("new_hire_termination", "new_hire_termination_rate=yaml:baseline") in sources

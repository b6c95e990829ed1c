"""Figures that are easily rounded, cut or overflown."""

from __future__ import annotations

from pathlib import Path

from tests.simulation import person, simulate, write_census


def test_a_median_between_two_cents_is_rounded_and_not_cut(tmp_path: Path) -> None:
    pays = [70_000.01, 70_000.02]
    people = [person(number, employee_gross_compensation=pay) for number, pay in enumerate(pays)]
    still = ["workforce.total_termination_rate=0", "simulation.target_growth_rate=0", "compensation.merit_budget=0"]
    settings = [*still, "compensation.cola_rate=0", "compensation.promotion_probability=0"]
    census = write_census(tmp_path / "census.csv", people)
    done = simulate(tmp_path / "run", census=census, years=(2025, 2025), settings=settings)
    assert str(done.value("select median_compensation from fct_year_metrics")) == "70000.02"


def test_the_greatest_raises_on_the_greatest_pay_do_not_overflow(tmp_path: Path) -> None:
    people = [person(1, employee_gross_compensation=90_000_000, employee_birth_date="1999-01-01")]
    most = ["compensation.merit_budget=0.5", "compensation.cola_rate=0.5", "workforce.total_termination_rate=0"]
    census = write_census(tmp_path / "census.csv", people)
    done = simulate(tmp_path / "run", census=census, years=(2025, 2036), settings=most)
    assert done.failed_checks() == []
    assert done.value("select max(current_compensation) from fct_workforce_snapshot") > 10**11


def test_people_who_weigh_nothing_leave_by_lot_and_not_by_number(tmp_path: Path) -> None:
    census = write_census(tmp_path / "census.csv", [person(number) for number in range(40)])
    done = simulate(tmp_path / "run", census=census, years=(2025, 2025))
    done.change("update stg_hazard_multipliers set multiplier = 0 where event_type = 'termination'")
    done.rebuild("int_experienced_terminations", year=2025)
    left = [
        employee_id for (employee_id,) in done.rows("select employee_id from int_experienced_terminations order by 1")
    ]
    assert len(left) == 5
    assert left != [f"EMP_{number:06d}" for number in range(5)]

"""Same inputs and seed, same events: whatever the threads, the order of the rows, a break in between, or company."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from planwise_nb.core import store
from planwise_nb.core.errors import InputError
from tests.simulation import STEPS, Simulation, member, simulate, simulate_members

RESULTS = ("fct_yearly_events", "fct_workforce_snapshot")
YEARS = (2025, 2026)
SEEDS = range(1, 131)
"""A scenario each: together their tables are longer than what one thread of DuckDB takes at once."""


def digests(simulation: Simulation) -> list[str]:
    return [simulation.digest(table) for table in RESULTS]


def emptied(simulation: Simulation, folder: Path) -> Simulation:
    """The same run with nothing built yet."""
    copy = simulation.copy(folder)
    (copy.folder / store.DATABASE).unlink()
    return copy


def built(simulation: Simulation, years: tuple[int, ...] = YEARS) -> Simulation:
    simulation.step("pre_simulation", years[0])
    for year in years:
        simulation.build(year)
    return simulation


@pytest.fixture(scope="module")
def ensemble(tmp_path_factory: pytest.TempPathFactory) -> Simulation:
    """2025 under many seeds, on as many threads as there are."""
    one = member("seed")
    seeds = [
        replace(
            one,
            scenario_id=f"baseline~seed={seed}",
            scenario=one.scenario.model_copy(
                update={"simulation": one.scenario.simulation.model_copy(update={"random_seed": seed})}
            ),
        )
        for seed in SEEDS
    ]
    return simulate_members(tmp_path_factory.mktemp("ensemble") / "run", seeds)


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_events_are_equal_on_any_number_of_threads(
    ensemble: Simulation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    again = emptied(ensemble, tmp_path / "run")
    monkeypatch.setenv(store.THREADS, str(threads))
    with store.connect() as connection:
        assert connection.execute("select current_setting('threads')").fetchall() == [(threads,)]
    assert ensemble.value("select count(*) from fct_yearly_events") > 122_880
    assert digests(built(again, (2025,))) == digests(ensemble)


def test_a_member_of_an_ensemble_has_the_events_of_its_run_alone(ensemble: Simulation, two_years: Simulation) -> None:
    for table in RESULTS:
        kept = f"select * exclude (scenario_id) from {table} where simulation_year = 2025"
        alone = two_years.rows(f"{kept} order by all")
        assert ensemble.rows(f"{kept} and scenario_id = 'baseline~seed=42' order by all") == alone
        assert ensemble.rows(f"{kept} and scenario_id = 'baseline~seed=41' order by all") != alone


def test_a_limit_of_memory_reaches_dbt_and_changes_no_event(
    two_years: Simulation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(store.MEMORY_LIMIT, "")  # put back after the test
    store.limit_memory("150MB")
    with store.connect() as connection:
        assert connection.execute("select current_setting('memory_limit')").fetchall() == [("143.0 MiB",)]
    limited = emptied(two_years, tmp_path / "run")
    assert limited.compiled("{{ env_var('PLANWISE_MEMORY_LIMIT') }}") == "150MB"
    assert digests(built(limited)) == digests(two_years)


@pytest.mark.parametrize(
    "limit", ["4", "abc", "4 apples", "10KB", "٤GB", "-1GB", "999999999TB", "4GB; drop table runs"]
)
def test_what_is_no_amount_of_memory_is_refused(limit: str) -> None:
    with pytest.raises(InputError, match="memory limit"):
        store.limit_memory(limit)


def test_a_run_made_twice_has_equal_results(two_years: Simulation, tmp_path: Path) -> None:
    assert digests(simulate(tmp_path / "run", years=YEARS)) == digests(two_years)


def test_dbt_alone_builds_the_tables_of_a_run(two_years: Simulation, tmp_path: Path) -> None:
    by_dbt = emptied(two_years, tmp_path / "run")
    for year in YEARS:
        by_dbt.dbt("run", "--exclude", "tag:multi_year_summary", year=year)
    tables = [table for (table,) in two_years.rows("select table_name from duckdb_tables() order by all")]
    assert [by_dbt.digest(table) for table in tables] == [two_years.digest(table) for table in tables]


def test_the_order_of_the_census_rows_changes_nothing(two_years: Simulation, tmp_path: Path) -> None:
    accepted = two_years.folder / "inputs" / "census.parquet"
    shuffled = emptied(two_years, tmp_path / "run")
    people = pd.read_parquet(accepted, dtype_backend="pyarrow").sample(frac=1, random_state=2)
    assert list(people.employee_id) != sorted(people.employee_id)
    people.to_parquet(shuffled.folder / "inputs" / "census.parquet", index=False)
    assert digests(built(shuffled)) == digests(two_years)


def test_a_year_that_was_taken_away_is_built_again_as_it_was(two_years: Simulation, tmp_path: Path) -> None:
    resumed = two_years.copy(tmp_path / "run")
    tables = [
        name
        for (name,) in resumed.rows("select table_name from duckdb_columns() where column_name = 'simulation_year'")
    ]
    assert {*RESULTS, "int_hires", "fct_year_metrics"} <= set(tables)
    resumed.change(*(f"delete from {table} where simulation_year = 2026" for table in tables))
    assert digests(resumed) != digests(two_years)
    resumed.build(2026)
    assert digests(resumed) == digests(two_years)


def test_a_year_that_was_cut_short_is_built_again_as_it_was(two_years: Simulation, tmp_path: Path) -> None:
    resumed = two_years.copy(tmp_path / "run")
    resumed.change(
        "delete from fct_workforce_snapshot where simulation_year = 2026",
        "delete from int_raises where simulation_year = 2026 and month(raise_date) > 6",
        "update int_hires set compensation_cents = 1 where simulation_year = 2026",
    )
    resumed.build(2026)
    assert digests(resumed) == digests(two_years)


def test_building_a_year_again_replaces_exactly_that_year(five_years: Simulation, tmp_path: Path) -> None:
    marked = five_years.copy(tmp_path / "run")
    marks = {"fct_yearly_events": "event_details", "fct_workforce_snapshot": "employee_ssn"}
    marked.change(*(f"update {table} set {column} = 'mark'" for table, column in marks.items()))
    for step in STEPS[2:]:
        marked.step(step, 2027)
    for table, column in marks.items():
        years = f"select simulation_year, count(*) from {table} {{}} group by all order by all"
        still = marked.rows(years.format(f"where {column} = 'mark'"))
        assert still == five_years.rows(years.format("where simulation_year != 2027"))
        assert marked.rows(years.format("")) == five_years.rows(years.format(""))

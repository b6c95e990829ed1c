"""What the benchmarks compare is the same work: the script by hand makes the events of the models."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from benchmarks import programs
from planwise_nb.core import store

SAME_EVENTS = """
    select event_id, employee_id, event_type, effective_date, event_details, cents, previous_cents, age, tenure,
        level_id, age_band, tenure_band, event_probability, event_category, event_sequence
    from script.events
    {operator}
    select event_id, employee_id, event_type, effective_date, event_details, (compensation_amount * 100)::bigint,
        (previous_compensation * 100)::bigint, employee_age, employee_tenure, level_id, age_band, tenure_band,
        event_probability, event_category, event_sequence
    from models.fct_yearly_events
"""
FIGURES = "select simulation_year, opening_headcount, hires, closing_headcount, payroll, average_compensation from {}"


@pytest.fixture(scope="module")
def both(small_census: Path, tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    place = tmp_path_factory.mktemp("both")
    connection = duckdb.connect()
    for name in ("script", "models"):
        getattr(programs, name)(str(small_census), "3", str(place / name))
        connection.execute(f"attach '{place / name / store.DATABASE}' as {name} (read_only)")
    return connection


def test_the_script_by_hand_makes_the_events_of_the_models(both: duckdb.DuckDBPyConnection) -> None:
    assert (
        both.execute("select count(*) from script.events").fetchall()
        == both.execute("select count(*) from models.fct_yearly_events").fetchall()
    )
    for operator in ("except all", "intersect all"):
        [[rows]] = both.execute(f"select count(*) from ({SAME_EVENTS.format(operator=operator)})").fetchall()
        assert (rows == 0) == (operator == "except all")


def test_the_script_by_hand_pays_what_the_models_pay(both: duckdb.DuckDBPyConnection) -> None:
    found = [
        both.execute(FIGURES.format(table) + " order by 1").fetchall()
        for table in ("script.metrics", "models.fct_year_metrics")
    ]
    assert found[0] == found[1] and len(found[0]) == 3


def test_a_scaled_census_has_so_many_people_each_with_a_number_of_their_own(small_census: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "source.parquet", tmp_path / "scaled.parquet"
    duckdb.read_csv(str(small_census)).write_parquet(str(source))
    programs.census(str(source), "150", str(target))
    assert duckdb.sql(f"select count(*), count(distinct employee_id) from '{target}'").fetchall() == [(150, 150)]
    shutil.rmtree(tmp_path)

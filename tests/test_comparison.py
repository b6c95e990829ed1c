"""Runs side by side, and what is picked of them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from planwise_nb.core import store
from planwise_nb.core.errors import InputError
from planwise_nb.core.manifest import write_json
from planwise_nb.core.runs import Run
from planwise_nb.workforce.comparison.side_by_side import Comparison, picked_chart
from planwise_nb.workforce.exported_tables import rows_of
from planwise_nb.workforce.selections import STATUSES, Selection
from tests.simulation import Simulation


@pytest.fixture
def compared(finished_run: Run) -> Iterator[Comparison]:
    with Comparison({"one": finished_run.folder, "again": finished_run.folder}) as comparison:
        yield comparison


def test_everything_picked_is_what_the_metrics_say(compared: Comparison, finished_run: Run) -> None:
    picked = compared.picked(Selection())
    rows = picked[picked["run"] == "one"][["simulation_year", "active", "payroll", "average_compensation"]]
    query = "simulation_year, closing_headcount, payroll, average_compensation"
    metrics = Simulation(finished_run.folder).rows(f"select {query} from fct_year_metrics order by 1")
    assert [tuple(map(float, row)) for row in rows.itertuples(index=False)] == [
        tuple(map(float, row)) for row in metrics
    ]


def test_the_parts_of_a_selection_add_up_to_the_whole(compared: Comparison) -> None:
    def paid(**picked: tuple[int | str, ...]) -> Decimal:
        return sum((Decimal(f"{part:.2f}") for part in compared.picked(Selection(**picked))["payroll"]), Decimal(0))

    by_status = sum(paid(statuses=(status,)) for status in STATUSES)
    by_level = sum(paid(levels=(level,)) for level in compared.levels())
    assert by_status == by_level == paid()
    assert set(compared.picked(Selection(years=(2026,)))["simulation_year"]) == {2026}


def test_equal_runs_differ_by_nothing(compared: Comparison) -> None:
    picked = compared.picked(Selection(levels=(1, 2)))
    assert list(picked["run"]) == ["one", "again"] * 2
    assert (picked[["active_change", "payroll_change"]].astype(float) == 0).all(axis=None)
    metrics = compared.metrics(Selection())
    assert list(metrics["scenario_id"]) == ["one", "one", "again", "again"]
    assert [name for name in metrics.columns if name.startswith("exits")] == ["exits"]


def test_a_run_that_has_published_nothing_shows_nothing(finished_run: Run, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    write_json(run / "manifest.json", finished_run.manifest | {"status": "running", "steps": []})
    with Comparison({"empty": run}) as comparison:
        assert comparison.picked(Selection()).empty
        assert comparison.metrics(Selection()).empty
        assert (comparison.levels(), comparison.years()) == ([], [])


def test_a_selection_limits_a_table_by_the_columns_that_it_has(finished_run: Run) -> None:
    chosen = Selection(statuses=("new_hire_active",), levels=(1,), years=(2026,))
    with store.connect() as connection:
        people = chosen.of(rows_of(connection, finished_run.folder, "fct_workforce_snapshot"))
        found = people.aggregate("list(distinct (detailed_status_code, level_id, simulation_year)::varchar)").fetchall()
        assert found == [(["(new_hire_active, 1, 2026)"],)]
    with store.connect() as connection:
        years = chosen.of(rows_of(connection, finished_run.folder, "fct_year_metrics")).project("simulation_year")
        assert years.fetchall() == [(2026,)]


@pytest.mark.parametrize(
    ("statuses", "levels", "years"),
    [
        (["retired'; drop table x"], [], []),
        ([], ["1 or true"], []),
        ([], [], ["20260"]),
        ([], ["-1"], []),
        ([], ["²"], []),
    ],
)
def test_what_is_no_status_level_or_year_is_refused(statuses, levels, years) -> None:
    with pytest.raises(InputError, match="is no status, level or year of a run"):
        Selection.read(statuses, levels, years)


def test_bars_of_equal_selections_stand_for_equal_figures(compared: Comparison) -> None:
    drawn = picked_chart(compared.picked(Selection()), "payroll", "Payroll", "Currency units").to_dict()
    assert drawn["encoding"]["color"]["scale"]["domain"] == ["one", "again"]
    assert drawn["title"]["text"] == "Payroll"

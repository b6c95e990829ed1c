"""What differs between two runs is said; what only says when and where is not."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from planwise_nb.core.differences import Difference, compare, manifest_differences
from planwise_nb.core.runs import Run
from planwise_nb.workforce.differences import KEYS, differences
from planwise_nb.workforce.parameters import COLUMNS
from tests.run_copies import answer, change_tables, command, copy_of, withdraw, withdraw_year

ONE, OTHER = "20300101-000000-aaaaaaaa", "20300101-000001-aaaaaaaa"
TIMES = {"created_at": "2030-01-01T00:00:00+00:00", "finished_at": "2031-01-01T00:00:00+00:00", "seconds": 1.0}


@pytest.fixture
def pair(finished_run: Run, tmp_path: Path) -> tuple[Path, Path]:
    """Two equal runs that differ in times, ids and commands."""
    other = copy_of(finished_run, tmp_path, OTHER, **TIMES, command=["planwise", "run", "--out", "/elsewhere"])
    late = "select * replace (timestamp '2030-01-01' as created_at) from {rows}"
    change_tables(other, late, having="created_at")
    return copy_of(finished_run, tmp_path, ONE), other


def sections_that_differ(one: Path, other: Path) -> dict[str, list[tuple[Any, ...]]]:
    found = differences(one, other)
    return {name: [(each.what, each.one, each.other) for each in section] for name, section in found.items() if section}


def change_manifest(folder: Path, **changes: Any) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | changes))


def change_parameter(folder: Path, table: str, old: dict[str, str], **new: str) -> None:
    file = folder / "params" / f"{table}.csv"
    with file.open(newline="") as source:
        rows = list(csv.DictReader(source))
    assert any(old.items() <= row.items() for row in rows)
    with file.open("w", newline="") as target:
        writer = csv.DictWriter(target, rows[0])
        writer.writeheader()
        writer.writerows(row | (new if old.items() <= row.items() else {}) for row in rows)


def test_equal_runs_differ_in_nothing_but_times(pair: tuple[Path, Path], tmp_path: Path) -> None:
    code, said, _ = command("diff", ONE, OTHER, "--out", tmp_path)
    assert (code, said.splitlines()[-1]) == (0, "The runs differ in nothing but times.")
    told = answer("diff", ONE, OTHER, "--out", tmp_path)
    assert (told["status"], told["equal"]) == ("done", True)
    assert set(told["differences"]) == {"inputs", "parameters", "seeds", "code", "versions", "results"}


def test_inputs_seeds_code_and_versions_are_told_with_both_values(pair: tuple[Path, Path]) -> None:
    one, other = pair
    manifest = json.loads((other / "manifest.json").read_text())
    manifest["inputs"]["census"] |= {"file": "other.csv", "sha256": "0" * 64, "census_date": "2024-06-30"}
    del manifest["files"]["project"]["dbt/macros/draw.sql"]
    change_manifest(other, **manifest | {"python": "3.99", "git": None, "seeds": {"baseline": 7}})
    found = sections_that_differ(one, other)
    assert {what for what, _, _ in found["inputs"]} == {"census.file", "census.sha256", "census.census_date"}
    assert found["seeds"] == [("seed", 42, 7)]
    [(what, before, after)] = found["code"]
    assert (what, bool(before), after) == ("dbt/macros/draw.sql", True, None)
    assert "python" in {what for what, _, _ in found["versions"]}


def test_a_census_of_another_name_and_equal_content_is_the_same(pair: tuple[Path, Path]) -> None:
    one, other = pair
    inputs = json.loads((other / "manifest.json").read_text())["inputs"]
    inputs["census"]["file"] = "renamed.csv"
    change_manifest(other, inputs=inputs)
    assert sections_that_differ(one, other) == {}


@pytest.mark.parametrize(
    ("table", "old", "new", "told"),
    [
        ("scenarios", {}, {"end_year": "2029"}, ("scenarios.end_year", "2026", "2029")),
        (
            "hazard_multipliers",
            {"event_type": "termination", "dimension": "age", "band": "25-34"},
            {"multiplier": "9"},
            ("hazard_multipliers[termination, age, 25-34].multiplier", "1.3", "9"),
        ),
        ("raise_timing", {"month": "3"}, {"percentage": "1"}, ("raise_timing[month 3].percentage", "0.06", "1")),
        (
            "parameter_layers",
            {"parameter_name": "cola_rate", "layer": "23"},
            {"parameter_value": "0.9"},
            ("parameter_layers[cola_rate, layer 23].parameter_value", "0.025", "0.9"),
        ),
    ],
)
def test_a_parameter_is_told_by_its_row_with_both_values(
    pair: tuple[Path, Path], table: str, old: dict[str, str], new: dict[str, str], told: tuple[str, str, str]
) -> None:
    one, other = pair
    change_parameter(other, table, old, **new)
    assert sections_that_differ(one, other) == {"parameters": [told]}


def test_every_table_of_parameters_is_compared() -> None:
    assert set(KEYS) == set(COLUMNS)
    assert all(set(keys) < set(COLUMNS[table]) for table, keys in KEYS.items())


def test_results_are_told_by_year_and_metric_and_by_category_of_events(pair: tuple[Path, Path]) -> None:
    one, other = pair
    change_tables(
        other, "select * replace (payroll + (simulation_year - 2025) as payroll) from {rows}", having="payroll"
    )
    change_tables(other, "from {rows} where event_sequence != 5 or simulation_year = 2025", having="event_sequence")
    [payroll, promotions, events] = sections_that_differ(one, other)["results"]
    assert payroll[0] == "2026 payroll" and payroll[2] - payroll[1] == 1
    assert promotions[0] == "2026 events of promotion" and promotions[1] > 0 and promotions[2] is None
    assert events == ("2026 events that the other run does not have", promotions[1], 0)


def test_other_people_in_equal_numbers_are_a_difference(pair: tuple[Path, Path]) -> None:
    one, other = pair
    moved = "select * replace (effective_date + (event_sequence = 5)::integer as effective_date) from {rows}"
    change_tables(other, moved, having="event_sequence")
    found = sections_that_differ(one, other)["results"]
    assert [what for what, _, _ in found] == [
        f"{year} events that the other run does not have" for year in (2025, 2026)
    ]
    assert all(before == after > 0 for _, before, after in found)


def test_scenarios_of_other_names_are_compared_with_each_other(pair: tuple[Path, Path]) -> None:
    one, other = pair
    change_manifest(other, seeds={"lean": 42})
    change_tables(other, "select * replace ('lean' as scenario_id) from {rows}", having="scenario_id")
    for file in (other / "params").glob("*.csv"):
        file.write_text(file.read_text().replace("\nbaseline,", "\nlean,"))
    assert sections_that_differ(one, other) == {}


def test_an_unfinished_run_is_compared_so_far_and_said_to_be(pair: tuple[Path, Path], tmp_path: Path) -> None:
    change_manifest(pair[1], status="running")
    withdraw_year(pair[1], 2026)
    assert sections_that_differ(*pair) == {"results": [("years with results", "2025, 2026", "2025")]}
    code, said, _ = command("diff", ONE, OTHER, "--out", tmp_path)
    assert code == 0 and "running: the results so far are compared" in said
    withdraw(pair[1], "*/*")
    assert sections_that_differ(*pair) == {"results": [("years with results", "2025, 2026", None)]}


def test_a_report_of_many_differences_is_short_and_fits_100_columns(pair: tuple[Path, Path], tmp_path: Path) -> None:
    everything = "select * replace (opening_headcount + 1 as opening_headcount, payroll * 2 as payroll) from {rows}"
    change_tables(pair[1], everything, having="payroll")
    manifest = json.loads((pair[1] / "manifest.json").read_text())
    versions = {name: f"{version}-\x1b[31m{'x' * 200}" for name, version in manifest["versions"].items()}
    change_manifest(pair[1], versions=versions)
    said = command("diff", ONE, OTHER, "--out", tmp_path)[1]
    assert max(map(len, said.splitlines())) <= 100
    assert f"… and {len(versions) - 20:,} more" in said
    assert "\x1b" not in said


def test_an_unknown_run_is_refused(pair: tuple[Path, Path], tmp_path: Path) -> None:
    code, _, report = command("diff", ONE, "20200101-000000-00000000", "--out", tmp_path)
    assert code == 2 and "planwise runs" in report


def test_compare_tells_what_only_one_has() -> None:
    assert compare({"a": 1, "b": 2}, {"b": 3, "c": 4}) == (
        Difference("a", 1, None),
        Difference("b", 2, 3),
        Difference("c", None, 4),
    )


def test_several_seeds_are_compared_by_name() -> None:
    common = {"inputs": {}, "files": {"inputs": {}, "project": {}}, "python": "", "platform": "", "cpus": 1}
    one, other = (
        common | {"versions": {}, "git": None, "seeds": seeds} for seeds in ({"a": 1, "b": 2}, {"a": 1, "b": 3})
    )
    assert manifest_differences(one, other)["seeds"] == (Difference("b", 2, 3),)

"""Malformed inputs are refused cleanly; strange but valid ones simply work."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.faults.hostile_inputs import MEGABYTES, feed, feed_hostile_inputs
from tests.faults.inputs import GOOD, HostileInput, table
from tests.simulation import Simulation, person, simulate
from tests.test_cli import planwise

STRANGE = (
    "O'Brien",
    'a "quoted" name',
    "張偉",
    "Ødegård Ñandú",
    "Zoe\u0308 and Zo\u00eb",
    "👩🏽‍💻 🏳️‍🌈",
    "שלום \u202eעולם\u202c",
    "مرحبا",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "@SUM(A1)",
    "-2",
    "'; drop table fct_yearly_events; --",
    "x'); copy (select 1) to 'canary'; --",
    "{{ config(materialized='view') }}",
    "${HOME} $(touch canary) `touch canary`",
    "a|b|c",
    "back\\slash\\n",
    "two\nlines",
    "tab\there",
    "%s %d {0}",
    "null",
    "NaN",
    "true",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "a,b;c",
    "\x1b[31mred",
    "\u200bzero width",
    "\ufeffmark",
    "0",
    "007",
    "1e5",
    "x" * 10_000,
    "\U0001f600" * 2_500,
)


def strange_people() -> list[dict[str, object]]:
    """Fifty plain people, and one with each strange text as id, department and location."""
    plain = [person(number) for number in range(50)]
    odd = [
        person(100 + number, employee_id=text, department=text, gender=text[:9], location=text)
        for number, text in enumerate(STRANGE)
    ]
    return [*plain, *odd]


def written(path: Path, people: list[dict[str, object]]) -> Path:
    columns = list(people[-1])
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(people)
    return path


@pytest.fixture(scope="module")
def strange_year(tmp_path_factory: pytest.TempPathFactory) -> Simulation:
    folder = tmp_path_factory.mktemp("strange 'people' & \"quotes\"")
    census = written(folder / "cen'sus [1] 雪.csv", strange_people())
    return simulate(folder / "a run", census=census, years=(2025, 2025), settings=["census.mask_ssn=false"])


def test_three_hundred_malformed_inputs_are_refused_cleanly(capsys: pytest.CaptureFixture[str]) -> None:
    figures = feed_hostile_inputs(300)
    with capsys.disabled():
        print(f"\n{figures}")
    assert figures.lost == ()
    assert (figures.fed, figures.refused) == (300, 300)
    assert figures.megabytes < MEGABYTES


def test_the_harness_loses_what_is_accepted_or_not_told(tmp_path: Path) -> None:
    accepted = HostileInput(
        name="good", arguments=("run", "--year", "2025", "--census", "census.csv"), files={"census.csv": GOOD}
    )
    untold = HostileInput(name="untold", arguments=("run", "--census", "gone.csv"), says=("no such words",))
    makes = HostileInput(name="makes a file", arguments=("census", "make", "--out", "new.csv"))
    faults = []
    for one in (accepted, untold, makes):
        (tmp_path / one.name).mkdir()
        faults.append("; ".join(feed(one, tmp_path / one.name) or []))
    assert "exit code 0" in faults[0]
    assert "the report lacks ['no such words']" in faults[1]
    assert "wrote ('new.csv',)" in faults[2]


def test_strange_but_valid_people_are_simulated_as_anybody(strange_year: Simulation) -> None:
    assert strange_year.failed_checks() == []
    found = {row[0] for row in strange_year.rows("select employee_id from stg_census")}
    assert found == {str(someone["employee_id"]).strip() for someone in strange_people()}
    kept = strange_year.rows(
        "select count(*) from fct_workforce_snapshot where department = employee_id and location = department"
    )
    assert kept == [(len(STRANGE),)]
    assert not list(strange_year.folder.parent.rglob("canary"))


def test_strange_people_come_from_parquet_as_from_csv(strange_year: Simulation, tmp_path: Path) -> None:
    people = strange_people()
    columns = {name: [someone.get(name) for someone in people] for name in people[-1]}
    pq.write_table(pa.table(columns), tmp_path / "census.parquet")
    pages = simulate(
        tmp_path / "run",
        census=tmp_path / "census.parquet",
        years=(2025, 2025),
        settings=["census.mask_ssn=false"],
    )
    assert pages.digest("fct_yearly_events") == strange_year.digest("fct_yearly_events")


def test_strange_people_go_through_the_notebooks_into_a_strange_folder(tmp_path: Path) -> None:
    written(tmp_path / "census.csv", strange_people())
    out = tmp_path / "my 'own' \"runs\" & more"
    done = planwise(
        "run", "--year", "2025", "--census", "census.csv", "--out", out, "--json", cwd=tmp_path
    )  # fmt: skip
    said = json.loads(done.stdout)
    assert (done.returncode, said["status"]) == (0, "success"), done.stderr
    assert said["years"][0]["checks_failed"] == 0
    assert not list(tmp_path.rglob("canary"))


def test_scenario_mapping_and_census_are_refused_in_one_report(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("workforce: {rate: 1}\n")
    (tmp_path / "map.yaml").write_text("rename: {a: employee_id}\n")
    (tmp_path / "census.csv").write_text(table(columns=("who", *"bcdefg")))
    done = planwise("run", "mine.yaml", "--census", "census.csv", "--census-map", "map.yaml", "--json", cwd=tmp_path)
    rules = {error["rule"]: error["where"] for error in json.loads(done.stdout)["errors"]}
    assert done.returncode == 2
    assert rules == {"unknown_key": "mine.yaml", "missing_column": "map.yaml: rename.a"}

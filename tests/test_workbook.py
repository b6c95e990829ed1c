"""The workbook of results: the run's own figures on sheets that a finance team keeps, and nothing that runs."""

from __future__ import annotations

import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

from planwise_nb.core import store
from planwise_nb.core.errors import InputError
from planwise_nb.core.runs import Run
from planwise_nb.workforce import publication, results_workbook
from planwise_nb.workforce.results import Results, published_results
from planwise_nb.workforce.results_workbook import write_workbook
from tests.run_copies import change_tables, command, copy_of, cut, whole_copy

HOSTILE = "=cmd|' /C calc'!A0"
HEADER = 4


@pytest.fixture(scope="module")
def results(finished_run: Run) -> Results:
    return published_results(finished_run.folder)


@pytest.fixture(scope="module")
def book(finished_run: Run) -> Any:
    return openpyxl.load_workbook(finished_run.folder / "export" / "results.xlsx")


def written(file: Path, *runs: Results, people_of: Path | None = None) -> Any:
    write_workbook(file, runs, people_of=people_of)
    return openpyxl.load_workbook(file)


def rows_of(sheet: Any) -> list[dict[str, Any]]:
    heads = [str(cell.value).split("\n")[0] for cell in sheet[HEADER]]
    return [dict(zip(heads, row, strict=True)) for row in sheet.iter_rows(min_row=HEADER + 1, values_only=True)]


def published(run: Run, query: str) -> list[tuple[Any, ...]]:
    with store.connect() as connection:
        publication.open_published(connection, run.folder)
        return connection.execute(query).fetchall()


def many(results: Results, count: int) -> Results:
    """The results of a run of ``count`` members, all equal but for their names."""
    names = [f"member {number:03}" for number in range(count)]
    frames = {
        name: getattr(results, name).merge(frame_of(names), how="cross").drop(columns="scenario_id")
        for name in ("metrics", "validation", "levels", "parameters")
    }
    return replace(results, **{name: frame.rename(columns={"member": "scenario_id"}) for name, frame in frames.items()})


def frame_of(names: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"member": names})


def test_every_run_writes_it_and_its_trail_names_it(finished_run: Run) -> None:
    last = finished_run.manifest["steps"][-1]
    assert last["step"] == "multi_year_summary" and "export/results.xlsx" in last["files"]


def test_contents_page_lists_every_sheet_and_says_where_the_run_comes_from(finished_run: Run, book: Any) -> None:
    page = {row[0].value: row[1].value for row in book["Contents"].iter_rows() if row[0].value}
    assert set(book.sheetnames) - {"Contents"} <= set(page)
    assert (page["Run"], page["Seed"]) == (finished_run.folder.name, "baseline: 42")
    assert page["Census SHA-256"] == finished_run.manifest["inputs"]["census"]["sha256"]
    links = {cell.value: cell.hyperlink.location for (cell, *_) in book["Contents"].iter_rows() if cell.hyperlink}
    assert links["Pay by level"] == "'Pay by level'!A1"


def test_headcount_of_each_year_adds_up_on_its_row(book: Any) -> None:
    rows = rows_of(book["Headcount"])
    assert [row["Year"] for row in rows] == [2025, 2026]
    for row in rows:
        flows = row["Hires"] + row["Experienced exits"] + row["Reductions"] + row["New-hire exits"]
        assert row["Opening"] + flows == row["Closing"] and row["Hires"] >= 0 >= row["Experienced exits"]


def test_figures_are_those_of_the_tables_of_the_run(finished_run: Run, book: Any) -> None:
    told = [(row["Year"], row["Payroll"], row["Average pay, active"]) for row in rows_of(book["Pay"])]
    stored = published(finished_run, "select simulation_year, payroll, average_compensation from fct_year_metrics")
    assert told == [(year, float(payroll), float(average)) for year, payroll, average in sorted(stored)]


def test_bridge_leads_from_the_first_opening_to_the_last_closing(book: Any) -> None:
    parts = {row["Part"]: row["People"] for row in rows_of(book["Bridge"])}
    years = rows_of(book["Headcount"])
    assert (parts["Opening"], parts["Closing"]) == (years[0]["Opening"], years[-1]["Closing"])
    assert sum(parts.values()) - parts["Closing"] == parts["Closing"]


def test_levels_add_up_to_the_closing_headcount(book: Any) -> None:
    closing = {row["Year"]: row["Closing"] for row in rows_of(book["Headcount"])}
    for mix in rows_of(book["Level mix"]):
        assert sum(count or 0 for name, count in mix.items() if name.startswith("Level ")) == closing[mix["Year"]]
    for year, count in closing.items():
        assert sum(row["Headcount"] for row in rows_of(book["Pay by level"]) if row["Year"] == year) == count


def test_every_check_is_there_and_those_that_do_not_hold_name_offenders(finished_run: Run, book: Any) -> None:
    rows = rows_of(book["Checks"])
    [[count, failed]] = published(
        finished_run, "select count(*), count(*) filter (not is_passed) from fct_validation_results"
    )
    assert (len(rows), sum(row["Do not hold"] for row in rows)) == (count, failed)
    assert all(row["First of them"] for row in rows if row["Do not hold"])


def test_parameters_that_differ_from_baseline_stand_beside_its_values(tmp_path: Path, results: Results) -> None:
    differences = frame_of(["set"]).rename(columns={"member": "parameter_source"})
    differences = differences.assign(scenario_id="baseline", parameter_name="cola_rate", levels="1, 2", years="2025")
    differences = differences.assign(parameter_value=0.03, baseline_value=0.025)
    [row] = rows_of(written(tmp_path / "a.xlsx", replace(results, differences=differences))["Differs from baseline"])
    assert (row["Parameter"], row["Value"], row["Baseline"], row["Stated by"]) == ("cola_rate", 0.03, 0.025, "set")


def test_sheets_are_ready_to_print_and_to_read(book: Any) -> None:
    for sheet in book.worksheets:
        page = sheet.page_setup
        assert (page.paperSize, page.fitToWidth or 1, page.fitToHeight) == (9, 1, 0)
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
    for name in ("Headcount", "Pay", "Checks"):
        assert book[name].freeze_panes and book[name].print_title_rows == f"${HEADER}:${HEADER}"
    assert book["Pay"].cell(HEADER + 1, 3).number_format == "#,##0.00"
    assert book["Growth"].cell(HEADER + 1, 3).number_format == "0.00%"


def test_charts_are_excels_own_and_draw_cells(finished_run: Run) -> None:
    with zipfile.ZipFile(finished_run.folder / "export" / "results.xlsx") as bundle:
        charts = [bundle.read(name).decode() for name in bundle.namelist() if name.startswith("xl/charts/chart")]
    titles = {title for chart in charts for title in re.findall(r"<a:t>([^<]*)</a:t>", chart)}
    assert {"Headcount against target", "Bridge over all years", "Growth against target", "Payroll"} <= titles
    assert all("<c:f>" in chart and "<c:v>" in chart for chart in charts)


def test_no_cell_holds_a_formula_and_hostile_names_are_texts(tmp_path: Path, results: Results) -> None:
    frames = {name: getattr(results, name).assign(scenario_id=HOSTILE) for name in ("metrics", "levels", "validation")}
    manifest = {**results.manifest, "seeds": {HOSTILE: 42}, "command": [HOSTILE], "parent_run_id": HOSTILE}
    file = tmp_path / "hostile.xlsx"
    book = written(file, replace(results, manifest=manifest, **frames))
    assert rows_of(book["Pay"])[0]["Scenario"] == f"'{HOSTILE}"
    assert not [cell for sheet in book.worksheets for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    with zipfile.ZipFile(file) as bundle:
        assert "<f>" not in "".join(bundle.read(name).decode() for name in bundle.namelist() if "worksheets" in name)


def test_equal_results_give_equal_bytes(tmp_path: Path, finished_run: Run) -> None:
    for name in ("one", "two"):
        write_workbook(tmp_path / name, [published_results(finished_run.folder)])
    made = (tmp_path / "one").read_bytes()
    assert made == (tmp_path / "two").read_bytes()
    assert made == (finished_run.folder / "export" / "results.xlsx").read_bytes()


def test_several_runs_stand_side_by_side(tmp_path: Path, results: Results) -> None:
    other = replace(results, manifest={**results.manifest, "run_id": "20200101-000000-aaaaaaaa"})
    book = written(tmp_path / "two.xlsx", results, other)
    for sheet in ("Headcount", "Pay by level", "Checks", "Parameters"):
        assert list(dict.fromkeys(row["Run"] for row in rows_of(book[sheet]))) == [results.run_id, other.run_id]
    assert book["Charts"]["A1"].value == "Side by side"
    assert [cell.value for cell in next(row for row in book["Contents"].iter_rows() if row[0].value == "Run")][1:] == [
        results.run_id, other.run_id]  # fmt: skip


def test_scenarios_stand_in_the_order_of_the_run(tmp_path: Path, results: Results) -> None:
    names = ["lean", "baseline", "high_growth"]
    frames = {name: pd.concat([getattr(results, name).assign(scenario_id=each) for each in names])
              for name in ("metrics", "levels", "parameters")}  # fmt: skip
    book = written(tmp_path / "three.xlsx", replace(results, **frames))
    for sheet in ("Headcount", "Bridge", "Level mix", "Parameters"):
        assert list(dict.fromkeys(row["Scenario"] for row in rows_of(book[sheet]))) == names


def test_an_ensemble_of_hundreds_stays_a_small_workbook(tmp_path: Path, results: Results) -> None:
    book = written(tmp_path / "many.xlsx", many(results, 300))
    assert len(rows_of(book["Headcount"])) == 20 * 2
    assert "The first 20 of 300 scenarios" in book["Headcount"]["A2"].value
    assert {row["Scenarios"] for row in rows_of(book["Checks"])} == {300}
    assert (tmp_path / "many.xlsx").stat().st_size < 300_000


def test_people_are_there_on_request_only_with_masked_numbers(
    finished_run: Run, results: Results, book: Any, tmp_path: Path
) -> None:
    assert not [name for name in book.sheetnames if name.startswith(("People", "Events"))]
    folder = copy_of(finished_run, tmp_path)
    change_tables(folder, "select * replace ('123-45-6789' as employee_ssn) from {rows}", having="employee_ssn")
    full = written(tmp_path / "people.xlsx", results, people_of=folder)
    assert {row["employee_ssn"] for row in rows_of(full["People 2026"])} == {"XXX-XX-6789"}
    [[count]] = published(finished_run, "select count(*) from fct_yearly_events where simulation_year = 2025")
    assert len(rows_of(full["Events 2025"])) == count


def test_people_who_do_not_fit_a_sheet_are_refused_before_anything_is_written(
    finished_run: Run, results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results_workbook, "SHEET_ROWS", 50)
    with pytest.raises(InputError, match=r"holds 50 rows; fct_workforce_snapshot has \d+ in 2025(.|\n)*people_2025"):
        write_workbook(tmp_path / "people.xlsx", [results], people_of=finished_run.folder)
    assert list(tmp_path.iterdir()) == []


def test_a_run_on_its_way_gives_the_years_so_far(finished_run: Run, tmp_path: Path) -> None:
    run = cut(whole_copy(finished_run, tmp_path / "runs"), 8)
    told = rows_of(written(tmp_path / "so far.xlsx", published_results(run.folder))["Headcount"])
    assert [row["Year"] for row in told] == [2025]
    cut(run, 3)
    with pytest.raises(InputError, match="has no finished year yet"):
        published_results(run.folder)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--employees"], "--employees is for a workbook"),
        (["--xlsx", "results.xls"], "is of an unknown format"),
        (["--xlsx", "gone/results.xlsx"], "lies in a folder that does not exist"),
    ],
)
def test_what_cannot_be_written_is_refused(
    finished_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    code, said, report = command("report", finished_run.folder.name, *words, "--out", finished_run.ledger.out)
    assert (code, said, message in report) == (2, "", True)
    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_the_workbook_with_people(finished_run: Run, tmp_path: Path) -> None:
    file = tmp_path / "mine.xlsx"
    words = ["report", finished_run.folder.name, "--xlsx", file, "--out", finished_run.ledger.out]
    assert command(*words, "--employees")[0] == 0
    assert {"People 2025", "Events 2026"} <= set(openpyxl.load_workbook(file, read_only=True).sheetnames)
    assert "exists already" in command(*words)[2]

"""Exports are safe: no text runs in a spreadsheet, no number is unmasked, nothing is written by half."""

from __future__ import annotations

import csv
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest

from planwise_nb.core import exports, store
from planwise_nb.core.errors import InputError
from planwise_nb.core.exports import Exported, export
from planwise_nb.core.runs import Run
from planwise_nb.workforce.exported_tables import TABLES
from planwise_nb.workforce.publication import EMPLOYEE_LEVEL, published_files
from tests.run_copies import answer, change_tables, command, copy_of, withdraw

RUNS_IN_A_SPREADSHEET = [
    "=1+1", "+1", "-2", "@SUM(A1)", "\tx", "\rx", "\nx", "  =1", "\u00a0=1", "\u3000-x", "\u200b@x", "\ufeff=1",
    "＝1", "＋1", "－1", "＠x", " ＝x", "=HYPERLINK(\"http://x.y\")", "=cmd|' /C calc'!A0", "-", "\x01=1",
]  # fmt: skip
HARMLESS = ["Sales", "a=b", "'=quoted", "", "x\n=1", "http://x.y", "#N/A", "1e5", "Łódź", "{=1}", "山田"]
HEADER = "=cmd|' /C calc'!A0"


def written(texts: list[str], file: Path, header: str = HEADER) -> Exported:
    with store.connect() as connection:
        connection.execute(f'create table given (place integer, "{header}" varchar, amount decimal(9, 2), day date)')
        rows = [(place, text, -2.5, "2025-01-31") for place, text in enumerate(texts)]
        connection.executemany("insert into given values (?, ?, ?, ?)", rows)
        return export(connection, connection.table("given"), file)


def cells(file: Path) -> list[list[Any]]:
    return [list(row) for row in openpyxl.load_workbook(file).active.iter_rows()]


def read_csv(file: Path) -> list[list[str]]:
    with file.open(encoding="utf-8", newline="") as source:
        return list(csv.reader(source))


def test_csv_gives_what_would_run_an_apostrophe_and_leaves_the_rest(tmp_path: Path) -> None:
    written(RUNS_IN_A_SPREADSHEET + HARMLESS, tmp_path / "rows.csv")
    header, *rows = read_csv(tmp_path / "rows.csv")
    assert [row[1] for row in rows] == [f"'{text}" for text in RUNS_IN_A_SPREADSHEET] + HARMLESS
    assert header == ["place", f"'{HEADER}", "amount", "day"]
    assert {(row[2], row[3]) for row in rows} == {("-2.50", "2025-01-31")}


def test_excel_holds_texts_only_where_texts_are(tmp_path: Path) -> None:
    texts = [text for text in RUNS_IN_A_SPREADSHEET + HARMLESS if text.isprintable() and text]
    written(texts, tmp_path / "rows.xlsx")
    header, *rows = cells(tmp_path / "rows.xlsx")
    hostile = set(RUNS_IN_A_SPREADSHEET)
    assert [row[1].value for row in rows] == [f"'{text}" if text in hostile else text for text in texts]
    assert {row[1].data_type for row in rows} == {"s"} and header[1].value == f"'{HEADER}"
    assert {(row[2].value, row[2].data_type, row[3].value) for row in rows} == {(-2.5, "n", datetime(2025, 1, 31))}
    sheet = zipfile.ZipFile(tmp_path / "rows.xlsx").read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet and "hyperlink" not in sheet.lower().replace("=hyperlink(", "")


def test_excel_shows_pictures_of_signs_that_it_refuses(tmp_path: Path) -> None:
    written(["a\x00b\x1b\x0b", "\uffffc"], tmp_path / "rows.xlsx")
    assert [row[1].value for row in cells(tmp_path / "rows.xlsx")[1:]] == ["a␀b␛␋", "�c"]


@pytest.mark.parametrize(("sign", "most"), [("a", 32_767), ("é", 32_767), ("😀", 16_383)])
def test_a_cell_too_long_for_excel_is_cut_with_a_mark_and_counted(tmp_path: Path, sign: str, most: int) -> None:
    assert written([sign * (most + 1), sign * most], tmp_path / "rows.xlsx") == Exported(2, 1)
    cut, whole = (row[1].value for row in cells(tmp_path / "rows.xlsx")[1:])
    assert whole == sign * most
    assert cut.startswith(sign * 1000) and cut.endswith("…")
    assert len(cut.encode("utf-16-le")) <= 2 * 32_767


def test_more_rows_than_a_sheet_holds_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    with store.connect() as connection:
        rows = connection.sql("select * from range(1048576)")
        with pytest.raises(InputError, match="holds 1,048,576 rows; there are 1,048,576 and a header"):
            export(connection, rows, tmp_path / "rows.xlsx")
        assert list(tmp_path.iterdir()) == []
        assert export(connection, rows, tmp_path / "rows.csv").rows == 1_048_576


def test_an_existing_file_stays_unless_forced(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("mine")
    with store.connect() as connection:
        rows = connection.sql("select 1 as one")
        with pytest.raises(InputError, match=r"exists already.\n.*--force"):
            export(connection, rows, file)
        assert file.read_text() == "mine"
        export(connection, rows, file, force=True)
    assert file.read_text() == "one\n1\n"


@pytest.mark.parametrize("kind", exports.KINDS)
def test_an_export_that_fails_leaves_the_old_file_and_no_draft(tmp_path: Path, kind: str) -> None:
    file = tmp_path / f"rows{kind}"
    file.write_text("mine")
    with store.connect() as connection:
        rows = connection.sql("select case when i = 4999 then error('no') else 'x' end as a from range(5000) as t(i)")
        with pytest.raises(duckdb.Error, match="no"):
            export(connection, rows, file, force=True)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


@pytest.fixture
def hostile_run(finished_run: Run, tmp_path: Path) -> Path:
    """A run whose census has hostile departments and ids, and whose tables keep their numbers."""
    folder = copy_of(finished_run, tmp_path / "runs")
    change_tables(
        folder,
        "select * replace ('@' || employee_id as employee_id, '=cmd|x!A0' as department,"
        " '-123456789' as employee_ssn) from {rows}",
        having="department",
    )
    return folder


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_hostile_people_are_exported_as_texts_with_masked_numbers(hostile_run: Path, tmp_path: Path, kind: str) -> None:
    file = tmp_path / f"people.{kind}"
    words = ["export", hostile_run.name, file, "--table", "fct_workforce_snapshot", "--year", "2026"]
    assert command(*words, "--out", tmp_path / "runs")[0] == 0
    rows = read_csv(file) if kind == "csv" else [[cell.value for cell in row] for row in cells(file)]
    header, *people = rows
    found = {name: {row[header.index(name)] for row in people} for name in header}
    assert found["department"] == {"'=cmd|x!A0"}
    assert found["employee_ssn"] == {"XXX-XX-6789"}
    assert all(who.startswith("'@") for who in found["employee_id"])
    assert set(map(str, found["simulation_year"])) == {"2026"}


def test_parquet_is_unchanged_but_for_masked_numbers(hostile_run: Path, tmp_path: Path) -> None:
    file = tmp_path / "people.parquet"
    told = answer("export", hostile_run.name, file, "--table", "fct_workforce_snapshot", "--out", tmp_path / "runs")
    with store.connect() as connection:
        rows = connection.read_parquet([str(file)])
        published = [str(path) for path in sorted(hostile_run.glob("export/fct_workforce_snapshot/*.parquet"))]
        masked = "* replace ('XXX-XX-6789' as employee_ssn)"
        assert rows.fetchall() == connection.read_parquet(published).project(masked).fetchall()
        assert told["rows"] == len(rows.fetchall()) > 0


def test_every_table_with_a_number_names_it_employee_ssn(finished_run: Run) -> None:
    for table in EMPLOYEE_LEVEL:
        with store.connect() as connection:
            columns = connection.read_parquet([str(finished_run.folder / f"export/{table}/2025.parquet")]).columns
        assert {name for name in columns if "ssn" in name} <= {"employee_ssn"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["rows.txt"], "Name a file that ends in one of .csv, .xlsx, .parquet"),
        (["nowhere/rows.csv"], "a folder that does not exist"),
        (["folder.csv", "--force"], "is a folder"),
        (["rows.csv", "--table", "fct_year_metrics; drop table x"], "Runs publish no table"),
        (["rows.csv", "--table", "stg_census"], "fct_workforce_snapshot"),
        (["rows.csv", "--year", "1999"], "It has the years 2025, 2026"),
    ],
)
def test_a_wrong_export_is_refused(finished_run: Run, tmp_path: Path, words: list[str], message: str) -> None:
    (tmp_path / "folder.csv").mkdir()
    name, *options = words
    code, _, report = command(
        "export", finished_run.folder.name, tmp_path / name, *options, "--out", finished_run.ledger.out
    )
    assert (code, message in report) == (2, True), report
    assert [path.name for path in tmp_path.iterdir()] == ["folder.csv"]


def test_nothing_is_exported_into_the_run(finished_run: Run) -> None:
    target = finished_run.folder / "export" / "fct_year_metrics" / "2025.parquet"
    words = ["export", finished_run.folder.name, target, "--force", "--out", finished_run.ledger.out]
    code, _, report = command(*words)
    assert code == 2 and "inside a run" in report


def test_a_record_that_leads_out_of_the_run_names_no_file_of_it(finished_run: Run) -> None:
    own = [f"export/fct_year_metrics/{year}.parquet" for year in (2025, 2026)]
    strange = ["export/fct_year_metrics/../../manifest.json", "export/fct_year_metrics/../../../x.parquet"]
    found = published_files(finished_run.folder, "fct_year_metrics", [*strange, *own])
    assert found == [str(finished_run.folder / name) for name in own]


def test_what_is_not_published_yet_is_refused(finished_run: Run, tmp_path: Path) -> None:
    folder = copy_of(finished_run, tmp_path / "runs")
    withdraw(folder, "fct_year_metrics/*")
    code, _, report = command("export", folder.name, tmp_path / "rows.csv", "--out", tmp_path / "runs")
    assert code == 2 and "has not published fct_year_metrics yet" in report


@pytest.mark.parametrize("table", TABLES)
def test_every_published_table_can_be_exported(finished_run: Run, tmp_path: Path, table: str) -> None:
    file = tmp_path / "rows.xlsx"
    told = answer(
        "export", finished_run.folder.name, file, "--table", table, "--year", "2025", "--out", finished_run.ledger.out
    )
    assert (told["status"], len(cells(file))) == ("done", told["rows"] + 1)

"""Writes rows to a file for other programs: CSV and Excel, with no text that a spreadsheet would run, and Parquet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd

from planwise_nb.core import store
from planwise_nb.core.digests import quoted
from planwise_nb.core.errors import InputError
from planwise_nb.core.manifest import DRAFT
from planwise_nb.core.safe_texts import safe, safe_names, with_texts
from planwise_nb.core.sheets import SHEET_ROWS, count_cut, excel_query, fetched, kinds_of, open_workbook, write_rows

KINDS = (".csv", ".xlsx", ".parquet")


@dataclass(frozen=True)
class Exported:
    """What was written: the number of rows, and of cells that were too long for Excel and are cut."""

    rows: int
    cut_cells: int = 0


def export(
    connection: duckdb.DuckDBPyConnection, rows: duckdb.DuckDBPyRelation, file: Path, *, force: bool = False
) -> Exported:
    """Write ``rows`` to ``file``, whose extension says the format, by atomic rename.

    In CSV and Excel a text that a spreadsheet would run as a formula gets an apostrophe before it, headers too;
    numbers, dates and truth values stay what they are. Parquet is written unchanged. Raises ``InputError`` for a file
    that exists, unless ``force`` is given, for a folder that does not, for an unknown extension and for more rows than
    a sheet of Excel holds; nothing is written then.
    """
    kind = file.suffix.lower()
    check_target(file, KINDS, force)
    count = int(rows.count("*").fetchall()[0][0])
    if kind == ".xlsx" and count >= SHEET_ROWS:
        raise InputError(
            f"A sheet of Excel holds {SHEET_ROWS:,} rows; there are {count:,} and a header.",
            fix="Export fewer rows, or to a .csv or .parquet file.",
        )
    with drafted(file) as draft:
        if kind == ".parquet":
            rows.write_parquet(str(draft), compression="zstd")
            return Exported(count)
        header = safe_names(connection, rows.columns)
        if kind == ".csv":
            named = zip(rows.columns, header, strict=True)
            renamed = ", ".join(f"{quoted(column)} as {quoted(name)}" for column, name in named)
            connection.sql(with_texts(rows, safe)).project(renamed).write_csv(str(draft), header=True)
            return Exported(count)
        _write_workbook(connection, rows, header, draft)
        return Exported(count, count_cut(connection, rows))


def export_frame(frame: pd.DataFrame, file: Path, *, force: bool = False) -> Path:
    """Write ``frame`` to ``file``, as ``export`` does; the file."""
    with store.connect() as connection:
        export(connection, connection.from_df(frame), file, force=force)
    return file


def _write_workbook(
    connection: duckdb.DuckDBPyConnection, rows: duckdb.DuckDBPyRelation, header: Sequence[str], file: Path
) -> None:
    with open_workbook(file, streaming=True) as book:
        sheet = book.add_worksheet("rows")
        sheet.freeze_panes(1, 0)
        for place, name in enumerate(header):
            sheet.write_string(0, place, name)
        found = connection.execute(excel_query(rows))
        write_rows(sheet, kinds_of(found), fetched(found), top=1)


def check_target(file: Path, kinds: Sequence[str], force: bool) -> None:
    """Raise ``InputError`` unless ``file`` ends in one of ``kinds`` and may be written."""
    if file.suffix.lower() not in kinds:
        raise InputError(f"{file} is of an unknown format.", fix=f"Name a file that ends in one of {', '.join(kinds)}.")
    if file.is_dir() or not file.parent.is_dir():
        what = "is a folder" if file.is_dir() else "lies in a folder that does not exist"
        raise InputError(f"{file} {what}.", fix="Name a file in a folder that exists.")
    if file.exists() and not force:
        raise InputError(f"{file} exists already.", fix="Name another file, or write over it with --force.")


@contextmanager
def drafted(file: Path) -> Iterator[Path]:
    """The path of a draft beside ``file``, which becomes ``file`` when all went well and goes away when not.

    Raises ``InputError`` where the draft cannot be written.
    """
    draft = file.with_name(f".{file.name}{DRAFT}")
    try:
        yield draft
        draft.replace(file)
    except duckdb.IOException as error:
        raise InputError(f"{file} cannot be written: {error}", fix="Check the folder and its permissions.") from error
    finally:
        draft.unlink(missing_ok=True)

"""Excel workbooks (.xlsx) as texts: bounded in what they may unpack to, whatever they claim to hold."""

from __future__ import annotations

import datetime as dt
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openpyxl

LAST_ROW = 1_048_576
LAST_COLUMN = 16_384
"""The corner of the largest sheet that Excel can save."""

MOST_CELLS = 50_000_000
ALWAYS_UNPACKED = 100_000_000
MOST_UNPACKED = 4_000_000_000
MOST_TIMES_LARGER = 100
"""A sheet of people unpacks to some ten times its size, a file made to fill the memory to a thousand times."""

Row = tuple[Any, ...]


class WorkbookError(Exception):
    """The workbook cannot be read; ``fix`` says what helps."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.fix = fix


def read_sheet(path: Path) -> tuple[Row, list[list[str | None]]]:
    """The first row of the first sheet, and below it the columns as texts, blank cells being None.

    Raises ``WorkbookError`` for a file that is no readable workbook, is empty, or unpacks to absurd sizes.
    """
    try:
        _check_size(path)
        with _first_sheet(path) as sheet:
            header = next(sheet.iter_rows(max_row=1, max_col=LAST_COLUMN, values_only=True), ())
            while header and header[-1] is None:
                header = header[:-1]
            rows = _rows(sheet, len(header)) if header else []
    except WorkbookError:
        raise
    except Exception as error:  # a broken workbook makes openpyxl stumble over anything
        what = f"is not a readable Excel workbook: {error}"
        raise WorkbookError(what, "Save it again as .xlsx, without a password.") from None
    if not header:
        fix = "Put the header and the employees on the first sheet, the header on its first line."
        raise WorkbookError("has nothing on the first line of its first sheet", fix)
    return header, [[_text(row[place]) for row in rows] for place in range(len(header))]


def _check_size(path: Path) -> None:
    with zipfile.ZipFile(path) as bundle:
        unpacked = sum(part.file_size for part in bundle.infolist())
    larger = unpacked > MOST_TIMES_LARGER * path.stat().st_size
    if unpacked > MOST_UNPACKED or (unpacked > ALWAYS_UNPACKED and larger):
        what = f"unpacks to {unpacked:,} bytes, far more than a sheet of people"
        raise WorkbookError(what, "Save it again, or save the sheet as CSV UTF-8.")


@contextmanager
def _first_sheet(path: Path) -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        book: Any = openpyxl.load_workbook(path, read_only=True, data_only=True)
        try:
            sheet = book.worksheets[0]
            sheet.reset_dimensions()  # what the file says of its size need not be true
            yield sheet
        finally:
            book.close()


def _rows(sheet: Any, width: int) -> list[Row]:
    """The rows below the header, without the blank ones at the end."""
    rows = list(sheet.iter_rows(min_row=2, max_row=LAST_ROW, max_col=width, values_only=True))
    while rows and not any(value is not None and value != "" for value in rows[-1]):
        rows.pop()
    if (cells := len(rows) * width) > MOST_CELLS:
        what = f"has a first sheet of {len(rows):,} rows and {width:,} columns, {cells:,} cells"
        raise WorkbookError(what, "Remove what stands far below the employees, or save the sheet as CSV UTF-8.")
    return rows


def _text(value: object) -> str | None:
    """A cell as text: whole numbers without a point, days as ISO dates."""
    if value is None or value == "":
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    return str(value)

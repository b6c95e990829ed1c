"""Sheets of Excel, written in one way: a text is a text whatever it looks like, and equal content gives equal bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from planwise_nb.core.digests import quoted
from planwise_nb.core.safe_texts import safe, texts, with_texts

SHEET_ROWS = 1_048_576
CELL_LENGTH = 32_767
WIDE = r"\x{10000}-\x{10FFFF}"
"""The most that a sheet and a cell of Excel hold; a cell counts a wide letter, such as an emoji, twice."""

CUT = "…"
REFUSED = {sign: chr(0x2400 + sign) for sign in range(32) if chr(sign) not in "\t\n\r"} | {0xFFFE: "�", 0xFFFF: "�"}
"""Signs that Excel refuses, each with the picture that stands for it."""

CREATED = datetime(2000, 1, 1)
"""What every workbook says of its making, so that equal content gives equal bytes."""

EARLIEST = "1900"
"""Excel knows no day before; an earlier one is written as text."""

CHUNK = 10_000


@contextmanager
def open_workbook(file: Path, *, streaming: bool = False) -> Iterator[Workbook]:
    """A new workbook at ``file``, written on leaving. ``streaming`` keeps one row of a sheet in memory at a time: rows
    are then written from top to bottom, and charts show their figures once a program has calculated them.
    """
    kinds = {"constant_memory": streaming, "default_date_format": "yyyy-mm-dd", "remove_timezone": True}
    book = Workbook(str(file), kinds)
    book.set_properties({"created": CREATED})
    try:
        yield book
    finally:
        book.close()


def excel_query(rows: duckdb.DuckDBPyRelation) -> str:
    """The SQL of ``rows`` as a sheet takes them: no text that would run, no sign that Excel refuses, no text too long
    for a cell, no number that is none.
    """
    named = zip(rows.columns, map(str, rows.types), strict=True)
    floating = [quoted(name) for name, kind in named if kind in ("DOUBLE", "FLOAT")]
    query = with_texts(rows, safe, _shown, _fitting)
    finite = ", ".join(f"case when isfinite({name}) then {name} end as {name}" for name in floating)
    return f"select * replace ({finite}) from ({query})" if finite else query  # noqa: S608


def count_cut(connection: duckdb.DuckDBPyConnection, rows: duckdb.DuckDBPyRelation) -> int:
    """How many cells of ``rows`` are cut in Excel."""
    cut = " + ".join(f"count(*) filter ({_is_too_long(text)})" for text in texts(rows))
    found = connection.execute(f"select {cut or 0} from ({with_texts(rows, safe, _shown)})")  # noqa: S608
    return int(found.fetchall()[0][0])


def kinds_of(found: duckdb.DuckDBPyConnection) -> list[str]:
    """The type of each column of a query that was executed."""
    return [str(column[1]) for column in found.description]


def fetched(found: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    """The rows of a query that was executed, few of them in memory at a time."""
    while chunk := found.fetchmany(CHUNK):
        yield from chunk


def write_rows(
    sheet: Worksheet,
    kinds: Sequence[str],
    rows: Iterable[tuple[Any, ...]],
    *,
    top: int = 0,
    formats: Sequence[Format | None] = (),
) -> int:
    """Write ``rows`` of an ``excel_query`` from row ``top`` (0 is the first) on; how many there are.

    ``kinds`` has the DuckDB type of each column, ``formats`` its format where given. A null stays an empty cell.
    """
    shapes = [*formats, *[None] * (len(kinds) - len(formats))]
    writers = [(place, _writer(sheet, kind), shapes[place]) for place, kind in enumerate(kinds)]
    written = 0
    for row in rows:
        for place, write, shape in writers:
            if row[place] is not None:
                write(top + written, place, row[place], shape)
        written += 1
    return written


def _writer(sheet: Worksheet, kind: str) -> Callable[..., object]:
    if kind.startswith(("DATE", "TIMESTAMP")):
        return partial(_write_day, sheet)
    writers: dict[str, Callable[..., object]] = {"VARCHAR": sheet.write_string, "BOOLEAN": sheet.write_boolean}
    number: Callable[..., object] = sheet.write_number
    return writers.get(kind, number)


def _write_day(sheet: Worksheet, row: int, column: int, day: date, shape: Format | None) -> None:
    if day.isoformat() < EARLIEST:
        sheet.write_string(row, column, day.isoformat(), shape)
    else:
        sheet.write_datetime(row, column, day, shape)


def _shown(text: str) -> str:
    """The SQL of a text with pictures for the signs that Excel refuses."""
    signs = " || ".join(f"chr({sign})" for sign in REFUSED)
    return f"translate({text}, {signs}, '{''.join(REFUSED.values())}')"


def _is_too_long(text: str) -> str:
    """The SQL of whether a text is too long for a cell; most are short, which their bytes say."""
    twice = f"length(regexp_replace({text}, '[^{WIDE}]', '', 'g'))"
    return f"case when strlen({text}) > {CELL_LENGTH} then length({text}) + {twice} > {CELL_LENGTH} else false end"


def _fitting(text: str) -> str:
    """The SQL of a text cut to what a cell holds, with a mark where it was."""
    room = f"case when regexp_matches({text}, '[{WIDE}]') then {CELL_LENGTH // 2} else {CELL_LENGTH - 1} end"
    return f"case when {_is_too_long(text)} then left({text}, {room}) || '{CUT}' else {text} end"

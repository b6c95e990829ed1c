"""HR extracts as people save them: delimited text, Parquet, Excel; read strictly, nothing guessed but the delimiter.

``read_extract`` gives an Arrow table with the file's columns, in its order, and ``LINE``: the line of the file (text
and Excel, the header being line 1) or the number of the row (Parquet, from 1). Text and Excel columns are text, blank
cells null; Parquet columns keep their type.
"""

from __future__ import annotations

import codecs
import csv
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from planwise_nb.core import store
from planwise_nb.core.errors import InputError
from planwise_nb.workforce.workbooks import WorkbookError, read_sheet

LINE = "line of the file"
DELIMITERS = ",;\t|"
LONGEST_HEADER = 100_000
MOST_COLUMNS = 2_000
MOST_ROWS = 20_000_000
OTHER_WORKBOOKS = (".xls", ".xlsm", ".xlsb", ".xltx", ".ods", ".numbers")
OTHER_ENCODINGS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, b"\x00\x00\xfe\xff")


def read_extract(path: Path) -> pa.Table:
    """The rows of the file at ``path``; its extension says the format.

    Raises ``InputError`` for a file that is missing, empty, broken, truncated, of an unknown format or not UTF-8, and
    for a header without names or with a name twice (in any case of letters).
    """
    suffix = path.suffix.lower()
    reader = READERS.get(suffix)
    if path.is_dir():
        _refuse(path, "is a folder, not a file", "Give the file of the census.")
    if not os.path.lexists(path):
        _refuse(path, "does not exist", "Check the path.")
    if not path.is_file():
        _refuse(path, "is a pipe, a device or a link to nothing, not a file", "Give the file of the census.")
    if reader is None and suffix in OTHER_WORKBOOKS:
        _refuse(path, f"is a workbook of the kind {suffix}, which is not read", "Open it and save it as .xlsx.")
    if reader is None:
        _refuse(path, "is of an unknown format", f"Save it as one of {', '.join(READERS)}.")
    try:
        if path.stat().st_size == 0:
            _refuse(path, "is empty", "Export it again: it must hold a header and at least one employee.")
        table = reader(path)
    except OSError as error:
        _refuse(path, f"cannot be read: {error}", "Check the file and its permissions, or export it again.")
    if table.num_rows == 0:
        _refuse(path, "holds a header and no rows", "Export it again: it must hold at least one employee.")
    return table


def file_kind(path: Path) -> str:
    """``row`` for a Parquet file and ``line`` for the others: what the numbers of its rows count."""
    return "row" if path.suffix.lower() == ".parquet" else "line"


def _read_text(path: Path) -> pa.Table:
    header = _header_line(path)
    delimiter = max(DELIMITERS, key=lambda candidate: len(_split(header, candidate)))
    names = _checked_names(path, _split(header, delimiter))
    query = """
        select row_number() over () + 1 as "line of the file", *
        from read_csv(
            $file, delim = $delimiter, columns = $columns, header = true, auto_detect = false,
            quote = '"', escape = '"', nullstr = '', strict_mode = true, null_padding = false,
            compression = 'none', hive_partitioning = false
        )
    """
    values = {"file": _literal(path), "delimiter": delimiter, "columns": dict.fromkeys(names, "VARCHAR")}
    with store.connect() as connection:
        try:
            table = connection.sql(query, params=values).to_arrow_table()
        except duckdb.Error as error:
            _refuse_text(path, str(error))
    return _with_true_lines(path, table)


def _header_line(path: Path) -> str:
    with path.open("rb") as file:
        first = file.readline(LONGEST_HEADER + 1).removeprefix(codecs.BOM_UTF8)
    if len(first) > LONGEST_HEADER:
        _refuse(path, f"has a header of more than {LONGEST_HEADER:,} bytes", "Put the column names on line 1.")
    if first.startswith(OTHER_ENCODINGS) or b"\x00" in first:
        _refuse(path, "is not UTF-8 text (it looks like UTF-16)", "Save it as UTF-8, in Excel 'CSV UTF-8'.")
    try:
        header = first.decode("utf-8")
    except UnicodeDecodeError:
        _refuse(path, "is not UTF-8 text: line 1 holds other bytes", "Save it as UTF-8, in Excel 'CSV UTF-8'.")
    header = header.splitlines()[0] if header.strip() else ""
    if not header.strip():
        _refuse(path, "starts with an empty line instead of a header", "Put the column names on line 1.")
    if header.count('"') % 2:
        _refuse(
            path, "has a quoted value in line 1 that does not end", "Close the quote, and keep a header on one line."
        )
    return header


def _split(header: str, delimiter: str) -> list[str]:
    return next(csv.reader([header], delimiter=delimiter))


def _checked_names(path: Path, header: Sequence[Any]) -> list[str]:
    names = ["" if name is None else str(name).strip() for name in header]
    while names and not names[-1]:
        names.pop()
    if len(names) > MOST_COLUMNS:
        _refuse(path, f"has {len(names):,} columns, at most {MOST_COLUMNS:,} are read", "Leave out what is not needed.")
    folded = [name.lower() for name in names]
    twice = sorted({name for name in folded if name and folded.count(name) > 1})
    if twice:
        _refuse(
            path, f"has the column {', '.join(twice)} more than once in its header", "Keep one column of each name."
        )
    if not names or "" in names or LINE in folded:
        _refuse(path, "has a column without a usable name in its header", "Give every column a name of its own.")
    return names


def _literal(path: Path) -> str:
    """The path as DuckDB takes it for one file, whatever pattern signs its name holds."""
    return re.sub(r"[\[*?]", lambda sign: f"[{sign.group()}]", str(path.resolve()))


def _refuse_text(path: Path, reason: str) -> NoReturn:
    line = re.search(r"CSV Error on Line: (\d+)", reason)
    where = f" in line {line.group(1)}" if line else ""
    count = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", reason)
    if "unicode" in reason:
        _refuse(path, f"is not UTF-8 text{where}", "Save it as UTF-8, in Excel 'CSV UTF-8'.")
    if count:
        expected, found = count.groups()
        what = f"has {found} values{where} where the header has {expected} columns"
        _refuse(path, what, "Complete that line, or export the file again: it may have been cut off.")
    if "unterminated quote" in reason:
        _refuse(
            path, f"has a quoted value{where} that does not end", "Close the quote, and double quotes inside a value."
        )
    if "Maximum line size" in reason:
        _refuse(path, f"has a line of more than 2 MB{where}", "Look for a quote that is not closed.")
    if "invalid state" in reason:
        _refuse(path, "mixes kinds of line ends or quotes", "Open it in a spreadsheet and save it again as CSV UTF-8.")
    _refuse(path, f"cannot be read{where}: {reason.splitlines()[0]}", "Export it again as plain CSV in UTF-8.")


def _with_true_lines(path: Path, table: pa.Table) -> pa.Table:
    """The table with its line numbers moved on for blank lines, and for line ends inside quoted values."""
    content = np.memmap(path, dtype=np.uint8, mode="r")
    ends = np.flatnonzero(content == ord("\n"))
    if len(ends) <= table.num_rows + 1:
        return table
    lines = table[LINE].to_numpy()
    inside = sum(pc.fill_null(pc.count_substring(table[name], "\n"), 0).to_numpy() for name in table.column_names[1:])
    if np.any(inside):
        lines = lines + np.concatenate([[0], np.cumsum(inside)[:-1]])
    else:
        starts = np.concatenate([[0], ends[:-1] + 1])
        blank = (ends == starts) | ((ends == starts + 1) & (content[starts] == ord("\r")))
        numbers = np.flatnonzero(blank) + 1
        lines = lines + np.searchsorted(numbers - np.arange(len(numbers)), lines, side="right")
    return table.set_column(0, LINE, pa.array(lines, pa.int64()))


def _read_parquet(path: Path) -> pa.Table:
    try:
        table = _read_parquet_pages(path)
    except pa.ArrowException as error:
        _refuse(path, f"is not a readable Parquet file: {error}", "Export it again: it may have been cut off.")
    names = _checked_names(path, table.column_names)
    columns = [_plain(column) for column in table.columns[: len(names)]]
    numbers = pa.array(np.arange(1, table.num_rows + 1), pa.int64())
    read = pa.table([numbers, *columns], names=[LINE, *names])
    with store.connect() as connection:
        try:
            connection.from_arrow(read.slice(0, 1)).fetchall()
        except duckdb.Error as error:
            _refuse(path, f"has a column of a type that cannot be read: {error}", "Save its columns as text.")
    return read


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A timestamp with a time zone as the date and time that its people read, without the zone; half floats whole."""
    if pa.types.is_float16(column.type):
        return column.cast(pa.float64())
    zoned = pa.types.is_timestamp(column.type) and column.type.tz
    return pc.local_timestamp(column) if zoned else column


def _read_parquet_pages(path: Path) -> pa.Table:
    pages = pq.ParquetFile(path)
    if (count := pages.metadata.num_rows) > MOST_ROWS:
        _refuse(path, f"has {count:,} rows, at most {MOST_ROWS:,} are read", "Give one row for each employee.")
    return pages.read()


def _read_excel(path: Path) -> pa.Table:
    try:
        header, columns = read_sheet(path)
    except WorkbookError as error:
        _refuse(path, str(error), error.fix)
    names = _checked_names(path, header)
    lines = pa.array(np.arange(2, len(columns[0]) + 2), pa.int64())
    texts = [pa.array(column, pa.string()) for column in columns[: len(names)]]
    return pa.table([lines, *texts], names=[LINE, *names])


def _refuse(path: Path, what: str, fix: str) -> NoReturn:
    raise InputError(f"The census file {path} {what}.", fix=fix)


READERS: Mapping[str, Callable[[Path], pa.Table]] = MappingProxyType(
    {".csv": _read_text, ".txt": _read_text, ".tsv": _read_text, ".parquet": _read_parquet, ".xlsx": _read_excel}
)

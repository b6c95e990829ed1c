"""Writes rows to a file for other programs: CSV and Excel, with no text that a spreadsheet would run, and Parquet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from planwise_nb.core.digests import quoted
from planwise_nb.core.errors import InputError

KINDS = (".csv", ".xlsx", ".parquet")
FORMULA = r"^([\t\r\n]|[\s\p{Z}\p{C}]*[=+\-@＝＋－＠])"
"""What a text starts with that a spreadsheet would run, also in full width, also after blanks that are not seen."""

SHEET_ROWS = 1_048_576
CELL_LENGTH = 32_767
WIDE = r"\x{10000}-\x{10FFFF}"
"""The most that a sheet and a cell of Excel hold; a cell counts a wide letter, such as an emoji, twice."""

CUT = "…"
REFUSED = {sign: chr(0x2400 + sign) for sign in range(32) if chr(sign) not in "\t\n\r"} | {0xFFFE: "�", 0xFFFF: "�"}
"""Signs that Excel refuses, each with the picture that stands for it."""

NATIVE = ("BOOLEAN", "DATE", "TIMESTAMP", "DECIMAL", "DOUBLE", "FLOAT", "TINYINT", "SMALLINT", "INTEGER", "BIGINT",
          "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")  # fmt: skip
"""Types that stay what they are; everything else is written as text."""

CHUNK = 10_000


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
    _check_target(file, kind, force)
    count = int(rows.count("*").fetchall()[0][0])
    if kind == ".xlsx" and count >= SHEET_ROWS:
        raise InputError(
            f"A sheet of Excel holds {SHEET_ROWS:,} rows; there are {count:,} and a header.",
            fix="Export fewer rows, or to a .csv or .parquet file.",
        )
    with _draft(file) as draft:
        if kind == ".parquet":
            rows.write_parquet(draft, compression="zstd")
            return Exported(count)
        if kind == ".csv":
            named = zip(rows.columns, _safe_names(connection, rows.columns), strict=True)
            renamed = ", ".join(f"{quoted(column)} as {quoted(name)}" for column, name in named)
            _with_texts(rows, _safe).project(renamed).write_csv(draft, header=True)
            return Exported(count)
        header = _safe_names(connection, rows.columns)
        shown = _with_texts(_with_texts(rows, _safe), _shown)
        cut = _count_cut(shown)
        _write_sheet(connection.execute(_with_texts(shown, _fitting).sql_query()), header, Path(draft))
        return Exported(count, cut)


def _check_target(file: Path, kind: str, force: bool) -> None:
    if kind not in KINDS:
        raise InputError(f"{file} is of an unknown format.", fix=f"Name a file that ends in one of {', '.join(KINDS)}.")
    if file.is_dir() or not file.parent.is_dir():
        what = "is a folder" if file.is_dir() else "lies in a folder that does not exist"
        raise InputError(f"{file} {what}.", fix="Name a file in a folder that exists.")
    if file.exists() and not force:
        raise InputError(f"{file} exists already.", fix="Name another file, or write over it with --force.")


@contextmanager
def _draft(file: Path) -> Iterator[str]:
    """The path of a draft beside ``file``, which becomes ``file`` when all went well and goes away when not."""
    draft = file.with_name(f".{file.name}.draft{file.suffix}")
    try:
        yield str(draft)
        draft.replace(file)
    except duckdb.IOException as error:
        raise InputError(f"{file} cannot be written: {error}", fix="Check the folder and its permissions.") from error
    finally:
        draft.unlink(missing_ok=True)


def _safe_names(connection: duckdb.DuckDBPyConnection, names: Sequence[str]) -> list[str]:
    query = f"select {_safe('name')} from unnest($names) with ordinality as given(name, place) order by place"  # noqa: S608
    return [row[0] for row in connection.execute(query, {"names": list(names)}).fetchall()]


def _texts(rows: duckdb.DuckDBPyRelation) -> list[str]:
    """The columns, quoted, that are written as text."""
    named = zip(rows.columns, map(str, rows.types), strict=True)
    return [quoted(name) for name, kind in named if not kind.startswith(NATIVE) or kind.endswith("]")]


def _with_texts(rows: duckdb.DuckDBPyRelation, change: Callable[[str], str]) -> duckdb.DuckDBPyRelation:
    """``rows`` with the SQL of ``change`` in place of every text."""
    changed = ", ".join(f"{change(text)} as {text}" for text in _texts(rows))
    return rows.project(f"* replace ({changed})") if changed else rows


def _safe(value: str) -> str:
    """The SQL of a value as a text that no spreadsheet runs."""
    text = f"cast({value} as varchar)"
    return f"case when regexp_matches({text}, '{FORMULA}') then chr(39) || {text} else {text} end"


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


def _count_cut(rows: duckdb.DuckDBPyRelation) -> int:
    cut = " + ".join(f"count(*) filter ({_is_too_long(text)})" for text in _texts(rows))
    return int(rows.aggregate(cut or "0").fetchall()[0][0])


def _write_sheet(found: duckdb.DuckDBPyConnection, header: Sequence[str], file: Path) -> None:
    from openpyxl import Workbook  # noqa: PLC0415 - only Excel pays for it
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415

    book = Workbook(write_only=True)
    sheet = book.create_sheet("rows")
    sheet.freeze_panes = "A2"

    def cell(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        made = WriteOnlyCell(sheet, value=value)
        # whatever it looks like: no formula, no error, no number
        made.data_type = "s"
        return made

    sheet.append([cell(name) for name in header])
    while chunk := found.fetchmany(CHUNK):
        for row in chunk:
            sheet.append([cell(value) for value in row])
    book.save(file)

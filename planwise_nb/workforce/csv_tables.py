"""CSV tables written by people: read strictly, with the lines of everything that is wrong."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from planwise_nb.core.errors import Problem
from planwise_nb.workforce.figures import plain, rounded

SAMPLE = 5
"""How many lines a problem shows."""

MOST_FAULTS = 1_000
"""A table with more is not read to its end: it is no such table."""

MAX_BYTES = 20_000_000

Cell = Callable[[str], Any]
"""Reads the text of one cell; a ValueError says what the cell must be."""

_NUMBER = re.compile(r"[-+]?([0-9]{1,30}(\.[0-9]{0,40})?|\.[0-9]{1,40})([eE][-+]?[0-9]{1,3})?")
_WHOLE = re.compile(r"-?[0-9]{1,18}")


@dataclass(frozen=True)
class Row:
    """One row of a table with its line number and its cells by column."""

    line: int
    cells: dict[str, Any]

    def __getitem__(self, column: str) -> Any:
        """The cell of ``column``."""
        return self.cells[column]


@dataclass
class Table:
    """The table at ``path`` while it is being read; faults of the same kind become one problem."""

    path: Path
    _faults: dict[tuple[str, str, str], list[str]] = field(default_factory=dict)
    _count: int = 0

    def fault(self, rule: str, what: str, found: str, fix: str) -> None:
        """Note that ``what`` is wrong; ``found`` is the line and value that shows it."""
        self._faults.setdefault((rule, what, fix), []).append(found)
        self._count += 1

    def problems(self) -> list[Problem]:
        """One problem for each kind of fault, with the first lines."""
        return [
            Problem(rule=rule, where=str(self.path), what=what, fix=fix, count=len(found), sample=tuple(found[:SAMPLE]))
            for (rule, what, fix), found in self._faults.items()
        ]

    def rows(self, cells: Mapping[str, Cell]) -> list[Row]:
        """The rows whose every cell can be read; the columns must be exactly those of ``cells``, in any order."""
        header, lines = self._lines()
        if not self._header_fits(header, list(cells)):
            return []
        rows = []
        for number, texts in lines:
            if self._count > MOST_FAULTS:
                break
            if len(texts) != len(header):
                what = f"a row has not {len(header)} cells"
                self.fault("cells", what, f"line {number}: {len(texts)} cells", "Give each column one cell.")
            elif row := self._row(number, dict(zip(header, texts, strict=True)), cells):
                rows.append(row)
        return rows

    def unique(self, rows: Iterable[Row], columns: tuple[str, ...]) -> dict[Hashable, Row]:
        """The rows by the values of ``columns``; a repetition is a fault."""
        first: dict[Hashable, Row] = {}
        for row in rows:
            key = tuple(row[column] for column in columns)
            if key in first:
                found = f"line {row.line}: {', '.join(map(_named, key))}, first in line {first[key].line}"
                self.fault("duplicate", f"{', '.join(columns)} is given twice", found, "Keep one of the rows.")
            first.setdefault(key, row)
        return first

    def _row(self, number: int, texts: Mapping[str, str], cells: Mapping[str, Cell]) -> Row | None:
        values = {}
        for column, cell in cells.items():
            try:
                values[column] = cell(texts[column].strip())
            except ValueError as error:
                found = f"line {number}: {texts[column][:60]!r}"
                self.fault("value", f"{column} {error}", found, f"Correct {column} in these lines.")
        return Row(number, values) if len(values) == len(cells) else None

    def _lines(self) -> tuple[list[str], list[tuple[int, list[str]]]]:
        lines: list[tuple[int, list[str]]] = []
        try:
            text = self._content().decode("utf-8-sig")
            reader = csv.reader(io.StringIO(text, newline=""), strict=True)
            lines = [(reader.line_num, texts) for texts in reader if texts]
        except UnicodeDecodeError as error:
            found = f"byte {error.start:,}"
            self.fault("file_encoding", "the file is not UTF-8", found, "Save the file as UTF-8.")
        except (OSError, csv.Error) as error:
            self.fault("file_unreadable", "the file cannot be read as CSV", str(error), "Save the file as CSV.")
        else:
            if not lines:
                self.fault("file_empty", "the file is empty", "no line", "Write the header line and the rows.")
        return ([name.strip() for name in lines[0][1]], lines[1:]) if lines else ([], [])

    def _content(self) -> bytes:
        if not self.path.is_file():
            raise OSError("it is a folder, a pipe, a device or a link to nothing")
        if (size := self.path.stat().st_size) > MAX_BYTES:
            raise OSError(f"{size:,} bytes, the limit is {MAX_BYTES:,}")
        return self.path.read_bytes()

    def _header_fits(self, header: list[str], columns: list[str]) -> bool:
        for name in dict.fromkeys(header):
            if self._count > MOST_FAULTS:
                break
            if name not in columns:
                near = get_close_matches(name, columns, 1, 0.5)
                fix = f"Did you mean {near[0]}?" if near else f"The columns are {', '.join(columns)}."
                self.fault("unknown_column", f"unknown column {name!r}", "line 1", fix)
            elif header.count(name) > 1:
                self.fault("duplicate_column", f"the column {name} is there twice", "line 1", "Keep one of them.")
        missing = [name for name in columns if name not in header] if header else []
        if missing:
            fix = f"The columns are {', '.join(columns)}."
            self.fault("missing_column", f"missing column {', '.join(missing)}", "line 1", fix)
        return sorted(header) == sorted(columns)


def one_of(*allowed: str) -> Cell:
    """A cell that holds one of these texts, in any case."""
    by_text = {text.lower(): text for text in allowed}

    def read(text: str) -> str:
        if text.lower() not in by_text:
            near = get_close_matches(text.lower(), list(by_text), 1, 0.6)
            hint = f"; did you mean {by_text[near[0]]}?" if near else ""
            raise ValueError(f"must be one of {', '.join(allowed)}{hint}")
        return by_text[text.lower()]

    return read


def whole(lowest: int, highest: int, *, blank: bool = False) -> Cell:
    """A cell with a whole number from ``lowest`` to ``highest``; ``blank`` allows an empty one, read as None."""

    def read(text: str) -> int | None:
        if blank and not text:
            return None
        if not _WHOLE.fullmatch(text) or not lowest <= int(text) <= highest:
            raise ValueError(f"must be a whole number from {lowest} to {highest}{' or empty' if blank else ''}")
        return int(text)

    return read


def number(text: str) -> Decimal:
    """The cell's number, with all its digits."""
    if not _NUMBER.fullmatch(text):
        raise ValueError("must be a number in plain digits, such as 0.025")
    return Decimal(text)


def exact(lowest: str, highest: str) -> Cell:
    """A cell with a number from ``lowest`` to ``highest`` of at most six decimals."""

    def read(text: str) -> Decimal:
        value = number(text)
        if not Decimal(lowest) <= value <= Decimal(highest) or value != rounded(value):
            raise ValueError(f"must be a number from {lowest} to {highest} with at most 6 decimals")
        return rounded(value)

    return read


def filled(text: str) -> str:
    """A cell that holds some text."""
    if not text:
        raise ValueError("must not be empty")
    return text


def _named(value: object) -> str:
    if value is None:
        return "all"
    return plain(value) if isinstance(value, Decimal) else str(value)

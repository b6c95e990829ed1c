"""Texts that no spreadsheet runs, in SQL."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import duckdb

from planwise_nb.core.digests import quoted

SIGNS = "=+@＝＋－＠-"
"""What a formula of a spreadsheet starts with, also in full width."""

FORMULA = rf"^([\t\r\n]|[\s\p{{Z}}\p{{C}}]*[{SIGNS}])"
"""What a text starts with that a spreadsheet would run, also after blanks that are not seen."""

NATIVE = ("BOOLEAN", "DATE", "TIMESTAMP", "DECIMAL", "DOUBLE", "FLOAT", "TINYINT", "SMALLINT", "INTEGER", "BIGINT",
          "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")  # fmt: skip
"""Types that stay what they are; everything else is written as text."""


def safe(value: str) -> str:
    """The SQL of a value as a text that no spreadsheet runs: an apostrophe stands before what it would."""
    text = f"cast({value} as varchar)"
    return f"case when regexp_matches({text}, '{FORMULA}') then chr(39) || {text} else {text} end"


def safe_names(connection: duckdb.DuckDBPyConnection, names: Sequence[str]) -> list[str]:
    """``names`` as texts that no spreadsheet runs."""
    query = f"select {safe('name')} from unnest($names) with ordinality as given(name, place) order by place"  # noqa: S608
    return [row[0] for row in connection.execute(query, {"names": list(names)}).fetchall()]


def texts(rows: duckdb.DuckDBPyRelation) -> list[str]:
    """The columns, quoted, that are written as text."""
    named = zip(rows.columns, map(str, rows.types), strict=True)
    return [quoted(name) for name, kind in named if not kind.startswith(NATIVE) or kind.endswith("]")]


def with_texts(rows: duckdb.DuckDBPyRelation, *changes: Callable[[str], str]) -> str:
    """The SQL of ``rows`` with the SQL of ``changes``, one after the other, in place of every text."""
    found, query = texts(rows), f"({rows.sql_query()})"
    for change in changes if found else ():
        query = f"(select * replace ({', '.join(f'{change(text)} as {text}' for text in found)}) from {query})"  # noqa: S608
    return f"from {query}"

"""Digests of files, folders, values and tables: equal content, equal digest, on any machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb


def file_digest(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def tree_digest(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file below ``folder``, by path relative to it; hidden files are nobody's result."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    named = {path.relative_to(folder).as_posix(): path for path in files}
    return {name: file_digest(path) for name, path in named.items() if not is_hidden(name)}


def is_hidden(name: str) -> bool:
    """Whether a file or a folder on its way begins with a dot."""
    return any(part.startswith(".") for part in name.split("/"))


def combined_digest(parts: Iterable[str]) -> str:
    """One SHA-256 of several digests or texts, in order."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def value_digest(value: Any) -> str:
    """The SHA-256 of a JSON value, whatever the order of its keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def source_digest(path: Path) -> str:
    """The SHA-256 of what a person writes in a file: of a notebook the cells without their outputs, else all of it."""
    if path.suffix != ".ipynb":
        return file_digest(path)
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        return value_digest(
            [[cell["cell_type"], "".join(cell["source"]), sorted(cell["metadata"].get("tags", ()))] for cell in cells]
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return file_digest(path)


def table_digest(connection: duckdb.DuckDBPyConnection, table: str, where: str = "true") -> dict[str, Any]:
    """Rows and digest of the rows of ``table`` that fulfil ``where``: ``{"rows": 12, "sha256": "…"}``.

    The digest does not depend on the order of rows. Each row is a text of its columns, of which those that say when a
    row was made are left out; a text column is preceded by its length, so that no two rows share a text. The MD5 of
    each text is cut in two 64-bit numbers, and each of these is summed exactly.
    """
    columns = [
        (str(name), str(kind))
        for name, kind, *_ in connection.execute(f"describe {quoted(table)}").fetchall()
        if not str(name).endswith("created_at")
    ]
    texts = ", ".join(_text(name, kind) for name, kind in columns)
    [[rows, low, high]] = connection.execute(f"""
        with
        lines as (select md5_number(concat_ws('|', {texts})) as line from {quoted(table)} where {where})
        select
            count(*),
            sum((line & 18446744073709551615)::ubigint)::varchar,
            sum((line >> 64)::ubigint)::varchar,
        from lines
    """).fetchall()  # noqa: S608 - names are quoted, the condition is the caller's
    return {"rows": rows, "sha256": value_digest([columns, rows, low, high])}


def _text(name: str, kind: str) -> str:
    column = quoted(name)
    return (
        f"coalesce(strlen({column}) || ':' || {column}, '')"
        if kind == "VARCHAR"
        else f"coalesce({column}::varchar, '')"
    )


def quoted(name: str) -> str:
    """A name as SQL reads it."""
    return '"' + name.replace('"', '""') + '"'

"""What a malformed input is, and what most of them are made of."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import pandas as pd

from planwise_nb.core.project import shipped

Maker = Callable[[Path], object]

COLUMNS = (
    "employee_id",
    "employee_ssn",
    "employee_birth_date",
    "employee_hire_date",
    "employee_termination_date",
    "employee_gross_compensation",
    "active",
)
ROWS = (
    ("E1", "123-45-6789", "1980-05-17", "2010-03-01", "", "56000.50", "true"),
    ("E2", "123-45-6790", "1990-01-02", "2020-07-15", "", "81000", "true"),
    ("E3", "", "1975-12-31", "2001-01-01", "2020-06-30", "43000", "false"),
)
SHIPPED = shipped() / "params" / "workforce"


@dataclass(frozen=True, kw_only=True)
class HostileInput:
    """One malformed input: ``files`` in an otherwise empty working directory, and what is typed after ``planwise``.

    ``says`` must all be in the report. Where ``may_be_valid`` is set, nobody knows before: it is then either refused
    cleanly or accepted, and not counted if accepted. ``apart``: in a process of its own, which can be ended.
    """

    name: str
    arguments: tuple[str, ...]
    files: Mapping[str, bytes | Maker] = field(default_factory=dict)
    says: tuple[str, ...] = ()
    may_be_valid: bool = False
    apart: bool = False


def table(rows: object = ROWS, columns: object = COLUMNS, *, delimiter: str = ",") -> str:
    """Rows as delimited text, nothing quoted."""
    lines = [columns, *rows]  # type: ignore[misc]
    return "".join(delimiter.join(line) + "\n" for line in lines)  # type: ignore[arg-type]


def with_cell(column: str, value: str, line: int = 0) -> list[tuple[str, ...]]:
    """The good rows with one cell changed."""
    rows = [list(row) for row in ROWS]
    rows[line][COLUMNS.index(column)] = value
    return [tuple(row) for row in rows]


GOOD = table().encode()
FRAME = pd.DataFrame(ROWS, columns=list(COLUMNS))


def parquet(frame: pd.DataFrame = FRAME) -> bytes:
    """A frame as the bytes of a Parquet file."""
    content = BytesIO()
    frame.to_parquet(content, index=False)
    return content.getvalue()


def excel(frame: pd.DataFrame = FRAME) -> bytes:
    """A frame as the bytes of a workbook."""
    content = BytesIO()
    frame.to_excel(content, index=False)
    return content.getvalue()


def census(name: str, content: bytes | str | Maker, *says: str, file: str = "census.csv", **more: bool) -> HostileInput:
    """A malformed census file."""
    text = content.encode() if isinstance(content, str) else content
    arguments = ("run", "--year", "2025", "--census", file)
    return HostileInput(name=f"census {name}", arguments=arguments, files={file: text}, says=(file, *says), **more)


def mapping(name: str, content: bytes | str | Maker, *says: str, **more: bool) -> HostileInput:
    """A malformed census mapping beside a good census."""
    text = content.encode() if isinstance(content, str) else content
    arguments = ("run", "--year", "2025", "--census", "census.csv", "--census-map", "map.yaml")
    files = {"census.csv": GOOD, "map.yaml": text}
    return HostileInput(name=f"mapping {name}", arguments=arguments, files=files, says=("map.yaml", *says), **more)


def scenario(name: str, content: bytes | str | Maker, *says: str, **more: bool) -> HostileInput:
    """A malformed scenario in a project of one's own, beside a good census."""
    text = content.encode() if isinstance(content, str) else content
    arguments = ("run", "mine", "--census", "census.csv")
    files = {"census.csv": GOOD, "params/workforce/mine.yaml": text}
    return HostileInput(name=f"scenario {name}", arguments=arguments, files=files, says=("mine.yaml", *says), **more)


def own_table(name: str, file: str, content: bytes | str | Maker, *says: str, **more: bool) -> HostileInput:
    """A malformed table beside a good scenario of one's own."""
    text = content.encode() if isinstance(content, str) else content
    files = {
        "census.csv": GOOD,
        "params/workforce/mine.yaml": b"extends: baseline\n",
        f"params/workforce/{file}": text,
    }
    arguments = ("run", "mine", "--census", "census.csv")
    return HostileInput(name=f"{file} {name}", arguments=arguments, files=files, says=(file, *says), **more)


def typed(name: str, *arguments: str, says: tuple[str, ...] = ()) -> HostileInput:
    """A malformed command line beside a good census."""
    return HostileInput(name=f"typed {name}", arguments=arguments, files={"census.csv": GOOD}, says=says)


def quoted(text: str) -> str:
    """A text as a quoted value of YAML."""
    return json.dumps(text)


def lever_table(**changes: str) -> str:
    """A table of one lever, with ``changes``."""
    row = {
        "scenario_id": "mine",
        "fiscal_year": "2025",
        "job_level": "1",
        "event_type": "RAISE",
        "parameter_name": "merit_base",
        "parameter_value": "0.03",
        "is_locked": "0",
        "created_at": "2025-01-01",
        "created_by": "me",
    } | changes
    return ",".join(row) + "\n" + ",".join(row.values()) + "\n"

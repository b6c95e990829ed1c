"""Where scenarios of the user's lie, and the one way in which they are written: locked, checked, by atomic rename."""

from __future__ import annotations

import csv
import io
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock, Timeout

from planwise_nb.core.errors import BusyError, InputError
from planwise_nb.core.manifest import DRAFT as WRITING
from planwise_nb.core.processes import describe
from planwise_nb.core.project import Project, shipped
from planwise_nb.core.yaml_files import read_text, read_yaml
from planwise_nb.workforce.census_map import load_census_map
from planwise_nb.workforce.drafts import Cell
from planwise_nb.workforce.figures import plain
from planwise_nb.workforce.levers import LEVERS
from planwise_nb.workforce.parameters import ExactDumper, ResolvedScenario
from planwise_nb.workforce.scenario import SCENARIO_NAME
from planwise_nb.workforce.scenario_files import is_path, read_scenario, scenario_names, scenario_path

FOLDER = Path("params/workforce")
MAPS = "params/census_maps"
TABLE = "comp_levers.csv"
COLUMNS = ("scenario_id", "fiscal_year", "job_level", "event_type", "parameter_name", "parameter_value", "is_locked",
           "created_at", "created_by")  # fmt: skip

PATIENCE = 10.0
"""Seconds to wait for another process that writes."""

Lines = list[dict[str, str]]


def folders(project: Project) -> tuple[Path, ...]:
    """The folders of scenarios, the user's own first."""
    return project.folders(FOLDER.as_posix())


def open_scenario(
    project: Project, name: str, *, years: tuple[int, int] | None = None, before: Sequence[Path] = ()
) -> ResolvedScenario:
    """A scenario as a run would take it, with the job levels of its census mapping where that brings its own.

    ``before`` are folders to look into first. Raises ``InputError`` where it cannot be used; no census is read.
    """
    found = read_scenario(name, [*before, *folders(project)]).resolve(years=years)
    if found.scenario.census.map is None:
        return found
    mapping = load_census_map(found.scenario.census.map, project.folders(MAPS))
    return found.with_job_levels(mapping.job_levels or found.tables.job_levels)


def check_name(name: str) -> None:
    """Raise ``InputError`` for what cannot be the name of a scenario of one's own."""
    is_device = re.fullmatch("con|prn|aux|nul|(com|lpt)[0-9]", name)  # of which Windows makes no file
    if not re.fullmatch(SCENARIO_NAME, name) or is_device or name.startswith("-"):  # that would be taken for an option
        fix = "Choose 1 to 64 letters a-z, digits, _ or -, the first of them no -."
        raise InputError(f"{name[:80]!r} cannot be the name of a scenario.", fix=fix)


def check_no_path(name: str) -> None:
    """Raise ``InputError`` for a path where only the name of a scenario will do."""
    if is_path(name):
        fix = f"Name one that is listed: planwise scenarios. A file becomes one in {FOLDER.as_posix()}."
        raise InputError(f"{name[:80]!r} is a path, not the name of a scenario.", fix=fix)


def files_of(project: Project, name: str) -> list[Path]:
    """The files of the scenario of that name, the one that holds first; behind one's own a shipped one may lie."""
    return [path for folder in folders(project) if os.path.lexists(path := folder / f"{name}.yaml")]


def is_shipped(project: Project, name: str) -> bool:
    """Whether the scenario of that name is, word for word, one that ships; in a checkout, what people saved names its
    author."""
    path, found = shipped() / FOLDER / f"{name}.yaml", files_of(project, name)
    return path in found and read_text(found[0]) == read_text(path) and "author" not in read_yaml(path)


def extended_by(project: Project, name: str) -> list[str]:
    """The scenarios that extend this one, but for one of its own name; files that cannot be read extend nothing."""
    others = [other for other in scenario_names(folders(project)) if other != name]
    return [other for other in others if _said(scenario_path(other, folders(project))).get("extends") == name]


def _said(path: Path) -> dict[str, Any]:
    try:
        return read_yaml(path)
    except InputError:
        return {}


@contextmanager
def locked(project: Project) -> Iterator[Path]:
    """The user's folder of scenarios, made where there is none, which nobody else writes to meanwhile.

    Raises ``BusyError`` naming the process where another one writes to it for longer than ``PATIENCE``.
    """
    folder = project.own / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    writer = folder / ".saving.pid"
    try:
        with FileLock(folder / ".saving.lock", timeout=PATIENCE):
            try:
                writer.write_text(str(os.getpid()), encoding="utf-8")
                yield folder
            finally:
                writer.unlink(missing_ok=True)
    except Timeout:
        fix = "Try again when it is done, or end that process."
        raise BusyError(f"Scenarios in {folder} are being written by {_described(writer)}.", fix=fix) from None


def _described(writer: Path) -> str:
    try:
        return describe(int(writer.read_text(encoding="utf-8")))
    except (OSError, ValueError):  # it has just begun, or just ended
        return "another process"


def read_rows(path: Path) -> Lines:
    """The rows of a table of levers as the texts that they are, without blanks about them. Raises ``InputError`` where
    it is none.
    """
    if not path.exists():
        return []
    try:
        text = path.read_bytes().decode("utf-8-sig")
        reader = csv.DictReader(io.StringIO(text, newline=""), skipinitialspace=True, strict=True)
        rows = list(reader)
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8.", fix="Save the file as UTF-8.") from None
    except csv.Error as error:
        raise InputError(f"{path} cannot be read as CSV: {error}.", fix="Save the file as CSV.") from None
    if sorted(name.strip() for name in reader.fieldnames or ()) != sorted(COLUMNS):
        raise InputError(f"{path} has other columns.", fix=f"Its columns are: {', '.join(COLUMNS)}.")
    if any(None in row or None in row.values() for row in rows):
        raise InputError(f"A row of {path} has not {len(COLUMNS)} cells.", fix="Give each column one cell.")
    return [{name.strip(): value.strip() for name, value in row.items()} for row in rows]


def lever_line(
    scenario: str, cell: Cell, value: Decimal, *, created_at: datetime, created_by: str, is_locked: bool = False
) -> dict[str, str]:
    """A row of the table of levers as the texts that it is written in."""
    name, year, level = cell
    return {
        "scenario_id": scenario,
        "fiscal_year": str(year or ""),
        "job_level": str(level or ""),
        "event_type": LEVERS[name].event_type,
        "parameter_name": name,
        "parameter_value": plain(value),
        "is_locked": "1" if is_locked else "0",
        "created_at": created_at.isoformat(),
        "created_by": created_by,
    }


def yaml_text(content: Mapping[str, Any]) -> str:
    """A mapping as the text of a YAML file."""
    return str(yaml.dump(dict(content), Dumper=ExactDumper, sort_keys=False, allow_unicode=True, width=100))


def yaml_value(value: object) -> str:
    """A plain value as YAML writes it, in one line; a text so that it may also stand in braces."""
    listed = [value] if isinstance(value, str) else value
    text = str(yaml.dump(listed, Dumper=ExactDumper, allow_unicode=True, default_flow_style=True, width=float("inf")))
    text = text.removesuffix("...\n").strip()
    return text[1:-1] if isinstance(value, str) else text


def write(project: Project, folder: Path, name: str, scenario: str, rows: Lines) -> Path:
    """Check the scenario and the table of levers where nobody reads them, then put both in their places in ``folder``.

    Raises ``InputError`` where no run would take the scenario; nothing is written then.
    """
    table, levers = folder / TABLE, _csv_text(rows)
    with tempfile.TemporaryDirectory(prefix="planwise-") as place:
        tried = Path(place)
        put(tried / f"{name}.yaml", scenario)
        put(tried / TABLE, levers)
        open_scenario(project, name, before=[tried])
    target = folder / f"{name}.yaml"
    before = target.read_bytes() if target.exists() else None
    put(target, scenario)
    if rows != read_rows(table):
        with _restored(target, before):
            put(table, levers)
    return target


def remove(folder: Path, name: str) -> None:
    """Remove a scenario from ``folder`` and its rows from the table of levers there."""
    rows, target = read_rows(folder / TABLE), folder / f"{name}.yaml"
    before = target.read_bytes()
    target.unlink()
    kept = [row for row in rows if row["scenario_id"] != name]
    if len(kept) < len(rows):
        with _restored(target, before):
            put(folder / TABLE, _csv_text(kept))


@contextmanager
def _restored(target: Path, before: bytes | None) -> Iterator[None]:
    """Put ``target`` back where the work fails: a scenario without its levers would be another one."""
    try:
        yield
    except BaseException:
        target.unlink() if before is None else target.write_bytes(before)
        raise


def _csv_text(rows: Sequence[Mapping[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def put(path: Path, text: str) -> None:
    """Write a file by atomic rename."""
    draft = path.with_name(f".{path.name}{WRITING}")
    draft.write_text(text, encoding="utf-8", newline="")
    draft.replace(path)

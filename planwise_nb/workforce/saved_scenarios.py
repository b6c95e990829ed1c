"""Saves a draft as a scenario of the user's: a YAML file that extends another, and its rows of levers."""

from __future__ import annotations

import csv
import io
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock

from planwise_nb.core.errors import InputError
from planwise_nb.core.manifest import DRAFT as WRITING
from planwise_nb.core.project import Project, shipped
from planwise_nb.core.yaml_files import read_yaml
from planwise_nb.workforce.drafts import Draft
from planwise_nb.workforce.figures import plain
from planwise_nb.workforce.levers import LEVERS
from planwise_nb.workforce.parameter_layers import PARAMETERS
from planwise_nb.workforce.parameters import ExactDumper, ResolvedScenario
from planwise_nb.workforce.scenario import SCENARIO_NAME
from planwise_nb.workforce.scenario_files import read_scenario

FOLDER = Path("params/workforce")
TABLE = "comp_levers.csv"
COLUMNS = ("scenario_id", "fiscal_year", "job_level", "event_type", "parameter_name", "parameter_value", "is_locked",
           "created_at", "created_by")  # fmt: skip
MOST_LETTERS = 200

Content = dict[str, Any]
Lines = list[dict[str, str]]


@dataclass(frozen=True, kw_only=True)
class Save:
    """What a person says on saving: the scenario's name, what it is about, who they are, and whether one of that name
    may be replaced."""

    name: str
    description: str = ""
    author: str
    may_replace: bool = False

    def check(self) -> None:
        """Raise ``InputError`` for a name or an author that cannot be written."""
        if not re.fullmatch(SCENARIO_NAME, self.name) or self.name.startswith(
            "-"
        ):  # a command would take it for an option
            fix = "Choose 1 to 64 letters a-z, digits, _ or -, the first of them no -."
            raise InputError(f"{self.name[:80]!r} cannot be the name of a scenario.", fix=fix)
        for what, text in (("author", self.author), ("description", self.description)):
            if len(text) > MOST_LETTERS or not text.isprintable():
                raise InputError(f"The {what} is too long or cannot be printed.", fix="Write one line of plain text.")
        if not self.author or self.author[0] in "=+-@":
            fix = "Give your name: it is kept with the scenario."
            raise InputError("Nobody is named who saves the scenario.", fix=fix)


def is_taken(project: Project, name: str) -> bool:
    """Whether there is a scenario of that name."""
    return any((folder / f"{name}.yaml").exists() for folder in project.folders(FOLDER.as_posix()))


def is_shipped(name: str) -> bool:
    """Whether PlanWise ships a scenario of that name; in a checkout, what people saved names its author."""
    path = shipped() / FOLDER / f"{name}.yaml"
    return path.exists() and "author" not in read_yaml(path)


def save_scenario(project: Project, draft: Draft, said: Save) -> Path:
    """Write the draft into the user's project, checked as a run would check it; the path of its YAML file.

    The file extends the draft's base and states the company's rates that changed; levers by year and level become rows
    of ``comp_levers.csv``. Saving one's own scenario under its name keeps what else it states. Raises ``InputError``
    where the name is taken and may not be replaced, is that of a scenario that ships, or where one's own scenario was
    changed by somebody else since it was opened; nothing is written then.
    """
    said.check()
    folder = project.own / FOLDER
    _check_free(project, said)  # a refusal leaves no trace, not even that of the lock
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".saving.lock"):
        _check_free(project, said)
        now = datetime.now(UTC).replace(microsecond=0)
        is_same = said.name == draft.base.scenario_id and (folder / f"{said.name}.yaml").exists()
        if is_same:
            _check_unchanged(project, draft)
        content = _content(read_yaml(folder / f"{said.name}.yaml") if is_same else {}, draft, said, now)
        rows = _rows(_read_rows(folder / TABLE), draft, said, now, keeps_own=is_same)
        return _write(project, folder, said.name, _yaml_text(content), _csv_text(rows))


def _check_free(project: Project, said: Save) -> None:
    if is_shipped(said.name):
        raise InputError(f"Scenario {said.name} ships with PlanWise and stays as it is.", fix="Choose another name.")
    if is_taken(project, said.name) and not said.may_replace:
        fix = "Choose another name, or agree to replace it."
        raise InputError(f"There is a scenario {said.name} already.", fix=fix)


def _check_unchanged(project: Project, draft: Draft) -> None:
    """Raise ``InputError`` where the draft's base says something else now: what somebody else saved is not lost."""
    name = draft.base.scenario_id
    now = read_scenario(name, project.folders(FOLDER.as_posix())).resolve()
    if _meaning(now) != _meaning(draft.base):
        fix = "Open it again and make your changes anew, or choose another name."
        raise InputError(f"Scenario {name} was changed since you opened it.", fix=fix)


def _meaning(scenario: ResolvedScenario) -> tuple[Any, ...]:
    """What a scenario states, wherever its lines stand."""
    return scenario.chain, scenario.scenario, {replace(layer, where="") for layer in scenario.layers}


def _content(before: Content, draft: Draft, said: Save, now: datetime) -> Content:
    """What the YAML file says."""
    heading: Content = {"description": said.description or before.get("description", "")}
    heading |= {"author": said.author, "created_at": now, "extends": before.get("extends", draft.base.scenario_id)}
    content = heading | {key: value for key, value in before.items() if key not in heading}
    if before and "extends" not in before:
        del content["extends"]
    sections = {name: section for (section, key), name in PARAMETERS.items() if key == name}
    for (name, year, level), value in draft.changes.items():
        if year is None and level is None:
            section = sections[name]
            content[section] = {**content.get(section, {}), name: value}
    return content


def _rows(before: Lines, draft: Draft, said: Save, now: datetime, *, keeps_own: bool) -> Lines:
    """The rows of the table of levers: those of others as they are, and the scenario's own."""
    made = [
        {
            "scenario_id": said.name,
            "fiscal_year": str(year or ""),
            "job_level": str(level or ""),
            "event_type": LEVERS[name].event_type,
            "parameter_name": name,
            "parameter_value": plain(value),
            "is_locked": "0",
            "created_at": now.isoformat(),
            "created_by": said.author,
        }
        for (name, year, level), value in sorted(draft.changes.items(), key=str)
        if year is not None or level is not None
    ]
    new = {_place(row) for row in made}
    kept = [row for row in before if row["scenario_id"] != said.name or (keeps_own and _place(row) not in new)]
    return kept + made


def _place(row: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(row[column].strip() for column in ("fiscal_year", "job_level", "parameter_name"))


def _read_rows(path: Path) -> Lines:
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
    return [{name.strip(): value for name, value in row.items()} for row in rows]


def _yaml_text(content: Content) -> str:
    return yaml.dump(content, Dumper=ExactDumper, sort_keys=False, allow_unicode=True, width=100)


def _csv_text(rows: Sequence[Mapping[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _write(project: Project, folder: Path, name: str, scenario: str, levers: str) -> Path:
    """Check both files where nobody reads them, then put them in their places, each by atomic rename."""
    with tempfile.TemporaryDirectory(prefix="planwise-") as place:
        tried = Path(place)
        _put(tried / f"{name}.yaml", scenario)
        _put(tried / TABLE, levers)
        read_scenario(name, [tried, *project.folders(FOLDER.as_posix())]).resolve()
    target = folder / f"{name}.yaml"
    before = target.read_bytes() if target.exists() else None
    _put(target, scenario)
    try:
        _put(folder / TABLE, levers)
    except BaseException:  # a scenario without its levers would be another one
        target.unlink() if before is None else target.write_bytes(before)
        raise
    return target


def _put(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}{WRITING}")
    draft.write_text(text, encoding="utf-8", newline="\n")
    draft.replace(path)

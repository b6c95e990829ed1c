"""The life of scenario files: listed, copied, extended, published and deleted, each with who and when."""

from __future__ import annotations

import getpass
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planwise_nb.core.errors import InputError
from planwise_nb.core.project import Project
from planwise_nb.core.yaml_edits import edited
from planwise_nb.core.yaml_files import read_text, read_yaml
from planwise_nb.workforce import scenario_store as store
from planwise_nb.workforce.drafts import Draft
from planwise_nb.workforce.levers import LeverRow
from planwise_nb.workforce.saved_scenarios import Save, check_draft, check_free, now, save_scenario
from planwise_nb.workforce.scenario_files import read_scenario, scenario_names, scenario_path
from planwise_nb.workforce.scenario_parts import Part


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A scenario as its file heads it; ``problem`` is what keeps the file from being read, empty where nothing does."""

    name: str
    status: str = ""
    extends: str | None = None
    description: str = ""
    author: str = ""
    created_at: str | None = None
    changed_by: str = ""
    changed_at: str | None = None
    is_shipped: bool = False
    path: Path
    problem: str = ""


def list_scenarios(project: Project) -> list[Listed]:
    """Every scenario of the project, by name; one of the user's takes the place of a shipped one of its name."""
    folders = store.folders(project)
    return [_listed(project, scenario_path(name, folders), name) for name in scenario_names(folders)]


def _listed(project: Project, path: Path, name: str) -> Listed:
    try:
        said = read_yaml(path)
        is_shipped = store.is_shipped(project, name)
    except InputError as error:
        return Listed(name=name, status="unreadable", path=path, problem=error.problems[0].what)
    return Listed(
        name=name,
        status=str(said.get("status", "draft")),
        extends=said.get("extends"),
        description=str(said.get("description", "")).strip(),
        author=str(said.get("author", "")),
        created_at=_moment(said.get("created_at")),
        changed_by=str(said.get("changed_by", "")),
        changed_at=_moment(said.get("changed_at")),
        is_shipped=is_shipped,
        path=path,
    )


def _moment(value: object) -> str | None:
    return None if value is None else str(value)


def copy_scenario(project: Project, source: str, said: Save) -> Path:
    """Copy a scenario and its rows of levers under another name, as a draft; the path of the copy.

    Raises ``InputError`` where there is no scenario of that name, it cannot be used, or the name is taken; nothing is
    written then.
    """
    said.check()
    store.check_no_path(source)
    found = read_scenario(source, store.folders(project))
    found.resolve()
    if source == said.name:
        raise InputError(f"Scenario {source} cannot be copied onto itself.", fix="Choose another name.")
    check_free(project, said)
    with store.locked(project) as folder:
        check_free(project, said)
        text = _as_copy(scenario_path(source, store.folders(project)), found.chain[0], folder, said)
        rows = [row for row in store.read_rows(folder / store.TABLE) if row["scenario_id"].strip() != said.name]
        rows += [_line(row, said.name) for row in found.levers[0]]
        return store.write(project, folder, said.name, text, rows)


def _as_copy(path: Path, part: Part, folder: Path, said: Save) -> str:
    """The file of ``part`` for ``folder``, comments and all, but for who made it and where its census lies."""
    content, moment = read_yaml(path), now()
    edits: dict[tuple[str, ...], object] = {("author",): said.author, ("created_at",): moment}
    again = {("changed_by",): said.author, ("changed_at",): moment, ("status",): "draft"}
    edits |= {key: value for key, value in again.items() if key[0] in content}
    if said.description:
        edits["description",] = said.description
    file = part.census_file
    if file is not None and os.path.realpath(folder / str(part.stated.census.file)) != str(file):
        edits["census", "file"] = Path(os.path.relpath(file, os.path.realpath(folder))).as_posix()
    return edited(read_text(path), {key: store.yaml_value(value) for key, value in edits.items()})


def _line(row: LeverRow, name: str) -> dict[str, str]:
    """A row of levers under another name; who decided it, and when, stays."""
    return store.lever_line(
        name,
        (row.parameter_name, row.fiscal_year, row.job_level),
        row.parameter_value,
        created_at=row.created_at,
        created_by=row.created_by,
        is_locked=row.is_locked,
    )


def extend_scenario(project: Project, base: str, said: Save) -> Path:
    """Make a scenario that extends ``base`` and states nothing yet; the path of its file. Raises as ``save_scenario``
    does, and where ``base`` cannot be used.
    """
    store.check_no_path(base)
    return save_scenario(project, Draft(store.open_scenario(project, base)), said)


def set_status(project: Project, name: str, status: str, author: str) -> Path:
    """Make a scenario of the user's ``published``, checked as a run would check it, or ``draft``; the path of its file.

    Raises ``InputError`` where there is none of that name, it ships, or no run would take what is to be published;
    nothing is written then.
    """
    own_path(project, name)
    Save(name=name, author=author).check()
    with store.locked(project) as folder:
        path = own_path(project, name)
        if read_yaml(path).get("status", "draft") == status:
            return path
        edits: dict[str, Any] = {"changed_by": author, "changed_at": now(), "status": status}
        text = edited(read_text(path), {(key,): store.yaml_value(value) for key, value in edits.items()})
        if status == "published":
            return store.write(project, folder, name, text, store.read_rows(folder / store.TABLE))
        store.put(path, text)  # unchecked: a draft is where a scenario that no run takes any more is mended
        return path


def own_path(project: Project, name: str) -> Path:
    """The file of a scenario of the user's. Raises ``InputError`` where there is none of that name, or it ships."""
    store.check_no_path(name)
    path = scenario_path(name, store.folders(project))
    if store.is_shipped(project, name):
        fix = f"Copy it under a name of your own: planwise scenarios copy {name} NAME"
        raise InputError(f"Scenario {name} ships with PlanWise and stays as it is.", fix=fix)
    if path.parent != project.own / store.FOLDER:
        raise InputError(f"Scenario {name} lies in {path.parent}, not in this project.", fix="Change it there.")
    return path


def check_deletable(project: Project, name: str) -> Path:
    """The file of a scenario that may be deleted. Raises ``InputError`` where there is none of that name, it ships, is
    published, or others extend it and none of its name lies behind it.
    """
    path = own_path(project, name)
    if len(store.files_of(project, name)) == 1 and (others := store.extended_by(project, name)):
        fix = f"Delete them first, or let them extend another one: planwise scenarios delete {others[0]}"
        raise InputError(f"Scenario {name} is extended by {', '.join(others)}.", fix=fix)
    check_draft(project, name)
    return path


def delete_scenario(project: Project, name: str) -> Path:
    """Delete a scenario of the user's and its rows of levers; the path where its file was. Runs of it stay as they are.

    Raises as ``check_deletable`` does.
    """
    check_deletable(project, name)
    with store.locked(project) as folder:
        path = check_deletable(project, name)
        store.remove(folder, name)
    return path


def author_here(folder: Path) -> str:
    """Who works here: ``GIT_AUTHOR_NAME``, else what git knows in ``folder``, else the name of the account; may be
    empty."""
    if name := os.environ.get("GIT_AUTHOR_NAME", "").strip():
        return name
    try:
        command = ["git", "-C", str(folder), "config", "user.name"]
        told = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:  # no git
        told = ""
    try:
        return told or getpass.getuser()
    except (OSError, KeyError):  # an account without a name
        return ""

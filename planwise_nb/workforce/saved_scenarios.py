"""Saves a draft as a scenario of the user's: a YAML file that extends another, and its rows of levers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from planwise_nb.core.errors import InputError
from planwise_nb.core.project import Project
from planwise_nb.core.safe_texts import SIGNS
from planwise_nb.core.yaml_edits import edited
from planwise_nb.core.yaml_files import read_text, read_yaml
from planwise_nb.workforce import scenario_store as store
from planwise_nb.workforce.drafts import Draft
from planwise_nb.workforce.levers import TRUE
from planwise_nb.workforce.parameter_layers import PARAMETERS
from planwise_nb.workforce.parameters import ResolvedScenario

MOST_LETTERS = 200
SECTION_OF = {name: section for (section, key), name in PARAMETERS.items() if key == name}


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
        store.check_name(self.name)
        for what, text in (("author", self.author), ("description", self.description)):
            if len(text) > MOST_LETTERS or not text.isprintable():
                fix = f"Write one line of plain text, {MOST_LETTERS} letters at most."
                raise InputError(f"The {what} is too long or cannot be printed.", fix=fix)
        if not self.author.strip():
            fix = "Give your name: it is kept with the scenario."
            raise InputError("Nobody is named who saves the scenario.", fix=fix)
        if self.author.strip()[0] in SIGNS:
            fix = "Write the name without the sign that it begins with."
            raise InputError(f"A spreadsheet would take the author {self.author} for a formula.", fix=fix)


def now() -> datetime:
    """The moment that a scenario keeps, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


def save_scenario(project: Project, draft: Draft, said: Save) -> Path:
    """Write the draft into the user's project, checked as a run would check it; the path of its YAML file.

    The file extends the draft's base and states the company's rates that changed; levers by year and level become rows
    of ``comp_levers.csv``. Who made the scenario first, and when, stays; who replaces it is recorded beside that.
    Saving one's own scenario under its name keeps what else its file states, comments included. Raises ``InputError``
    where the name is taken and may not be replaced, is that of a scenario that ships, is published or has locked
    levers, or where the base was deleted, or one's own scenario changed, by somebody else since it was opened; nothing
    is written then.
    """
    said.check()
    check_free(project, said)  # a refusal leaves no trace, not even that of the lock
    with store.locked(project) as folder:
        check_free(project, said)
        _check_there(draft)
        moment, target = now(), folder / f"{said.name}.yaml"
        is_same = said.name == draft.base.scenario_id and target.exists()
        if is_same:
            _check_unchanged(project, draft)
            scenario = _changed(target, draft, said, moment)
        else:
            _check_unlocked(folder, said.name)
            scenario = store.yaml_text(_content(read_yaml(target) if target.exists() else None, draft, said, moment))
        rows = _rows(store.read_rows(folder / store.TABLE), draft, said, moment, keeps_own=is_same)
        return store.write(project, folder, said.name, scenario, rows)


def check_free(project: Project, said: Save) -> None:
    """Raise ``InputError`` where a scenario of that name may not be written."""
    if store.is_shipped(project, said.name):
        raise InputError(f"Scenario {said.name} ships with PlanWise and stays as it is.", fix="Choose another name.")
    if not store.files_of(project, said.name):
        return
    check_draft(project, said.name)
    if not said.may_replace:
        fix = f"Choose another name, or delete it first: planwise scenarios delete {said.name}"
        raise InputError(f"There is a scenario {said.name} already.", fix=fix)


def check_draft(project: Project, name: str) -> None:
    """Raise ``InputError`` where the user's scenario is published: it stays as it is until it is a draft again."""
    path = project.own / store.FOLDER / f"{name}.yaml"
    if path.exists() and read_yaml(path).get("status") == "published":
        fix = f"Make it a draft again first: planwise scenarios unpublish {name}"
        raise InputError(f"Scenario {name} is published and stays as it is.", fix=fix)


def _check_there(draft: Draft) -> None:
    """Raise ``InputError`` where the draft's base is gone: nothing could extend it."""
    path = draft.base.files[0]
    if not path.exists():
        fix = f"Put {path} back, or open another scenario and make your changes there."
        raise InputError(f"Scenario {draft.base.scenario_id} was deleted since you opened it.", fix=fix)


def _check_unlocked(folder: Path, name: str) -> None:
    """Raise ``InputError`` where a scenario that is to be replaced by another has levers that somebody locked."""
    rows = [row for row in store.read_rows(folder / store.TABLE) if row["scenario_id"] == name]
    if any(row["is_locked"].lower() in TRUE for row in rows):
        fix = f"Choose another name, or open {name} and make your changes there: its locked levers stay."
        raise InputError(f"Scenario {name} has locked levers, which replacing it would take away.", fix=fix)


def _check_unchanged(project: Project, draft: Draft) -> None:
    """Raise ``InputError`` where the draft's base says something else now: what somebody else saved is not lost."""
    name = draft.base.scenario_id
    if _meaning(store.open_scenario(project, name)) != _meaning(draft.base):
        fix = "Open it again and make your changes anew, or choose another name."
        raise InputError(f"Scenario {name} was changed since you opened it.", fix=fix)


def _meaning(scenario: ResolvedScenario) -> tuple[Any, ...]:
    """What a scenario states, wherever its lines stand."""
    return scenario.chain, scenario.scenario, {replace(layer, where="") for layer in scenario.layers}


def _changed(target: Path, draft: Draft, said: Save, moment: datetime) -> str:
    """The user's file with what changed, and who changed it; all else as it was written."""
    values: dict[tuple[str, ...], object] = {("description",): said.description} if said.description else {}
    values |= {("changed_by",): said.author, ("changed_at",): moment}
    values |= {(SECTION_OF[name], name): value for name, value in _company_rates(draft).items()}
    return edited(read_text(target), {path: store.yaml_value(value) for path, value in values.items()})


def _content(before: Mapping[str, Any] | None, draft: Draft, said: Save, moment: datetime) -> dict[str, Any]:
    """What a new file says; of one that it replaces, ``before``, it keeps who made it first and when."""
    content: dict[str, Any] = {"description": said.description}
    if before is None:
        content |= {"author": said.author, "created_at": moment}
    else:
        content |= {key: before[key] for key in ("author", "created_at") if key in before}
        content |= {"changed_by": said.author, "changed_at": moment}
    content["extends"] = draft.base.scenario_id
    for name, value in _company_rates(draft).items():
        content.setdefault(SECTION_OF[name], {})[name] = value
    return content


def _company_rates(draft: Draft) -> dict[str, Any]:
    return {name: value for (name, year, level), value in draft.changes.items() if year is None and level is None}


def _rows(before: store.Lines, draft: Draft, said: Save, moment: datetime, *, keeps_own: bool) -> store.Lines:
    """The rows of the table of levers: those of others as they are, and the scenario's own."""
    made = [
        store.lever_line(said.name, (name, year, level), value, created_at=moment, created_by=said.author)
        for (name, year, level), value in sorted(draft.changes.items(), key=str)
        if year is not None or level is not None
    ]
    new = {_place(row) for row in made}
    kept = [row for row in before if row["scenario_id"] != said.name or (keeps_own and _place(row) not in new)]
    return kept + made


def _place(row: Mapping[str, str]) -> tuple[str, ...]:
    """Where a row of levers holds, however it is written."""
    return row["fiscal_year"].lstrip("0"), row["job_level"].lstrip("0"), row["parameter_name"].lower()

"""Parts of a scenario: what one file or one ``--set`` states, checked on its own, and how parts are laid over another.

A part is a ``Scenario`` that knows which keys were stated (pydantic's ``model_fields_set``).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from planwise_nb.core.errors import Problem
from planwise_nb.core.yaml_files import read_value
from planwise_nb.workforce.figures import expectation, figure_schema, shown
from planwise_nb.workforce.scenario import PART, SECTIONS, Scenario

MOST_FAULTS = 200
"""A scenario with more faults is told that it is none."""

_SETTING = re.compile(r"([^=.]+)\.([^=.]+)(?:\.([^=.]+))?=(.*)", re.DOTALL)
_MUST_BE = {
    "string_type": "a text",
    "string_too_short": "a text that is not empty",
    "string_pattern_mismatch": "a name of 1 to 64 letters a-z, digits, _ or -",
    "bool_type": "true or false",
    "date_type": "a date as YYYY-MM-DD",
    "literal_error": "draft or published",
    "model_type": "a section with keys",
}


@dataclass(frozen=True, kw_only=True)
class Part:
    """What one file of a chain, or all ``--set`` items together, state; ``path`` is None for the latter."""

    name: str
    path: Path | None
    stated: Scenario

    @property
    def where(self) -> str:
        """Where it is stated, for a message."""
        return str(self.path or "--set")

    @cached_property
    def values(self) -> dict[tuple[str, str], Any]:
        """Everything that is stated, by section and key, in the order of the fields."""
        sections = self.stated.model_dump(include=set(SECTIONS), exclude_unset=True)
        return {(section, key): value for section, values in sections.items() for key, value in values.items()}

    @cached_property
    def census_file(self) -> Path | None:
        """The census that is stated, from the folder of the part on; None where none is."""
        folder = self.path.parent if self.path else Path()
        file = self.stated.census.file
        return Path(os.path.realpath(folder / file)) if file else None


def check_part(content: Mapping[Any, Any], where: str, problems: list[Problem]) -> Scenario:
    """``content`` as a part of a scenario; what is wrong goes to ``problems`` and leaves an empty part."""
    try:
        return Scenario.model_validate(content, context=PART)
    except ValidationError as error:
        problems += scenario_problems(error, lambda key: where)
        return Scenario()


def check_settings(items: Sequence[tuple[str, str]], problems: list[Problem]) -> Scenario:
    """All ``--set`` items as one part; each item is (what the user typed, ``section.key[.level]=value``)."""
    content: dict[str, dict[str, Any]] = {}
    for typed, item in items:
        match = _SETTING.fullmatch(item)
        if match is None:
            fix = "Write --set section.key=value, such as --set compensation.cola_rate=0.03."
            problems.append(Problem(rule="set_form", where=typed, what=f"{item!r} is not section.key=value", fix=fix))
            continue
        section, key, entry, text = match.groups()
        value = read_value(text)
        if entry is not None:
            value = {int(entry) if re.fullmatch(r"[0-9]{1,6}", entry) else entry: value}
        if text.lstrip().startswith("{") and entry is None:
            fix = f"Give one --set for each entry, such as --set {section}.{key}.1=0.4."
            problems.append(Problem(rule="set_form", where=typed, what=f"{key} is given several entries", fix=fix))
            continue
        before = len(problems)
        check_part({section: {key: value}}, typed, problems)
        if len(problems) == before:
            earlier = content.setdefault(section, {}).get(key)
            content[section][key] = _with_entries(earlier, value) if entry is not None else value
    return Scenario.model_validate(content, context=PART)


def _with_entries(earlier: Any, entries: Mapping[Any, Any]) -> dict[Any, Any]:
    if earlier is None:
        return dict(entries)
    return {**(earlier if isinstance(earlier, Mapping) else {"all": earlier}), **entries}


def lay_over(below: dict[str, dict[str, Any]], part: Part) -> dict[str, dict[str, Any]]:
    """``below`` with what ``part`` states laid over it.

    A rate by level leaves the levels that it does not name; a merit budget takes the place of any merit rate below;
    shares are stated as a whole by a file, and one by one by ``--set``.
    """
    result = {section: dict(values) for section, values in below.items()}
    for (section, key), value in part.values.items():
        schema = figure_schema(SECTIONS[section].model_fields[key]) or {"keys": ""}
        if key == "merit_budget":
            result[section].pop("merit_base", None)
        one_by_one = schema["keys"] == "levels" or (schema["keys"] and part.path is None)
        if one_by_one and "all" not in value:
            value = {**result[section].get(key, {}), **value}  # noqa: PLW2901 - the laid-over value
        result[section][key] = value
    return result


def scenario_problems(error: ValidationError, where: Callable[[str], str]) -> Iterator[Problem]:
    """The problems of a scenario that pydantic refused, the first of very many; ``where`` gives the place of a key."""
    faults = error.errors(include_url=False)
    for fault in faults[:MOST_FAULTS]:
        path = [str(step) for step in fault["loc"]]
        if fault["type"] == "figure":
            for entry, text in fault["ctx"]["faults"]:
                key = ".".join([*path, entry] if entry else path)
                yield Problem(
                    rule="figure", where=where(key), what=f"{key} {text}", fix=_figure_fix(key, alone=len(path) > 1)
                )
        elif fault["type"] in {"extra_forbidden", "invalid_key"}:
            yield _unknown_key(path, where(".".join(path)))
        else:
            key, must_be = ".".join(path), _MUST_BE.get(fault["type"], fault["msg"])
            what = f"{key} is {shown(fault['input'])}: it must be {must_be}"
            yield Problem(rule="value", where=where(key), what=what, fix=f"Set {key} to {must_be}.")
    if (more := len(faults) - MOST_FAULTS) > 0:
        what = f"{more:,} more keys are wrong: this looks like another kind of file"
        yield Problem(rule="many", where=where(""), what=what, fix="Give the file of a scenario.")


def _figure_fix(key: str, *, alone: bool) -> str:
    section, name, *entry = key.split(".")
    schema = figure_schema(SECTIONS[section].model_fields[name])
    if schema is None or schema["keys"].endswith("shares"):
        return f"Give {section}.{name} shares from 0 to 1, by whole numbers, that add up to exactly 1."
    if not alone:
        return f"Change {key} or the key that it is held against."
    if entry and not entry[0].isdigit() and entry[0] != "all":
        return f"Name a level by its number, such as {section}.{name}.3."
    return f"Set {key} to {expectation(schema)}."


def _unknown_key(path: Sequence[str], where: str) -> Problem:
    *parents, key = path
    section = SECTIONS.get(parents[0]) if parents else Scenario
    here = list(section.model_fields) if section else []
    elsewhere = {name: other for other, model in SECTIONS.items() for name in model.model_fields}
    prefix = "".join(f"{parent}." for parent in parents)
    if near := get_close_matches(key, here, 1, 0.7):
        fix = f"Did you mean {prefix}{near[0]}?"
    elif near := get_close_matches(key, list(elsewhere), 1, 0.8):
        fix = f"Did you mean {elsewhere[near[0]]}.{near[0]}?"
    else:
        fix = f"Known keys are {', '.join(prefix + name for name in here)}."
    return Problem(rule="unknown_key", where=where, what=f"unknown key {prefix}{key}", fix=fix)

"""Scenario files: found by name or path, followed along ``extends`` to the root, and laid over each other."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property, reduce
from pathlib import Path
from typing import Any, NoReturn

from pydantic import ValidationError

from planwise_nb.core.errors import InputError, Problem
from planwise_nb.core.yaml_files import read_yaml
from planwise_nb.workforce.levers import LeverRow, read_levers, rounding_warnings, stranger_warnings
from planwise_nb.workforce.parameter_layers import (
    ParameterLayer,
    level_problems,
    lever_layers,
    mix_problems,
    part_layers,
)
from planwise_nb.workforce.parameter_tables import Tables, read_tables
from planwise_nb.workforce.parameters import ResolvedScenario
from planwise_nb.workforce.scenario import ABOUT, SCENARIO_NAME, SECTIONS, Scenario
from planwise_nb.workforce.scenario_parts import Part, check_part, check_settings, lay_over, scenario_problems

MAX_DEPTH = 20
"""How many scenarios a chain of ``extends`` may have."""


@dataclass(frozen=True, kw_only=True)
class ScenarioFiles:
    """A scenario and all that it extends, with the tables, as the files say it: read once, for every member.

    ``chain``: what each file states, from the scenario to its root; ``levers``: the lever rows of each; ``files``: the
    paths that were read; ``chain_problems`` and ``table_problems``: what is wrong with them; ``warnings``: what is odd.
    """

    name: str
    chain: tuple[Part, ...]
    levers: tuple[tuple[LeverRow, ...], ...]
    tables: Tables
    files: tuple[Path, ...]
    chain_problems: tuple[Problem, ...]
    table_problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]

    def resolve(
        self, settings: Sequence[str] = (), *, years: tuple[int, int] | None = None, seed: int | None = None
    ) -> ResolvedScenario:
        """The scenario with what a person typed laid over its files.

        ``settings`` are ``section.key[.level]=value`` items and beat every file; ``years`` (first, last) and ``seed``
        beat those. Raises ``InputError`` with everything that is wrong with the files, the tables and the settings.
        """
        typed = _typed_settings(settings, years, seed)
        problems = [*self.chain_problems]
        stated = Part(name="set", path=None, stated=check_settings(typed, problems))
        parts = (stated, *self.chain)
        merged = None if problems else _merged(lay_over(self._content, stated), parts, typed, problems)
        problems += self.table_problems
        layers = (*part_layers(stated, 0, "set", stated.where), *self._layers)
        if (levels := self.tables.job_levels) and not (merged and merged.census.map):  # a mapping may bring its own
            problems += level_problems(layers, levels)
            if merged:
                problems += mix_problems(merged, levels, _place_of("hiring.level_mix", parts, typed))
        if problems or merged is None:
            raise InputError(f"Scenario {self.name} cannot be used.", problems)
        return ResolvedScenario(
            scenario_id=self.name,
            chain=tuple(part.name for part in self.chain),
            scenario=merged,
            tables=self.tables,
            layers=layers,
            warnings=self.warnings,
            settings=tuple(item for _, item in typed),
            files=self.files,
            census_file=next((part.census_file for part in parts if ("census", "file") in part.values), None),
        )

    @cached_property
    def _content(self) -> dict[str, dict[str, Any]]:
        """The files laid over each other, and over the defaults."""
        defaults = Scenario().model_dump(include=set(SECTIONS), exclude_none=True)
        return reduce(lay_over, reversed(self.chain), defaults)

    @cached_property
    def _layers(self) -> tuple[ParameterLayer, ...]:
        """What the files and, after them, the defaults state of the parameters."""
        layers: list[ParameterLayer] = []
        for depth, (part, rows) in enumerate(zip(self.chain, self.levers, strict=True)):
            layers += lever_layers(rows, 2 * depth + 1, f"levers:{part.name}")
            layers += part_layers(part, 2 * depth + 2, f"yaml:{part.name}", f"{part.where}:")
        stated = Scenario.model_validate(Scenario().model_dump(exclude_none=True))
        defaults = Part(name="default", path=None, stated=stated)
        return (*layers, *part_layers(defaults, 2 * len(self.chain) + 1, "default", "default"))


def read_scenario(name_or_path: str, folders: Sequence[Path]) -> ScenarioFiles:
    """The scenario of that name in the first of ``folders`` that has it, or of that path, with all that it extends.

    The tables are the first of their name in ``folders``; a path's own folder comes before them. Raises ``InputError``
    where there is no such scenario; what is wrong with its files is told with what is wrong with the settings.
    """
    leaf = scenario_path(name_or_path, folders)
    searched = list(dict.fromkeys([leaf.parent, *folders] if is_path(name_or_path) else folders))
    chain_problems: list[Problem] = []
    chain = _chain(leaf, searched, chain_problems)
    table_problems: list[Problem] = []
    tables = read_tables(searched, table_problems)
    lever_tables: dict[Path, list[LeverRow]] = {}
    levers = _levers_of(chain, searched, lever_tables, table_problems)
    names = {*scenario_names(searched), leaf.stem}
    strangers = stranger_warnings((row for rows in lever_tables.values() for row in rows), names)
    return ScenarioFiles(
        name=leaf.stem,
        chain=tuple(chain),
        levers=tuple(levers),
        tables=tables,
        files=(*(part.path for part in chain if part.path), *lever_tables, *tables.files),
        chain_problems=tuple(chain_problems),
        table_problems=tuple(table_problems),
        warnings=(*strangers, *rounding_warnings(row for rows in levers for row in rows)),
    )


def scenario_names(folders: Sequence[Path]) -> list[str]:
    """The names of all scenarios in ``folders``, sorted."""
    found = {path.stem for folder in folders for path in folder.glob("*.yaml")}
    return sorted(name for name in found if re.fullmatch(SCENARIO_NAME, name))


def scenario_path(name_or_path: str, folders: Sequence[Path]) -> Path:
    """The file of a scenario given by name or path; raises ``InputError`` with the nearest names if there is none."""
    if is_path(name_or_path):
        path = Path(name_or_path)
        if not re.fullmatch(SCENARIO_NAME, path.stem):
            fix = "Rename the file: 1 to 64 letters a-z, digits, _ or -, then .yaml."
            _refuse("scenario_name", name_or_path, f"{path.stem!r} cannot be the name of a scenario", fix)
        if not os.path.lexists(path):
            _refuse("unknown_scenario", name_or_path, "there is no such file", "Check the path.")
        return path
    path_or_none = _named(name_or_path, folders)
    if path_or_none is None:
        fix = _known(name_or_path, folders)
        _refuse("unknown_scenario", name_or_path, f"there is no scenario {name_or_path!r}", fix)
    return path_or_none


def is_path(name_or_path: str) -> bool:
    """Whether a text names a file rather than a scenario by its name."""
    return name_or_path.endswith((".yaml", ".yml")) or "/" in name_or_path or "\\" in name_or_path


def _named(name: str, folders: Sequence[Path]) -> Path | None:
    if not re.fullmatch(SCENARIO_NAME, name):
        return None
    return next((path for folder in folders if os.path.lexists(path := folder / f"{name}.yaml")), None)


def _known(name: str, folders: Sequence[Path]) -> str:
    names = scenario_names(folders)
    if near := get_close_matches(name.lower(), names, 1, 0.6):
        return f"Did you mean {near[0]}?"
    return f"Known scenarios are {', '.join(names) or 'none'}."


def _chain(leaf: Path, searched: Sequence[Path], problems: list[Problem]) -> list[Part]:
    """The parts from the leaf to the root, as far as they can be followed."""
    parts: list[Part] = []
    path: Path | None = leaf
    while path is not None:
        names = [part.name for part in parts]
        is_circle = path in [part.path for part in parts]
        if is_circle or len(parts) == MAX_DEPTH:
            fault = "goes in a circle" if is_circle else f"is longer than {MAX_DEPTH} scenarios"
            what = f"the chain of extends {fault}: {' → '.join([*names, path.stem])}"
            fix = "Let one of them extend nothing or another scenario."
            problems.append(Problem(rule="extends", where=f"{parts[-1].path}: extends", what=what, fix=fix))
            break
        try:
            content = read_yaml(path)
        except InputError as error:
            problems += error.problems
            break
        parts.append(Part(name=path.stem, path=path, stated=check_part(content, str(path), problems)))
        path = _parent(content.get("extends"), path, searched, problems)
    return parts


def _parent(name: object, path: Path, searched: Sequence[Path], problems: list[Problem]) -> Path | None:
    """The file that ``path`` extends; one that extends its own name means the one behind it, such as the shipped."""
    if not isinstance(name, str) or not re.fullmatch(SCENARIO_NAME, name):
        return None
    parent = _named(name, searched)
    if name == path.stem and path.parent in searched:
        parent = _named(name, [*searched][[*searched].index(path.parent) + 1 :]) or path
    if parent is None:
        what = f"extends {name!r}, but there is no such scenario"
        fix = _known(name, searched)
        problems.append(Problem(rule="unknown_scenario", where=f"{path}: extends", what=what, fix=fix))
    return parent


def _typed_settings(settings: Sequence[str], years: tuple[int, int] | None, seed: int | None) -> list[tuple[str, str]]:
    """What the user typed and the setting that it means, the later ones winning."""
    typed = [(f"--set {item}", item) for item in settings]
    if years is not None:
        option = f"--years {years[0]}-{years[1]}"
        typed += [(option, f"simulation.start_year={years[0]}"), (option, f"simulation.end_year={years[1]}")]
    if seed is not None:
        typed.append((f"--seed {seed}", f"simulation.random_seed={seed}"))
    return typed


def _merged(
    content: Mapping[str, Any], parts: Sequence[Part], typed: Sequence[tuple[str, str]], problems: list[Problem]
) -> Scenario | None:
    """What the parts, the strongest first, state together; rules over several keys are checked here."""
    own = parts[1].stated.model_dump(include=ABOUT | {"description", "extends"})
    try:
        return Scenario.model_validate({**content, **own})
    except ValidationError as error:
        problems += scenario_problems(error, lambda key: _place_of(key, parts, typed))
        return None


def _place_of(key: str, parts: Sequence[Part], typed: Sequence[tuple[str, str]]) -> str:
    """What the user typed, else the file, that states ``key``."""
    section_and_key = tuple(key.split(".")[:2])
    by_user = [option for option, item in typed if item.startswith(".".join(section_and_key))]
    stating = (part for part in parts if section_and_key in part.values)
    return by_user[-1] if by_user else str(next(stating, parts[-1]).path)


def _levers_of(
    files: Sequence[Part], searched: Sequence[Path], tables: dict[Path, list[LeverRow]], problems: list[Problem]
) -> list[tuple[LeverRow, ...]]:
    """The lever rows of each scenario of the chain, in its order; the tables that were read go to ``tables``.

    A scenario's rows are in the first table that has any, not searched further than the folder of the scenario: what
    lies behind belongs to another scenario of the same name, and so does what lies beside one.
    """
    levers: list[tuple[LeverRow, ...]] = []
    for place, part in enumerate(files):
        others = {earlier.path.parent for earlier in files[:place] if earlier.path and earlier.name == part.name}
        near = list(searched)[: [*searched].index(part.path.parent) + 1] if part.path else []
        own: tuple[LeverRow, ...] = ()
        for path in (folder / "comp_levers.csv" for folder in near if folder not in others):
            if path not in tables and os.path.lexists(path):
                tables[path] = read_levers(path, problems)
            if own := tuple(row for row in tables.get(path, []) if row.scenario_id == part.name):
                break
        levers.append(own)
    return levers


def _refuse(rule: str, where: str, what: str, fix: str) -> NoReturn:
    raise InputError(f"There is no scenario {where}.", [Problem(rule=rule, where=where, what=what, fix=fix)])

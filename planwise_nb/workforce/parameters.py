"""A scenario as resolved, and the files of parameters that the models read."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from planwise_nb.core.errors import InputError, Problem
from planwise_nb.workforce.figures import plain
from planwise_nb.workforce.job_levels import JobLevel, check_job_levels
from planwise_nb.workforce.parameter_layers import ParameterLayer, level_problems, mix_problems
from planwise_nb.workforce.parameter_tables import Tables
from planwise_nb.workforce.scenario import ABOUT, SECTIONS, Scenario

MAX_TOLD = 20
"""Scenarios that ``scenario.yaml`` tells in full."""

BASELINE_LAYERS = "baseline_layers.csv"


@dataclass(frozen=True, kw_only=True)
class ResolvedScenario:
    """A scenario with its whole chain, checked.

    ``chain``: names from the scenario to its root; ``scenario``: their YAML files and the settings laid over each
    other; ``layers``: every statement of a parameter; ``settings``: ``section.key=value`` items, years and seed
    included; ``files``: every file that was read; ``census_file``: the census that the scenario names, if any;
    ``warnings``: what is odd, and no reason to refuse it; ``ensemble_id``: of a member of an ensemble, its scenario;
    ``member_number``: its place in the run.
    """

    scenario_id: str
    chain: tuple[str, ...]
    scenario: Scenario
    tables: Tables
    layers: tuple[ParameterLayer, ...]
    settings: tuple[str, ...]
    files: tuple[Path, ...]
    census_file: Path | None
    warnings: tuple[Problem, ...] = ()
    ensemble_id: str = ""
    member_number: int = 1

    @property
    def differences(self) -> dict[str, Any]:
        """Keys (``section.key`` or ``section.key.level``) whose value is not the project's default, with the value."""
        defaults = project_defaults()
        return {key: value for key, value in self.values.items() if defaults.get(key) != value}

    @property
    def values(self) -> dict[str, Any]:
        """What the files and settings state together, by key (``section.key`` or ``section.key.level``)."""
        return dict(_flat(self.scenario))

    def with_job_levels(self, levels: Sequence[JobLevel]) -> ResolvedScenario:
        """A copy with these pay ranges, such as a census mapping's own.

        Raises ``InputError`` for levels that are no ladder, or for a level that the scenario names and they lack.
        """
        ordered = check_job_levels(levels, "the job levels of the census mapping")
        if problems := [*level_problems(self.layers, ordered), *mix_problems(self.scenario, ordered)]:
            raise InputError(f"Scenario {self.scenario_id} does not fit the job levels of its census.", problems)
        return replace(self, tables=replace(self.tables, job_levels=ordered))


def project_defaults() -> dict[str, Any]:
    """The project's default of every key (``section.key`` or ``section.key.level``) that has one."""
    return dict(_flat(Scenario()))


def write_parameters(members: Sequence[ResolvedScenario], folder: Path) -> None:
    """Write what the models read of all ``members`` of a run into ``folder``, and ``scenario.yaml`` for people.

    The people's file tells an ensemble once, with its first seed. Every CSV file has ``scenario_id`` first and is
    written in a fixed order: equal members give equal bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in COLUMNS:
        _write_table(folder / f"{name}.csv", name, members)
    told = {member.ensemble_id or member.scenario_id: member for member in reversed(members)}
    content = {name: _content(member.scenario) for name, member in [*reversed(told.items())][:MAX_TOLD]}
    note = "# The scenarios as resolved from their YAML files; rates by year: parameter_layers.csv\n"
    if len(told) > MAX_TOLD:
        note += f"# The first {MAX_TOLD} of {len(told):,}; the figures of all are in the CSV files beside this one.\n"
    text = yaml.dump(content, Dumper=ExactDumper, sort_keys=False, allow_unicode=True, width=120)
    (folder / "scenario.yaml").write_text(note + text, encoding="utf-8", newline="\n")


def write_baseline(baseline: ResolvedScenario, folder: Path) -> None:
    """Write what ``baseline`` states of the parameters by year and level into ``folder``; no model reads it."""
    _write_table(folder / BASELINE_LAYERS, "parameter_layers", [baseline])


def _write_table(path: Path, name: str, members: Sequence[ResolvedScenario]) -> None:
    rows = [(member.scenario_id, *row) for member in members for row in _ROWS[name](member)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS[name])
        writer.writerows([_cell(value) for value in row] for row in rows)


COLUMNS = {
    "scenarios": (
        "scenario_id",
        "scenario_name",
        "ensemble_id",
        "member_number",
        "start_year",
        "end_year",
        "random_seed",
        "compensation_variance",
        "tolerance_percent",
        "mask_ssn",
    ),
    "parameter_layers": (
        "scenario_id",
        "layer",
        "parameter_name",
        "fiscal_year",
        "job_level",
        "parameter_value",
        "parameter_source",
        "is_locked",
    ),
    "job_levels": ("scenario_id", "level_id", "name", "min_compensation", "max_compensation"),
    "hazards": ("scenario_id", "event_type", "parameter_name", "parameter_value"),
    "hazard_multipliers": ("scenario_id", "event_type", "dimension", "band", "multiplier"),
    "raise_timing": ("scenario_id", "month", "percentage"),
    "hire_levels": ("scenario_id", "level_id", "share"),
    "hire_ages": ("scenario_id", "age", "share"),
}
"""The columns of every CSV file that ``write_parameters`` writes, by the file's name."""


def _scenario_row(member: ResolvedScenario) -> Iterator[tuple[object, ...]]:
    said = member.scenario
    yield (
        member.scenario_id.partition("~")[0],
        member.ensemble_id or member.scenario_id,
        member.member_number,
        said.simulation.start_year,
        said.simulation.end_year,
        said.simulation.random_seed,
        said.hiring.compensation_variance,
        said.validation.tolerance_percent,
        said.census.mask_ssn,
    )


def _layer_rows(member: ResolvedScenario) -> Iterator[tuple[object, ...]]:
    names = COLUMNS["parameter_layers"][1:]
    order = sorted(
        member.layers, key=lambda row: (row.layer, row.parameter_name, row.fiscal_year or 0, row.job_level or 0)
    )
    return (tuple(getattr(row, name) for name in names) for row in order)


def _level_rows(member: ResolvedScenario) -> Iterator[tuple[object, ...]]:
    names = COLUMNS["job_levels"][1:]
    return (tuple(getattr(level, name) for name in names) for level in member.tables.job_levels)


_ROWS: dict[str, Callable[[ResolvedScenario], Iterable[tuple[object, ...]]]] = {
    "scenarios": _scenario_row,
    "parameter_layers": _layer_rows,
    "job_levels": _level_rows,
    "hazards": lambda member: ((*key, value) for key, value in member.tables.hazards.items()),
    "hazard_multipliers": lambda member: ((*key, value) for key, value in member.tables.hazard_multipliers.items()),
    "raise_timing": lambda member: member.tables.raise_timing.items(),
    "hire_levels": lambda member: sorted(member.scenario.hiring.level_mix.items()),
    "hire_ages": lambda member: sorted(member.scenario.hiring.ages.items()),
}


class ExactDumper(yaml.SafeDumper):
    """Writes decimals with exactly their digits."""

    def represent_decimal(self, number: Decimal) -> yaml.ScalarNode:
        """The node of a decimal."""
        text = plain(number)
        return self.represent_scalar(f"tag:yaml.org,2002:{'float' if '.' in text else 'int'}", text)


ExactDumper.add_representer(Decimal, ExactDumper.represent_decimal)


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return plain(value) if isinstance(value, Decimal) else value


def _flat(scenario: Scenario) -> Iterator[tuple[str, Any]]:
    for section, values in _content(scenario).items():
        if section not in SECTIONS:
            continue
        for key, value in values.items():
            if isinstance(value, dict):
                yield from ((f"{section}.{key}" + ("" if k == "all" else f".{k}"), v) for k, v in value.items())
            else:
                yield f"{section}.{key}", value


def _content(scenario: Scenario) -> dict[str, Any]:
    """The scenario as its YAML file would state it all; the census by its name, since a path is of one machine."""
    content = scenario.model_dump(exclude_none=True, exclude=ABOUT | {"extends"})
    if "file" in content["census"]:
        content["census"]["file"] = Path(content["census"]["file"]).name
    for section in SECTIONS:
        for key, value in content[section].items():
            if isinstance(value, dict):
                ordered = dict(sorted(value.items(), key=lambda entry: (entry[0] != "all", entry[0])))
                content[section][key] = ordered["all"] if list(ordered) == ["all"] else ordered
    return content

"""The members of a run: scenarios side by side, and of each a grid of settings and an ensemble of seeds."""

from __future__ import annotations

import math
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

from planwise_nb.core.errors import InputError, Problem
from planwise_nb.workforce.figures import plain, rounded, typed_number
from planwise_nb.workforce.parameters import ResolvedScenario
from planwise_nb.workforce.scenario import MAX_SEED
from planwise_nb.workforce.scenario_files import read_scenario

MOST = 10_000
"""Members that one run may have."""

MAX_SUBJECT = 120
_GRID = re.compile(r"([a-z_]+\.[a-z_]+(?:\.[A-Za-z0-9_]+)?)=([^:]+):([^:]+):([0-9]{1,5})")


def load_members(
    scenarios: str,
    *,
    folders: Sequence[Path],
    settings: Sequence[str] = (),
    years: tuple[int, int] | None = None,
    seed: int | None = None,
    seeds: int | None = None,
    grid: Sequence[str] = (),
) -> tuple[ResolvedScenario, ...]:
    """The members that ``scenarios``, names or paths joined by commas, stand for.

    ``grid``: ``section.key=start:stop:count`` items, of which every combination makes a member; ``seeds``: so many
    members of each, with consecutive seeds from the scenario's on. Raises ``InputError`` as ``read_scenario`` and
    its ``resolve`` do, and for a grid that cannot be read.
    """
    names = [scenarios] if os.path.lexists(scenarios) else scenarios.split(",")
    if "" in names and len(names) > 1:
        raise InputError(f"{scenarios} names a scenario before or after each comma, and one is empty.", fix="Name it.")
    _refuse_said_twice([item.partition("=")[0] for item in grid], settings, years=years, seed=seed, seeds=seeds)
    axes = [_axis(item) for item in grid]
    _refuse_too_many(len(names) * math.prod(map(len, axes)) * (seeds or 1), seeds)
    loaded = [
        _named(files.resolve([*settings, *point], years=years, seed=seed), point)
        for files in (read_scenario(name, folders) for name in names)
        for point in product(*axes)
    ]
    members = [one for member in loaded for one in (_seeded(member, seeds) if seeds else [member])]
    _refuse_repeated(members)
    return tuple(replace(member, member_number=number) for number, member in enumerate(members, start=1))


def subject_of(scenarios: Sequence[str], *, seeds: int | None, grid: Sequence[str]) -> str:
    """What a run of these scenarios is about, the name of its folder's parent."""
    if seeds:
        return "ensemble"
    if grid:
        return "grid"
    joined = "+".join(scenarios)
    return joined if len(joined) <= MAX_SUBJECT else f"{scenarios[0]}+{len(scenarios) - 1}-more"


def _refuse_said_twice(
    keys: Sequence[str], settings: Sequence[str], *, years: object, seed: object, seeds: object
) -> None:
    """A member's name says its point of the grid: nothing else may say something else of it."""
    said = {item.partition("=")[0]: f"--set {item}" for item in settings}
    said |= {"simulation.random_seed": "--seed or --seeds"} if (seed, seeds) != (None, None) else {}
    said |= dict.fromkeys(("simulation.start_year", "simulation.end_year"), "--years or --year") if years else {}
    for place, key in enumerate(keys):
        other = said.get(key) or (f"another --grid {key}" if key in keys[:place] else "")
        if other:
            raise _grid_error(key, f"it is also given by {other[:100]}", fix="Give it once.")


def _axis(item: str) -> list[str]:
    """The settings that one item of a grid stands for."""
    match = _GRID.fullmatch(item)
    start, stop = (typed_number(text) for text in match.group(2, 3)) if match else (None, None)
    if match is None or start is None or stop is None or int(match[4]) < 1:
        raise _grid_error(item, "it is not section.key=start:stop:count, in numbers of six decimals at most")
    count = int(match[4])
    if count > MOST:
        raise _grid_error(item, f"{count:,} values are more than {MOST:,}")
    if count == 1 and start != stop:
        fix = "Give the number of values, 2 at least; or the same start and stop for one value."
        raise _grid_error(item, "one value cannot be start and stop", fix)
    values = [plain(rounded(start + (stop - start) * step / max(count - 1, 1))) for step in range(count)]
    if len(set(values)) < count:
        raise _grid_error(item, f"the {count} values are not all different, at six decimals")
    return [f"{match[1]}={value}" for value in values]


WRITTEN = "Write --grid compensation.cola_rate=0.01:0.05:5 for the five values 0.01, 0.02, 0.03, 0.04 and 0.05."


def _grid_error(item: str, what: str, fix: str = WRITTEN) -> InputError:
    problem = Problem(rule="grid", where=f"--grid {item[:100]}", what=what, fix=fix)
    return InputError("The grid cannot be read.", [problem])


def _refuse_too_many(count: int, seeds: int | None) -> None:
    if seeds is not None and seeds < 1:
        raise InputError(f"--seeds {seeds}: an ensemble has one member at least.", fix="Give --seeds 100, for example.")
    if count > MOST:
        raise InputError(f"These are {count:,} members, a run has {MOST:,} at most.", fix="Make several runs of them.")


def _named(member: ResolvedScenario, point: Sequence[str]) -> ResolvedScenario:
    """The member of a grid, by the name that says its point."""
    return replace(member, scenario_id="~".join([member.scenario_id, *point]))


def _seeded(member: ResolvedScenario, seeds: int) -> Iterator[ResolvedScenario]:
    """The member with each of so many seeds."""
    first = member.scenario.simulation.random_seed
    if first + seeds - 1 > MAX_SEED:
        raise InputError(f"--seeds {seeds}: seeds from {first} on go beyond {MAX_SEED}.", fix="Give a smaller --seed.")
    for seed in range(first, first + seeds):
        simulation = member.scenario.simulation.model_copy(update={"random_seed": seed})
        yield replace(
            member,
            scenario_id=f"{member.scenario_id}~seed={seed}",
            ensemble_id=member.scenario_id,
            scenario=member.scenario.model_copy(update={"simulation": simulation}),
        )


def _refuse_repeated(members: Sequence[ResolvedScenario]) -> None:
    counts = Counter(member.scenario_id for member in members)
    if repeated := [name for name, count in counts.items() if count > 1]:
        raise InputError(f"{', '.join(repeated)} is given twice.", fix="Name each scenario once.")

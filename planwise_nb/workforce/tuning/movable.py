"""What a search may move: levers with their bounds, their locks, and how a strategy moves them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches

import pandas as pd

from planwise_nb.core.errors import InputError, Problem
from planwise_nb.workforce.drafts import Cell
from planwise_nb.workforce.figures import plain, rounded, typed_number
from planwise_nb.workforce.levers import LEVERS

Bounds = Mapping[str, tuple[Decimal, Decimal]]

BOUNDS: Bounds = {
    "cola_rate": (Decimal(0), Decimal("0.1")),
    "merit_base": (Decimal(0), Decimal("0.15")),
    "new_hire_salary_adjustment": (Decimal("0.7"), Decimal("1.5")),
    "promotion_probability": (Decimal(0), Decimal("0.3")),
}
"""The levers that a search moves, each with the lowest and the highest value that it may give them."""

BY_LEVEL = ("merit_base", "promotion_probability")
"""Levers that move level by level; the others move for all levels together."""


@dataclass(frozen=True)
class Strategy:
    """How a search moves.

    ``step``: how far a lever may move in one iteration, as a share of its range; ``reach``: how far in all, as a share
    of the way to its bounds; ``costs``: what a move of a lever counts against one of another, so that cheap ones move
    first.
    """

    name: str
    step: float
    reach: Decimal
    costs: Mapping[str, float]


STRATEGIES = {
    strategy.name: strategy
    for strategy in (
        Strategy("conservative", 0.2, Decimal("0.5"), {"cola_rate": 1, "merit_base": 2}),
        Strategy("balanced", 0.5, Decimal(1), dict.fromkeys(BOUNDS, 1)),
        Strategy("aggressive", 1.0, Decimal(1), {"merit_base": 1, "promotion_probability": 1}),
    )
}
"""The strategies by name: conservative moves pay of all a little, aggressive moves merit and promotions far."""

OTHER_COST = 4.0
"""What a move of a lever counts that its strategy does not name."""

_LOCK = re.compile(r"([a-z_]+)(?:\.([1-9][0-9]?))?")
_BOUND = re.compile(r"([a-z_]+)(\.[0-9]+)?=([^:]{1,40}):([^:]{1,40})")


@dataclass(frozen=True)
class Movable:
    """A lever, of one level or of all. ``cells``: its values of today, each with the lowest and the highest that it may
    take; these are today's where it is locked.
    """

    name: str
    level: int | None
    cells: tuple[tuple[Cell, Decimal, Decimal, Decimal], ...] = ()

    def __str__(self) -> str:
        return self.name if self.level is None else f"{self.name}.{self.level}"

    @property
    def is_locked(self) -> bool:
        """Whether none of its values may move."""
        return all(lowest == highest for _, _, lowest, highest in self.cells)

    @property
    def is_partly_locked(self) -> bool:
        """Whether some of its values may move and others may not."""
        return not self.is_locked and any(lowest == highest for _, _, lowest, highest in self.cells)

    @property
    def width(self) -> Decimal:
        """The unit in which moves are counted: the whole range of the lever's default bounds."""
        lowest, highest = BOUNDS[self.name]
        return highest - lowest

    @property
    def ends(self) -> tuple[float, float]:
        """How far it may move down and up from today, as shares of ``width``."""
        down = min((lowest - today) / self.width for _, today, lowest, _ in self.cells)
        up = max((highest - today) / self.width for _, today, _, highest in self.cells)
        return float(down), float(up)

    def moved(self, move: float) -> Iterator[tuple[Cell, Decimal]]:
        """Its values after a move, given as a share of ``width``, each within its bounds."""
        shift = Decimal(repr(round(move, 12))) * self.width
        for cell, today, lowest, highest in self.cells:
            yield cell, min(max(rounded(today + shift), lowest), highest)


def movables(today: pd.DataFrame, strategy: Strategy, bounds: Bounds, locks: Sequence[str]) -> tuple[Movable, ...]:
    """The levers of a scenario; ``today``: ``planned_parameters`` of it.

    ``locks`` name levers that stay: ``merit_base.5``, ``cola_rate``, or ``level.5`` for all of a level. Raises
    ``InputError`` where a value that may move is beyond its bounds today.
    """
    problems: dict[str, Problem] = {}
    found: dict[tuple[str, int | None], list[tuple[Cell, Decimal, Decimal, Decimal]]] = {}
    for row in today.to_dict("records"):
        name = str(row["parameter_name"])
        if name not in bounds:
            continue
        level = int(row["level_id"])
        value = Decimal(str(row["parameter_value"]))
        is_locked = row["is_locked"] or bool({name, f"{name}.{level}", f"level.{level}"} & set(locks))
        lever = Movable(name, level if name in BY_LEVEL else None)
        if not is_locked and not bounds[name][0] <= value <= bounds[name][1]:
            problems.setdefault(str(lever), _beyond(str(lever), value, *bounds[name]))
        reach = 0 if is_locked else strategy.reach
        lowest, highest = (rounded(value + reach * (end - value)) for end in bounds[name])
        cell = (name, int(row["simulation_year"]), level)
        found.setdefault((lever.name, lever.level), []).append((cell, value, lowest, highest))
    if problems:
        raise InputError("Levers are beyond their bounds today.", [*problems.values()])
    order = list(BOUNDS)
    keys = sorted(found, key=lambda key: (order.index(key[0]), key[1] or 0))
    return tuple(Movable(*key, tuple(found[key])) for key in keys)


def read_locks(items: Iterable[str], levels: int) -> tuple[str, ...]:
    """The locks that a person typed. Raises ``InputError`` for what is no lever and no level."""
    problems = []
    for item in items:
        match = _LOCK.fullmatch(item)
        name, level = match.groups() if match else (item, None)
        if name not in (*BOUNDS, "level") or (name == "level") > (level is not None):
            near = get_close_matches(name, BOUNDS, 1, 0.5)
            what = f"it is no lever{f'; did you mean {near[0]}?' if near else ''}"
            problems.append(_problem("--lock", item, what, "Write merit_base.5, cola_rate, or level.5 for all of one."))
        elif level is not None and name not in (*BY_LEVEL, "level"):
            problems.append(_problem("--lock", item, f"{name} moves for all levels together", f"Write --lock {name}."))
        elif level is not None and int(level) > levels:
            fix = f"The highest level is {levels}."
            problems.append(_problem("--lock", item, f"there is no level {level}", fix))
    if problems:
        raise InputError("A lock cannot be used.", problems)
    return tuple(items)


def read_bounds(items: Iterable[str]) -> Bounds:
    """The bounds of all levers, those replaced that a person typed as ``cola_rate=0:0.05``.

    Raises ``InputError`` for what cannot be read, for no lever, and for bounds outside a lever's own range.
    """
    bounds, problems, given = dict(BOUNDS), [], set()
    for item in items:
        match = _BOUND.fullmatch(item)
        ends = [typed_number(text.strip()) for text in match.group(3, 4)] if match else []
        if match is None or match[1] not in BOUNDS or None in ends:
            what = "it is not lever=lowest:highest"
            problems.append(_problem("--bound", item, what, f"The levers are {', '.join(BOUNDS)}."))
            continue
        if match[2]:
            what, whole = "bounds are of a lever on all levels", item.replace(match[2], "", 1)
            fix = f"Write --bound {whole}; to hold one level: --lock {match[1]}{match[2]}."
            problems.append(_problem("--bound", item, what, fix))
            continue
        if match[1] in given:
            problems.append(_problem("--bound", item, f"{match[1]} has bounds already", "Give them once."))
        given.add(match[1])
        lowest, highest = (end for end in ends if end is not None)
        schema = LEVERS[match[1]].schema
        allowed = Decimal(schema["minimum"]), Decimal(schema["maximum"])
        if not allowed[0] <= lowest <= highest <= allowed[1]:
            fix = f"Give the lower one first, from {plain(allowed[0])} to {plain(allowed[1])} ({schema['unit']})."
            problems.append(_problem("--bound", item, "these are no bounds of the lever", fix))
        bounds[match[1]] = (lowest, highest)
    if problems:
        raise InputError("A bound cannot be used.", problems)
    return bounds


def _beyond(lever: str, today: Decimal, lowest: Decimal, highest: Decimal) -> Problem:
    name = lever.partition(".")[0]
    wider = f"{name}={plain(min(lowest, today))}:{plain(max(highest, today))}"
    return Problem(
        rule="lever",
        where=lever,
        what=f"it is {plain(today)}, and its bounds are {plain(lowest)} to {plain(highest)}",
        fix=f"Widen them: --bound {wider}; or hold it: --lock {lever}; or change it in the scenario.",
    )


def _problem(option: str, item: str, what: str, fix: str) -> Problem:
    return Problem(rule="lever", where=f"{option} {item[:100]}", what=what, fix=fix)

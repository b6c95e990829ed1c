"""The search itself: which moves of the levers meet the targets with the least change. It knows numbers only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import lsq_linear

Vector = NDArray[np.float64]
Evaluate = Callable[[list[Vector]], list[Vector]]
"""What a list of points measures: for each move by lever, a value by target."""

PROBE = 0.1
"""How far each lever is moved on its own to see what it does, as a share of its range."""

ALONG = (0.85, 0.95, 1.0, 1.05, 1.15)
"""The candidates of an iteration: so far on the way to where the targets should be met, and beyond."""

_EASE = 1e-3
"""What a move of a whole range counts against a target missed by one tolerance: little, so that targets are met."""

_INSIDE = 0.5
"""A cap or a floor is aimed at from within, by so many tolerances."""

_BETTER = 0.99
_SAME = 1e-6
_AT_END = 5e-4
_FAR = 1e6


@dataclass(frozen=True)
class Problem:
    """What is searched for.

    By lever: the ``lowest`` and the ``highest`` move from today, the ``cost`` of a move, and its ``kind``, a number
    that alike levers share; ``step``: the farthest move of one iteration. By target: its ``value`` and ``tolerance``,
    its ``sense`` (0 equal, 1 at most, -1 at least) and its ``weight``.
    """

    lowest: Vector
    highest: Vector
    cost: Vector
    kind: NDArray[np.int64]
    step: float
    value: Vector
    tolerance: Vector
    sense: Vector
    weight: Vector

    def off(self, measured: Vector) -> Vector:
        """How far ``measured`` is from where it is aimed at, by target in tolerances. What has no value is far off, on
        the side where the target is missed.
        """
        off = (measured - self.value) / self.tolerance
        return np.where(np.isnan(off), np.where(self.sense < 0, -_FAR, _FAR), off) + _INSIDE * self.sense

    def missed(self, off: Vector) -> Vector:
        """The part of ``off`` that misses its target: zero where it is met."""
        limits = np.maximum(0.0, self.sense * off - _INSIDE)
        return np.where(self.sense == 0, np.abs(off) * (np.abs(off) > 1), limits)

    def miss(self, trial: Trial) -> float:
        """How far all targets are missed together; zero where all are met, infinite where one has no value."""
        if np.isnan(trial.measured).any():
            return float("inf")
        return float(self.weight @ self.missed(self.off(trial.measured)) ** 2)

    def change(self, trial: Trial) -> float:
        """How much a point changes."""
        return float(np.sum((self.cost * trial.move) ** 2))


@dataclass(frozen=True, eq=False)
class Trial:
    """A point that was simulated: its ``move`` by lever, and what was ``measured`` by target."""

    iteration: int
    move: Vector
    measured: Vector


@dataclass
class Search:
    """How a search went: its trials in order, the picture of what a lever does to a target at the best of them
    (``slopes``: targets by levers, in tolerances for a whole range), and what each did when it was last moved alone
    (``alone``, the same way). ``is_at_end``: nothing that it may still try brings the targets nearer.
    """

    problem: Problem
    trials: list[Trial] = field(default_factory=list)
    slopes: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))
    alone: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))
    is_at_end: bool = False
    _is_new: bool = False

    @property
    def best(self) -> Trial:
        """The trial that misses least; of those that miss nothing, the one that changes least."""
        return self.best_of(max(trial.iteration for trial in self.trials))

    def best_of(self, iteration: int) -> Trial:
        """The best up to and with an iteration."""
        known = [trial for trial in self.trials if trial.iteration <= iteration]
        return min(known, key=lambda trial: (self.problem.miss(trial), self.problem.change(trial)))

    @property
    def is_converged(self) -> bool:
        """Whether all targets are met."""
        return self.problem.miss(self.best) == 0

    def run(self, evaluate: Evaluate, most: int) -> Iterator[int]:
        """Search for at most so many iterations, each one call of ``evaluate``; yields the number of each that is done.

        The first iteration sees what each lever does, and what levers of a kind do together. Each later one goes to
        where this linear picture meets the targets with the least change, tries points on that way, and corrects the
        picture. A target that is met by chance while looking around is not the end: another point may change less.
        Where that makes nothing better, the picture is drawn anew from the best point, and each kind of lever is tried
        on its own, too: in a small company some move by whole people only. Where that does not help either, every lever
        is moved to its ends, alone and together; what that does not bring nearer cannot be met.
        """
        is_stuck, has_ends = True, False
        for iteration in range(1, most + 1):
            moves = [] if is_stuck else self._candidates()
            if moves:
                before = self.problem.miss(self.best)
                self._try(iteration, moves, evaluate)
                self._correct(iteration)
                is_stuck = self.problem.miss(self.best) > _BETTER * before
                self._is_new = self._is_new and is_stuck
                has_ends = has_ends and is_stuck
            elif self._is_new:
                if has_ends:
                    self.is_at_end = True
                    return
                self._go_to_ends(iteration, evaluate)
                is_stuck, has_ends = False, True
            else:
                place = self.best.move if self.trials else np.zeros_like(self.problem.lowest)
                self._look_around(iteration, place, evaluate)
                is_stuck, self._is_new = False, True
            yield iteration
            if self.is_converged and not (self._is_new and self.problem.change(self.best)):
                return

    def _try(self, iteration: int, moves: list[Vector], evaluate: Evaluate) -> None:
        measured = evaluate(moves)
        self.trials += [Trial(iteration, *pair) for pair in zip(moves, measured, strict=True)]

    def _look_around(self, iteration: int, place: Vector, evaluate: Evaluate) -> None:
        """Move each lever on its own from ``place``, then all of a kind together: a median moves with all of them only.
        The picture is what they do.
        """
        up, down = self.problem.highest - place, place - self.problem.lowest
        steps = np.where(up >= down, np.minimum(PROBE, up), -np.minimum(PROBE, down))
        levers = [int(lever) for lever in np.flatnonzero(np.abs(steps) > _SAME)]
        alone = [steps * (np.arange(len(steps)) == lever) for lever in levers]
        together = [steps * (self.problem.kind == kind) for kind in np.unique(self.problem.kind[levers])]
        moves = [*alone, *(move for move in together if np.count_nonzero(move) > 1)]
        first = len(self.trials)
        self._try(iteration, [place, *(place + move for move in moves)], evaluate)
        here, *others = (self.problem.off(trial.measured) for trial in self.trials[first:])
        self.slopes = self.alone = np.zeros((len(here), len(place)))
        for number, (move, off) in enumerate(zip(moves, others, strict=True), start=1):
            self._learn(move, off - here)
            self.alone = self.slopes if number <= len(alone) else self.alone

    def _go_to_ends(self, iteration: int, evaluate: Evaluate) -> None:
        """Move each lever on its own to both of its ends, as far as one step goes, and all of them together. A lever
        that did nothing when it was moved a little has the slope of that.
        """
        problem, best = self.problem, self.best
        lowest, highest = self._within_a_step()
        levers = [int(lever) for lever in np.flatnonzero(highest - lowest > _SAME)]
        moves = [lowest, highest]
        for lever, end in ((lever, end) for lever in levers for end in (lowest, highest)):
            moves.append(np.where(np.arange(len(end)) == lever, end, best.move))
        first = len(self.trials)
        self._try(iteration, moves, evaluate)
        here = problem.off(best.measured)
        for lever, trial in zip(np.repeat(levers, 2), self.trials[first + 2 :], strict=True):
            if moved := trial.move[lever] - best.move[lever]:
                slope = (problem.off(trial.measured) - here) / moved
                self.alone = _where_nothing(self.alone, lever, slope)
                self.slopes = _where_nothing(self.slopes, lever, slope)

    def _candidates(self) -> list[Vector]:
        """Points on the way from the best to where the picture meets the targets, none of them tried before."""
        problem, best = self.problem, self.best
        lowest, highest = self._within_a_step()
        free = highest - lowest > _SAME
        choices = [free]
        if self.trials[-1].iteration > 1 and self._is_new:
            choices += [free & (problem.kind == kind) for kind in np.unique(problem.kind)]
        known = [trial.move for trial in self.trials]
        for chosen in choices:
            aim = self._aim(best, lowest, highest, chosen)
            for part in ALONG:
                move = np.clip(best.move + part * (aim - best.move), lowest, highest)
                for end in (problem.lowest, problem.highest):
                    move = np.where(np.abs(move - end) < _AT_END, end, move)
                if all(np.max(np.abs(move - other), initial=0) > _SAME for other in known):
                    known.append(move)
        return known[len(self.trials) :]

    def _within_a_step(self) -> tuple[Vector, Vector]:
        """The lowest and the highest moves that one step from the best reaches."""
        move, step = self.best.move, self.problem.step
        return np.maximum(self.problem.lowest, move - step), np.minimum(self.problem.highest, move + step)

    def _aim(self, best: Trial, lowest: Vector, highest: Vector, free: NDArray[np.bool_]) -> Vector:
        """Where the linear picture meets the targets with the least change, within the bounds; ``free`` levers move."""
        problem = self.problem
        off = problem.off(best.measured)
        aim = best.move.copy()
        wanted = (problem.sense == 0) | (problem.missed(off) > 0)
        while free.any():
            fixed = off[wanted] - self.slopes[wanted] @ np.where(free, best.move, 0)
            weights = np.sqrt(problem.weight[wanted])
            matrix = np.vstack(
                [
                    weights[:, None] * self.slopes[wanted][:, free],
                    np.sqrt(_EASE) * np.diag(problem.cost[free]),
                ]
            )
            right = np.concatenate([-weights * fixed, np.zeros(int(free.sum()))])
            aim[free] = lsq_linear(matrix, right, (lowest[free], highest[free]), method="bvls").x
            broken = ~wanted & (problem.missed(off + self.slopes @ (aim - best.move)) > 0)
            if not broken.any():
                break
            wanted |= broken
        return aim

    def _correct(self, iteration: int) -> None:
        """Correct the picture by the trials of this iteration and the one before, those nearest to the best last
        (C. G. Broyden, A class of methods for solving nonlinear simultaneous equations, 1965).
        """
        best = self.best
        here = self.problem.off(best.measured)
        tried = [(trial.move - best.move, trial) for trial in self.trials if trial.iteration >= iteration - 1]
        for move, trial in sorted(tried, key=lambda pair: -float(pair[0] @ pair[0])):
            if move @ move > _SAME**2:
                self._learn(move, self.problem.off(trial.measured) - here)

    def _learn(self, move: Vector, rise: Vector) -> None:
        """Let the picture say of a move what it did, and change as little as that takes."""
        self.slopes = self.slopes + np.outer(rise - self.slopes @ move, move) / (move @ move)


def _where_nothing(slopes: NDArray[np.float64], lever: int, slope: Vector) -> NDArray[np.float64]:
    """``slopes`` with the ``slope`` of a lever, by target, where they say that it does nothing."""
    found = slopes.copy()
    found[:, lever] = np.where(slopes[:, lever] == 0, slope, slopes[:, lever])
    return found

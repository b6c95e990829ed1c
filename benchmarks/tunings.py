"""Tunings for targets drawn at random from what the levers can reach: how many converge, and after how many
iterations."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np

from planwise_nb.core.project import Project, shipped
from planwise_nb.workforce.figures import rounded
from planwise_nb.workforce.inputs import Request, resolve
from planwise_nb.workforce.trials import Variant, simulated
from planwise_nb.workforce.tuning.movable import BOUNDS
from planwise_nb.workforce.tuning.request import TuningRequest
from planwise_nb.workforce.tuning.targets import read_targets
from planwise_nb.workforce.tuning.tuning import Tuning, measure

MOST = 10
TOLERANCE = Decimal("0.001")


@dataclass(frozen=True)
class Tuned:
    """One tuning: the growth that was wanted, the growth that was found, and whether it kept to its bounds."""

    people: str
    target: Decimal
    found: float
    is_converged: bool
    iterations: int
    is_within_bounds: bool


def tunings(censuses: Sequence[Path], seeds: Sequence[int], count: int, years: tuple[int, int]) -> Iterator[Tuned]:
    """``count`` tunings, over all pairs of census and seed in turn; the targets are the same in every call."""
    luck = random.Random(2025)
    pairs = [(census, seed) for census in censuses for seed in seeds]
    ranges: dict[tuple[Path, int], tuple[float, float]] = {}
    for number in range(count):
        census, seed = pairs[number % len(pairs)]
        with tempfile.TemporaryDirectory(prefix="planwise-bench-") as place:
            folder = Path(place)
            inputs = resolve(Project(shipped()), Request(census=census, seed=seed, years=years))
            inputs.write(folder)
            _ask(folder, "growth=0.02", inputs.periods)
            low, high = ranges.setdefault((census, seed), _reachable(folder))
            target = rounded(Decimal(repr(luck.uniform(low, high))))
            _ask(folder, f"growth={target}", inputs.periods)
            tuning = Tuning(folder)
            tuning.run()
            values = dict(tuning.values(tuning.best.move))
            yield Tuned(
                people=census.stem,
                target=target,
                found=float(tuning.best.measured[0]),
                is_converged=tuning.search.is_converged,
                iterations=max(trial.iteration for trial in tuning.search.trials),
                is_within_bounds=all(
                    BOUNDS[name][0] <= value <= BOUNDS[name][1] for (name, _, _), value in values.items()
                ),
            )


def _ask(folder: Path, target: str, years: Sequence[int]) -> None:
    targets = read_targets([target], TOLERANCE, years=years, levels=5)
    TuningRequest(targets=targets, years=tuple(years), iterations=MOST, bounds=BOUNDS).write(folder)


def _reachable(folder: Path) -> tuple[float, float]:
    """The growth with all levers at their lowest, and with all at their highest."""
    tuning = Tuning(folder)
    ends = tuning.search.problem.lowest, tuning.search.problem.highest
    variants = [Variant(str(place), dict(tuning.values(np.array(end)))) for place, end in enumerate(ends)]
    with simulated(folder, tuning.request.years, variants) as connection:
        measured = measure(connection, tuning.request, tuning.metrics)
    return measured["0", 0], measured["1", 0]

"""Every fault in full, with its figures: ``make faults``, or ``python -m tests.faults --moments 200 --seed 1``."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from tests.faults import damage
from tests.faults.harness import (
    Figures,
    Laboratory,
    at_once,
    kill_kernel,
    kill_runner,
    next_record,
    random_blows,
    stopped_by,
    survive,
)
from tests.faults.hostile_inputs import feed_hostile_inputs
from tests.faults.test_faults import DAMAGED, laboratory_in

CHAIN = 10
"""How often one run is killed before it may end."""

STEPS = 9
Fault = Callable[[Laboratory], Iterator[str]]


def own(laboratory: Laboratory) -> Laboratory:
    """A place of its own beside others, so that faults may be injected at the same time."""
    return Laboratory(Path(tempfile.mkdtemp(dir=laboratory.place)), laboratory.census, laboratory.expected)


def chains(strike: Callable[..., Iterator[str]], count: int, seed: int, longest: float) -> list[tuple[int, Fault]]:
    """``count`` strikes at random moments, so many to a run."""
    sizes = [CHAIN] * (count // CHAIN) + ([count % CHAIN] if count % CHAIN else [])
    return [
        (size, partial(_survive, blows=random_blows(seed + number, size, strike, longest)))
        for number, size in enumerate(sizes)
    ]


def _survive(laboratory: Laboratory, blows: list[object]) -> Iterator[str]:
    return survive(own(laboratory), blows)  # type: ignore[arg-type]


def _file_limit(laboratory: Laboratory, most_bytes: int) -> Iterator[str]:
    return damage.file_limit(own(laboratory), most_bytes)


def faults(moments: int, seed: int) -> dict[str, list[tuple[int, Fault]]]:
    """Every fault by kind, each with how many it counts for."""
    boundaries = [(next_record, kill_runner)] * STEPS
    signals = [signal.SIGINT, signal.SIGTERM] * 3
    return {
        "runner killed at a boundary": [(STEPS, partial(_survive, blows=boundaries))],
        "runner killed inside a step": chains(kill_runner, moments, seed, 12.0),
        "kernel killed": chains(kill_kernel, moments // 10, seed + 1000, 8.0),
        "asked to stop": [
            (1, lambda laboratory, number=number, wait=wait: stopped_by(own(laboratory), number, wait / 2))
            for wait, number in enumerate(signals)
        ],
        "files may not grow": [(1, partial(_file_limit, most_bytes=most)) for most in (100_000, 500_000, 900_000)],
        "disk full": [
            (1, partial(damage.full_disk, free_bytes=free, steps=steps))
            for free, steps in ((10_000, 8), (20_000, 7), (20_000, 5))
        ],
        "folder read-only": [(1, damage.read_only)],
        "file truncated": [(1, partial(damage.truncated, name=name, remedy=remedy)) for name, remedy in DAMAGED],
        "lock taken": [(2, damage.taken_lock)],
        "runs at once": [(10, lambda laboratory: at_once(own(laboratory), 10))],
    }


def inject(laboratory: Laboratory, kind: str, injected: list[tuple[int, Fault]]) -> Figures:
    """Inject all faults of a kind, two at a time."""
    figures = Figures(kind)

    def one(fault: tuple[int, Fault]) -> tuple[int, list[str]]:
        try:
            return fault[0], list(fault[1](laboratory))
        except pytest.skip.Exception as skipped:
            print(f"{kind}: skipped, {skipped}", file=sys.stderr)
            return 0, []

    with ThreadPoolExecutor(2) as pool:
        for count, lost in pool.map(one, injected):
            figures.injected += count
            figures.lost += lost
    return figures


def main() -> int:
    """Inject every fault and print the figures; 1 where anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moments", type=int, default=200, help="how many random moments inside steps")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=(), help="these kinds only, such as 'disk full'")
    given = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="planwise-faults-"))
    laboratory = laboratory_in(place)
    done = []
    for kind, injected in faults(given.moments, given.seed).items():
        if given.only and kind not in given.only:
            continue
        done.append(inject(laboratory, kind, injected))
        print(done[-1], flush=True)
        for lost in done[-1].lost:
            print(f"    {lost}", flush=True)
    shutil.rmtree(place)
    if not given.only:
        fed = feed_hostile_inputs()
        done.append(Figures("malformed input", fed.fed, list(fed.lost)))
        print(done[-1])
    total = Figures("all", sum(each.injected for each in done), [lost for each in done for lost in each.lost])
    print(total)
    return 1 if total.lost else 0


if __name__ == "__main__":
    sys.exit(main())

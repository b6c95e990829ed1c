"""Whole processes, measured: how long they take and how much memory they and their children hold."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

SAMPLE_SECONDS = 0.25


@dataclass(frozen=True)
class Measured:
    """One process from its start to its end: seconds, and the most memory of all its processes together in MB.

    Memory that processes share, as a forked kernel does with its parent, is counted once.
    """

    seconds: float
    megabytes: float


def measure(command: Sequence[str], *, with_memory: bool = False) -> Measured:
    """Run ``command`` to its end. Raises ``RuntimeError`` with what it said where it fails."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    peak = [0.0]
    watcher = threading.Thread(target=_watch, args=(process.pid, peak), daemon=True)
    if with_memory:
        watcher.start()
    said, _ = process.communicate()
    seconds = time.perf_counter() - began
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {said[-2000:]}")
    return Measured(seconds, peak[0])


def python(*arguments: str) -> list[str]:
    """A command of this Python."""
    return [sys.executable, *arguments]


def planwise(*arguments: str) -> list[str]:
    """A command of PlanWise, installed beside this Python."""
    return [str(Path(sys.executable).with_name("planwise")), *arguments]


def in_turn(one: Callable[[], Measured], other: Callable[[], Measured], pairs: int) -> list[tuple[Measured, Measured]]:
    """So many pairs, the two programs in turn, each first in every other pair."""
    found = []
    for number in range(pairs):
        if number % 2:
            second, first = other(), one()
        else:
            first, second = one(), other()
        found.append((first, second))
    return found


def _watch(pid: int, peak: list[float]) -> None:
    try:
        process = psutil.Process(pid)
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            peak[0] = max(peak[0], sum(_memory(one) for one in [process, *process.children(recursive=True)]) / 1e6)
            time.sleep(SAMPLE_SECONDS)
    except psutil.Error:
        return


def _memory(process: psutil.Process) -> float:
    """The proportional share of memory in bytes, where the system tells it; else what is resident."""
    try:
        found = process.memory_full_info()
        return float(getattr(found, "pss", found.rss))
    except psutil.Error:
        return 0.0

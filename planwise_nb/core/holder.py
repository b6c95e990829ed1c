"""Who holds a run: one live runner at a time, and the kernel of its step."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from planwise_nb.core.errors import BusyError, PlanwiseError
from planwise_nb.core.manifest import write_json
from planwise_nb.core.processes import Process

LOCK = ".lock"
HOLDER = "holder.json"
KERNEL = "kernel.json"

RUNNER_VARIABLE = "PLANWISE_RUNNER"
"""Set in the kernel of a step that runs: the runner's process, as JSON. The kernel ends when its runner does."""

WATCH_SECONDS = 0.3
ENDED_WITH_RUNNER = 3


@contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Hold the run in ``folder`` while the block runs. The system gives the hold back when this process ends, however
    it ends.

    Raises ``BusyError`` naming the holder where another process holds the run.
    """
    lock = FileLock(folder / LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise BusyError(
            f"Run {folder.name} is held by {_told(folder)}.",
            fix=f"Wait until it ends (planwise checklist {folder.name} shows how far it is), or end that process.",
        ) from None
    try:
        write_json(folder / HOLDER, Process.current().as_json())
        yield
    finally:
        try:
            (folder / HOLDER).unlink(missing_ok=True)
        finally:
            lock.release()


def holder(folder: Path) -> Process | None:
    """The live runner of the run in ``folder``; None where nobody runs it. It disturbs nobody."""
    process = _read(folder / HOLDER)
    if process is None or not process.is_alive() or not (process.is_of_this_machine or _is_locked(folder)):
        return None
    return process


def _is_locked(folder: Path) -> bool:
    """Whether the lock is taken: all that can be known of a runner on another machine."""
    try:
        with FileLock(folder / LOCK, timeout=0):
            return False
    except Timeout:
        return True
    except OSError:
        return False


def _told(folder: Path) -> str:
    for _ in range(10):
        if (found := holder(folder)) is not None:
            return f"another runner: {found}"
        time.sleep(0.05)
    return "another process"


def _read(path: Path) -> Process | None:
    try:
        return Process.read(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def end_kernel(folder: Path) -> None:
    """End the kernel that a dead runner left behind, if it is still there. The caller holds the run."""
    if (kernel := _read(folder / KERNEL)) is not None and kernel != Process.current():
        kernel.end()
    (folder / KERNEL).unlink(missing_ok=True)


def serve_runner(folder: Path) -> None:
    """In the kernel of a step: say so in the run's ``folder``, and end this process as soon as its runner is gone.

    Raises ``PlanwiseError`` where the runner is gone already.
    """
    said = os.environ.get(RUNNER_VARIABLE)
    if said is None:
        return
    runner = Process.read(json.loads(said))
    write_json(folder / KERNEL, Process.current().as_json())
    if not runner.is_alive():
        raise PlanwiseError("The runner of this step is gone.")
    threading.Thread(target=_end_with, args=(runner,), daemon=True, name="planwise-runner-watch").start()


def _end_with(runner: Process) -> None:
    while runner.is_alive():
        time.sleep(WATCH_SECONDS)
    os._exit(ENDED_WITH_RUNNER)

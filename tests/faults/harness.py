"""Injects faults into real runs of a small census, and says whether anything was lost, doubled or different."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from planwise_nb.core.holder import KERNEL, end_kernel, hold
from planwise_nb.core.ledger import Ledger
from planwise_nb.core.manifest import MANIFEST, read_manifest
from planwise_nb.core.rollback import roll_back
from planwise_nb.core.runs import Run
from planwise_nb.core.verification import verify
from planwise_nb.workforce.pipeline import WORKFORCE

PATIENCE_SECONDS = 300.0
KERNEL_PATIENCE_SECONDS = 5.0


@dataclass
class Figures:
    """How many faults of a kind were injected, and what was lost."""

    kind: str
    injected: int = 0
    lost: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        survived = self.injected - len(self.lost)
        return f"{self.kind:<28} {self.injected:>4} injected {survived:>4} survived {len(self.lost):>4} lost"


@dataclass(frozen=True)
class Laboratory:
    """A place for runs of one census over one year. ``expected`` holds the digests of an uninterrupted run, by step."""

    place: Path
    census: Path
    expected: dict[str, Any]

    @property
    def out(self) -> Path:
        return self.place / "runs"

    @property
    def kept(self) -> Path:
        """Holds a copy of the uninterrupted run."""
        return self.place / "kept"

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "planwise_nb.apps.cli", *arguments, "--out", str(self.out)]

    def new_run(self) -> list[str]:
        return self.command("run", "--year", "2025", "--census", str(self.census))

    def resumed(self, folder: Path) -> list[str]:
        return self.command("run", "--resume", folder.name)

    def folders(self) -> set[Path]:
        return {path.parent for path in self.out.glob(f"*/*/{MANIFEST}")}

    def started(self, command: list[str], **options: Any) -> subprocess.Popen[str]:
        log = (self.place / "log.txt").open("a", encoding="utf-8")
        return subprocess.Popen(
            command, cwd=self.place, stdout=log, stderr=log, text=True, start_new_session=True, **options
        )

    def finished(self, command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.place, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS, **options
        )


def digests(folder: Path) -> dict[str, Any]:
    """What each step of a run wrote: rows and digest by table."""
    return {f"{record['step']} {record['period']}": record["tables"] for record in read_manifest(folder)["steps"]}


def faults_of(laboratory: Laboratory, folder: Path) -> Iterator[str]:
    """Whatever tells the run in ``folder`` from the uninterrupted one."""
    manifest = read_manifest(folder)
    if manifest["status"] != "success":
        yield f"{folder.name} is {manifest['status']}"
    for finding in verify(WORKFORCE, folder, manifest):
        yield f"{folder.name}: {finding}"
    found = digests(folder)
    for step in laboratory.expected.keys() | found.keys():
        if found.get(step) != laboratory.expected.get(step):
            yield f"{folder.name}: {step} is not that of the uninterrupted run"
    rows = [row for row in Ledger(laboratory.out).runs() if row["run_id"] == folder.name]
    if [row["status"] for row in rows] != [manifest["status"]]:
        yield f"{folder.name}: the registry says {rows}"


def faults_after_roll_back(laboratory: Laboratory, folder: Path) -> Iterator[str]:
    """Whatever a killed step left that a roll back did not remove, and whatever it removed that had been done."""
    run = Run(WORKFORCE, folder, Ledger(laboratory.out))
    with hold(folder):
        end_kernel(folder)
        roll_back(WORKFORCE, folder, run.manifest)
        for finding in verify(WORKFORCE, folder, run.manifest):
            yield f"{folder.name}, after the roll back: {finding}"
    for step, tables in digests(folder).items():
        if tables != laboratory.expected[step]:
            yield f"{folder.name}: {step} is not that of the uninterrupted run"


def kernel_of(folder: Path) -> psutil.Process | None:
    """The kernel of the step that runs."""
    try:
        return psutil.Process(json.loads((folder / KERNEL).read_text(encoding="utf-8"))["pid"])
    except (OSError, ValueError, psutil.Error):
        return None


def kill_runner(process: subprocess.Popen[str], folder: Path | None) -> Iterator[str]:
    """End a runner as a power cut would; its kernel has to follow by itself."""
    kernel = kernel_of(folder) if folder else None
    process.kill()
    process.wait()
    if kernel is not None:
        try:
            kernel.wait(KERNEL_PATIENCE_SECONDS)
        except psutil.TimeoutExpired:
            yield f"kernel {kernel.pid} outlives its runner"


def kill_kernel(process: subprocess.Popen[str], folder: Path | None) -> Iterator[str]:
    """End the kernel of the step that runs; the run has to fail by itself and say so."""
    kernel = kernel_of(folder) if folder else None
    if folder is None or kernel is None:
        process.kill()
        process.wait()
        return
    kernel.kill()
    if process.wait(PATIENCE_SECONDS) == 0:  # it had answered already
        return
    if process.returncode != 1:
        yield f"the exit code after a kernel died is {process.returncode}"
    manifest = read_manifest(folder)
    if manifest["status"] != "failed" or "died" not in manifest["failure"]["reason"]:
        yield f"after a kernel died the run says {manifest['status']}, {manifest['failure']}"


Blow = Callable[[subprocess.Popen[str], Path | None], Iterator[str]]


def after(seconds: float) -> Callable[[subprocess.Popen[str], Path | None], None]:
    """Wait for a moment inside a step."""

    def wait(process: subprocess.Popen[str], folder: Path | None) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and process.poll() is None:
            time.sleep(0.005)

    return wait


def next_record(process: subprocess.Popen[str], folder: Path | None) -> None:
    """Wait for the boundary between two steps: the moment at which the manifest has one record more."""
    done = -1 if folder is None else len(read_manifest(folder)["steps"])
    while process.poll() is None and folder is not None and len(read_manifest(folder)["steps"]) == done:
        time.sleep(0.002)


def survive(laboratory: Laboratory, blows: list[tuple[Callable[..., None], Blow]]) -> Iterator[str]:
    """Start a run, strike it again and again, resume it each time, and compare its end with the uninterrupted run."""
    before = laboratory.folders()
    folder: Path | None = None
    for wait, strike in blows:
        process = laboratory.started(laboratory.new_run() if folder is None else laboratory.resumed(folder))
        wait(process, folder)
        folder = folder or next(iter(laboratory.folders() - before), None)
        if process.poll() is None:
            yield from strike(process, folder)
        if folder is not None:
            yield from faults_after_roll_back(laboratory, folder)
    done = laboratory.finished(laboratory.new_run() if folder is None else laboratory.resumed(folder))
    folder = folder or next(iter(laboratory.folders() - before))
    if done.returncode != 0:
        yield f"the resume of {folder.name} ended with {done.returncode}: {done.stderr[-500:]}"
    yield from faults_of(laboratory, folder)


def random_blows(seed: int, count: int, strike: Blow, longest: float) -> list[tuple[Callable[..., None], Blow]]:
    """Strikes at moments that the seed decides."""
    moments = random.Random(seed)
    return [(after(moments.uniform(0.2, longest)), strike) for _ in range(count)]


def at_once(laboratory: Laboratory, count: int) -> Iterator[str]:
    """So many runs at the same time, below one folder: none disturbs another, and the registry has them all."""
    for process in [laboratory.started(laboratory.new_run()) for _ in range(count)]:
        if process.wait(PATIENCE_SECONDS * count) != 0:
            yield f"a run ended with {process.returncode}"
    if len(folders := laboratory.folders()) != count:
        yield f"{len(folders)} of {count} runs are there"
    for folder in folders:
        yield from faults_of(laboratory, folder)


def stopped_by(laboratory: Laboratory, number: signal.Signals, seconds: float) -> Iterator[str]:
    """A run that is asked to stop ends within 5 seconds, says how to go on, and can go on."""
    before = laboratory.folders()
    heeded = partial(signal.signal, number, signal.SIG_DFL)  # a job in the background is born deaf to Ctrl-C
    process = laboratory.started(laboratory.new_run(), preexec_fn=heeded)
    while not (new := laboratory.folders() - before) or kernel_of(next(iter(new))) is None:
        time.sleep(0.01)
    after(seconds)(process, None)
    asked = time.monotonic()
    os.kill(process.pid, number)
    process.wait(PATIENCE_SECONDS)
    if time.monotonic() - asked > 5:
        yield f"{number.name}: it took {time.monotonic() - asked:.1f} s to end"
    folder = next(iter(new))
    if (process.returncode, read_manifest(folder)["status"]) != (1, "failed"):
        yield f"{number.name}: exit code {process.returncode}, status {read_manifest(folder)['status']}"
    yield from faults_after_roll_back(laboratory, folder)

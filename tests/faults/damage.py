"""Faults other than kills: a full disk, a folder that cannot be written, truncated files, locks, a clock set back."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from planwise_nb.core import runner, store
from planwise_nb.core.holder import hold
from planwise_nb.core.ledger import Ledger
from planwise_nb.core.manifest import MANIFEST
from planwise_nb.core.runner import run
from planwise_nb.core.runs import Run
from planwise_nb.core.verification import verify
from planwise_nb.workforce.pipeline import WORKFORCE
from tests.faults.harness import Laboratory, faults_of
from tests.run_copies import cut

WITHOUT_POWER = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all")
"""Runs a command of root's that obeys permissions."""


def copied(laboratory: Laboratory, steps: int) -> Run:
    """The uninterrupted run again, as it was when its first ``steps`` steps were done."""
    [folder] = laboratory.kept.iterdir()
    target = Path(tempfile.mkdtemp(dir=laboratory.place)) / "runs" / "baseline" / folder.name
    shutil.copytree(folder, target)
    return cut(Run(WORKFORCE, target, Ledger(target.parents[1])), steps)


def resume(of: Run, under: Sequence[str] = (), **options: Any) -> subprocess.CompletedProcess[str]:
    command = [*under, sys.executable, "-m", "planwise_nb.apps.cli", "run", "--resume", of.folder.name]
    return subprocess.run(
        [*command, "--out", str(of.ledger.out)], capture_output=True, text=True, check=False, timeout=300, **options
    )


def whole_again(laboratory: Laboratory, of: Run) -> Iterator[str]:
    """Resume a run without the fault; it has to end as the uninterrupted one."""
    done = resume(of)
    if done.returncode != 0:
        yield f"the resume ended with {done.returncode}: {done.stderr[-400:]}"
    yield from faults_of(Laboratory(of.ledger.out.parent, laboratory.census, laboratory.expected), of.folder)


def said_plainly(done: subprocess.CompletedProcess[str], code: int, *words: str) -> Iterator[str]:
    if done.returncode != code:
        yield f"exit code {done.returncode}, not {code}: {done.stderr[-400:]}"
    if "Traceback" in done.stderr:
        yield f"a traceback on the terminal: {done.stderr[-400:]}"
    for word in words:
        if word not in done.stderr:
            yield f"{word!r} is not said: {done.stderr[-400:]}"


def file_limit(laboratory: Laboratory, most_bytes: int) -> Iterator[str]:
    """No file of a new run may grow beyond ``most_bytes``; without the limit the run goes on."""
    before = laboratory.folders()
    limit = (most_bytes, most_bytes)
    done = laboratory.finished(
        laboratory.new_run(), preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    )
    new = laboratory.folders() - before
    if not new:
        yield from said_plainly(done, 2, "File too large")
        return
    [folder] = new
    yield from said_plainly(done, 1, f"planwise run --resume {folder.name}")
    yield from whole_again(laboratory, Run(WORKFORCE, folder, Ledger(laboratory.out)))


def full_disk(laboratory: Laboratory, free_bytes: int, steps: int) -> Iterator[str]:
    """A file system of its own has so little room left; with more room the run goes on."""
    of = copied(laboratory, steps)
    disk = Path(tempfile.mkdtemp(dir=laboratory.place))
    mount = ["mount", "-t", "tmpfs", "-o", "size=500m", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("this user may not mount a file system")
    try:
        target = disk / "runs" / "baseline" / of.folder.name
        shutil.copytree(of.folder, target)
        there = Run(WORKFORCE, target, Ledger(target.parents[1]))
        remount = ["mount", "-o", f"remount,size={shutil.disk_usage(disk).used + free_bytes}", str(disk)]
        subprocess.run(remount, check=True)
        yield from said_plainly(resume(there), 1, f"planwise run --resume {target.name}")
        subprocess.run(["mount", "-o", "remount,size=500m", str(disk)], check=True)
        yield from whole_again(laboratory, there)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def read_only(laboratory: Laboratory) -> Iterator[str]:
    """The run's folder cannot be written."""
    of = copied(laboratory, 8)
    without_power = WITHOUT_POWER if os.getuid() == 0 else ()
    if without_power and shutil.which(without_power[0]) is None:
        pytest.skip("nothing is read-only to root, and setpriv, which takes that power away, is not installed")
    paths = [of.folder, *of.folder.rglob("*")]
    before = {path: path.stat().st_mode for path in paths}
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        yield from said_plainly(resume(of, without_power), 1, "cannot be written")
    finally:
        for path, mode in before.items():
            path.chmod(mode)
    yield from whole_again(laboratory, of)


def truncated(laboratory: Laboratory, name: str, *, remedy: list[str] | None) -> Iterator[str]:
    """A file is cut to half; the run says so and does not go on, until the ``remedy`` that it names."""
    of = copied(laboratory, 6)
    path = of.folder / name
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    yield from said_plainly(resume(of), 2, Path(name).name)
    if remedy is None:
        path.write_bytes(whole)
    else:
        command = [sys.executable, "-m", "planwise_nb.apps.cli", "run", "--resume", of.folder.name, *remedy]
        done = subprocess.run([*command, "--out", str(of.ledger.out)], capture_output=True, text=True, check=False)
        yield from said_plainly(done, 0)
    yield from whole_again(laboratory, of)


def taken_lock(laboratory: Laboratory) -> Iterator[str]:
    """Another process holds the run; another one holds its database."""
    of = copied(laboratory, 8)
    with hold(of.folder):
        yield from said_plainly(resume(of), 1, "is held by another runner")
    script = "import duckdb, sys, time; c = duckdb.connect(sys.argv[1]); print('open', flush=True); time.sleep(4)"
    command = [sys.executable, "-c", script, str(of.folder / store.DATABASE)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        yield from whole_again(laboratory, of)


class SetBack(datetime):
    """A clock that jumps back an hour at each look."""

    looks = 0

    @classmethod
    def now(cls, tz: object = None) -> datetime:
        cls.looks += 1
        return datetime.now(UTC) - timedelta(hours=cls.looks)


def clock_back(laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The clock jumps back while the run goes on."""
    of = copied(laboratory, 8)
    monkeypatch.setattr(runner, "datetime", SetBack)
    run(of, lambda message: None)
    if not SetBack.looks:
        yield "nobody looked at the clock"
    yield from (str(finding) for finding in verify(WORKFORCE, of.folder, of.manifest))
    if of.manifest["status"] != "success" or not (of.folder / MANIFEST).is_file():
        yield f"the run is {of.manifest['status']}"

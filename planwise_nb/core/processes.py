"""Processes of this machine: who they are, whether they still live, how people know them."""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from planwise_nb.core.forkserver import SESSION, session_of


@dataclass(frozen=True)
class Process:
    """A process. ``started`` tells it apart from a later one of the same number, whatever the clock does meanwhile;
    ``since`` is for people, in UTC.
    """

    host: str
    pid: int
    started: str
    since: str

    @classmethod
    def current(cls) -> Process:
        """This process."""
        since = datetime.fromtimestamp(psutil.Process().create_time(), UTC)
        return cls(socket.gethostname(), os.getpid(), _start(os.getpid()), f"{since:%Y-%m-%d %H:%M:%S}")

    @classmethod
    def read(cls, said: dict[str, Any]) -> Process:
        """A process from its JSON object."""
        return cls(str(said["host"]), int(said["pid"]), str(said["started"]), str(said["since"]))

    def as_json(self) -> dict[str, Any]:
        """The process as a JSON object."""
        return asdict(self)

    @property
    def is_of_this_machine(self) -> bool:
        """Whether it runs, or ran, here."""
        return self.host == socket.gethostname()

    def is_alive(self) -> bool:
        """Whether it still runs. One of another machine counts as alive: nobody here can tell."""
        if not self.is_of_this_machine:
            return True
        try:
            return _start(self.pid) == self.started and psutil.Process(self.pid).status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False

    def end(self, seconds: float = 10.0) -> None:
        """End it if it is of this machine and still there, and wait until it is gone."""
        if self.is_of_this_machine and self.is_alive():
            try:
                process = psutil.Process(self.pid)
                process.kill()
                process.wait(seconds)
            except (psutil.NoSuchProcess, psutil.TimeoutExpired):
                return

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, since {self.since} UTC"


def _start(pid: int) -> str:
    """What only the process that has the number now has: on Linux the boot and the ticks since, which no clock moves;
    elsewhere its start. Raises ``psutil.NoSuchProcess``.
    """
    try:
        ticks = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    except OSError:
        return f"{psutil.Process(pid).create_time():.2f}"
    return f"{boot}-{ticks}"


def describe(pid: int) -> str:
    """The process as people know it: a kernel of JupyterLab with its notebook, a run, else its command."""
    try:
        process = psutil.Process(pid)
        words = process.cmdline()
        try:
            environment = process.environ()
        except psutil.Error:
            environment = {}
    except psutil.Error:
        return f"process {pid}"
    since = f"{datetime.fromtimestamp(process.create_time(), UTC):%Y-%m-%d %H:%M:%S} UTC"
    notebook = environment.get(SESSION, "") or session_of(pid, words)
    if any("ipykernel" in word for word in words) or notebook:
        shown = f" of {Path(notebook).name}" if notebook else ""
        return f"a JupyterLab kernel{shown} (process {pid}, since {since})"
    return f"{Path(words[0]).name if words else 'a program'} (process {pid}, since {since})"


def peak_memory_mb() -> float:
    """The most memory that this process has held, in MB of 1,000,000 bytes."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return round(float(psutil.Process().memory_info()._asdict()["peak_wset"]) / 1e6, 1)
    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6, 1)

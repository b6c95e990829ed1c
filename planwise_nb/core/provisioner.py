"""Gives Jupyter clean kernels at warm cost: the provisioner ``planwise`` of the kernelspec of that name.

Its kernels are forked from a parent (``forkserver``) that this process starts once. Where forking is not possible, they
are started as any other kernel, and one line of the log says so.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import logging
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase
from traitlets import Unicode

from planwise_nb.core import forkserver
from planwise_nb.core.holder import RUNNER_VARIABLE
from planwise_nb.core.project import shipped

FORK = "PLANWISE_FORK"
"""Set to 0, every kernel is an ordinary one; set to 1, they are forked on macOS too."""

WITHOUT_THREADS = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}
"""Keeps numpy and Arrow from starting threads when they are imported: a process that forks must have one only."""

_GONE = -int(signal.SIGKILL)
_EXIT_SECONDS = 2.0
_POLL_SECONDS = 0.02

log = logging.getLogger("planwise")


class ForkserverError(Exception):
    """The parent of kernels cannot be started, or is gone."""


class KernelParent:
    """The parent of kernels of this process, which has called ``preload``. It ends with this process."""

    def __init__(self, preload: str) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="planwise-"))
        self._owner = os.getpid()
        self._lock = threading.Lock()
        self._stamp = _stamp()
        self._is_ready = False
        self._asked = 0
        self._failure = ""
        ours, its = socket.socketpair()
        # a debugger wants modules that are not frozen, as ordinary kernels have them; a kernel that is killed leaves
        # semaphores of dbt's behind, which are cleaned up in the end
        quietly = ["-P", "-X", "frozen_modules=off", "-W", "ignore::UserWarning:multiprocessing.resource_tracker"]
        command = [sys.executable, *quietly, "-m", forkserver.__name__, str(its.fileno()), str(self._folder), preload]
        with its:
            self._process = subprocess.Popen(
                command,
                pass_fds=[its.fileno()],
                stdin=subprocess.DEVNULL,
                cwd=self._folder,  # which stays as long as it does
                start_new_session=True,
                env=os.environ | WITHOUT_THREADS,
            )
        self._channel = ours
        self._lines = ours.makefile("rw", encoding="utf-8")
        atexit.register(self.close)

    @property
    def is_current(self) -> bool:
        """Whether it is this process's own, nothing that it imports has changed since, and it lives or will never."""
        is_as_started = self._owner == os.getpid() and self._stamp == _stamp()
        return is_as_started and (bool(self._failure) or self._process.poll() is None)

    def path(self, name: str) -> str:
        """A place for a file that goes when the parent does."""
        return str(self._folder / name)

    async def ready(self) -> None:
        """Wait until it has imported all, and let others work meanwhile."""
        while not (self._is_ready or self._failure) and not select.select([self._channel], [], [], 0)[0]:
            await asyncio.sleep(_POLL_SECONDS)

    def ask(self, **asked: Any) -> Any:
        """What the parent answers. Raises ``ForkserverError`` where it is gone, or could not prepare."""
        with self._lock:
            try:
                if not self._is_ready:
                    self._hear_ready()
                self._asked += 1
                print(json.dumps(asked | {"number": self._asked}), file=self._lines, flush=True)
                return self._answer(self._asked)
            except (OSError, ValueError) as error:  # broken off by the other side, or closed on this one
                raise ForkserverError(str(error)) from error

    def _answer(self, number: int) -> Any:
        """The answer to the question of that number; those to earlier ones, whose askers were interrupted, are left,
        and a kernel that nobody heard of is ended.
        """
        while line := self._lines.readline():
            said = json.loads(line)
            if "failed" in said:
                raise ForkserverError(said["failed"])
            heard, answer = said
            if heard == number:
                return answer
            if isinstance(answer, dict) and "pid" in answer:
                with suppress(ProcessLookupError):
                    os.killpg(answer["pid"], signal.SIGKILL)
        raise ForkserverError("their parent is gone")

    def _hear_ready(self) -> None:
        if not self._failure:
            said = json.loads(self._lines.readline() or "{}")
            self._is_ready = "ready" in said
            self._failure = "" if self._is_ready else said.get("failed", "their parent ended before it was ready")
        if self._failure:
            raise ForkserverError(self._failure)

    def retire(self) -> None:
        """Fork no more. The kernels that it has go on, and its folder stays for those that start again."""
        with suppress(ForkserverError):
            self.ask(do="retire")

    def close(self) -> None:
        """Let it end, and its kernels with it."""
        if self._owner == os.getpid():
            if not self._is_ready:  # it may be importing still
                self._kill()
            with suppress(OSError):
                self._lines.close()
            self._channel.close()
            try:
                self._process.wait(_EXIT_SECONDS)
            except subprocess.TimeoutExpired:
                self._kill()
                self._process.wait()
            shutil.rmtree(self._folder, ignore_errors=True)
            atexit.unregister(self.close)

    def _kill(self) -> None:
        """End it and what it started, at once; kernels are in sessions of their own and end by themselves."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)


class ForkedKernel:
    """A forked kernel, with as much of ``subprocess.Popen`` as ``LocalProvisioner`` uses."""

    stdin = stdout = stderr = None

    def __init__(self, parent: KernelParent, pid: int) -> None:
        self._parent = parent
        self.pid = pid
        self.returncode: int | None = None

    def poll(self, wait: float = 0.0) -> int | None:
        """The exit code once it ended; waits that many seconds for it."""
        if self.returncode is None:
            try:
                self.returncode = self._parent.ask(do="poll", pid=self.pid, wait=wait)
            except ForkserverError:
                self.returncode = _GONE
        return self.returncode

    def wait(self) -> int:
        """Wait for its end."""
        while (code := self.poll(wait=0.1)) is None:
            pass
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal to it and to what it started. One that ends it is waited for."""
        if self.poll() is None:
            os.killpg(self.pid, number)
            if number == signal.SIGKILL:
                self.poll(wait=_EXIT_SECONDS)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


class ForkProvisioner(LocalProvisioner):
    """Forks a kernel from the parent that has called ``preload``."""

    preload = Unicode(
        "planwise_nb.core.forkserver:Prepared",
        help="MODULE:FUNCTION, called by the parent of kernels ahead, which gives back ``Prepared``",
    ).tag(config=True)

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Prepare a forked kernel, which binds its own sockets, or an ordinary one."""
        if not can_fork():
            _say_once("Kernels are not forked here: they start as ordinary ones.")
            return await super().pre_launch(**kwargs)
        self._asked = dict(kwargs)
        for name in ("extra_arguments", "transport_encryption"):
            kwargs.pop(name, None)
        return await KernelProvisionerBase.pre_launch(self, cmd=[], **kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Fork a kernel, or start an ordinary one where that fails."""
        if cmd:
            return await super().launch_kernel(cmd, **kwargs)
        try:
            parent = kernel_parent(self.preload)
            await parent.ready()
            return self._fork(parent, kwargs)
        except ForkserverError as error:
            _say_once(f"Kernels cannot be forked ({error}): they start as ordinary ones.")
            kwargs = await super().pre_launch(**self._asked)
            return await super().launch_kernel(kwargs.pop("cmd"), **kwargs)

    def _fork(self, parent: KernelParent, options: Mapping[str, Any]) -> KernelConnectionInfo:
        cwd, env = str(options.get("cwd") or Path.cwd()), options["env"]
        is_step = RUNNER_VARIABLE in env
        answer = parent.ask(do="start", cwd=cwd, env=env, connection=self._connection_before(), is_step=is_step)
        if "error" in answer:
            raise ForkserverError(answer["error"])
        kernel: Any = ForkedKernel(parent, answer["pid"])
        self.process = kernel
        self.pid = answer["pid"]
        self.connection_info = answer["connection"] | {"key": answer["connection"]["key"].encode()}
        manager: Any = self.parent
        if not manager.connection_file:
            manager.connection_file = parent.path(f"{self.pid}.connection.json")
        return self.connection_info

    def _connection_before(self) -> dict[str, Any] | None:
        """The sockets of a kernel that starts again, to which its clients are connected; None for a new one, or where
        their folder went with their parent."""
        manager: Any = self.parent
        if not manager.shell_port or (manager.transport == "ipc" and not Path(manager.ip).parent.is_dir()):
            return None
        before: dict[str, Any] = manager.get_connection_info()
        return before | {"key": before["key"].decode()}


@lru_cache
def _say_once(text: str) -> None:
    log.warning(text)


def can_fork() -> bool:
    """Whether kernels are forked: on Linux, and on macOS where that is asked for."""
    asked = os.environ.get(FORK, "")
    return asked != "0" and (sys.platform == "linux" or (sys.platform == "darwin" and asked == "1"))


_starting = threading.Lock()


def kernel_parent(preload: str) -> KernelParent:
    """The parent of kernels of this process; a new one where it ended or where what it imported has changed."""
    with _starting:
        parent = _kernel_parent(preload)
        if not parent.is_current:
            parent.retire()
            _kernel_parent.cache_clear()
            parent = _kernel_parent(preload)
    return parent


@lru_cache
def _kernel_parent(preload: str) -> KernelParent:
    return KernelParent(preload)


def _stamp() -> tuple[tuple[str, int, int], ...]:
    """Changes whenever a file of the library or of the dbt project does."""
    library = Path(forkserver.__file__).parents[1].rglob("*.py")
    found = []
    for path in sorted((*library, *(shipped() / "dbt").rglob("*.[sy][qm]l"))):
        with suppress(FileNotFoundError):
            state = path.stat()
            found.append((str(path), state.st_mtime_ns, state.st_size))
    return tuple(found)

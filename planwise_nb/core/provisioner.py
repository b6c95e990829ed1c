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
from functools import lru_cache
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase
from traitlets import Unicode

from planwise_nb.core import forkserver
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
        ours, its = socket.socketpair()
        # a kernel that is killed leaves semaphores of dbt's behind, which are cleaned up in the end
        quietly = ["-W", "ignore::UserWarning:multiprocessing.resource_tracker"]
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
    def is_usable(self) -> bool:
        """Whether it lives, is this process's own, and nothing that it imported has changed since."""
        return self._owner == os.getpid() and self._process.poll() is None and self._stamp == _stamp()

    async def ready(self) -> None:
        """Wait until it has imported all, and let others work meanwhile."""
        while not self._is_ready and not select.select([self._channel], [], [], 0)[0]:
            await asyncio.sleep(_POLL_SECONDS)

    def ask(self, **asked: Any) -> Any:
        """What the parent answers. Raises ``ForkserverError`` where it is gone, or could not prepare."""
        with self._lock:
            try:
                if not self._is_ready:
                    self._hear_ready()
                print(json.dumps(asked), file=self._lines, flush=True)
                answer = self._lines.readline()
            except OSError as error:
                raise ForkserverError(str(error)) from error
        if not answer:
            raise ForkserverError("their parent is gone")
        return json.loads(answer)

    def _hear_ready(self) -> None:
        said = json.loads(self._lines.readline() or "{}")
        if "ready" not in said:
            raise ForkserverError(said.get("failed", "their parent ended before it was ready"))
        self._is_ready = True

    def close(self) -> None:
        """Let it end, and its kernels with it."""
        if self._owner == os.getpid():
            if not self._is_ready:  # it may be importing still
                self._process.kill()
                shutil.rmtree(self._folder, ignore_errors=True)
            self._lines.close()
            self._channel.close()
            try:
                self._process.wait(_EXIT_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            atexit.unregister(self.close)


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

    preload = Unicode("builtins:dict", help="MODULE:FUNCTION, called by the parent of kernels ahead").tag(config=True)

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Prepare a forked kernel, which binds its own sockets, or an ordinary one."""
        if not can_fork():
            _say_once("Kernels are not forked here: they start as ordinary ones.")
            return await super().pre_launch(**kwargs)
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
            _say_once(
                f"Kernels cannot be forked ({error}): they start as ordinary ones, which takes some seconds each."
            )
            kwargs = await super().pre_launch(**kwargs)
            return await super().launch_kernel(kwargs.pop("cmd"), **kwargs)

    def _fork(self, parent: KernelParent, options: Mapping[str, Any]) -> KernelConnectionInfo:
        manager: Any = self.parent
        before = manager.get_connection_info() if manager.shell_port else None
        if before is not None:
            before["key"] = before["key"].decode()
        cwd, env = str(options.get("cwd") or Path.cwd()), options["env"]
        answer = parent.ask(do="start", cwd=cwd, env=env, connection=before)
        if "error" in answer:
            raise ForkserverError(answer["error"])
        kernel: Any = ForkedKernel(parent, answer["pid"])
        self.process = kernel
        self.pid = answer["pid"]
        self.connection_info = answer["connection"] | {"key": answer["connection"]["key"].encode()}
        return self.connection_info


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
        if not parent.is_usable:
            parent.close()
            _kernel_parent.cache_clear()
            parent = _kernel_parent(preload)
    return parent


@lru_cache
def _kernel_parent(preload: str) -> KernelParent:
    return KernelParent(preload)


def _stamp() -> tuple[tuple[str, int, int], ...]:
    """Changes whenever a file of the library or of the dbt project does."""
    library = Path(forkserver.__file__).parents[1].rglob("*.py")
    models = (shipped() / "dbt").rglob("*.[sy][qm]l")
    states = sorted((str(path), path.stat()) for path in (*library, *models))
    return tuple((name, state.st_mtime_ns, state.st_size) for name, state in states)

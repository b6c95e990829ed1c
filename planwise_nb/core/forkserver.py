"""The parent of kernels: it imports what notebooks need once, and forks a clean kernel for each of them.

``python -m planwise_nb.core.forkserver DESCRIPTOR FOLDER MODULE:FUNCTION`` talks to the process that started it over
the socket ``DESCRIPTOR``, in lines of JSON, its questions numbered, and ends with it. It holds no thread and no
database. One kernel is always forked ahead, its sockets bound and warm, and waits to be told where to run.
"""

from __future__ import annotations

import gc
import json
import os
import pkgutil
import select
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

SESSION = "JPY_SESSION_NAME"
"""Set by Jupyter in the environment of a kernel: the notebook that it serves."""

_FAILED = 1
_POLL_SECONDS = 0.005
_NOTHING = object()


def session_of(pid: int, command: list[str]) -> str:
    """The notebook that the forked kernel ``pid`` serves, by its ``command``; empty where that is not known."""
    if __name__ not in command:
        return ""
    try:
        return _session_file(Path(command[command.index(__name__) + 2]), pid).read_text(encoding="utf-8")
    except (IndexError, OSError):
        return ""


def _session_file(folder: Path, pid: int) -> Path:
    return folder / f"{pid}.session"


@dataclass(frozen=True)
class Prepared:
    """What ``MODULE:FUNCTION`` gives back: what is ``left`` to prepare for kernels that are no step of a run, in parts,
    each of them done while nobody asks; and what each kernel does to be ``warm``, before it is told where to run.
    """

    left: Iterable[object] = ()
    warm: Callable[[], None] = lambda: None


class Forkserver:
    """Serves one process over ``channel`` with what was ``prepared``; the sockets of its kernels lie in ``folder``."""

    def __init__(self, channel: socket.socket, folder: Path, prepared: Prepared) -> None:
        self._channel = channel
        self._left: Iterator[object] | None = iter(prepared.left)
        self._warm = prepared.warm
        self._folder = folder
        self._spare: tuple[int, socket.socket] | None = None
        self._count = 0
        self._is_for_steps = True
        self._is_retired = False

    def serve(self) -> None:
        """Answer until the other side is gone."""
        answers: dict[str, Callable[..., Any]] = {"start": self._start, "poll": self._poll, "retire": self._retire}
        try:
            with self._channel.makefile("rw", encoding="utf-8") as lines:
                self._fork_ahead()
                _say(lines, {"ready": os.getpid()})
                for line in lines:
                    asked = json.loads(line)
                    number = asked.pop("number")
                    _say(lines, [number, answers[asked.pop("do")](**asked)])
                    self._fork_ahead()
                    self._go_on()
        finally:
            self._drop_spare()

    def _go_on(self) -> None:
        """Prepare what is left, until somebody asks; in the end the kernel that is forked ahead has all of it. Steps
        need nothing of it: a run is not slowed by that.
        """
        while not self._is_for_steps and self._left is not None and not select.select([self._channel], [], [], 0)[0]:
            if next(self._left, _NOTHING) is _NOTHING:
                self._left = None
                gc.collect()
                gc.freeze()
                self._drop_spare()
                self._fork_ahead()

    def _start(
        self, cwd: str, env: Mapping[str, str], connection: dict[str, Any] | None, is_step: bool
    ) -> dict[str, Any]:
        """A kernel that runs from now on: on ``connection`` where one is given, else on that of the spare one; where
        that has died, another one is forked.
        """
        self._is_for_steps &= is_step
        if connection is None and self._spare is not None:
            spare, self._spare = self._spare, None
            started = self._order(*spare, cwd, env)
            if "error" not in started:
                return started
        return self._order(*self._fork(connection or {}), cwd, env)

    def _order(self, pid: int, orders: socket.socket, cwd: str, env: Mapping[str, str]) -> dict[str, Any]:
        """Tell a forked kernel where to run."""
        try:
            with orders, orders.makefile("rw", encoding="utf-8") as lines:
                bound = lines.readline()
                _session_file(self._folder, pid).write_text(env.get(SESSION, ""), encoding="utf-8")
                _say(lines, {"cwd": cwd, "env": dict(env)})
                return {"pid": pid, "connection": json.loads(bound)}
        except (ConnectionError, ValueError):  # it is gone, before it had bound its sockets or after
            return {"error": f"a forked kernel ended before it was ready, with {self._poll(pid, wait=1.0)}"}

    def _poll(self, pid: int, wait: float = 0.0) -> int | None:
        """The exit code of a kernel, negative for a signal, once it ended; waits that many seconds for it."""
        until = time.monotonic() + wait
        while True:
            try:
                ended, status = os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                return _FAILED
            if ended:
                _session_file(self._folder, pid).unlink(missing_ok=True)
                return os.waitstatus_to_exitcode(status)
            if time.monotonic() >= until:
                return None
            time.sleep(_POLL_SECONDS)

    def _retire(self) -> None:
        """Keep no spare kernel any more."""
        self._is_retired, self._left = True, None
        self._drop_spare()

    def _fork_ahead(self) -> None:
        if self._spare is None and not self._is_retired:
            self._spare = self._fork({})

    def _drop_spare(self) -> None:
        if self._spare is not None:
            pid, orders = self._spare
            orders.close()
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            self._spare = None

    def _fork(self, connection: Mapping[str, Any]) -> tuple[int, socket.socket]:
        """A new kernel on ``connection``, or on sockets of its own, and the way to it."""
        self._count += 1
        ours, its = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            ours.close()
            os.close(self._channel.fileno())  # by its number: files that were made of it hold it open
            _be_kernel(its, self._folder / str(self._count), connection, self._warm)
        its.close()
        return pid, ours


def _say(lines: Any, said: Any) -> None:
    print(json.dumps(said), file=lines, flush=True)


def _be_kernel(orders: socket.socket, place: Path, connection: Mapping[str, Any], warm: Callable[[], None]) -> NoReturn:
    """Bind a kernel's sockets, say where they are, wait to be told where to run, and run."""
    code = _FAILED
    try:
        os.setsid()
        _serve_notebook(orders, place, connection, warm)
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else _FAILED
    except ConnectionError:  # nobody needs it any more
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        _leave(code)


def _leave(code: int) -> NoReturn:
    """End without the interpreter's last rites, which take longer than a trivial notebook."""
    try:
        for stream in (sys.__stdout__, sys.__stderr__):
            if stream is not None:
                stream.flush()
    finally:
        os._exit(code)


def _serve_notebook(
    orders: socket.socket, place: Path, connection: Mapping[str, Any], warm: Callable[[], None]
) -> None:
    from ipykernel.kernelapp import IPKernelApp  # noqa: PLC0415 - imported ahead by the parent
    from traitlets.config import Config  # noqa: PLC0415

    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    file = place.with_suffix(".json")
    if connection:
        file.write_text(json.dumps(connection), encoding="utf-8")
    settings = Config({"HistoryManager": {"enabled": False}})
    app = IPKernelApp.instance(
        config=settings, transport="ipc", ip=str(place), connection_file=str(file), parent_handle=os.getppid()
    )
    sys.argv = sys.argv[:1]
    before = dict(os.environ)
    app.initialize([])
    if "ipywidgets" in sys.modules:
        sys.modules["ipywidgets"].register_comm_target()  # it was imported where there was no kernel yet
    with suppress(Exception):  # the cell that needs what fails here is told why
        warm()
    added = {name: value for name, value in os.environ.items() if before.get(name) != value}
    bound = json.loads(file.read_text(encoding="utf-8"))
    with orders, orders.makefile("rw", encoding="utf-8") as lines:
        _say(lines, bound)
        told = lines.readline()
        if not told:  # nobody needs it any more
            return
        order = json.loads(told)
    file.unlink(missing_ok=True)
    os.environ.clear()
    os.environ.update(order["env"] | added)
    os.chdir(order["cwd"])
    app.start()


def main() -> None:
    """Call the function that imports and prepares what notebooks need, then fork kernels on demand."""
    descriptor, folder, preload = sys.argv[1:]
    channel = socket.socket(fileno=int(descriptor))
    code = _FAILED
    try:
        prepared = pkgutil.resolve_name(preload)()
        gc.collect()
        gc.freeze()
        Forkserver(channel, Path(folder), prepared).serve()
        code = 0
    except ConnectionError:  # the other side is gone
        code = 0
    except Exception as error:
        with suppress(OSError), channel.makefile("w", encoding="utf-8") as lines:
            _say(lines, {"failed": f"{type(error).__name__}: {error}"})
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _leave(code)


if __name__ == "__main__":
    main()

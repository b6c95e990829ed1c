"""A process that works for a notebook, so that its kernel stays free: orders go in, messages come out.

Both are JSON objects, one a line. The process starts with the first order and ends with the one that started it; what
it does for a run goes on until then by the rules of the run, so whatever ends it early leaves a run to resume.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from typing import IO, Any

from planwise_nb.core.errors import BusyError, PlanwiseError
from planwise_nb.core.imports import quick_imports
from planwise_nb.core.messages import Listener, Message, as_json

Order = Mapping[str, Any]
Said = dict[str, Any]

DONE, REFUSED, STOPPED = "Done", "Refused", "Stopped"
"""How an order ends: the ``message`` of the last line that is said of it."""


class Worker:
    """Carries out one order after another in a process of its own: ``python -m module``, which calls ``serve``."""

    def __init__(self, module: str) -> None:
        self._command = [sys.executable, "-m", module]
        self._process: subprocess.Popen[str] | None = None
        self._trouble: IO[str] | None = None
        self.is_busy = False
        self._is_stopping = False

    def warm(self) -> None:
        """Start the process, if it is not there: it prepares itself while a person still thinks."""
        if self._process is not None and self._process.poll() is None:
            return
        self._trouble = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - as long
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._trouble,
            encoding="utf-8",
            start_new_session=True,  # to interrupt a cell is not to stop a run
        )

    def begin(self, order: Order, hear: Callable[[Said], None]) -> None:
        """Let ``order`` be carried out. ``hear`` is told, in the event loop of the caller, all that is said of it; the
        last of it is ``Done``, ``Refused`` or ``Stopped``. Raises ``BusyError`` while another order is carried out.
        """
        if self.is_busy:
            raise BusyError("This notebook is still at work.", fix="Wait until that is done, or stop it.")
        self.warm()
        self.is_busy, self._is_stopping = True, False
        loop, process = asyncio.get_running_loop(), self._process
        assert process is not None and process.stdin is not None
        print(json.dumps(order), file=process.stdin, flush=True)

        def told(said: Said) -> None:
            self.is_busy = said["message"] not in (DONE, REFUSED, STOPPED)
            hear(said)

        def follow() -> None:
            is_over = False
            while not is_over:
                said = self._next(process)
                is_over = said["message"] in (DONE, REFUSED, STOPPED)
                loop.call_soon_threadsafe(told, said)

        threading.Thread(target=follow, daemon=True, name="planwise-worker").start()

    def stop(self) -> None:
        """Stop what is carried out now. Its run stays as far as it came, and can be resumed."""
        if self.is_busy and self._process is not None:
            self._is_stopping = True
            if os.name == "posix":
                self._process.send_signal(signal.SIGINT)
            else:  # elsewhere it cannot be asked; what it began is cleaned up by the next runner
                self._process.terminate()

    def _next(self, process: subprocess.Popen[str]) -> Said:
        assert process.stdout is not None and self._trouble is not None
        if line := process.stdout.readline():
            said: Said = json.loads(line)
            return said
        if self._is_stopping:  # before it was ready to begin
            return {"message": STOPPED}
        self._trouble.seek(0)
        last = (self._trouble.read().strip().splitlines() or ["it said nothing"])[-1]
        return refusal(PlanwiseError(f"The process that did this ended: {last}", fix="Try again."))


def refusal(error: PlanwiseError) -> Said:
    """What is said of an order that ``error`` ended."""
    return {"message": REFUSED, "error": type(error).__name__, "what": str(error)}


def serve(carry_out: Callable[[Order, Listener], Said], prepare: Callable[[], None]) -> None:
    """Call ``prepare``, then carry out the orders on standard input until it ends, and say on standard output what
    ``carry_out`` tells and gives back.
    """
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever prints must not come between the lines

    def say(said: Said) -> None:
        print(json.dumps(said, default=str), file=channel, flush=True)

    def tell(message: Message) -> None:
        say(as_json(message))

    with quick_imports():
        prepare()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for line in sys.stdin:
        say(_outcome(carry_out, json.loads(line), tell))


def _outcome(carry_out: Callable[[Order, Listener], Said], order: Order, tell: Listener) -> Said:
    """How an order ended; it may be interrupted while it is carried out, and not before or after."""
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            return {"message": DONE, **carry_out(order, tell)}
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
    except PlanwiseError as error:
        return refusal(error)
    except KeyboardInterrupt:
        return {"message": STOPPED}
    except Exception as error:  # whatever it is, a person waits for an answer
        return refusal(PlanwiseError(f"{type(error).__name__}: {error}"))

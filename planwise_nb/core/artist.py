"""A process that draws charts: drawing keeps all other threads of its process from working meanwhile."""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from functools import cache
from typing import Any

from planwise_nb.core.pictures import svg

_EXIT_SECONDS = 2.0
_FIRST = {"data": {"values": []}, "mark": "point"}


class Artist:
    """Draws one chart after another in a process of its own, which ends with this one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what goes wrong is told by drawing in this process
            encoding="utf-8",
            start_new_session=True,  # to stop a run is not to stop what draws its last chart
        )
        atexit.register(self.close)

    @property
    def is_there(self) -> bool:
        """Whether it draws still."""
        return self._process.poll() is None

    def draw(self, specification: dict[str, Any]) -> str:
        """The chart as SVG, as ``pictures.svg`` draws it. Raises ``ValueError`` where it cannot be drawn."""
        order = json.dumps(specification)
        with self._lock:
            try:
                said = self._answer(order)
            except BaseException:  # its answer would be taken for that to the next chart
                self._process.kill()
                self._process.wait()
                raise
        if not said:
            return svg(specification)
        if "trouble" in said:
            raise ValueError(said["trouble"])
        drawn: str = said["picture"]
        return drawn

    def _answer(self, order: str) -> dict[str, str]:
        """What the process answers; nothing where it is gone."""
        assert self._process.stdin is not None and self._process.stdout is not None
        with suppress(OSError):
            print(order, file=self._process.stdin, flush=True)
            if line := self._process.stdout.readline():
                answer: dict[str, str] = json.loads(line)
                return answer
        return {}

    def close(self) -> None:
        """Let it end."""
        with suppress(OSError, subprocess.TimeoutExpired):
            self._process.communicate(timeout=_EXIT_SECONDS)
        self._process.kill()
        self._process.wait()
        atexit.unregister(self.close)


@cache
def _artist() -> Artist:
    return Artist()


def artist() -> Artist:
    """The artist of this process; a new one where it ended."""
    if not _artist().is_there:
        _artist().close()
        _artist.cache_clear()
    return _artist()


def drawn(specification: dict[str, Any]) -> str:
    """The chart as SVG, by the artist that is there when its turn comes. Raises as ``Artist.draw`` does."""
    return artist().draw(specification)


def main() -> None:
    """Draw each chart on standard input, a specification a line, until it ends; answer each with a line."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever prints must not come between the answers
    svg(_FIRST)
    for line in sys.stdin:
        try:
            said = {"picture": svg(json.loads(line))}
        except ValueError as error:
            said = {"trouble": str(error)}
        print(json.dumps(said), file=answers, flush=True)


if __name__ == "__main__":
    main()

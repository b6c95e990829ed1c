"""Runs as processes of their own: a closed browser ends none of them, and none of them makes the page wait."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from planwise_nb.apps.answers import WRONG
from planwise_nb.core.errors import STOPPED, BusyError, InputError, Problem
from planwise_nb.core.holder import holder
from planwise_nb.core.runs import Run

OF_THE_PAGE = ("VOILA_", "JPY_", "SERVER_", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "FORCE_COLOR", "CLICOLOR_FORCE")
"""Variables of the page's kernel, the token among them, which are no business of a run, and colours of a terminal."""

LONGEST_REPORT = 100_000


class Child:
    """A ``planwise`` command that this page started, such as ``run``; ``is_found`` once its run is known."""

    def __init__(self, command: str, arguments: Sequence[str], *, project: Path, out: Path) -> None:
        self.is_found = False
        self._answer: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the child is
        self._report: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        words = [sys.executable, "-m", "planwise_nb.apps.cli", command, "--out", str(out), "--json", *arguments]
        self.process = subprocess.Popen(
            words,
            cwd=project,
            env={name: value for name, value in os.environ.items() if not name.startswith(OF_THE_PAGE)},
            stdin=subprocess.DEVNULL,
            stdout=self._answer,
            stderr=self._report,
            start_new_session=True,
        )

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def stop(self) -> None:
        """End it as Ctrl-C does: the step in hand is given up, and the run can be resumed."""
        if self.is_alive:
            self.process.send_signal(signal.SIGTERM)

    @property
    def report(self) -> list[str]:
        """The lines that it has told so far."""
        return _said(self._report).splitlines()

    @property
    def answer(self) -> dict[str, Any]:
        """The JSON object that it ended with; empty where it ended without one, or goes on."""
        try:
            found: dict[str, Any] = {} if self.is_alive else json.loads(_said(self._answer))
        except ValueError:
            return {}
        return found

    def refusal(self) -> list[Problem]:
        """What it was refused or failed for; empty where it went well or goes on.

        What ended without an answer, such as a command that was wrong, is told as it was printed.
        """
        if self.is_alive:
            return []
        if self.process.returncode < 0:
            is_asked = self.process.returncode == -signal.SIGTERM  # before it had begun
            ended = {"message": "The run ended unexpectedly.", "fix": "Resume it."}
            return [_problem({"message": STOPPED} if is_asked else ended)]
        report, answer = _said(self._report), self.answer
        if errors := answer.get("errors"):
            if errors[0]["message"] == WRONG:
                return [_problem({"message": _unboxed(report)})]
            return [_problem(error) for error in errors]
        if "run_id" in answer:
            return []
        said = report or _said(self._answer) or f"It ended with code {self.process.returncode}."
        return [_problem({"message": said})]


def _problem(told: Mapping[str, Any]) -> Problem:
    """A problem as a command tells it in JSON."""
    return Problem(
        rule=told.get("rule", "run"),
        where=told.get("where", ""),
        what=told["message"],
        fix=told.get("fix", ""),
        count=told.get("count", 1),
        sample=tuple(told.get("sample", ())),
    )


def _said(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace").strip()[-LONGEST_REPORT:]


def _unboxed(report: str) -> str:
    """What stands in the frame that the command line draws around what is wrong with it; all of it without one."""
    return " ".join(line.strip("│ ") for line in report.splitlines() if line.startswith("│")) or report


def run_of(child: Child, runs: Sequence[Run]) -> Run | None:
    """The run that ``child`` works on, once it holds one."""
    return next((run for run in runs if (who := holder(run.folder)) and who.pid == child.process.pid), None)


def stop(run: Run) -> None:
    """End the process that runs ``run``, as Ctrl-C does.

    Raises ``InputError`` where nobody runs it, ``BusyError`` where another machine does.
    """
    found = holder(run.folder)
    if found is None:
        raise InputError(f"Nobody runs {run.folder.name}.", fix="Resume it, or look at its log.")
    if not found.is_of_this_machine:
        raise BusyError(f"Run {run.folder.name} is held by {found}.", fix="Stop it there.")
    os.kill(found.pid, signal.SIGTERM)

"""Progress as typed messages; a bar, plain lines and the run's log are listeners of one stream."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, get_args

from planwise_nb.core.pipeline import Key, label


@dataclass(frozen=True, kw_only=True)
class RunStarted:
    """A run begins or goes on: ``done`` of ``total`` steps have their records."""

    run_id: str
    subject: str
    done: int
    total: int


@dataclass(frozen=True, kw_only=True)
class StepStarted:
    """The notebook of a step begins."""

    key: Key
    done: int
    total: int


@dataclass(frozen=True, kw_only=True)
class StepProgressed:
    """A step is at ``what``, with ``part`` of it done, from 0 to 1. For people who wait: no log keeps it."""

    key: Key
    done: int
    total: int
    part: float
    what: str


@dataclass(frozen=True, kw_only=True)
class StepFinished:
    """The notebook of a step is on disk and its record is written."""

    key: Key
    done: int
    total: int
    seconds: float
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StepFailed:
    """A step failed; the run is failed too."""

    key: Key
    seconds: float
    error: str


@dataclass(frozen=True, kw_only=True)
class RunFinished:
    """The run ended as ``status``: ``success``, ``failed``, or ``running`` where it was asked to stop early."""

    run_id: str
    status: str
    seconds: float


Message = RunStarted | StepStarted | StepProgressed | StepFinished | StepFailed | RunFinished
Listener = Callable[[Message], None]


def line(message: Message) -> str:
    """A message as one line for people."""
    match message:
        case RunStarted():
            return f"Run {message.run_id} ({message.subject}): {message.total - message.done} steps to go"
        case StepStarted():
            return f"[{message.done + 1:>3}/{message.total}] {label(message.key)} …"
        case StepProgressed():
            return f"[{message.done + 1:>3}/{message.total}] {label(message.key)}: {message.what} …"
        case StepFinished():
            warned = f", warnings: {', '.join(message.warnings)}" if message.warnings else ""
            return f"[{message.done:>3}/{message.total}] {label(message.key)} done in {message.seconds:.1f} s{warned}"
        case StepFailed():
            return f"{label(message.key)} failed after {message.seconds:.1f} s"
        case RunFinished():
            return f"Run {message.run_id}: {message.status} after {message.seconds:.1f} s"


def as_json(message: Message) -> dict[str, Any]:
    """A message as a JSON object."""
    return {"message": type(message).__name__} | asdict(message)


def message_of(said: Mapping[str, Any]) -> Message | None:
    """The message that ``as_json`` made an object of; None for an object of another kind. A time ``at`` is no part of
    it.
    """
    kinds: dict[str, Any] = {kind.__name__: kind for kind in get_args(Message)}
    if (kind := kinds.get(str(said.get("message")))) is None:
        return None
    message: Message = kind(**{name: _unlisted(value) for name, value in said.items() if name not in ("at", "message")})
    return message


def broadcast(*listeners: Listener) -> Listener:
    """One listener that tells all of them, in order."""

    def tell(message: Message) -> None:
        for listener in listeners:
            listener(message)

    return tell


def log_to(path: Path) -> Listener:
    """Append each message to a file of JSON objects, one a line."""

    def write(message: Message) -> None:
        if isinstance(message, StepProgressed):
            return
        entry: dict[str, Any] = {"at": datetime.now(UTC).isoformat(timespec="milliseconds")}
        entry |= as_json(message)
        with path.open("a", encoding="utf-8") as log:
            log.write(json.dumps(entry, ensure_ascii=False) + "\n")

    return write


def read_log(path: Path) -> list[tuple[datetime, Message]]:
    """The messages that ``log_to`` wrote, with their times; a line that is damaged or in writing is left out."""
    found: list[tuple[datetime, Message]] = []
    for text in path.read_bytes().splitlines() if path.exists() else ():
        try:
            entry = json.loads(text)
            if (message := message_of(entry)) is not None:
                found.append((datetime.fromisoformat(entry["at"]), message))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue
    return found


def _unlisted(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def plain_lines(stream: IO[str]) -> Listener:
    """A line a finished or failed step, for terminals that cannot redraw and for logs."""

    def write(message: Message) -> None:
        if not isinstance(message, StepStarted | StepProgressed):
            print(line(message), file=stream, flush=True)

    return write


def progress_bar() -> Listener:
    """A live bar on standard error: period and step, elapsed and remaining time, warnings above it."""
    from rich.console import Console  # noqa: PLC0415 - only a terminal pays for it
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = (
        TextColumn("{task.description:<60}"),
        BarColumn(),
        TextColumn("{task.completed:.1f}/{task.total:.0f}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[remaining]}"),
    )
    progress = Progress(*columns, console=Console(file=sys.stderr), transient=True)
    task = progress.add_task("", total=1, remaining="")
    began = time.monotonic()
    done_before = 0

    def write(message: Message) -> None:
        nonlocal done_before
        match message:
            case RunStarted():
                done_before = message.done
                progress.start()
                progress.console.print(line(message), highlight=False)
                progress.update(task, total=message.total, completed=message.done)
            case StepStarted():
                progress.update(task, description=label(message.key), refresh=True)
            case StepProgressed():
                shown = f"{label(message.key)}: {message.what}"
                progress.update(task, description=shown, completed=message.done + message.part, refresh=True)
            case StepFinished():
                pace = (time.monotonic() - began) / (message.done - done_before)
                left = f"about {pace * (message.total - message.done):.0f} s left"
                progress.update(task, completed=message.done, remaining=left, refresh=True)
            case _:
                progress.stop()
                progress.console.print(line(message), highlight=False)

    return write


def for_terminal() -> Listener:
    """The bar where standard error is a terminal, plain lines elsewhere."""
    return progress_bar() if sys.stderr.isatty() else plain_lines(sys.stderr)

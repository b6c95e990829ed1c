"""How far a run is, from what it has recorded: nothing of it is opened that it works on."""

from __future__ import annotations

from dataclasses import dataclass

from planwise_nb.core.manifest import LOG
from planwise_nb.core.messages import (
    Message,
    RunFinished,
    RunStarted,
    StepFailed,
    StepFinished,
    StepStarted,
    line,
    read_log,
)
from planwise_nb.core.pipeline import label
from planwise_nb.core.runs import Run

LINES = 200


@dataclass(frozen=True)
class Progress:
    """Steps done of all, the step that runs, seconds a step since it last began, and the log as lines."""

    done: int = 0
    total: int = 0
    step: str = ""
    pace: float | None = None
    lines: tuple[str, ...] = ()
    error: str = ""

    @property
    def remaining(self) -> float | None:
        """Seconds left at this pace; None before there is one."""
        return None if self.pace is None else self.pace * (self.total - self.done)


def progress_of(run: Run) -> Progress:
    """How far ``run`` is, from its log."""
    found = read_log(run.folder / LOG)
    latest = next((place for place in range(len(found) - 1, -1, -1) if isinstance(found[place][1], RunStarted)), 0)
    current = found[latest:]
    finished = [(at, message) for at, message in current if isinstance(message, StepFinished)]
    pace = (finished[-1][0] - current[0][0]).total_seconds() / len(finished) if finished else None
    counted = [message for _, message in current if isinstance(message, RunStarted | StepFinished)]
    last = next((message for _, message in reversed(current) if isinstance(message, StepStarted)), None)
    ended = bool(current) and isinstance(current[-1][1], RunFinished | StepFailed)
    shown = [(at, message) for at, message in found if not isinstance(message, StepStarted)]
    return Progress(
        done=counted[-1].done if counted else 0,
        total=counted[-1].total if counted else 0,
        step="" if last is None or ended else label(last.key),
        pace=pace,
        lines=tuple(f"{at:%H:%M:%S}  {line(message)}" for at, message in shown[-LINES:]),
        error=next((_error(message) for _, message in reversed(current) if isinstance(message, StepFailed)), ""),
    )


def _error(message: Message) -> str:
    return message.error if isinstance(message, StepFailed) else ""

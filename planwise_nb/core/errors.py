"""Every error of the library, in one tree.

::

    PlanwiseError               exit code 1; says what happened, why, and what fixes it
    ├── InputError              exit code 2; the input or the command was wrong, nothing was written
    │   └── ParameterError      a notebook parameter is unknown or of the wrong type
    ├── ChecklistError          a step may not run now: a step before it is missing
    ├── CheckError              an error-level check of a step does not hold
    ├── ModelError              a dbt model failed
    ├── StepError               a notebook of a run failed
    │   └── KernelDiedError     its kernel ended without an answer
    ├── BusyError               somebody else holds the run or its database
    └── DamagedError            a file of a run cannot be read
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

STOPPED = "Stopped."
"""What is said of a run that was asked to stop, and recorded as the reason why it is not finished."""


class PlanwiseError(Exception):
    """Base of all errors that the library raises on purpose.

    ``what`` is one sentence on what happened and why, ``fix`` the command or edit that helps.
    """

    exit_code = 1

    def __init__(self, what: str, *, fix: str = "") -> None:
        self.what = what
        self.fix = fix
        super().__init__(f"{what}\n{fix}".strip())

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows of it: the message, which says what to do and which a traceback would bury."""
        return [f"{type(self).__name__}: {self}"]

    def as_json(self) -> list[dict[str, Any]]:
        """The error as a list of JSON objects, one a problem."""
        return [{"rule": type(self).__name__, "message": self.what, "fix": self.fix}]


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong with an input, ready to be read by a person.

    ``count`` is the number of rows concerned, ``sample`` the first of them, each with its line number.
    """

    rule: str
    where: str
    what: str
    fix: str
    count: int = 1
    sample: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [f"{self.where}: {self.what} [{self.rule}]"]
        lines += [f"    {row}" for row in self.sample]
        if self.sample and self.count > len(self.sample):
            lines.append(f"    … and {self.count - len(self.sample):,} more")
        lines.append(f"    Fix: {self.fix}")
        return "\n".join(lines)


SHOWN = 50
"""How many problems a report shows."""


class InputError(PlanwiseError):
    """The input was refused; ``problems`` lists everything that is wrong with it, not the first only."""

    exit_code = 2

    def __init__(self, what: str, problems: Sequence[Problem] = (), *, fix: str = "") -> None:
        super().__init__(what, fix=fix)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        lines = [super().__str__(), *(f"  - {problem}" for problem in self.problems[:SHOWN])]
        if len(self.problems) > SHOWN:
            lines.append(f"  … and {len(self.problems) - SHOWN:,} more problems")
        return "\n".join(lines)

    def as_json(self) -> list[dict[str, Any]]:
        """The problems as a list of JSON objects; the error itself where it lists none."""
        if not self.problems:
            return super().as_json()
        return [{"message": problem.what, **asdict(problem)} for problem in self.problems]


class ParameterError(InputError):
    """A notebook parameter is unknown or of the wrong type."""


class ChecklistError(PlanwiseError):
    """A step may not run now: a step before it is missing."""


class CheckError(PlanwiseError):
    """An error-level check of a step does not hold."""


class ModelError(PlanwiseError):
    """A dbt model failed."""


class StepError(PlanwiseError):
    """A notebook of a run failed."""


class KernelDiedError(StepError):
    """The kernel of a notebook ended without an answer."""


class BusyError(PlanwiseError):
    """Somebody else holds the run or its database."""


class DamagedError(PlanwiseError):
    """A file of a run cannot be read."""

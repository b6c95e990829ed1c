"""What a pipeline is: frozen values, no registry, no I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Key = tuple[str, int | None]
"""A step of a run: its name and its period, or None for the steps that run once."""


@dataclass(frozen=True)
class Step:
    """One notebook of a pipeline. ``title`` is what people read, ``notebook`` the file's name."""

    name: str
    title: str
    notebook: str


@dataclass(frozen=True)
class Pipeline:
    """Steps that run once before, in every period, and once after.

    ``name`` is also the folder of its notebooks; ``period`` names a period (``year``) in
    parameters and messages, ``period_column`` in tables.
    """

    name: str
    setup: Step
    steps: tuple[Step, ...]
    summary: Step
    period: str
    period_column: str

    def step(self, name: str) -> Step:
        """The step of that name. Raises ``KeyError``."""
        return {step.name: step for step in (self.setup, *self.steps, self.summary)}[name]

    def keys(self, periods: Sequence[int]) -> Iterator[Key]:
        """Every step of a run over ``periods``, in the order in which they run."""
        yield self.setup.name, None
        for period in periods:
            for step in self.steps:
                yield step.name, period
        yield self.summary.name, None

    def executed_path(self, key: Key) -> str:
        """Where the executed notebook of a step lies, relative to the run's folder."""
        name, period = key
        folder = "notebooks" if period is None else f"notebooks/{period}"
        return f"{folder}/{self.step(name).notebook}"


def label(key: Key) -> str:
    """A step as people read it: ``event_generation 2026``."""
    name, period = key
    return name if period is None else f"{name} {period}"

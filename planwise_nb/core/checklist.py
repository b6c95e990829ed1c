"""Which step may run now, which are done, what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from planwise_nb.core.errors import ChecklistError
from planwise_nb.core.manifest import done_steps, read_manifest
from planwise_nb.core.pipeline import Key, Pipeline, label


@dataclass(frozen=True)
class Item:
    """One line of the checklist. ``state`` is ``done``, ``next`` or ``missing``."""

    key: Key
    title: str
    state: str


@dataclass(frozen=True)
class Checklist:
    """The steps of one run, and which of them have a record."""

    run_id: str
    pipeline: Pipeline
    periods: tuple[int, ...]
    done: frozenset[Key]

    @property
    def keys(self) -> Sequence[Key]:
        """Every step, in order."""
        return tuple(self.pipeline.keys(self.periods))

    @property
    def next(self) -> Key | None:
        """The first step without a record; None where all are done."""
        return next((key for key in self.keys if key not in self.done), None)

    def items(self) -> list[Item]:
        """The whole list, for people."""
        states = {True: "done", False: "missing"}
        return [
            Item(key, self.pipeline.step(key[0]).title, "next" if key == self.next else states[key in self.done])
            for key in self.keys
        ]

    def require(self, key: Key) -> None:
        """Raise ``ChecklistError`` unless every step before ``key`` is done."""
        if key not in self.keys:
            periods = f"{self.pipeline.period}s {self.periods[0]} to {self.periods[-1]}"
            raise ChecklistError(f"Run {self.run_id} has no step {label(key)}: it covers the {periods}.")
        before = self.keys[: self.keys.index(key)]
        missing = next((earlier for earlier in before if earlier not in self.done), None)
        if missing is not None:
            raise ChecklistError(
                f"Cannot run {_for(key)}: {missing[0]} has not finished{_for(missing)[len(missing[0]) :]}.",
                fix=f"Run: planwise run --resume {self.run_id}",
            )


def _for(key: Key) -> str:
    name, period = key
    return name if period is None else f"{name} for {period}"


def read_checklist(pipeline: Pipeline, folder: Path) -> Checklist:
    """The checklist of the run in ``folder``, as its manifest says now."""
    manifest = read_manifest(folder)
    return Checklist(manifest["run_id"], pipeline, tuple(manifest["periods"]), frozenset(done_steps(manifest)))

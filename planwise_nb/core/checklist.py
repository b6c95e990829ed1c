"""Which step may run now, which are done, what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planwise_nb.core.errors import ChecklistError
from planwise_nb.core.manifest import read_manifest
from planwise_nb.core.pipeline import Key, Pipeline, label


@dataclass(frozen=True)
class Item:
    """One line of the checklist.

    ``state`` is ``done``, ``forced`` (done again out of order), ``running``, ``next``, ``stale`` (was done; a step
    before it has been forced since, and its results are removed) or ``missing``. ``started_at`` (UTC) and ``seconds``
    are those of its record, if any.
    """

    key: Key
    title: str
    state: str
    started_at: str | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Checklist:
    """The steps of one run, and which of them have a record (``records``, by step)."""

    run_id: str
    pipeline: Pipeline
    periods: tuple[int, ...]
    records: Mapping[Key, dict[str, Any]]
    stale: frozenset[Key] = frozenset()

    @property
    def done(self) -> frozenset[Key]:
        """The steps that have a record."""
        return frozenset(self.records)

    @property
    def keys(self) -> Sequence[Key]:
        """Every step, in order."""
        return tuple(self.pipeline.keys(self.periods))

    @property
    def next(self) -> Key | None:
        """The first step without a record; None where all are done."""
        return next((key for key in self.keys if key not in self.records), None)

    def items(self, *, is_held: bool = False) -> list[Item]:
        """The whole list, for people; while a runner holds the run, its next step is running."""
        return [self._item(key, "running" if is_held else "next") for key in self.keys]

    def _item(self, key: Key, state_of_next: str) -> Item:
        title = self.pipeline.step(key[0]).title
        if (record := self.records.get(key)) is not None:
            state = "forced" if record["is_forced"] else "done"
            return Item(key, title, state, record["started_at"], record["seconds"])
        return Item(key, title, state_of_next if key == self.next else "stale" if key in self.stale else "missing")

    def require(self, key: Key) -> None:
        """Raise ``ChecklistError`` unless every step before ``key`` is done."""
        if key not in self.keys:
            periods = f"{self.pipeline.period}s {self.periods[0]} to {self.periods[-1]}"
            raise ChecklistError(f"Run {self.run_id} has no step {label(key)}: it covers the {periods}.")
        before = self.keys[: self.keys.index(key)]
        missing = next((earlier for earlier in before if earlier not in self.records), None)
        if missing is not None:
            why = "is stale" if missing in self.stale else "has not finished"
            raise ChecklistError(
                f"Cannot run {_for(key)}: {missing[0]} {why}{_for(missing)[len(missing[0]) :]}.",
                fix=f"Run: planwise run --resume {self.run_id}",
            )


def _for(key: Key) -> str:
    name, period = key
    return name if period is None else f"{name} for {period}"


def read_checklist(pipeline: Pipeline, folder: Path) -> Checklist:
    """The checklist of the run in ``folder``, as its manifest says now."""
    manifest = read_manifest(folder)
    records = {(record["step"], record["period"]): record for record in manifest["steps"]}
    stale = frozenset((step, period) for step, period in manifest["stale"])
    return Checklist(manifest["run_id"], pipeline, tuple(manifest["periods"]), records, stale)

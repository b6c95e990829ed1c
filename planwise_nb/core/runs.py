"""A run on disk: its manifest, its checklist, and the record of each step that is done."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planwise_nb.core.checklist import Checklist, Item, read_checklist
from planwise_nb.core.digests import file_digest, value_digest
from planwise_nb.core.errors import InputError
from planwise_nb.core.holder import holder
from planwise_nb.core.ledger import Ledger
from planwise_nb.core.manifest import DIAGNOSTICS, MANIFEST, read_diagnostics, read_manifest, write_json
from planwise_nb.core.pipeline import Key, Pipeline
from planwise_nb.core.rollback import known_files, written_files
from planwise_nb.core.trail import KEY_VARIABLE, is_signed, last_link, sealed


@dataclass(frozen=True)
class Run:
    """A run on disk. Everything about it is read from its folder."""

    pipeline: Pipeline
    folder: Path
    ledger: Ledger

    @property
    def manifest(self) -> dict[str, Any]:
        """The manifest as it is now."""
        return read_manifest(self.folder)

    @property
    def checklist(self) -> Checklist:
        """The checklist as it is now."""
        return read_checklist(self.pipeline, self.folder)

    @property
    def is_held(self) -> bool:
        """Whether a live runner works on it."""
        return holder(self.folder) is not None

    @property
    def state(self) -> str:
        """How it stands: its status, or ``stopped`` where it is not finished and nobody works on it."""
        return self.ledger.state({"status": self.manifest["status"], "path": str(self.folder)})

    def items(self) -> list[Item]:
        """The lines of the checklist as they are now, the running step marked."""
        return self.checklist.items(is_held=self.is_held)

    def update(self, **changes: Any) -> dict[str, Any]:
        """Change the manifest and the run's row in the ledger together.

        Raises ``InputError`` where the run is signed and the environment holds no key: no signature gets lost.
        """
        manifest = self.manifest
        if is_signed(manifest) and KEY_VARIABLE not in os.environ:
            raise InputError(
                f"Run {self.folder.name} is signed, and {KEY_VARIABLE} is not set.",
                fix="Set it to the key that the run has.",
            )
        return self.write(manifest | changes)

    def write(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """Seal and write the manifest, and the run's row in the ledger."""
        closed = sealed(manifest)
        write_json(self.folder / MANIFEST, closed)
        self.ledger.record(closed)
        return closed


def record_step(started: Run, key: Key, result: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    """Append the record of a step whose notebook is on disk: what it was made from, and what it made.

    ``result`` is what its notebook handed over; ``facts`` are its start, seconds and parameters.
    """
    name, period = key
    manifest = started.manifest
    notebook = started.pipeline.executed_path(key)
    known = known_files(manifest)
    files = {path: file_digest(started.folder / path) for path in written_files(started.folder) if path not in known}
    record = {
        "step": name,
        "period": period,
        **facts,
        "is_forced": [name, period] in manifest["forced"],
        "peak_memory_mb": result.get("peak_memory_mb", 0.0),
        "created_at": manifest["created_at"],
        "notebook": notebook,
        "notebook_sha256": file_digest(started.folder / notebook),
        "inputs_sha256": value_digest(manifest["files"]),
        "tables": result["tables"],
        "files": files,
        "diagnostics_sha256": _add_diagnostics(started.folder, key, result, facts["seconds"]),
        "previous_sha256": last_link(manifest),
    }
    started.update(
        steps=[*manifest["steps"], record],
        stale=[stale for stale in manifest["stale"] if stale != [name, period]],
        seconds=round(manifest["seconds"] + facts["seconds"], 3),
        peak_memory_mb=max(manifest["peak_memory_mb"], record["peak_memory_mb"]),
    )


def _add_diagnostics(folder: Path, key: Key, result: Mapping[str, Any], seconds: float) -> str:
    """Add the entry of a step to the diagnostics; its digest."""
    rows = {table: written["rows"] for table, written in result["tables"].items()}
    entry = {"step": key[0], "period": key[1], "seconds": seconds, "tables": rows, "checks": result["checks"]}
    others = [step for step in read_diagnostics(folder)["steps"] if (step["step"], step["period"]) != key]
    write_json(folder / DIAGNOSTICS, {"steps": [*others, entry]})
    return value_digest(entry)

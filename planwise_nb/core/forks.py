"""A run that goes on from the middle of another: the parent stays as it was, its child names it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from planwise_nb.core.changes import require_unchanged
from planwise_nb.core.errors import InputError
from planwise_nb.core.holder import HOLDER, KERNEL, LOCK, hold
from planwise_nb.core.manifest import LOG, MANIFEST, claim_folder, done_steps, provenance
from planwise_nb.core.pages import REPORT
from planwise_nb.core.pipeline import Key, label
from planwise_nb.core.project import shipped
from planwise_nb.core.rollback import roll_back
from planwise_nb.core.runner import unsound
from planwise_nb.core.runs import Run
from planwise_nb.core.trail import chained, sealed
from planwise_nb.core.verification import require_sound_manifest, verify

NOT_FORKED = (MANIFEST, LOG, LOCK, HOLDER, KERNEL, REPORT)
"""What a run has of its own, and a child of it does not take over."""


def force(finished_or_not: Run, key: Key, *, command: list[str], accept_changes: bool = False) -> Run:
    """The run in which the step ``key``, done before, is to be done again: everything after it is stale there and
    removed. An unfinished run is that run itself; of a finished one it is a child.

    Raises ``InputError`` where the step is not done, or files changed since the run started, unless
    ``accept_changes``; ``BusyError`` where another process holds the run.
    """
    started, manifest = finished_or_not, finished_or_not.manifest
    done = done_steps(manifest)
    if key not in done:
        raise InputError(
            f"{label(key)} of run {manifest['run_id']} is not done: there is nothing to do again.",
            fix=f"Go on with the run: planwise run --resume {manifest['run_id']}",
        )
    kept, later = manifest["steps"][: done.index(key)], [list(other) for other in done[done.index(key) + 1 :]]
    marks = {
        "forced": [*_forced(kept), list(key)],
        "stale": [*later, *(stale for stale in manifest["stale"] if stale not in later)],
    }
    if manifest["status"] == "success":
        return fork(started, key, command=command, accept_changes=accept_changes, marks=marks)
    require_sound_manifest(started.pipeline, started.folder, manifest)
    with hold(started.folder):
        if not accept_changes:
            require_unchanged(started.folder, manifest)
        _require_sound_before(started, kept)
        started.update(**marks, status="running", failure=None, steps=kept)
    return started


def _forced(records: Sequence[dict[str, Any]]) -> list[list[Any]]:
    return [[record["step"], record["period"]] for record in records if record["is_forced"]]


def _require_sound_before(run: Run, kept: Sequence[dict[str, Any]]) -> None:
    """Raise ``InputError`` where a step that stays does not hold: what comes after it is not given up for nothing."""
    manifest = sealed(run.manifest | {"steps": list(kept), "status": "running"})
    findings = verify(run.pipeline, run.folder, manifest, allow_leftovers=True) if kept else []
    if findings := [found for found in findings if found.where != MANIFEST]:
        raise unsound(run, findings)


def fork(
    parent: Run,
    upto: Key,
    *,
    command: list[str],
    accept_changes: bool = False,
    marks: Mapping[str, Any] = MappingProxyType({}),
) -> Run:
    """A child of ``parent`` that has every step before ``upto`` and none after it; the parent stays as it was.

    ``marks`` are keys of the child's manifest. Raises ``InputError`` where a step before ``upto`` is not done, or files
    changed since the parent started, unless ``accept_changes``.
    """
    manifest = parent.manifest
    keys = list(parent.pipeline.keys(manifest["periods"]))
    if upto not in keys:
        raise InputError(f"Run {manifest['run_id']} has no step {label(upto)}.")
    place = keys.index(upto)
    if (missing := next((key for key in keys[:place] if key not in done_steps(manifest)), None)) is not None:
        raise InputError(
            f"Run {manifest['run_id']} cannot be continued from {label(upto)}: {label(missing)} is not done.",
            fix=f"Go on with the run itself: planwise run --resume {manifest['run_id']}",
        )
    require_sound_manifest(parent.pipeline, parent.folder, manifest)
    if not accept_changes:
        require_unchanged(parent.folder, manifest)
    with hold(parent.folder) if manifest["status"] != "success" else nullcontext():
        return _child(parent, manifest, place, command, marks)


def _child(parent: Run, manifest: dict[str, Any], place: int, command: list[str], marks: Mapping[str, Any]) -> Run:
    """A copy of ``parent`` with its first ``place`` steps; nothing stays behind where that fails."""
    now = datetime.now(UTC)
    digest = manifest["run_id"].rsplit("-", 1)[1]
    folder = claim_folder(parent.ledger.out, manifest["subject"], digest, now)
    kept = manifest["steps"][:place]
    child = manifest | {
        "run_id": folder.name,
        "parent_run_id": manifest["run_id"],
        "status": "running",
        "created_at": now.isoformat(timespec="seconds"),
        "finished_at": None,
        "seconds": 0.0,
        "command": command,
        **provenance(shipped()),
        "failure": None,
        "forced": _forced(kept),
        "stale": [],
        **marks,
    }
    made = Run(parent.pipeline, folder, parent.ledger)
    try:
        shutil.copytree(parent.folder, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*NOT_FORKED))
        roll_back(parent.pipeline, folder, child | {"steps": kept})
        made.write(child | {"steps": chained(child, kept)})
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return made

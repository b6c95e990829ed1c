"""Runs a pipeline: steps by periods through papermill, each recorded when it is done."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from planwise_nb.core.checklist import read_checklist
from planwise_nb.core.errors import InputError, PlanwiseError
from planwise_nb.core.kernels import execute
from planwise_nb.core.ledger import Ledger
from planwise_nb.core.manifest import (
    MANIFEST,
    claim_folder,
    file_digest,
    provenance,
    read_manifest,
    tree_digest,
    write_json,
)
from planwise_nb.core.messages import Listener, RunFinished, RunStarted, StepFailed, StepFinished, StepStarted
from planwise_nb.core.notebooks import check_parameters
from planwise_nb.core.pipeline import Key, Pipeline, label
from planwise_nb.core.project import shipped

DIAGNOSTICS = "diagnostics.json"


class Inputs(Protocol):
    """What a run starts from, checked before anything is written."""

    @property
    def subject(self) -> str:
        """What the run is about, the name of its folder's parent."""

    @property
    def periods(self) -> tuple[int, ...]:
        """The periods to run, in order."""

    @property
    def digest(self) -> str:
        """A digest of inputs, parameters and seeds: equal runs have equal digests."""

    def describe(self) -> dict[str, Any]:
        """What the manifest says of the inputs."""

    def write(self, folder: Path) -> None:
        """Write inputs, parameters, notebooks and models as used into the run's folder."""


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

    def update(self, **changes: Any) -> dict[str, Any]:
        """Change the manifest and the run's row in the ledger together."""
        manifest = self.manifest | changes
        write_json(self.folder / MANIFEST, manifest)
        self.ledger.record(manifest)
        return manifest


def start(pipeline: Pipeline, inputs: Inputs, *, out: Path, command: list[str], parent: str | None = None) -> Run:
    """Claim a folder below ``out`` for a new run and write all that it starts from."""
    now = datetime.now(UTC)
    folder = claim_folder(out, inputs.subject, inputs.digest, now)
    inputs.write(folder)
    run = Run(pipeline, folder, Ledger(out))
    manifest = {
        "run_id": folder.name,
        "pipeline": pipeline.name,
        "subject": inputs.subject,
        "status": "running",
        "parent_run_id": parent,
        "created_at": now.isoformat(timespec="seconds"),
        "finished_at": None,
        "seconds": 0.0,
        "command": command,
        "periods": list(inputs.periods),
        **inputs.describe(),
        "files": {name: tree_digest(folder / name) for name in ("inputs", "params", "project")},
        **provenance(shipped()),
        "failure": None,
        "steps": [],
    }
    write_json(folder / DIAGNOSTICS, {"steps": []})
    write_json(folder / MANIFEST, manifest)
    run.ledger.record(manifest)
    return run


def run(
    started: Run,
    on_message: Listener,
    *,
    until: Key | None = None,
    before_step: Callable[[Key], None] = lambda key: None,
) -> dict[str, Any]:
    """Run every step that has no record yet, in order, up to and with ``until``, and return the manifest. A run that
    succeeded stays as it is.

    ``before_step`` is called before each step, for breaks. Raises what a step raised, after the manifest and
    the ledger say ``failed``.
    """
    checklist = read_checklist(started.pipeline, started.folder)
    keys = checklist.keys
    if checklist.next is None and started.manifest["status"] == "success":
        return started.manifest
    began = time.monotonic()
    manifest = started.update(status="running", failure=None)
    on_message(
        RunStarted(
            run_id=manifest["run_id"],
            subject=manifest["subject"],
            done=len(checklist.done),
            total=len(keys),
        )
    )
    for place, key in enumerate(keys):
        if key not in checklist.done:
            with _recorded_failure(started, key, on_message):
                before_step(key)
                on_message(StepStarted(key=key, done=place, total=len(keys)))
                warnings, seconds = _run_step(started, key)
            on_message(StepFinished(key=key, done=place + 1, total=len(keys), seconds=seconds, warnings=warnings))
        if key == until:
            break
    is_done = read_checklist(started.pipeline, started.folder).next is None
    manifest = started.update(
        status="success" if is_done else "running",
        finished_at=datetime.now(UTC).isoformat(timespec="seconds") if is_done else None,
    )
    on_message(
        RunFinished(run_id=manifest["run_id"], status=manifest["status"], seconds=round(time.monotonic() - began, 3))
    )
    return manifest


def _run_step(started: Run, key: Key) -> tuple[tuple[str, ...], float]:
    """Execute the notebook of a step, then record it: its record is written last."""
    read_checklist(started.pipeline, started.folder).require(key)
    name, period = key
    relative = started.pipeline.executed_path(key)
    notebook = started.pipeline.step(name).notebook
    source = started.folder / "project" / "notebooks" / started.pipeline.name / notebook
    periods = {} if period is None else {started.pipeline.period: period}
    parameters = check_parameters(source, {"run_dir": ".", **periods})
    began, started_at = time.monotonic(), datetime.now(UTC).isoformat(timespec="milliseconds")
    result = execute(source, started.folder / relative, parameters, started.folder)
    seconds = round(time.monotonic() - began, 3)
    _add_diagnostics(started.folder, key, result, seconds)
    record_step(started, key, {"started_at": started_at, "seconds": seconds})
    unmet = [check for check in result["checks"] if not check["is_passed"]]
    return tuple(f"{check['check_name']} ({check['found']})" for check in unmet), seconds


def record_step(started: Run, key: Key, timing: Mapping[str, Any]) -> None:
    """Append the record of a step whose notebook is on disk."""
    name, period = key
    relative = started.pipeline.executed_path(key)
    record = {
        "step": name,
        "period": period,
        "notebook": relative,
        "notebook_sha256": file_digest(started.folder / relative),
        **timing,
    }
    manifest = started.manifest
    spent = round(manifest["seconds"] + timing["seconds"], 3)
    started.update(steps=[*manifest["steps"], record], seconds=spent)


def _add_diagnostics(folder: Path, key: Key, result: dict[str, Any], seconds: float) -> None:
    path = folder / DIAGNOSTICS
    diagnostics = json.loads(path.read_text(encoding="utf-8"))
    entry = {"step": key[0], "period": key[1], "seconds": seconds, **result}
    others = [step for step in diagnostics["steps"] if (step["step"], step["period"]) != key]
    write_json(path, {"steps": [*others, entry]})


@contextmanager
def _recorded_failure(started: Run, key: Key, on_message: Listener) -> Iterator[None]:
    """Whatever ends a step early leaves the run ``failed``, with the reason and the command to go on."""
    began = time.monotonic()
    try:
        yield
    except BaseException as error:
        reason = error.what if isinstance(error, PlanwiseError) else f"{type(error).__name__}: {error}".rstrip(": ")
        seconds = round(time.monotonic() - began, 3)
        spent = round(started.manifest["seconds"] + seconds, 3)
        started.update(status="failed", seconds=spent, failure={"step": key[0], "period": key[1], "reason": reason})
        on_message(StepFailed(key=key, seconds=seconds, error=reason))
        on_message(RunFinished(run_id=started.folder.name, status="failed", seconds=seconds))
        if isinstance(error, PlanwiseError):
            error.args = (
                f"{label(key)} failed. {error}\nWhen that is mended, run: planwise run --resume {started.folder.name}",
            )
        raise


def fork(parent: Run, upto: Key, *, command: list[str], roll_back: Callable[[Path, Key], None]) -> Run:
    """A child of ``parent`` that has every step before ``upto`` and none after it; the parent stays as it was.

    ``roll_back(folder, key)`` removes from the child what ``key`` and the steps after it wrote.
    """
    import shutil  # noqa: PLC0415 - only forks pay for it

    manifest = parent.manifest
    keys = list(parent.pipeline.keys(manifest["periods"]))
    if upto not in keys:
        raise InputError(f"Run {manifest['run_id']} has no step {label(upto)}.")
    kept = set(keys[: keys.index(upto)])
    now = datetime.now(UTC)
    digest = manifest["run_id"].rsplit("-", 1)[1]
    folder = claim_folder(parent.ledger.out, manifest["subject"], digest, now)
    shutil.copytree(parent.folder, folder, dirs_exist_ok=True)
    for key in keys[keys.index(upto) :]:
        (folder / parent.pipeline.executed_path(key)).unlink(missing_ok=True)
    child = Run(parent.pipeline, folder, parent.ledger)
    roll_back(folder, upto)
    child.update(
        run_id=folder.name,
        parent_run_id=manifest["run_id"],
        status="running",
        created_at=now.isoformat(timespec="seconds"),
        finished_at=None,
        seconds=0.0,
        command=command,
        failure=None,
        steps=[record for record in manifest["steps"] if (record["step"], record["period"]) in kept],
    )
    return child

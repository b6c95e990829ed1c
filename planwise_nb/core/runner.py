"""Runs a pipeline: steps by periods through papermill, each recorded when it is done."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import duckdb

from planwise_nb.core import store
from planwise_nb.core.changes import Source, accepted, noted_sources, require_unchanged, started_files
from planwise_nb.core.errors import STOPPED, DamagedError, InputError, PlanwiseError, Problem
from planwise_nb.core.holder import end_kernel, hold
from planwise_nb.core.kernels import execute
from planwise_nb.core.ledger import Ledger
from planwise_nb.core.manifest import (
    DIAGNOSTICS,
    claim_folder,
    provenance,
    write_json,
)
from planwise_nb.core.messages import (
    Listener,
    Message,
    RunFinished,
    RunStarted,
    StepFailed,
    StepFinished,
    StepProgressed,
    StepStarted,
)
from planwise_nb.core.notebooks import check_parameters
from planwise_nb.core.pipeline import Key, Pipeline, label
from planwise_nb.core.project import shipped
from planwise_nb.core.rollback import roll_back
from planwise_nb.core.runs import Run, record_step
from planwise_nb.core.verification import Finding, require_sound_manifest, verify


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

    def sources(self) -> Sequence[Source]:
        """The files that inputs, parameters, notebooks and models are made from."""

    def write(self, folder: Path) -> None:
        """Write inputs, parameters, notebooks and models as used into the run's folder."""


def start(pipeline: Pipeline, inputs: Inputs, *, out: Path, command: list[str], parent: str | None = None) -> Run:
    """Claim a folder below ``out`` for a new run and write all that it starts from."""
    ledger = Ledger(out)
    ledger.check()
    now = datetime.now(UTC)
    folder = claim_folder(out, inputs.subject, inputs.digest, now)
    try:
        return _begin(Run(pipeline, folder, ledger), inputs, now, command, parent)
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _begin(run: Run, inputs: Inputs, now: datetime, command: list[str], parent: str | None) -> Run:
    """Write what the run starts from; the manifest last: without it, there is no run."""
    folder = run.folder
    inputs.write(folder)
    write_json(folder / DIAGNOSTICS, {"steps": []})
    run.write(
        {
            "run_id": folder.name,
            "pipeline": run.pipeline.name,
            "subject": inputs.subject,
            "status": "running",
            "parent_run_id": parent,
            "created_at": now.isoformat(timespec="seconds"),
            "finished_at": None,
            "seconds": 0.0,
            "peak_memory_mb": 0.0,
            "command": command,
            "periods": list(inputs.periods),
            **inputs.describe(),
            "sources": noted_sources(inputs.sources(), folder),
            "files": started_files(folder),
            "accepted_changes": [],
            **provenance(shipped()),
            "failure": None,
            "forced": [],
            "stale": [],
            "steps": [],
        }
    )
    return run


def run(
    started: Run,
    on_message: Listener,
    *,
    until: Key | None = None,
    before_step: Callable[[Key], None] = lambda key: None,
    accept_changes: bool = False,
) -> dict[str, Any]:
    """Run every step that has no record yet, in order, up to and with ``until``, and return the manifest. A run that
    succeeded stays as it is.

    What a runner that died left behind is ended and removed first. ``before_step`` is called before each step, for
    breaks. Raises ``BusyError`` where another process holds the run; ``InputError`` where a file changed since it
    started, unless ``accept_changes``, or where the trail of its finished steps does not hold; and what a step raised,
    after the manifest and the ledger say ``failed``.
    """
    if started.manifest["status"] == "success":
        return started.manifest
    try:
        with hold(started.folder):
            _settle(started, accept_changes)
            return _run_steps(started, _patient(on_message), until, before_step)
    except (OSError, duckdb.Error) as error:
        raise _unwritable(error, started) from error


def _patient(on_message: Listener) -> Listener:
    """A listener whose troubles, such as a closed pipe, do not end the run."""

    def tell(message: Message) -> None:
        with suppress(OSError):
            on_message(message)

    return tell


def _settle(started: Run, accept_changes: bool) -> None:
    """Bring the run to the state of its records, on which the next step can stand."""
    manifest, folder = started.manifest, started.folder
    require_sound_manifest(started.pipeline, folder, manifest)
    if not accept_changes:
        require_unchanged(folder, manifest)
    end_kernel(folder)
    roll_back(started.pipeline, folder, manifest)
    if accept_changes:
        manifest = started.update(**accepted(folder, manifest))
    findings = verify(started.pipeline, folder, manifest) if manifest["steps"] else []
    if findings:
        raise unsound(started, findings)


def unsound(started: Run, findings: Sequence[Finding]) -> InputError:
    """The trail does not hold; the way back is to do the first damaged step again."""
    order = list(started.pipeline.keys(started.manifest["periods"]))
    damaged = sorted((finding.key for finding in findings if finding.key is not None), key=order.index)
    name, period = damaged[0] if damaged else order[0]
    option = "" if period is None else f" --{started.pipeline.period} {period}"
    problems = [
        Problem(rule="trail", where=finding.where, what=finding.what, fix="Put back the file as it was, if you can.")
        for finding in findings
    ]
    return InputError(
        f"Run {started.folder.name} cannot go on: the trail of its finished steps does not hold.",
        problems,
        fix=f"Do the first damaged step again: planwise run --resume {started.folder.name} --force-step {name}{option}",
    )


def _run_steps(
    started: Run, on_message: Listener, until: Key | None, before_step: Callable[[Key], None]
) -> dict[str, Any]:
    checklist = started.checklist
    keys = checklist.keys
    began = time.monotonic()
    manifest = started.update(status="running", failure=None)
    on_message(
        RunStarted(run_id=manifest["run_id"], subject=manifest["subject"], done=len(checklist.done), total=len(keys))
    )
    for place, key in enumerate(keys):
        if key not in checklist.done:
            with _recorded_failure(started, key, on_message):
                before_step(key)
                on_message(StepStarted(key=key, done=place, total=len(keys)))
                warnings, seconds = _run_step(started, key, _progress(on_message, key, place, len(keys)))
            on_message(StepFinished(key=key, done=place + 1, total=len(keys), seconds=seconds, warnings=warnings))
        if key == until:
            break
    is_done = started.checklist.next is None
    manifest = started.update(
        status="success" if is_done else "running",
        finished_at=datetime.now(UTC).isoformat(timespec="seconds") if is_done else None,
    )
    on_message(
        RunFinished(run_id=manifest["run_id"], status=manifest["status"], seconds=round(time.monotonic() - began, 3))
    )
    return manifest


def _progress(on_message: Listener, key: Key, done: int, total: int) -> Callable[[float, str], None]:
    return lambda part, what: on_message(StepProgressed(key=key, done=done, total=total, part=part, what=what))


def _run_step(started: Run, key: Key, on_progress: Callable[[float, str], None]) -> tuple[tuple[str, ...], float]:
    """Execute the notebook of a step, then record it: its record is written last."""
    started.checklist.require(key)
    name, period = key
    notebook = started.pipeline.step(name).notebook
    source = started.folder / "project" / "notebooks" / started.pipeline.name / notebook
    periods = {} if period is None else {started.pipeline.period: period}
    parameters = check_parameters(source, {"run_dir": ".", **periods})
    began, started_at = time.monotonic(), datetime.now(UTC).isoformat(timespec="milliseconds")
    target = started.folder / started.pipeline.executed_path(key)
    result = execute(source, target, parameters, started.folder, on_progress)
    seconds = round(time.monotonic() - began, 3)
    record_step(started, key, result, {"started_at": started_at, "seconds": seconds, "parameters": parameters})
    unmet = [check for check in result["checks"] if not check["is_passed"]]
    return tuple(f"{check['check_name']} ({check['found']})" for check in unmet), seconds


@contextmanager
def _recorded_failure(started: Run, key: Key, on_message: Listener) -> Iterator[None]:
    """Whatever ends a step early leaves the run ``failed``, with the reason and the command to go on."""
    began = time.monotonic()
    try:
        yield
    except BaseException as raised:
        error = _unwritable(raised, started) if isinstance(raised, OSError | duckdb.Error) else raised
        reason = _reason(error)
        seconds = round(time.monotonic() - began, 3)
        spent = round(started.manifest["seconds"] + seconds, 3)
        with suppress(OSError, PlanwiseError):  # on a full disk only the message below says what happened
            started.update(status="failed", seconds=spent, failure={"step": key[0], "period": key[1], "reason": reason})
            on_message(StepFailed(key=key, seconds=seconds, error=reason))
            on_message(RunFinished(run_id=started.folder.name, status="failed", seconds=seconds))
        if isinstance(error, PlanwiseError):
            error.args = (
                f"{label(key)} failed. {error}\nWhen that is mended, run: planwise run --resume {started.folder.name}",
            )
        raise error from (None if error is raised else raised)


def _reason(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return STOPPED
    return error.what if isinstance(error, PlanwiseError) else f"{type(error).__name__}: {error}".rstrip(": ")


def _unwritable(error: OSError | duckdb.Error, started: Run) -> PlanwiseError:
    """A full disk, a folder that cannot be written, or a database that is not what the models left."""
    run_id = started.folder.name
    why = getattr(error, "strerror", None) or str(error).splitlines()[0]
    if isinstance(error, duckdb.Error) and "write" not in why:
        first = started.pipeline.setup.name
        return DamagedError(
            f"Run {run_id} cannot go on: {store.DATABASE} is not as its steps left it ({why}).",
            fix=f"Do all steps again: planwise run --resume {run_id} --force-step {first}",
        )
    name = Path(getattr(error, "filename", None) or "a file").name
    return PlanwiseError(
        f"Run {run_id} cannot go on: {name} cannot be written ({why}).",
        fix=f"Make room or set the permissions, then: planwise run --resume {run_id}",
    )

"""``planwise run``: a new run, or one that exists goes on."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Annotated, Any

import typer

from planwise_nb.apps import input_options as given
from planwise_nb.apps.answers import OUT, AsJson, Out, find, print_json, reported, since
from planwise_nb.apps.new_run import as_typed, run_and_report, simulate
from planwise_nb.core.errors import InputError

Resume = Annotated[str | None, typer.Option(help="Go on with this run at its first unfinished step.")]
ResumeFrom = Annotated[
    int | None, typer.Option(help="With --resume: go on from the start of this year, in a child of the run.")
]
ForceStep = Annotated[
    str | None, typer.Option(help="With --resume, and --year: do this step again; all after it becomes stale.")
]
AcceptChanges = Annotated[
    bool, typer.Option("--accept-changes", help="With --resume: go on although files changed; it is recorded.")
]


@given.takes_inputs
def run(  # noqa: PLR0917 - one argument an option of the command line
    context: typer.Context,
    scenario: given.Scenario = "baseline",
    grid: given.Grid = None,
    exceeds: given.Exceeds = None,
    breaks: given.Breaks = False,
    validate_only: given.ValidateOnly = False,
    resume: Resume = None,
    resume_from: ResumeFrom = None,
    force_step: ForceStep = None,
    accept_changes: AcceptChanges = False,
    out: Out = OUT,
    as_json: AsJson = False,
) -> None:
    """Simulate a scenario year by year: seven notebooks a year, executed, checked and kept."""
    began = time.monotonic()
    with reported(as_json, began):
        given.limit_memory(context)
        if resume is None:
            _refuse_without_resume(resume_from=resume_from, force_step=force_step, accept_changes=accept_changes)
            simulate(context, breaks=breaks, validate_only=validate_only, out=out, as_json=as_json, began=began)
            return
        _refuse_beside_resume(context)
        found = find(out, resume)
        if validate_only:
            _report_checked(found, as_json, began)
            return
        key = None if force_step is None else _step_key(found, force_step, context.params["year"])
        started = _continued(found, resume_from, key, accept_changes)
        run_and_report(started, breaks, as_json, began, until=key, accept_changes=accept_changes)


OF_A_RUN_THAT_EXISTS = ("resume_from", "force_step", "accept_changes")


def _refuse_beside_resume(context: typer.Context) -> None:
    """A run that exists keeps the inputs that it started from."""
    typed = {name for name in context.params if str(context.get_parameter_source(name)).endswith("COMMANDLINE")}
    allowed = {"resume", "out", "as_json", "breaks", "validate_only", "memory_limit", *OF_A_RUN_THAT_EXISTS}
    if "force_step" in typed:
        allowed.add("year")
    if beside := sorted(typed - allowed):
        raise InputError(
            f"{_options(beside)} cannot be given with --resume: a run that exists keeps the inputs that it started"
            " from.",
            fix="Leave it out, or start a new run without --resume.",
        )
    if len(several := sorted(typed & {"resume_from", "force_step", "validate_only"})) > 1:
        raise InputError(f"{_options(several)} are given together.", fix="Give one of them.")


def _refuse_without_resume(**options: object) -> None:
    if names := [name for name, value in options.items() if value]:
        raise InputError(
            f"{_options(names)} needs a run that exists.", fix="Name it with --resume RUN_ID; see: planwise runs"
        )


def _options(names: Sequence[str]) -> str:
    return ", ".join(map(given.option, names))


def _step_key(found: Any, name: str, year: int | None) -> Any:
    """The step that ``--force-step`` and ``--year`` name."""
    names = dict.fromkeys(key[0] for key in found.checklist.keys)
    if name not in names:
        near = get_close_matches(name, names, 1)
        hint = f"Did you mean {near[0]}?" if near else f"The steps are {', '.join(names)}."
        raise InputError(f"--force-step {name}: there is no such step.", fix=hint)
    pipeline, periods = found.pipeline, found.manifest["periods"]
    if (name in {step.name for step in pipeline.steps}) != (year is not None):
        fix = f"Add the year: --year {periods[0]}" if year is None else "Leave out --year: this step runs once."
        raise InputError(f"--force-step {name} {'needs a' if year is None else 'has no'} year.", fix=fix)
    if year is not None and year not in periods:
        raise InputError(f"--year {year} is not in the run.", fix=f"It covers {periods[0]} to {periods[-1]}.")
    return name, year


def _continued(found: Any, resume_from: int | None, key: Any, accept_changes: bool) -> Any:
    """The run in which to go on: the run itself, or a child of it. Its kernels are started ahead."""
    from planwise_nb.core.forks import force, fork  # noqa: PLC0415 - --help stays fast
    from planwise_nb.core.kernels import prepare  # noqa: PLC0415

    prepare()
    if key is not None:
        return force(found, key, command=as_typed(), accept_changes=accept_changes)
    if resume_from is None:
        return found
    if resume_from not in (periods := found.manifest["periods"]):
        raise InputError(
            f"--resume-from {resume_from} is not in the run.", fix=f"It covers {periods[0]} to {periods[-1]}."
        )
    first = found.pipeline.steps[0].name, resume_from
    return fork(found, first, command=as_typed(), accept_changes=accept_changes)


def _report_checked(found: Any, as_json: bool, began: float) -> None:
    """Run every check on a run that exists, in a copy of it."""
    from planwise_nb.workforce.recheck import recheck  # noqa: PLC0415

    checked = recheck(found)
    problems = [{"where": finding.where, "message": finding.what} for finding in checked.findings]
    for finding in checked.findings:
        print(f"  - {finding}", file=sys.stderr)
    said = f"{len(problems)} problem(s)" if problems else "all hold"
    print(f"Run {found.folder.name}: {checked.checks} checks and {checked.tests} data tests run again, {said}.",
          file=sys.stderr)  # fmt: skip
    if as_json:
        status = "invalid" if problems else "valid"
        print_json({"run_id": found.folder.name, "status": status, "path": str(found.folder), "errors": problems,
                    "checks": checked.checks, "seconds": since(began)})  # fmt: skip
    if problems:
        raise SystemExit(1)

"""``planwise run``: a new run, or one that exists goes on."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Sequence
from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import typer

from planwise_nb.apps.answers import OUT, AsJson, Out, find, print_json, project, refuse, reported, since
from planwise_nb.core.errors import BusyError, InputError, PlanwiseError


def _years(text: str | None, year: int | None) -> tuple[int, int] | None:
    if text is not None and year is not None:
        raise InputError("Both --years and --year are given.", fix="Give one of them.")
    if year is not None:
        return year, year
    if text is None:
        return None
    found = re.fullmatch(r"(\d{4})-(\d{4})", text)
    if not found:
        raise InputError(f"--years {text} is not a range of years.", fix="Write it as: --years 2025-2029")
    return int(found[1]), int(found[2])


def _date(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise InputError(f"--census-date {text} is not a date.", fix="Write it as: 2024-12-31") from None


def run(  # noqa: PLR0917 - one argument an option of the command line
    context: typer.Context,
    scenario: Annotated[str, typer.Argument(help="A scenario's name, or a YAML file.")] = "baseline",
    years: Annotated[str | None, typer.Option(help="First and last year: 2025-2029.")] = None,
    year: Annotated[int | None, typer.Option(help="This one year only.")] = None,
    census: Annotated[Path | None, typer.Option(help="CSV, Parquet or Excel; else the scenario's.")] = None,
    census_map: Annotated[str | None, typer.Option(help="A census mapping's name, or a YAML file.")] = None,
    census_date: Annotated[str | None, typer.Option(help="The day the census was taken.")] = None,
    set_aside: Annotated[bool, typer.Option("--set-aside", help="Go on without the bad rows, and keep them.")] = False,
    seed: Annotated[int | None, typer.Option(help="The random seed.")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="section.key=value, beats all files.")] = None,
    breaks: Annotated[bool, typer.Option("--breaks/--no-breaks", help="Pause before each step.")] = False,
    validate_only: Annotated[bool, typer.Option("--validate-only", help="Check everything, run nothing.")] = False,
    resume: Annotated[str | None, typer.Option(help="Go on with this run at its first unfinished step.")] = None,
    resume_from: Annotated[
        int | None, typer.Option(help="With --resume: go on from the start of this year, in a child of the run.")
    ] = None,
    force_step: Annotated[
        str | None, typer.Option(help="With --resume, and --year: do this step again; all after it becomes stale.")
    ] = None,
    accept_changes: Annotated[
        bool, typer.Option("--accept-changes", help="With --resume: go on although files changed; it is recorded.")
    ] = False,
    out: Out = OUT,
    as_json: AsJson = False,
) -> None:
    """Simulate a scenario year by year: seven notebooks a year, executed, checked and kept."""
    from planwise_nb.core.kernels import prepare  # noqa: PLC0415 - --help stays fast
    from planwise_nb.workforce.inputs import Request, resolve  # noqa: PLC0415

    began = time.monotonic()
    with reported(as_json, began):
        if resume is not None:
            _refuse_beside_resume(context)
            found = find(out, resume)
            if validate_only:
                _report_checked(found, as_json, began)
                return
            prepare()
            key = None if force_step is None else _step_key(found, force_step, year)
            started = _continued(found, resume_from, key, accept_changes)
            _run_and_report(started, breaks, as_json, began, until=key, accept_changes=accept_changes)
            return
        _refuse_without_resume(resume_from=resume_from, force_step=force_step, accept_changes=accept_changes)
        request = Request(
            scenario=scenario,
            years=_years(years, year),
            seed=seed,
            settings=settings or (),
            census=census,
            census_map=census_map,
            census_date=_date(census_date),
            set_aside=set_aside,
        )
        if not validate_only:
            prepare()
        inputs = resolve(project(), request)
        _warn(inputs)
        if validate_only:
            _report_valid(inputs, as_json, began)
            return
        from planwise_nb.core.runner import start  # noqa: PLC0415
        from planwise_nb.workforce.pipeline import WORKFORCE  # noqa: PLC0415

        _run_and_report(start(WORKFORCE, inputs, out=out.resolve(), command=_command()), breaks, as_json, began)


def _warn(inputs: Any) -> None:
    for problem in inputs.warnings:
        print(f"Warning: {problem}", file=sys.stderr)
    if rows := inputs.census.set_aside.num_rows:
        said = f"{rows:,} rows of the census are set aside; they are kept in inputs/set_aside.parquet of the run."
        print(f"Warning: {said}", file=sys.stderr)


OF_A_RUN_THAT_EXISTS = ("resume_from", "force_step", "accept_changes")


def _refuse_beside_resume(context: typer.Context) -> None:
    """A run that exists keeps the inputs that it started from."""
    given = {name for name in context.params if str(context.get_parameter_source(name)).endswith("COMMANDLINE")}
    allowed = {"resume", "out", "as_json", "breaks", "validate_only", *OF_A_RUN_THAT_EXISTS}
    if "force_step" in given:
        allowed.add("year")
    if beside := sorted(given - allowed):
        raise InputError(
            f"{_options(beside)} cannot be given with --resume: a run that exists keeps the inputs that it started"
            " from.",
            fix="Leave it out, or start a new run without --resume.",
        )
    if len(several := sorted(given & {"resume_from", "force_step", "validate_only"})) > 1:
        raise InputError(f"{_options(several)} are given together.", fix="Give one of them.")


def _refuse_without_resume(**given: object) -> None:
    if names := [name for name, value in given.items() if value]:
        raise InputError(
            f"{_options(names)} needs a run that exists.", fix="Name it with --resume RUN_ID; see: planwise runs"
        )


def _options(names: Sequence[str]) -> str:
    return ", ".join("--" + {"settings": "set"}.get(name, name).replace("_", "-") for name in names)


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
    """The run in which to go on: the run itself, or a child of it."""
    from planwise_nb.core.forks import force, fork  # noqa: PLC0415

    if key is not None:
        return force(found, key, command=_command(), accept_changes=accept_changes)
    if resume_from is None:
        return found
    if resume_from not in (periods := found.manifest["periods"]):
        raise InputError(
            f"--resume-from {resume_from} is not in the run.", fix=f"It covers {periods[0]} to {periods[-1]}."
        )
    first = found.pipeline.steps[0].name, resume_from
    return fork(found, first, command=_command(), accept_changes=accept_changes)


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


def _report_valid(inputs: Any, as_json: bool, began: float) -> None:
    said = f"Valid: {inputs.subject}, {inputs.periods[0]}-{inputs.periods[-1]}, {inputs.census.active:,} active people."
    print(said, file=sys.stderr)
    if as_json:
        print_json({"status": "valid", "active": inputs.census.active, "seconds": since(began)})


def _run_and_report(
    started: Any, breaks: bool, as_json: bool, began: float, *, until: Any = None, accept_changes: bool = False
) -> None:
    from planwise_nb.core import messages  # noqa: PLC0415
    from planwise_nb.core.runner import run as run_pipeline  # noqa: PLC0415

    shown = messages.plain_lines(sys.stderr) if breaks else messages.for_terminal()
    listen = messages.broadcast(messages.log_to(started.folder / "logs.jsonl"), shown)
    said = {"run_id": started.folder.name, "path": str(started.folder)}
    try:
        manifest = run_pipeline(
            started,
            listen,
            until=until,
            before_step=_pause if breaks else lambda key: None,
            accept_changes=accept_changes,
        )
    except (PlanwiseError, KeyboardInterrupt) as error:
        failure = (
            error
            if isinstance(error, PlanwiseError)
            else PlanwiseError("Stopped.", fix=f"Go on: planwise run --resume {started.folder.name}")
        )
        refused = isinstance(failure, InputError | BusyError)
        refuse(failure, as_json, began, **said | {"status": "refused" if refused else "failed"})
    from planwise_nb.apps.headline import headline, years_of  # noqa: PLC0415

    years = years_of(started.folder)
    print(headline(started.folder, manifest, years), file=sys.stderr if as_json else sys.stdout)
    if as_json:
        print_json({**said, "status": manifest["status"], "seconds": since(began), "years": years})


def _pause(key: Any) -> None:
    from planwise_nb.core.pipeline import label  # noqa: PLC0415

    if sys.stdin.isatty():
        try:
            input(f"Next: {label(key)}. Press Enter to go on, Ctrl-C to stop. ")
        except EOFError:
            raise KeyboardInterrupt from None


def _command() -> list[str]:
    """The command as typed, without absolute paths: a run's folder holds none."""
    return ["planwise", *(_without_folder(word) for word in sys.argv[1:])]


def _without_folder(word: str) -> str:
    option, sign, value = word.partition("=") if word.startswith("-") else ("", "", word)
    return f"{option}{sign}{Path(value).name if Path(value).is_absolute() else value}"

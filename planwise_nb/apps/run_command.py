"""``planwise run``: a new run, or one that exists goes on."""

from __future__ import annotations

import re
import sys
import time
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from planwise_nb.apps.answers import OUT, AsJson, Out, find, print_json, project, refuse, reported, since
from planwise_nb.core.errors import InputError, PlanwiseError


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
    out: Out = OUT,
    as_json: AsJson = False,
) -> None:
    """Simulate a scenario year by year: seven notebooks a year, executed, checked and kept."""
    from planwise_nb.workforce.inputs import Request, resolve  # noqa: PLC0415 - --help stays fast

    began = time.monotonic()
    with reported(as_json, began):
        if resume is not None:
            _refuse_beside_resume(context)
            _run_and_report(find(out, resume), breaks, as_json, began)
            return
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


def _refuse_beside_resume(context: typer.Context) -> None:
    """A run that exists keeps the inputs that it started from."""
    allowed = {"resume", "out", "as_json", "breaks"}
    given = [name for name in context.params if str(context.get_parameter_source(name)).endswith("COMMANDLINE")]
    if beside := sorted({*given} - allowed):
        names = ", ".join("--" + {"settings": "set"}.get(name, name).replace("_", "-") for name in beside)
        raise InputError(
            f"{names} cannot be given with --resume: a run that exists keeps the inputs that it started from.",
            fix="Leave it out, or start a new run without --resume.",
        )


def _report_valid(inputs: Any, as_json: bool, began: float) -> None:
    said = f"Valid: {inputs.subject}, {inputs.periods[0]}-{inputs.periods[-1]}, {inputs.census.active:,} active people."
    print(said, file=sys.stderr)
    if as_json:
        print_json({"status": "valid", "active": inputs.census.active, "seconds": since(began)})


def _run_and_report(started: Any, breaks: bool, as_json: bool, began: float) -> None:
    from planwise_nb.core import messages  # noqa: PLC0415
    from planwise_nb.core.runner import run as run_pipeline  # noqa: PLC0415

    shown = messages.plain_lines(sys.stderr) if breaks else messages.for_terminal()
    listen = messages.broadcast(messages.log_to(started.folder / "logs.jsonl"), shown)
    said = {"run_id": started.folder.name, "path": str(started.folder)}
    try:
        manifest = run_pipeline(started, listen, before_step=_pause if breaks else lambda key: None)
    except (PlanwiseError, KeyboardInterrupt) as error:
        failure = (
            error
            if isinstance(error, PlanwiseError)
            else PlanwiseError("Stopped by the keyboard.", fix=f"Go on: planwise run --resume {started.folder.name}")
        )
        refuse(failure, as_json, began, **said | {"status": "failed"})
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
    return ["planwise", *(Path(word).name if Path(word).is_absolute() else word for word in sys.argv[1:])]

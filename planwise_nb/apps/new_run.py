"""A new run, from what a person asked for to its headline."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import typer

from planwise_nb.apps import input_options as given
from planwise_nb.apps.answers import print_json, project, refuse, since
from planwise_nb.core.errors import STOPPED, BusyError, InputError, PlanwiseError


def simulate(
    context: typer.Context, *, breaks: bool, validate_only: bool, out: Path, as_json: bool, began: float
) -> None:
    """Check what the options of a command name; then, unless ``validate_only``, run it and tell its headline."""
    from planwise_nb.core.kernels import prepare  # noqa: PLC0415 - --help stays fast
    from planwise_nb.workforce.inputs import resolve  # noqa: PLC0415

    if not validate_only:
        prepare()
    inputs = resolve(project(), given.request(context))
    tell_warnings(inputs)
    if validate_only:
        tell_valid(inputs, as_json, began)
        return
    from planwise_nb.core.runner import start  # noqa: PLC0415
    from planwise_nb.workforce.pipeline import WORKFORCE  # noqa: PLC0415

    run_and_report(start(WORKFORCE, inputs, out=out.resolve(), command=as_typed()), breaks, as_json, began)


def tell_warnings(inputs: Any) -> None:
    """Say what is odd about inputs that are not refused."""
    for problem in inputs.warnings:
        print(f"Warning: {problem}", file=sys.stderr)
    if rows := inputs.census.set_aside.num_rows:
        said = f"{rows:,} rows of the census are set aside; they are kept in inputs/set_aside.parquet of the run."
        print(f"Warning: {said}", file=sys.stderr)


def tell_valid(inputs: Any, as_json: bool, began: float) -> None:
    """Say that inputs are valid, which is all that was asked."""
    said = f"Valid: {inputs.subject}, {inputs.periods[0]}-{inputs.periods[-1]}, {inputs.census.active:,} active people."
    print(said, file=sys.stderr)
    if as_json:
        print_json({"status": "valid", "active": inputs.census.active, "seconds": since(began)})


def run_and_report(
    started: Any, breaks: bool, as_json: bool, began: float, *, until: Any = None, accept_changes: bool = False
) -> None:
    """Run what is left of ``started``, up to ``until``, and tell its headline, or what stopped it."""
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
            else PlanwiseError(STOPPED, fix=f"Go on: planwise run --resume {started.folder.name}")
        )
        refused = isinstance(failure, InputError | BusyError)
        refuse(failure, as_json, began, **said | {"status": "refused" if refused else "failed"})
    from planwise_nb.apps.headline import figures_of, headline  # noqa: PLC0415

    figures = figures_of(started.folder)
    print(headline(started.folder, manifest, figures), file=sys.stderr if as_json else sys.stdout)
    if as_json:
        print_json({**said, "status": manifest["status"], "seconds": since(began), **figures})


def _pause(key: Any) -> None:
    from planwise_nb.core.pipeline import label  # noqa: PLC0415

    if sys.stdin.isatty():
        try:
            input(f"Next: {label(key)}. Press Enter to go on, Ctrl-C to stop. ")
        except EOFError:
            raise KeyboardInterrupt from None


def as_typed() -> list[str]:
    """The command as typed, without absolute paths: a run's folder holds none."""
    return ["planwise", *(_without_folder(word) for word in sys.argv[1:])]


def _without_folder(word: str) -> str:
    parts = re.split(r"([=,])", word)
    return "".join(Path(part).name if Path(part).is_absolute() else part for part in parts)

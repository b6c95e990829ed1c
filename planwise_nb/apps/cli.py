"""The ``planwise`` command."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from planwise_nb.core.errors import InputError, PlanwiseError

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Multi-year workforce planning."
)
census_app = typer.Typer(no_args_is_help=True, help="Make a census to try things with.")
app.add_typer(census_app, name="census")

Out = Annotated[Path, typer.Option("--out", help="Where runs land, with their registry.")]
AsJson = Annotated[bool, typer.Option("--json", help="Standard output is one JSON object.")]
OUT = Path("outputs/runs")
WRONG_COMMAND = 2
_has_printed_json = False


def main() -> None:
    """Run the command line; exit codes: 0 done, 1 failed, 2 the input or the command was wrong."""
    try:
        app()
    except SystemExit as ended:
        if ended.code == WRONG_COMMAND and "--json" in sys.argv and not _has_printed_json:
            error = InputError("The command was wrong.", fix="See standard error, or: planwise --help")
            _print_json({"status": "refused", "errors": error.as_json()})
        raise


@contextmanager
def _reported(as_json: bool, began: float) -> Iterator[None]:
    """Say an error of the library on standard error, and as JSON where asked, then exit with its code."""
    try:
        yield
    except PlanwiseError as error:
        _refuse(error, as_json, began)
    except OSError as error:
        what = f"{error.filename or 'A file'} cannot be used: {error.strerror or error}."
        _refuse(InputError(what, fix="Check the path and its permissions."), as_json, began)
    except KeyboardInterrupt:
        _refuse(PlanwiseError("Stopped by the keyboard."), as_json, began)


def _refuse(error: PlanwiseError, as_json: bool, began: float, **more: Any) -> NoReturn:
    print(f"planwise: {error}", file=sys.stderr)
    if as_json:
        status = "refused" if isinstance(error, InputError) else "failed"
        _print_json({"status": status, "errors": error.as_json(), "seconds": _since(began), **more})
    raise SystemExit(error.exit_code) from None


def _print_json(value: dict[str, Any]) -> None:
    global _has_printed_json  # noqa: PLW0603 - one object on standard output, whoever writes it
    _has_printed_json = True
    print(json.dumps(value, ensure_ascii=False, default=str))


def _since(began: float) -> float:
    return round(time.monotonic() - began, 3)


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


@app.command()
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
    with _reported(as_json, began):
        if resume is not None:
            _refuse_beside_resume(context)
            _run_and_report(_find(out, resume), breaks, as_json, began)
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
        inputs = resolve(_project(), request)
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
        _print_json({"status": "valid", "active": inputs.census.active, "seconds": _since(began)})


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
        _refuse(failure, as_json, began, **said | {"status": "failed"})
    from planwise_nb.apps.headline import headline, years_of  # noqa: PLC0415

    years = years_of(started.folder)
    print(headline(started.folder, manifest, years), file=sys.stderr if as_json else sys.stdout)
    if as_json:
        _print_json({**said, "status": manifest["status"], "seconds": _since(began), "years": years})


def _pause(key: Any) -> None:
    from planwise_nb.core.pipeline import label  # noqa: PLC0415

    if sys.stdin.isatty():
        try:
            input(f"Next: {label(key)}. Press Enter to go on, Ctrl-C to stop. ")
        except EOFError:
            raise KeyboardInterrupt from None


def _project() -> Any:
    from planwise_nb.core.project import Project  # noqa: PLC0415

    return Project(Path.cwd())


def _command() -> list[str]:
    """The command as typed, without absolute paths: a run's folder holds none."""
    return ["planwise", *(Path(word).name if Path(word).is_absolute() else word for word in sys.argv[1:])]


def _find(out: Path, run_id: str) -> Any:
    from planwise_nb.core.ledger import Ledger  # noqa: PLC0415
    from planwise_nb.core.runner import Run  # noqa: PLC0415
    from planwise_nb.workforce.pipeline import WORKFORCE  # noqa: PLC0415

    ledger = Ledger(out.resolve())
    return Run(WORKFORCE, ledger.folder(run_id), ledger)


@app.command()
def runs(
    delete: Annotated[str | None, typer.Option(help="Delete this run, its folder and all it holds.")] = None,
    out: Out = OUT,
    as_json: AsJson = False,
) -> None:
    """List the runs, the newest first."""
    from planwise_nb.core.ledger import Ledger  # noqa: PLC0415

    with _reported(as_json, time.monotonic()):
        ledger = Ledger(out.resolve())
        if delete is not None:
            ledger.delete(delete)
            print(f"Run {delete} is deleted.", file=sys.stderr)
        rows = ledger.runs()
        if as_json:
            _print_json({"status": "done", "runs": rows})
            return
        for row in rows:
            print(f"{row['run_id']}  {row['subject']:<20} {row['status']:<8} {row['seconds'] or 0:>8.1f} s")
        if not rows:
            print("No run yet. Make one: planwise run baseline")


@app.command()
def show(run_id: str, out: Out = OUT, as_json: AsJson = False) -> None:
    """Show the headline figures of a run."""
    from planwise_nb.apps.headline import headline, years_of  # noqa: PLC0415

    began = time.monotonic()
    with _reported(as_json, began):
        found = _find(out, run_id)
        manifest, years = found.manifest, years_of(found.folder)
        if as_json:
            path = str(found.folder)
            _print_json({"run_id": run_id, "status": manifest["status"], "path": path, "seconds": manifest["seconds"],
                         "years": years})  # fmt: skip
        else:
            print(headline(found.folder, manifest, years))


@app.command()
def checklist(run_id: str, out: Out = OUT, as_json: AsJson = False) -> None:
    """Show which steps of a run are done, next and missing."""
    from planwise_nb.core.checklist import read_checklist  # noqa: PLC0415
    from planwise_nb.core.pipeline import label  # noqa: PLC0415

    with _reported(as_json, time.monotonic()):
        found = _find(out, run_id)
        items = read_checklist(found.pipeline, found.folder).items()
        if as_json:
            steps = [{"step": item.key[0], "period": item.key[1], "state": item.state} for item in items]
            status, path = found.manifest["status"], str(found.folder)
            _print_json({"run_id": run_id, "status": status, "path": path, "steps": steps})
            return
        for item in items:
            print(f"{item.state:<8} {label(item.key):<28} {item.title}")


@app.command()
def init(folder: Annotated[Path, typer.Argument(metavar="DIR")]) -> None:
    """Make a project folder with your own copies of parameters and notebooks."""
    from planwise_nb.core.project import init as make  # noqa: PLC0415

    with _reported(False, time.monotonic()):
        make(folder)
        print(f"{folder} is ready. Go on: cd {folder} && planwise run baseline")


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def lab(context: typer.Context, out: Out = OUT) -> None:
    """Open JupyterLab on the notebooks, on this machine only; further options go to JupyterLab."""
    from planwise_nb.core.location import OUT_VARIABLE  # noqa: PLC0415

    notebooks = _project().folders("notebooks")[0]
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.root_dir": notebooks.parent,
        "LabApp.default_url": f"/lab/tree/{notebooks.name}/workforce",
        "LabApp.news_url": None,
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    }
    command = [sys.executable, "-m", "jupyter", "lab", *(f"--{name}={value}" for name, value in options.items())]
    os.environ[OUT_VARIABLE] = str(out.resolve())
    os.execv(sys.executable, [*command, *context.args])


@census_app.command("make")
def make_census(
    employees: Annotated[int, typer.Option(help="How many people, 1 to 20 million.")] = 1000,
    seed: Annotated[int, typer.Option(help="The random seed.")] = 42,
    out: Annotated[Path, typer.Option(help="A .csv, .parquet or .xlsx file.")] = Path("census.csv"),
    force: Annotated[bool, typer.Option("--force", help="Write over an existing file.")] = False,
) -> None:
    """Make a synthetic census: the same people for the same seed."""
    from planwise_nb.workforce.generator import make_census as make  # noqa: PLC0415

    with _reported(False, time.monotonic()):
        make(employees, seed, out, force=force)
        print(f"{out}: {employees:,} synthetic people.")


if __name__ == "__main__":
    main()

"""The ``planwise`` command."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from planwise_nb.apps.answers import OUT, AsJson, Out, exit_code_told, find, print_json, reported
from planwise_nb.apps.compare_command import compare
from planwise_nb.apps.dashboard_command import dashboard
from planwise_nb.apps.diff_command import diff
from planwise_nb.apps.ensemble_command import ensemble
from planwise_nb.apps.equity_command import equity
from planwise_nb.apps.export_command import export
from planwise_nb.apps.lab_command import lab
from planwise_nb.apps.report_command import report
from planwise_nb.apps.run_command import run
from planwise_nb.apps.scenarios_command import app as scenarios_app
from planwise_nb.apps.sensitivity_command import sensitivity
from planwise_nb.apps.show_command import show
from planwise_nb.apps.tune_command import tune
from planwise_nb.apps.verify_command import verify
from planwise_nb.core.imports import quick_imports

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Multi-year workforce planning."
)
census_app = typer.Typer(no_args_is_help=True, help="Make a census to try things with.")
app.add_typer(census_app, name="census")
app.add_typer(scenarios_app, name="scenarios")
for command in (run, ensemble, tune, sensitivity, show, report, diff, compare, equity, export, verify, dashboard):
    app.command()(command)
app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(lab)


def main() -> None:
    """Run the command line; exit codes: 0 done, 1 failed, 2 the input or the command was wrong."""
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.default_int_handler)
    _let_print()
    try:
        with quick_imports():
            app()
    except SystemExit as ended:
        exit_code_told(ended)
        raise


def _let_print() -> None:
    """No sign that the terminal does not know, and no output that is closed, ends a command."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - to the end
        else:
            stream.reconfigure(errors="backslashreplace")


@app.command()
def runs(
    delete: Annotated[str | None, typer.Option(help="Delete this run, its folder and all it holds.")] = None,
    out: Out = OUT,
    as_json: AsJson = False,
) -> None:
    """List the runs, the newest first."""
    from planwise_nb.core.ledger import Ledger  # noqa: PLC0415

    with reported(as_json, time.monotonic()):
        ledger = Ledger(out.resolve())
        if delete is not None:
            ledger.delete(delete)
            print(f"Run {delete} is deleted.", file=sys.stderr)
        rows = ledger.runs()
        if as_json:
            print_json({"status": "done", "runs": rows})
            return
        for row in rows:
            print(f"{row['run_id']}  {row['subject']:<20} {ledger.state(row):<8} {row['seconds'] or 0:>8.1f} s")
        if not rows:
            print("No run yet. Make one: planwise run baseline")


@app.command()
def checklist(run_id: str, out: Out = OUT, as_json: AsJson = False) -> None:
    """Show which steps of a run are done, running, next, stale and missing."""
    from planwise_nb.core.pipeline import label  # noqa: PLC0415

    with reported(as_json, time.monotonic()):
        found = find(out, run_id)
        items = found.items()
        if as_json:
            steps = [
                {
                    "step": item.key[0],
                    "period": item.key[1],
                    "state": item.state,
                    "started_at": item.started_at,
                    "seconds": item.seconds,
                }
                for item in items
            ]
            status, path = found.manifest["status"], str(found.folder)
            print_json({"run_id": run_id, "status": status, "path": path, "steps": steps})
            return
        for item in items:
            when = (
                ""
                if item.started_at is None
                else f"{item.started_at[:19].replace('T', ' ')} UTC {item.seconds:>7.1f} s"
            )
            print(f"{item.state:<8} {label(item.key):<28} {item.title:<32} {when}".rstrip())


@app.command()
def init(folder: Annotated[Path, typer.Argument(metavar="DIR")]) -> None:
    """Make a project folder with your own copies of parameters and notebooks."""
    from planwise_nb.core.project import init as make  # noqa: PLC0415

    with reported(False, time.monotonic()):
        make(folder)
        print(f"{folder} is ready. Go on: cd {folder} && planwise run baseline")


@census_app.command("make")
def make_census(
    employees: Annotated[int, typer.Option(help="How many people, 1 to 20 million.")] = 1000,
    seed: Annotated[int, typer.Option(help="The random seed.")] = 42,
    out: Annotated[Path, typer.Option(help="A .csv, .parquet or .xlsx file.")] = Path("census.csv"),
    force: Annotated[bool, typer.Option("--force", help="Write over an existing file.")] = False,
) -> None:
    """Make a synthetic census: the same people for the same seed."""
    from planwise_nb.workforce.generator import make_census as make  # noqa: PLC0415

    with reported(False, time.monotonic()):
        make(employees, seed, out, force=force)
        print(f"{out}: {employees:,} synthetic people.")


if __name__ == "__main__":
    main()

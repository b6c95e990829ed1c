"""``planwise tune``: which levers reach a target, found by simulating candidates and confirmed by a full run."""

from __future__ import annotations

import shlex
import sys
import tempfile
import time
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from planwise_nb.apps import input_options as given
from planwise_nb.apps.answers import OUT, AsJson, Out, print_json, project, refuse, reported, since
from planwise_nb.apps.new_run import as_typed, tell_valid, tell_warnings
from planwise_nb.core.errors import STOPPED, InputError, PlanwiseError

if TYPE_CHECKING:
    from planwise_nb.workforce.inputs import WorkforceInputs
    from planwise_nb.workforce.saved_scenarios import Save
    from planwise_nb.workforce.tuning.request import TuningRequest

Targets = Annotated[
    list[str] | None,
    typer.Option("--target", help="metric=value, such as growth=0.02, the default, or 'payroll<=60e6'; again: all."),
]
TargetFile = Annotated[Path | None, typer.Option("--targets", help="A CSV file of targets by year, with priorities.")]
Tolerance = Annotated[str, typer.Option(help="How close: points of a rate, or a share of an amount.")]
MaxIterations = Annotated[int, typer.Option(help="The most passes.")]
Strategy = Annotated[str, typer.Option(help="conservative, balanced or aggressive.")]
Bounds = Annotated[list[str] | None, typer.Option("--bound", help="lever=lowest:highest, such as cola_rate=0:0.05.")]
Locks = Annotated[
    list[str] | None, typer.Option("--lock", help="A lever that stays: merit_base.5, cola_rate, level.5.")
]
SaveAs = Annotated[str | None, typer.Option(help="Save what is found as a scenario of this name.")]
TARGET = "growth=0.02"


@given.takes_inputs
def tune(  # noqa: PLR0917 - one argument an option of the command line
    context: typer.Context,
    scenario: given.Scenario = "baseline",
    target: Targets = None,
    targets: TargetFile = None,
    tolerance: Tolerance = "0.001",
    max_iterations: MaxIterations = 10,
    strategy: Strategy = "balanced",
    bound: Bounds = None,
    lock: Locks = None,
    save_as: SaveAs = None,
    validate_only: given.ValidateOnly = False,
    out: Out = OUT,
    as_json: AsJson = False,
) -> None:
    """Find the levers that reach a target with the least change, and simulate them in a full run."""
    began = time.monotonic()
    with reported(as_json, began):
        given.limit_memory(context)
        from planwise_nb.core.kernels import prepare  # noqa: PLC0415 - --help stays fast
        from planwise_nb.core.ledger import Ledger  # noqa: PLC0415
        from planwise_nb.workforce.inputs import resolve  # noqa: PLC0415
        from planwise_nb.workforce.tuning.request import read_request  # noqa: PLC0415

        if not validate_only:
            with suppress(PlanwiseError):  # without kernels it is done another way, and told
                prepare()
        inputs = resolve(project(), given.request(context))
        request = read_request(
            inputs,
            target or ([] if targets else [TARGET]),
            target_file=targets,
            tolerance=_share(tolerance),
            iterations=max_iterations,
            strategy=strategy,
            bounds=bound or (),
            locks=lock or (),
        )
        if save_as is not None:
            _check_save(save_as, context)
        tell_warnings(inputs)
        if validate_only:
            tell_valid(inputs, as_json, began)
            return
        Ledger(out.resolve()).check()
        out.mkdir(parents=True, exist_ok=True)
        _tune(inputs, request, context, save_as=save_as, out=out, as_json=as_json, began=began)


def _share(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise InputError(f"--tolerance {text[:40]} is not a number.", fix="Give 0.001, for example.") from None


def _check_save(name: str, context: typer.Context) -> None:
    """Raise ``InputError`` where the scenario may not be written, or would not say all that was simulated."""
    from planwise_nb.workforce.scenario_store import files_of  # noqa: PLC0415

    _saved_as(name)
    base = context.params["scenario"]
    if not files_of(project(), base):
        fix = "Put it into params/workforce of your project and name it."
        raise InputError(f"{base} is no scenario of the project, which a saved one could extend.", fix=fix)
    if context.params["settings"]:
        fix = "State them in a scenario and tune that, or leave out --set or --save-as."
        raise InputError("--set is of one run and would not be saved with --save-as.", fix=fix)


def _saved_as(name: str, description: str = "") -> Save:
    """What the new scenario says. Raises ``InputError`` where it may not be written."""
    from planwise_nb.workforce.saved_scenarios import Save, check_free  # noqa: PLC0415
    from planwise_nb.workforce.scenario_life import author_here  # noqa: PLC0415

    said = Save(name=name, description=description, author=author_here(project().own))
    said.check()
    check_free(project(), said)
    return said


def _tune(
    inputs: WorkforceInputs,
    request: TuningRequest,
    context: typer.Context,
    *,
    save_as: str | None,
    out: Path,
    as_json: bool,
    began: float,
) -> None:
    from planwise_nb.core import messages  # noqa: PLC0415
    from planwise_nb.core.runner import run, start  # noqa: PLC0415
    from planwise_nb.workforce.pipeline import WORKFORCE  # noqa: PLC0415
    from planwise_nb.workforce.tuning import execution  # noqa: PLC0415

    tell = _progress()
    with tempfile.TemporaryDirectory(prefix="planwise-tuning-") as place:
        searched = execution.search(inputs, request, Path(place), tell)
        started = start(WORKFORCE, searched.result.inputs, out=out.resolve(), command=as_typed())
        said = {"run_id": started.folder.name, "path": str(started.folder)}
        listen = messages.broadcast(messages.log_to(started.folder / "logs.jsonl"), messages.for_terminal())

        def by_chain() -> Any:
            run(started, listen)
            return started

        try:
            confirmed = execution.confirm(searched.result, by_chain, tell)
        except (PlanwiseError, KeyboardInterrupt) as error:
            stopped = PlanwiseError(STOPPED, fix=f"Go on: planwise run --resume {started.folder.name}")
            failure = error if isinstance(error, PlanwiseError) else stopped
            refuse(failure, as_json, began, **said, status="failed")
    record = searched.result.record
    _require_same(record, confirmed.result)
    for warning in (*searched.failures, *confirmed.failures):
        print(f"Warning: {warning}", file=sys.stderr)
    if save_as is not None:
        _save(inputs, record, save_as, started, context)
    _report(searched, confirmed, started, as_json=as_json, began=began)


def _progress() -> Any:
    """Tells each iteration once, as it begins."""
    told: list[str] = []

    def tell(part: float, what: str) -> None:
        begun = what.rpartition(", ")[0]
        if begun and begun not in told:
            told.append(begun)
            print(f"Search: {begun}", file=sys.stderr, flush=True)

    return tell


def _require_same(record: dict[str, Any], achieved: dict[str, float]) -> None:
    """The run and the search simulate the same: else neither is to be believed."""
    searched = {target["target"]: target["achieved"] for target in record["targets"]}
    if searched != achieved:
        raise PlanwiseError(
            f"The search and the full run disagree: {searched} against {achieved}.",
            fix="Report it: the same scenario must give the same figures.",
        )


def _save(inputs: WorkforceInputs, record: dict[str, Any], name: str, started: Any, context: typer.Context) -> None:
    """Save what a finished run has confirmed, and say how to simulate it as it was tuned."""
    from planwise_nb.workforce.drafts import Draft  # noqa: PLC0415
    from planwise_nb.workforce.saved_scenarios import save_scenario  # noqa: PLC0415

    run_id = started.folder.name
    if started.manifest["status"] != "success":
        print(f"Warning: scenario {name} is not saved, since run {run_id} did not finish.", file=sys.stderr)
        return
    changes = {(lever, year, level): Decimal(value) for lever, year, level, value in record["changes"]}
    missed = "" if record["is_converged"] else "; not all targets are reached"
    said = _saved_as(name, f"{record['scenario']} tuned by run {run_id}{missed}")
    path = save_scenario(project(), Draft(inputs.members[0], changes), said)
    print(
        f"Saved: {path}\nTo simulate it: {shlex.join(['planwise', 'run', name, *given.typed(context)])}",
        file=sys.stderr,
    )


def _report(searched: Any, confirmed: Any, started: Any, *, as_json: bool, began: float) -> None:
    from planwise_nb.apps.headline import figures_of, headline  # noqa: PLC0415
    from planwise_nb.workforce.tuning.tuning import levers_of  # noqa: PLC0415
    from planwise_nb.workforce.tuning.verdict import levers_table, verdict  # noqa: PLC0415

    stream = sys.stderr if as_json else sys.stdout
    record, manifest = searched.result.record, started.manifest
    print("\n".join([*verdict(record), "", repr(levers_table(record["levers"]))]), file=stream)
    if manifest["status"] == "success":
        print("\n" + headline(started.folder, manifest, figures_of(started.folder)), file=stream)
        print(f"Search:    {started.folder / 'inputs' / 'tune.ipynb'}", file=stream)
    is_reached = record["is_converged"] and manifest["status"] == "success"
    if as_json:
        print_json({
            "run_id": started.folder.name,
            "status": manifest["status"],
            "path": str(started.folder),
            "converged": record["is_converged"],
            "iterations": record["iterations"],
            "achieved": confirmed.result,
            "levers": levers_of(record),
            "binding": record["binding"],
            "targets": record["targets"],
            "executed_by": {"search": searched.way, "run": confirmed.way},
            "failures": [*searched.failures, *confirmed.failures],
            "seconds": since(began),
        })  # fmt: skip
    if not is_reached:
        raise SystemExit(1)

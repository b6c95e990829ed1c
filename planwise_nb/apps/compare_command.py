"""``planwise compare``: what differs between runs or scenarios, why, and for whom."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from planwise_nb.apps import input_options as given
from planwise_nb.apps.answers import OUT, AsJson, Out, free_folder, print_json, project, reported, since
from planwise_nb.apps.new_run import tell_warnings
from planwise_nb.core.errors import InputError
from planwise_nb.core.printable import printable

if TYPE_CHECKING:
    import pandas as pd

    from planwise_nb.workforce.comparison.explanation import Explanation
    from planwise_nb.workforce.comparison.sides import Side
    from planwise_nb.workforce.inputs import WorkforceInputs

MEASURES = ("payroll", "headcount")
PAGE, WORKBOOK = "comparison.html", "comparison.xlsx"
Compared = Annotated[
    list[str], typer.Argument(metavar="A B [C…]", help="Each a run id, a run's folder, or a scenario to simulate now.")
]
To = Annotated[Path | None, typer.Option(metavar="DIR", help=f"Write {PAGE} and {WORKBOOK} there.")]


@given.takes_inputs
def compare(  # noqa: PLR0917 - one argument an option of the command line
    context: typer.Context,
    compared: Compared,
    to: To = None,
    force: Annotated[bool, typer.Option("--force", help="Write over what is there.")] = False,
    out: Out = OUT,
    as_json: AsJson = False,
) -> None:
    """Explain what differs: levers, metrics, bridges of payroll and headcount to the cent, winners and losers.

    The options from --years to --set are for the scenarios that are simulated now.
    """
    began = time.monotonic()
    with reported(as_json, began):
        from planwise_nb.workforce.comparison.explanation import explain  # noqa: PLC0415 - --help stays fast

        given.limit_memory(context)
        target = None if to is None else free_folder(to, force)
        found = explain(_sides(context, compared, out))
        files = [] if target is None else _write(found, target)
        if as_json:
            print_json({"status": "done", "seconds": since(began), "files": [str(file.resolve()) for file in files],
                        **_as_json(found)})  # fmt: skip
        else:
            print("\n".join([*_report(found), *map(str, files)]))
        if not found.adds_up:
            raise SystemExit(1)


def _sides(context: typer.Context, names: Sequence[str], out: Path) -> list[Side]:
    from planwise_nb.core.ledger import Ledger  # noqa: PLC0415 - --help stays fast
    from planwise_nb.workforce.comparison.sides import find_sides, run_folder  # noqa: PLC0415
    from planwise_nb.workforce.inputs import Request, resolve  # noqa: PLC0415

    def resolved(scenarios: str) -> WorkforceInputs:
        inputs = resolve(project(), given.request(context, scenarios))
        tell_warnings(inputs)
        return inputs

    if len(names) < 2:  # noqa: PLR2004 - a comparison is of two at least
        raise InputError("One run or scenario is nothing to compare.", fix="Name two: planwise compare baseline lean")
    ledger = Ledger(out.resolve())
    if given.request(context, names[0]) != Request(scenario=names[0]) and all(
        run_folder(name, ledger) for name in names
    ):
        raise InputError(
            "Only runs are compared, which are as they are: options such as --years and --set say what is simulated.",
            fix="Leave them out, or name a scenario.",
        )
    return find_sides(names, ledger, resolved)


def _write(found: Explanation, folder: Path) -> list[Path]:
    """The page and the workbook, in ``folder``."""
    from planwise_nb.core.exports import drafted  # noqa: PLC0415 - --help stays fast
    from planwise_nb.workforce.comparison.page import comparison_page  # noqa: PLC0415
    from planwise_nb.workforce.comparison.workbook import write_workbook  # noqa: PLC0415

    folder.mkdir(parents=True, exist_ok=True)
    with drafted(folder / PAGE) as draft:
        draft.write_text(comparison_page(found), encoding="utf-8", newline="\n")
    write_workbook(folder / WORKBOOK, found)
    return [folder / PAGE, folder / WORKBOOK]


def _report(found: Explanation) -> Iterator[str]:
    from planwise_nb.workforce.comparison import tables  # noqa: PLC0415 - --help stays fast

    for side in found.sides:
        source = f"run {side.run_id}" if side.run_id else "simulated now"
        yield f"{printable(side.name):<20} {source}, seed {side.seed}, {side.years[0]}-{side.years[-1]}"
    yield from (f"Mind: {printable(note, len(note))}" for note in found.notes)
    shown = [tables.levers(found), tables.metrics(found)]
    for other in found.names[1:]:
        shown += [*(tables.bridge(found, measure, other) for measure in MEASURES), tables.people(found, other)]
    for table in shown:
        yield ""
        yield from (printable(line, len(line)) for line in repr(table).split("\n"))
    yield ""


def _as_json(found: Explanation) -> dict[str, Any]:
    bridges = {measure: list(_bridges(getattr(found, measure), measure)) for measure in MEASURES}
    last = {
        measure: next(one for one in of_measure if one["from_year"] == one["to_year"] == found.years[-1])
        for measure, of_measure in bridges.items()
    }
    return {
        "compared": [
            {"name": side.name, "run_id": side.run_id or None, "seed": side.seed, "years": list(side.years)}
            for side in found.sides
        ],
        "years": list(found.years),
        "notes": list(found.notes),
        "levers": _rows(found.levers),
        "metrics": _rows(found.metrics),
        "bridges": {**last, "all": bridges},
        "winners_and_losers": _rows(found.people),
    }


def _bridges(rows: pd.DataFrame, measure: str) -> Iterator[dict[str, Any]]:
    """Every bridge of a measure as an object."""
    number = int if measure == "headcount" else float
    for _, parts in rows.groupby("bridge", sort=False):
        first = parts.iloc[0]
        yield {
            **{name: first[name] for name in ("from_scenario_id", "to_scenario_id")},
            **{name: int(first[name]) for name in ("from_year", "to_year")},
            "from": number(first["from_amount"]),
            "to": number(first["to_amount"]),
            "parts": {part: number(amount) for part, amount in zip(parts["part"], parts["amount"], strict=True)},
            "residual": number(first["residual"]),
        }


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame as objects of plain values."""
    rows: list[dict[str, Any]] = json.loads(frame.to_json(orient="records"))
    return rows

"""What the buttons of a panel do, in a process of their own: ``python -m planwise_nb.workforce.panel_orders``."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from planwise_nb.core.digests import tree_digest
from planwise_nb.core.forks import fork
from planwise_nb.core.kernels import prepare
from planwise_nb.core.ledger import Ledger
from planwise_nb.core.manifest import done_steps
from planwise_nb.core.messages import Listener, broadcast, log_to
from planwise_nb.core.pipeline import Key, label
from planwise_nb.core.runner import run
from planwise_nb.core.runs import Run
from planwise_nb.core.worker import Order, Said, serve
from planwise_nb.workforce.parameter_layers import RANKS_A_LAYER
from planwise_nb.workforce.pipeline import WORKFORCE
from planwise_nb.workforce.recheck import recheck
from planwise_nb.workforce.step_levers import Change, Changes

STEP, UPTO, VALIDATE = "step", "upto", "validate"
"""What an order asks for: this step alone; every step that is missing up to it; every check of the run again."""

LOG = "logs.jsonl"


def order(does: str, where: Run, key: Key, changes: Mapping[Change, Decimal]) -> Order:
    """An order as JSON carries it."""
    values = [[name, level, str(value)] for (name, level), value in changes.items()]
    return {"do": does, "folder": str(where.folder), "key": list(key), "changes": values}


def carry_out(asked: Order, tell: Listener) -> Said:
    """Carry out an order: ``run``, the folder of the run in which it was done; ``said``, what came of it.

    Raises ``ChecklistError`` where one step alone was asked for and one before it is missing; else as ``run``,
    ``fork`` and ``recheck`` do.
    """
    folder = Path(asked["folder"])
    parent = Run(WORKFORCE, folder, Ledger(folder.parents[1]))
    if asked["do"] == VALIDATE:
        return {"run": asked["folder"], "said": _validated(parent)}
    name, period = asked["key"]
    changes = {(lever, level): Decimal(value) for lever, level, value in asked["changes"]}
    done = run_from_panel(parent, (name, period), changes, tell, alone=asked["do"] == STEP)
    kin = "" if done.folder == folder else f", a child of {folder.name}"
    return {"run": str(done.folder), "said": f"{label((name, period))} is done in run {done.folder.name}{kin}."}


def run_from_panel(parent: Run, key: Key, changes: Changes, tell: Listener, *, alone: bool = False) -> Run:
    """Run up to and with the step ``key``, and return the run in which it is done.

    A step that is missing runs in that run; where it shall run ``alone``, those before it must be there. A step that
    is done, or levers that changed, make a child of the run: from that step on, or from the beginning where levers
    changed. Raises as ``carry_out`` does.
    """
    started = parent
    command = ["panel", label(key), *(f"{name}.{level}={value}" for (name, level), value in changes.items())]
    if alone and not changes:
        parent.checklist.require(key)
    if changes:
        started = fork(parent, (WORKFORCE.setup.name, None), command=command)
        _add_changes(started, key[1], changes)
    elif key in done_steps(parent.manifest):
        started = fork(parent, key, command=command)
    run(started, broadcast(log_to(started.folder / LOG), tell), until=key)
    return started


def _validated(checked: Run) -> str:
    found = recheck(checked)
    counted = f"{found.checks:,} checks and {found.tests:,} data tests of run {checked.folder.name} ran again"
    if not found.findings:
        return f"{counted}: all hold."
    return f"{counted}: {len(found.findings)} problem(s).\n" + "\n".join(str(finding) for finding in found.findings)


def _add_changes(child: Run, year: int | None, changes: Changes) -> None:
    """Lay the panel's values over every other layer, for the panel's year, and record the files as they are now."""
    path = child.folder / "params" / "parameter_layers.csv"
    with path.open(encoding="utf-8", newline="") as file:
        lowest = min((int(row["layer"]) for row in csv.DictReader(file)), default=0)
    rows: list[tuple[Any, ...]] = [
        (member, min(lowest, 0) - RANKS_A_LAYER, name, year, "" if level is None else level, value, "panel", "false")
        for member in child.manifest["seeds"]
        for (name, level), value in changes.items()
    ]
    with path.open("a", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    child.update(files=child.manifest["files"] | {"params": tree_digest(path.parent)})


if __name__ == "__main__":
    serve(carry_out, prepare)

"""What the landing notebook shows: the runs so far, what to do next, and how far the latest run is."""

from __future__ import annotations

import html
from pathlib import Path

import ipywidgets as widgets
import pandas as pd
from IPython.display import HTML

from planwise_nb.core import checklist_view
from planwise_nb.core import display as shown
from planwise_nb.core.errors import STOPPED, PlanwiseError
from planwise_nb.core.ledger import Ledger
from planwise_nb.core.location import find_project, out_folder
from planwise_nb.core.pipeline import Key, label
from planwise_nb.core.runs import Run
from planwise_nb.workforce.pipeline import WORKFORCE

LATEST = 10
TERMINAL = "in a terminal (File ▸ New ▸ Terminal)"


def runs() -> shown.Table:
    """The latest runs, the newest first."""
    ledger = Ledger(out_folder(Path.cwd()))
    rows = ledger.runs()
    listed = [
        (row["run_id"], row["subject"], ledger.state(row), row["seconds"], row["parent_run_id"])
        for row in rows[:LATEST]
    ]
    table = pd.DataFrame(listed, columns=["run", "scenario", "status", "seconds", "child of"])
    more = f", the latest {LATEST} of {len(rows):,}" if len(rows) > LATEST else ""
    return shown.table(table, caption=f"Runs{more}" if rows else "No run yet")


def next_steps() -> HTML:
    """What to do next, each with its command or button."""
    run = _latest()
    advice = [*(_first_run() if run is None else _after(run)), *_of_whose_notebooks()]
    return HTML(f"<ul>{''.join(f'<li>{line}</li>' for line in advice)}</ul>")


def checklist() -> widgets.HTML:
    """The whole checklist of the latest run, kept current while the kernel is idle."""
    run = _latest()
    if run is None:
        return widgets.HTML("No run yet: its steps will be listed here.")
    return checklist_view.live(lambda: (run, checklist_view.ALL))


def _latest() -> Run | None:
    ledger = Ledger(out_folder(Path.cwd()))
    try:
        run = Run(WORKFORCE, ledger.folder(), ledger)
        run.manifest  # noqa: B018 - raises where the folder is not a run's
    except PlanwiseError:
        return None
    return run


def _of_whose_notebooks() -> list[str]:
    if (find_project().own / "notebooks").is_dir():
        return []
    copy, go_there = _code("planwise init my_plan"), _code("cd my_plan && planwise lab")
    return [f"These notebooks ship with PlanWise and stay as they are. To change them, make copies, {TERMINAL}: {copy};"
            f" open these with {go_there}"]  # fmt: skip


def _first_run() -> list[str]:
    return [
        f"Simulate five years of the shipped scenario, {TERMINAL}: {_code('planwise run baseline')}",
        f"Or two years of it, to try: {_code('planwise run baseline --years 2025-2026')}",
        f"Or your own people: {_code('planwise run baseline --census FILE')}",
    ]


def _after(run: Run) -> list[str]:
    name, status, following = run.folder.name, run.manifest["status"], run.checklist.next
    if status != "success" and following is not None:
        return _unfinished(run, following)
    return [
        f"Run {name} is finished. See what came of it: {_link((WORKFORCE.summary.name, None))},"
        f" or {_code(f'planwise show {name}')}",
        f"Change a lever in the panel of {_link(('workforce_requirements', None))} or of"
        f" {_link(('event_generation', None))} and press <b>Run this step</b>: a child run shows what it does.",
        f"Run another scenario, {TERMINAL}: {_code('planwise run high_growth')}",
        f"Hold it against another scenario or run, and see why they differ: {_code(f'planwise compare {name} lean')},"
        ' or <a href="compare.ipynb">Compare</a>',
    ]


def _unfinished(run: Run, following: Key) -> list[str]:
    name = run.folder.name
    if run.is_held:
        return [f"Run {name} goes on: {label(following)} is running. The list below follows it."]
    failure = run.manifest["failure"]
    is_fault = failure is not None and failure["reason"] != STOPPED
    why = f" It failed: {html.escape(failure['reason'])}" if is_fault else ""
    return [
        f"Run {name} stopped before the end of {label(following)}.{why}",
        f"Look into that step: {_link(following)}; <b>Run to here</b> in its panel goes on up to there.",
        f"Or go on to the end, {TERMINAL}: {_code(f'planwise run --resume {name}')}",
    ]


def _link(key: Key) -> str:
    step = WORKFORCE.step(key[0])
    return f'<a href="{WORKFORCE.name}/{step.notebook}">{html.escape(step.title)}</a>'


def _code(text: str) -> str:
    return f"<code>{html.escape(text)}</code>"

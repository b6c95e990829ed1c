"""The checklist of a run for people: as a table, and as a widget that follows a run of another process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import ipywidgets as widgets
import pandas as pd

from planwise_nb.core import display as shown
from planwise_nb.core.checklist import Item
from planwise_nb.core.manifest import MANIFEST
from planwise_nb.core.pipeline import label
from planwise_nb.core.runs import Run

MARKS = {"done": "✓", "forced": "✓", "running": "▶", "next": "▶", "stale": "!", "missing": "·"}
STYLE = """<style>
.planwise-checklist table { line-height: 1.5; border-spacing: 0 }
.planwise-checklist caption { text-align: left; font-weight: bold; padding-top: 8px }
.planwise-checklist th, .planwise-checklist td { padding: 1px 16px 1px 0 }
</style>"""
WATCH_SECONDS = 1.0
ALL = -1
"""In place of a period: the steps of all of them."""


def as_executed(run: Run, period: int | None) -> pd.DataFrame:
    """The steps of a period and those that run once, as an executed notebook keeps them: done, next or missing.

    No time and no history is in it: a replay shows the same.
    """
    plain = {"forced": "done", "stale": "missing", "running": "next"}
    items = _of_period(run, period)
    rows = [(label(item.key), item.title, _marked(plain.get(item.state, item.state))) for item in items]
    return pd.DataFrame(rows, columns=["step", "does", "state"])


def with_times(run: Run, period: int | None) -> pd.DataFrame:
    """The steps of a period and those that run once, with when they started (UTC) and how many seconds they took."""
    rows = [
        (
            label(item.key),
            item.title,
            _marked(item.state),
            "" if item.started_at is None else item.started_at[:19].replace("T", " "),
            "" if item.seconds is None else f"{item.seconds:.1f}",
        )
        for item in _of_period(run, period)
    ]
    return pd.DataFrame(rows, columns=["step", "does", "state", "started, UTC", "seconds"])


def _of_period(run: Run, period: int | None) -> list[Item]:
    return [item for item in run.items() if period == ALL or item.key[1] in (None, period)]


def _marked(state: str) -> str:
    return f"{MARKS[state]} {state}"


def live(shown_now: Callable[[], tuple[Run, int | None]]) -> widgets.HTML:
    """The checklist of the run and period that ``shown_now`` gives, kept current while the kernel is idle."""
    view = widgets.HTML(_html(*shown_now()))
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return view
    view._watch = loop.create_task(_follow(view, shown_now))  # a task that nobody holds may be collected
    return view


def refresh(view: widgets.HTML, run: Run, period: int | None) -> None:
    """Show the checklist as it is now."""
    view.value = _html(run, period)


async def _follow(view: widgets.HTML, shown_now: Callable[[], tuple[Run, int | None]]) -> None:
    seen: object = None
    while view.comm is not None:
        run, period = shown_now()
        manifest = run.folder / MANIFEST
        now = run.folder, period, run.is_held, manifest.stat().st_mtime_ns if manifest.exists() else None
        if now != seen and manifest.exists():
            refresh(view, run, period)
            seen = now
        await asyncio.sleep(WATCH_SECONDS)


def _html(run: Run, period: int | None) -> str:
    table = shown.table(with_times(run, period), caption="Checklist")._repr_html_()
    return f'{STYLE}<div class="planwise-checklist">{table}</div>'

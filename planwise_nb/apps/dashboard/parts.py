"""The parts that every tab is made of: texts, notices, tables, pictures, and fields that carry their labels."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import ipywidgets as widgets
import pandas as pd
from altair.typing import ChartType

from planwise_nb.apps.dashboard.desk import Desk
from planwise_nb.apps.faults import explained
from planwise_nb.core import display
from planwise_nb.core.errors import STOPPED, InputError, PlanwiseError, Problem

_NAMED = re.compile(r'(<(?:path|text|rect)\b[^>]*?aria-label="([^"]*)"[^>]*?)(?:/>|></path>)')
MOST_PROBLEMS = 10
LOOK_SECONDS = 0.7


def text(content: str, css: str = "") -> widgets.HTML:
    """A piece of HTML, already safe."""
    made = widgets.HTML(content)
    made.add_class("pw-html")
    for name in css.split():
        made.add_class(name)
    return made


def heading(title: str, said: str = "") -> widgets.HTML:
    """The title of a card and a sentence on it."""
    told = f"<p>{html.escape(said)}</p>" if said else ""
    return text(f"<h2>{html.escape(title)}</h2>{told}", "pw-heading")


def card(*children: widgets.Widget, css: str = "") -> widgets.VBox:
    """A group of what belongs together."""
    return _box(widgets.VBox, children, f"pw-card {css}")


def row(*children: widgets.Widget, css: str = "") -> widgets.HBox:
    """Things side by side, which wrap where there is no room."""
    return _box(widgets.HBox, children, f"pw-row {css}")


def _box(kind: Any, children: Sequence[widgets.Widget], css: str) -> Any:
    made = kind(list(children))
    for name in css.split():
        made.add_class(name)
    return made


def button(
    label: str, act: Callable[[], object], place: widgets.HTML, *, css: str = "", tip: str = ""
) -> widgets.Button:
    """A button that does one thing; what goes wrong is told in ``place``."""
    made = widgets.Button(description=label, tooltip=tip or label)
    for name in ("pw-button", *css.split()):
        made.add_class(name)
    made.on_click(guarded(act, place))
    return made


def labelled(field: Any, css: str = "") -> Any:
    """A field with its label above it."""
    for name in ("pw-field", *css.split()):
        field.add_class(name)
    return field


def offer(field: Any, options: Sequence[Any], chosen: Any, hear: Callable[..., None] | None = None) -> None:
    """Let ``field`` offer ``options``, ``chosen`` chosen; ``hear``, which observes its value, does not hear of that."""
    if hear is not None:
        field.unobserve(hear, "value")
    with field.hold_sync():
        if list(field.options) != list(options):
            field.options = options
        field.value = chosen
    if hear is not None:
        field.observe(hear, "value")


def scenarios(desk: Desk, label: str, place: widgets.HTML) -> widgets.Dropdown:
    """A choice of the scenarios that there are now: one that was just saved is chosen, else what was chosen stays."""
    field = labelled(widgets.Dropdown(options=desk.scenarios(), value=desk.opened.name, description=label))

    def follow() -> None:
        names, opened = desk.scenarios(), desk.opened.name
        wanted = [field.value, opened] if opened in field.options else [opened, field.value]
        offer(field, names, next(name for name in [*wanted, *names] if name in names))

    desk.changed.append(guarded(follow, place))
    return field


def notice(kind: str, content: str) -> str:
    """A message for people; ``kind``: good, note, warn or bad. The content is HTML, already safe."""
    role = "alert" if kind == "bad" else "status"
    return f'<div class="pw-notice pw-{kind}" role="{role}">{content}</div>'


def told(error: PlanwiseError) -> str:
    """An error as a message: what happened, why, and what fixes it."""
    lines = [f"<strong>{html.escape(error.what)}</strong>"]
    if error.fix:
        lines.append(f"<br>{html.escape(error.fix)}")
    return notice("bad", "".join(lines) + _listed(error.problems if isinstance(error, InputError) else ()))


def refused(problems: Sequence[Problem]) -> str:
    """Why a command was refused or failed, as a message; that it was stopped is no fault."""
    if [problem.what for problem in problems] == [STOPPED]:
        return notice("warn", STOPPED)
    return notice("bad", _listed(problems))


def _listed(problems: Sequence[Problem]) -> str:
    items = [f"<li>{_problem(problem)}</li>" for problem in problems[:MOST_PROBLEMS]]
    if len(problems) > MOST_PROBLEMS:
        items.append(f"<li>… and {len(problems) - MOST_PROBLEMS:,} more</li>")
    return f"<ul>{''.join(items)}</ul>" if items else ""


def _problem(problem: Problem) -> str:
    """What is wrong and where, the first rows that it concerns, and what fixes it."""
    said = html.escape(": ".join(filter(None, (problem.where, problem.what))))
    more = problem.count - len(problem.sample)
    rows = [*problem.sample, *([f"… and {more:,} more"] if problem.sample and more > 0 else [])]
    sample = f'<pre class="pw-sample">{html.escape(chr(10).join(rows))}</pre>' if rows else "<br>"
    return f"{said}{sample}<em>{html.escape(problem.fix)}</em>"


def counted(number: int, what: str) -> str:
    """A number of things in words."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def frame(rows: Sequence[tuple[Any, ...]], columns: Sequence[str]) -> pd.DataFrame:
    """Rows as a frame of those columns, each value as it is."""
    return pd.DataFrame(rows, columns=list(columns), dtype=object)


@contextmanager
def telling(place: widgets.HTML) -> Iterator[None]:
    """Say in ``place`` what went wrong inside, whatever it is, instead of failing."""
    try:
        yield
    except Exception as error:  # nobody else would say it, and the page has to go on
        place.value = told(explained(error))


def guarded(act: Callable[[], object], place: widgets.HTML) -> Callable[..., None]:
    """``act`` as the answer to whatever happens on the page: what goes wrong in it is told in ``place``."""

    def answer(*_: object) -> None:
        with telling(place):
            act()

    return answer


def looking(look: Callable[[], None], place: widgets.HTML) -> asyncio.Future[None]:
    """Look again and again from now on; what goes wrong is told in ``place``, and the looking goes on."""
    look_once = guarded(look, place)

    async def look_on() -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            look_once()

    return asyncio.ensure_future(look_on())


def sheet(rows: pd.DataFrame, caption: str, *, css: str = "") -> str:
    """Rows as an HTML table in a box of its own, which scrolls where it is too wide."""
    shown = display.table(rows, caption=caption, plain=("Year", "Level"))._repr_html_()
    return _scrolling(shown, caption, css)


def pairs(columns: Sequence[str], rows: Sequence[Sequence[tuple[str, str]]], caption: str) -> str:
    """A table whose cells hold a figure and, below it, how far it lies from another one (``+`` or ``−`` first)."""
    heads = "".join(f'<th scope="col">{html.escape(column)}</th>' for column in columns)
    body = "".join(f"<tr>{''.join(_pair(*cell) for cell in row)}</tr>" for row in rows)
    told = f"<caption>{html.escape(caption)}</caption><thead><tr>{heads}</tr></thead><tbody>{body}</tbody>"
    return _scrolling(f'<table class="planwise">{told}</table>', caption, "pw-numbers")


def _pair(figure: str, distance: str) -> str:
    kind = {"+": "pw-more", "−": "pw-less"}.get(distance[:1], "")
    below = f'<small class="{kind}">{html.escape(distance)}</small>' if distance else ""
    return f"<td>{html.escape(figure)}{below}</td>"


def _scrolling(table: str, caption: str, css: str) -> str:
    label = html.escape(caption)
    return f'<div class="pw-sheet {css}" tabindex="0" role="region" aria-label="{label}">{table}</div>'


def picture(chart: ChartType) -> str:
    """A chart as a picture that needs no script; pointing at a mark tells its figures."""
    drawn = display.svg(chart)
    return f'<div class="pw-picture">{_NAMED.sub(_with_title, drawn)}</div>'


def _with_title(found: re.Match[str]) -> str:
    tag = found[1].split(None, 1)[0][1:]
    return f"{found[1]}><title>{found[2]}</title></{tag}>"

"""The parts that every tab is made of: texts, notices, tables, pictures, and fields that carry their labels."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import pandas as pd
from altair.typing import ChartType

from planwise_nb.core import display
from planwise_nb.core.errors import InputError, PlanwiseError

_NAMED = re.compile(r'(<(?:path|text|rect)\b[^>]*?aria-label="([^"]*)"[^>]*?)(?:/>|></path>)')
MOST_PROBLEMS = 10


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


def button(label: str, act: Callable[[], None], *, css: str = "", tip: str = "") -> widgets.Button:
    """A button that does one thing."""
    made = widgets.Button(description=label, tooltip=tip or label)
    for name in ("pw-button", *css.split()):
        made.add_class(name)
    made.on_click(lambda _: act())
    return made


def labelled(field: Any, css: str = "") -> Any:
    """A field with its label above it."""
    for name in ("pw-field", *css.split()):
        field.add_class(name)
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
    problems = error.problems if isinstance(error, InputError) else ()
    items = [
        f"<li>{html.escape(problem.where)}: {html.escape(problem.what)}<br><em>{html.escape(problem.fix)}</em></li>"
        for problem in problems[:MOST_PROBLEMS]
    ]
    if len(problems) > MOST_PROBLEMS:
        items.append(f"<li>… and {len(problems) - MOST_PROBLEMS:,} more</li>")
    return notice("bad", "".join(lines) + (f"<ul>{''.join(items)}</ul>" if items else ""))


def counted(number: int, what: str) -> str:
    """A number of things in words."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def frame(rows: Sequence[tuple[Any, ...]], columns: Sequence[str]) -> pd.DataFrame:
    """Rows as a frame of those columns, each value as it is."""
    return pd.DataFrame(rows, columns=list(columns), dtype=object)


@contextmanager
def telling(place: widgets.HTML) -> Iterator[None]:
    """Say in ``place`` what went wrong inside, instead of failing."""
    try:
        yield
    except PlanwiseError as error:
        place.value = told(error)
    except OSError as error:
        what = f"{Path(error.filename).name if error.filename else 'A file'} cannot be used: {error.strerror or error}."
        place.value = told(InputError(what, fix="Check the folder and its permissions."))


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

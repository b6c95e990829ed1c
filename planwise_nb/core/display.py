"""How charts and tables show: in JupyterLab, in executed notebooks and in exported pages, never from the network."""

from __future__ import annotations

import html
import math
import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

import altair as alt
import pandas as pd
from altair.typing import ChartType
from IPython.display import display as show

from planwise_nb.core.artist import drawn
from planwise_nb.core.holder import RUNNER_VARIABLE
from planwise_nb.core.kernels import STEP_PROGRESS
from planwise_nb.core.pictures import SPECIFICATION

# JupyterLab 4 draws with Vega-Lite 5: another major version in the specification makes it complain
VEGA_LITE_SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
# a chart is made from a small table: more rows are a slip, such as a snapshot where its counts were meant
MAX_ROWS = 20_000
MISSING = "–"
# told apart by the colour-blind: the palette of Okabe and Ito
BLUE, GREEN, ORANGE, VERMILLION, PURPLE = "#0072B2", "#009E73", "#E69F00", "#D55E00", "#CC79A7"
GREY, INK = "#8A8A8A", "#222222"
# light to dark, for what has an order; from WHITE_FROM of the way on, white is read better than black
LIGHT, DARK, WHITE_FROM = "#DCEBF7", "#08519C", 0.55
MAX_PANELS = 4
Series = Mapping[str, tuple[str, str, float]]  # column: label, colour, width of the line
THEME: dict[str, Any] = {
    "font": "Arial, Helvetica, Liberation Sans, sans-serif",
    "background": "white",
    "view": {"stroke": None},
    "title": {"anchor": "start", "fontSize": 14, "color": INK, "subtitleColor": "#555555", "offset": 10},
    "axis": {
        "labelFontSize": 11,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "titleColor": "#444444",
        "titlePadding": 8,
        "labelColor": INK,
        "gridColor": "#E6E6E6",
        "domainColor": "#999999",
        "tickColor": "#999999",
    },
    "axisX": {"grid": False},
    "legend": {
        "orient": "top",
        "labelFontSize": 11,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "columns": 3,
        "symbolOpacity": 1,
    },
    "text": {"fontSize": 11},
}
_NAMES_SOMETHING = re.compile(r"(^|_)(id|year|period|season)$")
_MONEY_FROM = 1_000


def enable_charts() -> None:
    """Show every Altair chart as a Vega-Lite specification.

    JupyterLab draws it, with tooltips. Where a step runs, its runner puts an SVG picture beside it, which exported HTML
    and whatever else takes: nothing is loaded.
    """
    alt.renderers.register("planwise", _mimebundle)
    alt.renderers.enable("planwise")
    alt.data_transformers.enable("default", max_rows=MAX_ROWS)


def tell_progress(part: float, what: str) -> None:
    """Tell the runner of this step, where there is one, that ``part`` of it is done and ``what`` begins."""
    if RUNNER_VARIABLE in os.environ:
        show({STEP_PROGRESS: {"part": part, "what": what}}, raw=True)


def svg(chart: ChartType) -> str:
    """The chart as a self-contained SVG element: equal charts give equal text, and its ids are its own."""
    return drawn(chart.to_dict(validate=False))  # who draws it says what is wrong with it


def themed(chart: ChartType, title: str, *, subtitle: str = "") -> ChartType:
    """The finished chart: in the one theme, with its title and a description for screen readers."""
    heading = alt.TitleParams(title, subtitle=subtitle) if subtitle else alt.TitleParams(title)
    finished: ChartType = chart.copy(deep=False)
    finished.title, finished.description, finished.config = heading, title, deepcopy(THEME)
    return finished


def note(title: str, text: str = "No rows to show") -> ChartType:
    """What stands in for a chart where there is nothing to draw."""
    mark = alt.Chart(pd.DataFrame({"note": [text]})).mark_text(color=GREY, fontStyle="italic", fontSize=13)
    return themed(mark.encode(text=alt.Text("note:N")).properties(width=320, height=60), title)


def palette(colours: Mapping[str, str]) -> alt.Scale:
    """A fixed colour for each name, in this order in the legend."""
    return alt.Scale(domain=list(colours), range=list(colours.values()))


def tips(**formats: str) -> list[alt.Tooltip]:
    """Tooltips: column and number format, or the value as it is where that is empty."""
    plain = {column: column.replace("_", " ") for column in formats}
    return [
        alt.Tooltip(f"{column}:Q", title=plain[column], format=shape)
        if shape
        else alt.Tooltip(f"{column}:N", title=plain[column])
        for column, shape in formats.items()
    ]


def ramp(share: float) -> str:
    """The colour at ``share`` (0 to 1) of the way from light to dark."""
    ends = [[int(colour[place : place + 2], 16) for place in (1, 3, 5)] for colour in (LIGHT, DARK)]
    return "#" + "".join(f"{round(low + (high - low) * share):02X}" for low, high in zip(*ends, strict=True))


def ink_on(share: float) -> str:
    """The colour of text that is read on ``ramp(share)``."""
    return "white" if share >= WHITE_FROM else INK


def numeric(rows: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """``rows`` with ``columns`` as floating-point numbers, whether they came as decimals, integers or nulls."""
    return rows.assign(**{column: pd.to_numeric(rows[column], errors="coerce").astype(float) for column in columns})


def long(rows: pd.DataFrame, key: str, labels: Mapping[str, str]) -> pd.DataFrame:
    """One row for each row of ``rows`` and column in ``labels``: ``key``, ``series`` (the label) and ``value``."""
    named = numeric(rows, list(labels))[[key, *labels]].rename(columns=dict(labels))
    return named.melt(id_vars=key, var_name="series", value_name="value")


def panels(rows: pd.DataFrame, by: str, draw: Callable[[pd.DataFrame], ChartType]) -> ChartType:
    """``draw`` of the rows, or for each value of ``by`` where there are several, side by side on common axes."""
    parts = list(rows.groupby(by, sort=False))[:MAX_PANELS]
    if len(parts) == 1:
        return draw(parts[0][1])
    charts = [draw(part).properties(title=str(name)) for name, part in parts]
    together: ChartType = alt.concat(*charts, columns=2).resolve_scale(
        x="shared", y="shared", color="shared", shape="shared"
    )
    return together


def lines(rows: pd.DataFrame, x: alt.X, y: alt.Y, series: Series, *, tip: str) -> ChartType:
    """A line for each of ``series`` over ``x``, told apart by colour and point shape; broken where a value is null."""
    names = [label for label, _, _ in series.values()]
    points = long(rows, x.shorthand.partition(":")[0], {column: label for column, (label, _, _) in series.items()})
    colour = palette({label: hue for label, hue, _ in series.values()})
    points["width"] = points["series"].map({label: width for label, _, width in series.values()})
    base = alt.Chart(points).encode(
        x=x,
        y=y,
        color=alt.Color("series:N", title=None, scale=colour),
        tooltip=[alt.Tooltip(x.shorthand), alt.Tooltip("series:N"), alt.Tooltip("value:Q", format=tip)],
    )
    shape = alt.Shape("series:N", title=None, scale=alt.Scale(domain=names))
    strokes = base.mark_line().encode(strokeWidth=alt.StrokeWidth("width:Q", scale=None, legend=None))
    return alt.layer(strokes, base.mark_point(filled=True, size=45, opacity=1).encode(shape=shape))


def heat_map(cells: pd.DataFrame, x: alt.X, y: alt.Y, *, count: str, greatest: pd.Series[Any] | int) -> ChartType:
    """A cell for each row of ``cells``: its ``count`` as text, its shade by the share of ``greatest``."""
    share = (cells[count] / greatest).fillna(0.0)
    shaded = cells.assign(shade=share.map(ramp), ink=share.map(ink_on))
    base = alt.Chart(shaded).encode(
        x=x, y=y, tooltip=[alt.Tooltip(x.shorthand), alt.Tooltip(y.shorthand), alt.Tooltip(f"{count}:Q", format=",")]
    )
    squares = base.mark_rect(stroke="white").encode(color=alt.Color("shade:N", scale=None))
    numbers = base.mark_text().encode(text=alt.Text(f"{count}:Q", format=","), color=alt.Color("ink:N", scale=None))
    return alt.layer(squares, numbers)


def _mimebundle(spec: dict[str, Any], **_: Any) -> dict[str, Any]:
    shown = _steady(spec) | {"$schema": VEGA_LITE_SCHEMA}
    title = spec.get("title") or "untitled"
    text = title.get("text", "untitled") if isinstance(title, dict) else title
    return {SPECIFICATION: shown, "text/plain": f"[chart] {text}"}


def _steady(value: Any) -> Any:
    """``value`` with its floats at twelve digits: on its way into a notebook a float may lose its last one."""
    match value:
        case dict():
            return {key: _steady(part) for key, part in value.items()}
        case list():
            return [_steady(part) for part in value]
        case float() if math.isfinite(value):
            return float(f"{value:.12g}")
    return value


@dataclass(frozen=True)
class Table:
    """A frame that shows as a small HTML table, or as text where there is no HTML."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    is_number: tuple[bool, ...]
    caption: str = ""

    def __repr__(self) -> str:
        """The table as text, numbers aligned to the right."""
        widths = [max(map(len, column)) for column in zip(self.header, *self.rows, strict=True)]
        lines = [
            "  ".join(
                cell.rjust(width) if number else cell.ljust(width)
                for cell, width, number in zip(row, widths, self.is_number, strict=True)
            ).rstrip()
            for row in (self.header, *self.rows)
        ]
        return "\n".join([*([self.caption] if self.caption else []), *lines])

    def _repr_html_(self) -> str:
        caption = f"<caption>{html.escape(self.caption)}</caption>" if self.caption else ""
        body = "".join(f"<tr>{self._cells('td', row)}</tr>" for row in self.rows)
        return (
            f'<table class="planwise">{caption}<thead><tr>{self._cells("th", self.header)}</tr></thead>'
            f"<tbody>{body}</tbody></table>"
        )

    def _cells(self, tag: str, row: tuple[str, ...]) -> str:
        sides = ["right" if number else "left" for number in self.is_number]
        return "".join(
            f'<{tag} style="text-align:{side}">{html.escape(cell)}</{tag}>'
            for cell, side in zip(row, sides, strict=True)
        )


def table(frame: pd.DataFrame, *, caption: str = "", plain: Collection[str] = (), right: Collection[str] = ()) -> Table:
    """``frame`` without its index, its numbers readable: thousands separators, equal decimals, ``–`` for nothing.

    Columns in ``plain``, and those whose name ends in ``id``, ``year``, ``period`` or ``season``, hold numbers that
    name something: they are shown as they are. Columns in ``right`` hold numbers as texts: they are aligned as numbers.
    """
    columns = [_column(frame.iloc[:, place], plain) for place in range(frame.shape[1])]
    return Table(
        header=tuple(str(name) for name in frame.columns),
        rows=tuple(zip(*(texts for texts, _ in columns), strict=True)),
        is_number=tuple(number or name in right for (_, number), name in zip(columns, frame.columns, strict=True)),
        caption=caption,
    )


def _column(values: pd.Series[Any], plain: Collection[str]) -> tuple[list[str], bool]:
    name = str(values.name)
    cells = [None if _is_missing(value) else value for value in values.tolist()]
    present = [cell for cell in cells if cell is not None]
    is_number = bool(present) and all(_is_number(cell) for cell in present)
    if not is_number:
        return [MISSING if cell is None else _text(cell) for cell in cells], False
    places = _decimals([float(cell) for cell in present])
    comma = "" if name in plain or _NAMES_SOMETHING.search(name) else ","
    return [MISSING if cell is None else f"{cell:{comma}.{places}f}" for cell in cells], True


def _is_missing(value: object) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value))


def _is_number(value: object) -> bool:
    return isinstance(value, Integral | Real | Decimal) and not isinstance(value, bool)


def _decimals(values: list[float]) -> int:
    """As many decimals as the values need, at most six, and two for amounts: money is in whole cents."""
    if all(value.is_integer() for value in values):
        return 0
    if max(map(abs, values)) >= _MONEY_FROM:
        return 2
    return max(len(f"{value:.6f}".rstrip("0").partition(".")[2]) for value in values)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, pd.Timestamp) and value == value.normalize():
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, date) else str(value)

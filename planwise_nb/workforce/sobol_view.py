"""How Sobol indices look: a chart of each lever's share of the variance, and a table of the same rows."""

from __future__ import annotations

import altair as alt
import pandas as pd
from altair.typing import ChartType

from planwise_nb.core import display
from planwise_nb.core.display import BLUE, INK, ORANGE
from planwise_nb.workforce.sensitivity import named
from planwise_nb.workforce.sobol import Indices

MAX_BARS = 20
WIDTH, STEP = 420, 26
KINDS = {"first_order": ("Alone", ORANGE, "circle"), "total": ("With others", BLUE, "diamond")}


def indices_chart(found: Indices, *, width: int = WIDTH) -> ChartType:
    """The shares of the variance with their intervals, the first ``MAX_BARS`` levers, the greatest total first."""
    rows = found.indices.head(MAX_BARS)
    parts = [
        pd.DataFrame({"lever": _levers(rows), "kind": label, "share": rows[name], "half": rows[f"{name}_confidence"]})
        for name, (label, _, _) in KINDS.items()
    ]
    points = pd.concat(parts, ignore_index=True)
    spans = points.assign(low=points["share"] - points["half"], high=points["share"] + points["half"])
    labels = [label for label, _, _ in KINDS.values()]
    base = alt.Chart(spans).encode(
        y=alt.Y("lever:N", title=None, sort=_levers(rows), axis=alt.Axis(labelLimit=260)),
        yOffset=alt.YOffset("kind:N", sort=labels, scale=alt.Scale(paddingOuter=0.5)),
        color=alt.Color("kind:N", title=None, scale=display.palette({label: hue for label, hue, _ in KINDS.values()})),
        tooltip=display.tips(lever="", kind="", share=".1%", low=".1%", high=".1%"),
    )
    x = alt.X("low:Q", title="Share of the variance", axis=alt.Axis(format=".0%", grid=True, tickCount=6))
    shapes = alt.Scale(domain=labels, range=[shape for _, _, shape in KINDS.values()])
    dots = base.mark_point(filled=True, size=60, opacity=1).encode(
        x="share:Q", shape=alt.Shape("kind:N", title=None, scale=shapes)
    )
    zero = alt.Chart(pd.DataFrame({"share": [0]})).mark_rule(color=INK).encode(x="share:Q")
    chart = alt.layer(zero, base.mark_rule(strokeWidth=2).encode(x=x, x2="high:Q"), dots)
    return display.themed(chart.properties(width=width, height=alt.Step(STEP / 2)), _title(found))


def indices_table(found: Indices) -> display.Table:
    """The indices as people read them, in percent of the variance."""
    rows = found.indices
    told = pd.DataFrame({
        "lever": _levers(rows),
        "alone": _percent(rows, "first_order"),
        "with others": _percent(rows, "total"),
    })  # fmt: skip
    return display.table(told, caption=_title(found), right=told.columns[1:])


def _title(found: Indices) -> str:
    return f"Share of the variance of {found.metric} {found.year}, {found.members:,} simulations"


def _levers(rows: pd.DataFrame) -> list[str]:
    return [named(*row) for row in zip(rows["lever"], rows["level_id"], strict=True)]


def _percent(rows: pd.DataFrame, column: str) -> list[str]:
    pairs = zip(rows[column], rows[f"{column}_confidence"], strict=True)
    return [f"{value * 100:z.1f}% ± {half * 100:.1f}" for value, half in pairs]

"""The chart of a search: every candidate of every iteration, the best so far, and where each target lies."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd
from altair.typing import ChartType

from planwise_nb.core import display
from planwise_nb.core.display import BLUE, GREY, ORANGE

WIDTH, HEIGHT = 400, 220
MOST = 6
"""Charts that are drawn; a search for more targets shows those that are furthest away."""

_SHORTENED_FROM = 10_000


def chart(record: dict[str, Any], *, width: int = WIDTH) -> ChartType:
    """A panel a target: candidates as points, the best so far as a line, the target with its tolerance as a band."""
    trials = pd.DataFrame(
        [(trial["iteration"], trial["is_best"], place, value) for trial in record["trials"]
         for place, value in enumerate(trial["measured"])],
        columns=["iteration", "is_best", "place", "value"],
    )  # fmt: skip
    shown = sorted(range(len(record["targets"])), key=lambda place: record["targets"][place]["is_met"])[:MOST]
    panels = [_panel(trials[trials["place"] == place], record["targets"][place], width) for place in sorted(shown)]
    together = panels[0] if len(panels) == 1 else alt.concat(*panels, columns=2)
    return display.themed(together, "How the search came to its targets")


def _panel(trials: pd.DataFrame, target: dict[str, Any], width: int) -> ChartType:
    count = int(trials["iteration"].max())
    rows = trials[["iteration", "value", "is_best"]]
    number = "~s" if target["value"] >= _SHORTENED_FROM else "~g"
    ends = [target["value"] - target["tolerance"], target["value"] + target["tolerance"]]
    y = alt.Y("value:Q", title=target["target"], scale=alt.Scale(zero=False), axis=alt.Axis(format=number))
    x = alt.X("iteration:Q", title="Iteration", axis=alt.Axis(values=list(range(1, count + 1)), format="d"),
              scale=alt.Scale(domain=[0.8, count + 0.2], nice=False))  # fmt: skip
    band = alt.Chart(pd.DataFrame({"low": ends[:1], "high": ends[1:]})).mark_rect(color=ORANGE, opacity=0.35)
    goal = alt.Chart(pd.DataFrame({"value": [target["value"]]})).mark_rule(color=ORANGE, strokeWidth=2).encode(y=y)
    points = (
        alt.Chart(rows)
        .mark_point(color=GREY, filled=True, size=35, opacity=0.7)
        .encode(x=x, y=y, tooltip=display.tips(iteration="", value=",.6~g"))
    )
    best = alt.Chart(rows[rows["is_best"]]).mark_line(color=BLUE, point=alt.OverlayMarkDef(color=BLUE, size=60))
    together: ChartType = alt.layer(
        band.encode(y=alt.Y("low:Q", title=target["target"]), y2="high:Q"), goal, points, best.encode(x=x, y=y)
    ).properties(width=width, height=HEIGHT)
    return together

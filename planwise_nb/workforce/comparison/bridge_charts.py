"""The charts of a comparison: bridges as waterfalls, what moved each year, and who wins and loses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

import altair as alt
import pandas as pd
from altair.typing import ChartType

from planwise_nb.core import display
from planwise_nb.core.display import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, VERMILLION
from planwise_nb.workforce.comparison.explanation import Explanation, between, over_years
from planwise_nb.workforce.comparison.tables import PARTS, TITLES

WIDTH, HEIGHT = 720, 260
COLOURS = {"Volume": "#999933", "Level mix": PURPLE, "Rate": BLUE, "Hires": GREEN, "Exits": VERMILLION,
           "Promotion": "#56B4E9", "Merit and COLA": ORANGE, "Reductions": ORANGE,
           "New-hire exits": PURPLE}  # fmt: skip
GROUPS = {"Get less": VERMILLION, "The same": "#D9D9D9", "Get more": BLUE}
UNITS = ((1e9, "billions", "B"), (1e6, "millions", "M"), (1e3, "thousands", "k"))
SIGNED = "datum.value ? format(datum.value, '+,~f') : '0'"
MARGIN = 0.15
MOST_GROUPS = 12


class Bar(NamedTuple):
    """A bar of a waterfall: its ends, what it says, and its colour. Those of the sides begin where the axis does."""

    part: str
    start: float
    end: float
    amount: float
    ink: str


def bars(found: Explanation, measure: str, other: str) -> list[Bar]:
    """The bars of the bridge of ``measure`` from the first side to ``other`` in the last year, but parts of nothing."""
    rows = between(getattr(found, measure))
    rows = rows[(rows["to_scenario_id"] == other) & (rows["to_year"] == found.years[-1])]
    first, last = float(rows["from_amount"].iloc[0]), float(rows["to_amount"].iloc[0])
    present = rows[rows["amount"] != 0]
    amounts = present["amount"].astype(float).tolist()
    levels = list(accumulate(amounts, initial=first))
    steps = zip(present["part"].map(PARTS[measure]), levels, levels[1:], amounts, strict=False)
    floor = _floor(levels)
    return [
        Bar(found.names[0], floor, first, first, GREY),
        *(Bar(*step, GREEN if step[-1] > 0 else VERMILLION) for step in steps),
        Bar(other, floor, last, last, BLUE),
    ]


def waterfall(found: Explanation, measure: str, other: str, *, width: int = WIDTH) -> ChartType:
    """The bridge of ``measure`` from the first side to ``other`` in the last year; parts that are nothing left out."""
    drawn = bars(found, measure, other)
    title = f"{TITLES[measure]} {found.years[-1]}: from {found.names[0]} to {other}"
    note = "The axis does not begin at zero" if drawn[0].start else ""
    return display.themed(_steps(drawn, measure, width), title, subtitle=note)


def _floor(levels: Sequence[float]) -> float:
    """Where the axis begins: at a round number under the lowest level, or at zero where that is near."""
    least, most = min(levels), max(levels)
    if least <= (most - least) / 2:
        return 0.0
    unit: float = 10.0 ** math.floor(math.log10(max(most - least, 0.01 * most)))
    return unit * math.floor((least - MARGIN * (most - least)) / unit)


def _steps(drawn: list[Bar], measure: str, width: int) -> ChartType:
    frame = pd.DataFrame(drawn)
    is_money = measure == "payroll"
    divisor, unit, sign = _unit(measure, frame["end"].max())
    frame["text"] = [
        _short(amount, divisor, sign, is_money, is_step=0 < place < len(frame) - 1)
        for place, amount in enumerate(frame["amount"])
    ]
    frame = frame.assign(
        start=frame["start"] / divisor, end=frame["end"] / divisor, place=range(len(frame)),
        top=frame[["start", "end"]].max(axis=1) / divisor, next=frame["part"].shift(-1),
    )  # fmt: skip
    split = alt.Axis(labelAngle=0, labelExpr="split(datum.label, ' ')", labelLimit=110)
    base = alt.Chart(frame).encode(
        x=alt.X("part:N", title=None, sort=alt.SortField("place"), axis=split),
        tooltip=display.tips(part="", amount=",.2f" if is_money else ","),
    )
    scale = alt.Scale(zero=False, nice=False, domain=[_least(frame), _most(frame)])
    y = alt.Y("start:Q", title=f"Payroll ({unit})" if is_money else "People", scale=scale, axis=alt.Axis(format=",~f"))
    ink = alt.Color("ink:N", scale=None)
    blocks = base.mark_bar(size=round(0.6 * width / len(frame), 1)).encode(y=y, y2="end:Q", color=ink)
    joints = base.transform_filter("datum.next").mark_rule(color=GREY, strokeDash=[2, 2]).encode(y="end:Q", x2="next:N")
    labels = base.mark_text(baseline="bottom", dy=-4, color=INK).encode(y="top:Q", text="text:N")
    return alt.layer(joints, blocks, labels).properties(width=width, height=HEIGHT)


def _unit(measure: str, most: float) -> tuple[float, str, str]:
    """What figures of up to ``most`` are divided by, what that is called, and its sign."""
    if measure == "headcount":
        return 1.0, "people", ""
    return next((one for one in UNITS if most >= one[0]), (1.0, "currency units", ""))


def _least(frame: pd.DataFrame) -> float:
    return float(min(frame["start"].min(), frame["end"].min()))


def _most(frame: pd.DataFrame) -> float:
    """The end of the axis, with room for the labels above the highest bar."""
    most = float(frame["top"].max())
    return most + 0.08 * (most - _least(frame))


def _short(amount: float, divisor: float, sign: str, is_money: bool, *, is_step: bool) -> str:
    shape = f"{'+' if is_step else ''},{'.2f' if is_money else '.0f'}"
    return f"{format(amount / divisor, shape)}{sign}".replace("-", "−")


def yearly_parts(found: Explanation, measure: str, *, width: int = WIDTH) -> ChartType:
    """What moved ``measure`` from each year to the next, a panel a side; parts that are nothing are left out."""
    title = f"What moved {TITLES[measure].lower()} from year to year"
    rows = over_years(getattr(found, measure))
    rows = rows[rows["amount"] != 0]
    if rows.empty:
        return display.note(title, "One year has no year before it")
    moved = rows.assign(named=rows["part"].map(PARTS[measure]), scenario=rows["to_scenario_id"])
    present = [name for name in PARTS[measure].values() if name in set(moved["named"])]
    divisor, unit, _ = _unit(measure, moved["amount"].abs().max())
    moved = moved.assign(shown=moved["amount"] / divisor)[["scenario", "to_year", "named", "amount", "shown"]]
    hues = display.palette({name: COLOURS[name] for name in present})
    colour = alt.Color("named:N", title=None, sort=present, scale=hues)

    def draw(part: pd.DataFrame) -> ChartType:
        base = alt.Chart(part).encode(
            x=alt.X("to_year:O", title="Year", axis=alt.Axis(labelAngle=0)),
            tooltip=display.tips(to_year="", named="", amount=",.2~f"),
        )
        y = alt.Y("shown:Q", title=f"Change ({unit})", axis=alt.Axis(labelExpr=SIGNED))
        zero = alt.Chart(pd.DataFrame({"shown": [0]})).mark_rule(color=INK).encode(y="shown:Q")
        side = width / min(2, moved["scenario"].nunique())
        return alt.layer(base.mark_bar(size=34).encode(y=y, color=colour), zero).properties(width=side - 30, height=200)

    return display.themed(display.panels(moved, "scenario", draw), title)


def winners(found: Explanation, other: str, attribute: str, *, width: int = WIDTH) -> ChartType:
    """The share of each group of ``attribute`` (level, age, tenure, department) that gets more, the same and less."""
    title = f"Pay in {other} by {attribute}: who gets more, who less"
    rows = found.people
    rows = rows[(rows["to_scenario_id"] == other) & (rows["attribute"] == attribute) & ~rows["is_suppressed"]]
    if rows.empty:
        return display.note(title, "No group of ten people or more")
    columns = {"get_less": "Get less", "get_the_same": "The same", "get_more": "Get more"}
    groups = list(rows["people_group"])[:MOST_GROUPS]
    counts = display.long(rows[rows["people_group"].isin(groups)], "people_group", columns)
    counts["place"] = counts["series"].map(list(GROUPS).index)
    colour = alt.Color("series:N", title=None, scale=display.palette(GROUPS))
    bars = alt.Chart(counts).mark_bar(size=16).encode(
        x=alt.X("value:Q", title="Share of the group", stack="normalize", axis=alt.Axis(format="%")),
        y=alt.Y("people_group:N", title=attribute.capitalize(), sort=groups),
        color=colour, order="place:Q", tooltip=display.tips(people_group="", series="", value=","),
    )  # fmt: skip
    return display.themed(bars.properties(width=width, height=alt.Step(24)), title)

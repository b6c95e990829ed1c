"""Charts of the people at one time, of their events, and of the checks of a run."""

from __future__ import annotations

import altair as alt
import pandas as pd
from altair.typing import ChartType

from planwise_nb.core import display
from planwise_nb.core.display import BLUE, GREEN, INK, ORANGE, VERMILLION

WIDTH, HEIGHT = 480, 240
FLAT = alt.Axis(labelAngle=0, labelOverlap=True)
STEPS = ["year_transition", "workforce_baseline", "workforce_requirements", "event_generation", "workforce_snapshot"]
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
EVENTS = {
    "hiring": "Hires", "new_hire_termination": "New-hire exits", "experienced_termination": "Experienced exits",
    "merit_raise": "Raises", "promotion": "Promotions",
}  # fmt: skip
OUTCOMES = {"holds": GREEN, "warning": ORANGE, "error": VERMILLION}


def pay_by_level(pay: pd.DataFrame, *, width: int = WIDTH) -> ChartType:
    """The spread of pay per year on each level against the level's range, which may be null.

    ``pay``: level_id, minimum, quartile_1, median, quartile_3, maximum, range_min, range_max; one row per level.
    """
    if pay.empty:
        return display.note("Pay by level")
    amounts = ["minimum", "quartile_1", "median", "quartile_3", "maximum", "range_min", "range_max"]
    base = alt.Chart(display.numeric(pay, amounts)).encode(
        y=alt.Y("level_id:O", title="Level"), tooltip=display.tips(level_id="", **dict.fromkeys(amounts, ",.0f"))
    )
    parts = {"Range of the level": "#D9D9D9", "Lowest to highest": INK, "Middle half": BLUE}
    colour = alt.Color("part:N", scale=display.palette(parts), title=None)
    marks = [base.mark_bar(size=26), base.mark_rule(strokeWidth=1.5), base.mark_bar(size=14)]
    spans = [("range_min", "range_max"), ("minimum", "maximum"), ("quartile_1", "quartile_3")]
    x = {low: alt.X(f"{low}:Q", title="Pay per year", axis=alt.Axis(format=",~f")) for low, _ in spans}
    layers = [
        mark.transform_calculate(part=f"'{name}'").encode(x=x[low], x2=alt.X2(f"{high}:Q"), color=colour)
        for name, mark, (low, high) in zip(parts, marks, spans, strict=True)
    ]
    median = base.mark_tick(size=14, thickness=2, color="white").encode(x=alt.X("median:Q"))
    return display.themed(alt.layer(*layers, median).properties(width=width, height=alt.Step(38)), "Pay by level")


def age_tenure(people: pd.DataFrame, *, width: int = WIDTH) -> ChartType:
    """Headcount by age and tenure band as a heat map; ``people``: age_band, tenure_band, headcount."""
    cells = people.groupby(["age_band", "tenure_band"])["headcount"].sum().reset_index()
    if cells.empty:
        return display.note("Headcount by age and tenure")
    tenures, ages = (sorted(set(cells[name]), key=_band) for name in ("tenure_band", "age_band"))
    x = alt.X("tenure_band:N", title="Tenure (completed years)", sort=tenures, axis=FLAT)
    y = alt.Y("age_band:N", title="Age (completed years)", sort=ages[::-1])
    heat = display.heat_map(cells, x, y, count="headcount", greatest=cells["headcount"].max())
    return display.themed(heat.properties(width=width, height=HEIGHT), "Headcount by age and tenure")


def event_calendar(events: pd.DataFrame, *, width: int = WIDTH) -> ChartType:
    """Events by kind and month, shaded by the kind's busiest; ``events``: month (1-12), event_category, events."""
    cells = events.groupby(["event_category", "month"])["events"].sum().reset_index()
    if cells.empty:
        return display.note("Events by month")
    busiest = cells.groupby("event_category")["events"].transform("max")
    cells["kind"] = cells["event_category"].map(lambda name: EVENTS.get(name, name))
    cells["month"] = cells["month"].map(lambda month: MONTHS[int(month) - 1])
    x = alt.X("month:N", title="Month of the event", sort=MONTHS, scale=alt.Scale(domain=MONTHS), axis=FLAT)
    y = alt.Y("kind:N", title=None, sort=list(EVENTS.values()))
    heat = display.heat_map(cells, x, y, count="events", greatest=busiest)
    return display.themed(heat.properties(width=width, height=alt.Step(34)), "Events by month")


def validation(checks: pd.DataFrame, *, width: int = WIDTH) -> ChartType:
    """How many checks of each step hold, and the names of those that do not.

    ``checks``: step, check_name, severity (``error`` or ``warning``), is_passed; one row per check and year.
    """
    if checks.empty:
        return display.note("Checks by step")
    rows = checks.assign(outcome=checks["severity"].where(~checks["is_passed"].astype(bool), "holds"))
    counts = rows.groupby(["step", "outcome"])["check_name"].agg(checks="size", names=_names).reset_index()
    counts["rank"] = counts["outcome"].map(list(OUTCOMES).index)
    failed = rows[rows["outcome"] != "holds"].groupby("step")["check_name"].agg(_names).to_dict()
    totals = counts.groupby("step")["checks"].sum().reset_index()
    totals["names"] = totals["step"].map(lambda step: failed.get(step, "all hold"))
    order = STEPS + sorted(set(rows["step"]) - set(STEPS))
    hue = alt.Color("outcome:N", scale=display.palette(OUTCOMES), title=None)
    x = alt.X("checks:Q", title="Checks", axis=alt.Axis(format=",~f", tickMinStep=1))
    y = alt.Y("step:N", title=None, sort=order)
    tips = display.tips(step="", outcome="", checks=",", names="")
    bars = alt.Chart(counts).mark_bar(size=18).encode(x=x, y=y, order=alt.Order("rank:Q"), color=hue, tooltip=tips)
    text = (
        alt.Chart(totals)
        .mark_text(align="left", dx=6, color=INK, limit=width * 0.6)
        .encode(x=x, y=y, text=alt.Text("names"))
    )
    both = alt.layer(bars, text).properties(width=width * 0.5, height=alt.Step(26))
    return display.themed(both, "Checks by step")


def _names(checks: pd.Series[str]) -> str:
    counted = sorted(checks.value_counts().items(), key=str)
    return ", ".join(f"{name} ({count})" if count > 1 else str(name) for name, count in counted)


def _band(band: str) -> tuple[int, str]:
    """Bands in the order of their lower ends: ``< 25`` comes before ``25-34`` and ``65+``."""
    digits = "".join(sign if sign.isdigit() else " " for sign in band).split()
    return (-1 if band.startswith("<") else int(digits[0]) if digits else 0, band)

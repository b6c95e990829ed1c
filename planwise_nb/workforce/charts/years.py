"""Charts of the years of a run.

``metrics`` is ``fct_year_metrics``: one row per scenario and year. Where it holds several scenarios, each gets its own
panel on common axes, the first ``MAX_PANELS`` of them with a note.
"""

from __future__ import annotations

from collections.abc import Callable

import altair as alt
import pandas as pd
from altair.typing import ChartType

from planwise_nb.core import display
from planwise_nb.core.display import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, VERMILLION, Series
from planwise_nb.workforce.charts.people import FLAT, HEIGHT, WIDTH

# more bars than this and their labels would touch
MAX_LABELLED = 10
BRIDGE = (  # label, column, direction, colour
    ("Opening", "opening_headcount", 0, GREY),
    ("Experienced exits", "experienced_terminations", -1, VERMILLION),
    ("Reductions", "reductions", -1, ORANGE),
    ("Hires", "hires", 1, GREEN),
    ("New-hire exits", "new_hire_terminations", -1, PURPLE),
    ("Closing", "closing_headcount", 0, BLUE),
)
GROWTH: Series = {  # column: label, colour, width of the line
    "target_growth_rate": ("Headcount target", "#C4C4C4", 7),
    "headcount_growth": ("Headcount", BLUE, 2),
    "average_compensation_growth": ("Average pay", ORANGE, 2),
    "same_people_compensation_growth": ("Pay of the same people", GREEN, 2),
    "prorated_compensation_growth": ("Pay per person-year", PURPLE, 2),
}
PAY: Series = {
    "average_compensation": ("Average of the active", ORANGE, 2),
    "median_compensation": ("Median of the active", BLUE, 2),
    "payroll_per_person_year": ("Payroll per person-year", PURPLE, 2),
}
LABEL = 11
"""The size of a word below a bar, where there is room."""

FLOWS = {column: (label, direction, colour) for label, column, direction, colour in BRIDGE if direction}
UNITS = {False: ("thousands", 1e3), True: ("millions", 1e6)}


def headcount_bridge(year: pd.DataFrame, *, width: int = WIDTH) -> ChartType:
    """From opening to closing headcount; ``year``: ``fct_year_metrics`` or ``int_workforce_requirements``, added up."""
    return _by_scenario(year, "Headcount bridge", lambda rows: _bridge(rows, width))


def headcount(metrics: pd.DataFrame, *, width: int = WIDTH) -> ChartType:
    """Closing headcount by year as bars, the target as a line across each."""
    counts = ["closing_headcount", "target_headcount"]
    colour = alt.Color("part:N", scale=display.palette({"Closing": BLUE, "Target": ORANGE}), title=None)

    def draw(rows: pd.DataFrame) -> ChartType:
        size = _bar_size(rows, width)
        base = alt.Chart(rows[["simulation_year", *counts]]).encode(
            x=_years(rows), tooltip=display.tips(simulation_year="", closing_headcount=",", target_headcount=",")
        )
        y = alt.Y("closing_headcount:Q", title="Active employees at year end", axis=alt.Axis(format=",~f"))
        bars = base.transform_calculate(part="'Closing'").mark_bar(size=size).encode(y=y, color=colour)
        ticks = base.transform_calculate(part="'Target'").mark_tick(size=size * 1.25, thickness=3)
        label = base.mark_text(baseline="middle", dy=-14, color=INK).encode(
            y=alt.Y("closing_headcount:Q"), text=alt.Text("closing_headcount:Q", format=",")
        )
        target = ticks.encode(y=alt.Y("target_headcount:Q"), color=colour)
        return alt.layer(bars, target, *_labels(label, rows)).properties(width=width, height=HEIGHT)

    return _by_scenario(display.numeric(metrics, counts), "Headcount against target", draw)


def growth(metrics: pd.DataFrame, *, width: int = WIDTH) -> ChartType:
    """Growth of headcount against its target, and of pay by three methods, by year; nothing where not defined."""
    y = alt.Y("value:Q", title="Change against the year before (%)", axis=alt.Axis(format=".1~%"))

    def draw(rows: pd.DataFrame) -> ChartType:
        return display.lines(rows, _years(rows), y, GROWTH, tip=".2%").properties(width=width, height=HEIGHT)

    return _by_scenario(metrics, "Growth of headcount and pay", draw)


def flows(metrics: pd.DataFrame, *, width: int = WIDTH) -> ChartType:
    """Hires above the line, exits by kind below it, promotions as diamonds, by year."""
    parts = {**FLOWS, "promotions": ("Promotions", 1, INK)}
    hue = alt.Color("series:N", scale=display.palette({label: hue for label, _, hue in parts.values()}), title=None)
    y = alt.Y("signed:Q", title="People (exits below zero)", axis=alt.Axis(labelExpr="format(abs(datum.value), ',')"))

    def draw(rows: pd.DataFrame) -> ChartType:
        people = display.long(rows, "simulation_year", {column: label for column, (label, _, _) in parts.items()})
        signs = people["series"].map({label: direction for label, direction, _ in parts.values()})
        base = alt.Chart(people.assign(signed=people["value"] * signs)).encode(
            x=_years(rows), y=y, color=hue, tooltip=display.tips(simulation_year="", series="", value=",")
        )
        bars = base.transform_filter("datum.series != 'Promotions'").mark_bar(size=_bar_size(rows, width))
        diamonds = base.transform_filter("datum.series == 'Promotions'").mark_point(
            shape="diamond", size=90, filled=True, opacity=1, stroke="white", strokeWidth=1
        )
        zero = alt.Chart(pd.DataFrame({"signed": [0]})).mark_rule(color=INK).encode(y=alt.Y("signed:Q"))
        return alt.layer(bars, zero, diamonds).properties(width=width, height=HEIGHT)

    return _by_scenario(metrics, "Hires, exits and promotions", draw)


def level_mix(metrics: pd.DataFrame, *, width: int = WIDTH) -> ChartType:
    """The share of each level in the closing headcount by year, from the map ``headcount_by_level``."""
    return _by_scenario(metrics, "Level mix at year end", lambda rows: _mix(rows, width))


def payroll(metrics: pd.DataFrame, *, width: int = WIDTH) -> ChartType:
    """Payroll by year; beside it pay per person: average, median, and payroll per person-year."""
    rows = display.numeric(metrics, ["payroll", "person_years", *PAY]).sort_values("simulation_year", kind="stable")
    unit, divisor = UNITS[rows["payroll"].max() >= UNITS[True][1]]
    totals = alt.Y("shown:Q", title=f"Payroll of the year ({unit})", axis=alt.Axis(format=",~f"))
    each = alt.Y("value:Q", title="Pay per person and year", axis=alt.Axis(format=",~f"), scale=alt.Scale(zero=False))

    def draw(part: pd.DataFrame) -> ChartType:
        shown = part.assign(shown=part["payroll"] / divisor)[["simulation_year", "shown", "payroll", "person_years"]]
        tips = display.tips(simulation_year="", payroll=",.2f", person_years=",.1f")
        base = alt.Chart(shown).encode(x=_years(part), y=totals, tooltip=tips)
        label = base.mark_text(dy=-8, color=INK).encode(text=alt.Text("shown:Q", format=",.1f"))
        bars = alt.layer(base.mark_bar(color=BLUE, size=_bar_size(part, width)), *_labels(label, part))
        return bars.properties(width=width, height=0.7 * HEIGHT)

    def draw_each(part: pd.DataFrame) -> ChartType:
        return display.lines(part, _years(part), each, PAY, tip=",.2f").properties(width=width, height=0.7 * HEIGHT)

    if rows.empty:
        return display.note("Payroll")
    both = [display.panels(rows, "scenario_id", how) for how in (draw, draw_each)]
    apart = alt.vconcat(*both).resolve_scale(color="independent", shape="independent")
    return display.themed(apart, "Payroll and pay per person")


def fan(bands: pd.DataFrame, *, width: int = WIDTH) -> ChartType:
    """The bands of one metric over the years, a panel an ensemble: ``fct_ensemble_bands`` with its five percentiles."""
    percentiles = ["p5", "p25", "p50", "p75", "p95"]
    rows = display.numeric(bands, percentiles)
    metric = str(rows["metric"].iloc[0]) if len(rows) else "metric"
    titled = metric.replace("_", " ").capitalize()

    def draw(ensemble: pd.DataFrame) -> ChartType:
        base = alt.Chart(ensemble).encode(
            x=_years(ensemble),
            tooltip=display.tips(simulation_year="", members=",", **dict.fromkeys(percentiles, ",.4~f")),
        )
        y = alt.Y("p5:Q", title=f"{titled} ({_unit(metric)})", scale=alt.Scale(zero=False), axis=alt.Axis(format=",~s"))
        outer = base.mark_area(color=display.ramp(0.15), line=False).encode(y=y, y2=alt.Y2("p95:Q"))
        inner = base.mark_area(color=display.ramp(0.5), line=False).encode(y=alt.Y("p25:Q"), y2=alt.Y2("p75:Q"))
        middle = base.mark_line(color=INK, point=alt.OverlayMarkDef(color=INK, size=30)).encode(y=alt.Y("p50:Q"))
        return alt.layer(outer, inner, middle).properties(width=width, height=HEIGHT)

    members = int(rows["members"].max()) if len(rows) else 0
    told = f"{titled}: median, middle half and 5th to 95th percentile of {members:,} members"
    return _by_scenario(rows, told if members > 1 else titled, draw)


def _by_scenario(rows: pd.DataFrame, title: str, draw: Callable[[pd.DataFrame], ChartType]) -> ChartType:
    scenarios = rows["scenario_id"].nunique()
    if not scenarios:
        return display.note(title)
    few = f"The first {display.MAX_PANELS} of {scenarios:,} scenarios" if scenarios > display.MAX_PANELS else ""
    ordered = rows.sort_values("simulation_year", kind="stable")
    return display.themed(display.panels(ordered, "scenario_id", draw), title, subtitle=few)


def _labels(label: alt.Chart, rows: pd.DataFrame) -> list[alt.Chart]:
    return [label] if len(rows) <= MAX_LABELLED else []


def _bridge(rows: pd.DataFrame, width: int) -> ChartType:
    counts = {name: int(rows[name].sum()) for _, name, step, _ in BRIDGE if step}
    ends = (("opening_headcount", 0), ("closing_headcount", -1))
    counts |= {name: int(rows[name].iloc[place]) for name, place in ends}
    # over many years more people leave than were here at first: hires come before exits, so that no bar is under zero
    order = BRIDGE if len(rows) == 1 else [BRIDGE[place] for place in (0, 3, 4, 1, 2, 5)]
    level, bars = 0, []
    for label, name, step, colour in order:
        start, level = (level, level + step * counts[name]) if step else (0, counts[name])
        text = f"{' +−'[step] if counts[name] else ''}{counts[name]:,}".strip()
        bars.append((label, start, level, max(start, level), text, colour))
    frame = pd.DataFrame(bars, columns=["part", "from", "to", "top", "people", "ink"])
    in_words = alt.Axis(labelAngle=0, labelExpr="split(datum.label, ' ')", labelFontSize=min(LABEL, round(width / 36)))
    base = alt.Chart(frame.assign(next=frame["part"].shift(-1))).encode(
        x=alt.X("part:N", title=None, sort=None, axis=in_words),
        tooltip=display.tips(part="", people=""),
    )
    y = alt.Y("from:Q", title="Employees", axis=alt.Axis(format=",~f"))
    blocks = base.mark_bar(size=round(0.1 * width, 1)).encode(
        y=y, y2=alt.Y2("to:Q"), color=alt.Color("ink:N", scale=None)
    )
    joints = (
        base.transform_filter("datum.next")
        .mark_rule(color=GREY, strokeDash=[2, 2])
        .encode(y=alt.Y("to:Q"), x2=alt.X2("next:N"))
    )
    labels = base.mark_text(baseline="bottom", dy=-4, color=INK).encode(y=alt.Y("top:Q"), text=alt.Text("people:N"))
    return alt.layer(joints, blocks, labels).properties(width=width, height=HEIGHT)


def _mix(rows: pd.DataFrame, width: int) -> ChartType:
    counts = pd.DataFrame(
        [
            (year, int(level), int(count))
            for year, levels in zip(rows["simulation_year"], rows["headcount_by_level"], strict=True)
            for level, count in sorted(dict(() if levels is None else levels).items(), key=lambda pair: int(pair[0]))
        ],
        columns=["simulation_year", "level", "headcount"],
    ).astype(int)
    counts["share"] = counts["headcount"] / counts.groupby("simulation_year")["headcount"].transform("sum")
    counts["upto"] = counts.groupby("simulation_year")["share"].cumsum()
    counts["from"], counts["middle"] = counts["upto"] - counts["share"], counts["upto"] - counts["share"] / 2
    levels = sorted(set(counts["level"]))
    place = {level: position / max(len(levels) - 1, 1) for position, level in enumerate(levels)}
    counts["ink"] = counts["level"].map(lambda level: display.ink_on(place[level]))
    y = alt.Y("from:Q", title="Share of active employees (%)", axis=alt.Axis(format="%"), scale=alt.Scale(domainMax=1))
    colour = alt.Scale(domain=levels, range=[display.ramp(place[level]) for level in levels])
    base = alt.Chart(counts).encode(
        x=_years(rows), tooltip=display.tips(simulation_year="", level="", headcount=",", share=".1%")
    )
    bars = base.mark_bar(size=_bar_size(rows, width), stroke="white").encode(
        y=y,
        y2=alt.Y2("upto:Q"),
        color=alt.Color("level:O", title="Level", scale=colour, legend=alt.Legend(columns=8, symbolStrokeColor=GREY)),
    )
    labelled = base.transform_filter(f"datum.share >= {0.05 if len(rows) <= MAX_LABELLED else 2}")
    text = labelled.mark_text().encode(
        y=alt.Y("middle:Q"), text=alt.Text("share:Q", format=".0%"), color=alt.Color("ink:N", scale=None)
    )
    return alt.layer(bars, text).properties(width=width, height=HEIGHT)


def _unit(metric: str) -> str:
    """The unit of a column of ``fct_year_metrics``."""
    if metric.endswith(("_rate", "_growth", "_share")):
        return "share"
    return "pay a year" if "pay" in metric or "compensation" in metric else "number"


def _years(rows: pd.DataFrame) -> alt.X:
    years = sorted({int(year) for year in rows["simulation_year"]})
    return alt.X("simulation_year:O", title="Year", scale=alt.Scale(domain=years), axis=FLAT)


def _bar_size(rows: pd.DataFrame, width: int) -> float:
    return round(min(56.0, 0.7 * width / max(len(rows), 1)), 1)

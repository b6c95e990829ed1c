"""How pay gaps look: a chart of each scenario and population, a table of the same rows, and a page of them all."""

from __future__ import annotations

from collections.abc import Iterator

import altair as alt
import pandas as pd
from altair.typing import ChartType

from planwise_nb.core import display
from planwise_nb.core.display import BLUE, INK, MISSING, ORANGE
from planwise_nb.core.printable import printable
from planwise_nb.workforce.equity import EVERYONE, SMALLEST, WITHOUT_DRAWN, Equity
from planwise_nb.workforce.results import MAX_SCENARIOS

MAX_PANELS, MAX_SLICES = 6, 12
LONGEST = 30
"""Characters of a group's name in a heading."""

ROUNDED = "≈ "
"""What stands before an amount that is rounded."""

WIDTH, HEIGHT, COLUMNS = 240, 170, 3
SLICE = ["run_id", "scenario_id", "attribute", "population"]
ZERO_PLAIN = "datum.value ? format(datum.value, '+.0%') : '0%'"
METHODS = {"raw": ("Raw", ORANGE, "circle"), "adjusted": ("Adjusted", BLUE, "diamond")}
PEOPLE = {EVERYONE: "everyone", WITHOUT_DRAWN: "without people whose attributes were drawn"}
READING = (
    "A gap is how much less (below zero) or more a group is paid than the reference group, in the geometric mean. Raw:"
    " as it is. Adjusted: among people who are alike in what each table names, by ordinary least squares of the"
    " logarithm of pay. In brackets the 95 % interval, robust to unequal spread. A gap whose interval holds 0 may be"
    " chance. An adjusted gap of zero does not say that levels were given fairly."
)


def slices(found: Equity) -> Iterator[pd.DataFrame]:
    """The rows of each run, scenario, attribute and population."""
    for _, rows in found.gaps.groupby(SLICE, sort=False):
        yield rows


def gaps_chart(rows: pd.DataFrame, *, width: int = WIDTH) -> ChartType:
    """The gaps of one slice by year, with their intervals: a panel for each group, raw beside adjusted.

    The ``MAX_PANELS`` largest groups of which there is a gap; the line at 0 is the reference group.
    """
    title, subtitle = _titled(rows)
    points = _points(rows)
    if points.empty:
        return display.note(title, "No gap to show: see the notes of the table")
    groups = list(dict.fromkeys(points["group_name"]))
    years, wide = sorted(set(rows["simulation_year"])), width if len(groups) > 1 else 1.6 * width
    charts = [
        _panel(points[points["group_name"] == name], years, wide).properties(title=printable(name, LONGEST))
        for name in groups
    ]
    together = alt.concat(*charts, columns=COLUMNS).resolve_scale(y="shared", color="shared", shape="shared")
    return display.themed(together, title, subtitle=subtitle)


def _points(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per group, year and method, of the largest groups that have a gap."""
    known = rows[rows["raw_gap"].notna()]
    sizes = known.groupby("group_name")["people"].max().sort_values(ascending=False, kind="stable")
    parts = [
        known.assign(method=label, gap=known[f"{name}_gap"], low=known[f"{name}_low"], high=known[f"{name}_high"])
        for name, (label, _, _) in METHODS.items()
    ]
    columns = ["group_name", "simulation_year", "people", "method", "gap", "low", "high"]
    points = display.numeric(pd.concat(parts)[columns], ["people", "gap", "low", "high"]).dropna(subset="gap")
    place = {name: number for number, name in enumerate(sizes.index[:MAX_PANELS])}
    kept = points[points["group_name"].isin(place)]
    return kept.sort_values("group_name", key=lambda names: names.map(place), kind="stable", ignore_index=True)


def _panel(points: pd.DataFrame, years: list[int], width: float) -> ChartType:
    """The gaps of one group; ``years`` are those of all, so that one without a gap is seen to have none."""
    labels = [label for label, _, _ in METHODS.values()]
    shapes = alt.Scale(domain=labels, range=[shape for _, _, shape in METHODS.values()])
    base = alt.Chart(points).encode(
        x=alt.X("simulation_year:O", title=None, axis=alt.Axis(labelAngle=0), scale=alt.Scale(domain=years)),
        xOffset=alt.XOffset("method:N", sort=labels, scale=alt.Scale(paddingOuter=0.6)),
        color=alt.Color(
            "method:N", title=None, scale=display.palette({label: ink for label, ink, _ in METHODS.values()})
        ),
        tooltip=display.tips(
            group_name="", simulation_year="", method="", people=",", gap=".1%", low=".1%", high=".1%"
        ),
    )
    y = alt.Y("low:Q", title="Paid less or more", axis=alt.Axis(labelExpr=ZERO_PLAIN))
    spans = base.mark_rule(strokeWidth=2).encode(y=y, y2="high:Q")
    dots = base.mark_point(filled=True, size=70, opacity=1).encode(
        y="gap:Q", shape=alt.Shape("method:N", title=None, scale=shapes)
    )
    zero = alt.Chart(pd.DataFrame({"gap": [0]})).mark_rule(color=INK).encode(y="gap:Q")
    return alt.layer(zero, spans, dots).properties(width=width, height=HEIGHT)


def gaps_table(rows: pd.DataFrame) -> display.Table:
    """The rows of one slice as people read them."""
    title, subtitle = _titled(rows)
    told = pd.DataFrame({
        "year": rows["simulation_year"],
        "group": rows["group_name"].map(printable),
        "people": _amounts(rows, "people"),
        "average pay": _amounts(rows, "average_pay"),
        "raw gap": _intervals(rows, "raw"),
        "adjusted gap": _intervals(rows, "adjusted"),
        "": rows["note"].mask(rows["is_reference"] & (rows["note"] == ""), "reference"),
    })  # fmt: skip
    caption = f"{title}, {subtitle}; adjusted for {rows['adjusted_for'].iloc[0]}"
    return display.table(told, caption=caption, right=told.columns[2:-1])


def equity_page(found: Equity) -> tuple[str, list[str | display.Table | ChartType]]:
    """Title and parts of the page that tells it all, of the first ``MAX_SLICES`` slices."""
    parts: list[str | display.Table | ChartType] = [READING, *remarks(found)]
    several = list(slices(found))
    for rows in several[:MAX_SLICES]:
        parts += [gaps_chart(rows), gaps_table(rows)]
    if len(several) > MAX_SLICES:
        parts.append(f"The first {MAX_SLICES} of {len(several)} are shown; all are in the CSV file.")
    return "Are people paid equally for equal work?", parts


def remarks(found: Equity) -> list[str]:
    """What is not told, in sentences."""
    said = [f"Groups of fewer than {SMALLEST} people are not told of."]
    if found.gaps["is_rounded"].any():
        said.append(
            f"{ROUNDED.strip()} marks people to the nearest 5 and pay to three digits, so that a small group does not"
            " follow from the others."
        )
    said += [
        f"The census of run {', '.join(runs)} has no {attribute}: it is not compared by that."
        for attribute, runs in found.missing.items()
    ]
    said += [f"Run {run} is not finished: compared are the years that it has published." for run in found.unfinished]
    if found.left_out:
        said.append(f"{found.left_out:,} scenarios are left out: of each run the first {MAX_SCENARIOS} are compared.")
    return said


def _titled(rows: pd.DataFrame) -> tuple[str, str]:
    first = rows.iloc[0]
    reference = rows.loc[rows["is_reference"], "group_name"]
    against = f"against {printable(reference.iloc[0], LONGEST)}" if len(reference) else "no reference group"
    who = f"{first['scenario_id']}, run {first['run_id']}"
    return f"Pay by {first['attribute']} {against}: {PEOPLE[first['population']]}", who


def _amounts(rows: pd.DataFrame, name: str) -> list[str]:
    signs = rows["is_rounded"].map({True: ROUNDED, False: ""})
    return [
        MISSING if pd.isna(amount) else f"{sign}{amount:,.0f}" for sign, amount in zip(signs, rows[name], strict=True)
    ]


def _intervals(rows: pd.DataFrame, name: str) -> list[str]:
    ends = zip(*(rows[f"{name}_{part}"] for part in ("gap", "low", "high")), strict=True)
    return [
        MISSING if pd.isna(gap) else f"{gap * 100:+z.1f}% ({low * 100:+z.1f} to {high * 100:+z.1f})"
        for gap, low, high in ends
    ]

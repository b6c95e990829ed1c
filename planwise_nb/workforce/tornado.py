"""How the sensitivity of a metric looks: a tornado of its levers, and a table of the same rows."""

from __future__ import annotations

from decimal import Decimal

import altair as alt
import pandas as pd
from altair.typing import ChartType

from planwise_nb.core import display
from planwise_nb.core.display import BLUE, INK, MISSING, ORANGE
from planwise_nb.workforce.drafts import all_parameters
from planwise_nb.workforce.sensitivity import Sensitivity, named
from planwise_nb.workforce.sobol import Indices
from planwise_nb.workforce.sobol_view import indices_chart, indices_table

MAX_BARS = 20
WIDTH, BAR = 420, 24
LUCK = (
    "A change that is small, or equal in direction for both steps, may be luck: a lever that changes how many leave or"
    " are hired also changes who. Another seed (--seed) tells."
)
VARIANCE = (
    "All levers vary at once, each evenly between its two steps. Alone: the share of the variance that the lever"
    " accounts for by itself; with others: together with other levers, too; after ±: half of the 95 % interval."
)
STEPS = {"down": ("One step down", BLUE), "up": ("One step up", ORANGE)}
_SHARES = ("_rate", "_growth", "_share")


def tornado(found: Sensitivity, *, width: int = WIDTH) -> ChartType:
    """A bar for each lever, from the metric one step down to the metric one step up; the widest is the first.

    At its ends stand the values that the lever then has. The first ``MAX_BARS`` of them, without locked ones.
    """
    rows = found.effects[found.effects["swing"].notna()]
    title = f"{titled(found)}: one step of each lever"
    if rows.empty:
        return display.note(title, "No lever moves it, or it is not defined")
    bars = _bars(found, rows.head(MAX_BARS))
    order = list(dict.fromkeys(bars["lever"]))
    base = alt.Chart(bars).encode(
        y=alt.Y("lever:N", title=None, sort=order, axis=alt.Axis(labelLimit=260), scale=alt.Scale(padding=0)),
        yOffset=alt.YOffset("shift:Q", scale=None),
        color=alt.Color("step:N", title=None, scale=display.palette(dict(STEPS.values()))),
        tooltip=display.tips(lever="", step="", value="", metric="", change=""),
    )
    axis = alt.Axis(grid=True, tickCount=6, labelExpr=f"datum.value ? format(datum.value, '{_tick(bars)}') : '0'")
    x = alt.X("moved:Q", title=_axis(found), axis=axis, scale=alt.Scale(padding=46))
    blocks = base.mark_bar().encode(x=x, x2=alt.datum(0), size=alt.Size("thickness:Q", scale=None))
    texts = base.encode(x="moved:Q", text="value:N", color=alt.value(INK))
    left = texts.transform_filter("datum.side == 'left'").mark_text(align="right", dx=-5)
    right = texts.transform_filter("datum.side == 'right'").mark_text(align="left", dx=5)
    zero = alt.Chart(pd.DataFrame({"moved": [0]})).mark_rule(color=INK).encode(x="moved:Q")
    chart = alt.layer(blocks, zero, left, right).properties(width=width, height=alt.Step(BAR))
    return display.themed(chart, title, subtitle=_subtitle(found, len(rows)))


def effects_table(found: Sensitivity) -> display.Table:
    """The rows as people read them: every lever with its values, what the metric becomes, and by how much it moves."""
    rows = found.effects
    told = pd.DataFrame({
        "lever": [named(*row) for row in zip(rows["lever"], rows["level_id"], strict=True)],
        "down": _values(rows, "down"),
        "today": _values(rows, "today"),
        "up": _values(rows, "up"),
        "result, down": [amount(found, value) for value in rows["metric_down"]],
        "result, up": [amount(found, value) for value in rows["metric_up"]],
        "change, down": [amount(found, value, sign="+") for value in rows["change_down"]],
        "change, up": [amount(found, value, sign="+") for value in rows["change_up"]],
        "": list(map(_remark, rows.itertuples())),
    })  # fmt: skip
    caption = f"{titled(found)}: {amount(found, found.today)} as planned"
    return display.table(told, caption=caption, right=told.columns[1:-1])


def study_page(found: Sensitivity, indices: Indices | None = None) -> tuple[str, list[str | display.Table | ChartType]]:
    """Title and parts of the page that tells it all."""
    parts: list[str | display.Table | ChartType] = [
        f"Scenario {found.scenario_id}: {titled(found)} is {amount(found, found.today)} as planned. Each lever moves"
        " one step down and one step up, on its own, in all years; everything else, luck included, stays as it is.",
        tornado(found),
        effects_table(found),
        LUCK,
    ]
    if indices is not None:
        parts += ["## Together with the others", VARIANCE, indices_chart(indices), indices_table(indices)]
    return f"Which lever matters most? {titled(found)}", parts


def titled(found: Sensitivity) -> str:
    """The metric and its year."""
    return f"{found.metric.replace('_', ' ').capitalize()} {found.year}"


def amount(found: Sensitivity, value: float, sign: str = "") -> str:
    """A value of the metric as people read it; with ``sign`` a change of it, of shares in percentage points."""
    if pd.isna(value):
        return MISSING
    if found.metric.endswith(_SHARES):
        return f"{value * 100:{sign}z.2f}{' pp' if sign else '%'}"
    return f"{value:{sign}z,.{0 if float(value).is_integer() or abs(found.today) >= 1e5 else 2}f}"  # noqa: PLR2004


def _bars(found: Sensitivity, rows: pd.DataFrame) -> pd.DataFrame:
    """One row per lever and step; ``side`` is where its label stands. Bars to one side of zero share the height."""
    shares = found.metric.endswith(_SHARES)
    parts = [
        pd.DataFrame(
            {
                "lever": [named(*row) for row in zip(rows["lever"], rows["level_id"], strict=True)],
                "step": label,
                "value": _values(rows, step),
                "metric": [amount(found, value) for value in rows[f"metric_{step}"]],
                "change": [amount(found, value, sign="+") for value in rows[f"change_{step}"]],
                "moved": rows[f"change_{step}"].astype(float) * (100 if shares else 1),
                "sign": (rows["change_up"] < rows["change_down"]) == (step == "up"),
                "is_one_sided": rows["change_down"] * rows["change_up"] > 0,
            }
        )
        for step, (label, _) in STEPS.items()
    ]
    both = pd.concat(parts, ignore_index=True)
    is_left = (both["moved"] < 0) | (both["moved"] == 0) & both["sign"]
    both["side"] = is_left.map({True: "left", False: "right"})
    both["thickness"] = both["is_one_sided"].map({True: BAR / 2 - 2, False: BAR - 8})
    both["shift"] = both["step"].map({label: place for place, (label, _) in zip((-1, 1), STEPS.values(), strict=True)})
    both["shift"] = (both["shift"] * BAR / 4).where(both["is_one_sided"], 0.0) + BAR / 2
    return both.drop(columns=["sign", "is_one_sided"])


def _tick(bars: pd.DataFrame) -> str:
    """The number format of the axis."""
    return "+,~s" if bars["moved"].abs().max() >= 1 else "+.4~f"


def _axis(found: Sensitivity) -> str:
    unit = " (percentage points)" if found.metric.endswith(_SHARES) else ""
    return f"Change of {found.metric.replace('_', ' ')} {found.year}{unit}"


def _subtitle(found: Sensitivity, bars: int) -> str:
    few = f"; the first {MAX_BARS} of {bars}" if bars > MAX_BARS else ""
    return f"{found.scenario_id}: {amount(found, found.today)} as planned{few}"


def _values(rows: pd.DataFrame, step: str) -> list[str]:
    """A lever's values as people read them, from the lowest to the highest."""
    levers = {parameter.name: parameter for parameter in all_parameters()}
    told = []
    for name, *ends in zip(rows["lever"], rows[f"{step}_lowest"], rows[f"{step}_highest"], strict=True):
        if pd.isna(ends[0]):
            told.append(MISSING)
            continue
        texts = dict.fromkeys(levers[name].shown(Decimal(f"{end:.6f}")) for end in ends)
        told.append("–".join(texts) + ("%" if levers[name].is_percent else ""))
    return told


def _remark(row: object) -> str:
    if row.is_locked:  # type: ignore[attr-defined]
        return "locked"
    cut = [step for step in STEPS if getattr(row, f"is_{step}_cut")]
    said = [f"{' and '.join(cut)} cut to the range"] if cut else []
    return "; ".join([*said, *(["partly locked"] if row.is_partly_locked else [])])  # type: ignore[attr-defined]

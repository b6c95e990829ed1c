"""The tab Auto-optimise: its place and its inputs, until there is an optimiser."""

from __future__ import annotations

import ipywidgets as widgets

from planwise_nb.apps.dashboard import parts

STRATEGIES = ("conservative", "balanced", "aggressive")


class OptimiseTab:
    """The inputs of a search for the levers that meet a target; nothing searches yet."""

    def __init__(self) -> None:
        field = parts.labelled
        growth = field(widgets.BoundedFloatText(2.0, min=-100, max=200, step=0.1, description="Target growth (%)"))
        steps = field(widgets.BoundedIntText(10, min=1, max=100, description="Most iterations"))
        within = field(
            widgets.BoundedFloatText(0.1, min=0.01, max=10, step=0.05, description="Tolerance (percentage points)")
        )
        strategy = field(widgets.Dropdown(options=STRATEGIES, value="balanced", description="Strategy"))
        start = parts.button("Search", lambda: None, css="pw-primary", tip="There is no optimiser yet")
        start.disabled = True
        said = "Looks for the levers that meet a target growth of pay, by running the scenario again and again."
        missing = (
            "<strong>The optimiser is not there yet.</strong> It comes with the next stage of PlanWise; until then the "
            "tab Impact shows what a lever does, and a run what comes of it."
        )
        self.box = widgets.VBox([
            parts.card(
                parts.heading("Auto-optimise", said),
                parts.row(growth, steps, within, strategy),
                parts.row(start),
                parts.text(parts.notice("note", missing)),
            )
        ])  # fmt: skip

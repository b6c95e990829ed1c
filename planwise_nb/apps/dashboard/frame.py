"""The frame of the dashboard: its heading and its five tabs."""

from __future__ import annotations

import html
from pathlib import Path

import ipywidgets as widgets
from IPython.display import display

from planwise_nb.apps.dashboard import parts
from planwise_nb.apps.dashboard.desk import Desk
from planwise_nb.apps.dashboard.impact import ImpactTab
from planwise_nb.apps.dashboard.optimise import OptimiseTab
from planwise_nb.apps.dashboard.parameters import ParametersTab
from planwise_nb.apps.dashboard.results import ResultsTab
from planwise_nb.apps.dashboard.running import RunTab
from planwise_nb.core.errors import PlanwiseError
from planwise_nb.core.ledger import Ledger
from planwise_nb.core.location import find_project, out_folder

STYLES = Path(__file__).with_name("dashboard.css")
IMPACT, RUN, RESULTS = 1, 2, 3


def open_dashboard() -> None:
    """Show the dashboard of the user's project and runs."""
    project = find_project()
    try:
        desk = Desk(project, Ledger(out_folder(Path.cwd()).resolve()))
        display(build(desk))
    except PlanwiseError as error:
        display(parts.text(parts.told(error)))


def build(desk: Desk) -> widgets.VBox:
    """The heading and the tabs; a tab that takes time to fill is filled when it is looked at."""
    shown = widgets.Tab()
    impact, results = ImpactTab(desk), ResultsTab(desk)
    parameters = ParametersTab(desk)
    tabs = {
        "Parameters": parameters.box,
        "Impact": impact.box,
        "Run": RunTab(desk, lambda: shown.selected_index == RUN).box,
        "Results": results.box,
        "Auto-optimise": OptimiseTab(desk, parameters.take).box,
    }
    shown.children, shown.titles, shown.selected_index = list(tabs.values()), list(tabs), 0
    shown.add_class("pw-tabs")

    def look(_: object = None) -> None:
        if shown.selected_index == IMPACT:
            impact.refresh()
        elif shown.selected_index == RESULTS:
            results.refresh()

    shown.observe(look, "selected_index")
    desk.changed.append(look)
    named = html.escape(desk.project.own.name)
    told = f"<h1>PlanWise</h1><p>Workforce planning · project <b>{named}</b></p>"
    header = parts.text(f"<style>{STYLES.read_text(encoding='utf-8')}</style>{told}", "pw-header")
    page = widgets.VBox([header, shown])
    page.add_class("pw-page")
    return page

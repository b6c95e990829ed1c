"""The control panel that opens a notebook: made from its parameters cell and the levers that concern its step."""

from __future__ import annotations

import csv
import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import pandas as pd
from IPython.display import display

from planwise_nb.core import checklist_view
from planwise_nb.core import display as shown
from planwise_nb.core.digests import tree_digest
from planwise_nb.core.errors import PlanwiseError
from planwise_nb.core.forks import fork
from planwise_nb.core.manifest import done_steps
from planwise_nb.core.messages import line
from planwise_nb.core.notebooks import read_parameters
from planwise_nb.core.pipeline import Key, label
from planwise_nb.core.runner import run
from planwise_nb.core.runs import Run
from planwise_nb.workforce.figures import figure_schema
from planwise_nb.workforce.levers import LEVERS
from planwise_nb.workforce.pipeline import WORKFORCE
from planwise_nb.workforce.scenario import SECTIONS

if TYPE_CHECKING:
    from planwise_nb.workforce.step import WorkforceStep

RATES = {
    "total_termination_rate": "workforce",
    "new_hire_termination_rate": "workforce",
    "target_growth_rate": "simulation",
}
LEVERS_OF_STEP = {
    "workforce_baseline": (*RATES, *LEVERS),
    "workforce_requirements": tuple(RATES),
    "event_generation": tuple(LEVERS),
}
PANEL_LAYER = -10
Change = tuple[str, int | None]


@dataclass(frozen=True)
class LeverValue:
    """A lever as the run uses it for a step's year; ``level_id`` is None for a rate of everyone."""

    parameter_name: str
    level_id: int | None
    parameter_value: Decimal
    parameter_source: str

    @property
    def title(self) -> str:
        """The lever as people read it."""
        return self.parameter_name if self.level_id is None else f"{self.parameter_name}, level {self.level_id}"

    @property
    def schema(self) -> dict[str, Any]:
        """Unit and range."""
        name = self.parameter_name
        if name in LEVERS:
            return LEVERS[name].schema
        return figure_schema(SECTIONS[RATES[name]].model_fields[name]) or {}


def show_panel(step: WorkforceStep) -> None:
    """Show parameters, levers and checklist of a step: as a table under the runner, as widgets in JupyterLab."""
    if step.is_executing:
        display(shown.table(_values_used(step, _levers(step)), caption=f"Values used by {label(step.key)}"))
        display(shown.table(checklist_view.as_executed(step.run, step.year), caption="Checklist"))
    else:
        display(_live_panel(step))


def _levers(step: WorkforceStep) -> list[LeverValue]:
    """The levers of the step's year; none before ``workforce_baseline`` has resolved them."""
    names = LEVERS_OF_STEP.get(step.name, ())
    if not names or ("workforce_baseline", step.year) not in done_steps(step.run.manifest):
        return []
    rows = step.frame(
        "select parameter_name, level_id, parameter_value, parameter_source from int_effective_parameters"
        " where simulation_year = $year and scenario_id = $scenario order by parameter_name, level_id"
    )
    return [
        LeverValue(
            row["parameter_name"],
            None if pd.isna(row["level_id"]) else int(row["level_id"]),
            Decimal(str(row["parameter_value"])),
            row["parameter_source"],
        )
        for row in rows.to_dict("records")
        if row["parameter_name"] in names
    ]


def _parameters(step: WorkforceStep) -> list[tuple[str, str, str]]:
    """Name, value and explanation of each line of the notebook's parameters cell."""
    manifest = step.run.manifest
    used = {"run_dir": manifest["run_id"], WORKFORCE.period: step.year, "scenario": step.scenario}
    notebook = step.run.folder / "project/notebooks" / WORKFORCE.name / WORKFORCE.step(step.name).notebook
    return [(parameter.name, str(used[parameter.name]), parameter.help) for parameter in read_parameters(notebook)]


def _values_used(step: WorkforceStep, levers: list[LeverValue]) -> pd.DataFrame:
    rows = _parameters(step)
    rows.append(("subject", step.run.manifest["subject"], "what is simulated"))
    rows += [(lever.title, f"{lever.parameter_value}", f"from {lever.parameter_source}") for lever in levers]
    return pd.DataFrame(rows, columns=["parameter", "value", "meaning"])


def _live_panel(step: WorkforceStep) -> widgets.VBox:
    """The panel as widgets; another run or year fills it anew and moves the notebook there."""
    box = widgets.VBox()
    _fill(box, step)
    return box


def _fill(box: widgets.VBox, step: WorkforceStep) -> None:
    """Put what the panel shows of ``step`` into ``box``: choices, levers, the button, the checklist."""
    levers = _levers(step)
    fields = {(lever.parameter_name, lever.level_id): _field(lever) for lever in levers}
    output = widgets.Output()
    button = widgets.Button(description="Run this step", button_style="primary", icon="play")
    status = checklist_view.live(lambda: (step.run, step.year))

    def on_click(_: widgets.Button) -> None:
        button.disabled = True
        output.clear_output()
        with output:
            done = run_from_panel(step.run, step.key, _changes(levers, fields), print)
            if done:
                step.move(done, step.year)
                print("Run the cells below to look at it.")
        checklist_view.refresh(status, step.run, step.year)
        button.disabled = False

    button.on_click(on_click)
    subject = widgets.HTML(f"<b>subject</b> {html.escape(step.run.manifest['subject'])}")
    box.children = (*_choices(box, step), subject, *fields.values(), button, output, status)


def _choices(box: widgets.VBox, step: WorkforceStep) -> list[widgets.Dropdown]:
    """A choice for each line of the parameters cell: the run, and the year where the step has one."""
    runs = list(dict.fromkeys([step.run.folder.name, *(row["run_id"] for row in step.run.ledger.runs())]))
    options = {"run_dir": runs, WORKFORCE.period: step.run.manifest["periods"], "scenario": step.scenarios}
    chosen = {"run_dir": step.run.folder.name, WORKFORCE.period: step.year, "scenario": step.scenario}
    made = []
    for name, _, meaning in _parameters(step):
        choice = widgets.Dropdown(options=options[name], value=chosen[name], description=name, tooltip=meaning)
        choice.layout.width, choice.style.description_width = "560px", "280px"
        choice.observe(lambda change, name=name: _move(box, step, name, change["new"]), "value")
        made.append(choice)
    return made


def _move(box: widgets.VBox, step: WorkforceStep, name: str, value: Any) -> None:
    if name == WORKFORCE.period:
        step.move(step.run, value, step.scenario)
    elif name == "scenario":
        step.move(step.run, step.year, value)
    else:
        run_there = Run(WORKFORCE, step.run.ledger.folder(value), step.run.ledger)
        periods = run_there.manifest["periods"]
        step.move(run_there, step.year if step.year in (None, *periods) else periods[0])
    _fill(box, step)


def _field(lever: LeverValue) -> widgets.BoundedFloatText:
    schema = lever.schema
    return widgets.BoundedFloatText(
        value=float(lever.parameter_value),
        min=float(schema["minimum"]),
        max=float(schema["maximum"]),
        step=0.001,
        description=lever.title,
        tooltip=f"{schema['unit']}, {schema['minimum']} to {schema['maximum']}; now from {lever.parameter_source}",
        style={"description_width": "280px"},
        layout={"width": "420px"},
    )


def _changes(levers: list[LeverValue], fields: Mapping[Change, widgets.BoundedFloatText]) -> dict[Change, Decimal]:
    """The levers whose field holds another value than the run uses."""
    now = {(lever.parameter_name, lever.level_id): lever.parameter_value for lever in levers}
    given = {change: Decimal(str(round(field.value, 6))) for change, field in fields.items()}
    return {change: value for change, value in given.items() if value != now[change]}


def run_from_panel(parent: Run, key: Key, changes: Mapping[Change, Decimal], say: Callable[[str], None]) -> Run | None:
    """Run one step as the panel's button does, and say what happens. None where it was refused or failed.

    The next step of an unfinished run runs in that run. A step that is done, or levers that changed, make a child
    of the run: from that step on, or from the beginning where levers changed.
    """
    try:
        started = parent
        command = ["panel", label(key), *(f"{name}.{level}={value}" for (name, level), value in changes.items())]
        if changes:
            started = fork(parent, (WORKFORCE.setup.name, None), command=command)
            _add_changes(started, key[1], changes)
        elif key in done_steps(parent.manifest):
            started = fork(parent, key, command=command)
        if started is not parent:
            say(f"In run {started.folder.name}, a child of {parent.folder.name}.")
        run(started, lambda message: say(line(message)), until=key)
    except PlanwiseError as error:
        say(str(error))
        return None
    return started


def _add_changes(child: Run, year: int | None, changes: Mapping[Change, Decimal]) -> None:
    """Lay the panel's values over every other layer, for the panel's year, and record the files as they are now."""
    path = child.folder / "params" / "parameter_layers.csv"
    rows = [
        (member, PANEL_LAYER, name, year, "" if level is None else level, value, "panel", "false")
        for member in child.manifest["seeds"]
        for (name, level), value in changes.items()
    ]
    with path.open("a", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    child.update(files=child.manifest["files"] | {"params": tree_digest(path.parent)})

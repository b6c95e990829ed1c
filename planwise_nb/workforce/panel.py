"""The control panel that opens a notebook: made from its parameters cell and the levers that concern its step."""

from __future__ import annotations

import html
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import pandas as pd
from IPython.display import display

from planwise_nb.core import checklist_view
from planwise_nb.core import display as shown
from planwise_nb.core.errors import BusyError, ChecklistError, KernelDiedError, PlanwiseError, StepError
from planwise_nb.core.manifest import done_steps
from planwise_nb.core.notebooks import TYPES, Parameter, read_parameters
from planwise_nb.core.pipeline import label
from planwise_nb.core.runs import Run
from planwise_nb.core.work_view import BAD, INK, WorkView
from planwise_nb.core.worker import DONE, STOPPED, Said, Worker
from planwise_nb.workforce import panel_orders
from planwise_nb.workforce.panel_orders import STEP, UPTO, VALIDATE
from planwise_nb.workforce.pipeline import WORKFORCE
from planwise_nb.workforce.step_levers import CONCERNS, RESOLVED, LeverFields, LeverValue, levers_of

if TYPE_CHECKING:
    from planwise_nb.workforce.step import WorkforceStep

BUTTONS = {  # what it asks for: words, icon, help
    STEP: ("Run this step", "play", "Run this step alone; the steps before it must be done"),
    UPTO: ("Run to here", "fast-forward", "Run every step that is missing, up to and with this one"),
    VALIDATE: ("Validate", "check", "Run every check and data test of this run again, on a copy of it"),
}
RESET = ("Reset", "undo", "Put every lever back to what the run uses")
STOP = ("Stop", "stop", "Stop what this notebook began")
RESUMED = {StepError.__name__, KernelDiedError.__name__}
"""Refusals of a run that has begun, and goes on when it is asked again."""

FIELDS = {"str": widgets.Text, "int": widgets.IntText, "float": widgets.FloatText, "bool": widgets.Checkbox}
"""By type the field of a parameter that only the cells of the notebook read."""

MEMBER = "scenario"
"""The parameter of a notebook that shows one member of the run."""

UNREADABLE = {"missing", "damaged"}
"""How a run stands that a panel cannot open."""


def show_panel(step: WorkforceStep) -> None:
    """Show parameters, levers and checklist of a step: as a table under the runner, as widgets in JupyterLab."""
    if step.is_executing:
        display(shown.table(_values_used(step), caption=f"Values used by {label(step.key)}"))
        display(shown.table(checklist_view.as_executed(step.run, step.year), caption="Checklist"))
    else:
        display(Panel(step).view)


def _levers(step: WorkforceStep) -> list[LeverValue]:
    """The levers of the step's year; none before ``workforce_baseline`` has resolved them."""
    if step.name not in CONCERNS or ("workforce_baseline", step.year) not in done_steps(step.run.manifest):
        return []
    return levers_of(step.name, step.frame(RESOLVED))


def _parameters(step: WorkforceStep) -> list[tuple[Parameter, Any]]:
    """Each line of the notebook's parameters cell, with the value that its cells use."""
    notebook = step.run.folder / "project/notebooks" / WORKFORCE.name / WORKFORCE.step(step.name).notebook
    of_run = {"run_dir": step.run.folder.name, WORKFORCE.period: step.year, MEMBER: step.scenario}
    used = step.variables | of_run
    return [
        (parameter, value if type(value := used.get(parameter.name)) is TYPES[parameter.type] else parameter.default)
        for parameter in read_parameters(notebook)
    ]


def _values_used(step: WorkforceStep) -> pd.DataFrame:
    rows = [(parameter.name, str(value), parameter.help) for parameter, value in _parameters(step)]
    rows.append(("subject", step.run.manifest["subject"], "what is simulated"))
    rows += [(lever.title, f"{lever.parameter_value}", f"from {lever.parameter_source}") for lever in _levers(step)]
    return pd.DataFrame(rows, columns=["parameter", "value", "meaning"])


@cache
def _worker() -> Worker:
    """The one process that works for the panels of this notebook."""
    return Worker(panel_orders.__name__)


class Panel:
    """The panel of ``step`` as widgets: choices, levers, buttons, work in progress, checklist. ``view`` shows it."""

    def __init__(self, step: WorkforceStep) -> None:
        self.step = step
        self.levers = LeverFields([])
        self.work = WorkView(_worker(), self._follow)
        self.buttons = {asks: _button(*said) for asks, said in BUTTONS.items()}
        for asks, button in self.buttons.items():
            button.on_click(lambda _, asks=asks: self._begin(asks))
        self.buttons[STEP].button_style = "primary"
        self.reset = _button(*RESET)
        self.reset.on_click(lambda _: self._put_back())
        self._foretold = widgets.HTML()
        self._watched = step.run
        self._checklist = checklist_view.live(lambda: (self._watched, step.year))
        self.view = widgets.VBox()
        self._fill()

    def _fill(self) -> None:
        """Show what the run, year and member of the step have."""
        self.work.offer.children = ()
        self.levers = LeverFields(_levers(self.step))
        for field in self.levers.fields.values():
            field.observe(lambda _: self._on_lever(), "value")
        self._watched = self.step.run
        buttons = widgets.HBox([*self.buttons.values(), self.reset])
        title, subject = WORKFORCE.step(self.step.name).title, str(self.step.run.manifest["subject"])
        about = widgets.HTML(f"<b>{html.escape(title)}</b>: {html.escape(subject)}")
        choices = widgets.VBox(self._choices())
        parts = (about, choices, self.levers.view, self._foretold, buttons, self.work.view, self._checklist)
        self.view.children = parts
        self._foretell()
        checklist_view.refresh(self._checklist, self.step.run, self.step.year)

    def _choices(self) -> list[widgets.Widget]:
        """A choice for each line of the parameters cell: the run, and the year where the step has one; of several
        members, whose levers are shown; and a field for each parameter that only the cells of the notebook read.
        """
        step, manifest = self.step, self.step.run.manifest
        there = [row["run_id"] for row in step.run.ledger.runs() if row["status"] not in UNREADABLE]
        runs = list(dict.fromkeys([step.run.folder.name, *there]))
        options = {"run_dir": runs, WORKFORCE.period: manifest["periods"], MEMBER: step.scenarios}
        offered = _parameters(step)
        if self.levers.fields and len(step.scenarios) > 1 and MEMBER not in {one.name for one, _ in offered}:
            meaning = "whose levers are shown; the cells show every member"
            offered.append((Parameter(MEMBER, "str", "", meaning), step.scenario))
        made: list[widgets.Widget] = []
        for parameter, value in offered:
            name, said = parameter.name, {"description": parameter.name, "tooltip": parameter.help}
            if name in options:
                choice = widgets.Dropdown(options=options[name], value=value, **said)
                choice.observe(lambda change, name=name: self._move(name, change["new"]), "value")
            else:
                choice = FIELDS[parameter.type](value=value, **said)
                choice.observe(lambda change, name=name: step.variables.update({name: change["new"]}), "value")
            choice.style.description_width, choice.layout.width = "70px", "320px"
            made.append(widgets.HBox([choice, widgets.Label(parameter.help)]))
        return made

    def _move(self, name: str, value: Any) -> None:
        """Go where a choice says; where that cannot be, the panel stays and says why."""
        said, colour = "", INK
        try:
            self._go(name, value)
        except (OSError, PlanwiseError) as error:
            said, colour = str(error), BAD
        self._fill()
        self.work.say(said, colour)

    def _go(self, name: str, value: Any) -> None:
        step = self.step
        if name == WORKFORCE.period:
            step.move(step.run, value, step.scenario)
        elif name == MEMBER:
            step.move(step.run, step.year, value)
        else:
            self._open(step.run.ledger.folder(value))

    def _open(self, folder: Path) -> None:
        step = self.step
        there = Run(WORKFORCE, folder, step.run.ledger)
        periods = there.manifest["periods"]
        step.move(there, step.year if step.year in (None, *periods) else periods[0])

    def _on_lever(self) -> None:
        _worker().warm()
        self._foretell()

    def _foretell(self) -> None:
        """Say what the button will do, or why it will not."""
        faults = self.levers.faults()
        if faults:
            said = f"Nothing runs with a lever out of range: {'; '.join(faults)}."
        elif told := self.levers.told():
            of_all = f", for all {members} members of the run" if (members := len(self.step.scenarios)) > 1 else ""
            said = f"A child of this run runs from the beginning up to here, with {'; '.join(told)}{of_all}."
        elif self.step.key in self.step.checklist.done:
            said = "This step is done. Run it again, and a child of this run has it; this run stays as it is."
        else:
            said = self._refused() or "This step is next in this run."
        self._foretold.value = f'<div style="color:{BAD if faults else INK}">{html.escape(said)}</div>'

    def _refused(self) -> str:
        """Why this step alone cannot run now; empty where it can. The button that mends it is offered."""
        try:
            self.step.checklist.require(self.step.key)
        except ChecklistError as error:
            self._offer(BUTTONS[UPTO], lambda: self._begin(UPTO))
            return error.what
        return ""

    def _offer(self, said: tuple[str, str, str], mend: Callable[[], None]) -> None:
        """Offer a button that mends what was refused."""
        button = _button(*said)
        button.button_style = "warning"
        button.on_click(lambda _: mend())
        self.work.offer.children = (button,)

    def _begin(self, asks: str) -> None:
        """Begin what a button asks for; a trouble that shows at once is said, as a lever out of range is already."""
        if self.levers.faults():
            return
        step, keys = self.step, self.step.checklist.keys
        ordered = panel_orders.order(asks, step.run, step.key, self.levers.changes)
        self._enable(False)
        self._foretold.value = ""
        try:
            self.work.begin(ordered, keys[: keys.index(step.key) + 1], self._ended)
        except (OSError, PlanwiseError) as error:
            self.work.say(str(error), BAD)
            self._enable(True)
            if isinstance(error, BusyError):
                self._offer(STOP, _worker().stop)

    def _follow(self, folder: Path) -> None:
        """Let the checklist follow the run in which the work is done."""
        self._watched = Run(WORKFORCE, folder, self.step.run.ledger)

    def _ended(self, said: Said) -> None:
        """Show where the work led to, and offer what mends a refusal."""
        if said["message"] == DONE:
            self._open(Path(said["run"]))
            self._fill()
        elif said["message"] == STOPPED or said["error"] in RESUMED:
            self._open(self._watched.folder)
            self._fill()
            self._offer(("Go on to here", *BUTTONS[UPTO][1:]), lambda: self._begin(UPTO))
        elif said["error"] == ChecklistError.__name__:
            self._offer(BUTTONS[UPTO], lambda: self._begin(UPTO))
        self._enable(True)

    def _put_back(self) -> None:
        self.levers.reset()
        self.work.say("")

    def _enable(self, is_free: bool) -> None:
        for button in (*self.buttons.values(), self.reset):
            button.disabled = not is_free


def _button(words: str, icon: str, meaning: str) -> widgets.Button:
    return widgets.Button(description=words, icon=icon, tooltip=meaning)

"""The tab Auto-optimise: asks for a target, watches the search, and shows which levers reach it."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from planwise_nb.apps.dashboard import parts
from planwise_nb.apps.dashboard.children import Child
from planwise_nb.apps.dashboard.desk import Desk
from planwise_nb.workforce.drafts import Cell
from planwise_nb.workforce.tuning.convergence import chart
from planwise_nb.workforce.tuning.movable import STRATEGIES
from planwise_nb.workforce.tuning.tuning import RECORD
from planwise_nb.workforce.tuning.verdict import levers_told, verdict

LINES = 12
CHART_WIDTH = 520


class OptimiseTab:
    """The question, the search that this page started, and what it found, which ``take`` lays over its scenario."""

    def __init__(self, desk: Desk, take: Callable[[str, Mapping[Cell, Decimal]], bool]) -> None:
        self.desk, self.take = desk, take
        self.child: Child | None = None
        self.record: dict[str, Any] = {}
        self.message, self.watch, self.found = parts.text(""), parts.text(""), parts.text("")
        self.scenario = parts.scenarios(desk, "Scenario to tune", self.message)
        field = parts.labelled
        self.growth = field(
            widgets.BoundedFloatText(2.0, min=-100, max=200, step=0.1, description="Target growth of pay (% a year)")
        )
        self.by_growth = widgets.Checkbox(value=True, description="Aim at this growth", indent=False)
        self.iterations = field(widgets.BoundedIntText(10, min=1, max=100, description="Most iterations"))
        self.within = field(
            widgets.BoundedFloatText(0.1, min=0.01, max=10, step=0.05, description="Tolerance (percentage points)")
        )
        self.strategy = field(widgets.Dropdown(options=list(STRATEGIES), value="balanced", description="Strategy"))
        hint = "payroll<=60e6, level_share.5=0.04"
        self.further = field(widgets.Text(description="Further targets", placeholder=hint), "pw-wide")
        self.locks = field(widgets.Text(description="Locked levers", placeholder="level.5, cola_rate"), "pw-wide")
        self.years = field(widgets.Text(description="Years to tune", placeholder="as in the scenario"))
        self.census = field(widgets.Text(description="Census to tune", placeholder="as in the scenario"), "pw-wide")
        self.start_button = parts.button("Search", self._start, self.message, css="pw-primary")
        self.stop_button = parts.button("Stop", self._stop, self.message, css="pw-danger")
        tip = "Lay the levers found over the scenario"
        self.take_button = parts.button("Take into Parameters", self._take, self.message, tip=tip)
        self.box = self._layout()
        self._allow()
        self._task = parts.looking(self._look, self.message)

    def _layout(self) -> widgets.VBox:
        said = (
            "Looks for the levers that reach a target with the least change from today. Every candidate is simulated;"
            " the last one is a full run. Locked levers and bounds are kept. Nothing is saved unless you save it."
        )
        return widgets.VBox([
            parts.card(
                parts.heading("Auto-optimise", said),
                parts.row(self.scenario, self.growth, self.within, self.iterations, self.strategy),
                parts.row(self.by_growth, self.further, self.locks),
                parts.row(self.years, self.census, self.start_button, self.stop_button),
                self.message,
                self.watch,
            ),
            parts.card(parts.heading("What was found"), parts.row(self.take_button), self.found),
        ])  # fmt: skip

    def _start(self) -> None:
        if self.child is not None:  # a second click
            return
        points = Decimal(100)
        growth = [f"growth={Decimal(str(self.growth.value)) / points}"] if self.by_growth.value else []
        listed = {"--target": [*growth, *_listed(self.further.value)], "--lock": _listed(self.locks.value)}
        if not listed["--target"]:
            said = "No target is named: aim at a growth of pay, or name further targets."
            self.message.value = parts.notice("bad", said)
            return
        single = {
            "--tolerance": str(Decimal(str(self.within.value)) / points),
            "--max-iterations": str(self.iterations.value),
            "--strategy": str(self.strategy.value),
            "--years": self.years.value.strip(),
            "--census": self.census.value.strip(),
        }
        words = [f"{name}={value}" for name, values in listed.items() for value in values]
        words += [f"{name}={value}" for name, value in single.items() if value]
        self.child = Child("tune", [*words, "--", str(self.scenario.value)], project=self.desk.project.own,
                           out=self.desk.ledger.out)  # fmt: skip
        self.record, self.found.value = {}, ""
        self.message.value = parts.notice("note", "Searching. Each iteration simulates its candidates side by side.")
        self._allow()

    def _stop(self) -> None:
        if self.child is not None:
            self.child.stop()
            self.message.value = parts.notice("note", "Stopping.")

    def _take(self) -> None:
        """Lay what was found over its scenario, in the tab Parameters, where it can be changed and saved."""
        changes = {(name, year, level): Decimal(value) for name, year, level, value in self.record["changes"]}
        if self.take(self.record["scenario"], changes):
            said = "The levers found are laid over the scenario: see the tab Parameters, where they can be saved."
            self.message.value = parts.notice("good", said)
        else:
            said = "Changes in the tab Parameters are not saved: say there whether to leave them for the levers found."
            self.message.value = parts.notice("warn", said)

    def _look(self) -> None:
        """Show how far the search is, and what it found or why it was refused once it ended."""
        if (child := self.child) is None:
            return
        lines = html.escape("\n".join(child.report[-LINES:]))
        log = f'<pre tabindex="0" aria-label="How far the search is">{lines}</pre>'
        if self.watch.value != log:
            self.watch.value = log
        if child.is_alive:
            return
        self.child = None
        self._allow()
        if problems := child.refusal():
            self.message.value = parts.refused(problems)
        else:
            self._show(child.answer)

    def _show(self, answer: dict[str, Any]) -> None:
        """What the search found, and the run that confirms it."""
        self.record = json.loads((Path(answer["path"]) / RECORD).read_text(encoding="utf-8"))
        first, *others = verdict(self.record)
        items = "".join(f"<li>{html.escape(line)}</li>" for line in others)
        confirmed = f"<li>The full run of it is {html.escape(answer['run_id'])}: see the tab Results.</li>"
        kind = "good" if self.record["is_converged"] else "warn"
        told = f"<strong>{html.escape(first)}</strong><ul>{items}{confirmed}</ul>"
        self.message.value, self.watch.value = parts.notice(kind, told), ""
        self.found.value = _levers(self.record) + parts.picture(chart(self.record, width=CHART_WIDTH))
        self._allow()
        self.desk.tell()

    def _allow(self) -> None:
        is_searching = self.child is not None
        self.start_button.disabled, self.stop_button.disabled = is_searching, not is_searching
        self.take_button.disabled = is_searching or not self.record.get("changes")
        if not self.record:
            self.found.value = '<p class="pw-empty">No search yet.</p>'


def _listed(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def _levers(record: dict[str, Any]) -> str:
    """The levers today and as found, with their bounds."""
    return parts.sheet(levers_told(record["levers"]).rename(columns=str.capitalize), "Levers", css="pw-numbers")

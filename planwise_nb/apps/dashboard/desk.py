"""What one person works on: the scenario that is open, the changes not saved yet, and the runs. Nobody else sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cached_property
from types import MappingProxyType
from typing import Any

import pandas as pd

from planwise_nb.core.ledger import Ledger
from planwise_nb.core.project import Project
from planwise_nb.core.runs import Run
from planwise_nb.workforce import outlook
from planwise_nb.workforce.census import Census
from planwise_nb.workforce.drafts import Cell, Draft
from planwise_nb.workforce.inputs import Request, resolve
from planwise_nb.workforce.parameters import ResolvedScenario
from planwise_nb.workforce.pipeline import WORKFORCE
from planwise_nb.workforce.scenario_files import scenario_names
from planwise_nb.workforce.scenario_store import folders, open_scenario

REFERENCE = "baseline"


class Opened:
    """A scenario as its files state it, its parameters by cell, and its census once somebody asks for it."""

    def __init__(self, project: Project, name: str) -> None:
        self._project = project
        self.name = name
        self.scenario: ResolvedScenario = open_scenario(project, name)
        rows = outlook.planned_parameters([self.scenario]).to_dict("records")
        cells = [(_cell(row), row) for row in rows]
        self.values = {cell: Decimal(str(row["parameter_value"])) for cell, row in cells}
        self.sources = {cell: str(row["parameter_source"]) for cell, row in cells}
        self.locked = frozenset(cell for cell, row in cells if row["is_locked"])

    @property
    def years(self) -> range:
        """The simulated years."""
        return range(self.scenario.scenario.simulation.start_year, self.scenario.scenario.simulation.end_year + 1)

    @property
    def levels(self) -> list[int]:
        """The job levels."""
        return [level.level_id for level in self.scenario.tables.job_levels]

    @cached_property
    def census(self) -> Census:
        """Its people. Raises ``InputError`` where they are refused."""
        return resolve(self._project, Request(scenario=self.name)).census


def _cell(row: dict[Any, Any]) -> Cell:
    if pd.isna(row["level_id"]):
        return row["parameter_name"], None, None
    return row["parameter_name"], int(row["simulation_year"]), int(row["level_id"])


class Desk:
    """The state that the tabs share; ``changed`` callbacks, none of which may raise, hear of every change."""

    def __init__(self, project: Project, ledger: Ledger) -> None:
        self.project = project
        self.ledger = ledger
        self.changed: list[Callable[[], None]] = []
        self.changes: dict[Cell, Decimal] = {}
        self._listed = self.scenarios()
        self.opened = Opened(project, self._listed[0])

    def scenarios(self) -> list[str]:
        """The scenarios to choose from, the reference first."""
        names = scenario_names(folders(self.project))
        return sorted(names, key=lambda name: name != REFERENCE)

    def look(self) -> None:
        """Tell everyone where somebody saved a scenario or deleted one."""
        if (names := self.scenarios()) != self._listed:
            self._listed = names
            self.tell()

    def open(self, name: str, changes: Mapping[Cell, Decimal] = MappingProxyType({})) -> None:
        """Open a scenario anew, with ``changes`` and no others, but for cells that it locks or has not got.

        Raises ``InputError`` where it cannot be used.
        """
        self.opened = Opened(self.project, name)
        free = self.opened.values.keys() - self.opened.locked
        self.changes = {cell: value for cell, value in changes.items() if cell in free}
        self.tell()

    def change(self, cell: Cell, value: Decimal) -> None:
        """Change one cell, or take its change back; a locked one stays as it is."""
        if cell in self.opened.locked:
            return
        if value == self.opened.values[cell]:
            self.changes.pop(cell, None)
        else:
            self.changes[cell] = value
        self.tell()

    def value(self, cell: Cell) -> Decimal:
        """The value as changed."""
        return self.changes.get(cell, self.opened.values[cell])

    @property
    def draft(self) -> Draft:
        """The open scenario with its changes."""
        return Draft(self.opened.scenario, dict(self.changes))

    def run(self, run_id: str) -> Run:
        """A run. Raises ``InputError`` where there is none of that id."""
        return Run(WORKFORCE, self.ledger.folder(run_id), self.ledger)

    def tell(self) -> None:
        """Tell everyone that something changed."""
        for hear in self.changed:
            hear()

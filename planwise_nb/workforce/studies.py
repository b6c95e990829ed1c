"""What the notebook of a study starts from: a scenario with its inputs, or runs that exist."""

from __future__ import annotations

from pathlib import Path

from planwise_nb.core.display import enable_charts
from planwise_nb.core.location import find_project, find_run
from planwise_nb.workforce.inputs import Request, WorkforceInputs, resolve
from planwise_nb.workforce.pipeline import WORKFORCE


def open_scenario(scenario: str, first_year: int = 0, last_year: int = 0) -> WorkforceInputs:
    """The checked inputs of a scenario of the user's project; a year that is 0 is the scenario's own.

    Raises ``InputError`` as ``resolve`` does.
    """
    enable_charts()
    return resolve(find_project(), Request(scenario=scenario, settings=stated_years(first_year, last_year)))


def stated_years(first_year: int, last_year: int) -> list[str]:
    """The settings of a scenario that state the years; one that is 0 is not stated."""
    years = {"simulation.start_year": first_year, "simulation.end_year": last_year}
    return [f"{key}={year}" for key, year in years.items() if year]


def open_runs(runs: str = "") -> list[Path]:
    """The folders of runs, given by ids or folders that are separated by commas; empty: of the latest run.

    Raises ``InputError`` where one does not exist.
    """
    enable_charts()
    return [find_run(WORKFORCE, run.strip()).folder for run in runs.split(",")]

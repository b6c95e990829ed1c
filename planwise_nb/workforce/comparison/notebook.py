"""The names that the notebook of comparisons imports."""

from __future__ import annotations

from pathlib import Path

from planwise_nb.core import display
from planwise_nb.core.ledger import Ledger
from planwise_nb.core.location import find_project, out_folder
from planwise_nb.workforce import studies
from planwise_nb.workforce.comparison import bridge_charts, tables
from planwise_nb.workforce.comparison.explanation import Explanation, explain
from planwise_nb.workforce.comparison.sides import find_sides
from planwise_nb.workforce.inputs import Request, resolve

__all__ = ["bridge_charts", "compare", "tables"]


def compare(*names: str, first_year: int = 0, last_year: int = 0, census: str = "") -> Explanation:
    """What differs between ``names``: each a run id, the folder of a run, or a scenario, which is simulated now.

    Years of 0 and an empty census mean what the scenarios say. Raises ``InputError`` as ``planwise compare`` does.
    """
    display.enable_charts()
    stated = studies.stated_years(first_year, last_year)
    project, file = find_project(), Path(census) if census else None
    return explain(
        find_sides(
            names,
            Ledger(out_folder(Path.cwd())),
            lambda scenarios: resolve(project, Request(scenario=scenarios, settings=stated, census=file)),
        )
    )

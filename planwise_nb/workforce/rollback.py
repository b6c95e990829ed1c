"""Takes back what steps wrote, so that a run is as it was before them."""

from __future__ import annotations

import json
from pathlib import Path

from planwise_nb.core import store
from planwise_nb.core.manifest import write_json
from planwise_nb.core.pipeline import Key
from planwise_nb.core.runner import DIAGNOSTICS
from planwise_nb.workforce import models, publication
from planwise_nb.workforce.pipeline import WORKFORCE


def roll_back(folder: Path, key: Key) -> None:
    """Remove the rows, publications and diagnostics of ``key`` and of every step after it."""
    diagnostics = json.loads((folder / DIAGNOSTICS).read_text(encoding="utf-8"))["steps"]
    periods = sorted({entry["period"] for entry in diagnostics if entry["period"] is not None})
    order = list(WORKFORCE.keys(periods))
    taken = order[order.index(key) :] if key in order else []
    removed = [entry for entry in diagnostics if (entry["step"], entry["period"]) in taken]
    with store.connect(folder / models.DATABASE) as connection:
        there = {row[0] for row in connection.execute("show tables").fetchall()}
        for entry in removed:
            if entry["period"] is not None:
                for table in there.intersection(entry["tables"]):
                    connection.execute(f"delete from {table} where simulation_year = ?", [entry["period"]])  # noqa: S608
    for _, year in taken:
        if year is not None:
            publication.withdraw(folder, publication.EMPLOYEE_LEVEL, year)
    for entry in removed:
        if entry["period"] is not None:
            publication.withdraw(folder, list(entry["tables"]), entry["period"])
    write_json(folder / DIAGNOSTICS, {"steps": [entry for entry in diagnostics if entry not in removed]})

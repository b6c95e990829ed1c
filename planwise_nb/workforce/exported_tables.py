"""The published tables of a run as rows to export."""

from __future__ import annotations

from pathlib import Path

import duckdb

from planwise_nb.core import store
from planwise_nb.core.errors import InputError
from planwise_nb.workforce import publication
from planwise_nb.workforce.masking import masked

TABLES = (*publication.SMALL, *publication.EMPLOYEE_LEVEL, *publication.ENSEMBLE)
NUMBER = "employee_ssn"


def rows_of(
    connection: duckdb.DuckDBPyConnection, folder: Path, table: str, year: int | None = None
) -> duckdb.DuckDBPyRelation:
    """The rows of a published table of the run in ``folder``, of all years or one, social security numbers masked
    whatever the scenario says.

    Raises ``InputError`` for a table that runs do not publish, or that this one has not published for the year.
    """
    if table not in TABLES:
        raise InputError(f"Runs publish no table '{table}'.", fix=f"Name one of: {', '.join(TABLES)}.")
    publication.open_published(connection, folder)
    published = store.tables_of(connection)
    if table not in published:
        raise InputError(f"Run {folder.name} has not published {table} yet.", fix="Export it when a year is finished.")
    rows = connection.table(table)
    years = [row[0] for row in rows.project("simulation_year").distinct().order("all").fetchall()]
    if year is not None and year not in years:
        raise InputError(
            f"Run {folder.name} has no {table} of {year}.", fix=f"It has the years {', '.join(map(str, years))}."
        )
    of_year = rows if year is None else rows.filter(f"simulation_year = {int(year)}")
    masks = f"* replace ({masked(NUMBER)} as {NUMBER})"
    return of_year.project(masks) if NUMBER in rows.columns else of_year

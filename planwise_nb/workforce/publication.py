"""Publishes finished tables as Parquet by year, for everyone who may not open the database of a running run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import duckdb

from planwise_nb.core.errors import DamagedError
from planwise_nb.core.manifest import DRAFT, read_manifest
from planwise_nb.core.rollback import known_files

EXPORT = Path("export")

SMALL = (
    "int_effective_parameters",
    "int_workforce_requirements",
    "int_year_transition_checks",
    "int_workforce_baseline_checks",
    "int_workforce_requirements_checks",
    "int_event_generation_checks",
    "int_workforce_snapshot_checks",
    "fct_year_metrics",
    "fct_validation_results",
)
EMPLOYEE_LEVEL = (
    "int_baseline_workforce",
    "int_experienced_terminations",
    "int_hires",
    "int_new_hire_terminations",
    "int_promotions",
    "int_raises",
    "fct_yearly_events",
    "fct_workforce_snapshot",
)


ENSEMBLE = ("fct_ensemble_bands", "fct_band_widths", "fct_threshold_chances")
"""The tables of the last step, which are of all years."""


def publish(connection: duckdb.DuckDBPyConnection, tables: Sequence[str], year: int | None) -> None:
    """Write ``export/<table>/<year>.parquet`` for each table, ``all.parquet`` where ``year`` is None, sorted, by atomic
    rename. The run's folder is the working directory.
    """
    where = "true" if year is None else f"simulation_year = {int(year)}"
    for table in tables:
        target = EXPORT / table / f"{'all' if year is None else year}.parquet"
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}{DRAFT}")
        connection.execute(
            f"copy (from {table} where {where} order by {_order(connection, table)})"
            f" to '{draft.as_posix()}' (format parquet, compression zstd)"
        )
        draft.replace(target)


_KEYS = (
    "scenario_id",
    "employee_id",
    "event_sequence",
    "parameter_name",
    "level_id",
    "step",
    "check_name",
    "simulation_year",
    "metric",
    "members",
    "threshold",
)


def _order(connection: duckdb.DuckDBPyConnection, table: str) -> str:
    columns = [row[0] for row in connection.execute(f"describe {table}").fetchall()]
    return ", ".join(key for key in _KEYS if key in columns)


def open_published(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Make a view of every table that a finished step of the run in ``folder`` published.

    What an unfinished step left is no result. Raises ``DamagedError`` as ``published_files`` does.
    """
    recorded = known_files(read_manifest(folder))
    for table in (*SMALL, *EMPLOYEE_LEVEL, *ENSEMBLE):
        if known := published_files(folder, table, recorded):
            connection.read_parquet(known).create_view(table)


def published_files(folder: Path, table: str, recorded: Iterable[str]) -> list[str]:
    """The files of ``table`` that are among the ``recorded`` ones of the run in ``folder``.

    Raises ``DamagedError`` where one of them is not there: what is left of them would tell something else.
    """
    names = sorted(name for name in recorded if name.rpartition("/")[0] == f"{EXPORT}/{table}")
    if lost := next((name for name in names if not (folder / name).is_file()), None):
        fix = f"See what is damaged: planwise verify {folder.name}; then put it back, or run again."
        raise DamagedError(f"Run {folder.name} lacks {lost}, which it has written.", fix=fix)
    return [str(folder / name) for name in names]

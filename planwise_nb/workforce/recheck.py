"""Runs every check of a run again, on a copy of it: the run is not changed."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planwise_nb.core import store
from planwise_nb.core.changes import STARTED_FROM, find_source_changes
from planwise_nb.core.errors import BusyError
from planwise_nb.core.holder import holder
from planwise_nb.core.runs import Run
from planwise_nb.core.verification import Finding, verify
from planwise_nb.workforce import models
from planwise_nb.workforce.pipeline import WORKFORCE

RESULTS = "fct_validation_results"
"""Gathers the checks of all steps of a year, once it is there."""

COPIED = (*STARTED_FROM, "compiled", store.DATABASE)


@dataclass(frozen=True)
class Rechecked:
    """How many ``checks`` of the steps and data ``tests`` of the models ran, and what does not hold."""

    checks: int
    tests: int
    findings: tuple[Finding, ...]


def recheck(run: Run) -> Rechecked:
    """Verify the trail of ``run``, look for changes since it started, build the checks of all finished steps anew and
    test the tables.

    Raises ``BusyError`` while somebody runs it.
    """
    if (runner := holder(run.folder)) is not None:
        raise BusyError(f"Run {run.folder.name} is running: {runner}.", fix="Wait until it ends.")
    manifest = run.manifest
    findings = verify(run.pipeline, run.folder, manifest, allow_leftovers=manifest["status"] != "success")
    findings += [Finding(change.path, change.what) for change in find_source_changes(run.folder, manifest)]
    checks = tests = 0
    with copied(run.folder):
        for year in manifest["periods"]:
            tables = [table for record in manifest["steps"] if record["period"] == year for table in record["tables"]]
            if tables:
                rows = _checks(tables, year)
                outcomes = models.test(tables, year)
                checks, tests = checks + len(rows), tests + len(outcomes)
                findings += _broken(rows, year)
                findings += [Finding(f"data test {name} {year}", said) for name, said in outcomes.items() if said]
    return Rechecked(checks, tests, tuple(findings))


@contextmanager
def copied(folder: Path) -> Iterator[None]:
    """Work in a copy of what the models of the run in ``folder`` read and write."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as place:
        for name in COPIED:
            source = folder / name
            if source.is_dir():
                shutil.copytree(source, Path(place) / name)
            elif source.is_file():
                shutil.copy(source, place)
        for path in Path(place).rglob("*"):  # a run that may only be read is copied with its permissions
            path.chmod(path.stat().st_mode | stat.S_IRWXU)
        os.chdir(place)
        try:
            yield
        finally:
            os.chdir(before)


def _checks(tables: list[str], year: int) -> list[dict[str, Any]]:
    """Build the tables of checks among ``tables`` anew; their rows of the year."""
    named = [table for table in tables if table.endswith("_checks") or table == RESULTS]
    models.build_tables(named, year)
    read = [RESULTS] if RESULTS in named else named
    columns = "check_name, severity, expected, found, offender_sample, is_passed"
    rows = []
    with store.connect(Path(store.DATABASE), read_only=True) as connection:
        for table in read:
            query = f"select {columns} from {table} where {WORKFORCE.period_column} = ? order by all"  # noqa: S608
            found = connection.execute(query, [year])
            names = [column[0] for column in found.description]
            rows += [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    return rows


def _broken(rows: list[dict[str, Any]], year: int) -> list[Finding]:
    return [
        Finding(
            f"check {row['check_name']} {year}",
            f"expected {row['expected']}, found {row['found']}"
            + (f" ({row['offender_sample']})" if row["offender_sample"] else ""),
        )
        for row in rows
        if row["severity"] == "error" and not row["is_passed"]
    ]

"""Copies of a finished run, to change: real files, without the minutes of another run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from planwise_nb.apps.cli import app
from planwise_nb.core import store
from planwise_nb.core.ledger import Ledger
from planwise_nb.core.manifest import read_manifest, write_json
from planwise_nb.core.runs import Run
from planwise_nb.workforce import publication


def copy_of(run: Run, out: Path, run_id: str = "20300101-000000-aaaaaaaa", **changes: Any) -> Path:
    """A copy of ``run`` below ``out`` under another id, with ``changes`` of its manifest."""
    manifest = read_manifest(run.folder) | {"run_id": run_id} | changes
    folder = out / manifest["subject"] / run_id
    shutil.copytree(run.folder, folder, ignore=shutil.ignore_patterns("target", "simulation.duckdb"))
    write_json(folder / "manifest.json", manifest)
    return folder


def whole_copy(run: Run, out: Path) -> Run:
    """A copy of ``run`` below ``out``, equal to it and with its database, to tamper with or to go on in."""
    folder = out / run.manifest["subject"] / run.folder.name
    shutil.copytree(run.folder, folder)
    return Run(run.pipeline, folder, Ledger(out))


def cut(run: Run, steps: int) -> Run:
    """``run`` as it was when its first ``steps`` steps were done, and a runner died in the next."""
    run.update(status="running", finished_at=None, steps=run.manifest["steps"][:steps])
    return run


def change_tables(folder: Path, select: str, *, having: str) -> None:
    """Write every published table that has the column ``having``, and the census, again as ``select``."""
    files = [*folder.glob("export/*/*.parquet"), folder / "inputs" / "census.parquet"]
    for file in files:
        with store.connect() as connection:
            rows = connection.read_parquet([str(file)])
            if having in rows.columns:
                connection.execute(f"create table changed as {select.format(rows='rows')}")
                connection.table("changed").write_parquet(str(file))


def withdraw_year(folder: Path, year: int) -> None:
    """The run as it was while that year ran: its small tables are published, those of its people are not."""
    for table in publication.EMPLOYEE_LEVEL:
        withdraw(folder, f"{table}/{year}.parquet")


def withdraw(folder: Path, pattern: str) -> None:
    """The run as it was before it published the files of ``pattern``, such as ``*/2026.parquet``."""
    manifest = read_manifest(folder)
    for file in folder.glob(f"export/{pattern}"):
        file.unlink()
        for record in manifest["steps"]:
            record["files"].pop(file.relative_to(folder).as_posix(), None)
    write_json(folder / "manifest.json", manifest)


def command(*words: str | Path) -> tuple[int, str, str]:
    """Call ``planwise`` in this process: exit code, standard output, standard error."""
    done = CliRunner().invoke(app, list(map(str, words)))
    return done.exit_code, done.stdout, done.stderr


def answer(*words: str | Path) -> dict[str, Any]:
    """The JSON object of a ``planwise`` command."""
    found: dict[str, Any] = json.loads(command(*words, "--json")[1])
    return found

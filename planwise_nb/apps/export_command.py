"""``planwise export``: a table of a run as a file for other programs."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from planwise_nb.apps.answers import OUT, AsJson, Out, find, outside_runs, print_json, reported, since


def export(  # noqa: PLR0917 - one argument an option of the command line
    run_id: str,
    file: Annotated[Path, typer.Argument(help="A .csv, .xlsx or .parquet file.")],
    table: Annotated[str, typer.Option(help="A table that the run has published.")] = "fct_year_metrics",
    year: Annotated[int | None, typer.Option(help="The rows of this year only.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over an existing file.")] = False,
    out: Out = OUT,
    as_json: AsJson = False,
) -> None:
    """Write a table of a run to a file that is safe to open in a spreadsheet."""
    from planwise_nb.core import store  # noqa: PLC0415 - --help stays fast
    from planwise_nb.core.exports import export as write  # noqa: PLC0415
    from planwise_nb.workforce.exported_tables import rows_of  # noqa: PLC0415

    began = time.monotonic()
    with reported(as_json, began), store.connect() as connection:
        found = find(out, run_id)
        outside_runs(file)
        done = write(connection, rows_of(connection, found.folder, table, year), file, force=force)
        if done.cut_cells:
            print(f"Warning: {done.cut_cells:,} cells are too long for Excel and are cut.", file=sys.stderr)
        if as_json:
            print_json({"run_id": run_id, "status": "done", "path": str(found.folder), "file": str(file.resolve()),
                        "rows": done.rows, "cut_cells": done.cut_cells, "seconds": since(began)})  # fmt: skip
        else:
            print(f"{file}: {done.rows:,} rows of {table}.")

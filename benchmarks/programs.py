"""The programs that are measured, each a process of its own: ``python -m benchmarks.programs NAME ARGUMENT…``."""

from __future__ import annotations

import sys
import tempfile
from contextlib import chdir
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat

if TYPE_CHECKING:
    from planwise_nb.workforce.inputs import WorkforceInputs

USUAL_IMPORTS = """
import altair
import dbt.cli.main
import duckdb
import ipywidgets
import pandas
import sql.magic
"""
KERNELS = {"plain": "python3", "forked": "planwise"}


def notebooks(kind: str, count: str) -> None:
    """Execute so many trivial notebooks with the usual imports: by papermill as it is, or with forked kernels."""
    from planwise_nb.core import kernels  # noqa: PLC0415

    cells = [nbformat.v4.new_code_cell(USUAL_IMPORTS), *(nbformat.v4.new_code_cell(f"{n} + {n}") for n in range(5))]
    with tempfile.TemporaryDirectory() as place:
        source = Path(place) / "trivial.ipynb"
        notebook = nbformat.v4.new_notebook(cells=cells)
        notebook.metadata.kernelspec = {"name": KERNELS[kind], "display_name": kind, "language": "python"}
        nbformat.write(notebook, source)
        if kind == "forked":
            kernels.prepare()
        for number in range(int(count)):
            target = str(Path(place) / f"{number}.ipynb")
            _papermill(kind, str(source), target, place)


def _papermill(kind: str, source: str, target: str, place: str) -> None:
    import papermill  # noqa: PLC0415

    from planwise_nb.core.kernels import kernel_settings  # noqa: PLC0415

    if kind == "plain":
        papermill.execute_notebook(source, target, progress_bar=False, cwd=place)
        return
    papermill.execute_notebook(
        source, target, engine_name="planwise", progress_bar=False, cwd=place, folder=place,
        on_progress=lambda part, what: None, config=kernel_settings(),
    )  # fmt: skip


def models(census: str, years: str, folder: str) -> None:
    """Let dbt build the models of all years, in one process and a call a year: no notebooks, no records."""
    from planwise_nb.workforce.models import build_years_by_dbt  # noqa: PLC0415

    inputs = _inputs(census, years)
    place = Path(folder)
    place.mkdir(parents=True)
    inputs.write(place)
    with chdir(place):
        build_years_by_dbt(inputs.periods)


def _inputs(census: str, years: str) -> WorkforceInputs:
    from planwise_nb.core.project import Project, shipped  # noqa: PLC0415
    from planwise_nb.workforce.inputs import Request, resolve  # noqa: PLC0415

    return resolve(Project(shipped()), Request(census=Path(census), years=(2025, 2024 + int(years))))


def script(census: str, years: str, folder: str) -> None:
    """Run ``simulation.sql``, which is the same arithmetic by hand, for all years in one process."""
    from planwise_nb.core import store  # noqa: PLC0415

    inputs = _inputs(census, years)
    place = Path(folder)
    place.mkdir(parents=True)
    inputs.write(place)
    first, each_year = (Path(__file__).parent / "simulation.sql").read_text(encoding="utf-8").split("-- year\n")
    with chdir(place), store.connect(Path(store.DATABASE)) as connection:
        connection.execute("set preserve_insertion_order = false")
        connection.execute(first)
        for year in inputs.periods:
            connection.execute(f"set variable year = {year}; {each_year}")


def census(source: str, rows: str, target: str) -> None:
    """Write ``source`` as often as it takes for so many rows, with other employee numbers, as Parquet."""
    from planwise_nb.core import store  # noqa: PLC0415

    with store.connect() as connection:
        people = connection.read_parquet(source)
        copies = -(-int(rows) // len(people))
        numbered = "* replace (employee_id || '_' || copy as employee_id)"
        scaled = people.query(
            "people", f"select {numbered} from people, range({copies}) as copies(copy) limit {int(rows)}"
        )
        scaled.write_parquet(target)


def main() -> None:
    """Run the program that is named."""
    name, *arguments = sys.argv[1:]
    {"notebooks": notebooks, "models": models, "script": script, "census": census}[name](*arguments)


if __name__ == "__main__":
    main()

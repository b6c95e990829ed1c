"""``planwise sensitivity``: which lever of a scenario moves a metric most."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from planwise_nb.apps import input_options as given
from planwise_nb.apps.answers import AsJson, free_folder, json_rows, print_json, project, reported, since
from planwise_nb.apps.new_run import tell_valid, tell_warnings

if TYPE_CHECKING:
    from planwise_nb.workforce.sensitivity import Sensitivity
    from planwise_nb.workforce.sobol import Indices


@given.takes_inputs
def sensitivity(  # noqa: PLR0917 - one argument an option of the command line
    context: typer.Context,
    scenario: given.Scenario = "baseline",
    metric: Annotated[str, typer.Option(help="A number of fct_year_metrics.")] = "payroll",
    metric_year: Annotated[int | None, typer.Option(help="The metric of this year; else of the last.")] = None,
    lever: Annotated[list[str] | None, typer.Option(help="This lever only; again: these.")] = None,
    step: Annotated[list[str] | None, typer.Option(help="lever=size: 0.01 of rates, 0.05 of factors else.")] = None,
    by_level: Annotated[bool, typer.Option("--by-level", help="Move each level of a lever on its own.")] = False,
    sobol: Annotated[int | None, typer.Option(metavar="N", help="Sobol indices too, a power of two: 64.")] = None,
    to: Annotated[Path | None, typer.Option(metavar="DIR", help="Write a page and CSV tables there.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over what is there.")] = False,
    validate_only: given.ValidateOnly = False,
    as_json: AsJson = False,
) -> None:
    """Move each lever one step down and one step up, in one pass, and tell which moves the metric most."""
    began = time.monotonic()
    with reported(as_json, began):
        from planwise_nb.workforce import sensitivity as study  # noqa: PLC0415 - --help stays fast
        from planwise_nb.workforce.inputs import resolve  # noqa: PLC0415
        from planwise_nb.workforce.sobol import required_samples, sobol_indices  # noqa: PLC0415

        given.limit_memory(context)
        question = study.Question.read(metric, metric_year, lever or (), step or (), by_level)
        samples = None if sobol is None else required_samples(sobol)
        target = None if to is None else free_folder(to, force)
        inputs = resolve(project(), given.request(context))
        tell_warnings(inputs)
        study.required_year(inputs, question)
        if validate_only:
            tell_valid(inputs, as_json, began)
            return
        indices = sobol_indices(inputs, question, samples, on_progress=_tell) if samples else None
        found = study.sensitivity(inputs, question, on_progress=_tell)
        files = [] if target is None else _write(target, found, indices)
        _answer(found, indices, files, as_json, began)


def _tell(part: float, what: str) -> None:
    print(f"Simulating {what}, {part:.0%} done", file=sys.stderr)


def _write(folder: Path, found: Sensitivity, indices: Indices | None) -> list[Path]:
    """The page and the tables, in ``folder``."""
    from planwise_nb.core.exports import export_frame  # noqa: PLC0415 - --help stays fast
    from planwise_nb.core.pages import write_page  # noqa: PLC0415
    from planwise_nb.workforce.tornado import study_page  # noqa: PLC0415

    folder.mkdir(parents=True, exist_ok=True)
    page, *tables = [folder / name for name in ("sensitivity.html", "sensitivity.csv", "sobol.csv")]
    write_page(page, *study_page(found, indices))
    frames = [found.effects, *([indices.indices] if indices else [])]
    written = zip(frames, tables, strict=False)
    return [page, *(export_frame(frame, file, force=True) for frame, file in written)]


def _answer(found: Sensitivity, indices: Indices | None, files: list[Path], as_json: bool, began: float) -> None:
    from planwise_nb.workforce.sobol_view import indices_table  # noqa: PLC0415 - --help stays fast
    from planwise_nb.workforce.tornado import effects_table  # noqa: PLC0415

    if as_json:
        more = {"sobol": {"members": indices.members, "indices": json_rows(indices.indices)}} if indices else {}
        print_json({"status": "done", "scenario": found.scenario_id, "metric": found.metric, "year": found.year,
                    "levers": json_rows(found.effects), **more,
                    "files": [str(file.resolve()) for file in files], "seconds": since(began)})  # fmt: skip
        return
    print(effects_table(found))
    if indices:
        print(f"\n{indices_table(indices)}")
    for file in files:
        print(file)

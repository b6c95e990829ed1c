"""How a tuning is executed: by the papermill chain, else by the models in this process, else by plain dbt."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Generic, TypeVar

from planwise_nb.core import store
from planwise_nb.core.errors import InputError, PlanwiseError
from planwise_nb.core.kernels import execute
from planwise_nb.core.manifest import write_json
from planwise_nb.core.notebooks import check_parameters
from planwise_nb.core.runs import Run
from planwise_nb.workforce import models
from planwise_nb.workforce.drafts import laid_over
from planwise_nb.workforce.inputs import WorkforceInputs
from planwise_nb.workforce.trials import Build, Progress, simulated
from planwise_nb.workforce.tuning.request import REQUEST, TuningRequest
from planwise_nb.workforce.tuning.tuning import METRICS, RECORD, Tuning, measure

NOTEBOOK = "tune.ipynb"
SUBJECT = "tune"
CHAIN, MODELS, DBT = "papermill chain", "in-process models", "plain dbt"
BUILDS: Mapping[str, Build] = {MODELS: models.build_years, DBT: models.build_years_by_dbt}
"""The ways below the papermill chain, in the order in which they are tried."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class Executed(Generic[Result]):
    """What came of it, which way did it, and of each way before it why it did not."""

    result: Result
    way: str
    failures: tuple[str, ...] = ()


def first_that_works(ways: Mapping[str, Callable[[], Result]]) -> Executed[Result]:
    """Try ``ways`` in their order. Raises what the last one raised where none works, and ``InputError`` at once: what
    is wrong with the input is wrong every way.
    """
    failures: list[str] = []
    for place, (way, attempt) in enumerate(ways.items(), start=1):
        try:
            return Executed(attempt(), way, tuple(failures))
        except InputError:
            raise
        except PlanwiseError as error:
            if place == len(ways):
                raise
            failures.append(f"{way}: {error}")
    raise ValueError("no way is given")


@dataclass(frozen=True)
class Found:
    """What a search found: its record, and the inputs of the run that simulates it in full, which keep the search."""

    record: dict[str, Any]
    inputs: WorkforceInputs


def search(inputs: WorkforceInputs, request: TuningRequest, folder: Path, on_progress: Progress) -> Executed[Found]:
    """Search in the empty ``folder``, which must stay until the found inputs are written. The record says which way it
    was done, and why not another.
    """
    inputs.write(folder)
    request.write(folder)
    notebook = shutil.copyfile(inputs.project.find(f"notebooks/{NOTEBOOK}"), folder / NOTEBOOK)
    target = folder / "inputs" / NOTEBOOK
    parameters = check_parameters(notebook, {"run_dir": "."})

    by_build = {way: _search_by(build, folder, on_progress) for way, build in BUILDS.items()}
    by_chain: Mapping[str, Callable[[], object]] = {
        CHAIN: lambda: execute(notebook, target, parameters, folder, on_progress)
    }
    done = first_that_works({**by_chain, **by_build})
    failures = tuple(failure.replace(f"{folder}{os.sep}", "") for failure in done.failures)
    record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    record |= {"executed_by": done.way, "failures": failures}
    write_json(folder / RECORD, record)
    changes = {(name, year, level): Decimal(value) for name, year, level, value in record["changes"]}
    base = inputs.members[0]
    kept = (folder / RECORD, folder / REQUEST, folder / METRICS, target)
    tuned = replace(
        inputs,
        subject=SUBJECT,
        members=(laid_over(base, changes, f"{base.scenario_id}~tuned"),),
        attachments=tuple(path for path in kept if path.is_file()),
    )
    return Executed(Found(record, tuned), done.way, failures)


def _search_by(build: Build, folder: Path, on_progress: Progress) -> Callable[[], None]:
    return lambda: Tuning(folder, build).run(on_progress)


def confirm(found: Found, run: Callable[[], Run], on_progress: Progress) -> Executed[dict[str, float]]:
    """What the full simulation of the found candidate measures, by the name of each target: ``run`` makes it a run by
    the papermill chain."""

    def by_chain() -> dict[str, float]:
        done = run()
        with store.connect(done.folder / store.DATABASE, read_only=True) as connection:
            return _achieved(connection, done.folder)

    def by_build(build: Build) -> dict[str, float]:
        with tempfile.TemporaryDirectory(prefix="planwise-") as place:
            folder = Path(place)
            found.inputs.write(folder)
            with simulated(folder, found.inputs.periods, build=build, on_progress=on_progress) as connection:
                return _achieved(connection, folder)

    return first_that_works({CHAIN: by_chain, **{way: _bound(by_build, build) for way, build in BUILDS.items()}})


def _bound(simulate: Callable[[Build], Result], build: Build) -> Callable[[], Result]:
    return lambda: simulate(build)


def _achieved(connection: Any, folder: Path) -> dict[str, float]:
    request = TuningRequest.read(folder)
    metrics = (folder / METRICS).read_text(encoding="utf-8")
    measured = measure(connection, request, metrics)
    return {target.name: value for (_, place), value in sorted(measured.items(), key=lambda item: item[0][1])
            for target in (request.targets[place],)}  # fmt: skip

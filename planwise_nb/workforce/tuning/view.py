"""What the notebook of a tuning shows: the question, the search as it goes, each iteration, and what was found."""

from __future__ import annotations

import json
import os
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
from altair.typing import ChartType
from IPython.display import Markdown, display

from planwise_nb.core import display as shown
from planwise_nb.core.errors import InputError
from planwise_nb.core.holder import serve_runner
from planwise_nb.core.kernels import STEP_RESULT
from planwise_nb.core.location import find_project, find_run, is_executing
from planwise_nb.core.processes import peak_memory_mb
from planwise_nb.workforce.inputs import Request, resolve
from planwise_nb.workforce.pipeline import WORKFORCE
from planwise_nb.workforce.tuning import convergence
from planwise_nb.workforce.tuning.request import REQUEST, read_request
from planwise_nb.workforce.tuning.tuning import RECORD, Tuning
from planwise_nb.workforce.tuning.verdict import levers_table, one_value, verdict


def open_tuning(  # noqa: PLR0917 - the parameters of its notebook
    run_dir: str, scenario: str, target: str, tolerance: float, max_iterations: int, strategy: str, lock: str
) -> TuningView:
    """Open the tuning of the run ``run_dir``, an id or a folder; where that is empty, a new one of ``scenario``, for
    the targets, and with the locks, that ``target`` and ``lock`` name with commas between them.

    Raises ``InputError`` for a run without a tuning, and for a scenario or a target that cannot be used.
    """
    shown.enable_charts()
    if run_dir:
        folder = Path(run_dir).resolve() if is_executing() else find_run(WORKFORCE, run_dir).folder
        if not (folder / REQUEST).is_file():
            raise InputError(f"{folder.name} holds no tuning.", fix="Name a run that planwise tune made, or none.")
        if is_executing():
            os.chdir(folder)
            serve_runner(folder)
        return TuningView(folder)
    place = tempfile.TemporaryDirectory(prefix="planwise-tuning-")
    inputs = resolve(find_project(), Request(scenario=scenario))
    inputs.write(Path(place.name))
    locks = [name.strip() for name in lock.split(",") if name.strip()]
    targets = [name.strip() for name in target.split(",") if name.strip()]
    request = read_request(
        inputs, targets, tolerance=Decimal(str(tolerance)), iterations=max_iterations, strategy=strategy, locks=locks
    )
    request.write(Path(place.name))
    return TuningView(Path(place.name), place)


class TuningView:
    """One tuning as its notebook sees it; ``record`` is what its search left."""

    def __init__(self, folder: Path, place: tempfile.TemporaryDirectory[str] | None = None) -> None:
        self._place = place  # a new tuning keeps its folder as long as its notebook
        self.folder = folder
        self.tuning = Tuning(folder)
        self.record: dict[str, Any] = {}
        self._kept: dict[str, Any] = _read(folder) if (folder / RECORD).is_file() else {}

    def question(self) -> shown.Table:
        """The targets: what shall be reached, how close, and how much it matters."""
        targets = self.tuning.request.targets
        rows = [
            (
                target.name,
                _years(target.years),
                f"{target.relation} {float(target.value):,.10g}",
                f"{float(target.tolerance):,.10g}" if target.relation == "=" else shown.MISSING,
                target.priority,
            )
            for target in targets
        ]
        return shown.table(
            pd.DataFrame(rows, columns=["target", "mean of", "wanted", "tolerance", "priority"]),
            caption=f"Targets of {self._kept.get('scenario', self.tuning.scenario)}",
            right=("wanted", "tolerance"),
        )

    def levers(self) -> shown.Table:
        """The levers: where they are today, how far they may go, and what the search found."""
        if self.record:
            return levers_table(self.record["levers"])
        return levers_table(self._kept.get("levers") or self.tuning.lever_rows(), is_found=False)

    def search(self) -> None:
        """Search, or read what a search left here: one that is done stays as it is."""
        if not self._kept:
            self.tuning.run(shown.tell_progress)
        self.record = self._kept = _read(self.folder)

    def iterations(self) -> shown.Table:
        """One row per iteration: how many candidates it simulated, and the best so far with its gap to each target."""
        trials = pd.DataFrame(self.record["trials"])
        rows = []
        for number, of_iteration in trials.groupby("iteration"):
            best = trials[(trials["iteration"] <= number) & trials["is_best"]].iloc[-1]
            found = dict(zip(self._names, best["measured"], strict=True))
            gaps = {
                f"{target['target']}, gap": found[target["target"]] - target["value"]
                for target in self.record["targets"]
            }
            rows.append({"iteration": number, "candidates": len(of_iteration), **found, **gaps})
        return shown.table(pd.DataFrame(rows), caption="Iterations")

    def trials(self) -> shown.Table:
        """One row per candidate that was simulated: what it reached, and its levers."""
        rows = [
            {"iteration": trial["iteration"], "best": "•" if trial["is_best"] else ""}
            | dict(zip(self._names, trial["measured"], strict=True))
            | self._by_lever(trial["levers"])
            for trial in self.record["trials"]
        ]
        levers = [lever["lever"] for lever in self.record["levers"]]
        return shown.table(pd.DataFrame(rows), caption="Candidates", right=levers)

    def convergence(self) -> ChartType:
        """How the search came to each target: every candidate, and the best so far."""
        return convergence.chart(self.record)

    def verdict(self) -> Markdown:
        """Whether the targets are reached, and if not, how near the levers come and what binds them."""
        return Markdown("\n".join(f"- {line}" for line in verdict(self.record)))

    def complete(self) -> None:
        """Hand over to the runner."""
        said = "The search is over."
        of_this_machine = {STEP_RESULT: {"peak_memory_mb": peak_memory_mb()}}
        result: dict[str, Any] = {"tables": {}, "checks": []}
        display({"text/plain": said, STEP_RESULT: result}, raw=True, metadata=of_this_machine)

    def _by_lever(self, values: dict[str, Any]) -> dict[str, str]:
        found: dict[str, str] = {}
        for lever in self.record["levers"]:
            name, _, level = lever["lever"].partition(".")
            value = values[name]
            found[lever["lever"]] = one_value(value[level] if level and isinstance(value, dict) else value)
        return found

    @property
    def _names(self) -> list[str]:
        return [target["target"] for target in self.record["targets"]]


def _read(folder: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    return record


def _years(years: tuple[int, ...]) -> str:
    return str(years[0]) if len(years) == 1 else f"{years[0]}-{years[-1]}"

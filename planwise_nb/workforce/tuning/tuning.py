"""A tuning: what is asked of it, how its search goes, and the record that it leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from planwise_nb.core.errors import InputError
from planwise_nb.core.manifest import write_json
from planwise_nb.workforce import dbt_project, models
from planwise_nb.workforce.drafts import Cell
from planwise_nb.workforce.figures import plain
from planwise_nb.workforce.outlook import parameters_of
from planwise_nb.workforce.trials import Build, Variant, simulated
from planwise_nb.workforce.tuning.movable import BOUNDS, OTHER_COST, STRATEGIES, movables
from planwise_nb.workforce.tuning.request import TuningRequest
from planwise_nb.workforce.tuning.search import Problem, Search, Trial, Vector
from planwise_nb.workforce.tuning.targets import PRIORITIES

RECORD = Path("inputs/tuning.json")
METRICS = Path("inputs/target_metrics.sql")
"""The SQL that measures what is aimed at."""

_AT_BOUND = 1e-6
_SENSES = {"=": 0.0, "<=": 1.0, ">=": -1.0}
_MEASURED = """
    select
        measured.scenario_id,
        wanted.place,
        cast(round(avg(measured.measured_value), 9) as decimal(27, 9)) as measured_value,
    from ({metrics}) as measured
    inner join wanted on measured.metric = wanted.metric and measured.simulation_year = wanted.simulation_year
    group by measured.scenario_id, wanted.place, wanted.years
    having count(measured.measured_value) = wanted.years
"""
"""A mean of years has a value where each of them has one."""


class Tuning:
    """The search for levers of the first scenario in ``folder``, where a run's inputs and a request lie."""

    def __init__(self, folder: Path, build: Build = models.build_years) -> None:
        self.folder = folder.resolve()
        self.build = build
        self.request = TuningRequest.read(self.folder)
        self.strategy = STRATEGIES[self.request.strategy]
        today = parameters_of(self.folder)
        first = today[today["scenario_id"] == today["scenario_id"].iloc[0]]
        self.scenario = str(first["scenario_id"].iloc[0])
        self.levers = movables(first, self.strategy, self.request.bounds, self.request.locks)
        self.search = Search(self._problem())
        with chdir(self.folder):
            analyses = {model.name: model.sql for model in dbt_project.compiled()}
        self.metrics = analyses["target_metrics"].strip()

    def _problem(self) -> Problem:
        targets = self.request.targets
        ends = np.array([lever.ends for lever in self.levers])
        return Problem(
            lowest=ends[:, 0],
            highest=ends[:, 1],
            cost=np.array([self.strategy.costs.get(lever.name, OTHER_COST) for lever in self.levers]),
            kind=np.array([list(BOUNDS).index(lever.name) for lever in self.levers]),
            step=self.strategy.step,
            value=np.array([float(target.value) for target in targets]),
            tolerance=np.array([float(target.tolerance) for target in targets]),
            sense=np.array([_SENSES[target.relation] for target in targets]),
            weight=np.array([PRIORITIES[target.priority] for target in targets]),
        )

    def run(self, on_progress: Callable[[float, str], None] = lambda part, what: None) -> None:
        """Search, and write the record. ``on_progress`` hears the part of the iterations that is done at most.

        Raises ``InputError`` where a target measures nobody, ``ModelError`` where a model fails.
        """
        most = self.request.iterations
        for iteration in self.search.run(self._evaluate(on_progress), most):
            on_progress(iteration / most, f"iteration {iteration}")
        (self.folder / METRICS).write_text(self.metrics + "\n", encoding="utf-8", newline="\n")
        write_json(self.folder / RECORD, self.record)

    def _evaluate(self, on_progress: Callable[[float, str], None]) -> Callable[[list[Vector]], list[Vector]]:
        def evaluate(moves: list[Vector]) -> list[Vector]:
            done = len({trial.iteration for trial in self.search.trials})
            variants = [
                Variant(f"{self.scenario}~trial={number}", dict(self.values(move)))
                for number, move in enumerate(moves, start=1)
            ]
            part = 1 / self.request.iterations
            counted = "1 candidate" if len(moves) == 1 else f"{len(moves)} candidates"

            def tell(share: float, year: str) -> None:
                on_progress((done + share) * part, f"iteration {done + 1}, {counted}, {year}")

            years = self.request.years
            with simulated(self.folder, years, variants, build=self.build, on_progress=tell) as connection:
                measured = measure(connection, self.request, self.metrics)
            found = [np.array([measured.get((v.name, place), np.nan) for place in self._places]) for v in variants]
            if not done and np.isnan(found[0]).any():
                lost = self.request.targets[int(np.flatnonzero(np.isnan(found[0]))[0])]
                raise InputError(
                    f"{lost.name} has no value in each of the years {lost.years[0]} to {lost.years[-1]}: nobody is"
                    " there to be measured, or there is no year before.",
                    fix="Choose another metric or other years.",
                )
            return found

        return evaluate

    @property
    def _places(self) -> range:
        return range(len(self.request.targets))

    def values(self, move: Vector) -> Iterator[tuple[Cell, Decimal]]:
        """Every value of every lever after a move; those that are locked stay as they are today."""
        for lever, part in zip(self.levers, move, strict=True):
            yield from lever.moved(float(part))

    @property
    def best(self) -> Trial:
        """The best of the trials."""
        return self.search.best

    @property
    def _found(self) -> Vector:
        return self.best.move if self.search.trials else np.zeros(len(self.levers))

    @property
    def changes(self) -> dict[Cell, Decimal]:
        """The values of the best trial that differ from today's."""
        today = {cell: value for lever in self.levers for cell, value, _, _ in lever.cells}
        return {cell: value for cell, value in self.values(self.best.move) if value != today[cell]}

    @property
    def binding(self) -> list[str]:
        """Where targets are missed: the levers that a bound or a lock keeps from coming nearer to the worst of them."""
        problem, best = self.search.problem, self.best
        off = problem.off(best.measured)
        missed = problem.missed(off) ** 2 * problem.weight
        worst = int(np.argmax(missed))
        if not missed.any():
            return []
        alone, slopes = self.search.alone[worst], self.search.slopes[worst]
        wishes = -np.sign(off[worst]) * np.sign(np.where(alone == 0, slopes, alone))
        found = []
        for lever, wish, move, low, high in zip(
            self.levers, wishes, best.move, problem.lowest, problem.highest, strict=True
        ):
            if wish and not lever.is_locked and abs(move - (high if wish > 0 else low)) < _AT_BOUND:
                ends = sorted(value for _, value in lever.moved(float(move)))
                bound = f"at most {plain(ends[-1])}" if wish > 0 else f"at least {plain(ends[0])}"
                found.append(f"{lever}: {bound}")
        locked = ", ".join(str(lever) for lever in self.levers if lever.is_locked)
        return [*found, f"locked, so not tried: {locked}"] if locked else found

    @property
    def record(self) -> dict[str, Any]:
        """What was asked, what the search did and what it found, as JSON."""
        search = self.search
        return {
            "scenario": self.scenario,
            "strategy": self.strategy.name,
            "is_converged": search.is_converged,
            "is_out_of_reach": search.is_at_end,
            "iterations": max(trial.iteration for trial in search.trials),
            "targets": list(self._targets()),
            "levers": list(self.lever_rows()),
            "binding": self.binding,
            "changes": [[*cell, str(value)] for cell, value in self.changes.items()],
            "trials": [
                {
                    "iteration": trial.iteration,
                    "is_best": trial is search.best_of(trial.iteration),
                    "measured": [None if np.isnan(value) else float(value) for value in trial.measured],
                    "levers": nested(dict(self.values(trial.move))),
                }
                for trial in search.trials
            ],
        }

    def _targets(self) -> Iterator[dict[str, Any]]:
        missed = self.search.problem.missed(self.search.problem.off(self.best.measured))
        today = self.search.trials[0].measured
        for place, target in enumerate(self.request.targets):
            yield {
                "target": target.name,
                "years": list(target.years),
                "relation": target.relation,
                "value": float(target.value),
                "tolerance": float(target.tolerance),
                "priority": target.priority,
                "today": float(today[place]),
                "achieved": float(self.best.measured[place]),
                "is_met": not missed[place],
            }

    def lever_rows(self) -> Iterator[dict[str, Any]]:
        """One row a lever: its value today and the best that was found, how far it may go, and whether it is locked."""
        for lever, move in zip(self.levers, self._found, strict=True):
            yield {
                "lever": str(lever),
                "today": nested({cell: today for cell, today, _, _ in lever.cells})[lever.name],
                "found": nested(dict(lever.moved(float(move))))[lever.name],
                "lowest": float(min(lowest for _, _, lowest, _ in lever.cells)),
                "highest": float(max(highest for _, _, _, highest in lever.cells)),
                "is_locked": lever.is_locked,
                "is_partly_locked": lever.is_partly_locked,
            }


def measure(
    connection: duckdb.DuckDBPyConnection, request: TuningRequest, metrics: str
) -> dict[tuple[str, int], float]:
    """What each scenario of a database measures of each target, by the target's place; ``metrics`` is the SQL of the
    analysis ``target_metrics``.
    """
    wanted = [
        (place, target.metric, year, len(target.years))
        for place, target in enumerate(request.targets)
        for year in target.years
    ]
    connection.execute(
        "create temp table wanted (place integer, metric varchar, simulation_year integer, years integer)"
    )
    connection.executemany("insert into wanted values (?, ?, ?, ?)", wanted)
    rows = connection.execute(_MEASURED.format(metrics=metrics)).fetchall()
    return {(name, place): float(value) for name, place, value in rows if value is not None}


def levers_of(record: dict[str, Any]) -> dict[str, Any]:
    """The levers that a search found, by name, then by level and by year where they differ."""
    best = [trial for trial in record["trials"] if trial["is_best"]][-1]
    levers: dict[str, Any] = best["levers"]
    return levers


def nested(values: Mapping[Cell, Decimal]) -> dict[str, Any]:
    """Values of levers as people read them: by lever, then by level and by year where they differ."""
    by_lever: dict[str, dict[int | None, dict[int | None, float]]] = {}
    for (name, year, level), value in values.items():
        by_lever.setdefault(name, {}).setdefault(level, {})[year] = float(value)
    return {
        name: _alike({level: _alike(years) for level, years in levels.items()}) for name, levels in by_lever.items()
    }


def _alike(values: Mapping[Any, Any]) -> Any:
    """The one value that all have, else the values by key."""
    first, *others = values.values()
    return first if all(other == first for other in others) else {str(key): value for key, value in values.items()}

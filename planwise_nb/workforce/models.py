"""Builds the dbt models of a step, in this process, one dbt call a step."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from planwise_nb.core.errors import ModelError
from planwise_nb.workforce import dbt_project


@dataclass(frozen=True)
class Model:
    """A model that was built: its table, and how long it took in seconds."""

    name: str
    seconds: float


def build(
    step: str,
    year: int,
    started_at: str,
    on_progress: Callable[[float, str], None] = lambda part, what: None,
) -> tuple[Model, ...]:
    """Build every model tagged with ``step`` for ``year``, in the run's folder as working directory. ``on_progress``
    hears of each model that begins: the part of them that is done, and its name.

    Raises ``ModelError`` with dbt's message for the first model that failed.
    """
    variables = _variables(year) | {"run_started_at": started_at}

    def on_event(event: Any) -> None:
        if event.info.name == "LogStartLine":
            on_progress((event.data.index - 1) / event.data.total, event.data.node_info.node_name)

    arguments = ["run", "--select", f"tag:{step}", "--vars", json.dumps(variables)]
    result: Any = dbt_project.invoke(arguments, on_event)
    return tuple(Model(done.node.name, round(done.execution_time, 3)) for done in result.results)


def build_tables(tables: Sequence[str], year: int) -> None:
    """Build the models named ``tables`` for ``year``. Raises ``ModelError`` as ``build`` does."""
    dbt_project.invoke(["run", "--select", *tables, "--vars", json.dumps(_variables(year))])


@dataclass(frozen=True)
class Built:
    """A model that was built alone: its SQL as it ran, and how long that took in seconds."""

    sql: str
    seconds: float


def build_one(name: str, year: int) -> Built:
    """Build the model ``name`` for ``year``. Raises ``ModelError`` as ``build`` does."""
    result: Any = dbt_project.invoke(["run", "--select", name, "--vars", json.dumps(_variables(year))])
    (done,) = result.results
    return Built(done.node.compiled_code, round(done.execution_time, 3))


def test(tables: Sequence[str], year: int) -> dict[str, str]:
    """Run the data tests of the models named ``tables`` for ``year``: what each says, empty where it holds. A test that
    reads another model too runs where that is among ``tables`` or made before them: later ones may not be there.
    """
    selection = ["--select", *tables, "--exclude", "test_type:unit", "--indirect-selection", "buildable"]
    outcome = dbt_project.call(["test", *selection, "--vars", json.dumps(_variables(year))])
    if outcome.exception:
        raise ModelError(f"dbt could not test: {outcome.exception}") from outcome.exception
    results: Any = outcome.result
    return {done.node.name: "" if str(done.status) == "pass" else str(done.message) for done in results.results}


def _variables(year: int) -> dict[str, Any]:
    return {"simulation_year": int(year), "run_folder": "."}

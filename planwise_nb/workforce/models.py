"""Builds the dbt models of a step, in this process, one dbt call a step."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planwise_nb.core.errors import ModelError

DATABASE = "simulation.duckdb"
PROJECT = Path("project/dbt")
PARSED = PROJECT / "target" / "partial_parse.msgpack"


@dataclass(frozen=True)
class Model:
    """A model that was built: its table, and how long it took in seconds."""

    name: str
    seconds: float


def parse() -> None:
    """Parse the run's dbt project once; later calls are handed the result. The run's folder is the working
    directory.
    """
    _invoke(["parse"], manifest=None)


def build(step: str, year: int, started_at: str) -> tuple[Model, ...]:
    """Build every model tagged with ``step`` for ``year``, in the run's folder as working directory.

    Raises ``ModelError`` with dbt's message for the first model that failed.
    """
    variables = f"{{simulation_year: {int(year)}, run_folder: '.', run_started_at: '{started_at}'}}"
    result: Any = _invoke(["run", "--select", f"tag:{step}", "--vars", variables], manifest=_manifest())
    return tuple(Model(done.node.name, round(done.execution_time, 3)) for done in result.results)


def _manifest() -> Any:
    from dbt.contracts.graph.manifest import Manifest  # noqa: PLC0415 - dbt takes seconds to import

    return Manifest.from_msgpack(PARSED.read_bytes()) if PARSED.exists() else None


def _invoke(arguments: Sequence[str], *, manifest: Any) -> Any:
    from dbt.adapters.factory import reset_adapters  # noqa: PLC0415
    from dbt.cli.main import dbtRunner  # noqa: PLC0415

    os.environ["PLANWISE_DATABASE"] = DATABASE
    options = ["--quiet", "--no-write-json", "--log-level-file", "none", "--no-use-colors"]
    folders = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
    try:
        outcome = dbtRunner(manifest=manifest).invoke([*options, *arguments, *folders])
    finally:
        _close_connections()
        reset_adapters()
    if outcome.exception:
        raise ModelError(f"dbt could not {arguments[0]}: {outcome.exception}") from outcome.exception
    if not outcome.success:
        results: Any = outcome.result
        failed = next(done for done in results.results if str(done.status) in ("error", "fail"))
        raise ModelError(
            f"Model {failed.node.name} failed: {failed.message}",
            fix=f"See its SQL in {PROJECT}/models/{failed.node.path}.",
        )
    return outcome.result


def _close_connections() -> None:
    """dbt keeps the database file open after a call, and so locked."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager  # noqa: PLC0415

    DuckDBConnectionManager.close_all_connections()

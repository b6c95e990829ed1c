"""Builds the dbt models of a step, in this process, one dbt call a step."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planwise_nb.core import store
from planwise_nb.core.digests import tree_digest, value_digest
from planwise_nb.core.errors import ModelError

PROJECT = Path("project/dbt")
SCRATCH = PROJECT / ".target"
PARSED = Path("parsed")


@dataclass(frozen=True)
class Model:
    """A model that was built: its table, and how long it took in seconds."""

    name: str
    seconds: float


def build(step: str, year: int, started_at: str) -> tuple[Model, ...]:
    """Build every model tagged with ``step`` for ``year``, in the run's folder as working directory.

    The first step parses the project; later ones, and all years, are handed the result, until a file of it changes.
    Raises ``ModelError`` with dbt's message for the first model that failed.
    """
    variables = _variables(year) | {"run_started_at": started_at}
    result: Any = _invoke(["run", "--select", f"tag:{step}", "--vars", json.dumps(variables)], manifest=parsed())
    return tuple(Model(done.node.name, round(done.execution_time, 3)) for done in result.results)


def build_tables(tables: Sequence[str], year: int) -> None:
    """Build the models named ``tables`` for ``year``. Raises ``ModelError`` as ``build`` does."""
    _invoke(["run", "--select", *tables, "--vars", json.dumps(_variables(year))], manifest=parsed())


def test(tables: Sequence[str], year: int) -> dict[str, str]:
    """Run the data tests of the models named ``tables`` for ``year``: what each says, empty where it holds."""
    selection = ["--select", *tables, "--exclude", "test_type:unit", "--vars", json.dumps(_variables(year))]
    outcome = _call(["test", *selection], manifest=parsed())
    if outcome.exception:
        raise ModelError(f"dbt could not test: {outcome.exception}") from outcome.exception
    results: Any = outcome.result
    return {done.node.name: "" if str(done.status) == "pass" else str(done.message) for done in results.results}


def _variables(year: int) -> dict[str, Any]:
    return {"simulation_year": int(year), "run_folder": "."}


def parsed() -> Any:
    """The run's dbt project as dbt parsed it; a new object each time, since dbt changes what it is given."""
    from dbt.contracts.graph.manifest import Manifest  # noqa: PLC0415 - dbt takes seconds to import

    return Manifest.from_msgpack(parsed_file().read_bytes())


def parsed_path() -> Path:
    """Where the parsed project belongs: its name is a digest of the project's files."""
    return PARSED / f"{value_digest(tree_digest(PROJECT))[:16]}.msgpack"


def parsed_file() -> Path:
    """The file of the parsed project, which is made where there is none yet."""
    path = parsed_path()
    if not path.is_file():
        _invoke(["parse"], manifest=None)
        PARSED.mkdir(exist_ok=True)
        (SCRATCH / "partial_parse.msgpack").replace(path)
    return path


def _invoke(arguments: Sequence[str], *, manifest: Any) -> Any:
    outcome = _call(arguments, manifest=manifest)
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


def _call(arguments: Sequence[str], *, manifest: Any) -> Any:
    from dbt.adapters.factory import reset_adapters  # noqa: PLC0415
    from dbt.cli.main import dbtRunner  # noqa: PLC0415

    os.environ["PLANWISE_DATABASE"] = store.DATABASE
    options = ["--quiet", "--no-write-json", "--log-level-file", "none", "--no-use-colors"]
    scratch = ["--target-path", str(SCRATCH.resolve())]
    folders = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), *scratch]
    try:
        return dbtRunner(manifest=manifest).invoke([*options, *arguments, *folders])
    finally:
        _close_connections()
        reset_adapters()


def _close_connections() -> None:
    """dbt keeps the database file open after a call, and so locked."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager  # noqa: PLC0415

    DuckDBConnectionManager.close_all_connections()

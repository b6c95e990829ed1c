"""The dbt project of a run: dbt compiles its models once, to SQL that serves every year."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import chdir, contextmanager
from dataclasses import asdict, dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from planwise_nb.core import store
from planwise_nb.core.digests import is_hidden, tree_digest, value_digest
from planwise_nb.core.errors import ModelError
from planwise_nb.core.project import shipped

PROJECT = Path("project/dbt")
"""Where the project lies in the run's folder, the working directory of every call."""

SCRATCH = PROJECT / ".target"
COMPILED = Path("compiled")
"""Where in the run's folder compiled models are kept; the names of its files begin with a digest of the project."""

_BY_HAND = ("target", "logs", "dev")
"""What lies in the folder of the shipped project and is no part of a run."""

_ANY_YEAR = {
    "simulation_year": "getvariable('simulation_year')",
    "run_started_at": "getvariable('run_started_at')",
    "run_folder": ".",
}
"""The project's variables, where the database knows their values only when the SQL runs."""


@dataclass(frozen=True)
class CompiledModel:
    """A model, or an analysis, as SQL. ``tags`` name its step, ``path`` its file below ``models/``, ``relation`` its
    table as SQL reads it; ``columns`` defines the table where the model has a contract, else it is empty.
    """

    name: str
    path: str
    tags: tuple[str, ...]
    materialized: str
    relation: str
    columns: str
    sql: str

    def sql_of(self, year: int) -> str:
        """The SQL for one year, to be read."""
        return self.sql.replace(_ANY_YEAR["simulation_year"], str(int(year)))


_compiled: dict[str, tuple[CompiledModel, ...]] = {}
"""The models of a project by its digest; a process that was forked has those of the shipped one from its parent."""


def project_files(folder: Path) -> list[Path]:
    """The files of the dbt project in ``folder``, without what people build by hand beside it."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.relative_to(folder).parts[0] not in _BY_HAND]
    return sorted(
        path for path in files if not is_hidden(path.relative_to(folder).as_posix()) and ".duckdb" not in path.name
    )


@contextmanager
def compiled_beside() -> Iterator[None]:
    """Let another process compile the shipped project, for the kernels that this process forks, while the body runs.
    It works below the working directory.

    Raises ``ModelError`` where it cannot be compiled.
    """
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as place:
        copy_shipped(Path(place))
        with subprocess.Popen([sys.executable, "-m", __name__], cwd=place) as compiling:
            yield
        if compiling.returncode != 0:
            raise ModelError("dbt could not compile the shipped models.", fix="See what it said above.")
        with chdir(place):
            compiled()


def copy_shipped(folder: Path) -> None:
    """Copy the shipped project to where it lies in the folder of a run."""
    source = shipped() / "dbt"
    for path in project_files(source):
        target = folder / PROJECT / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def compiled() -> tuple[CompiledModel, ...]:
    """The models of the run whose folder is the working directory, each after those that it reads.

    They are compiled by the first call, and again when a file of the project changed. Raises ``ModelError`` with dbt's
    message for what it cannot compile.
    """
    digest = _digest()
    if digest in _compiled:
        return _compiled[digest]
    kept = COMPILED / f"{digest[:16]}.json"
    if not kept.is_file():
        found = json.dumps([asdict(model) for model in _compile()])
        COMPILED.mkdir(exist_ok=True)
        kept.write_text(found, encoding="utf-8")
    models = json.loads(kept.read_text(encoding="utf-8"))
    _compiled[digest] = tuple(CompiledModel(**model | {"tags": tuple(model["tags"])}) for model in models)
    return _compiled[digest]


def _compile() -> tuple[CompiledModel, ...]:
    models = ["--select", "fqn:planwise", "--exclude", "resource_type:test", "resource_type:unit_test"]
    done = _results("compile", _call(["compile", *models, "--vars", json.dumps(_ANY_YEAR)], manifest=None))
    nodes = {result.node.unique_id: result.node for result in done.results}
    reads = {name: sorted(nodes.keys() & nodes[name].depends_on.nodes) for name in sorted(nodes)}
    ordered = [nodes[name] for name in TopologicalSorter(reads).static_order()]
    return tuple(
        CompiledModel(
            name=node.name,
            path=node.path,
            tags=tuple(node.tags),
            materialized=node.config.materialized,
            relation=node.relation_name,
            columns=_columns(node) if node.config.contract.enforced else "",
            sql=node.compiled_code,
        )
        for node in ordered
        if node.config.materialized != "ephemeral"
    )


def _columns(node: Any) -> str:
    """The columns of a contract, as ``create table`` takes them."""
    return ", ".join(
        " ".join([column.name, column.data_type, *(kind.type.value.replace("_", " ") for kind in column.constraints)])
        for column in node.columns.values()
    )


def call(arguments: Sequence[str]) -> Any:
    """What dbt answers to ``arguments``, of the run whose folder is the working directory.

    The project is parsed by the first call; later ones are handed the result, until a file changes.
    """
    from dbt.contracts.graph.manifest import Manifest  # noqa: PLC0415 - dbt takes seconds to import

    parsed = COMPILED / f"{_digest()[:16]}.msgpack"
    if not parsed.is_file():
        _results("parse", _call(["parse"], manifest=None))
        COMPILED.mkdir(exist_ok=True)
        (SCRATCH / "partial_parse.msgpack").replace(parsed)
    return _call(arguments, manifest=Manifest.from_msgpack(parsed.read_bytes()))


def invoke(arguments: Sequence[str]) -> Any:
    """The results of a call. Raises ``ModelError`` with dbt's message for the first model that failed."""
    return _results(arguments[0], call(arguments))


def _results(verb: str, outcome: Any) -> Any:
    if outcome.exception:
        raise ModelError(f"dbt could not {verb}: {outcome.exception}") from outcome.exception
    if not outcome.success:
        results: Any = outcome.result
        failed = next(done for done in results.results if str(done.status) in ("error", "fail"))
        raise ModelError(
            f"Model {failed.node.name} failed: {failed.message}",
            fix=f"See its SQL in {PROJECT}/models/{failed.node.path}.",
        )
    return outcome.result


def _digest() -> str:
    return value_digest(tree_digest(PROJECT))


def _call(arguments: Sequence[str], *, manifest: Any) -> Any:
    from dbt.adapters.factory import reset_adapters  # noqa: PLC0415
    from dbt.cli.main import dbtRunner  # noqa: PLC0415

    os.environ["PLANWISE_DATABASE"] = store.DATABASE
    # the static parser starts threads, which a parent of kernels must not have
    options = ["--quiet", "--no-write-json", "--log-level-file", "none", "--no-use-colors", "--no-static-parser"]
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


if __name__ == "__main__":
    compiled()

"""The dbt project of a run: dbt compiles its models once, to SQL that serves every year."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import chdir, contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass
from functools import cache
from graphlib import TopologicalSorter
from importlib.metadata import version
from pathlib import Path
from typing import Any

import platformdirs

from planwise_nb.core import store
from planwise_nb.core.digests import file_digest, is_hidden, tree_digest, value_digest
from planwise_nb.core.errors import ModelError
from planwise_nb.core.manifest import write_json
from planwise_nb.core.project import shipped

PROJECT = Path("project/dbt")
"""Where the project lies in the run's folder, the working directory of every call."""

SCRATCH = PROJECT / ".target"
COMPILED = Path("compiled")
"""Where in the run's folder the SQL of its models is kept; the names of its files are digests of the project."""

MATERIALIZED = ("table", "year_slice", "ephemeral")
"""What a model may be."""

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
    """Have the compiled models of the shipped project for the kernels that this process forks. Where they are not
    compiled yet, another process does it while the body runs, below the working directory.

    Raises ``ModelError`` where it cannot be compiled.
    """
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as place:
        copy_shipped(Path(place))
        with chdir(place):
            is_known = _read(_cached(_digest())) is not None
        if is_known:
            yield
        else:
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

    They are compiled by the first call of this user, and again when a file of the project changed or what is kept of
    them is not as it was written; the run keeps them. Raises ``ModelError`` with dbt's message for what it cannot
    compile.
    """
    digest = _digest()
    kept, cached = COMPILED / f"{digest[:16]}.json", _cached(digest)
    lacking = [path for path in (kept, cached) if not path.is_file()]
    if digest not in _compiled:
        found = {path: _read(path) for path in (kept, cached)}
        lacking = [path for path, models in found.items() if models is None]
        _compiled[digest] = found[kept] or found[cached] or _compile()
    for path in lacking:
        with nullcontext() if path is kept else suppress(OSError):  # without a cache it only takes longer
            path.parent.mkdir(parents=True, exist_ok=True)
            models = [asdict(model) for model in _compiled[digest]]
            write_json(path, {"sha256": value_digest(models), "models": models})
    return _compiled[digest]


def _cached(digest: str) -> Path:
    """Where this user keeps the compiled models of a project."""
    return platformdirs.user_cache_path("planwise") / "compiled" / f"{digest}.json"


def _read(path: Path) -> tuple[CompiledModel, ...] | None:
    """The models that a file keeps; None where there is none, or where it is not as it was written."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["sha256"] != value_digest(kept["models"]):
            return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return tuple(CompiledModel(**model | {"tags": tuple(model["tags"])}) for model in kept["models"])


def _compile() -> tuple[CompiledModel, ...]:
    models = ["--select", "fqn:planwise", "--exclude", "resource_type:test", "resource_type:unit_test"]
    done = _results("compile", _call(["compile", *models, "--vars", json.dumps(_ANY_YEAR)], manifest=None))
    nodes = {result.node.unique_id: result.node for result in done.results}
    for node in nodes.values():
        if node.resource_type != "analysis":
            _require_known(node)
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


def _require_known(node: Any) -> None:
    """Raise ``ModelError`` for a model that a step would not build as dbt would: what there is of dbt here is SQL that
    serves every year, in tables, without hooks of its own.
    """
    hooks = [hook.sql for hook in (*node.config.pre_hook, *node.config.post_hook)]
    reasons = {
        f"is materialized as {node.config.materialized}": node.config.materialized not in MATERIALIZED,
        "is not SQL": str(node.language) not in ("sql", "ModelLanguage.sql"),
        "has a constraint that is no not_null": any(
            constraint.type.value != "not_null" for column in node.columns.values() for constraint in column.constraints
        ),
        "has a hook": any("require_last_year" not in hook for hook in hooks),
        "reads var('simulation_year') itself": re.search(r"""var\(\s*['"]simulation_year""", node.raw_code) is not None,
    }
    if reason := next((reason for reason, is_so in reasons.items() if is_so), None):
        fix = "Write it as SQL, materialized as table, year_slice or ephemeral, with {{ year() }} for the year."
        raise ModelError(f"Model {node.name} {reason}, which steps do not build.", fix=fix)


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
    """A digest of the project, and of what else decides how it is compiled."""
    return value_digest([tree_digest(PROJECT), *_compilers()])


@cache
def _compilers() -> list[str]:
    return [file_digest(Path(__file__)), *(version(name) for name in ("dbt-core", "dbt-duckdb"))]


def _call(arguments: Sequence[str], *, manifest: Any) -> Any:
    from dbt.adapters.factory import reset_adapters  # noqa: PLC0415
    from dbt.cli.main import dbtRunner  # noqa: PLC0415

    # the static parser starts threads, which a process that forks must not have
    options = ["--quiet", "--no-write-json", "--log-level-file", "none", "--no-use-colors", "--no-static-parser"]
    scratch = ["--target-path", str(SCRATCH.resolve()), "--log-path", str(SCRATCH.resolve())]
    folders = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), *scratch]
    before = dict(os.environ)
    for name in [name for name in before if name.startswith("DBT_")]:
        del os.environ[name]  # those of another project of dbt
    os.environ["PLANWISE_DATABASE"] = store.DATABASE
    try:
        return dbtRunner(manifest=manifest).invoke([*options, *arguments, *folders])
    finally:
        _close_connections()
        reset_adapters()
        os.environ.clear()
        os.environ.update(before)


def _close_connections() -> None:
    """dbt keeps the database file open after a call, and so locked."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager  # noqa: PLC0415

    DuckDBConnectionManager.close_all_connections()


if __name__ == "__main__":
    compiled()

"""The dbt project of a run: parsed once, then handed to every call."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import chdir
from pathlib import Path
from typing import Any

from planwise_nb.core import store
from planwise_nb.core.digests import is_hidden, tree_digest, value_digest
from planwise_nb.core.errors import ModelError
from planwise_nb.core.project import shipped

PROJECT = Path("project/dbt")
"""Where the project lies in the run's folder, the working directory of every call."""

SCRATCH = PROJECT / ".target"
PARSED = Path("parsed")

_BY_HAND = ("target", "logs", "dev")
"""What lies in the folder of the shipped project and is no part of a run."""

_COMPILED_AHEAD = "tag:workforce_requirements"

_parsed_ahead: dict[str, Any] = {}
"""The shipped project as dbt parsed it, by its digest, where this process was forked from one that did."""


def project_files(folder: Path) -> list[Path]:
    """The files of the dbt project in ``folder``, without what people build by hand beside it."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.relative_to(folder).parts[0] not in _BY_HAND]
    return sorted(
        path for path in files if not is_hidden(path.relative_to(folder).as_posix()) and ".duckdb" not in path.name
    )


def parse_ahead() -> None:
    """Import dbt and parse the shipped project, for the kernels that this process forks."""
    with tempfile.TemporaryDirectory() as place, chdir(place):
        copy_shipped()
        _parsed_ahead[_digest()] = parsed = _parse()
        # what dbt prepares at its first call, it then has prepared for every kernel
        _results(["compile"], _call(["compile", "--select", _COMPILED_AHEAD], manifest=parsed.deepcopy()))


def copy_shipped() -> None:
    """Copy the shipped project to where it lies in a run's folder, the working directory."""
    source = shipped() / "dbt"
    for path in project_files(source):
        target = PROJECT / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def call(arguments: Sequence[str], on_event: Callable[[Any], None] | None = None) -> Any:
    """What dbt answers to ``arguments``, of the run whose folder is the working directory; ``on_event`` hears its
    events.

    The project is parsed by the first call; later ones, and all years, are handed the result, until a file changes.
    """
    return _call(arguments, manifest=_parsed(), on_event=on_event)


def invoke(arguments: Sequence[str], on_event: Callable[[Any], None] | None = None) -> Any:
    """The results of a call. Raises ``ModelError`` with dbt's message for the first model that failed."""
    return _results(arguments, call(arguments, on_event))


def _results(arguments: Sequence[str], outcome: Any) -> Any:
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


def _digest() -> str:
    return value_digest(tree_digest(PROJECT))


def _parsed() -> Any:
    """The project as dbt parsed it; a new object each time, since dbt changes what it is given."""
    from dbt.contracts.graph.manifest import Manifest  # noqa: PLC0415 - dbt takes seconds to import

    return _parsed_ahead.pop(_digest(), None) or Manifest.from_msgpack(parsed_file().read_bytes())


def parsed_path() -> Path:
    """Where the parsed project belongs: its name is a digest of the project's files."""
    return PARSED / f"{_digest()[:16]}.msgpack"


def parsed_file() -> Path:
    """The file of the parsed project, which is made where there is none yet."""
    path = parsed_path()
    if not path.is_file():
        _parse()
        PARSED.mkdir(exist_ok=True)
        (SCRATCH / "partial_parse.msgpack").replace(path)
    return path


def _parse() -> Any:
    # the static parser starts threads, which a parent of kernels must not have
    return _results(["parse"], _call(["--no-static-parser", "parse"], manifest=None))


def _call(arguments: Sequence[str], *, manifest: Any, on_event: Callable[[Any], None] | None = None) -> Any:
    from dbt.adapters.factory import reset_adapters  # noqa: PLC0415
    from dbt.cli.main import dbtRunner  # noqa: PLC0415

    os.environ["PLANWISE_DATABASE"] = store.DATABASE
    options = ["--quiet", "--no-write-json", "--log-level-file", "none", "--no-use-colors"]
    scratch = ["--target-path", str(SCRATCH.resolve())]
    folders = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), *scratch]
    try:
        return dbtRunner(manifest=manifest, callbacks=[on_event] if on_event else []).invoke(
            [*options, *arguments, *folders]
        )
    finally:
        _close_connections()
        reset_adapters()


def _close_connections() -> None:
    """dbt keeps the database file open after a call, and so locked."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager  # noqa: PLC0415

    DuckDBConnectionManager.close_all_connections()

"""What changed since a run started: the files in its folder, and the sources that they were made from."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from planwise_nb.core.digests import source_digest, tree_digest
from planwise_nb.core.errors import InputError, Problem

STARTED_FROM = ("inputs", "params", "project")
"""The folders of a run that are written when it starts."""


@dataclass(frozen=True)
class Source:
    """A file that a run starts from. ``target`` is its copy in the run's folder where it was copied as it is."""

    path: Path
    target: str | None = None


@dataclass(frozen=True)
class Change:
    """A file that is not what it was when the run started; ``before`` and ``after`` are digests, None for no file."""

    path: str
    what: str
    before: str | None
    after: str | None


def noted_sources(sources: Sequence[Source], folder: Path) -> list[dict[str, Any]]:
    """The sources as the manifest notes them, by their way from the run's folder: a run holds no absolute path."""
    return [
        {
            "path": Path(os.path.relpath(source.path.resolve(), folder.resolve())).as_posix(),
            "target": source.target,
            "sha256": source_digest(source.path),
        }
        for source in sources
    ]


def find_changes(folder: Path, manifest: dict[str, Any]) -> list[Change]:
    """Every change since the run in ``folder`` started."""
    return [*find_file_changes(folder, manifest), *find_source_changes(folder, manifest)]


def find_file_changes(folder: Path, manifest: dict[str, Any]) -> Iterator[Change]:
    """Every change of the files in the run's folder that it started from."""
    for top, before in manifest["files"].items():
        after = tree_digest(folder / top)
        for name in sorted(before.keys() | after.keys()):
            if before.get(name) != after.get(name):
                what = "is gone" if name not in after else "is new" if name not in before else "changed"
                yield Change(f"{top}/{name}", what, before.get(name), after.get(name))


def find_source_changes(folder: Path, manifest: dict[str, Any]) -> Iterator[Change]:
    """Every change of the files that the run was made from; one that is gone is none: the run has its own copy."""
    for source in manifest["sources"]:
        path = folder / source["path"]
        if path.is_file() and (now := source_digest(path)) != source["sha256"]:
            yield Change(source["path"], "changed", source["sha256"], now)


def require_unchanged(folder: Path, manifest: dict[str, Any]) -> None:
    """Raise ``InputError`` that names every change since the run in ``folder`` started."""
    changes = find_changes(folder, manifest)
    if not changes:
        return
    problems = [
        Problem(
            rule="changed_since_start",
            where=change.path,
            what=change.what,
            fix="Put it back as it was, or go on with --accept-changes.",
        )
        for change in changes
    ]
    raise InputError(
        f"Run {folder.name} cannot go on as it began: {len(changes)} file(s) changed since it started.",
        problems,
        fix="--accept-changes takes up changed notebooks and models from here on, keeps census and parameters as the"
        " run has them, and records it all in the manifest.",
    )


def accepted(folder: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    """Take up the changed notebooks and models into the run's ``folder``; what the manifest says of all changes."""
    changes = find_changes(folder, manifest)
    sources = []
    for source in manifest["sources"]:
        path = folder / source["path"]
        now = source_digest(path) if path.is_file() else source["sha256"]
        if now != source["sha256"] and source["target"]:
            shutil.copy(path, folder / source["target"])
        sources.append(source | {"sha256": now})
    now_at = datetime.now(UTC).isoformat(timespec="seconds")
    return {
        "sources": sources,
        "files": started_files(folder),
        "accepted_changes": [
            *manifest["accepted_changes"],
            *({"accepted_at": now_at, **asdict(change)} for change in changes),
        ],
    }


def started_files(folder: Path) -> dict[str, dict[str, str]]:
    """The SHA-256 of every file that a run starts from, by folder."""
    return {name: tree_digest(folder / name) for name in STARTED_FROM}

"""The index of runs: one row a run. What lies on the disk is the truth, and the index follows it."""

from __future__ import annotations

import re
import shutil
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

from planwise_nb.core.errors import InputError, PlanwiseError
from planwise_nb.core.holder import hold, holder
from planwise_nb.core.manifest import MANIFEST, read_manifest
from planwise_nb.core.registry import Registry, Row

_RUN_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{8}")
_FROM_MANIFEST = {
    "run_id": str,
    "pipeline": str,
    "subject": str,
    "status": str,
    "parent_run_id": str | None,
    "created_at": str,
    "finished_at": str | None,
    "seconds": float | int | None,
}


def is_run_id(text: str) -> bool:
    """Whether a text has the form of a run's id, YYYYMMDD-HHMMSS-<shorthash>."""
    return _RUN_ID.fullmatch(text) is not None


class Ledger:
    """The runs below ``out``. Raises ``InputError`` and ``BusyError`` as its ``Registry`` does."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self._registry = Registry(out)

    def __repr__(self) -> str:
        return f"Ledger({str(self.out)!r})"

    def check(self) -> None:
        """Make sure, before a run begins, that it can be recorded."""
        self._registry.check()

    def record(self, manifest: dict[str, Any]) -> None:
        """Write or rewrite the row of a run from its manifest, which is on the disk already.

        A registry that answered before and now does not only causes a warning: a run does not fail for its index,
        and ``runs`` catches up.
        """
        path = f"{manifest['subject']}/{manifest['run_id']}"
        row = self._row(manifest, path, _stamp(self.out / path))
        try:
            self._registry.put([row])
        except PlanwiseError as error:
            if not self._registry.has_answered:
                raise
            warnings.warn(f"{error.what} The run goes on; planwise runs brings the index up to date.", stacklevel=2)

    def runs(self) -> list[Row]:
        """All rows, the newest first, after bringing them up to date with the disk.

        A run whose manifest cannot be read is ``damaged``, one whose folder is gone ``missing``.
        """
        known = {row["run_id"]: row for row in self._registry.rows()}
        found = {folder.name: folder for folder in self._folders("*") if is_run_id(folder.name)}
        rows = [self._true_row(known.get(run_id), found.get(run_id)) for run_id in known.keys() | found.keys()]
        true = [row for row in rows if row]
        if changed := [row for row in true if row != known.get(row["run_id"])]:
            with suppress(InputError):  # runs that may only be read are listed all the same
                self._registry.put(changed)
        return sorted(true, key=lambda row: str(row["run_id"]), reverse=True)

    def state(self, row: Row) -> str:
        """How a run stands: its status, or ``stopped`` where it is not finished and nobody runs it."""
        is_lost = row["status"] == "running" and holder(self.out / str(row["path"])) is None
        return "stopped" if is_lost else str(row["status"])

    def folder(self, run_id: str = "") -> Path:
        """The folder of a run; of the latest where ``run_id`` is empty. Raises ``InputError`` where there is none."""
        row = self._find(run_id)
        if row["status"] == "missing":
            raise InputError(
                f"The folder of run {row['run_id']} is gone from {self.out}.",
                fix=f"Put it back, or forget the run: planwise runs --delete {row['run_id']}",
            )
        return self.out / str(row["path"])

    def delete(self, run_id: str) -> None:
        """Remove a run: its folder, then its row.

        Raises ``InputError`` where there is none of that id, ``BusyError`` where somebody runs it.
        """
        if not run_id:
            raise InputError("No run is named.", fix="See the runs: planwise runs")
        if self._find(run_id)["status"] != "missing":
            folder = self.folder(run_id)
            with hold(folder):
                folder.rename(folder.with_name(f".{run_id}.deleted"))  # all of it goes, or nothing
        for folder in self._folders(f".{run_id}.deleted"):
            shutil.rmtree(folder)
        self._registry.remove(run_id)

    def _find(self, run_id: str) -> Row:
        if run_id and not is_run_id(run_id):
            raise InputError(
                f"{run_id!r} is no run id: one looks like 20270131-235959-0123abcd.", fix="See the runs: planwise runs"
            )
        for row in self.runs():
            if row["run_id"] == run_id or (not run_id and row["status"] != "missing"):
                return row
        if run_id:
            raise InputError(f"There is no run {run_id!r} in {self.out}.", fix="See the runs: planwise runs")
        fix = "Make the first one: planwise run (in JupyterLab: File, New, Terminal); then run this again."
        raise InputError(f"There is no run yet in {self.out}.", fix=fix)

    def _folders(self, name: str) -> list[Path]:
        """The folders two below ``out`` with names of that pattern; a link may lead out of it and is none."""
        return [
            folder
            for folder in sorted(self.out.glob(f"*/{name}"))
            if folder.is_dir() and not folder.is_symlink() and not folder.parent.is_symlink()
        ]

    def _true_row(self, known: Row | None, folder: Path | None) -> Row | None:
        """The row of a run as it should be; None where a folder is no run (yet)."""
        if folder is None:
            return {**known, "status": "missing", "stamp": None} if known else None
        path, stamp = folder.relative_to(self.out).as_posix(), _stamp(folder)
        if known and (known["path"], known["stamp"]) == (path, stamp):
            return known
        if known is None and not stamp:
            return None
        manifest = _read(folder)
        if manifest is None:
            return self._row(_without_manifest(folder) | (known or {}) | {"status": "damaged"}, path, stamp)
        if manifest["run_id"] != folder.name:  # a copy that is about to become a run of its own
            return known
        return self._row(manifest, path, stamp)

    def _row(self, source: dict[str, Any], path: str, stamp: str) -> Row:
        row = {name: source.get(name) for name in _FROM_MANIFEST}
        return {"home": self._registry.home, **row, "path": path, "stamp": stamp}


def _stamp(folder: Path) -> str:
    """Tells one state of a manifest from every other without reading it; empty where there is none."""
    try:
        state = (folder / MANIFEST).stat()
    except OSError:
        return ""
    return f"{state.st_ino}-{state.st_size}-{state.st_mtime_ns}"


def _read(folder: Path) -> dict[str, Any] | None:
    """The manifest in a folder; None where it is damaged."""
    try:
        manifest: Any = read_manifest(folder)
    except (InputError, OSError, RecursionError):
        return None
    is_whole = isinstance(manifest, dict) and all(
        isinstance(manifest.get(name), kind) for name, kind in _FROM_MANIFEST.items()
    )
    return manifest if is_whole else None


def _without_manifest(folder: Path) -> Row:
    """What a run's folder says by its name and place."""
    day, time = folder.name[:8], folder.name[9:15]
    created = f"{day[:4]}-{day[4:6]}-{day[6:]}T{time[:2]}:{time[2:4]}:{time[4:]}+00:00"
    return {"run_id": folder.name, "subject": folder.parent.name, "created_at": created}

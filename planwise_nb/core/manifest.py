"""A run's identity and provenance: its id, its folder, and the manifest that records each step."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from datetime import UTC, datetime, timedelta
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from planwise_nb.core.errors import InputError
from planwise_nb.core.pipeline import Key

MANIFEST = "manifest.json"
DIAGNOSTICS = "diagnostics.json"
LOG = "logs.jsonl"
DRAFT = ".draft"

ESSENTIAL = {
    *("run_id", "pipeline", "subject", "status", "created_at", "periods"),
    *("sources", "files", "accepted_changes", "forced", "stale", "steps"),
}
"""What a manifest cannot be without."""


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as JSON, by atomic rename: a reader sees the old file or the new one, after a power cut too."""
    draft = path.with_name(f".{path.name}{DRAFT}")
    with draft.open("w", encoding="utf-8") as file:
        file.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of the run in ``folder``. Raises ``InputError`` where there is none or it is damaged."""
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            f"{folder} is not the folder of a run: it has no {MANIFEST}.", fix="See the runs: planwise runs"
        ) from None
    except ValueError as error:
        raise _damaged(folder, str(error)) from None
    if not isinstance(manifest, dict) or not manifest.keys() >= ESSENTIAL:
        raise _damaged(folder, f"it lacks {', '.join(sorted(ESSENTIAL - set(manifest)))}")
    return manifest


def _damaged(folder: Path, why: str) -> InputError:
    return InputError(
        f"{MANIFEST} of run {folder.name} is damaged: {why}.",
        fix="Without it nobody can tell what the run is: put back a copy of the file, or run again: planwise run",
    )


def read_diagnostics(folder: Path) -> dict[str, Any]:
    """Checks and row counts of the steps of the run in ``folder``; none where the file is gone or damaged."""
    try:
        diagnostics: dict[str, Any] = json.loads((folder / DIAGNOSTICS).read_text(encoding="utf-8"))
        return {"steps": [entry for entry in diagnostics["steps"] if {"step", "period"} <= entry.keys()]}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {"steps": []}


def done_steps(manifest: dict[str, Any]) -> list[Key]:
    """The steps that have a record, in order. A step exists when its record exists."""
    return [(record["step"], record["period"]) for record in manifest["steps"]]


def claim_folder(out: Path, subject: str, digest: str, now: datetime) -> Path:
    """Create the folder of a new run, ``out/subject/YYYYMMDD-HHMMSS-<shorthash>``; a name that is taken
    takes the next second.
    """
    while True:
        folder = out / subject / f"{now.astimezone(UTC):%Y%m%d-%H%M%S}-{digest[:8]}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            now += timedelta(seconds=1)
        except OSError as error:
            raise InputError(
                f"Cannot write to {out}: {error.strerror}.", fix="Name another folder with --out."
            ) from None
        else:
            return folder


def provenance(project: Path) -> dict[str, Any]:
    """Versions of every installed distribution, Python, platform, and the git revision of ``project``."""
    told = [found.metadata for found in distributions()]  # which is read anew wherever it is named
    versions = {said["Name"]: said["Version"] for said in told if said["Name"]}
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "versions": dict(sorted(versions.items(), key=lambda item: item[0].lower())),
        "git": _git(project),
    }


def _git(folder: Path) -> dict[str, Any] | None:
    """Revision and cleanness of the checkout that ``folder`` lies in; None outside of one."""
    try:
        revision = subprocess.run(
            ["git", "-C", str(folder), "rev-parse", "HEAD"], capture_output=True, text=True, check=True
        ).stdout.strip()
        changes = subprocess.run(
            ["git", "-C", str(folder), "status", "--porcelain"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return {"revision": revision, "is_dirty": bool(changes)}

"""The JSON Schemas of a run's files hold for a real run, and refuse what is damaged."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import planwise_nb.core
from planwise_nb.core.manifest import DIAGNOSTICS
from planwise_nb.core.registry import RUNS
from planwise_nb.core.runs import Run

SCHEMAS = Path(planwise_nb.core.__file__).parent / "schemas"
NAMES = ("manifest", "diagnostics", "registry")


def schema(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
    return content


def faults(name: str, value: Any) -> list[str]:
    validator = jsonschema.Draft202012Validator(schema(name))
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(value)]


def diagnostics(run: Run) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((run.folder / DIAGNOSTICS).read_text(encoding="utf-8"))
    return content


@pytest.mark.parametrize("name", NAMES)
def test_schema_is_a_valid_schema(name: str) -> None:
    rules = jsonschema.Draft202012Validator(jsonschema.Draft202012Validator.META_SCHEMA)
    assert [error.message for error in rules.iter_errors(schema(name))] == []


def test_manifest_of_a_run_fits_its_schema(finished_run: Run) -> None:
    assert faults("manifest", finished_run.manifest) == []


def test_diagnostics_of_a_run_fit_their_schema(finished_run: Run) -> None:
    assert faults("diagnostics", diagnostics(finished_run)) == []


def test_registry_rows_fit_their_schema(finished_run: Run) -> None:
    rows = finished_run.ledger.runs()
    assert rows
    assert [faults("registry", row) for row in rows] == [[] for _ in rows]


def test_registry_schema_has_the_columns_of_the_registry() -> None:
    assert list(schema("registry")["properties"]) == [column.name for column in RUNS.columns]


def test_manifest_and_diagnostics_record_the_same_steps(finished_run: Run) -> None:
    recorded = [(step["step"], step["period"]) for step in finished_run.manifest["steps"]]
    assert [(step["step"], step["period"]) for step in diagnostics(finished_run)["steps"]] == recorded


DAMAGE: dict[str, Callable[[dict[str, Any]], object]] = {
    "a key is missing": lambda manifest: manifest.pop("inputs_digest"),
    "a key is unknown": lambda manifest: manifest.update(note="mine"),
    "the run id has another form": lambda manifest: manifest.update(run_id="run-1"),
    "a digest is cut off": lambda manifest: manifest["steps"][0].update(notebook_sha256="abc"),
    "a path is absolute": lambda manifest: manifest["files"]["inputs"].update({"/home/census.csv": "0" * 64}),
    "failed without a reason": lambda manifest: manifest.update(status="failed"),
    "finished without a time": lambda manifest: manifest.update(finished_at=None),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_manifest_does_not_fit(finished_run: Run, damage: str) -> None:
    manifest = deepcopy(finished_run.manifest)
    DAMAGE[damage](manifest)
    assert faults("manifest", manifest) != []

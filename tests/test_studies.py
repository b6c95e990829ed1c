"""The notebooks of studies run from their parameters to their last cell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from planwise_nb.core.location import OUT_VARIABLE, PROJECT_VARIABLE
from planwise_nb.core.project import shipped
from planwise_nb.core.runs import Run
from tests.run_copies import whole_copy


def executed(notebook: str, **parameters: Any) -> dict[str, Any]:
    """The names that the notebook leaves, executed with ``parameters`` in place of those of its first code cell."""
    cells = json.loads((shipped() / "notebooks" / notebook).read_text("utf-8"))["cells"]
    shell = InteractiveShell()
    for cell in cells:
        if cell["cell_type"] == "code":
            shell.run_cell("".join(cell["source"])).raise_error()
            if "parameters" in cell["metadata"].get("tags", ()):
                assert parameters.keys() <= shell.user_ns.keys()
                shell.user_ns.update(parameters)
    names: dict[str, Any] = shell.user_ns
    return names


def test_the_notebook_of_sensitivity_answers_for_a_scenario_of_the_project(
    tmp_path: Path, small_census: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "params" / "workforce"
    folder.mkdir(parents=True)
    (folder / "small.yaml").write_text(f"extends: baseline\ncensus:\n  file: {small_census}\n")
    monkeypatch.setenv(PROJECT_VARIABLE, str(tmp_path))
    names = executed("sensitivity.ipynb", scenario="small", last_year=2025, metric="promotions", by_level=True)
    assert (names["found"].scenario_id, names["found"].metric, names["found"].year) == ("small", "promotions", 2025)
    assert len(names["found"].effects) > 20


def test_the_notebook_of_equity_compares_the_latest_run_or_those_named(
    finished_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = whole_copy(finished_run, tmp_path)
    monkeypatch.setenv(OUT_VARIABLE, str(only.ledger.out))
    assert set(executed("equity.ipynb")["found"].gaps["run_id"]) == {only.folder.name}
    named = executed("equity.ipynb", runs=str(finished_run.folder), by="gender,level_id")["found"]
    assert set(named.references) == {"gender", "level_id"}

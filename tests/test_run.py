"""A run through its notebooks: what it leaves, what it refuses, how it fails and goes on."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest

from planwise_nb.core.checklist import read_checklist
from planwise_nb.core.digests import file_digest
from planwise_nb.core.errors import ChecklistError, InputError, KernelDiedError, StepError
from planwise_nb.core.kernels import STEP_PROGRESS
from planwise_nb.core.messages import Message, StepFailed, StepFinished, StepProgressed
from planwise_nb.core.pictures import PICTURE, SPECIFICATION
from planwise_nb.core.project import Project, init
from planwise_nb.core.runner import run, start
from planwise_nb.core.runs import Run
from planwise_nb.workforce.inputs import Request, resolve
from planwise_nb.workforce.pipeline import WORKFORCE
from tests.simulation import Simulation, simulate

SETUP = "notebooks/workforce/00_pre_simulation.ipynb"


def own_project(folder: Path, cell: str) -> Project:
    """A user's project whose setup notebook has ``cell`` before its last one."""
    init(folder)
    notebook = nbformat.read(folder / SETUP, as_version=4)
    notebook.cells.insert(len(notebook.cells) - 1, nbformat.v4.new_code_cell(cell))
    nbformat.write(notebook, folder / SETUP)
    return Project(folder)


def started_run(project: Project, census: Path, out: Path) -> Run:
    return start(WORKFORCE, resolve(project, Request(years=(2025, 2025), census=census)), out=out, command=["test"])


def test_a_finished_run_has_a_record_for_every_step_in_order(finished_run: Run) -> None:
    manifest = finished_run.manifest
    assert manifest["status"] == "success"
    assert [(record["step"], record["period"]) for record in manifest["steps"]] == list(WORKFORCE.keys([2025, 2026]))


def test_every_record_names_its_notebook_and_its_digest(finished_run: Run) -> None:
    for record in finished_run.manifest["steps"]:
        assert file_digest(finished_run.folder / record["notebook"]) == record["notebook_sha256"]


def test_no_file_of_a_run_holds_an_absolute_path(finished_run: Run) -> None:
    texts = [
        path for path in finished_run.folder.rglob("*") if path.suffix in {".json", ".ipynb", ".html", ".md", ".csv"}
    ]
    assert len(texts) > 20
    assert [path.name for path in texts if str(finished_run.folder.parents[1]) in path.read_text()] == []


def test_executed_notebooks_print_no_warnings(finished_run: Run) -> None:
    for path in finished_run.folder.glob("notebooks/**/*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
        assert [output.text for output in outputs if output.output_type == "stream"] == []


def test_every_chart_of_an_executed_notebook_has_its_picture_beside_it(finished_run: Run) -> None:
    bundles = [
        output.data
        for path in finished_run.folder.glob("notebooks/**/*.ipynb")
        for cell in nbformat.read(path, as_version=4).cells
        for output in cell.get("outputs", ())
        if SPECIFICATION in output.get("data", {})
    ]
    assert len(bundles) > 15
    assert all(bundle[PICTURE].startswith("<svg") for bundle in bundles)


def test_a_step_tells_how_far_it_is_and_its_notebook_keeps_nothing_of_it(small_census: Path, tmp_path: Path) -> None:
    heard: list[Message] = []
    started = started_run(Project(), small_census, tmp_path / "runs")
    run(started, heard.append, until=("pre_simulation", None))
    progress = [message for message in heard if isinstance(message, StepProgressed)]
    assert [message.part for message in progress] == sorted({message.part for message in progress})
    assert {"stg_census", "stg_scenarios"} <= {message.what for message in progress}
    assert STEP_PROGRESS not in (started.folder / "notebooks/00_pre_simulation.ipynb").read_text()


def test_a_run_through_notebooks_equals_the_models_run_straight(
    finished_run: Run, small_census: Path, tmp_path: Path
) -> None:
    straight = simulate(tmp_path / "run", census=small_census, years=(2025, 2026))
    assert Simulation(finished_run.folder).digest("fct_yearly_events") == straight.digest("fct_yearly_events")


def test_the_tables_are_published_as_parquet_by_year(finished_run: Run) -> None:
    for table in ("fct_yearly_events", "fct_workforce_snapshot", "fct_year_metrics", "fct_validation_results"):
        files = sorted(path.name for path in (finished_run.folder / "export" / table).iterdir())
        assert files == ["2025.parquet", "2026.parquet"]


def test_diagnostics_hold_checks_and_row_counts_of_every_step(finished_run: Run) -> None:
    steps = json.loads((finished_run.folder / "diagnostics.json").read_text())["steps"]
    events = next(step for step in steps if step["step"] == "event_generation" and step["period"] == 2026)
    assert events["tables"]["fct_yearly_events"] > 50
    assert {check["check_name"] for check in events["checks"]} >= {"pay_chain", "nobody_leaves_twice"}


def test_the_log_has_one_json_object_a_line(finished_run: Run) -> None:
    entries = [json.loads(line) for line in (finished_run.folder / "logs.jsonl").read_text().splitlines()]
    assert [entry["message"] for entry in entries].count("StepFinished") == 16


def test_a_cell_that_raises_fails_the_run_and_says_which(tmp_path: Path, small_census: Path) -> None:
    broken = started_run(own_project(tmp_path / "own", "1 / 0"), small_census, tmp_path / "runs")
    heard: list[Message] = []
    with pytest.raises(StepError, match=r"pre_simulation failed. Cell \d+ of 00_pre_simulation.ipynb raised ZeroDiv"):
        run(broken, heard.append)
    assert isinstance(heard[-2], StepFailed)
    assert broken.manifest["status"] == "failed"
    assert broken.ledger.runs()[0]["status"] == "failed"
    assert "ZeroDivisionError" in (broken.folder / "notebooks/00_pre_simulation.ipynb").read_text()


def test_a_failing_query_fails_the_run(tmp_path: Path, small_census: Path) -> None:
    project = own_project(tmp_path / "own", "%%sql\nselect no_such_column from stg_census")
    with pytest.raises(StepError, match="no_such_column"):
        run(started_run(project, small_census, tmp_path / "runs"), lambda message: None)


def test_a_kernel_that_dies_is_told_from_a_cell_that_raised(tmp_path: Path, small_census: Path) -> None:
    project = own_project(tmp_path / "own", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(KernelDiedError, match=r"The kernel of 00_pre_simulation\.ipynb died"):
        run(started_run(project, small_census, tmp_path / "runs"), lambda message: None)


def test_a_notebook_without_completion_is_no_step(tmp_path: Path, small_census: Path) -> None:
    project = own_project(tmp_path / "own", "step.complete = lambda: None")
    with pytest.raises(StepError, match="without completing its step"):
        run(started_run(project, small_census, tmp_path / "runs"), lambda message: None)


def test_a_run_that_stopped_goes_on_at_its_first_unfinished_step(tmp_path: Path, small_census: Path) -> None:
    stopped = started_run(Project(tmp_path), small_census, tmp_path / "runs")
    run(stopped, lambda message: None, until=("pre_simulation", None))
    assert stopped.manifest["status"] == "running"
    heard: list[Message] = []
    run(stopped, heard.append, until=("year_transition", 2025))
    assert [message.key for message in heard if isinstance(message, StepFinished)] == [("year_transition", 2025)]


def test_a_step_is_refused_while_one_before_it_is_missing(tmp_path: Path, small_census: Path) -> None:
    fresh = started_run(Project(tmp_path), small_census, tmp_path / "runs")
    expected = (
        "Cannot run event_generation for 2025: pre_simulation has not finished.\n"
        f"Run: planwise run --resume {fresh.folder.name}"
    )
    with pytest.raises(ChecklistError, match=expected):
        read_checklist(WORKFORCE, fresh.folder).require(("event_generation", 2025))


def test_a_year_that_the_run_does_not_cover_is_refused(finished_run: Run) -> None:
    with pytest.raises(ChecklistError, match="has no step year_transition 2031: it covers the years 2025 to 2026"):
        read_checklist(WORKFORCE, finished_run.folder).require(("year_transition", 2031))


def test_equal_runs_have_equal_short_hashes_whatever_the_order_of_rows(tmp_path: Path, small_census: Path) -> None:
    header, *rows = small_census.read_text().splitlines()
    shuffled = tmp_path / "shuffled.csv"
    shuffled.write_text("\n".join([header, *reversed(rows)]) + "\n")
    digests = {
        resolve(Project(tmp_path), Request(census=census, seed=seed)).digest
        for census, seed in [(small_census, 1), (shuffled, 1), (small_census, 2)]
    }
    assert len(digests) == 2


def test_a_project_folder_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(InputError, match="is there and not empty"):
        init(tmp_path)


def test_the_registry_is_rebuilt_from_the_manifests(finished_run: Run) -> None:
    before = finished_run.ledger.runs()
    assert finished_run.folder.name in {row["run_id"] for row in before}
    (finished_run.ledger.out / "registry.sqlite").unlink()
    assert finished_run.ledger.runs() == before


def test_an_output_that_could_not_be_shown_fails_the_run(tmp_path: Path, small_census: Path) -> None:
    project = own_project(tmp_path / "own", "import sys\nprint('Traceback …\\nValueError: no chart', file=sys.stderr)")
    with pytest.raises(StepError, match="could not be shown: ValueError: no chart"):
        run(started_run(project, small_census, tmp_path / "runs"), lambda message: None)

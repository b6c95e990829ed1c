import json
import os
import subprocess
import sys
from contextlib import chdir
from pathlib import Path
from shutil import copytree, ignore_patterns

import pyarrow.parquet as pq
import pytest

from planwise_nb.core.errors import BusyError, ModelError
from planwise_nb.core.project import Project
from planwise_nb.core.runs import Run
from planwise_nb.core.store import connect
from planwise_nb.workforce import dbt_project
from planwise_nb.workforce.inputs import Request, resolve
from tests.simulation import simulate

ROOT = Path(__file__).parent.parent
PROJECT = ROOT / "dbt"
DEV = PROJECT / "dev" / "params"
METRICS = "models/marts/fct_year_metrics.sql"
EVENT_FIELDS = """
    employee_id employee_ssn event_type simulation_year effective_date event_details compensation_amount
    previous_compensation employee_age employee_tenure level_id age_band tenure_band event_probability event_category
    event_sequence created_at parameter_scenario_id parameter_source data_quality_flag event_id scenario_id
"""


def copy_of(folder):
    return copytree(PROJECT, folder, ignore=ignore_patterns("target", "logs", "*.duckdb*", ".user.yml"))


def dbt(project, *arguments, year=2025):
    """What dbt printed, and whether it succeeded."""
    command = [Path(sys.executable).with_name("dbt"), "--no-use-colors", *arguments]
    command += ["--vars", f"{{simulation_year: {year}}}"]
    done = subprocess.run(
        command,
        cwd=project,
        env={key: value for key, value in os.environ.items() if not key.startswith(("DBT_", "PLANWISE_"))},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr, done.returncode == 0


def rows(project, query):
    with connect(project / "dev.duckdb", read_only=True) as database:
        return database.execute(query).fetchall()


def digests(project, year):
    """A digest of all events and one of the whole snapshot of the year."""
    return [
        rows(project, f"select md5(string_agg(t::varchar, '' order by t::varchar)) from {table} t where {where}")
        for table in ("fct_yearly_events", "fct_workforce_snapshot")
        for where in [f"simulation_year = {year}"]
    ]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The project with 2025 built by hand."""
    project = copy_of(tmp_path_factory.mktemp("built") / "dbt")
    said, succeeded = dbt(project, "build")
    assert succeeded, said
    return project


@pytest.fixture
def changed(built, tmp_path):
    """The project with 2025 built, and a model to be changed."""
    project = copytree(built, tmp_path / "dbt")

    def change(model, old, new):
        text = (project / model).read_text()
        assert old in text
        (project / model).write_text(text.replace(old, new))
        return dbt(project, "run", "--select", Path(model).stem)

    return change


def test_inputs_for_building_by_hand_are_those_of_the_shipped_baseline(tmp_path):
    inputs = resolve(Project(ROOT), Request())
    inputs.write(tmp_path)
    by_hand = [{path.name: path.read_bytes() for path in folder.iterdir()} for folder in (DEV, tmp_path / "params")]
    assert by_hand[0] == by_hand[1]
    # a Parquet file names the version of its writer, so its rows are compared
    assert pq.read_table(DEV.parent / "inputs" / "census.parquet").equals(inputs.census.accepted)


def test_years_are_built_by_hand_one_after_the_other_and_replaced_alone(built, tmp_path):
    project = copytree(built, tmp_path / "dbt")
    said, succeeded = dbt(project, "build", year=2026)
    assert succeeded, said
    before = [digests(project, year) for year in (2025, 2026)]
    said, succeeded = dbt(project, "build", year=2025)
    assert succeeded, said
    assert [digests(project, year) for year in (2025, 2026)] == before
    assert rows(project, "select simulation_year from fct_year_metrics order by all") == [(2025,), (2026,)]


def test_a_year_without_the_year_before_is_refused(tmp_path):
    project = copy_of(tmp_path / "dbt")
    said, succeeded = dbt(project, "build", year=2026)
    assert not succeeded
    assert "Cannot build 2026: 2025, which it continues, is not in this database." in said
    assert "dbt build --vars '{simulation_year: 2025}'" in said
    assert rows(project, "select table_name from duckdb_tables() where table_name like 'fct_%'") == []


def test_nothing_is_deprecated_or_warned_of(built, tmp_path):
    project = copytree(built, tmp_path / "dbt")
    said, succeeded = dbt(project, "--warn-error", "parse", "--no-partial-parse", "--show-all-deprecations")
    assert succeeded, said
    assert "warn" not in said.lower()


def test_events_have_the_fields_that_other_tools_read_in_their_order(built):
    described = rows(built, "select column_name from (describe fct_yearly_events)")
    assert [name for (name,) in described] == EVENT_FIELDS.split()


def test_keys_of_the_marts_are_never_null(built):
    required = rows(built, "select table_name, column_name from duckdb_columns() where not is_nullable")
    for table in ("fct_yearly_events", "fct_workforce_snapshot", "fct_year_metrics", "fct_validation_results"):
        assert {(table, "scenario_id"), (table, "simulation_year")} <= set(required)


@pytest.mark.parametrize(
    ("old", "new", "row"),
    [
        ("    headcount_by_level_id as headcount_by_level,\n", "", "headcount_by_level | | MAP(VARCHAR, BIGINT)"),
        (
            "headcount_by_level_id as",
            "cast(headcount_by_level_id as map(varchar, integer)) as",
            "headcount_by_level | MAP(VARCHAR, INTEGER) | MAP(VARCHAR, BIGINT) | data type mismatch",
        ),
        (
            "cast(continuing_ratio - 1 as decimal(18, 6))",
            "continuing_ratio - 1",
            "same_people_compensation_growth | DECIMAL(19,6) | DECIMAL(18,6) | data type mismatch",
        ),
    ],
    ids=["a missing column", "another map", "another precision"],
)
def test_a_mart_that_breaks_its_contract_is_refused(changed, old, new, row):
    said, succeeded = changed(METRICS, old, new)
    assert not succeeded
    assert "This model has an enforced contract that failed" in said
    assert row in " ".join(said.split())


def own_project(folder: Path) -> Path:
    """The folder of a run, whose project is to be changed."""
    dbt_project.copy_shipped(folder)
    return folder / dbt_project.PROJECT


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("with\n", "-- {{ var('simulation_year') | int }}\nwith\n", r"reads var\('simulation_year'\) itself"),
        ("with\n", "{{ config(materialized='incremental') }}\nwith\n", "is materialized as incremental"),
        ("with\n", "{{ config(post_hook='select 1') }}\nwith\n", "has a hook"),
    ],
)
def test_a_model_that_steps_cannot_build_as_dbt_would_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    model = own_project(tmp_path) / "models" / "intermediate" / "int_raises.sql"
    model.write_text(model.read_text("utf-8").replace(old, new, 1), encoding="utf-8")
    with chdir(tmp_path), pytest.raises(ModelError, match=said):
        dbt_project.compiled()


def test_a_model_may_end_in_a_comment_and_its_contract_is_held_in_a_step(tmp_path: Path) -> None:
    simulation = simulate(tmp_path / "run", years=(2025, 2025))
    model = simulation.folder / dbt_project.PROJECT / "models" / "marts" / "fct_yearly_events.sql"
    model.write_text(model.read_text("utf-8").rstrip() + "\n-- the end", encoding="utf-8")
    simulation.rebuild("fct_yearly_events", year=2025)
    text = model.read_text("utf-8")
    model.write_text(f"select 1 as added, * from (\n{text}\n)", encoding="utf-8")
    with pytest.raises(ModelError, match="added: it makes INTEGER, its contract says nothing"):
        simulation.rebuild("fct_yearly_events", year=2025)


def test_compiled_models_that_are_not_as_they_were_written_are_compiled_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))  # where the system has it
    own_project(tmp_path / "run")
    with chdir(tmp_path / "run"):
        dbt_project.compiled()
    files = {path: path.read_text("utf-8") for path in tmp_path.rglob("compiled/*.json")}
    kept, *cached = sorted(files, key=lambda path: path.parts[len(tmp_path.parts)] != "run")
    kept.write_text(files[kept][:1000], encoding="utf-8")
    for path in cached:
        path.write_text(files[path].replace("1 + ", "2 + "), encoding="utf-8")
        assert path.read_text("utf-8") != files[path]
    subprocess.run([sys.executable, "-m", dbt_project.__name__], cwd=tmp_path / "run", check=True)
    assert {path: path.read_text("utf-8") for path in files} == files


def test_a_run_keeps_the_sql_that_it_ran(finished_run: Run) -> None:
    [kept] = (finished_run.folder / dbt_project.COMPILED).glob("*.json")
    models = json.loads(kept.read_text("utf-8"))["models"]
    assert {model["name"] for model in models} >= {"int_hires", "fct_year_metrics"}
    assert kept.relative_to(finished_run.folder).as_posix() in finished_run.manifest["steps"][0]["files"]


def test_a_database_that_this_process_writes_already_is_said_to_be_open(tmp_path: Path) -> None:
    database = tmp_path / "simulation.duckdb"
    with (
        connect(database),
        pytest.raises(BusyError, match="open in this process already"),
        connect(database),
    ):
        pass
    with connect(database) as connection:
        said = connection.execute("select current_database(), current_setting('temp_directory')").fetchall()
    assert said == [("simulation", f"{database}.tmp")]

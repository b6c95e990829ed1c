"""What is compared: runs as they have published themselves, and scenarios that are simulated now."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from planwise_nb.core import store
from planwise_nb.core.errors import DamagedError, InputError
from planwise_nb.core.ledger import Ledger, is_run_id
from planwise_nb.core.manifest import MANIFEST, read_manifest
from planwise_nb.core.rollback import known_files
from planwise_nb.core.yaml_files import read_yaml
from planwise_nb.workforce.inputs import WorkforceInputs
from planwise_nb.workforce.parameter_tables import BESIDE
from planwise_nb.workforce.publication import published_files
from planwise_nb.workforce.trials import simulated

TABLES = {
    "int_baseline_workforce": "simulation_year, employee_id, level_id, compensation_cents",
    "int_effective_parameters": "simulation_year, parameter_name, level_id, parameter_value",
    "fct_yearly_events": "simulation_year, employee_id, event_type, event_category, event_details, effective_date,"
    " level_id, compensation_amount, previous_compensation",
    "fct_workforce_snapshot": "simulation_year, employee_id, employee_birth_date, employee_hire_date, level_id,"
    " current_age, age_band, current_tenure, tenure_band, department, employment_status, termination_date,"
    " current_compensation, prorated_annual_compensation",
    "fct_year_metrics": "simulation_year, closing_headcount, hires, exits, promotions, payroll,"
    " payroll_per_person_year, average_compensation, headcount_growth, average_compensation_growth,"
    " same_people_compensation_growth",
}
"""What a comparison reads of each side: columns by table, without the scenario, of which a side has one."""

CENSUS = {
    "sha256": "another census file",
    "census_date": "another census date",
    "set_aside": "other rows set aside",
}
"""By what the manifest says of a census, what a side has that says otherwise."""


@dataclass(frozen=True, eq=False)
class Side:
    """One of the things compared, by the ``name`` that people see: a scenario of a run, or one simulated now.

    ``run_id`` is empty for the latter, ``census`` is what the manifest says of it, ``members`` how many scenarios the
    run has, of which this is the first. ``tables`` holds the rows of ``TABLES`` as Arrow tables, ``beside`` what
    the files beside its scenario say, by what people call them; ``settings`` is what the scenario states that is not
    the project's default, by ``section.key``.
    """

    name: str
    run_id: str
    seed: int
    census: Mapping[str, Any]
    years: tuple[int, ...]
    tables: Mapping[str, Any]
    beside: Mapping[str, Any]
    settings: Mapping[str, str]
    is_finished: bool = True
    members: int = 1


def published_side(folder: Path) -> Side:
    """The first scenario of the run in ``folder``, by what it has published. Raises ``InputError`` where no year of it
    is finished, or where it is no run, ``DamagedError`` where its files are not those of a run.
    """
    manifest = read_manifest(folder)
    try:
        return _published(folder, manifest)
    except (KeyError, StopIteration, duckdb.Error) as error:
        said = str(error).partition("\n")[0]
        fix = f"See what is damaged: planwise verify {folder.name}; or simulate it again with this version."
        raise DamagedError(f"Run {folder.name} cannot be compared: {said}", fix=fix) from error


def _published(folder: Path, manifest: dict[str, Any]) -> Side:
    name, seed = next(iter(manifest["seeds"].items()))
    known = known_files(manifest)
    with store.connect() as connection:
        files = {table: published_files(folder, table, known) for table in TABLES}
        if not all(files.values()):
            raise InputError(
                f"Run {folder.name} has no finished year yet, so it cannot be compared.",
                fix=f"See how far it is: planwise checklist {folder.name}",
            )
        years = tuple(sorted(int(Path(file).stem) for file in files["fct_workforce_snapshot"]))
        rows = {table: connection.read_parquet(found) for table, found in files.items()}
        return Side(
            name=name,
            run_id=folder.name,
            seed=int(seed),
            census=manifest["inputs"]["census"],
            years=years,
            tables=_read(rows, name, years),
            beside=_beside(connection, folder, name),
            settings=manifest["differences"].get(name, {}),
            is_finished=manifest["status"] == "success",
            members=len(manifest["seeds"]),
        )


def simulated_sides(inputs: WorkforceInputs) -> list[Side]:
    """Every scenario of ``inputs``, simulated in one pass without notebooks. Raises ``ModelError`` as a run does."""
    said = inputs.describe()
    with tempfile.TemporaryDirectory(prefix="planwise-") as place:
        inputs.write(Path(place))
        with simulated(Path(place), inputs.periods) as connection:
            rows = {table: connection.table(table) for table in TABLES}
            return [
                Side(
                    name=name,
                    run_id="",
                    seed=seed,
                    census=said["inputs"]["census"],
                    years=inputs.periods,
                    tables=_read(rows, name, inputs.periods),
                    beside=_beside(connection, Path(place), name),
                    settings=said["differences"].get(name, {}),
                )
                for name, seed in said["seeds"].items()
            ]


def _read(rows: Mapping[str, duckdb.DuckDBPyRelation], scenario: str, years: Sequence[int]) -> dict[str, Any]:
    """The tables of one scenario in these years: in some of them nobody may be left."""
    is_of_it = duckdb.ColumnExpression("scenario_id") == duckdb.ConstantExpression(scenario)
    is_within = duckdb.ColumnExpression("simulation_year").isin(*map(duckdb.ConstantExpression, years))
    return {
        table: rows[table].filter(is_of_it).filter(is_within).project(columns).to_arrow_table()
        for table, columns in TABLES.items()
    }


def _beside(connection: duckdb.DuckDBPyConnection, folder: Path, scenario: str) -> dict[str, Any]:
    """What stands beside one scenario in what the run in ``folder`` starts from: its rows of tables, and the mapping of
    its census."""
    mapping = folder / "inputs" / "census_map.yaml"
    found: dict[str, Any] = {"census mapping": read_yaml(mapping) if mapping.exists() else None}
    is_of_it = duckdb.ColumnExpression("scenario_id") == duckdb.ConstantExpression(scenario)
    for table in BESIDE:
        rows = connection.read_csv(str(folder / "params" / f"{table}.csv"), all_varchar=True, header=True)
        found[f"{table}.csv"] = rows.filter(is_of_it).project("* exclude (scenario_id)").order("all").fetchall()
    return found


def find_sides(names: Sequence[str], ledger: Ledger, resolve: Callable[[str], WorkforceInputs]) -> list[Side]:
    """The sides that ``names`` stand for, in their order: each a run id, the folder of a run, or a scenario.

    The scenarios are simulated together; ``resolve`` is given their names, joined by commas, and makes their inputs.
    Raises ``InputError`` for a run that is not there or has no finished year, and as ``resolve`` does.
    """
    folders = {name: folder for name in names if (folder := run_folder(name, ledger)) is not None}
    scenarios = [name for name in names if name not in folders]
    simulated_ones = iter(simulated_sides(resolve(",".join(scenarios))) if scenarios else ())
    return [published_side(folders[name]) if name in folders else next(simulated_ones) for name in names]


def run_folder(name: str, ledger: Ledger) -> Path | None:
    """The folder of the run that ``name`` stands for; None where it is a scenario."""
    if is_run_id(name):
        return ledger.folder(name)
    return Path(name) if (Path(name) / MANIFEST).is_file() else None


def told_apart(sides: Sequence[Side]) -> tuple[Side, ...]:
    """The sides by names that differ: of two with one name, each says its run, and its place where that is one too."""
    names = [side.name for side in sides]
    longer = [f"{side.name} {side.run_id or 'now'}" if names.count(side.name) > 1 else side.name for side in sides]
    return tuple(
        replace(side, name=f"{name} ({place})" if longer.count(name) > 1 else name)
        for place, (side, name) in enumerate(zip(sides, longer, strict=True), start=1)
    )

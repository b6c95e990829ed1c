"""What a report tells of a run: its manifest and a few small tables, whoever may open which file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from planwise_nb.core import store
from planwise_nb.core.errors import InputError
from planwise_nb.core.manifest import read_manifest
from planwise_nb.core.pipeline import label
from planwise_nb.workforce import publication
from planwise_nb.workforce.parameter_layers import PARAMETERS
from planwise_nb.workforce.parameters import BASELINE_LAYERS, project_defaults

MAX_SCENARIOS = 20
"""Scenarios that a report tells one by one; all of them are in the tables of the run."""

TOLD_VERSIONS = ("planwise-notebooks", "dbt-core", "dbt-duckdb", "duckdb", "papermill", "pandas", "altair")

QUERIES = {
    "metrics": "from fct_year_metrics order by scenario_id, simulation_year",
    "validation": "from fct_validation_results order by all",
    "levels": """
        with spreads as (
            select
                scenario_id, simulation_year, level_id,
                count(*) filter (employment_status = 'active') as headcount,
                sum(prorated_annual_compensation) as paid,
                round(avg(current_compensation) filter (employment_status = 'active'), 2) as average_pay,
                quantile_cont(cast(current_compensation as double), [0.0, 0.25, 0.5, 0.75, 1.0])
                    filter (employment_status = 'active') as spread,
            from fct_workforce_snapshot
            where list_contains($told, scenario_id)
            group by all
        )
        select
            spreads.* exclude (spread),
            round(spread[1], 2) as lowest_pay, round(spread[2], 2) as quartile_1, round(spread[3], 2) as median_pay,
            round(spread[4], 2) as quartile_3, round(spread[5], 2) as highest_pay,
            ranges.name as level_name, ranges.min_compensation as range_min, ranges.max_compensation as range_max,
        from spreads
        left join read_csv($job_levels, header = true, columns = {
            scenario_id: 'varchar', level_id: 'integer', name: 'varchar', min_compensation: 'decimal(18, 2)',
            max_compensation: 'decimal(18, 2)'
        }) as ranges using (scenario_id, level_id)
        order by scenario_id, simulation_year, level_id
    """,
    "parameters": """
        select scenario_id, parameter_name, level_id, simulation_year, parameter_value, parameter_source, is_locked,
        from int_effective_parameters
        where list_contains($told, scenario_id)
        order by all
    """,
    "differences": """
        with used as (from int_effective_parameters where list_contains($told, scenario_id)),
        stated as (
            from read_csv($baseline_layers, header = true, columns = {
                scenario_id: 'varchar', layer: 'integer', parameter_name: 'varchar', fiscal_year: 'integer',
                job_level: 'integer', parameter_value: 'decimal(18, 6)', parameter_source: 'varchar',
                is_locked: 'boolean'
            })
        ),
        compared as (
            select
                used.scenario_id, used.parameter_name, used.level_id, used.simulation_year, used.parameter_value,
                used.parameter_source, arg_min(stated.parameter_value, stated.layer) as baseline_value,
            from used
            left join stated
                on
                    used.parameter_name = stated.parameter_name
                    and coalesce(stated.job_level = used.level_id, true)
                    and coalesce(stated.fiscal_year = used.simulation_year, true)
            group by all
        )
        select
            scenario_id, parameter_name,
            string_agg(distinct level_id, ', ' order by level_id) as levels,
            string_agg(distinct simulation_year, ', ' order by simulation_year) as years,
            cast(parameter_value as double) as parameter_value,
            cast(baseline_value as double) as baseline_value,
            parameter_source,
        from compared
        where
            parameter_value is distinct from baseline_value
            and not (parameter_source = 'hazard' and baseline_value is null)
        group by scenario_id, parameter_name, compared.parameter_value, compared.baseline_value, parameter_source
        order by all
    """,
    "bands": "from fct_ensemble_bands where members > 1 order by all",
    "chances": "from fct_threshold_chances order by all",
}
"""By name the query of each table; ``$told`` are the scenarios that are told one by one."""

NEEDED = {
    "metrics": "fct_year_metrics",
    "validation": "fct_validation_results",
    "levels": "fct_workforce_snapshot",
    "parameters": "int_effective_parameters",
    "differences": "int_effective_parameters",
    "bands": "fct_ensemble_bands",
    "chances": "fct_threshold_chances",
}


@dataclass(frozen=True, eq=False)
class Results:
    """What a run gives, as small frames; one that the run has not got yet has no rows.

    ``metrics``, ``validation`` and ``chances`` are the whole ``fct_year_metrics`` in the order of the run's scenarios,
    ``fct_validation_results`` and ``fct_threshold_chances``; ``bands`` are those of ``fct_ensemble_bands`` with several
    members. ``levels``: headcount at year end (people), what was paid in the year, the spread of pay per year and its
    range by level; ``parameters``: every parameter as used; ``differences``: those that differ from what the project's
    baseline said when the run started. These three are of the first ``MAX_SCENARIOS`` scenarios.
    """

    manifest: Mapping[str, Any]
    metrics: pd.DataFrame
    validation: pd.DataFrame
    levels: pd.DataFrame = field(default_factory=pd.DataFrame)
    parameters: pd.DataFrame = field(default_factory=pd.DataFrame)
    differences: pd.DataFrame = field(default_factory=pd.DataFrame)
    bands: pd.DataFrame = field(default_factory=pd.DataFrame)
    chances: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def run_id(self) -> str:
        """The id of the run."""
        return str(self.manifest["run_id"])

    @property
    def scenarios(self) -> list[str]:
        """The scenarios that have results, in order."""
        return list(dict.fromkeys(self.metrics["scenario_id"]))


def read_results(connection: duckdb.DuckDBPyConnection, folder: Path) -> Results:
    """The results of the run in ``folder``, of whose tables ``connection`` has those that there are.

    Raises ``InputError`` where no year has metrics yet.
    """
    manifest = read_manifest(folder)
    there = store.tables_of(connection)
    if not {"fct_year_metrics", "fct_validation_results"} <= there:
        fix = f"See how far it is: planwise checklist {folder.name}"
        raise InputError(f"Run {folder.name} has no finished year yet, so it has no results.", fix=fix)
    given = {
        "told": list(manifest["seeds"])[:MAX_SCENARIOS],
        "baseline_layers": str(folder / "params" / BASELINE_LAYERS),
        "job_levels": str(folder / "params" / "job_levels.csv"),
    }
    frames = {
        name: connection.execute(query, {key: value for key, value in given.items() if f"${key}" in query}).df()
        for name, query in QUERIES.items()
        if NEEDED[name] in there and (name != "differences" or knows_baseline(manifest))
    }
    place = {scenario: number for number, scenario in enumerate(manifest["seeds"])}
    frames["metrics"] = frames["metrics"].sort_values("scenario_id", key=lambda names: names.map(place), kind="stable")
    if knows_baseline(manifest):
        frames["differences"] = pd.concat([frames.get("differences"), _stated(manifest)], ignore_index=True)
    return Results(manifest, **frames)


def published_results(folder: Path) -> Results:
    """The results that the run in ``folder`` has published so far; never disturbs a run that is going on.

    Raises ``InputError`` where no year has metrics yet.
    """
    with store.connect() as connection:
        publication.open_published(connection, folder)
        return read_results(connection, folder)


def knows_baseline(manifest: Mapping[str, Any]) -> bool:
    """Whether the run has kept what baseline says: not where no run could have used that."""
    return manifest.get("baseline") is not None


def _stated(manifest: Mapping[str, Any]) -> pd.DataFrame:
    """What scenarios state differently from baseline: not the parameters of a year or level, which the models tell, nor
    years and seeds, which are told anyway.
    """
    of_baseline = _figures(manifest["baseline"])
    told = {name: _figures(stated) for name, stated in list(manifest["differences"].items())[:MAX_SCENARIOS]}
    rows = [
        (scenario, key, figures.get(key), of_baseline.get(key))
        for scenario, figures in told.items()
        for key in dict.fromkeys((*of_baseline, *figures))
        if figures.get(key) != of_baseline.get(key)
    ]
    return pd.DataFrame(rows, columns=["scenario_id", "parameter_name", "parameter_value", "baseline_value"])


def _figures(differences: Mapping[str, Any]) -> dict[str, float]:
    """The figures of a scenario by key, from those that are not the project's defaults."""
    return {
        key: float(value)
        for key, value in (project_defaults() | dict(differences)).items()
        if tuple(key.split(".")[:2]) not in PARAMETERS and not key.startswith(("simulation.", "census."))
    }


def facts(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Where a run comes from, by what each fact is; those that the manifest does not hold are left out."""
    census = (manifest.get("inputs") or {}).get("census") or {}
    seeds = dict(manifest.get("seeds") or {})
    few = list(seeds.items())[:MAX_SCENARIOS]
    rest = f", … and {len(seeds) - len(few):,} more" if len(seeds) > len(few) else ""
    versions = manifest.get("versions") or {}
    told = {
        "Run": manifest.get("run_id"),
        "Parent run": manifest.get("parent_run_id"),
        "Forced steps": ", ".join(label((step, period)) for step, period in manifest.get("forced") or ()),
        "Accepted changes": ", ".join(change["path"] for change in manifest.get("accepted_changes") or ()),
        "Created": manifest.get("created_at"),
        "Command": _command(manifest.get("command")),
        "Seed": ", ".join(f"{name}: {seed}" for name, seed in few) + rest,
        "Census": census.get("file"),
        "Census SHA-256": census.get("sha256"),
        "Census of": census.get("census_date"),
        "Census rows": _count(census.get("rows")),
        "Active in the census": _count(census.get("active")),
        "Rows set aside": _count(census.get("set_aside")),
        "Inputs digest": manifest.get("inputs_digest"),
        "Versions": ", ".join(f"{name} {versions[name]}" for name in TOLD_VERSIONS if name in versions),
        "Git revision": _revision(manifest.get("git")),
        "Platform": manifest.get("platform"),
    }
    return {name: str(value) for name, value in told.items() if value not in (None, "")}


def _revision(git: Mapping[str, Any] | None) -> str:
    return f"{git['revision']}{', with changes' if git['is_dirty'] else ''}" if git else ""


def _command(command: object) -> str:
    return " ".join(map(str, command)) if isinstance(command, list | tuple) else str(command or "")


def _count(number: int | None) -> str:
    return "" if number is None else f"{number:,}"

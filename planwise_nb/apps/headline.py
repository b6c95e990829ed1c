"""The headline figures of a run, for a terminal. Reads what is published, so a running run is not disturbed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from planwise_nb.core import store
from planwise_nb.workforce import publication

MAX_TOLD = 10
"""Members whose years are told one by one."""
MAX_LINES = 30

FIGURES = (
    "simulation_year",
    "opening_headcount",
    "hires",
    "exits",
    "closing_headcount",
    "target_headcount",
    "payroll",
    "average_compensation",
    "checks",
    "checks_failed",
    "warnings",
)


def years_of(folder: Path) -> list[dict[str, Any]]:
    """One object per scenario and published year: headcounts, payroll, average pay and checks."""
    with store.connect() as connection:
        publication.open_published(connection, folder)
        views = {row[0] for row in connection.execute("show tables").fetchall()}
        if not {"fct_year_metrics", "fct_validation_results"} <= views:
            return []
        rows = connection.execute("""
            select
                metrics.scenario_id,
                metrics.simulation_year,
                opening_headcount,
                hires,
                experienced_terminations + reductions + new_hire_terminations as exits,
                closing_headcount,
                target_headcount,
                payroll::varchar as payroll,
                average_compensation::varchar as average_compensation,
                count(*) as checks,
                count(*) filter (not is_passed and severity = 'error') as checks_failed,
                count(*) filter (not is_passed and severity != 'error') as warnings,
            from fct_year_metrics as metrics
            inner join fct_validation_results as results using (scenario_id, simulation_year)
            group by all
            order by all
        """).fetchall()
    return [dict(zip(("scenario_id", *FIGURES), row, strict=True)) for row in rows]


def headline(folder: Path, manifest: dict[str, Any], years: list[dict[str, Any]]) -> str:
    """The run as a small table, with where to look next. Of many members, how far they lie apart."""
    told = _lines_of_many(folder, manifest) if len(manifest["seeds"]) > MAX_TOLD else _lines_of_few(years)
    lines = [f"{manifest['run_id']}  {manifest['subject']}  {manifest['status']} in {manifest['seconds']:.1f} s", ""]
    summary = folder / "export" / "summary.html"
    lines += [*told, "", *([f"Summary: {summary}"] if summary.exists() else []), f"Notebooks: {folder / 'notebooks'}"]
    return "\n".join(lines)


def _lines_of_few(years: list[dict[str, Any]]) -> Iterator[str]:
    names = dict.fromkeys(year["scenario_id"] for year in years)
    width = max((len(name) for name in names), default=0) + 2 if len(names) > 1 else 0
    yield (f"{'scenario' if width else '':<{width}}{'year':<6}{'opening':>10}{'hires':>9}{'exits':>9}{'closing':>10}"
           f"{'target':>10}{'payroll':>20}{'average pay':>15}  checks")  # fmt: skip
    for year in years:
        payroll, average = float(year["payroll"]), float(year["average_compensation"] or 0)
        held = year["checks"] - year["checks_failed"] - year["warnings"]
        warned = f", {year['warnings']} warn" if year["warnings"] else ""
        failed = f", {year['checks_failed']} FAIL" if year["checks_failed"] else ""
        yield (
            f"{year['scenario_id'] if width else '':<{width}}"
            f"{year['simulation_year']:<6}{year['opening_headcount']:>10,}{year['hires']:>9,}{year['exits']:>9,}"
            f"{year['closing_headcount']:>10,}{year['target_headcount']:>10,}{payroll:>20,.2f}{average:>15,.2f}"
            f"  {held} hold{warned}{failed}"
        )


def _lines_of_many(folder: Path, manifest: dict[str, Any]) -> Iterator[str]:
    """The bands of the last year, and the chances of passing the thresholds."""
    if manifest["status"] != "success":
        yield f"{len(manifest['seeds']):,} members; their bands are there when the run is finished."
        return
    with store.connect(folder / store.DATABASE, read_only=True) as connection:
        bands = connection.execute("""
            select scenario_id, simulation_year, metric, members, p5, p50, p95,
            from fct_ensemble_bands
            where
                simulation_year = (select max(simulation_year) from fct_ensemble_bands)
                and metric in ('closing_headcount', 'payroll', 'average_compensation')
            order by scenario_id, metric
        """).fetchall()
        chances = connection.execute("""
            select scenario_id, simulation_year, metric, threshold, members_above, members,
            from fct_threshold_chances order by all
        """).fetchall()
    width = max(len(row[0]) for row in bands) + 2
    yield (f"{'ensemble':<{width}}{'year':<6}{'metric':<22}{'members':>9}{'5th percentile':>20}{'median':>20}"
           f"{'95th percentile':>20}")  # fmt: skip
    for scenario, year, metric, members, *percentiles in bands[:MAX_LINES]:
        numbers = "".join(f"{number:>20,.2f}" for number in percentiles)
        yield f"{scenario:<{width}}{year:<6}{metric:<22}{members:>9,}{numbers}"
    if len(bands) > MAX_LINES:
        yield f"… and {len(bands) - MAX_LINES:,} more lines; all are in fct_ensemble_bands."
    for scenario, year, metric, threshold, above, members in chances[:MAX_LINES]:
        yield f"{scenario:<{width}}{year:<6}{metric} above {threshold:,.2f}: {above:,} of {members:,} members"

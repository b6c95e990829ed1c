"""The headline figures of a run, for a terminal. Reads what is published, so a running run is not disturbed."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from planwise_nb.core import store
from planwise_nb.workforce import publication

MAX_TOLD = 10
"""Members whose years are told one by one."""
MAX_LINES = 30
TOLD_METRICS = ("closing_headcount", "payroll", "average_compensation")

FIGURES = {
    "years": (
        ("fct_year_metrics", "fct_validation_results"),
        """
        select
            metrics.scenario_id,
            metrics.simulation_year,
            opening_headcount,
            hires,
            experienced_terminations + reductions + new_hire_terminations as exits,
            closing_headcount,
            target_headcount,
            payroll,
            average_compensation,
            count(*) as checks,
            count(*) filter (not is_passed and severity = 'error') as checks_failed,
            count(*) filter (not is_passed and severity != 'error') as warnings,
        from fct_year_metrics as metrics
        inner join fct_validation_results as results using (scenario_id, simulation_year)
        group by all
        order by all
        """,
    ),
    "bands": (
        ("fct_ensemble_bands",),
        "from fct_ensemble_bands where members > 1 order by scenario_id, metric, simulation_year",
    ),
    "chances": (
        ("fct_threshold_chances",),
        "from fct_threshold_chances order by scenario_id, metric, threshold, simulation_year",
    ),
}
"""By name of what is told of a run: the tables that it is read from, and the query."""

Figures = dict[str, list[dict[str, Any]]]


def figures_of(folder: Path) -> Figures:
    """The figures of a run: ``years`` has one object per scenario and published year, ``bands`` one per ensemble, year
    and metric, ``chances`` one per threshold and year; empty where nothing of that kind is published.
    """
    with store.connect() as connection:
        publication.open_published(connection, folder)
        views = {row[0] for row in connection.execute("show tables").fetchall()}
        return {
            name: _objects(connection.execute(query)) if views.issuperset(tables) else []
            for name, (tables, query) in FIGURES.items()
        }


def _objects(result: Any) -> list[dict[str, Any]]:
    names = [column[0] for column in result.description]
    return [
        {name: str(value) if isinstance(value, Decimal) else value for name, value in zip(names, row, strict=True)}
        for row in result.fetchall()
    ]


def headline(folder: Path, manifest: dict[str, Any], figures: Figures) -> str:
    """The run as a small table, with where to look next; of an ensemble, how far its members lie apart."""
    lines = [f"{manifest['run_id']}  {manifest['subject']}  {manifest['status']} in {manifest['seconds']:.1f} s", ""]
    if len(manifest["seeds"]) <= MAX_TOLD:
        lines += [*_lines_of_few(figures["years"]), ""]
    elif not figures["bands"]:
        lines += [f"{len(manifest['seeds']):,} members; what each of them gives is in fct_year_metrics.", ""]
    lines += [*_lines_of_ensembles(figures["bands"], figures["chances"])]
    summary = folder / "export" / "summary.html"
    lines += [*([f"Summary: {summary}"] if summary.exists() else []), f"Notebooks: {folder / 'notebooks'}"]
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


def _lines_of_ensembles(bands: list[dict[str, Any]], chances: list[dict[str, Any]]) -> Iterator[str]:
    """The bands of the last year, and the chances of passing the thresholds."""
    width = max((len(row["scenario_id"]) for row in [*bands, *chances]), default=0) + 2
    last = max((row["simulation_year"] for row in bands), default=0)
    told = [row for row in bands if row["simulation_year"] == last and row["metric"] in TOLD_METRICS]
    if told:
        yield (f"{'ensemble':<{width}}{'year':<6}{'metric':<22}{'members':>9}{'5th percentile':>20}{'median':>20}"
               f"{'95th percentile':>20}")  # fmt: skip
    for row in told[:MAX_LINES]:
        numbers = "".join(f"{float(row[name]):>20,.2f}" for name in ("p5", "p50", "p95"))
        yield (f"{row['scenario_id']:<{width}}{row['simulation_year']:<6}{row['metric']:<22}{row['members']:>9,}"
               f"{numbers}")  # fmt: skip
    if len(told) > MAX_LINES:
        yield f"… and {len(told) - MAX_LINES:,} more lines; all are in fct_ensemble_bands."
    for row in chances[:MAX_LINES]:
        yield (f"{row['scenario_id']:<{width}}{row['simulation_year']:<6}{row['metric']} above "
               f"{float(row['threshold']):,.2f}: {row['members_above']:,} of {row['members']:,} members")  # fmt: skip
    if told or chances:
        yield ""

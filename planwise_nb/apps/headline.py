"""The headline figures of a run, for a terminal. Reads what is published, so a running run is not disturbed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from planwise_nb.core import store
from planwise_nb.workforce import publication

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
    """The run as a small table, with where to look next."""
    lines = [f"{manifest['run_id']}  {manifest['subject']}  {manifest['status']} in {manifest['seconds']:.1f} s", ""]
    lines.append(f"{'year':<6}{'opening':>10}{'hires':>9}{'exits':>9}{'closing':>10}{'target':>10}"
                 f"{'payroll':>20}{'average pay':>15}  checks")  # fmt: skip
    for year in years:
        payroll, average = float(year["payroll"]), float(year["average_compensation"] or 0)
        held = year["checks"] - year["checks_failed"] - year["warnings"]
        warned = f", {year['warnings']} warn" if year["warnings"] else ""
        failed = f", {year['checks_failed']} FAIL" if year["checks_failed"] else ""
        lines.append(
            f"{year['simulation_year']:<6}{year['opening_headcount']:>10,}{year['hires']:>9,}{year['exits']:>9,}"
            f"{year['closing_headcount']:>10,}{year['target_headcount']:>10,}{payroll:>20,.2f}{average:>15,.2f}"
            f"  {held} hold{warned}{failed}"
        )
    summary = folder / "export" / "summary.html"
    lines += ["", *([f"Summary: {summary}"] if summary.exists() else []), f"Notebooks: {folder / 'notebooks'}"]
    return "\n".join(lines)

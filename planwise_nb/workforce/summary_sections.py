"""What the summary of a run tells: headings, sentences and tables whose cells are texts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from planwise_nb.core.display import MISSING
from planwise_nb.workforce.results import MAX_SCENARIOS, Results, facts, knows_baseline

# more findings and bands than these stay in the tables of the run
MAX_FINDINGS = 40
MAX_BANDS = 100
YEARS, PAY, CHECKS, PROVENANCE = "Year by year", "Pay by level", "Checks", "Provenance"
SPREAD = "How far the members of the ensemble lie apart"
FANNED = ("closing_headcount", "payroll", "average_compensation")
COLUMNS = {  # heading: column, format
    "Year": ("simulation_year", "d"),
    "Opening": ("opening_headcount", ",d"),
    "Experienced exits": ("experienced_terminations", ",d"),
    "Reductions": ("reductions", ",d"),
    "Hires": ("hires", ",d"),
    "New-hire exits": ("new_hire_terminations", ",d"),
    "Closing": ("closing_headcount", ",d"),
    "Target": ("target_headcount", ",d"),
    "Headcount growth": ("headcount_growth", ".2%"),
    "Payroll": ("payroll", ",.2f"),
    "Average pay": ("average_compensation", ",.2f"),
    "Pay growth, same people": ("same_people_compensation_growth", ".2%"),
}
LEVELS = {
    "Scenario": ("scenario_id", ""),
    "Level": ("level_id", "d"),
    "Name": ("level_name", ""),
    "Headcount": ("headcount", ",d"),
    "Paid in the year": ("paid", ",.2f"),
    "Lower quartile": ("quartile_1", ",.2f"),
    "Median": ("median_pay", ",.2f"),
    "Upper quartile": ("quartile_3", ",.2f"),
    "Range from": ("range_min", ",.0f"),
    "Range to": ("range_max", ",.0f"),
}
DIFFERENCES = {
    "Scenario": ("scenario_id", ""),
    "Parameter": ("parameter_name", ""),
    "Levels": ("levels", ""),
    "Years": ("years", ""),
    "Value": ("parameter_value", ".10g"),
    "Baseline": ("baseline_value", ".10g"),
    "Stated by": ("parameter_source", ""),
}
FINDINGS = {
    "Severity": ("severity", ""),
    "Scenario": ("scenario_id", ""),
    "Year": ("simulation_year", "d"),
    "Step": ("step", ""),
    "Check": ("check_name", ""),
    "Meaning": ("description", ""),
    "Expected": ("expected", ""),
    "Found": ("found", ""),
    "Offenders": ("offender_count", ",d"),
    "First of them": ("offender_sample", ""),
}
_NUMBER = re.compile(rf"[+−-]?[\d,]+(\.\d+)?%?|{MISSING}")


@dataclass(frozen=True)
class Section:
    """A heading, a sentence, and a table whose cells are text, not escaped yet."""

    title: str
    note: str = ""
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()

    @property
    def is_number(self) -> list[bool]:
        """For each column whether it holds numbers only."""
        return [all(_NUMBER.fullmatch(cell) for cell in column) for column in zip(*self.rows, strict=True)]


def sections_of(results: Results) -> Iterator[Section]:
    """The sections of the summary, in order."""
    yield _years(results)
    yield _levels(results.levels)
    if len(results.bands):
        yield _bands(results.bands)
    if len(results.chances):
        yield _chances(results.chances)
    yield _checks(results.validation)
    yield _differences(results)
    yield Section(PROVENANCE, "", ("What", "Value"), tuple(facts(results.manifest).items()))


def _section(title: str, note: str, frame: pd.DataFrame, columns: Mapping[str, tuple[str, str]]) -> Section:
    return Section(title, note, tuple(columns), _rows(frame, columns))


def _rows(frame: pd.DataFrame, columns: Mapping[str, tuple[str, str]]) -> tuple[tuple[str, ...], ...]:
    return tuple(
        tuple(shown(row.get(column), shape) for column, shape in columns.values()) for row in frame.to_dict("records")
    )


def _years(results: Results) -> Section:
    names = results.scenarios
    metrics = results.metrics[results.metrics["scenario_id"].isin(names[:MAX_SCENARIOS])]
    note = _few(len(names), "fct_year_metrics") or ("No year was simulated." if metrics.empty else "")
    return _section(YEARS, note, metrics, {"Scenario": ("scenario_id", ""), **COLUMNS})


def _few(scenarios: int, table: str) -> str:
    """What is said where there are too many scenarios to tell them all."""
    if scenarios <= MAX_SCENARIOS:
        return ""
    return f"The first {MAX_SCENARIOS} of {scenarios:,} scenarios; all are in {table}."


def _levels(levels: pd.DataFrame) -> Section:
    """Pay by level at the end of the last year."""
    if levels.empty:
        return Section(PAY, "Nobody is employed.")
    year = levels["simulation_year"].max()
    note = f"At the end of {year}: pay per year of the active, and the range of the level."
    return _section(PAY, note, levels[levels["simulation_year"] == year], LEVELS)


def _bands(bands: pd.DataFrame) -> Section:
    """The percentiles of the fanned metrics; those of all are in the tables of the run."""
    percentiles = ("p5", "p25", "p50", "p75", "p95")
    shapes = {"scenario_id": "", "simulation_year": "d", "metric": "", "members": ",d"}
    shapes |= dict.fromkeys(percentiles, ",.2f")
    columns = {name: (name, shape) for name, shape in shapes.items()}
    rows = [row for metric in FANNED for row in _rows(bands[bands["metric"] == metric].head(MAX_BANDS), columns)]
    note = "Percentiles over the members of each ensemble; those of every metric are in fct_ensemble_bands."
    return Section(SPREAD, note, ("Ensemble", "Year", "Metric", "Members", *percentiles), tuple(rows))


def _chances(chances: pd.DataFrame) -> Section:
    rows = [
        (
            str(row["scenario_id"]),
            shown(row["simulation_year"], "d"),
            str(row["metric"]),
            shown(row["threshold"], ",.2f"),
            f"{int(row['members_above']):,} of {int(row['members']):,}",
            shown(row["chance"], ".1%"),
        )
        for row in chances.head(MAX_BANDS).to_dict("records")
    ]
    header = ("Ensemble", "Year", "Metric", "Threshold", "Members above it", "Chance")
    return Section("Chances of passing a threshold", "", header, tuple(rows))


def _checks(validation: pd.DataFrame) -> Section:
    passed = validation["is_passed"].astype(bool)
    failed = validation[~passed].sort_values(["severity", "simulation_year"], kind="stable")
    errors = int((failed["severity"] == "error").sum())
    note = f"{int(passed.sum()):,} of {len(validation):,} checks hold; "
    note += f"{errors:,} errors, {len(failed) - errors:,} warnings."
    if len(failed) > MAX_FINDINGS:
        note += f" The first {MAX_FINDINGS} of {len(failed):,}; all are in fct_validation_results."
    return _section(CHECKS, note, failed.head(MAX_FINDINGS), FINDINGS)


def _differences(results: Results) -> Section:
    note = _few(len(results.scenarios), "int_effective_parameters")
    if not knows_baseline(results.manifest):
        note = "Not known: the run has kept no baseline that could be used."
    elif results.differences.empty:
        note = note or "Every parameter is that of baseline."
    return _section("Parameters that differ from baseline", note, results.differences, DIFFERENCES)


def shown(value: Any, shape: str = "") -> str:
    """``value`` as text in the format ``shape``; a dash for nothing."""
    if value is None or (not isinstance(value, list | tuple | dict) and pd.isna(value)):
        return MISSING
    if shape.endswith("d"):
        return format(int(value), shape)
    return format(value, shape) if shape else str(value) or MISSING


def about(manifest: Mapping[str, Any]) -> str:
    """The run in a line: scenario, years and id."""
    periods = list(manifest.get("periods") or [])
    years = f"{periods[0]}–{periods[-1]}" if len(periods) > 1 else "".join(map(str, periods))
    told = [manifest.get("subject"), years, manifest.get("run_id")]
    return " · ".join(str(fact) for fact in told if fact)

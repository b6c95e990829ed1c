"""The headline figures of a run, for a terminal. Reads what is published, so a running run is not disturbed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from planwise_nb.apps.sparklines import shown, sparkline
from planwise_nb.core import store
from planwise_nb.core.printable import printable
from planwise_nb.workforce import publication

MAX_TOLD = 10
"""Members whose years are told one by one."""
MAX_LINES = 30
TOLD_METRICS = ("closing_headcount", "payroll", "average_compensation")

PERCENTILES = ("p5", "p50", "p95")
NOTHING = "–"
NAME = 28
COUNTS = ("opening_headcount", "hires", "exits", "closing_headcount", "target_headcount")
TRENDS = {
    "closing_headcount": "headcount",
    "hires": "hires",
    "exits": "exits",
    "payroll": "payroll",
    "average_compensation": "average pay",
}
PLACES = {"Summary": "export/summary.html", "Workbook": "export/results.xlsx", "Notebooks": "notebooks"}
SIDE_BY_SIDE = ("closing_headcount", "payroll", "average_compensation")

FIGURES = {
    "years": (
        ("fct_year_metrics", "fct_validation_results"),
        """
        select
            metrics.scenario_id,
            metrics.simulation_year,
            opening_headcount,
            hires,
            exits,
            closing_headcount,
            target_headcount,
            payroll,
            average_compensation,
            compound_growth_rate,
            metrics.target_growth_rate,
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
        views = store.tables_of(connection)
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
    """The run as a small table with sparklines, in what standard output can show, and where to look next; of an
    ensemble, how far its members lie apart.
    """
    name = printable(manifest["subject"])
    lines = [f"{manifest['run_id']}  {name}  {manifest['status']} in {manifest['seconds']:.1f} s", ""]
    if len(manifest["seeds"]) <= MAX_TOLD:
        lines += [*_lines_of_few(figures["years"]), ""]
    elif not figures["bands"]:
        where = "what each of them gives is in fct_year_metrics" if figures["years"] else "no year is published yet"
        lines += [f"{len(manifest['seeds']):,} members; {where}.", ""]
    lines += [*_lines_of_ensembles(figures["bands"], figures["chances"])]
    for what, path in PLACES.items():
        lines += [f"{what + ':':<11}{folder / path}"] if (folder / path).exists() else []
    return shown("\n".join(lines))


def _lines_of_few(years: list[dict[str, Any]]) -> Iterator[str]:
    names = list(dict.fromkeys(year["scenario_id"] for year in years))
    parts = {name: [year for year in years if year["scenario_id"] == name] for name in names}
    for name, of_one in parts.items():
        yield from (printable(name), *_table(of_one), "") if len(names) > 1 else _table(of_one)
    if len(names) == 1:
        yield ""
        yield from _trends(years)
    elif names:
        yield from _side_by_side(parts)


def _table(years: Sequence[dict[str, Any]]) -> list[str]:
    heads = ("year", "opening", "hires", "exits", "closing", "target", "payroll", "average", "checks")
    rows = [
        (
            str(year["simulation_year"]),
            *(f"{year[name]:,}" for name in COUNTS),
            *(_whole(year[name]) for name in ("payroll", "average_compensation")),
            _held(year),
        )
        for year in years
    ]
    return _aligned([heads, *rows], left=(8,))


def _aligned(rows: Sequence[Sequence[str]], left: Sequence[int]) -> list[str]:
    """``rows`` in columns as wide as they must be, those at the places ``left`` aligned to the left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if place in left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _whole(amount: Any) -> str:
    return NOTHING if amount is None else f"{float(amount):,.0f}"


def _held(year: dict[str, Any]) -> str:
    said = {"FAIL": year["checks_failed"], "warn": year["warnings"]}
    return ", ".join(f"{count} {what}" for what, count in said.items() if count) or "all hold"


def _trends(years: Sequence[dict[str, Any]]) -> Iterator[str]:
    """From the first year to the last."""
    last = years[-1]
    growth = "" if last["compound_growth_rate"] is None else f"{float(last['compound_growth_rate']):.2%} a year, "
    said = {"closing_headcount": f"   {growth}target {float(last['target_growth_rate']):.2%}"}
    for name, title in TRENDS.items():
        line, first, now = _trend(years, name)
        yield f"{title:<12} {line}  {first} → {now}{said.get(name, '')}"


def _side_by_side(parts: dict[str, list[dict[str, Any]]]) -> list[str]:
    """A row a scenario: its trends, and where they end."""
    rows = [["scenario", *(cell for name in SIDE_BY_SIDE for cell in (TRENDS[name], ""))]]
    for scenario, years in parts.items():
        trends = [_trend(years, name) for name in SIDE_BY_SIDE]
        rows.append([printable(scenario, NAME), *(cell for line, _, now in trends for cell in (line, now))])
    return _aligned(rows, left=(0, 1, 3, 5))


def _trend(years: Sequence[dict[str, Any]], name: str) -> tuple[str, str, str]:
    """A figure over the years as a sparkline, and its first and last value."""
    values = [None if year[name] is None else float(year[name]) for year in years]
    return sparkline(values), _whole(values[0]), _whole(values[-1])


def _lines_of_ensembles(bands: list[dict[str, Any]], chances: list[dict[str, Any]]) -> Iterator[str]:
    """The bands of the last year with the way of the median, and the chances of passing the thresholds."""
    last = max((row["simulation_year"] for row in bands), default=0)
    told = [row for row in bands if row["simulation_year"] == last and row["metric"] in TOLD_METRICS]
    if told:
        yield f"Of the members in {last}: median over the years, 5th percentile, median, 95th percentile"
        yield from _aligned([_band(row, bands) for row in told[:MAX_LINES]], left=(0, 1, 3))
    if len(told) > MAX_LINES:
        yield f"… and {len(told) - MAX_LINES:,} more lines; all are in fct_ensemble_bands."
    for row in chances[:MAX_LINES]:
        yield (f"{printable(row['scenario_id'], NAME)}  {row['simulation_year']}  {row['metric']} above "
               f"{float(row['threshold']):,.2f}: {row['members_above']:,} of {row['members']:,} members")  # fmt: skip
    if told or chances:
        yield ""


def _band(row: dict[str, Any], bands: list[dict[str, Any]]) -> list[str]:
    ours = [band for band in bands if (band["scenario_id"], band["metric"]) == (row["scenario_id"], row["metric"])]
    line = sparkline([float(band["p50"]) for band in ours])
    of = f"{row['members']:,}"
    return [printable(row["scenario_id"], NAME), row["metric"], of, line, *(_whole(row[name]) for name in PERCENTILES)]

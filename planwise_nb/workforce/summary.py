"""The story of a run on one page: ``summary.md`` for reading anywhere, ``summary.html`` with charts, offline."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from planwise_nb.core.display import MISSING, svg
from planwise_nb.core.manifest import DRAFT
from planwise_nb.core.pipeline import label
from planwise_nb.workforce import charts

# more scenarios or findings than these stay in the tables of the run
TOLD_VERSIONS = ("planwise-notebooks", "dbt-core", "dbt-duckdb", "duckdb", "papermill", "pandas", "altair")
MAX_SCENARIOS = 20
MAX_FINDINGS = 40
MAX_BANDS = 100
FANNED = ("closing_headcount", "payroll", "average_compensation")
CHART_WIDTH = 300
COLUMNS = {  # heading: column, format
    "Year": ("simulation_year", "d"),
    "Opening": ("opening_headcount", ",d"),
    "Exits": ("experienced_terminations", ",d"),
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
FINDINGS = {
    "Severity": "severity",
    "Scenario": "scenario_id",
    "Year": "simulation_year",
    "Step": "step",
    "Check": "check_name",
    "Meaning": "description",
    "Expected": "expected",
    "Found": "found",
    "Offenders": "offender_count",
    "First of them": "offender_sample",
}
_NUMBER = re.compile(rf"[+−-]?[\d,]+(\.\d+)?%?|{MISSING}")
_MARKDOWN = re.compile(r"([\\`*\[\]|#~])")
STYLE = """
:root { color-scheme: light; }
body { font: 14px/1.45 Arial, Helvetica, "Liberation Sans", sans-serif; color: #222; background: #fff;
  max-width: 860px; margin: 24px auto; padding: 0 20px; }
h1 { font-size: 24px; margin: 0; } h2 { font-size: 16px; margin: 28px 0 8px; border-bottom: 2px solid #0072B2; }
.about, .note { color: #555; margin: 4px 0; }
.tiles { display: grid; grid-template-columns: repeat(4, 1fr); gap: 10px; margin: 16px 0; }
.tile { border: 1px solid #ddd; border-left: 4px solid #0072B2; border-radius: 4px; padding: 8px 12px; }
.tile.bad { border-left-color: #D55E00; } .tile b { display: block; font-size: 21px; } .tile span { color: #555; }
.tile small { color: #555; }
.charts { display: grid; grid-template-columns: 1fr 1fr; gap: 14px; align-items: start; }
.charts.wide { grid-template-columns: 1fr; }
figure { margin: 0; break-inside: avoid; } figure svg { max-width: 100%; height: auto; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 11.5px; } tr { break-inside: avoid; }
th, td { padding: 3px 5px; border-bottom: 1px solid #ddd; text-align: left; vertical-align: top;
  overflow-wrap: anywhere; }
th { background: #f2f5f8; overflow-wrap: normal; } .n { text-align: right; } td.n { white-space: nowrap; }
@page { size: A4; margin: 14mm; }
@media print { body { margin: 0; padding: 0; max-width: none; font-size: 11px; } table { font-size: 8.5px; }
  th, td { padding: 2px 3px; } .tile b { font-size: 16px; } h2 { break-after: avoid; } }
"""
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


@dataclass(frozen=True)
class Section:
    """A heading, a sentence, and a table whose cells are text, not escaped yet."""

    title: str
    note: str = ""
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


def write_summary(
    folder: Path,
    *,
    manifest: Mapping[str, Any],
    metrics: pd.DataFrame,
    validation: pd.DataFrame,
    bands: pd.DataFrame,
    chances: pd.DataFrame,
) -> tuple[Path, Path]:
    """Write ``summary.md`` and ``summary.html`` into ``folder`` and return their paths.

    ``metrics``, ``validation``, ``bands`` and ``chances`` are the whole ``fct_year_metrics``,
    ``fct_validation_results``, ``fct_ensemble_bands`` and ``fct_threshold_chances``, of any number of scenarios.
    Whatever ``manifest`` does not hold is left out; equal input gives equal files.
    """
    ordered = metrics.sort_values("simulation_year", kind="stable")
    spread = bands[bands["members"] > 1]
    sections = [
        _years(ordered),
        *([_bands(spread)] if len(spread) else []),
        *([_chances(chances)] if len(chances) else []),
        _checks(validation),
        _differences(manifest.get("differences") or {}),
        _provenance(manifest),
    ]
    folder.mkdir(parents=True, exist_ok=True)
    markdown = _publish(folder / "summary.md", _markdown(manifest, sections))
    page = _publish(folder / "summary.html", _page(manifest, sections, ordered, validation, spread))
    return markdown, page


def _publish(path: Path, text: str) -> Path:
    draft = path.with_name(f".{path.name}{DRAFT}")
    draft.write_text(text, encoding="utf-8", newline="\n")
    return draft.replace(path)


def _years(metrics: pd.DataFrame) -> Section:
    names = list(dict.fromkeys(metrics["scenario_id"]))
    left_out = len(names) - MAX_SCENARIOS
    note = (
        f"The first {MAX_SCENARIOS} of {len(names):,} scenarios; all are in fct_year_metrics." if left_out > 0 else ""
    )
    rows = [
        (str(name), *(_shown(row.get(column), shape) for column, shape in COLUMNS.values()))
        for name in names[:MAX_SCENARIOS]
        for row in metrics[metrics["scenario_id"] == name].to_dict("records")
    ]
    return Section(
        "Year by year", note or ("" if rows else "No year was simulated."), ("Scenario", *COLUMNS), tuple(rows)
    )


def _bands(bands: pd.DataFrame) -> Section:
    """The percentiles of the fanned metrics; those of all are in the tables of the run."""
    percentiles = ("p5", "p25", "p50", "p75", "p95")
    rows = [
        (
            str(row["scenario_id"]),
            _shown(row["simulation_year"], "d"),
            metric,
            _shown(row["members"], ",d"),
            *(_shown(row[name], ",.2f") for name in percentiles),
        )
        for metric in FANNED
        for row in bands[bands["metric"] == metric].head(MAX_BANDS).to_dict("records")
    ]
    note = "Percentiles over the members of each ensemble; those of every metric are in fct_ensemble_bands."
    return Section("Bands", note, ("Ensemble", "Year", "Metric", "Members", *percentiles), tuple(rows))


def _chances(chances: pd.DataFrame) -> Section:
    rows = [
        (
            str(row["scenario_id"]),
            _shown(row["simulation_year"], "d"),
            str(row["metric"]),
            _shown(row["threshold"], ",.2f"),
            f"{int(row['members_above']):,} of {int(row['members']):,}",
            _shown(row["chance"], ".1%"),
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
    shown = {heading: column for heading, column in FINDINGS.items() if column in failed}
    rows = [
        tuple(_shown(row[column], ",d" if column == "offender_count" else "") for column in shown.values())
        for row in failed.head(MAX_FINDINGS).to_dict("records")
    ]
    return Section("Checks", note, tuple(shown), tuple(rows))


def _differences(differences: Mapping[str, Mapping[str, Any]]) -> Section:
    rows = [
        (str(scenario), str(key), _shown(value))
        for scenario, values in list(differences.items())[:MAX_SCENARIOS]
        for key, value in values.items()
    ]
    note = "" if rows else "Every parameter has its default."
    if len(differences) > MAX_SCENARIOS:
        note = f"Those of the first {MAX_SCENARIOS} of {len(differences):,} scenarios."
    return Section("Parameters that differ from the defaults", note, ("Scenario", "Parameter", "Value"), tuple(rows))


def _provenance(manifest: Mapping[str, Any]) -> Section:
    census = (manifest.get("inputs") or {}).get("census") or {}
    seeds = dict(manifest.get("seeds") or {})
    few = list(seeds.items())[:MAX_SCENARIOS]
    rest = f", … and {len(seeds) - len(few):,} more" if len(seeds) > len(few) else ""
    versions = manifest.get("versions") or {}
    facts = {
        "Run": manifest.get("run_id"),
        "Parent run": manifest.get("parent_run_id"),
        "Forced steps": ", ".join(label((step, period)) for step, period in manifest.get("forced") or ()),
        "Accepted changes": ", ".join(change["path"] for change in manifest.get("accepted_changes") or ()),
        "Created": manifest.get("created_at"),
        "Command": _command(manifest.get("command")),
        "Seed": ", ".join(f"{name}: {seed}" for name, seed in few) + rest,
        "Census": census.get("file"),
        "Census SHA-256": census.get("sha256"),
        "Census rows": _shown(census.get("rows"), ",d"),
        "Active in the census": _shown(census.get("active"), ",d"),
        "Rows set aside": _shown(census.get("set_aside"), ",d"),
        "Versions": ", ".join(f"{name} {versions[name]}" for name in TOLD_VERSIONS if name in versions),
    }
    rows = [(name, str(value)) for name, value in facts.items() if value not in (None, "", MISSING)]
    return Section("Provenance", "", ("What", "Value"), tuple(rows))


def _command(command: object) -> str:
    return " ".join(map(str, command)) if isinstance(command, list | tuple) else str(command or "")


def _shown(value: Any, shape: str = "") -> str:
    if value is None or (not isinstance(value, list | tuple | dict) and pd.isna(value)):
        return MISSING
    if shape.endswith("d"):
        return format(int(value), shape)
    return format(value, shape) if shape else str(value) or MISSING


def _about(manifest: Mapping[str, Any]) -> str:
    periods = list(manifest.get("periods") or [])
    years = f"{periods[0]}–{periods[-1]}" if len(periods) > 1 else "".join(map(str, periods))
    facts = [manifest.get("subject"), years, manifest.get("run_id")]
    return " · ".join(str(fact) for fact in facts if fact)


def _markdown(manifest: Mapping[str, Any], sections: Iterable[Section]) -> str:
    lines = ["# Workforce simulation", "", _plain(_about(manifest)), ""]
    for section in sections:
        lines += [f"## {section.title}", ""]
        lines += [_plain(section.note), ""] if section.note else []
        if section.rows:
            sides = ["---:" if number else "---" for number in _number_columns(section)]
            table = [section.header, sides, *(map(_plain, row) for row in section.rows)]
            lines += [*(f"| {' | '.join(row)} |" for row in table), ""]
    return "\n".join(lines)


def _plain(text: str) -> str:
    """``text`` as Markdown that shows it and does nothing else."""
    return html.escape(_MARKDOWN.sub(r"\\\1", " ".join(text.split())), quote=False)


def _number_columns(section: Section) -> list[bool]:
    return [all(_NUMBER.fullmatch(cell) for cell in column) for column in zip(*section.rows, strict=True)]


def _page(
    manifest: Mapping[str, Any],
    sections: list[Section],
    metrics: pd.DataFrame,
    validation: pd.DataFrame,
    bands: pd.DataFrame,
) -> str:
    about = html.escape(_about(manifest))
    years, *others = map(_html, sections)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Workforce simulation: {about}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f'<h1>Workforce simulation</h1>\n<p class="about">{about}</p>\n{_tiles(metrics, validation)}'
        f"{_fans(bands)}{_pictures(metrics, validation)}{years}{''.join(others)}</body>\n</html>\n"
    )


def _tiles(metrics: pd.DataFrame, validation: pd.DataFrame) -> str:
    failed = validation[~validation["is_passed"].astype(bool)]
    errors = int((failed["severity"] == "error").sum())
    held = f"{len(validation) - len(failed):,} of {len(validation):,}"
    tiles = [] if metrics.empty else _headlines(metrics[metrics["scenario_id"] == metrics["scenario_id"].iloc[0]])
    tiles.append(("Checks that hold", held, f"{errors:,} errors, {len(failed) - errors:,} warnings"))
    parts = [
        f'<div class="tile{" bad" if errors and name.startswith("Checks") else ""}"><span>{html.escape(name)}</span>'
        f"<b>{html.escape(value)}</b><small>{html.escape(more)}</small></div>"
        for name, value, more in tiles
    ]
    several = metrics["scenario_id"].nunique() > 1
    note = f'<p class="note">Headlines of {html.escape(str(metrics["scenario_id"].iloc[0]))}</p>' if several else ""
    return f'{note}<div class="tiles">{"".join(parts)}</div>\n'


def _headlines(metrics: pd.DataFrame) -> list[tuple[str, str, str]]:
    first, last = metrics.iloc[0], metrics.iloc[-1]
    exits = metrics[["experienced_terminations", "reductions", "new_hire_terminations"]].sum()
    hires, promotions = int(metrics["hires"].sum()), int(metrics["promotions"].sum())
    year, before = last["simulation_year"], first["simulation_year"]
    number = {name: _shown(last[column], shape) for name, (column, shape) in COLUMNS.items()}
    growth, target = _shown(last["compound_growth_rate"], ".2%"), _shown(last["target_growth_rate"], ".2%")
    return [
        (f"Headcount, end of {year}", number["Closing"], f"from {_shown(first['opening_headcount'], ',d')}"),
        ("Growth a year, compound", growth, f"target {target}"),
        (f"Payroll {year}", _amount(last["payroll"]), f"{_amount(first['payroll'])} in {before}"),
        (f"Average pay, end of {year}", number["Average pay"], f"median {_shown(last['median_compensation'], ',.2f')}"),
        ("Hires", f"{hires:,}", f"{promotions:,} promotions"),
        ("Exits", f"{int(exits.sum()):,}", f"{int(exits.iloc[-1]):,} of them new hires"),
        ("Pay growth, same people", number["Pay growth, same people"], f"in {year}"),
    ]


def _amount(value: Any) -> str:
    return f"{float(value) / 1e6:,.1f} million" if value >= 1e6 else f"{value:,.2f}"  # noqa: PLR2004


def _pictures(metrics: pd.DataFrame, validation: pd.DataFrame) -> str:
    draws = [charts.headcount, charts.headcount_bridge, charts.growth, charts.flows, charts.level_mix, charts.payroll]
    drawn = [draw(metrics, width=CHART_WIDTH) for draw in draws]
    several = " wide" if metrics["scenario_id"].nunique() > 1 else ""
    figures = "".join(f"<figure>{svg(chart)}</figure>\n" for chart in drawn)
    checks = f'<div class="charts wide"><figure>{svg(charts.validation(validation))}</figure></div>\n'
    return f'<h2>In pictures</h2>\n<div class="charts{several}">\n{figures}</div>\n{checks}'


def _fans(bands: pd.DataFrame) -> str:
    """Fan charts of the metrics that most ask for, where there is an ensemble."""
    if bands.empty:
        return ""
    drawn = [charts.fan(bands[bands["metric"] == metric], width=CHART_WIDTH) for metric in FANNED]
    figures = "".join(f"<figure>{svg(chart)}</figure>\n" for chart in drawn)
    return f'<h2>How far the members of the ensemble lie apart</h2>\n<div class="charts wide">\n{figures}</div>\n'


def _html(section: Section) -> str:
    note = f'<p class="note">{html.escape(section.note)}</p>\n' if section.note else ""
    if not section.rows:
        return f"<h2>{html.escape(section.title)}</h2>\n{note}"
    kinds = [' class="n"' if number else "" for number in _number_columns(section)]
    head = "".join(f"<th{kind}>{html.escape(cell)}</th>" for kind, cell in zip(kinds, section.header, strict=True))
    body = "\n".join(
        "<tr>" + "".join(f"<td{kind}>{html.escape(cell)}</td>" for kind, cell in zip(kinds, row, strict=True)) + "</tr>"
        for row in section.rows
    )
    return (
        f'<h2>{html.escape(section.title)}</h2>\n{note}<div class="scroll"><table><thead><tr>{head}</tr></thead>\n'
        f"<tbody>{body}</tbody></table></div>\n"
    )

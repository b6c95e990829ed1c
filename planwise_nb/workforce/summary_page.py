"""The summary as a page: one file with its charts, no script, nothing from the network, printed well on A4."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import pandas as pd
from altair.typing import ChartType

from planwise_nb.core.display import svg
from planwise_nb.workforce import charts
from planwise_nb.workforce.pipeline import WORKFORCE
from planwise_nb.workforce.results import Results
from planwise_nb.workforce.summary_sections import (
    CHECKS,
    COLUMNS,
    FANNED,
    PAY,
    PROVENANCE,
    SPREAD,
    YEARS,
    Section,
    about,
    shown,
)

WORKBOOK = "results.xlsx"
LOOKS = {PROVENANCE: "facts", CHECKS: "checks"}
CHART_WIDTH = 300
MILLION = 1e6
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
STYLE = """
:root { color-scheme: light; }
body { font: 14px/1.45 Arial, Helvetica, "Liberation Sans", sans-serif; color: #222; background: #fff;
  max-width: 860px; margin: 24px auto; padding: 0 20px; }
h1 { font-size: 24px; margin: 0; } h2 { font-size: 16px; margin: 28px 0 8px; border-bottom: 2px solid #0072B2; }
a { color: #005a8d; }
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
th:not(.n), td:not(.n) { min-width: 5em; }
th { background: #f2f5f8; overflow-wrap: normal; } .n { text-align: right; } td.n { white-space: nowrap; }
table.facts td:first-child, table.steps td:first-child { white-space: nowrap; }
table.checks td:nth-child(4), table.checks td:nth-child(5) { min-width: 10.5em; }
@page { size: A4; margin: 14mm; }
@media print { body { margin: 0; padding: 0; max-width: none; font-size: 11px; } table { font-size: 8.5px; }
  th, td { padding: 2px 3px; } .tile b { font-size: 16px; } .tile { padding: 5px 9px; }
  h2 { break-after: avoid; margin-top: 18px; } .note { break-after: avoid; } a { color: inherit; }
  .charts svg { width: auto; max-height: 68mm; } .charts.wide { display: block; }
  .charts.wide svg { max-height: 125mm; } .charts.wide figure { margin-bottom: 4mm; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""


def page(results: Results, sections: Sequence[Section]) -> str:
    """The whole page: headlines, charts and ``sections``, with links to the executed notebooks and the workbook."""
    drawn = _drawn(results)
    told = "".join(
        section_html(section, drawn.get(section.title, []), is_wide=section.title == SPREAD or _is_of_several(section))
        for section in sections
    )
    body = f"{_tiles(results.metrics, results.validation)}{told}{_notebooks(results.manifest)}"
    return document("Workforce simulation", about(results.manifest), body)


def document(title: str, line: str, body: str) -> str:
    """A page with its heading, a ``line`` on what it is about, and ``body``, which is HTML."""
    heading, said = html.escape(title), html.escape(line)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{heading}: {said}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f'<h1>{heading}</h1>\n<p class="about">{said}</p>\n{body}</body>\n</html>\n'
    )


def _drawn(results: Results) -> dict[str, list[ChartType]]:
    """The charts of each section, by its title."""
    metrics, bands = results.metrics, results.bands
    people = (charts.headcount, charts.growth, charts.headcount_bridge, charts.flows)
    fans = [charts.fan(bands[bands["metric"] == metric], width=CHART_WIDTH) for metric in FANNED if len(bands)]
    return {
        YEARS: [draw(metrics, width=CHART_WIDTH) for draw in people],
        PAY: [draw(metrics, width=CHART_WIDTH) for draw in (charts.payroll, charts.level_mix)],
        SPREAD: fans,
        CHECKS: [charts.validation(results.validation)],
    }


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
    totals = metrics[["hires", "promotions", "exits", "new_hire_terminations"]].sum()
    hires, promotions, exits, of_hires = (f"{int(total):,}" for total in totals)
    year, before = last["simulation_year"], first["simulation_year"]
    number = {name: shown(last[column], shape) for name, (column, shape) in COLUMNS.items()}
    growth, target = shown(last["compound_growth_rate"], ".2%"), shown(last["target_growth_rate"], ".2%")
    return [
        (f"Headcount, end of {year}", number["Closing"], f"from {shown(first['opening_headcount'], ',d')}"),
        ("Growth a year, compound", growth, f"target {target}"),
        (f"Payroll {year}", _amount(last["payroll"]), f"{_amount(first['payroll'])} in {before}"),
        (f"Average pay, end of {year}", number["Average pay"], f"median {shown(last['median_compensation'], ',.2f')}"),
        ("Hires", hires, f"{promotions} promotions"),
        ("Exits", exits, f"{of_hires} of them new hires"),
        ("Pay growth, same people", number["Pay growth, same people"], f"in {year}"),
    ]


def _amount(value: Any) -> str:
    return f"{float(value) / MILLION:,.1f} million" if value >= MILLION else f"{value:,.2f}"


def _notebooks(manifest: Mapping[str, Any]) -> str:
    """Links to the executed notebooks, a row a step and a link a year, and to the workbook."""
    periods = manifest.get("periods") or ()
    if not periods:
        return ""
    rows = [(WORKFORCE.setup, [None]), *((step, periods) for step in WORKFORCE.steps), (WORKFORCE.summary, [None])]
    body = "\n".join(
        f"<tr><td>{html.escape(step.title)}</td><td>{_links(step.name, keys, step.notebook)}</td></tr>"
        for step, keys in rows
    )
    run = html.escape(str(manifest.get("run_id")))
    return (
        '<h2>Every number comes from a notebook</h2>\n<p class="note">The executed notebooks of this run; the figures'
        f' as a workbook: <a href="{WORKBOOK}">{WORKBOOK}</a>. For pages that a browser shows:'
        f" <code>planwise report {run}</code></p>\n"
        f'<table class="steps"><tbody>{body}</tbody></table>\n'
    )


def _links(step: str, periods: Sequence[int | None], notebook: str) -> str:
    return " ".join(
        f'<a href="../{quote(WORKFORCE.executed_path((step, period)))}">{html.escape(str(period or notebook))}</a>'
        for period in periods
    )


def section_html(section: Section, drawn: Sequence[ChartType], *, is_wide: bool = False) -> str:
    """A section with its charts before its table: two beside each other, or one where there is one or ``is_wide``."""
    note = f'<p class="note">{html.escape(section.note)}</p>\n' if section.note else ""
    wide = " wide" if len(drawn) == 1 or is_wide else ""
    figures = "".join(f"<figure>{svg(chart)}</figure>\n" for chart in drawn)
    pictures = f'<div class="charts{wide}">\n{figures}</div>\n' if figures else ""
    return f"<h2>{html.escape(section.title)}</h2>\n{note}{pictures}{_table(section) if section.rows else ''}"


def _is_of_several(section: Section) -> bool:
    """Whether its rows are of several scenarios, whose charts need the whole width."""
    return len({row[0] for row in section.rows}) > 1


def _table(section: Section) -> str:
    kinds = [' class="n"' if number else "" for number in section.is_number]
    head = "".join(f"<th{kind}>{html.escape(cell)}</th>" for kind, cell in zip(kinds, section.header, strict=True))
    body = "\n".join(
        "<tr>" + "".join(f"<td{kind}>{html.escape(cell)}</td>" for kind, cell in zip(kinds, row, strict=True)) + "</tr>"
        for row in section.rows
    )
    look = f' class="{LOOKS[section.title]}"' if section.title in LOOKS else ""
    return f'<div class="scroll"><table{look}><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>\n'

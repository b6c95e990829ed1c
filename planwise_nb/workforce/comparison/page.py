"""A comparison as a page: one file with its charts, no script, nothing from the network."""

from __future__ import annotations

from collections.abc import Iterator

from altair.typing import ChartType

from planwise_nb.core.display import Table
from planwise_nb.workforce.comparison import bridge_charts, tables
from planwise_nb.workforce.comparison.explanation import Explanation
from planwise_nb.workforce.summary_page import document, section_html
from planwise_nb.workforce.summary_sections import Section

BRIDGED = {
    "payroll": "What everyone employed in the year is paid in it. Each part is an amount, person by person.",
    "headcount": "Who is active on the last day of the year. Each part counts people since the first year.",
}
ATTRIBUTES = ("level", "age", "tenure", "department")


def comparison_page(found: Explanation) -> str:
    """The whole page: what is compared, what differs, the bridges, the years, and who wins and loses."""
    body = "".join(section_html(section, drawn) for section, drawn in _sections(found))
    line = f"{' · '.join(found.names)} · {found.years[0]}–{found.years[-1]}"
    return document("Comparison", line, body)


def _sections(found: Explanation) -> Iterator[tuple[Section, list[ChartType]]]:
    yield _sides(found), []
    levers = tables.levers(found)
    yield _section(levers, "" if levers.rows else "Every lever has the same value by level and year."), []
    for other in found.names[1:]:
        for measure, note in BRIDGED.items():
            chart = bridge_charts.waterfall(found, measure, other)
            yield _section(tables.bridge(found, measure, other), note), [chart]
    yield _section(tables.metrics(found)), []
    for measure in BRIDGED:
        drawn = [bridge_charts.yearly_parts(found, measure)]
        for name in found.names:
            yield _section(tables.yearly(found, measure, name)), drawn
            drawn = []
    for other in found.names[1:]:
        charts = [bridge_charts.winners(found, other, attribute, width=300) for attribute in ATTRIBUTES]
        note = "Groups by what a person is in the first; of groups of under 10 people, and of those that would tell of"
        note += " them, no figure is shown."
        yield _section(tables.people(found, other), note), charts


def _sides(found: Explanation) -> Section:
    """What is compared, and what to mind."""
    rows = [
        (side.name, side.run_id or "simulated for this comparison", str(side.seed), f"{side.years[0]}–{side.years[-1]}")
        for side in found.sides
    ]
    return Section("What is compared", " ".join(found.notes), ("Scenario", "Run", "Seed", "Years"), tuple(rows))


def _section(table: Table, note: str = "") -> Section:
    return Section(table.caption, note, table.header, table.rows)

"""A comparison as a workbook: levers, metrics, bridges, winners and losers, every figure a number and no formula."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
from xlsxwriter import Workbook
from xlsxwriter.chart import Chart
from xlsxwriter.format import Format

from planwise_nb.core import store
from planwise_nb.core.display import GREEN, GREY, VERMILLION
from planwise_nb.core.exports import drafted
from planwise_nb.core.sheets import excel_query, kinds_of, open_workbook, write_rows
from planwise_nb.workforce.comparison.bridge_charts import Bar, bars
from planwise_nb.workforce.comparison.explanation import Explanation
from planwise_nb.workforce.comparison.tables import METRICS, PARTS, SHAPES, TITLES

MONEY, COUNT, RATE, TEXT, PLAIN = "#,##0.00", "#,##0", "0.00%", "@", "0"
EXCEL = {",.2f": MONEY, ",d": COUNT, ".2%": RATE}
HEADER, LINE_HEIGHT = 2, 15
A4 = 9
CHART_ROWS = 20
LINE = {"color": "#E6E6E6"}
SERIES = {"Below": "", "Total": GREY, "More": GREEN, "Less": VERMILLION}
"""The pieces of a waterfall's columns, from the bottom up, with their colours."""

WIDTHS = {TEXT: 24, MONEY: 18, COUNT: 12, RATE: 12, PLAIN: 8, "General": 12}


@dataclass(frozen=True)
class _Sheet:
    """A sheet: what it holds, its query, and the heading and format of each column."""

    name: str
    holds: str
    query: str
    columns: Sequence[tuple[str, str]]


def write_workbook(file: Path, found: Explanation) -> None:
    """Write the comparison to ``file``, by atomic rename. Equal comparisons give equal bytes."""
    with store.connect() as connection, drafted(file) as draft, open_workbook(draft) as book:
        for name in ("levers", "metrics", "payroll", "headcount", "people"):
            connection.register(name, getattr(found, name))
        connection.register("sides", _sides(found))
        for sheet in _sheets():
            _write(book, connection, sheet)
        _draw(book, found)


def _sides(found: Explanation) -> pd.DataFrame:
    rows = [(side.name, side.run_id or "simulated now", side.seed, f"{side.years[0]}–{side.years[-1]}")
            for side in found.sides]  # fmt: skip
    noted = [*rows, *(("To mind", note, None, None) for note in found.notes)]
    return pd.DataFrame(noted, columns=["name", "run", "seed", "years"]).astype({"seed": "Int64"})


def _sheets() -> list[_Sheet]:
    metrics = ", ".join(f"max(metric_value) filter (metric = '{metric}') as {metric}" for metric in METRICS)
    return [
        _Sheet("Compared", "The first is what the others are held against.", "from sides",
               [("Scenario", TEXT), ("Run", TEXT), ("Seed", PLAIN), ("Years", TEXT)]),
        _Sheet("Levers", "Levers that differ, with their levels and years; without levels: of the whole company.",
               "select to_scenario_id, parameter_name, array_to_string(levels, ', ') as levels,"
               " array_to_string(simulation_years, ', ') as years, from_value, to_value from levers",
               [("Scenario", TEXT), ("Lever", TEXT), ("Levels", TEXT), ("Years", TEXT), ("In the first", "General"),
                ("There", "General")]),
        _Sheet("Metrics", "The years that all have.",
               f"select * exclude (place) from (select min(place) as place, scenario_id, simulation_year, {metrics}"  # noqa: S608
               " from (select row_number() over () as place, * from metrics) group by all) order by place",
               [("Scenario", TEXT), ("Year", PLAIN), *((said, EXCEL[shape]) for said, shape in METRICS.values())]),
        *(_bridges(measure) for measure in PARTS),
        _Sheet("Winners and losers", "Pay at the last close against the first, of census people active in both;"
               " groups that are too small show their number only.",
               "select to_scenario_id, attribute, people_group, people, get_more, get_less, get_the_same,"
               " total_change, average_change from people",
               [("Scenario", TEXT), ("By", TEXT), ("Group", TEXT), ("People", COUNT), ("Get more", COUNT),
                ("Get less", COUNT), ("The same", COUNT), ("Sum of differences", MONEY),
                ("Average difference", MONEY)]),
    ]  # fmt: skip


def _bridges(measure: str) -> _Sheet:
    """A row a bridge: where it comes from, its parts, where it goes, and what they leave unexplained."""
    parts = ", ".join(f"max(amount) filter (part = '{part}') as {part}" for part in PARTS[measure])
    shape = EXCEL[SHAPES[measure]]
    query = (
        "select * exclude (bridge) from (select bridge, from_scenario_id, from_year, to_scenario_id, to_year,"  # noqa: S608
        f" from_amount, {parts}, to_amount, residual from {measure} group by all) order by bridge"
    )
    ends = [("From", TEXT), ("Its year", PLAIN), ("To", TEXT), ("Its year", PLAIN), ("From", shape)]
    amounts = [(said, shape) for said in PARTS[measure].values()]
    holds = "From the first to each other one in every year, then from year to year within each."
    columns = [*ends, *amounts, ("To", shape), ("Unexplained", shape)]
    return _Sheet(f"{measure.capitalize()} bridges", holds, query, columns)


def _write(book: Workbook, connection: duckdb.DuckDBPyConnection, sheet: _Sheet) -> None:
    made = book.add_worksheet(sheet.name)
    made.write_string(0, 0, sheet.name, book.add_format({"bold": True, "font_size": 14}))
    made.write_string(1, 0, sheet.holds, book.add_format({"font_color": "#555555"}))
    made.set_row(HEADER, 2 * LINE_HEIGHT)
    shapes: list[Format] = []
    for place, (title, shape) in enumerate(sheet.columns):
        side = {"align": "left", "indent": 1} if shape == TEXT else {"align": "right"}
        heading = {"bold": True, "text_wrap": True, "bg_color": "#F2F5F8", "bottom": 2, **side}
        made.write_string(HEADER, place, title, book.add_format(heading))
        made.set_column(place, place, WIDTHS[shape])
        shapes.append(book.add_format({"num_format": shape, **side}))
    rows = connection.execute(excel_query(connection.sql(sheet.query)))
    write_rows(made, kinds_of(rows), rows.fetchall(), top=HEADER + 1, formats=shapes)
    made.freeze_panes(HEADER + 1, 1)
    made.set_landscape()
    made.set_paper(A4)
    made.fit_to_pages(1, 0)
    made.hide_gridlines(2)


def _draw(book: Workbook, found: Explanation) -> None:
    """A sheet with the bridges of the last year as waterfalls, each beside the figures that it is drawn from."""
    sheet = book.add_worksheet("Waterfalls")
    sheet.hide_gridlines(2)
    sheet.set_landscape()
    sheet.set_paper(A4)
    sheet.fit_to_pages(1, 0)
    sheet.set_column(0, 0, WIDTHS[TEXT])
    sheet.set_column(1, len(SERIES), WIDTHS[MONEY])
    for place, (other, measure) in enumerate(product(found.names[1:], PARTS)):
        drawn = bars(found, measure, other)
        top = place * CHART_ROWS
        title = f"{TITLES[measure]} {found.years[-1]}: from {found.names[0]} to {other}"
        sheet.write_string(top, 0, title, book.add_format({"bold": True}))
        sheet.write_row(top + 1, 1, list(SERIES), book.add_format({"align": "right"}))
        shape = book.add_format({"num_format": EXCEL[SHAPES[measure]]})
        for line, bar in enumerate(drawn, start=top + 2):
            sheet.write_string(line, 0, bar.part)
            is_end = line in (top + 2, top + 1 + len(drawn))
            pieces = (0 if is_end else min(bar.start, bar.end), bar.end if is_end else 0,
                      0 if is_end else max(bar.amount, 0), 0 if is_end else max(-bar.amount, 0))  # fmt: skip
            sheet.write_row(line, 1, pieces, shape)
        sheet.insert_chart(top, len(SERIES) + 2, _waterfall(book, sheet.name, title, top + 2, drawn))


def _waterfall(book: Workbook, sheet: str, title: str, top: int, drawn: Sequence[Bar]) -> Chart:
    """A stacked column chart of the rows from ``top`` on, what is under a step being invisible."""
    chart = book.add_chart({"type": "column", "subtype": "stacked"})
    last = top + len(drawn) - 1
    for column, (name, colour) in enumerate(SERIES.items(), start=1):
        looks: dict[str, Any] = {"fill": {"color": colour} if colour else {"none": True}, "border": {"none": True}}
        rows = {"categories": [sheet, top, 0, last, 0], "values": [sheet, top, column, last, column]}
        chart.add_series({"name": name, "gap": 50, **rows, **looks})
    chart.set_title({"name": title, "name_font": {"size": 12}, "overlay": False})
    chart.set_legend({"none": True})
    chart.set_y_axis({"min": drawn[0].start, "num_format": COUNT, "major_gridlines": {"visible": True, "line": LINE}})
    chart.set_size({"width": 640, "height": 20 * (CHART_ROWS - 2)})
    return chart

"""A comparison as a workbook: levers, metrics, bridges, winners and losers, every figure a number and no formula."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd
from xlsxwriter import Workbook
from xlsxwriter.format import Format

from planwise_nb.core import store
from planwise_nb.core.exports import drafted
from planwise_nb.core.sheets import excel_query, kinds_of, open_workbook, write_rows
from planwise_nb.workforce.comparison.explanation import Explanation
from planwise_nb.workforce.comparison.tables import METRICS, PARTS, SHAPES

MONEY, COUNT, RATE, TEXT, PLAIN = "#,##0.00", "#,##0", "0.00%", "@", "0"
EXCEL = {",.2f": MONEY, ",d": COUNT, ".2%": RATE}
HEADER = 2
A4 = 9
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
        _Sheet("Winners and losers", "Pay at the close of the last year against the first, people active in both;"
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
    ends = [("From", TEXT), ("Year", PLAIN), ("To", TEXT), ("Year", PLAIN), ("From", shape)]
    amounts = [(said, shape) for said in PARTS[measure].values()]
    holds = "From the first to each other one in every year, then from year to year within each."
    columns = [*ends, *amounts, ("To", shape), ("Unexplained", shape)]
    return _Sheet(f"{measure.capitalize()} bridges", holds, query, columns)


def _write(book: Workbook, connection: duckdb.DuckDBPyConnection, sheet: _Sheet) -> None:
    made = book.add_worksheet(sheet.name)
    made.write_string(0, 0, sheet.name, book.add_format({"bold": True, "font_size": 14}))
    made.write_string(1, 0, sheet.holds, book.add_format({"font_color": "#555555"}))
    shapes: list[Format] = []
    for place, (title, shape) in enumerate(sheet.columns):
        side = "left" if shape == TEXT else "right"
        heading = {"bold": True, "text_wrap": True, "bg_color": "#F2F5F8", "bottom": 2, "align": side}
        made.write_string(HEADER, place, title, book.add_format(heading))
        made.set_column(place, place, WIDTHS[shape])
        shapes.append(book.add_format({"num_format": shape, "align": side}))
    rows = connection.execute(excel_query(connection.sql(sheet.query)))
    write_rows(made, kinds_of(rows), rows.fetchall(), top=HEADER + 1, formats=shapes)
    made.freeze_panes(HEADER + 1, 1)
    made.set_landscape()
    made.set_paper(A4)
    made.fit_to_pages(1, 0)
    made.hide_gridlines(2)

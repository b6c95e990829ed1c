"""The workbook of results: sheets that a finance team keeps, with a contents page and Excel's own charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from planwise_nb.core import store
from planwise_nb.core.errors import InputError
from planwise_nb.core.exports import drafted
from planwise_nb.core.sheets import SHEET_ROWS, excel_query, fetched, kinds_of, open_workbook, write_rows
from planwise_nb.workforce import workbook_charts
from planwise_nb.workforce.exported_tables import rows_of
from planwise_nb.workforce.members import MOST
from planwise_nb.workforce.result_sheets import COLUMNS, SHEETS, Column, Sheet
from planwise_nb.workforce.results import MAX_SCENARIOS, Results, facts
from planwise_nb.workforce.workbook_charts import Placed

TABLES = ("metrics", "levels", "validation", "parameters", "differences", "bands", "chances")
HEADER = 3
"""The row of the headings, 0 being the first; above them are title and note."""

PEOPLE = {"People": "fct_workforce_snapshot", "Events": "fct_yearly_events"}
UNITS = {
    "Amounts": "In the currency of the census; pay is per year, payroll is what was paid in the year.",
    "Rates": "Shares of what the heading names, shown in percent.",
    "People": "Headcount is everybody employed on the last day of the year.",
    "Figures": "Every figure is that of the run's tables; no cell holds a formula.",
}
KEYS = ("run_id", "scenario_id")
TEXT = "@"
PLACES = ("place", "run_place")
"""The columns that order rows and are not shown."""

A4 = 9
WIDE, LINE_HEIGHT = 90, 15
"""The width of the texts of the contents page in characters, and the height of a line in points."""


def write_workbook(file: Path, runs: Sequence[Results], *, people_of: Path | None = None) -> None:
    """Write the workbook of one run, or of several side by side, to ``file``, by atomic rename.

    ``runs``: of each what ``results.published_results(folder)`` gives, in the order in which they are shown; of each
    the first ``MAX_SCENARIOS`` scenarios are told one by one. ``people_of``: the folder of a run whose people and
    events are added, a sheet a year, numbers masked. Equal results give equal bytes. Raises ``InputError`` where a
    sheet cannot hold the people of a year; nothing is written then.
    """
    with store.connect() as connection:
        people = [] if people_of is None else _people(connection, people_of)
        _register(connection, runs)
        with drafted(file) as draft, open_workbook(draft, streaming=bool(people)) as book:
            _Writer(book, connection, runs, people).write()


@dataclass(frozen=True)
class _People:
    """A sheet with a row per person or event."""

    name: str
    holds: str
    rows: duckdb.DuckDBPyRelation


def _people(connection: duckdb.DuckDBPyConnection, folder: Path) -> list[_People]:
    """The employee-level sheets of a run. Raises ``InputError`` for one that does not fit."""
    found = []
    for what, table in PEOPLE.items():
        rows = rows_of(connection, folder, table)
        years = rows.aggregate("simulation_year, count(*) as people", "simulation_year").order("simulation_year")
        for year, count in years.fetchall():
            if count > SHEET_ROWS - HEADER - 1:
                raise InputError(
                    f"A sheet of Excel holds {SHEET_ROWS:,} rows; {table} has {count:,} in {year}.",
                    fix=f"Export it: planwise export {folder.name} {what.lower()}_{year}.parquet --table {table}"
                    f" --year {year}",
                )
            holds = f"Table {table} of {year}, a row {'a person' if what == 'People' else 'an event'}, numbers masked."
            of_year = rows.filter(f"simulation_year = {int(year)}").order("scenario_id, employee_id")
            found.append(_People(f"{what} {year}", holds, of_year))
    return found


def _register(connection: duckdb.DuckDBPyConnection, runs: Sequence[Results]) -> None:
    """Make a table of each of ``TABLES`` as sheets take it, with the run of each row and the places of run and
    scenario that order rows; without one that no run has.
    """
    for name in TABLES:
        frames = [_placed(_bounded(getattr(run, name), name), run, place) for place, run in enumerate(runs)]
        whole = pd.concat(frames, ignore_index=True)
        if len(whole):
            maps = [column for column in whole.columns if column.startswith("headcount_by_")]
            _make_table(connection, name, whole.drop(columns=maps))


def _placed(frame: pd.DataFrame, run: Results, run_place: int) -> pd.DataFrame:
    if frame.empty:
        return frame
    order = {name: place for place, name in enumerate(run.scenarios)}
    place = frame["scenario_id"].map(order).fillna(len(order)).astype(int)
    return frame.assign(run_id=run.run_id, run_place=run_place, place=run_place * MOST + place)


def _make_table(connection: duckdb.DuckDBPyConnection, name: str, frame: pd.DataFrame) -> None:
    connection.register("given", frame)
    connection.execute(f"create table {name} as {excel_query(connection.table('given'))}")
    connection.unregister("given")


def _bounded(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """``frame`` with the rows of its first scenarios; checks are added up over all of them."""
    if frame.empty or name == "validation":
        return frame
    return frame[frame["scenario_id"].isin(list(dict.fromkeys(frame["scenario_id"]))[:MAX_SCENARIOS])]


class _Writer:
    """Writes the sheets of one workbook."""

    def __init__(
        self, book: Workbook, connection: duckdb.DuckDBPyConnection, runs: Sequence[Results], people: Sequence[_People]
    ) -> None:
        self._book = book
        self._connection = connection
        self._runs = runs
        self._people = people
        self._formats: dict[tuple[tuple[str, Any], ...], Format] = {}
        self._names = ["run_id", "scenario_id"] if len(runs) > 1 else ["scenario_id"]

    def write(self) -> None:
        """Write all sheets, the contents first."""
        contents, drawn = self._book.add_worksheet("Contents"), self._book.add_worksheet("Charts")
        tables = store.tables_of(self._connection)
        sheets = [sheet for sheet in SHEETS if sheet.needs in tables]
        levels = self._levels() if "levels" in tables else []
        placed = {sheet.name: self._figures(sheet, levels) for sheet in sheets}
        for people in self._people:
            self._with_people(people)
        workbook_charts.draw(self._book, drawn, placed, self._format(bold=True, font_size=14))
        self._page(drawn)
        told = {sheet.name: sheet.holds for sheet in sheets} | {sheet.name: sheet.holds for sheet in self._people}
        self._contents(contents, {"Charts": "The story in pictures, drawn from the other sheets.", **told})

    def _format(self, **properties: Any) -> Format:
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self._book.add_format({"valign": "top", **properties})
        return self._formats[key]

    def _shape(self, column: Column) -> Format:
        looks = {"text_wrap": True, "align": "left", "indent": 1} if column.shape == TEXT else {}
        return self._format(num_format=column.shape, **looks)

    def _levels(self) -> list[int]:
        found = self._connection.execute("select distinct level_id from levels order by all")
        return [row[0] for row in found.fetchall()]

    def _figures(self, sheet: Sheet, levels: Sequence[int]) -> Placed:
        """Write a sheet of figures; where they are."""
        found = self._connection.execute(self._query(sheet, levels))
        known = {**COLUMNS} | {f"level_{level}": Column(f"Level {level}", "people") for level in levels}
        shown = [place for place, (name, *_) in enumerate(found.description) if name not in PLACES]
        columns = {name: known[name] for name in (found.description[place][0] for place in shown)}
        kinds = [kinds_of(found)[place] for place in shown]
        rows = [tuple(row[place] for place in shown) for row in found.fetchall()]
        keys = sheet.keys + len(self._names) - len(KEYS)
        made = self._head(sheet.name, f"{sheet.holds} {self._bound(sheet)}".strip(), list(columns.values()), keys)
        shapes = [self._shape(column) for column in columns.values()]
        write_rows(made, kinds, rows, top=HEADER + 1, formats=shapes)
        made.autofilter(HEADER, 0, HEADER + len(rows), len(columns) - 1)
        titles = {name: column.title for name, column in columns.items()}
        return Placed(sheet.name, HEADER + 1, titles, self._keys(sheet, list(columns), rows))

    def _query(self, sheet: Sheet, levels: Sequence[int]) -> str:
        by_level = ", ".join(f"max(headcount) filter (level_id = {level}) as level_{level}" for level in levels)
        run = "run_place, run_id, " if "run_id" in self._names else ""
        query = sheet.query
        for name, text in {"keys": ", ".join(["place", *self._names]), "run": run, "levels": by_level}.items():
            query = query.replace(f"{{{name}}}", text)
        return query

    def _keys(self, sheet: Sheet, columns: list[str], rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """For each row the subject in one text, and the columns that say which rows lie together."""
        if sheet.charted is None:
            return []
        subject = [columns.index(name) for name in reversed(self._names)]
        others = [columns.index(name) for name in sheet.charted]
        return [(" · ".join(row[place] for place in subject), *(row[place] for place in others)) for row in rows]

    def _bound(self, sheet: Sheet) -> str:
        """What is left out of a sheet, as a sentence."""
        of_ensembles = sheet.needs in ("bands", "chances")
        names = [getattr(run, sheet.needs) if of_ensembles else run.metrics for run in self._runs]
        most = max(frame["scenario_id"].nunique() if len(frame) else 0 for frame in names)
        if most <= MAX_SCENARIOS or sheet.needs == "validation":
            return ""
        return f"The first {MAX_SCENARIOS} of {most:,} scenarios; all are in the tables of the run."

    def _with_people(self, people: _People) -> None:
        columns = [Column(name, shape="", width=max(len(name) + 2, 14)) for name in people.rows.columns]
        sheet = self._head(people.name, people.holds, columns, 1)
        found = self._connection.execute(excel_query(people.rows))
        count = write_rows(sheet, kinds_of(found), fetched(found), top=HEADER + 1)
        sheet.autofilter(HEADER, 0, HEADER + count, len(columns) - 1)

    def _head(self, name: str, note: str, columns: Sequence[Column], keys: int) -> Worksheet:
        """A new sheet with its title, note and headings."""
        sheet = self._book.add_worksheet(name)
        sheet.write_string(0, 0, name, self._format(bold=True, font_size=14))
        sheet.write_string(1, 0, note, self._format(font_color="#555555"))
        sheet.set_row(HEADER, 45)
        for place, column in enumerate(columns):
            side = {"align": "left", "indent": 1} if column.shape in (TEXT, "") else {"align": "right"}
            heading = self._format(bold=True, text_wrap=True, bg_color="#F2F5F8", bottom=2, **side)
            sheet.set_column(place, place, column.width)
            sheet.write_string(HEADER, place, "\n".join(filter(None, (column.title, column.unit))), heading)
        sheet.freeze_panes(HEADER + 1, keys)
        sheet.repeat_rows(HEADER)
        sheet.set_landscape()
        self._page(sheet)
        return sheet

    def _page(self, sheet: Worksheet) -> None:
        """A4, all columns on one page."""
        sheet.set_paper(A4)
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.7)
        sheet.set_footer("&L&A&RPage &P of &N")
        sheet.hide_gridlines(2)

    def _contents(self, sheet: Worksheet, pages: Mapping[str, str]) -> None:
        bold, wrapped = self._format(bold=True), self._format(text_wrap=True)
        link = self._format(font_color="#0072B2", underline=1)
        sheet.set_column(0, 0, 24)
        sheet.set_column(1, len(self._runs), WIDE)
        sheet.write_string(0, 0, "Workforce simulation: results", self._format(bold=True, font_size=16))
        row = 2
        for name, holds in pages.items():
            sheet.write_url(row, 0, f"internal:'{name}'!A1", link, name)
            sheet.write_string(row, 1, holds, wrapped)
            row += 1
        for name, said in UNITS.items():
            row += 1
            sheet.write_string(row, 0, name, bold)
            sheet.write_string(row, 1, said, wrapped)
        found = [facts(run.manifest) for run in self._runs]
        told = pd.DataFrame({"what": name, **{f"run {place}": fact.get(name) for place, fact in enumerate(found)}}
                            for name in dict.fromkeys(name for fact in found for name in fact))  # fmt: skip
        _make_table(self._connection, "facts", told)
        rows = self._connection.execute("from facts").fetchall()
        for place, told_of_runs in enumerate(rows, start=row + 2):
            lines = max(len(text or "") for text in told_of_runs) // WIDE + 1
            sheet.set_row(place, lines * LINE_HEIGHT)
        write_rows(sheet, ["VARCHAR"] * (len(found) + 1), rows, top=row + 2, formats=[bold, *[wrapped] * len(found)])
        self._page(sheet)

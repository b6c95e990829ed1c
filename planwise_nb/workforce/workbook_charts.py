"""Excel's own charts of results: they draw the cells of the other sheets, in the colours of the notebooks' charts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.chart import Chart
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from planwise_nb.core.display import BLUE, GREEN, GREY, INK, MAX_PANELS, ORANGE, PURPLE, VERMILLION, ramp

Colours = Mapping[str, str]
TARGET = "#C4C4C4"
MILLIONS = '[>=1000000]#,##0.0,,"  million";#,##0'
WIDTH, HEIGHT = 500, 290
ROWS, COLUMNS = 15, 8
"""So many rows and columns of the sheet are as high and as wide as a chart with the space about it."""

MOST_LINES = 8
SUBJECT_COLOURS = (BLUE, ORANGE, GREEN, VERMILLION, PURPLE, INK, GREY, "#56B4E9")
PAY_GROWTH = {
    "average_compensation_growth": ORANGE,
    "same_people_compensation_growth": GREEN,
    "prorated_compensation_growth": PURPLE,
}


@dataclass(frozen=True)
class Placed:
    """Where the rows of a sheet are: ``top`` is its first row of figures, ``keys`` the subject of each row (run and
    scenario in one text) and, where rows are of more than a subject, what else they are of.
    """

    name: str
    top: int
    titles: Mapping[str, str]
    keys: Sequence[tuple[Any, ...]]

    def blocks(self) -> dict[tuple[Any, ...], tuple[int, int]]:
        """First and last row of each key, whose rows lie together."""
        found, row = {}, self.top
        for key, rows in groupby(self.keys):
            count = len(list(rows))
            found[key] = (row, row + count - 1)
            row += count
        return found

    def cells(self, column: str, rows: tuple[int, int]) -> list[Any]:
        """The cells of a column as XlsxWriter takes them."""
        place = list(self.titles).index(column)
        return [self.name, rows[0], place, rows[1], place]


@dataclass(frozen=True)
class Picture:
    """A chart of one subject: columns of a sheet as bars, others as lines over them."""

    title: str
    sheet: str
    axis: str
    shape: str
    bars: Colours = field(default_factory=dict)
    lines: Colours = field(default_factory=dict)
    across: str = "simulation_year"
    subtype: str = ""


PICTURES = (
    Picture("Headcount against target", "Headcount", "People at year end", "#,##0",
            {"closing_headcount": BLUE}, {"target_headcount": ORANGE}),
    Picture("Bridge over all years", "Bridge", "People", "#,##0", {"base": "", "size": GREY}, {}, "part", "stacked"),
    Picture("Hires and exits", "Headcount", "People", "#,##0;#,##0",
            {"hires_in": GREEN, "exits_out": VERMILLION, "reductions_out": ORANGE, "new_hire_exits_out": PURPLE},
            {}, "simulation_year", "stacked"),
    Picture("Growth against target", "Growth", "Against the year before", "0.0%", {},
            {"target_growth_rate": TARGET, "headcount_growth": BLUE} | PAY_GROWTH),
    Picture("Payroll", "Pay", "Amount paid in the year", MILLIONS, {"payroll": BLUE}),
    Picture("Pay per person", "Pay", "Amount a year", "#,##0", {},
            {"average_compensation": ORANGE, "median_compensation": BLUE, "payroll_per_person_year": PURPLE}),
    Picture("Level mix at year end", "Level mix", "Share of people", "0%", {}, {}, "simulation_year",
            "percent_stacked"),
    Picture("Pay by level, last year", "Pay by level", "Amount a year", "#,##0",
            {"quartile_1": ramp(0.3), "median_pay": BLUE, "quartile_3": ramp(0.9)}, {}, "level_id"),
)  # fmt: skip
SIDE_BY_SIDE = (
    ("Headcount at year end", "Headcount", "closing_headcount", "#,##0"),
    ("Growth of headcount", "Growth", "headcount_growth", "0.0%"),
    ("Payroll", "Pay", "payroll", MILLIONS),
    ("Average pay of the active", "Pay", "average_compensation", "#,##0"),
)
BRIDGE_COLOURS = (GREY, GREEN, PURPLE, VERMILLION, ORANGE, BLUE)
FANNED = ("closing_headcount", "payroll")
FAN = {"p5": ramp(0.3), "p25": ramp(0.6), "p50": INK, "p75": ramp(0.6), "p95": ramp(0.3)}


def draw(book: Workbook, sheet: Worksheet, placed: Mapping[str, Placed], heading: Format) -> None:
    """Draw the charts of the first subjects on ``sheet``; where there are several, side by side too."""
    subjects = list(placed["Headcount"].blocks())
    sections = []
    if "Bands" in placed:
        sections.append(("How far the members of the ensembles lie apart", list(_fans(book, placed["Bands"]))))
    if len(subjects) > 1:
        sections.append(("Side by side", list(_side_by_side(book, placed))))
    sections += [(subject, list(_of_one(book, placed, (subject,)))) for (subject,) in subjects[:MAX_PANELS]]
    top, breaks = 0, []
    for title, charts in sections:
        sheet.write_string(top, 0, title, heading)
        for place, chart in enumerate(charts):
            sheet.insert_chart(top + 1 + place // 2 * ROWS, place % 2 * COLUMNS, chart)
        top += 2 + (len(charts) + 1) // 2 * ROWS
        breaks.append(top)
    sheet.set_h_pagebreaks(breaks[:-1])
    sheet.print_area(0, 0, top, 2 * COLUMNS)
    if len(subjects) > MAX_PANELS:
        sheet.write_string(
            top, 0, f"The first {MAX_PANELS} of {len(subjects):,}; the figures of all are on the sheets."
        )


def _side_by_side(book: Workbook, placed: Mapping[str, Placed]) -> Iterator[Chart]:
    for title, name, column, shape in SIDE_BY_SIDE:
        chart = book.add_chart({"type": "scatter", "subtype": "straight_with_markers"})
        blocks = list(placed[name].blocks().items())[:MOST_LINES]
        for ((subject, *_), rows), colour in zip(blocks, SUBJECT_COLOURS, strict=False):
            chart.add_series(
                {
                    "name": subject,
                    "categories": placed[name].cells("simulation_year", rows),
                    "values": placed[name].cells(column, rows),
                    **_line(colour),
                }
            )
        yield _dressed(chart, title, "", shape, years=True)


def _of_one(book: Workbook, placed: Mapping[str, Placed], subject: tuple[Any, ...]) -> Iterator[Chart]:
    for picture in PICTURES:
        if picture.sheet not in placed:
            continue
        sheet = placed[picture.sheet]
        rows = [rows for key, rows in sheet.blocks().items() if key[:1] == subject]
        if rows:
            yield _drawn(book, picture, sheet, rows[-1])


def _drawn(book: Workbook, picture: Picture, sheet: Placed, rows: tuple[int, int]) -> Chart:
    bars = picture.bars or _level_colours(sheet, picture)
    named = {column: sheet.titles[column] for column in (*bars, *picture.lines)}
    across = sheet.cells(picture.across, rows)
    charts = []
    for kind, colours in (("column", bars), ("line", picture.lines)):
        if not colours:
            continue
        chart = book.add_chart({"type": kind, "subtype": picture.subtype} if picture.subtype else {"type": kind})
        for column, colour in colours.items():
            look = _bar(colour) if kind == "column" else _line(colour)
            series = {"name": named[column], "categories": across, "values": sheet.cells(column, rows)} | look
            if picture.sheet == "Bridge" and colour:
                series["points"] = [{"fill": {"color": point}} for point in BRIDGE_COLOURS]
                series["data_labels"] = {"value": True, "num_format": "#,##0;;", "font": {"size": 8, "color": "white"}}
            chart.add_series(series)
        charts.append(chart)
    if len(charts) > 1:
        charts[0].combine(charts[1])
    dressed = _dressed(
        charts[0], picture.title, picture.axis, picture.shape, from_zero=bool(bars) and not picture.subtype
    )
    if picture.sheet == "Bridge" or len(bars) + len(picture.lines) == 1:
        dressed.set_legend({"none": True})
    return dressed


def _level_colours(sheet: Placed, picture: Picture) -> Colours:
    levels = [column for column in sheet.titles if column.startswith("level_")] if not picture.lines else []
    return {column: ramp(place / max(len(levels) - 1, 1)) for place, column in enumerate(levels)}


def _fans(book: Workbook, bands: Placed) -> Iterator[Chart]:
    wanted = [(key, rows) for key, rows in bands.blocks().items() if key[1] in FANNED]
    for (subject, metric), rows in wanted[: 2 * MAX_PANELS]:
        chart = book.add_chart({"type": "line"})
        for column, colour in FAN.items():
            cells = {"categories": bands.cells("simulation_year", rows), "values": bands.cells(column, rows)}
            chart.add_series({"name": bands.titles[column], **cells, **_line(colour)})
        yield _dressed(chart, f"{metric.replace('_', ' ').capitalize()} · {subject}", "", "#,##0")


def _bar(colour: str) -> dict[str, Any]:
    shown = {"fill": {"color": colour}, "border": {"none": True}} if colour else {"fill": {"none": True}}
    return shown | {"gap": 60}


def _line(colour: str) -> dict[str, Any]:
    if colour == TARGET:
        return {"line": {"color": colour, "width": 6}}
    marker = {"type": "circle", "size": 5, "fill": {"color": colour}, "border": {"color": colour}}
    return {"line": {"color": colour, "width": 2}, "marker": marker}


def _dressed(chart: Chart, title: str, axis: str, shape: str, *, years: bool = False, from_zero: bool = False) -> Chart:
    """The finished chart; ``years``: its lower axis counts years, one by one; ``from_zero``: its bars stand on zero."""
    font = {"size": 9, "color": INK}
    counted = {"major_unit": 1, "num_format": "0", "major_gridlines": {"visible": False}} if years else {}
    figures = {
        "name": axis,
        "name_font": {**font, "bold": False},
        "num_font": font,
        "num_format": shape,
        "line": {"none": True},
        "major_gridlines": {"visible": True, "line": {"color": "#E6E6E6"}},
    }
    chart.set_title({"name": title, "name_font": {"size": 11, "color": INK}, "overlay": False})
    chart.set_x_axis({"num_font": font, "label_position": "low", "line": {"color": "#999999"}, **counted})
    chart.set_y_axis(figures | ({"min": 0} if from_zero else {}))
    chart.set_legend({"position": "bottom", "font": font})
    chart.set_chartarea({"border": {"color": "#DDDDDD"}})
    chart.set_size({"width": WIDTH, "height": HEIGHT})
    return chart

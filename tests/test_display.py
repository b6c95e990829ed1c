"""Charts and tables carry all that they need, and nothing is loaded."""

import subprocess
import sys
from datetime import date
from decimal import Decimal

import altair as alt
import pandas as pd
import pytest

from planwise_nb.core import display
from planwise_nb.core.pictures import SPECIFICATION

HOSTILE = '<script>alert("1")</script>'


def chart(title="Heads", name="a"):
    return alt.Chart(pd.DataFrame({"x": [name], "y": [1]}), title=title).mark_bar(clip=True).encode(x="x:N", y="y:Q")


@pytest.fixture
def bundle():
    with alt.renderers.enable("default"), alt.data_transformers.enable("default"):
        display.enable_charts()
        yield lambda shown: shown._repr_mimebundle_()


def test_chart_shows_as_specification_and_text(bundle):
    shown = bundle(chart())
    assert set(shown) == {SPECIFICATION, "text/plain"}
    assert shown["text/plain"] == "[chart] Heads"
    assert shown[SPECIFICATION]["$schema"] == display.VEGA_LITE_SCHEMA


def test_equal_charts_show_equally(bundle):
    assert bundle(chart()) == bundle(chart())


@pytest.mark.usefixtures("bundle")
def test_a_chart_of_far_too_many_rows_is_refused():
    with pytest.raises(alt.MaxRowsError):
        alt.Chart(pd.DataFrame({"y": range(display.MAX_ROWS + 1)})).mark_bar().encode(y="y:Q").to_dict()


def test_importing_changes_nothing():
    code = "import altair; from planwise_nb.core import display; print(altair.renderers.active)"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "default\n"
    )


def test_pictures_of_one_page_share_no_ids():
    one, other = display.svg(chart(name="a")), display.svg(chart(name="b"))
    ids = [part.partition('"')[0] for text in (one, other) for part in text.split('id="')[1:]]
    assert ids and len(ids) == len(set(ids))
    assert all(f"url(#{name})" in one + other for name in ids)


def test_picture_escapes_what_it_shows():
    assert HOSTILE not in display.svg(chart(HOSTILE, HOSTILE))


def test_picture_loads_nothing():
    assert "://" not in display.svg(chart()).replace("http://www.w3.org/", "")


def test_table_escapes_what_it_shows():
    shown = display.table(pd.DataFrame({HOSTILE: [HOSTILE]}), caption=HOSTILE)._repr_html_()
    assert "<script" not in shown and shown.count("&lt;script&gt;") == 3


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([4509, 12], ("4,509", "12")),
        ([4509.0, None], ("4,509", "–")),
        ([447289936.3, 1.0], ("447,289,936.30", "1.00")),
        ([Decimal("0.119918"), Decimal("0.12")], ("0.119918", "0.120000")),
        ([True, False], ("yes", "no")),
        ([date(2025, 3, 1), None], ("2025-03-01", "–")),
        ([pd.Timestamp("2025-03-01"), pd.NaT], ("2025-03-01", "–")),
        (["x", 1], ("x", "1")),
    ],
)
def test_table_values_are_readable(values, expected):
    rows = display.table(pd.DataFrame({"value": values})).rows
    assert tuple(row[0] for row in rows) == expected


def test_numbers_that_name_something_have_no_separator():
    rows = display.table(pd.DataFrame({"simulation_year": [2025], "number": [1234], "heads": [1234]}), plain=["number"])
    assert rows.rows == (("2025", "1234", "1,234"),)


def test_numbers_are_aligned_to_the_right():
    shown = display.table(pd.DataFrame({"step": ["a"], "rows": [5]}), caption="Rows")
    assert '<td style="text-align:right">5</td>' in shown._repr_html_()
    assert repr(shown) == "Rows\nstep  rows\na        5"


def test_table_without_rows_shows_its_columns():
    shown = display.table(pd.DataFrame(columns=["step"]))
    assert repr(shown) == "step" and "<th" in shown._repr_html_()

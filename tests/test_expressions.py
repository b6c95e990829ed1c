"""A mapping's expression is one scalar expression, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planwise_nb.core import store
from planwise_nb.core.errors import InputError
from planwise_nb.workforce.expressions import check_expression

COLUMNS = ["pay", "Job Title", "hired", "census_date"]

HOSTILE = {
    "(select 1)": "subquery",
    "exists(select 1)": "subquery",
    "pay in (select 1)": "subquery",
    "case when true then (select 1) end": "subquery",
    "read_csv('/etc/passwd')": "read_csv is not in the list",
    "read_text('/etc/passwd')": "read_text is not in the list",
    "getenv('HOME')": "getenv is not in the list",
    "getvariable('x')": "getvariable is not in the list",
    "current_setting('threads')": "current_setting is not in the list",
    "error('boom')": "error is not in the list",
    "repeat('x', 1000000000)": "repeat is not in the list",
    "random()": "random is not in the list",
    "now()": "now is not in the list",
    "today()": "today is not in the list",
    "current_date": "no column 'current_date'",
    "count(*)": "count_star is not in the list",
    "sum(pay)": "sum is not in the list",
    "sum(pay) over ()": "a window function",
    "*": "a star",
    "columns('pay')": "a star",
    "lambda x: x": "a lambda",
    "?": "a parameter",
    "$1": "a parameter",
    "#1": "a positional reference",
    "pay collate nocase": "a collation",
    "main.upper(pay)": "upper has a qualifier",
    "extract.pay": "the column extract.pay has a qualifier",
    "pay::json": "the type json",
    "pay, hired": "row is not in the list",
    "[pay]": "list_value is not in the list",
    "pay[1]": "array_extract is not allowed",
    "pay as x": "cannot read it as one expression",
    "1) from x --": "a comment",
    "pay -- rest": "a comment",
    "pay /* rest */": "a comment",
    "1; drop table extract": "cannot read it as one expression",
    "pay;": "cannot read it as one expression",
    "1) + (2": "cannot read it as one expression",
    "1) union select (2": "cannot read it as one expression",
    "1), (2": "cannot read it as one expression",
    "pragma database_list": "cannot read it as one expression",
    "attach 'x.db'": "the type attach",
    "copy pay to 'x'": "cannot read it as one expression",
    "(pay": "cannot read it as one expression",
    "": "it is empty",
    "pay + \x00": "cannot be printed",
    "replace(hired, 'a', 'aaaaaaaa')": "no longer than the literal",
    "replace(hired, 'a', hired)": "no longer than the literal",
    "upper(" * 100 + "hired" + ")" * 100: "nested too deeply",
    "pay+" * 300 + "pay": "nested too deeply",
    "pay + " * 400 + "pay": "2,403 characters, at most 2,000",
}


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_expression_is_refused_with_its_reason(text):
    with pytest.raises(InputError) as refused:
        check_expression(text, COLUMNS)
    assert HOSTILE[text] in str(refused.value)
    assert "Write one scalar SQL expression" in refused.value.fix


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("pay * 12", 1200),
        ("PAY between 1 and 100 and hired is not null", True),
        ("case \"Job Title\" when 'Chief' then 5 else 1 end", 5),
        ("year(census_date - to_years(3))", 2021),
        ("'E' || right('0000' || pay, 5)", "E00100"),
        ("replace('1,000', ',', '')", "1000"),
        ("coalesce(nullif(\"Job Title\", 'Chief'), 'x -- y')", "x -- y"),
        ("try_cast('n/a' as decimal(18, 2))", None),
        ("\"Job Title\" like 'Ch%' and \"Job Title\" not in ('a', 'b')", True),
        ("1 +\n2", 3),
    ],
)
def test_what_comes_back_runs_and_gives_the_value(text, value):
    with store.sandbox() as connection:
        connection.execute("create table extract as select 100 as pay, 'Chief' as \"Job Title\"")
        connection.execute("alter table extract add column hired date default '2020-01-01'")
        connection.execute("alter table extract add column census_date date default '2024-12-31'")
        query = f"select {check_expression(text, COLUMNS)} from extract"
        assert connection.execute(query).fetchall() == [(value,)]


def test_a_misspelt_column_is_told_the_nearest_one():
    with pytest.raises(InputError, match="no column 'jobtitle'; did you mean 'Job Title'"):
        check_expression("jobtitle", COLUMNS)


@given(st.text(max_size=60))
def test_any_text_is_either_refused_or_still_allowed_when_written_back(text):
    try:
        rendered = check_expression(text, COLUMNS)
    except InputError:
        return
    assert check_expression(rendered, COLUMNS) == rendered

"""A census is accepted whole, refused with everything that is wrong with it, or goes on without its bad rows."""

import csv
import io
from datetime import date
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planwise_nb.core.errors import InputError
from planwise_nb.workforce.census import ACCEPTED, read_census
from planwise_nb.workforce.job_levels import JobLevel

SHARED = Path(__file__).parents[2] / "shared" / "data" / "hr" / "census_5k.parquet"
LEVELS = [JobLevel(level_id=n, name=f"L{n}", min_compensation=n * 10, max_compensation=n * 20) for n in (1, 2, 3)]
GOOD = {
    "employee_id": "E1",
    "employee_ssn": "123-45-6789",
    "employee_birth_date": "1980-05-17",
    "employee_hire_date": "2010-03-01",
    "employee_termination_date": "",
    "employee_gross_compensation": "56000.50",
    "active": "true",
}
OTHER = GOOD | {"employee_id": "E2", "employee_ssn": ""}


def read(path, **options):
    given_options = {
        "census_map": None,
        "census_date": date(2024, 12, 31),
        "simulated_years": range(2025, 2030),
        "job_levels": LEVELS,
    }
    return read_census(path, **(given_options | options))


def written(folder, *rows, delimiter=",", name="census.csv", encoding="utf-8", end="\n"):
    text = io.StringIO()
    columns = list(dict.fromkeys(column for row in rows for column in row))
    writer = csv.DictWriter(text, columns, delimiter=delimiter, lineterminator=end)
    writer.writeheader()
    writer.writerows(rows)
    (folder / name).write_bytes(text.getvalue().encode(encoding))
    return folder / name


def refusal_of(path, **options):
    with pytest.raises(InputError) as refused:
        read(path, **options)
    return refused.value


BAD = {
    "missing_id": {"employee_id": "  "},
    "reserved_id": {"employee_id": "NH_2026_000001"},
    "missing_birth_date": {"employee_birth_date": ""},
    "unreadable_birth_date": {"employee_birth_date": "17/05/1980"},
    "missing_hire_date": {"employee_hire_date": ""},
    "unreadable_hire_date": {"employee_hire_date": "2010-02-30"},
    "unreadable_termination_date": {"employee_termination_date": "soon"},
    "born_after_hire": {"employee_hire_date": "1980-05-17"},
    "hired_after_census": {"employee_hire_date": "2025-01-01"},
    "left_before_hire": {"employee_termination_date": "2010-02-28"},
    "impossible_age": {"employee_birth_date": "1923-12-31"},
    "missing_pay": {"employee_gross_compensation": ""},
    "unreadable_pay": {"employee_gross_compensation": "56,000"},
    "pay_not_positive": {"employee_gross_compensation": "0"},
    "absurd_pay": {"employee_gross_compensation": "999.99"},
    "missing_active": {"active": ""},
    "unreadable_active": {"active": "perhaps"},
    "unknown_level": {"level_id": "4"},
    "invalid_hours": {"scheduled_hours": "-1"},
}


@pytest.mark.parametrize("rule", BAD)
def test_each_rule_is_reported_with_its_line_count_and_fix(tmp_path, rule):
    error = refusal_of(written(tmp_path, OTHER, GOOD | BAD[rule], GOOD | {"employee_id": "E3"}))
    assert [(problem.rule, problem.count) for problem in error.problems] == [(rule, 1)]
    assert error.problems[0].sample[0].startswith("line 3: ")
    assert error.problems[0].fix
    assert "1 of its 3 rows" in str(error) and "--set-aside" in str(error)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"employee_gross_compensation": "nan"}, "unreadable_pay"),
        ({"employee_gross_compensation": "inf"}, "unreadable_pay"),
        ({"employee_gross_compensation": "-5"}, "pay_not_positive"),
        ({"employee_gross_compensation": "100000000.01"}, "absurd_pay"),
        ({"employee_gross_compensation": "1e300"}, "absurd_pay"),
        ({"employee_birth_date": "2011-01-01", "employee_hire_date": "2024-06-01"}, "impossible_age"),
        ({"employee_birth_date": "infinity"}, "unreadable_birth_date"),
        ({"employee_birth_date": "99999-01-01"}, "unreadable_birth_date"),
        ({"level_id": "1.5"}, "unknown_level"),
        ({"level_id": "nan"}, "unknown_level"),
        ({"level_id": "1e300"}, "unknown_level"),
        ({"scheduled_hours": "many"}, "invalid_hours"),
        ({"active": "false", "employee_gross_compensation": "0"}, "pay_not_positive"),
    ],
)
def test_the_edges_of_the_rules_are_kept(tmp_path, change, rule):
    error = refusal_of(written(tmp_path, OTHER, GOOD | change))
    assert [problem.rule for problem in error.problems] == [rule]


def test_the_limits_themselves_are_accepted(tmp_path):
    rows = [
        GOOD | {"employee_birth_date": "1924-01-01", "employee_hire_date": "1950-01-01", "employee_id": "old"},
        GOOD | {"employee_birth_date": "2010-12-31", "employee_hire_date": "2024-12-31", "employee_id": "young"},
        GOOD | {"employee_gross_compensation": "1000", "employee_id": "NH_2024_000001", "level_id": "3.0"},
        GOOD | {"employee_termination_date": "2010-03-01", "active": "No", "employee_id": "NH_2025_x"},
    ]
    assert read(written(tmp_path, *rows)).rows == 4


def test_duplicate_ids_are_reported_with_all_their_copies(tmp_path):
    error = refusal_of(written(tmp_path, GOOD, OTHER, GOOD | {"employee_id": " E1 "}))
    assert (error.problems[0].rule, error.problems[0].count) == ("duplicate_id", 2)
    assert [row.split(":")[0] for row in error.problems[0].sample] == ["line 2", "line 4"]


def test_all_rules_are_reported_at_once_and_only_the_first_five_rows_shown(tmp_path):
    rows = [GOOD | {"employee_id": f"F{n}", "active": "?", "employee_hire_date": ""} for n in range(8)]
    error = refusal_of(written(tmp_path, OTHER, *rows))
    assert [problem.rule for problem in error.problems] == ["missing_hire_date", "unreadable_active"]
    assert all((problem.count, len(problem.sample)) == (8, 5) for problem in error.problems)
    assert "and 3 more" in str(error)


def test_a_census_without_active_employees_is_refused_even_when_setting_aside(tmp_path):
    nobody = written(tmp_path, GOOD | {"active": "n"}, OTHER | {"active": "n"}, name="nobody.csv")
    assert "no row is an active employee" in str(refusal_of(nobody))
    path = written(tmp_path, GOOD | {"active": "n"}, OTHER | {"employee_gross_compensation": "0"})
    assert "once the rows with problems are set aside" in str(refusal_of(path, set_aside=True))


def test_rows_set_aside_keep_their_reasons_and_the_rest_goes_on(tmp_path):
    bad = OTHER | {
        "employee_id": "E3",
        "employee_ssn": "111-22-3333",
        "active": "?",
        "employee_gross_compensation": "x",
    }
    census = read(written(tmp_path, GOOD, OTHER, OTHER, bad), set_aside=True)
    census.write(tmp_path)
    aside = pq.read_table(tmp_path / "set_aside.parquet").to_pylist()
    assert census.accepted["employee_id"].to_pylist() == ["E1"]
    assert [(row["line"], row["reasons"]) for row in aside] == [
        (3, "duplicate_id"),
        (4, "duplicate_id"),
        (5, "unreadable_active, unreadable_pay"),
    ]
    assert (aside[2]["employee_gross_compensation"], aside[2]["employee_ssn"]) == ("x", "XXX-XX-3333")


def test_an_accepted_census_has_the_columns_and_types_of_the_contract(tmp_path):
    read(written(tmp_path, OTHER | {"department": "R&D"}, GOOD)).write(tmp_path)
    table = pq.read_table(tmp_path / "census.parquet")
    assert table.schema.equals(ACCEPTED)
    first = table.to_pylist()[0]
    assert (first["employee_id"], first["department"], first["level_id"]) == ("E1", None, None)
    assert first["employee_gross_compensation"] == Decimal("56000.50")
    assert not (tmp_path / "set_aside.parquet").exists()


@pytest.mark.parametrize(
    ("given_number", "masked"),
    [("123-45-6789", "XXX-XX-6789"), ("SSN-717186057", "XXX-XX-6057"), ("12", "XXX-XX-XXXX"), ("", None)],
)
def test_social_security_numbers_keep_their_last_four_digits_only(tmp_path, given_number, masked):
    path = written(tmp_path, GOOD | {"employee_ssn": given_number})
    assert read(path).accepted["employee_ssn"].to_pylist() == [masked]
    assert read(path, mask_ssn=False).accepted["employee_ssn"].to_pylist() == [given_number or None]


def test_oddities_are_warned_about_and_accepted(tmp_path):
    young = OTHER | {"employee_birth_date": "1995-01-01", "employee_hire_date": "2010-12-31"}
    left = GOOD | {"employee_id": "E3", "employee_termination_date": "2024-12-31"}
    census = read(written(tmp_path, GOOD, young, left))
    assert {w.rule: w.count for w in census.warnings} == {
        "hired_young": 1,
        "active_after_termination": 1,
        "repeated_ssn": 2,
    }
    assert census.rows == 3
    assert "6789" not in str(census.warnings)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize(("encoding", "end"), [("utf-8", "\n"), ("utf-8-sig", "\r\n")])
def test_delimiters_byte_order_marks_and_line_ends_do_not_matter(tmp_path, delimiter, encoding, end):
    path = written(tmp_path, GOOD | {"department": f"a{delimiter}b"}, delimiter=delimiter, encoding=encoding, end=end)
    assert read(path).accepted["department"].to_pylist() == [f"a{delimiter}b"]


def test_text_parquet_and_excel_give_the_same_census(tmp_path):
    frame = pd.DataFrame([GOOD, OTHER]).replace("", None)
    frame["employee_gross_compensation"] = frame["employee_gross_compensation"].astype(float)
    frame["employee_birth_date"] = pd.to_datetime(frame["employee_birth_date"])
    frame["active"] = [True, True]
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_excel(tmp_path / "a.xlsx", index=False)
    text = read(written(tmp_path, GOOD, OTHER)).accepted
    assert read(tmp_path / "a.parquet").accepted.equals(text)
    assert read(tmp_path / "a.xlsx").accepted.equals(text)


def test_lines_are_counted_as_an_editor_counts_them(tmp_path):
    bad = OTHER | {"active": "?"}
    quoted = written(tmp_path, GOOD | {"department": "two\nlines"}, bad, name="quoted.csv")
    blank = written(tmp_path, GOOD, bad, name="blank.csv")
    blank.write_bytes(blank.read_bytes().replace(b"\nE2", b"\n\n\nE2"))
    pq.write_table(pa.Table.from_pylist([GOOD, bad]), tmp_path / "rows.parquet")
    assert "line 4: employee_id 'E2'" in str(refusal_of(quoted))
    assert "line 5: employee_id 'E2'" in str(refusal_of(blank))
    assert "row 2: employee_id 'E2'" in str(refusal_of(tmp_path / "rows.parquet"))


HEADER = ",".join(GOOD).encode()
LINE = ",".join(GOOD.values()).encode()
FILES = {
    "empty.csv": (b"", "is empty"),
    "header.csv": (HEADER + b"\n", "a header and no rows"),
    "ragged.csv": (HEADER + b"\n" + LINE + b"\nE2,123\n", "has 2 values in line 3 where the header has 7"),
    "long.csv": (HEADER + b"\n" + LINE + b",x\n", "has 8 values in line 2"),
    "quote.csv": (HEADER + b'\n"E1,1\n', "quoted value in line 2 that does not end"),
    "latin.csv": (HEADER + b"\n" + LINE.replace(b"E1", "Zoë".encode("latin-1")) + b"\n", "is not UTF-8 text in line 2"),
    "header_latin.csv": ("Größe\n1\n".encode("latin-1"), "is not UTF-8 text: line 1"),
    "wide.csv": ((HEADER + b"\n" + LINE).decode().encode("utf-16"), "looks like UTF-16"),
    "twice.csv": (HEADER + b",ACTIVE\n" + LINE + b",true\n", "column active more than once"),
    "unnamed.csv": (b"a,,b\n1,2,3\n", "without a usable name"),
    "blank.csv": (b"\n\n", "starts with an empty line"),
    "broken.parquet": (b"PAR1 nothing", "not a readable Parquet file"),
    "broken.xlsx": (b"PK nothing", "not a readable Excel workbook"),
    "census.json": (b"[]", "unknown format"),
    "census.xlsm": (b"PK", "workbook of the kind .xlsm"),
    "nul.csv": (HEADER + b"\n" + LINE.replace(b"E1", b"E\x001") + b"\n", "holds the character NUL"),
    "open.csv": (b'"' + HEADER + b"\n" + LINE + b"\n", "quoted value in line 1 that does not end"),
    "wide_header.csv": (HEADER.replace(b"active", b"a" * 200_000), "a header of more than 100,000 bytes"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_cannot_be_read_says_why(tmp_path, name):
    content, said = FILES[name]
    (tmp_path / name).write_bytes(content)
    assert said in str(refusal_of(tmp_path / name))


def test_a_path_that_is_no_file_says_so(tmp_path):
    assert "does not exist" in str(refusal_of(tmp_path / "nowhere.csv"))
    assert "is a folder" in str(refusal_of(tmp_path))


def test_missing_columns_are_all_named_with_the_nearest_existing_one(tmp_path):
    row = {column.replace("employee_", "emp_"): value for column, value in GOOD.items() if column != "active"}
    error = refusal_of(written(tmp_path, row))
    assert len(error.problems) == 7
    assert "there is no column 'active'" in str(error)
    assert "Rename 'emp_hire_date' in the header" in str(error)


def test_hostile_values_are_values_like_any_other(tmp_path):
    odd = "Robert'); drop table census;--\x1b[31m"
    rows = [GOOD | {"employee_id": name, "department": name} for name in (odd, "張偉", 'a"b', "x" * 10_000)]
    census = read(written(tmp_path, *rows))
    assert sorted(census.accepted["department"].to_pylist()) == sorted([odd, "張偉", 'a"b', "x" * 10_000])
    report = str(refusal_of(written(tmp_path, *(row | {"active": "?"} for row in rows), OTHER)))
    assert "\x1b" not in report and r"\x1b[31m" in report and "x" * 41 not in report


def test_a_path_with_pattern_signs_is_one_file(tmp_path):
    written(tmp_path, OTHER, name="census1.csv")
    assert read(written(tmp_path, GOOD, name="census[1]*.csv")).accepted["employee_id"].to_pylist() == ["E1"]


@settings(max_examples=15, deadline=None)
@given(order=st.permutations(range(12)))
def test_shuffled_rows_give_the_same_bytes(tmp_path_factory, order):
    folder = tmp_path_factory.mktemp("shuffled")
    rows = [GOOD | {"employee_id": f"E{n}", "employee_gross_compensation": str(2000 + n)} for n in range(12)]
    contents = []
    for sequence in (range(12), order):
        read(written(folder, *(rows[n] for n in sequence))).write(folder)
        contents.append((folder / "census.parquet").read_bytes())
    assert contents[0] == contents[1]


@settings(max_examples=30, deadline=None)
@given(
    cells=st.lists(st.tuples(*[st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), max_size=12)] * 7))
)
def test_every_row_is_either_accepted_or_set_aside(tmp_path_factory, cells):
    rows = [dict(zip(GOOD, row, strict=True)) for row in cells if any(cell.strip() for cell in row)]
    census = read(written(tmp_path_factory.mktemp("any"), GOOD | {"employee_id": "sure"}, *rows), set_aside=True)
    assert census.rows + census.set_aside.num_rows == len(rows) + 1


@pytest.mark.skipif(not SHARED.is_file(), reason="the reference census lies beside the repository")
def test_the_reference_census_is_accepted_without_a_warning():
    census = read(SHARED)
    assert (census.rows, census.active, census.warnings) == (5000, 4378, ())

"""Any HR extract comes in through a mapping; a mapping that means nothing is refused."""

from datetime import date
from pathlib import Path

import pytest

from planwise_nb.core.errors import InputError
from planwise_nb.workforce.census import read_census
from planwise_nb.workforce.census_map import load_census_map
from planwise_nb.workforce.job_levels import JobLevel, check_job_levels

SHIPPED = Path(__file__).parents[1] / "params" / "census_maps"
SHARED = Path(__file__).parents[2] / "shared" / "data" / "hr"

needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the reference extracts lie beside the repository")

EXTRACT = (
    "No,Born,Start,Salary,Title,Here\n007,1980-02-29,2010-01-01,5000,Clerk,Yes\n8,1990-06-01,2020-01-01,7000,Boss,No\n"
)
MAP = """
rename: {"No": employee_id, Born: employee_birth_date, Start: employee_hire_date, Title: level_id}
derive:
  employee_ssn: "null"
  employee_termination_date: "null"
  employee_gross_compensation: Salary * 12
  active: Here = 'Yes'
values:
  level_id: {Clerk: 1, Boss: 2}
"""
LEVELS = (
    JobLevel(level_id=1, name="Staff", min_compensation=40_000, max_compensation=80_000),
    JobLevel(level_id=2, name="Lead", min_compensation=70_000, max_compensation=120_000),
)
LEVEL_2 = "job_levels: [{level_id: 2, name: A, min_compensation: 1, max_compensation: 2}]\n"


def read(folder, text=MAP, extract=EXTRACT, **options):
    (folder / "own.yaml").write_text(text, "utf-8")
    (folder / "extract.csv").write_text(extract, "utf-8")
    census_map = load_census_map("own", [folder])
    return read_census(
        folder / "extract.csv",
        census_map=census_map,
        census_date=date(2024, 12, 31),
        simulated_years=range(2025, 2030),
        job_levels=LEVELS,
        **options,
    )


def shipped(name):
    census_map = load_census_map(name, [SHIPPED])
    return read_census(
        SHARED / f"{name}.csv",
        census_map=census_map,
        census_date=census_map.census_date,
        simulated_years=range(2025, 2030),
        job_levels=LEVELS,
    )


def test_renamed_derived_and_valued_columns_become_a_census(tmp_path):
    first, second = read(tmp_path).accepted.to_pylist()
    assert (first["employee_id"], first["level_id"], first["active"]) == ("007", 1, True)
    assert (second["employee_id"], second["employee_gross_compensation"], second["active"]) == ("8", 84_000, False)


def test_an_expression_sees_numbers_dates_and_codes_with_leading_zeros(tmp_path):
    text = MAP + "where: No = '007' and Born < date '1990-01-01' and Salary + 0.5 > 5000 and year(census_date) = 2024\n"
    assert read(tmp_path, text).accepted["employee_id"].to_pylist() == ["007"]


def test_pay_is_placed_in_the_range_of_the_level(tmp_path):
    text = MAP.replace("  employee_gross_compensation: Salary * 12\n", "") + "pay_position: Salary / 10000\n"
    assert read(tmp_path, text).accepted["employee_gross_compensation"].to_pylist() == [60_000, 105_000]


def test_a_mapping_brings_its_own_job_levels(tmp_path):
    levels = "job_levels: [{level_id: 1, name: Any, min_compensation: 100, max_compensation: 200}]\n"
    with pytest.raises(InputError, match="unknown_level") as refused:
        read(tmp_path, MAP + levels)
    assert "level_id '2'" in str(refused.value)
    assert read(tmp_path, MAP + levels, set_aside=True).job_levels[0].name == "Any"


def test_a_value_without_a_meaning_is_a_problem_of_its_row(tmp_path):
    with pytest.raises(InputError, match="unmapped_value") as refused:
        read(tmp_path, MAP.replace(", Boss: 2", ""))
    assert "line 3: employee_id '8', unmapped 'level_id Boss'" in str(refused.value)


def test_pay_limits_of_a_mapping_replace_the_usual_ones(tmp_path):
    with pytest.raises(InputError, match="absurd_pay"):
        read(tmp_path, MAP + "maximum_pay: 70000\n")


def test_a_position_outside_the_range_is_refused(tmp_path):
    text = MAP.replace("  employee_gross_compensation: Salary * 12\n", "") + "pay_position: Salary\n"
    with pytest.raises(InputError, match="pay_position"):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Salary * 12", "read_text('/etc/passwd')", "derive.employee_gross_compensation"),
        ("Salary * 12", "Salry * 12", "did you mean 'Salary'"),
        ("Salary * 12", "cast(Title as integer)", "derive.employee_gross_compensation fails"),
        ("Here = 'Yes'", "Here + 1", "derive.active fails"),
        ('"No": employee_id', "Nr: employee_id", "the extract has no column 'Nr'"),
        ("values:", "where: Salary > 1000000\nvalues:", "keeps no row"),
        ("values:", "where: upper(Title)\nvalues:", "own.yaml: where fails"),
        ("values:", "pay_position: Salary\nvalues:", "more than one source"),
        ("employee_ssn:", "employee_san:", "did you mean 'employee_ssn'"),
        ('"No": employee_id', '"No": employee_hire_date', "more than one source"),
        ("derive:", "drive:", "unknown key 'drive': did you mean 'derive'"),
        ("values:", "census_date: soon\nvalues:", "census_date"),
        ("values:", "minimum_pay: 200000000\nvalues:", "is not under maximum_pay"),
        ("values:", "rename: {}\nvalues:", "given twice"),
        ("{Clerk: 1, Boss: 2}", "{Yes: 1}", "in quotes"),
        ('"No": employee_id', "No: employee_id", "in quotes"),
        ("values:", "values: &a", "anchors and aliases"),
        ("values:", "values: [", "not valid YAML"),
        ("values:", f"{LEVEL_2}values:", "level_numbers"),
    ],
)
def test_a_mapping_that_means_nothing_is_refused(tmp_path, old, new, said):
    with pytest.raises(InputError) as refused:
        read(tmp_path, MAP.replace(old, new))
    assert said in str(refused.value)


def test_a_name_that_is_not_there_is_told_the_nearest_mapping():
    with pytest.raises(InputError, match="did you mean 'ibm_attrition'"):
        load_census_map("ibm_attritoin", [SHIPPED])
    with pytest.raises(InputError, match="no census mapping file"):
        load_census_map("nowhere/own.yaml", [SHIPPED])


def test_levels_climb_without_a_gap():
    with pytest.raises(InputError, match="level_minimums"):
        check_job_levels([LEVELS[0], LEVELS[1].model_copy(update={"min_compensation": 30_000})], "levels")
    with pytest.raises(InputError, match="levels are numbered 1, 1"):
        check_job_levels([LEVELS[0], LEVELS[0]], "levels")
    assert check_job_levels(LEVELS[::-1], "levels") == LEVELS


@needs_shared
def test_the_ibm_extract_comes_in_with_its_ages_levels_and_leavers():
    census = shipped("ibm_attrition")
    assert (census.rows, census.active, census.warnings) == (1470, 1233, ())
    first = census.accepted.slice(0, 1).to_pylist()[0]
    assert first["employee_id"] == "IBM_00001"
    assert date(1982, 12, 31) < first["employee_birth_date"] <= date(1983, 12, 31)
    assert (first["employee_gross_compensation"], first["level_id"]) == (71_916, 2)


@needs_shared
def test_the_retail_chain_of_2010_comes_in_with_pay_inside_its_ranges():
    census = shipped("retail_chain_2006_2010")
    assert (census.rows, census.active) == (4840, 4840)
    ranges = {level.level_id: (level.min_compensation, level.max_compensation) for level in census.job_levels}
    for row in census.accepted.select(["level_id", "employee_gross_compensation"]).to_pylist():
        assert ranges[row["level_id"]][0] <= row["employee_gross_compensation"] <= ranges[row["level_id"]][1]


def test_values_for_a_column_that_nothing_gives_are_refused(tmp_path):
    with pytest.raises(InputError, match="nothing gives that column"):
        read(tmp_path, MAP + "  department: {Sales: Shop}\n")

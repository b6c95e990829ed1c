import csv
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from shutil import copy

import pytest

from planwise_nb.core.errors import InputError
from planwise_nb.core.yaml_files import read_yaml
from planwise_nb.workforce.job_levels import JobLevel
from planwise_nb.workforce.parameters import COLUMNS, write_parameters
from planwise_nb.workforce.scenario import SECTIONS, Scenario
from planwise_nb.workforce.scenario_files import read_scenario

SHIPPED = Path(__file__).parent.parent / "params" / "workforce"
HEADER = "scenario_id,fiscal_year,job_level,event_type,parameter_name,parameter_value,is_locked,created_at,created_by"


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "mine.yaml").write_text("extends: baseline\n")
    return folder


def load(folder, **tables):
    for name, content in tables.items():
        (folder / f"{name}.csv").write_bytes(content.encode())
    return read_scenario("mine", [folder, SHIPPED]).resolve()


def refusal(folder, **tables):
    with pytest.raises(InputError) as refused:
        load(folder, **tables)
    return str(refused.value)


def levers(*rows):
    return "\n".join([HEADER, *(f"{row},0,2025-01-01,planner" for row in rows)]) + "\n"


def shipped(name):
    return (SHIPPED / f"{name}.csv").read_text()


def ladder(count):
    pay = [(level, 40000 + 20000 * level, 70000 + 20000 * level) for level in range(1, count + 1)]
    return [JobLevel(level_id=n, name=f"L{n}", min_compensation=low, max_compensation=high) for n, low, high in pay]


def table(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_lever_row_says_more_the_more_it_names(folder):
    rows = ["mine,2026,2,RAISE,cola_rate,0.01", "mine,2026,,raise,cola_rate,0.02"]
    rows += ["mine,,2,Raise,cola_rate,0.03", "mine,,,RAISE,cola_rate,0.04"]
    layers = [row for row in load(folder, comp_levers=levers(*rows)).layers if row.parameter_name == "cola_rate"]
    values = [str(row.parameter_value) for row in sorted(layers, key=lambda row: row.layer)]
    assert values == ["0.01", "0.02", "0.03", "0.04", "0.025", "0.025"]
    assert [row.parameter_source for row in layers[:5]] == ["levers:mine"] * 4 + ["yaml:baseline"]


def test_lever_rows_of_a_parent_stand_behind_the_yaml_of_its_child(folder):
    (folder / "mine.yaml").write_text("extends: parent\ncompensation: {cola_rate: 0.01}\n")
    (folder / "parent.yaml").write_text("compensation: {cola_rate: 0.02}\n")
    rows = ["parent,,,RAISE,cola_rate,0.03", "mine,,,RAISE,cola_rate,0.04"]
    layers = load(folder, comp_levers=levers(*rows)).layers
    order = sorted((row for row in layers if row.parameter_name == "cola_rate"), key=lambda row: row.layer)
    sources = ["levers:mine", "yaml:mine", "levers:parent", "yaml:parent", "default"]
    assert [row.parameter_source for row in order] == sources


def test_every_rank_is_its_own_for_a_parameter_year_and_level():
    grown = read_scenario("high_growth", [SHIPPED]).resolve(["compensation.merit_base.3=0.1"])
    keys = [(row.layer, row.parameter_name, row.fiscal_year, row.job_level) for row in grown.layers]
    assert len(keys) == len(set(keys))


def test_long_lever_values_are_rounded_to_six_decimals_half_away_from_zero(folder):
    rows = ["mine,2025,1,RAISE,merit_base,0.0377384337925512", "mine,2025,2,RAISE,merit_base,0.0000005"]
    rows += ["mine,2025,3,PROMOTION,promotion_probability,3.2198564122201835e-14"]
    values = [row.parameter_value for row in load(folder, comp_levers=levers(*rows)).layers[:3]]
    assert values == [Decimal("0.037738"), Decimal("0.000001"), Decimal(0)]


def test_a_lock_is_kept_for_those_who_tune(folder):
    rows = f"{HEADER}\nmine,,1,RAISE,cola_rate,0.01,1,2025-01-01,a\nmine,,2,RAISE,cola_rate,0.01,false,2025-01-01,a\n"
    assert [row.is_locked for row in load(folder, comp_levers=rows).layers[:2]] == [True, False]


LEVER_FAULTS = {
    "mine,2025,1,RAISE,merit_bse,0.1": "parameter_name must be one of merit_base",
    "mine,2025,1,RAISE,cola_rat,0.1": "did you mean cola_rate?",
    "mine,2025,1,HIRE,cola_rate,0.1": "Write RAISE as the event_type of cola_rate.",
    "mine,2025,1,FIRE,cola_rate,0.1": "event_type must be one of RAISE, PROMOTION, HIRE",
    "mine,2025,1,RAISE,cola_rate,0.6": "the parameter_value of cola_rate must be a number from 0 to 0.5 (share of pay",
    "mine,2025,1,HIRE,new_hire_salary_adjustment,0": "must be a number from 0.1 to 5 (factor)",
    "mine,2025,1,RAISE,cola_rate,NaN": "parameter_value must be a number in plain digits",
    "mine,2025,1,RAISE,cola_rate,1_0": "parameter_value must be a number in plain digits",
    "mine,2025,1,RAISE,cola_rate,": "parameter_value must be a number in plain digits",
    "mine,25,1,RAISE,cola_rate,0.1": "fiscal_year must be a whole number from 1900 to 2200 or empty",
    "mine,2025,one,RAISE,cola_rate,0.1": "job_level must be a whole number from 1 to 99 or empty",
    "Mine,2025,1,RAISE,cola_rate,0.1": "scenario_id must be the name of a scenario: 1 to 64 letters",
    "mine,2025,6,RAISE,cola_rate,0.1": "cola_rate: level 6 does not exist, levels are 1 to 5",
    "mine,2025,5,PROMOTION,promotion_raise,0.1": "level 5 is the top, there is no level above it",
    "mine,2025,5,PROMOTION,promotion_probability,0.1": "level 5 is the top, there is no level above it",
}


@pytest.mark.parametrize(("row", "message"), LEVER_FAULTS.items())
def test_a_wrong_lever_row_is_refused_with_its_line(folder, row, message):
    text = refusal(folder, comp_levers=levers("mine,2025,1,RAISE,merit_base,0.1", row))
    assert message in text
    assert "line 3" in text or "comp_levers.csv:3" in text


def test_rows_of_a_scenario_that_is_gone_or_misspelt_are_warned_about_and_refuse_no_other(folder):
    rows = ["mien,2025,1,RAISE,cola_rate,0.1", "mien,2025,2,RAISE,cola_rate,0.1", "zzz,,,RAISE,cola_rate,0.2"]
    mine = load(folder, comp_levers=levers("mine,2025,1,RAISE,merit_base,0.1", *rows))
    (warning,) = mine.warnings
    assert (warning.rule, warning.count) == ("unknown_scenario", 2)
    misspelt, gone = warning.sample
    assert misspelt.endswith("comp_levers.csv:3: there is no scenario 'mien'; did you mean mine?")
    assert gone.endswith("comp_levers.csv:5: there is no scenario 'zzz'")
    assert "0.2" not in {str(layer.parameter_value) for layer in mine.layers}


def test_a_lever_row_given_twice_is_refused_with_both_lines(folder):
    row = "mine,,1,RAISE,cola_rate,0.1"
    text = refusal(folder, comp_levers=levers(row, row))
    assert "line 3: mine, all, 1, cola_rate, first in line 2" in text


def test_who_and_when_of_a_lever_row_are_checked(folder):
    text = refusal(folder, comp_levers=f"{HEADER}\nmine,,1,RAISE,cola_rate,0.1,yes,yesterday,\n")
    for message in (
        "is_locked must be 0, 1, true or false",
        "created_at must be a date",
        "created_by must not be empty",
    ):
        assert message in text


def test_all_wrong_lines_of_a_kind_are_counted_and_the_first_shown(folder):
    text = refusal(folder, comp_levers=levers(*(f"mine,{2000 + n},1,RAISE,cola_rate,9" for n in range(8))))
    assert "line 2: 9" in text and "line 6: 9" in text and "line 7" not in text
    assert "… and 3 more" in text


def test_a_shipped_scenario_listens_to_the_lever_rows_of_the_user_s_own_folder(folder):
    load(folder, comp_levers=levers("baseline,,,RAISE,cola_rate,0.01"))
    layers = read_scenario("baseline", [folder, SHIPPED]).resolve().layers
    assert layers[0].parameter_source == "levers:baseline"


def test_lever_rows_of_a_shadowed_scenario_are_not_those_of_its_namesake(folder):
    (folder / "high_growth.yaml").write_text("extends: baseline\n")
    layers = read_scenario("high_growth", [folder, SHIPPED]).resolve().layers
    assert not any(row.parameter_source == "levers:high_growth" for row in layers)


def test_lever_rows_with_byte_order_mark_windows_line_ends_and_other_column_order_are_read(folder):
    names = HEADER.split(",")
    row = dict(zip(names, ["mine", "", "", "RAISE", "cola_rate", "0.01", "0", "2025-01-01", "me"], strict=True))
    content = "\ufeff" + ",".join(reversed(names)) + "\r\n" + ",".join(row[name] for name in reversed(names)) + "\r\n"
    assert load(folder, comp_levers=content).layers[0].parameter_value == Decimal("0.01")


HEADER_FAULTS = {
    HEADER.replace("job_level", "job_levle"): ["unknown column 'job_levle'", "Did you mean job_level?"],
    HEADER.removesuffix(",created_by"): ["missing column created_by"],
    HEADER + ",created_by": ["the column created_by is there twice"],
    HEADER + "\nmine,2025": ["a row has not 9 cells", "line 2: 2 cells"],
    HEADER + '\n"mine,2025': ["the file cannot be read as CSV"],
    "": ["the file is empty"],
}


@pytest.mark.parametrize(("content", "messages"), HEADER_FAULTS.items())
def test_a_table_of_another_shape_is_refused(folder, content, messages):
    text = refusal(folder, comp_levers=content)
    assert [message for message in messages if message not in text] == []


def test_a_table_in_another_encoding_is_refused(folder):
    (folder / "comp_levers.csv").write_bytes(HEADER.encode() + b"\ncaf\xe9")
    assert "the file is not UTF-8" in refusal(folder)


def changed(name, old, new):
    content = shipped(name)
    assert old in content
    return {name: content.replace(old, new)}


TABLE_FAULTS = [
    (changed("raise_timing", "12,0.02", "12,0.03"), "it adds up to 1.01"),
    (changed("raise_timing", "12,0.02\n", ""), "rows are missing [missing_row]"),
    (changed("raise_timing", "12,0.02", "11,0.02"), "line 13: 11, first in line 12"),
    (changed("raise_timing", "12,0.02", "13,0.02"), "month must be a whole number from 1 to 12"),
    (changed("raise_timing", "12,0.02", "12,0.0200001"), "with at most 6 decimals"),
    (changed("hazards", "base_rate,0.1\n", "base_rate,1.1\n"), "parameter_value must be a number from 0 to 1"),
    (changed("hazards", "promotion,base_rate", "termination,base_rate"), "do not belong together"),
    (changed("hazards", "promotion,base_rate,0.1\n", ""), "promotion, base_rate"),
    (changed("hazard_multipliers", "termination,age,65+,1.2", "termination,age,66+,1.2"), "band must be one of < 25"),
    (changed("hazard_multipliers", "termination,age,65+,1.2\n", ""), "termination, age, 65+"),
    (
        changed("hazard_multipliers", "55-64,0.3", "55-64,0.3\npromotion,age,65+,0.1"),
        "nobody of 65 or over is promoted",
    ),
    (changed("hazard_multipliers", "20+,0.2", "20+,-0.2"), "multiplier must be a number from 0 to 100"),
    (changed("hazard_multipliers", "tenure,20+,0.2", "age,20+,0.2"), "do not belong together"),
    (changed("job_levels", "1,Staff,56000", "1,Staff,81000"), "is not under max_compensation"),
    (changed("job_levels", "3,Senior", "7,Senior"), "Number them 1, 2, 3 and so on"),
    (changed("job_levels", "2,Manager,81000", "2,Manager,50000"), "not above that of the level below"),
    (changed("job_levels", "1,Staff,56000", "1,,56000"), "name must not be empty"),
]


@pytest.mark.parametrize(("tables", "message"), TABLE_FAULTS)
def test_a_wrong_table_is_refused_with_the_reason(folder, tables, message):
    assert message in refusal(folder, **tables)


def test_a_table_that_no_folder_has_is_named(folder):
    (folder / "mine.yaml").write_text("description: alone\n")
    with pytest.raises(InputError, match=r"job_levels.csv: the table is in none of the folders"):
        read_scenario("mine", [folder]).resolve()


def test_each_table_comes_from_the_first_folder_that_has_it(folder):
    copy(SHIPPED / "hazards.csv", folder / "hazards.csv")
    files = load(folder).files
    assert folder / "hazards.csv" in files and SHIPPED / "job_levels.csv" in files


def test_a_census_mapping_may_bring_its_own_pay_ranges(folder):
    mine = load(folder).with_job_levels(ladder(5))
    assert mine.tables.job_levels[0].min_compensation == 60000
    assert load(folder).tables.job_levels[0].min_compensation == 56000


def test_pay_ranges_that_do_not_fit_the_scenario_are_refused(folder):
    mine = load(folder, comp_levers=levers("mine,2025,4,PROMOTION,promotion_raise,0.1"))
    with pytest.raises(InputError) as refused:
        mine.with_job_levels(ladder(4))
    text = str(refused.value)
    assert "comp_levers.csv:2: promotion_raise: level 4 is the top" in text
    assert "level 5 does not exist, levels are 1 to 4" in text


def members():
    return [read_scenario(name, [SHIPPED]).resolve() for name in ("baseline", "high_growth")]


def test_every_written_table_has_the_scenario_first_and_a_row_of_every_member(tmp_path):
    write_parameters(members(), tmp_path)
    for name, columns in COLUMNS.items():
        rows = table(tmp_path / f"{name}.csv")
        assert tuple(rows[0]) == columns and columns[0] == "scenario_id"
        assert {row["scenario_id"] for row in rows} == {"baseline", "high_growth"}


def test_equal_members_give_equal_bytes_without_carriage_returns(tmp_path):
    write_parameters(members(), tmp_path / "a")
    write_parameters(members(), tmp_path / "b")
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
        assert b"\r" not in path.read_bytes()


def test_a_member_of_an_ensemble_carries_its_own_id_and_the_scenario_s_name(tmp_path):
    member = replace(read_scenario("baseline", [SHIPPED]).resolve(seed=7), scenario_id="baseline~seed=7")
    write_parameters([member], tmp_path)
    (row,) = table(tmp_path / "scenarios.csv")
    assert (row["scenario_id"], row["scenario_name"], row["random_seed"]) == ("baseline~seed=7", "baseline", "7")
    assert table(tmp_path / "parameter_layers.csv")[0]["scenario_id"] == "baseline~seed=7"


def test_the_resolved_scenario_for_people_can_be_loaded_again_and_means_the_same(tmp_path):
    lean = read_scenario("lean", [SHIPPED]).resolve(["compensation.cola_rate.2=0.03"])
    write_parameters([lean], tmp_path)
    again = Scenario.model_validate(read_yaml(tmp_path / "scenario.yaml")["lean"])
    for section in ("simulation", "workforce", "compensation", "hiring", "validation"):
        assert getattr(again, section) == getattr(lean.scenario, section)


def test_no_written_file_holds_a_path_of_this_machine(folder, tmp_path):
    (folder / "mine.yaml").write_text(f"extends: baseline\ncensus: {{file: {folder / 'people.csv'}}}\n")
    write_parameters([load(folder)], tmp_path / "out")
    for path in (tmp_path / "out").iterdir():
        assert str(tmp_path) not in path.read_text()


SETTINGS = {
    "simulation.start_year=2026": "scenarios",
    "simulation.end_year=2026": "scenarios",
    "simulation.random_seed=7": "scenarios",
    "simulation.target_growth_rate=0.5": "parameter_layers",
    "workforce.total_termination_rate=0.5": "parameter_layers",
    "workforce.new_hire_termination_rate=0.5": "parameter_layers",
    "compensation.cola_rate=0.4": "parameter_layers",
    "compensation.merit_budget=0.4": "parameter_layers",
    "compensation.merit_base=0.4": "parameter_layers",
    "compensation.promotion_probability=0.4": "parameter_layers",
    "compensation.promotion_raise=0.4": "parameter_layers",
    "hiring.new_hire_salary_adjustment=2": "parameter_layers",
    "hiring.compensation_variance=0.4": "scenarios",
    "hiring.level_mix.1=0.41 hiring.level_mix.2=0.29": "hire_levels",
    "hiring.ages.23=0": "hire_ages",
    "validation.tolerance_percent=1": "scenarios",
    "census.mask_ssn=false": "scenarios",
}


@pytest.mark.parametrize(("setting", "name"), SETTINGS.items())
def test_every_key_reaches_a_file_that_the_models_read(folder, tmp_path, setting, name):
    write_parameters([load(folder)], tmp_path / "a")
    write_parameters([read_scenario("mine", [folder, SHIPPED]).resolve(setting.split())], tmp_path / "b")
    assert (tmp_path / "a" / f"{name}.csv").read_bytes() != (tmp_path / "b" / f"{name}.csv").read_bytes()


def test_no_key_is_missing_from_the_list_above():
    keys = {f"{section}.{key}" for section, model in SECTIONS.items() for key in model.model_fields}
    tested = {".".join(setting.split("=")[0].split(".")[:2]) for setting in SETTINGS}
    assert keys - tested == {"census.file", "census.map", "census.date"}

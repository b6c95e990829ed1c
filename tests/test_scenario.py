from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError

from planwise_nb.core.errors import InputError
from planwise_nb.workforce.figures import figure_schema
from planwise_nb.workforce.scenario import SECTIONS, Scenario
from planwise_nb.workforce.scenario_files import read_scenario

SHIPPED = Path(__file__).parent.parent / "params" / "workforce"


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "own"
    folder.mkdir()
    return folder


def load(folder, content="", settings=(), **options):
    if content:
        (folder / "mine.yaml").write_text(content)
    return read_scenario("mine", [folder, SHIPPED]).resolve(settings, **options)


def refusal(folder, content="", settings=(), **options):
    with pytest.raises(InputError) as refused:
        load(folder, content, settings, **options)
    return str(refused.value)


def layers_of(scenario, name):
    rows = sorted((row for row in scenario.layers if row.parameter_name == name), key=lambda row: row.layer)
    return [(row.parameter_source, row.job_level, str(row.parameter_value)) for row in rows]


def test_a_child_states_only_its_differences(folder):
    mine = load(folder, "extends: baseline\nworkforce: {total_termination_rate: 0.2}\n")
    assert mine.chain == ("mine", "baseline")
    assert mine.scenario.workforce.total_termination_rate == Decimal("0.2")
    assert mine.scenario.simulation.target_growth_rate == Decimal("0.03")
    assert mine.differences == {"workforce.total_termination_rate": Decimal("0.2"), "census.file": "sample_1000.csv"}


def test_the_nearest_scenario_of_the_chain_speaks_first(folder):
    (folder / "parent.yaml").write_text("compensation: {cola_rate: 0.03}\n")
    mine = load(folder, "extends: parent\ncompensation: {cola_rate: 0.01}\n", ["compensation.cola_rate=0.05"])
    stated = [("set", None, "0.05"), ("yaml:mine", None, "0.01"), ("yaml:parent", None, "0.03")]
    assert layers_of(mine, "cola_rate") == [*stated, ("default", None, "0.025")]


def test_only_what_a_file_states_itself_is_its_own_statement(folder):
    mine = load(folder, "extends: baseline\n")
    assert {row.parameter_source for row in mine.layers} == {"yaml:baseline", "default"}


def test_a_rate_by_level_beats_the_rate_for_all_and_merit_base_beats_the_budget(folder):
    mine = load(folder, "compensation: {merit_budget: 0.03, merit_base: {all: 0.04, 3: 0.05}}\n")
    assert layers_of(mine, "merit_base")[:3] == [
        ("yaml:mine", 3, "0.05"),
        ("yaml:mine", None, "0.04"),
        ("yaml:mine", None, "0.03"),
    ]


def test_levels_that_a_child_does_not_name_keep_the_rate_of_its_parent(folder):
    mine = load(folder, "extends: lean\ncompensation: {cola_rate: {2: 0.04}}\n")
    assert mine.scenario.compensation.cola_rate == {"all": Decimal("0.015"), 2: Decimal("0.04")}


def test_a_child_s_merit_budget_takes_the_place_of_its_parent_s_merit_base(folder):
    (folder / "parent.yaml").write_text("compensation: {merit_base: {3: 0.09}}\n")
    mine = load(folder, "extends: parent\ncompensation: {merit_budget: 0.01}\n")
    assert mine.scenario.compensation.merit_base is None
    assert layers_of(mine, "merit_base")[0] == ("yaml:mine", None, "0.01")


def test_a_setting_beats_lever_rows_for_one_level_or_for_all():
    settings = ["compensation.merit_base.3=0.06", "compensation.merit_budget=0.02"]
    grown = read_scenario("high_growth", [SHIPPED]).resolve(settings)
    assert layers_of(grown, "merit_base")[:2] == [("set", 3, "0.06"), ("set", None, "0.02")]


def test_of_two_settings_of_one_key_the_later_wins(folder):
    settings = ["workforce.total_termination_rate=0.1", "workforce.total_termination_rate=0.2"]
    mine = load(folder, "extends: baseline\n", settings)
    assert layers_of(mine, "total_termination_rate")[0] == ("set", None, "0.2")


def test_shares_are_set_one_by_one_and_must_add_up_in_the_end(folder):
    mine = load(folder, "extends: baseline\n", ["hiring.level_mix.1=0.45", "hiring.level_mix.2=0.25"])
    assert mine.scenario.hiring.level_mix[1] == Decimal("0.45")
    text = refusal(folder, settings=["hiring.level_mix.1=0.45"])
    assert "--set hiring.level_mix.1=0.45: hiring.level_mix adds up to 1.05, not to 1" in text


def test_years_and_seed_of_the_command_line_beat_everything(folder):
    mine = load(folder, "extends: baseline\n", ["simulation.random_seed=5"], years=(2026, 2027), seed=7)
    said = mine.scenario.simulation
    assert (said.start_year, said.end_year, said.random_seed) == (2026, 2027, 7)
    assert load(folder, settings=mine.settings) == mine


def test_years_in_the_wrong_order_name_the_option(folder):
    text = refusal(folder, "extends: baseline\n", years=(2029, 2025))
    assert "--years 2029-2025: simulation.end_year is 2025: with start_year 2029 it must be from 2029 to 2128" in text
    assert "at most 100 years" in refusal(folder, settings=["simulation.end_year=2125"])


def test_a_child_may_move_the_end_before_the_default_start(folder):
    (folder / "parent.yaml").write_text("simulation: {start_year: 2010, end_year: 2015}\n")
    mine = load(folder, "extends: parent\nsimulation: {end_year: 2012}\n")
    assert mine.scenario.simulation.end_year == 2012


FIGURES = [
    (f"{section}.{key}", schema)
    for section, model in SECTIONS.items()
    for key, field in model.model_fields.items()
    if (schema := figure_schema(field))
]


@pytest.mark.parametrize(("key", "schema"), FIGURES, ids=[key for key, _ in FIGURES])
def test_every_figure_is_refused_outside_its_range_and_of_a_wrong_type(folder, key, schema):
    (folder / "mine.yaml").write_text("extends: baseline\n")
    place = f"{key}.30" if schema["keys"] else key
    below, above = Decimal(schema["minimum"]) - 1, Decimal(schema["maximum"]) + 1
    for value in (below, above, "abc", "true", "null"):
        text = refusal(folder, settings=[f"{place}={value}"])
        assert f"--set {place}={value}: {place} is " in text
        assert f"from {schema['minimum']} to {schema['maximum']} ({schema['unit']})" in text


@pytest.mark.parametrize(("key", "schema"), FIGURES, ids=[key for key, _ in FIGURES])
def test_every_figure_has_a_description_and_a_unit(key, schema):
    section, name = key.split(".")
    assert SECTIONS[section].model_fields[name].description and schema["unit"]


FAULTS = {
    "compensation: {colarate: 0.1}": ["unknown key compensation.colarate", "Did you mean compensation.cola_rate?"],
    "compensation: {total_termination_rate: 0.1}": ["Did you mean workforce.total_termination_rate?"],
    "compensatoin: {cola_rate: 0.1}": ["unknown key compensatoin", "Did you mean compensation?"],
    "validation: {zzz: 1}": ["unknown key validation.zzz", "Known keys are validation.tolerance_percent."],
    "1: 2": ["unknown key 1"],
    "compensation: 5": ["compensation is 5: it must be a section with keys"],
    "simulation: {start_year: 2025.5}": [
        "simulation.start_year is 2025.5: it must be a whole number from 1900 to 2200"
    ],
    "simulation: {random_seed: 7.0}": ["it must be a whole number from 0 to 9223372036854775807"],
    "compensation:": ["compensation is None: it must be a section with keys"],
    "compensation: {cola_rate: 0.0123456}": ["has more than 6 decimals; the nearest value is 0.012346"],
    "compensation: {cola_rate: {first: 0.1}}": ["cola_rate.first is unknown: a job level is a whole number"],
    "compensation: {cola_rate: {}}": ["compensation.cola_rate is empty"],
    "compensation: {merit_base: {9: 0.1}}": ["merit_base: level 9 does not exist, levels are 1 to 5"],
    "compensation: {promotion_raise: {5: 0.1}}": ["level 5 is the top, there is no level above it"],
    "compensation: {merit_budget: {1: 0.1}}": ["compensation.merit_budget is {1: Decimal('0.1')}: it must be a number"],
    "hiring: {level_mix: {1: 0.5}}": ["hiring.level_mix adds up to 0.5, not to 1"],
    "hiring: {level_mix: {1: 0.5, 6: 0.5}}": ["hiring.level_mix: level 6 does not exist, levels are 1 to 5"],
    "hiring: {level_mix: 1}": ["hiring.level_mix is 1: it must be a mapping such as {1: 1}"],
    "hiring: {ages: {15: 1}}": ["hiring.ages.15 is unknown: an age is a whole number from 16 to 80"],
    "census: {mask_ssn: 1}": ["census.mask_ssn is 1: it must be true or false"],
    "census: {date: 2024-12-31 10:00:00}": ["census.date is", "it must be a date as YYYY-MM-DD"],
    "census: {map: ../x}": ["census.map is '../x': it must be a name of 1 to 64 letters"],
    "census: {file: ''}": ["census.file is '': it must be a text that is not empty"],
    "description: 7": ["description is 7: it must be a text"],
}


@pytest.mark.parametrize(("content", "messages"), FAULTS.items())
def test_a_wrong_file_is_refused_with_its_name_the_key_and_the_way_out(folder, content, messages):
    text = refusal(folder, f"extends: baseline\n{content}\n")
    assert [message for message in messages if message not in text] == []
    assert "mine.yaml" in text or "level_mix" in text


def test_everything_wrong_is_said_at_once(folder):
    (folder / "parent.yaml").write_text("hiring: {compensation_variance: 2}\n")
    (folder / "raise_timing.csv").write_text("month,percentage\n1,2\n")
    content = "extends: parent\nworkforce: {total_termination_rate: 3, x: 1}\nsimulation: {random_seed: -1}\n"
    text = refusal(folder, content, ["compensation.cola_rate=9", "nonsense"])
    found = [
        "compensation_variance is 2",
        "termination_rate is 3",
        "workforce.x",
        "random_seed is -1",
        "cola_rate is 9",
    ]
    assert [
        word for word in [*found, "'nonsense' is not section.key=value", "percentage must be"] if word not in text
    ] == []


@pytest.mark.parametrize("item", ["cola_rate=1", "compensation.cola_rate", "a.b.c.d=1", "=1", "description=x", ""])
def test_a_setting_of_another_form_is_refused_with_an_example(folder, item):
    text = refusal(folder, "extends: baseline\n", [item])
    assert "is not section.key=value" in text and "--set compensation.cola_rate=0.03" in text


def test_a_misspelt_setting_names_the_nearest_key(folder):
    text = refusal(folder, "extends: baseline\n", ["compensation.merit_bugdet=0.1"])
    assert "--set compensation.merit_bugdet=0.1: unknown key compensation.merit_bugdet" in text
    assert "Did you mean compensation.merit_budget?" in text


def test_whole_numbers_are_accepted_as_rates(folder):
    mine = load(folder, "extends: baseline\nsimulation: {target_growth_rate: 0}\n")
    assert mine.scenario.simulation.target_growth_rate == Decimal(0)


def test_a_floating_number_from_python_means_the_digits_that_it_shows():
    scenario = Scenario.model_validate({"workforce": {"total_termination_rate": 0.1}})
    assert scenario.workforce.total_termination_rate == Decimal("0.1")


def test_a_scenario_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        Scenario().workforce.total_termination_rate = Decimal(0)


def test_an_unknown_scenario_names_the_nearest(folder):
    with pytest.raises(InputError, match=r"there is no scenario 'high_grwth'(.|\n)*Did you mean high_growth\?"):
        read_scenario("high_grwth", [folder, SHIPPED])
    with pytest.raises(InputError, match="Known scenarios are baseline, high_growth, lean"):
        read_scenario("zzz", [folder, SHIPPED])


@pytest.mark.parametrize(
    "name", ["../x", "Baseline", "base line", "", "a" * 65, "baseline~seed=7", "..", "/etc/passwd.yaml"]
)
def test_a_name_that_is_none_is_refused(folder, name):
    with pytest.raises(InputError, match="There is no scenario"):
        read_scenario(name, [folder, SHIPPED])


def test_an_unknown_parent_is_refused_with_the_nearest(folder):
    text = refusal(folder, "extends: baselin\n")
    assert "mine.yaml: extends: extends 'baselin', but there is no such scenario" in text
    assert "Did you mean baseline?" in text
    assert "extends is '../x': it must be a name" in refusal(folder, "extends: ../x\n")


def test_a_chain_that_goes_in_a_circle_is_refused(folder):
    (folder / "parent.yaml").write_text("extends: mine\n")
    assert "goes in a circle: mine → parent → mine" in refusal(folder, "extends: parent\n")
    assert "goes in a circle: mine → mine" in refusal(folder, "extends: mine\n")


def test_a_chain_of_more_than_twenty_scenarios_is_refused(folder):
    for depth in range(20):
        (folder / f"s{depth}.yaml").write_text(f"extends: s{depth + 1}\n" if depth < 19 else "description: root\n")
    assert len(read_scenario("s0", [folder, SHIPPED]).resolve().chain) == 20
    assert "is longer than 20 scenarios" in refusal(folder, "extends: s0\n")


def test_a_scenario_given_by_path_finds_its_parents_in_its_own_folder_first(folder, tmp_path):
    (folder / "lean.yaml").write_text("extends: baseline\nworkforce: {total_termination_rate: 0.3}\n")
    (folder / "mine.yaml").write_text("extends: lean\n")
    mine = read_scenario(str(folder / "mine.yaml"), [SHIPPED]).resolve()
    assert mine.scenario_id == "mine"
    assert mine.files[:3] == (folder / "mine.yaml", folder / "lean.yaml", SHIPPED / "baseline.yaml")
    assert mine.scenario.workforce.total_termination_rate == Decimal("0.3")


def test_a_path_whose_stem_is_no_name_is_refused(folder):
    (folder / "My Plan.yaml").write_text("extends: baseline\n")
    with pytest.raises(InputError, match="'My Plan' cannot be the name of a scenario"):
        read_scenario(str(folder / "My Plan.yaml"), [SHIPPED])


def test_the_census_file_is_relative_to_the_file_that_names_it(folder, monkeypatch):
    assert load(folder, "extends: baseline\n").census_file == SHIPPED.parent / "census" / "sample_1000.csv"
    assert load(folder, "census: {file: people.csv}\n").census_file == folder / "people.csv"
    assert load(folder, "extends: baseline\ncensus: {file: null}\n").census_file is None
    monkeypatch.chdir(folder.parent)
    assert load(folder, settings=["census.file=p.csv"]).census_file == folder.parent / "p.csv"


def test_a_broken_file_of_the_chain_is_refused_with_its_line(folder):
    (folder / "parent.yaml").write_text("simulation:\n  random_seed: [1\n")
    assert "parent.yaml:3: this is not valid YAML" in refusal(folder, "extends: parent\n")


@pytest.mark.parametrize("name", ["baseline", "high_growth", "lean"])
def test_the_shipped_scenarios_load_and_say_what_they_are(name):
    shipped = read_scenario(name, [SHIPPED]).resolve()
    assert shipped.chain[-1] == "baseline"
    assert shipped.scenario.description


def test_the_shipped_baseline_agrees_with_itself_and_locks_nothing():
    baseline = read_scenario("baseline", [SHIPPED]).resolve()
    assert {row.parameter_source for row in baseline.layers} == {"yaml:baseline", "default"}
    assert baseline.differences == {"census.file": "sample_1000.csv"}
    for name in ("baseline", "high_growth", "lean"):
        assert not any(row.is_locked for row in read_scenario(name, [SHIPPED]).resolve().layers)


def test_an_own_baseline_may_extend_the_shipped_one(folder):
    (folder / "baseline.yaml").write_text("extends: baseline\nworkforce: {total_termination_rate: 0.2}\n")
    own = read_scenario("baseline", [folder, SHIPPED]).resolve()
    assert own.chain == ("baseline", "baseline")
    assert own.scenario.workforce.total_termination_rate == Decimal("0.2")
    assert own.census_file == (SHIPPED.parent / "census" / "sample_1000.csv").resolve()
    assert own.files[:2] == (folder / "baseline.yaml", SHIPPED / "baseline.yaml")


def test_a_scenario_that_extends_only_itself_goes_in_a_circle(folder):
    assert "goes in a circle: mine → mine" in refusal(folder, "extends: mine\n")


def test_levers_beside_an_own_scenario_are_not_those_of_the_shipped_one_of_that_name(folder):
    (folder / "high_growth.yaml").write_text("extends: high_growth\n")
    header, row = (SHIPPED / "comp_levers.csv").read_text().splitlines()[:2]
    (folder / "comp_levers.csv").write_text(f"{header}\n{row.replace('0.035', '0.011')}\n")
    own = read_scenario("high_growth", [folder, SHIPPED]).resolve()
    merits = [
        row for row in own.layers if (row.parameter_name, row.fiscal_year, row.job_level) == ("merit_base", 2025, 1)
    ]
    assert [str(row.parameter_value) for row in sorted(merits, key=lambda row: row.layer)] == ["0.011", "0.035"]


def test_several_entries_in_one_setting_are_shown_how_to_be_written(folder):
    said = refusal(folder, "extends: baseline\n", ["hiring.level_mix={1: 1}"])
    assert "such as --set hiring.level_mix.1=0.4" in said


def test_a_lever_with_more_decimals_than_are_counted_with_is_warned_about(folder):
    header, row = (SHIPPED / "comp_levers.csv").read_text().splitlines()[:2]
    mine = [row.replace("high_growth", "mine").replace("0.035", value) for value in ("0.0377384337925512", "0.035")]
    (folder / "comp_levers.csv").write_text("\n".join([header, mine[0], mine[1].replace("2025,1", "2025,2")]) + "\n")
    (warning,) = load(folder, "extends: baseline\n").warnings
    assert (warning.rule, warning.count) == ("rounded_lever", 1)
    assert "merit_base: 0.037738" in warning.sample[0]

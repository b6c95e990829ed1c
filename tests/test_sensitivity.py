"""Which lever of a scenario matters most: each moved on its own, and all of them at once."""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from planwise_nb.core.display import svg
from planwise_nb.core.errors import InputError
from planwise_nb.core.project import Project, shipped
from planwise_nb.workforce import sensitivity as study
from planwise_nb.workforce.inputs import Request, WorkforceInputs, resolve
from planwise_nb.workforce.metrics import metrics
from planwise_nb.workforce.sensitivity import Question, Sensitivity, sensitivity
from planwise_nb.workforce.sobol import required_samples, sobol_indices
from planwise_nb.workforce.thresholds import METRICS
from planwise_nb.workforce.tornado import effects_table, study_page, tornado
from tests.run_copies import answer, command
from tests.simulation import Simulation, member, simulate_members


def asked(census: Path, *settings: str, scenario: str = "baseline") -> WorkforceInputs:
    """Two years of a scenario on sixty people."""
    request = Request(scenario=scenario, years=(2025, 2026), census=census, settings=settings)
    return resolve(Project(shipped()), request)


@pytest.fixture(scope="module")
def found(small_census: Path) -> Sensitivity:
    """All levers, two of them at an end of their range."""
    settings = ["compensation.cola_rate=0.004", "workforce.new_hire_termination_rate=0.99"]
    return sensitivity(asked(small_census, *settings), Question.read())


def effect(found: Sensitivity, lever: str) -> pd.Series:
    return found.effects.set_index("lever").loc[lever]


# one lever after the other


def test_a_step_does_what_a_run_with_that_value_does(tmp_path: Path) -> None:
    years = (2025, 2026)
    runs = [member(str(rate), f"compensation.cola_rate={rate}", years=years) for rate in (0.015, 0.025, 0.035)]
    simulated: Simulation = simulate_members(tmp_path / "run", runs)
    wanted = simulated.rows("select payroll::double from fct_year_metrics where simulation_year = 2026 order by all")
    inputs = resolve(Project(shipped()), Request(years=years))
    row = effect(sensitivity(inputs, Question.read(levers=["cola_rate"])), "cola_rate")
    assert [(row[f"metric_{step}"],) for step in ("down", "today", "up")] == wanted
    assert row["change_up"] == pytest.approx(row["metric_up"] - row["metric_today"])


def test_every_lever_moves_and_the_widest_swing_comes_first(found: Sensitivity) -> None:
    assert set(found.effects["lever"]) == {parameter.name for parameter in study.all_parameters()}
    swings = found.effects["swing"]
    assert swings.is_monotonic_decreasing and swings.iloc[0] > 0
    assert (found.metric, found.year, found.today) == ("payroll", 2026, found.effects["metric_today"].iloc[0])


def test_rates_move_by_a_point_and_factors_by_a_twentieth(found: Sensitivity) -> None:
    ends = {lever: tuple(effect(found, lever)[["down_lowest", "up_highest"]]) for lever in found.effects["lever"]}
    assert ends["merit_base"] == (0.03, 0.05)
    assert ends["promotion_probability"] == (0.045, 0.11)
    assert ends["new_hire_salary_adjustment"] == (0.95, 1.05)


def test_a_step_beyond_the_range_is_cut_to_it_and_told(found: Sensitivity) -> None:
    row = effect(found, "cola_rate")
    assert (row["down_lowest"], row["is_down_cut"], row["is_up_cut"]) == (0, True, False)
    row = effect(found, "new_hire_termination_rate")
    assert (row["up_highest"], row["is_down_cut"], row["is_up_cut"], row["change_up"]) == (0.99, False, True, 0)
    assert "down cut to the range" in repr(effects_table(found)) and "up cut to the range" in repr(effects_table(found))


def locked(tmp_path: Path, *levels: int | str) -> Project:
    """A project in which cola_rate of these levels is locked at 0.02 in 2025; in 2026 it is 0.03, and free."""
    folder = tmp_path / "params" / "workforce"
    folder.mkdir(parents=True)
    head = (shipped() / "params/workforce/comp_levers.csv").read_text().splitlines()[0]
    rows = [f"baseline,2025,{level},RAISE,cola_rate,0.02,1,2025-01-01,tests" for level in levels]
    rows.append("baseline,2026,,RAISE,cola_rate,0.03,0,2025-01-01,tests")
    (folder / "comp_levers.csv").write_text("\n".join([head, *rows, ""]))
    return Project(tmp_path)


def test_years_that_differ_move_from_where_they_are_and_what_is_locked_stays(
    tmp_path: Path, small_census: Path
) -> None:
    request = Request(years=(2025, 2026), census=small_census)
    inputs = resolve(locked(tmp_path, 5), request)
    [row] = sensitivity(inputs, Question.read(levers=["cola_rate"])).effects.to_dict("records")
    assert (row["today_lowest"], row["today_highest"]) == (0.02, 0.03)
    assert (row["up_lowest"], row["up_highest"], row["is_partly_locked"]) == (0.035, 0.04, True)
    with study.planned_moves(inputs, Question.read(levers=["cola_rate"])) as plans:
        moved = plans.execute(study._STEPPED).fetchall()
    ups = {(year, level): value for variant, _, year, level, value in moved if variant.endswith("~up")}
    assert ups == {(2025, level): Decimal("0.035") for level in (1, 2, 3, 4)} | {
        (2026, level): Decimal("0.04") for level in (1, 2, 3, 4, 5)
    }


def test_a_locked_lever_is_shown_and_never_moved(tmp_path: Path, small_census: Path) -> None:
    inputs = resolve(locked(tmp_path, 1, 2, 3, 4, 5), Request(years=(2025, 2025), census=small_census))
    found = sensitivity(inputs, Question.read(levers=["cola_rate", "merit_base"]))
    row = effect(found, "cola_rate")
    assert row["is_locked"] and row[["down_lowest", "up_lowest", "metric_up", "swing"]].isna().all()
    assert list(found.effects["lever"]) == ["merit_base", "cola_rate"]
    told = repr(effects_table(found)).splitlines()[-1].split()
    assert told == ["cola_rate", "–", "2%", "–", "–", "–", "–", "–", "locked"]
    assert "cola_rate" not in svg(tornado(found))


def test_levels_move_on_their_own_where_asked(small_census: Path) -> None:
    question = Question.read("average_compensation", levers=["merit_base", "target_growth_rate"], by_level=True)
    found = sensitivity(asked(small_census), question)
    named = set(zip(found.effects["lever"], found.effects["level_id"].astype("Int64").fillna(0), strict=True))
    assert named == {("target_growth_rate", 0), *(("merit_base", level) for level in range(1, 6))}
    assert "merit_base, level 3" in svg(tornado(found))


def test_a_step_of_another_size_and_an_earlier_year_may_be_asked_for(small_census: Path) -> None:
    question = Question.read("headcount_growth", 2025, ["target_growth_rate"], ["target_growth_rate=0.2"])
    [row] = sensitivity(asked(small_census), question).effects.to_dict("records")
    assert (row["down_lowest"], row["up_highest"]) == (-0.17, 0.23)
    assert row["metric_down"] == pytest.approx(-0.17, abs=0.02) and row["metric_up"] == pytest.approx(0.23, abs=0.02)


def test_every_metric_with_bands_is_among_those_that_can_be_asked_for() -> None:
    assert {*METRICS, "exits"} < set(metrics()) and "headcount_by_level" not in metrics()


# all at once


def test_indices_of_equal_levers_are_equal_and_those_of_a_lever_without_effect_are_nothing(small_census: Path) -> None:
    levers = ["cola_rate", "merit_base", "promotion_raise"]
    inputs, question = asked(small_census), Question.read("payroll", 2025, levers, ["promotion_raise=0.000001"])
    found = sobol_indices(inputs, question, 64)
    rows = found.indices.set_index("lever")
    assert found.members == 64 * (3 + 2)
    assert rows.loc["cola_rate", "total"] == pytest.approx(rows.loc["merit_base", "total"], abs=0.15)
    assert rows.loc["promotion_raise", "total"] < 0.001
    again = sobol_indices(inputs, question, 64)
    pd.testing.assert_frame_equal(found.indices, again.indices)


def test_without_salib_the_way_to_install_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "SALib", None)
    code, _, said = command("sensitivity", "baseline", "--sobol", "64")
    assert (code, "pip install 'planwise-notebooks[sobol]'" in said) == (2, True)


@pytest.mark.parametrize(("samples", "near"), [(0, 8), (-5, 8), (7, 8), (100, 64), (1000, 512), (100_000, 2048)])
def test_a_number_of_samples_that_is_no_power_of_two_is_refused_with_one_that_is(samples: int, near: int) -> None:
    with pytest.raises(InputError, match=f"Give --sobol {near}\\."):
        required_samples(samples)


def test_more_samples_than_a_pass_holds_are_refused(small_census: Path) -> None:
    with pytest.raises(InputError, match="are 20,480 members, a pass has 10,000 at most") as refused:
        sobol_indices(asked(small_census), Question.read(), 2048)
    assert refused.value.fix.startswith("Give --sobol 512,")


# the command


def test_the_command_answers_in_json_and_writes_a_page_and_tables(small_census: Path, tmp_path: Path) -> None:
    words = ["sensitivity", "baseline", "--years", "2025-2025", "--census", small_census, "--lever", "cola_rate"]
    told = answer(*words, "--sobol", "8", "--lever", "merit_base", "--to", tmp_path / "board")
    assert (told["status"], told["metric"], told["year"]) == ("done", "payroll", 2025)
    assert [row["lever"] for row in told["levers"]] == ["cola_rate", "merit_base"] and len(
        told["sobol"]["indices"]
    ) == 2
    assert [Path(file).name for file in told["files"]] == ["sensitivity.html", "sensitivity.csv", "sobol.csv"]
    page = (tmp_path / "board" / "sensitivity.html").read_text("utf-8")
    assert "default-src 'none'" in page and "<script" not in page and page.count("<svg") == 2
    assert (tmp_path / "board" / "sensitivity.csv").read_text().startswith("lever,level_id,today_lowest")
    code, _, said = command(*words, "--to", tmp_path / "board")
    assert (code, "is not empty" in said) == (2, True)


WRONG = {
    ("--metric", "payrol"): "There is no metric payrol.\nDid you mean payroll?",
    ("--metric", "x'; drop table moves; --"): "Choose from opening_headcount, hires",
    ("--metric", "Payroll"): "Did you mean payroll?",
    ("--lever", "cola"): "There is no lever cola.\nDid you mean cola_rate?",
    ("--lever", "hiring.ages"): "Choose from merit_base, cola_rate",
    ("--step", "cola_rate"): "--step cola_rate is not lever=size.",
    ("--step", "cola_rate=-0.01"): "is not lever=size.",
    ("--step", "cola_rate=nan"): "is not lever=size.",
    ("--step", "cola_rate=0.01", "--step", "cola_rate=0.02"): "a lever has two steps.",
    ("--step", "kola_rate=0.01"): "Did you mean cola_rate?",
    ("--step", "cola_rate=0.01", "--lever", "merit_base"): "--step cola_rate: this lever is not moved.",
    ("--metric-year", "2031"): "2031 is not simulated, the years are 2025-2029.",
    ("--sobol", "63"): "Give --sobol 32.",
    ("--to", __file__): "is not a folder.",
}


@pytest.mark.parametrize(("words", "wanted"), WRONG.items())
def test_what_cannot_be_asked_is_refused_with_what_can(words: tuple[str, ...], wanted: str) -> None:
    code, said, report = command("sensitivity", "baseline", *words)
    assert (code, said) == (2, "") and wanted in report


def test_several_scenarios_are_refused() -> None:
    code, _, report = command("sensitivity", "baseline,lean")
    assert (code, "These are 2 scenarios.\nName one" in report) == (2, True)


def test_a_page_tells_of_luck(found: Sensitivity) -> None:
    title, parts = study_page(found)
    assert title == "Which lever matters most? Payroll 2026"
    assert any("may be luck" in part for part in parts if isinstance(part, str))

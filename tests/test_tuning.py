"""Levers that reach a target: what may be asked, what is simulated, and what the run of the answer keeps."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import nbformat
import pytest

from planwise_nb.core.errors import BusyError, InputError, ModelError
from planwise_nb.core.project import Project, init, shipped
from planwise_nb.workforce.generator import make_census
from planwise_nb.workforce.inputs import Request, resolve
from planwise_nb.workforce.outlook import planned_parameters
from planwise_nb.workforce.tuning.execution import CHAIN, MODELS, first_that_works
from planwise_nb.workforce.tuning.movable import BOUNDS, STRATEGIES, movables, read_bounds, read_locks
from planwise_nb.workforce.tuning.request import TuningRequest, read_request
from planwise_nb.workforce.tuning.targets import read_target_file, read_targets
from planwise_nb.workforce.tuning.tuning import Tuning
from planwise_nb.workforce.tuning.verdict import levers_told
from planwise_nb.workforce.tuning.view import TuningView, open_tuning
from tests.run_copies import answer, command
from tests.simulation import Simulation, simulate

YEARS = (2025, 2026)
HEAD = "scenario_id,fiscal_year,metric_name,target_value,tolerance_pct,priority,description\n"


def asked(folder: Path, *targets: str, census: Path, project: Project | None = None, **more: Any) -> Path:
    """A folder with the inputs of a run and what is asked of its tuning."""
    inputs = resolve(project or Project(shipped()), Request(census=census, years=YEARS))
    folder.mkdir()
    inputs.write(folder)
    read_request(inputs, targets, **more).write(folder)
    return folder


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory, small_census: Path, two_years: Simulation) -> Tuning:
    """Sixty people whose average pay shall grow by 5 % a year."""
    tuning = Tuning(asked(tmp_path_factory.mktemp("tuned") / "run", "growth=0.05", census=small_census))
    tuning.run()
    return tuning


def test_what_is_found_gives_the_target_when_it_is_simulated_alone(tuned: Tuning, tmp_path, small_census) -> None:
    sayings = [
        f"compensation.{name}.{level}={value}" if name != "new_hire_salary_adjustment" else f"hiring.{name}={value}"
        for (name, year, level), value in tuned.values(tuned.best.move)
        if year == 2025 and (level == 1 or name != "new_hire_salary_adjustment")
    ]
    alone = simulate(tmp_path / "alone", census=small_census, settings=sayings)
    growth = alone.value("select avg(average_compensation_growth) from fct_year_metrics")
    assert tuned.search.is_converged
    assert growth == pytest.approx(0.05, abs=0.001)
    assert growth == pytest.approx(float(tuned.best.measured[0]), abs=1e-9)


def test_every_value_lies_within_its_bounds(tuned: Tuning) -> None:
    for (name, _, _), value in tuned.values(tuned.best.move):
        lowest, highest = BOUNDS[name]
        assert lowest <= value <= highest


def test_the_record_has_every_candidate_with_its_levers_and_its_result(tuned: Tuning) -> None:
    record = json.loads((tuned.folder / "inputs" / "tuning.json").read_text())
    assert len(record["trials"]) == len(tuned.search.trials)
    assert all(trial["levers"].keys() == BOUNDS.keys() and trial["measured"] for trial in record["trials"])
    assert record["targets"][0]["achieved"] == record["trials"][-1]["measured"][0] or record["iterations"] > 1


def test_a_tuning_gives_the_same_record_again(tuned: Tuning, tmp_path: Path, small_census: Path) -> None:
    again = Tuning(asked(tmp_path / "run", "growth=0.05", census=small_census))
    again.run()
    assert again.record == tuned.record


def test_what_no_lever_moves_is_told_as_not_reached(tmp_path: Path, small_census: Path, two_years: Simulation) -> None:
    tuning = Tuning(asked(tmp_path / "run", "headcount=5000", census=small_census, iterations=4))
    tuning.run()
    assert not tuning.search.is_converged
    assert tuning.record["targets"][0]["achieved"] == tuning.record["targets"][0]["today"]
    assert tuning.binding == []


def test_a_growth_out_of_reach_names_the_nearest_and_what_binds(tmp_path: Path, small_census: Path, two_years) -> None:
    tuning = Tuning(asked(tmp_path / "run", "growth=0.9", census=small_census, locks=["cola_rate"]))
    tuning.run()
    record = tuning.record
    assert not record["is_converged"]
    assert record["targets"][0]["today"] < record["targets"][0]["achieved"] < 0.9
    assert "locked, so not tried: cola_rate" in record["binding"]
    assert any(line.startswith("merit_base.1: at most 0.15") for line in record["binding"])


def test_where_everything_is_locked_the_locks_are_what_binds(tmp_path: Path, small_census: Path) -> None:
    tuning = Tuning(asked(tmp_path / "run", "growth=0.02", census=small_census, locks=[*BOUNDS]))
    tuning.run()
    assert tuning.record["is_out_of_reach"]
    assert tuning.binding[0].startswith("locked, so not tried: cola_rate, merit_base.1")


def test_a_level_with_nobody_has_a_share_of_zero_which_counts_in_the_mean(tmp_path: Path) -> None:
    census = tmp_path / "census.csv"
    make_census(40, 7, census)
    census.write_text(re.sub(r",\d+\.00,(true|false)", r",60000.00,\1", census.read_text()))
    tuning = Tuning(asked(tmp_path / "run", "level_share.5=0.5", census=census, iterations=1))
    tuning.run()
    assert 0 <= tuning.record["targets"][0]["today"] < 0.1


def test_a_row_that_is_locked_in_the_levers_is_never_moved(tmp_path: Path, small_census: Path) -> None:
    init(tmp_path / "own")
    levers = tmp_path / "own" / "params" / "workforce" / "comp_levers.csv"
    levers.write_text(levers.read_text() + "baseline,2026,3,RAISE,merit_base,0.05,1,2025-01-01,test\n")
    own = resolve(Project(tmp_path / "own"), Request(census=small_census, years=YEARS))
    today = planned_parameters(own.members)
    moved = {
        cell: (before, after)
        for lever in movables(today, STRATEGIES["balanced"], BOUNDS, ["level.5"])
        for (cell, before, _, _), (_, after) in zip(lever.cells, lever.moved(0.3), strict=True)
    }
    assert moved["merit_base", 2026, 3] == (Decimal("0.05"), Decimal("0.05"))
    assert moved["merit_base", 2025, 3] == (Decimal("0.04"), Decimal("0.085"))
    assert all(before == after for (_, _, level), (before, after) in moved.items() if level == 5)


def test_a_conservative_strategy_goes_half_way_to_a_bound(two_years: Simulation, small_census: Path) -> None:
    today = planned_parameters(resolve(Project(shipped()), Request(census=small_census, years=YEARS)).members)
    values = {
        strategy: [value for lever in movables(today, STRATEGIES[strategy], BOUNDS, ()) for _, value in lever.moved(9)]
        for strategy in ("conservative", "balanced")
    }
    assert set(values["balanced"]) == {highest for _, highest in BOUNDS.values()}
    assert Decimal("0.0625") in values["conservative"]  # a COLA of 2.5 % and a bound of 10 %


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ("growht=0.02", "did you mean growth?"),
        ("growth", "it is not metric=number"),
        ("growth=two", "it is not metric=number"),
        ("growth@2031=0.02", "2031 is not within the years 2025 to 2026"),
        ("growth@2026-2025=0.02", "2026-2025 is not within the years"),
        ("level_share=0.2", "level_share is of one level"),
        ("level_share.3=5", "is not from 0 to 1"),
        ("growth=999", "is not from -1 to 1"),
        ("level_share.9=0.2", "there is no level 9"),
        ("payroll=-5", "nothing to aim at"),
    ],
)
def test_a_target_that_cannot_be_used_says_why(item: str, said: str) -> None:
    with pytest.raises(InputError) as refusal:
        read_targets([item], Decimal("0.001"), years=YEARS, levels=5)
    assert said in str(refusal.value)


def test_a_rate_holds_for_the_mean_of_all_years_and_an_amount_for_the_last() -> None:
    rate, amount, one_year = read_targets(
        ["growth=0.02", "payroll<=60e6", "payroll@2025=50e6"], Decimal("0.001"), years=YEARS, levels=5
    )
    assert (rate.years, rate.tolerance) == ((2025, 2026), Decimal("0.001"))
    assert (amount.years, amount.tolerance, amount.relation) == ((2026,), Decimal(60_000), "<=")
    assert one_year.years == (2025,)


def test_the_reference_targets_can_be_read(shared_hr: Path) -> None:
    file = shared_hr / "reference_params" / "comp_targets.csv"
    targets = read_target_file(file, "baseline", years=YEARS, levels=5)
    assert len(targets) == 20
    assert {target.priority for target in targets} == {"high", "medium"}
    [growth] = [target for target in targets if target.name == "average_compensation_growth@2025"]
    assert (growth.value, growth.tolerance) == (Decimal("0.02"), Decimal("0.001"))


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("default,2025,compensation_growht_rate,0.02,0.05,high,x", "did you mean compensation_growth_rate?"),
        ("default,2025,payroll,much,0.05,high,x", "must be a number"),
        ("default,2025,payroll,5,0.05,urgent,x", "must be one of high, medium, low"),
        ("default,2025,payroll,5,7,high,x", "tolerance_pct must be a number from 0 to 1"),
        ("default,2025,payroll,1e308,0.1,high,x", "target_value must be a number"),
        ("default,2025,total_employees,-5,0.1,high,x", "is nothing to aim at"),
        ("default,2025,level_share,0.2,0.1,high,x", "level_share is of one level"),
        ("default,2025,level_9_median_salary,5,0.1,high,x", "there is no level 9"),
        ("other,2025,payroll,5,0.05,high,x", "has no target for scenario baseline"),
        ("default,2031,payroll,5,0.05,high,x", "has no target for scenario baseline in these years"),
    ],
)
def test_a_file_of_targets_that_cannot_be_used_says_why(tmp_path: Path, row: str, said: str) -> None:
    file = tmp_path / "targets.csv"
    file.write_text(HEAD + row + "\n")
    with pytest.raises(InputError) as refusal:
        read_target_file(file, "baseline", years=YEARS, levels=5)
    assert said in str(refusal.value)


def test_a_level_mix_can_be_aimed_at_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "targets.csv"
    file.write_text(HEAD + "default,2025,level_share.3,0.2,0,high,x\n")
    [target] = read_target_file(file, "baseline", years=YEARS, levels=5)
    assert (target.metric, target.value) == ("level_share.3", Decimal("0.2"))
    assert target.tolerance > 0


@pytest.mark.parametrize("item", ["cola", "level", "merit_base.9", "cola_rate.3", "level.0", ""])
def test_a_lock_of_nothing_is_refused(item: str) -> None:
    with pytest.raises(InputError):
        read_locks([item], 5)


@pytest.mark.parametrize("item", ["cola_rate=0.1:0", "cola_rate=0:0.9", "cola_rate=0.1", "pay=0:1", "cola_rate=a:b"])
def test_bounds_that_are_none_are_refused(item: str) -> None:
    with pytest.raises(InputError):
        read_bounds([item])


def test_bounds_are_of_a_lever_on_all_levels_and_given_once() -> None:
    with pytest.raises(InputError, match=r"Write --bound merit_base=0:0.02; to hold one level: --lock merit_base.5"):
        read_bounds(["merit_base.5=0:0.02"])
    with pytest.raises(InputError, match="cola_rate has bounds already"):
        read_bounds(["cola_rate=0:0.05", "cola_rate=0:0.06"])


@pytest.mark.parametrize(
    "more", [{"strategy": "bold"}, {"iterations": 0}, {"tolerance": Decimal(0)}, {"tolerance": Decimal("NaN")}]
)
def test_a_tuning_that_cannot_be_is_refused(more: dict[str, Any], small_census: Path) -> None:
    inputs = resolve(Project(shipped()), Request(census=small_census, years=YEARS))
    with pytest.raises(InputError):
        read_request(inputs, ["growth=0.02"], **more)


def test_two_targets_for_one_thing_are_refused_with_how_to_ask_for_a_corridor(small_census: Path) -> None:
    inputs = resolve(Project(shipped()), Request(census=small_census, years=YEARS))
    with pytest.raises(InputError, match=r"two targets for payroll.*\n.*for a corridor its middle"):
        read_request(inputs, ["payroll>=5e6", "payroll<=6e6"])


def test_targets_of_rates_and_amounts_are_told_with_all_their_digits(tmp_path: Path, small_census: Path) -> None:
    aims = ("growth=0.02", "headcount=1200", "payroll<=120e6")
    told = repr(TuningView(asked(tmp_path / "run", *aims, census=small_census)).question())
    assert re.search(r"growth +2025-2026 += 0\.02 +0\.001 +high", told)
    assert re.search(r"headcount +2026 += 1,200 +1\.2 +high", told)
    assert re.search(r"payroll +2026 +<= 120,000,000 +– +high", told)


def test_a_lever_that_is_locked_for_one_level_is_told_to_be_partly_locked(tmp_path: Path, small_census: Path) -> None:
    locked = Tuning(asked(tmp_path / "run", "growth=0.05", census=small_census, locks=["level.5"]))
    told = levers_told(locked.lever_rows()).set_index("lever")["lock"]
    assert told[["cola_rate", "merit_base.5", "merit_base.4"]].tolist() == ["partly locked", "locked", ""]


def test_a_request_is_read_as_it_was_written(tmp_path: Path, small_census: Path) -> None:
    inputs = resolve(Project(shipped()), Request(census=small_census, years=YEARS))
    request = read_request(inputs, ["growth=0.02", "payroll<=6e6"], locks=["level.5"], bounds=["cola_rate=0:0.05"])
    (tmp_path / "inputs").mkdir()
    request.write(tmp_path)
    assert TuningRequest.read(tmp_path) == request


def fails(error: Exception) -> Any:
    def attempt() -> str:
        raise error

    return attempt


def test_a_way_that_fails_gives_way_to_the_next_and_is_told() -> None:
    busy = BusyError("simulation.duckdb is in use by python (process 7).", fix="End that process.")
    done = first_that_works({CHAIN: fails(busy), MODELS: lambda: "figures"})
    assert (done.result, done.way) == ("figures", MODELS)
    assert done.failures == (f"{CHAIN}: {busy}",)


def test_bad_input_is_refused_by_the_first_way_and_the_last_failure_is_raised() -> None:
    with pytest.raises(InputError):
        first_that_works({CHAIN: fails(InputError("no")), MODELS: lambda: "figures"})
    with pytest.raises(ModelError):
        first_that_works({CHAIN: fails(BusyError("no")), MODELS: fails(ModelError("no"))})


def test_planwise_tune_leaves_a_run_that_keeps_its_search_and_holds(
    tmp_path: Path, small_census: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    init(tmp_path / "own")
    monkeypatch.chdir(tmp_path / "own")
    options = ["--census", small_census, "--year", "2025", "--out", "runs", "--save-as", "calm"]
    found = answer("tune", "baseline", "--target", "growth=0.05", "--lock", "level.5", *options)
    assert (found["status"], found["converged"]) == ("success", True)
    assert found["achieved"]["growth"] == pytest.approx(0.05, abs=0.001)
    assert found["levers"]["merit_base"]["5"] == 0.04
    inputs = Path(found["path"]) / "inputs"
    assert all((inputs / name).is_file() for name in ("tune.ipynb", "tuning.json", "target_metrics.sql"))
    assert str(tmp_path) not in (inputs / "tune.ipynb").read_text()
    assert command("verify", found["run_id"], "--out", "runs")[0] == 0
    monkeypatch.setenv("PLANWISE_OUT", "runs")
    for named in (found["run_id"], found["path"]):
        view = open_tuning(named, "", "", 0, 0, "", "")
        assert view.folder.samefile(found["path"])
        assert view.question().caption == "Targets of baseline"  # and not what the search made of it
        assert dict(row[:2] for row in view.levers().rows)["merit_base.1"] == "0.04"
    alone = answer("run", "calm", "--census", small_census, "--year", "2025", "--out", "runs")
    assert alone["years"][0]["payroll"] == answer("show", found["run_id"], "--out", "runs")["years"][0]["payroll"]


def test_a_search_whose_notebook_fails_is_done_by_the_models_and_says_why(
    tmp_path: Path, small_census: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    init(tmp_path / "own")
    monkeypatch.chdir(tmp_path / "own")
    notebook = nbformat.read("notebooks/tune.ipynb", 4)
    [cell for cell in notebook.cells if cell.cell_type == "code"][-1].source += "\nraise OSError('no room')"
    nbformat.write(notebook, "notebooks/tune.ipynb")
    options = ["--census", small_census, "--year", "2025", "--out", "runs"]
    found = answer("tune", "baseline", "--target", "growth=0.05", *options)
    assert (found["converged"], found["executed_by"]) == (True, {"search": MODELS, "run": CHAIN})
    record = json.loads((Path(found["path"]) / "inputs" / "tuning.json").read_text())
    assert (record["executed_by"], record["failures"]) == (MODELS, found["failures"])
    assert "no room" in record["failures"][0]
    assert "in inputs/tune.ipynb" in record["failures"][0]


def test_a_lever_beyond_its_bounds_today_is_refused_with_what_to_do() -> None:
    code, _, told = command("tune", "--bound", "cola_rate=0:0.02", "--validate-only")
    assert code == 2
    assert "cola_rate: it is 0.025, and its bounds are 0 to 0.02" in told
    assert "--bound cola_rate=0:0.025; or hold it: --lock cola_rate" in told
    assert command("tune", "--bound", "cola_rate=0:0.02", "--lock", "cola_rate", "--validate-only")[0] == 0


def test_a_scenario_that_was_saved_is_simulated_as_it_was_tuned(
    tmp_path: Path, small_census: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    init(tmp_path / "own")
    monkeypatch.chdir(tmp_path / "own")
    options = ["--census", str(small_census), "--year", "2025", "--seed", "7", "--out", "runs"]
    _, said, told = command("tune", "--target", "growth=0.05", "--save-as", "calm", *options)
    assert re.search(r"lever +today +found +bounds.*\ncola_rate +0\.025 +0\.\d+ +0 to 0\.1\n", said)
    words = told.partition("To simulate it: planwise ")[2].partition("\n")[0].split()
    assert words == ["run", "calm", "--year", "2025", "--census", str(small_census), "--seed", "7"]


def test_a_notebook_of_ones_own_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    init(tmp_path / "own")
    monkeypatch.chdir(tmp_path / "own")
    Path("notebooks/tune.ipynb").write_text("{")
    code, _, told = command("tune", "--out", "runs")
    assert (code, Path("runs/tune").exists()) == (2, False)
    assert "tune.ipynb cannot be read" in told


def test_a_target_that_is_not_reached_exits_with_one(tmp_path: Path, small_census: Path) -> None:
    options = ["--census", str(small_census), "--year", "2025", "--out", str(tmp_path), "--max-iterations", "1"]
    code, said, told = command("tune", "--target", "growth=0.5", *options, "--json")
    assert (code, json.loads(said)["converged"]) == (1, False)
    assert "the search was not at its end: with more of them it may come nearer" in told


@pytest.mark.parametrize(
    "words",
    [
        ["--target", "grwoth=1"],
        ["--tolerance", "x"],
        ["--lock", "all"],
        ["--save-as", "baseline"],
        ["a,b"],
        ["--save-as", "mine", "--set", "workforce.total_termination_rate=0.1"],
    ],
)
def test_a_tuning_that_cannot_be_is_refused_before_anything_is_written(tmp_path: Path, words: list[str]) -> None:
    code, _, told = command("tune", *words, "--out", str(tmp_path / "runs"))
    assert code == 2
    assert "Fix" in told or "planwise" in told
    assert not (tmp_path / "runs").exists()


def test_a_lock_holds_whatever_is_laid_over_it(tmp_path: Path, small_census: Path) -> None:
    init(tmp_path / "own")
    levers = tmp_path / "own" / "params" / "workforce" / "comp_levers.csv"
    head = (
        "scenario_id,fiscal_year,job_level,event_type,parameter_name,parameter_value,is_locked,created_at,created_by\n"
    )
    levers.write_text(head + "baseline,,5,RAISE,merit_base,0.03,1,2026-01-01,finance\n")
    over = Request(census=small_census, years=YEARS, settings=("compensation.merit_base.5=0.031",))
    today = planned_parameters(resolve(Project(tmp_path / "own"), over).members)
    of_level = today[(today["parameter_name"] == "merit_base") & (today["level_id"] == 5)]
    assert {str(value) for value in of_level["parameter_value"]} == {"0.031"}
    assert of_level["is_locked"].all()

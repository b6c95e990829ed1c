"""Many scenarios in one pass: side by side, as an ensemble of seeds, as a grid of settings."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from planwise_nb.core.errors import InputError
from planwise_nb.core.project import Project, shipped
from planwise_nb.workforce import charts, thresholds
from planwise_nb.workforce.inputs import Request, WorkforceInputs, resolve
from planwise_nb.workforce.members import MOST
from planwise_nb.workforce.thresholds import METRICS, Threshold, read_thresholds
from tests.run_copies import command
from tests.simulation import Simulation, simulate

RESULTS = ("fct_yearly_events", "fct_workforce_snapshot", "fct_year_metrics", "fct_validation_results")
SEEDS = 7
YEARS = (2025, 2026)
GRID = ("compensation.cola_rate=0.01:0.05:5",)


def resolved(**request: object) -> WorkforceInputs:
    return resolve(Project(shipped()), Request(**request))  # type: ignore[arg-type]


def ids(**request: object) -> list[str]:
    return [member.scenario_id for member in resolved(**request).members]


def refusal(**request: object) -> str:
    with pytest.raises(InputError) as refused:
        resolved(**request)
    return str(refused.value)


@pytest.fixture(scope="module")
def ensemble(tmp_path_factory: pytest.TempPathFactory, small_census: Path) -> Simulation:
    """Two scenarios with seven seeds each, and their bands."""
    made = simulate(
        tmp_path_factory.mktemp("ensemble") / "run",
        census=small_census,
        scenario="baseline,high_growth",
        years=YEARS,
        seeds=SEEDS,
        exceeds=["payroll=6e6", "closing_headcount=62"],
    )
    made.step("multi_year_summary", YEARS[0])
    return made


def metrics_of(ensemble: Simulation) -> pd.DataFrame:
    columns = ", ".join(f"{metric}::double as {metric}" for metric in METRICS)
    return ensemble.frame(
        f"select ensemble_id, member_number, simulation_year, {columns} from fct_year_metrics"
        " inner join stg_scenarios using (scenario_id) order by member_number"
    )


# Who the members are


def test_scenarios_joined_by_commas_are_the_members() -> None:
    assert ids(scenario="baseline,high_growth") == ["baseline", "high_growth"]
    assert resolved(scenario="baseline,high_growth").subject == "baseline+high_growth"


def test_an_ensemble_has_consecutive_seeds_from_the_scenarios_own() -> None:
    made = resolved(seeds=3)
    assert made.describe()["seeds"] == {"baseline~seed=42": 42, "baseline~seed=43": 43, "baseline~seed=44": 44}
    assert made.subject == "ensemble"
    assert ids(seeds=2, seed=7) == ["baseline~seed=7", "baseline~seed=8"]


def test_a_grid_has_a_member_for_each_value_and_each_combination() -> None:
    made = resolved(grid=GRID)
    assert [member.scenario_id for member in made.members] == [
        f"baseline~compensation.cola_rate=0.0{cola}" for cola in range(1, 6)
    ]
    assert [member.scenario.compensation.cola_rate["all"] for member in made.members] == [
        Decimal(f"0.0{cola}") for cola in range(1, 6)
    ]
    assert made.subject == "grid"
    both = ids(grid=[*GRID, "workforce.total_termination_rate=0.1:0.2:2"], seeds=2)
    assert len(both) == len(set(both)) == 5 * 2 * 2
    assert both[-1] == "baseline~compensation.cola_rate=0.05~workforce.total_termination_rate=0.2~seed=43"


def test_a_member_of_a_grid_is_its_scenario_with_its_settings() -> None:
    settings = ["compensation.cola_rate=0.03", "hiring.level_mix.1=0.4"]
    grid = resolved(grid=GRID, settings=settings[1:]).members
    [alone] = resolved(settings=settings[::-1]).members
    assert replace(grid[2], scenario_id="baseline", member_number=1) == alone
    assert all(member.tables is grid[0].tables for member in grid)


def test_a_single_scenario_is_its_own_member_and_subject() -> None:
    assert (ids(), resolved().subject) == (["baseline"], "baseline")


def test_equal_members_have_equal_digests_and_others_have_not() -> None:
    digests = [resolved(**one).digest for one in ({"seeds": 2}, {"seeds": 2}, {"seeds": 3}, {"exceeds": ["hires=1"]})]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"grid": ["compensation.cola_rate=0.01"]}, "it is not section.key=start:stop:count"),
        ({"grid": ["compensation.cola_rate=a:b:3"]}, "it is not section.key=start:stop:count"),
        ({"grid": ["compensation.cola_rate=0.01:0.05:0"]}, "it is not section.key=start:stop:count"),
        ({"grid": ["compensation.cola_rate=0.01:0.01:2"]}, "the 2 values are not all different"),
        ({"grid": ["compensation.cola_rate=0.01:0.05:1"]}, "one value cannot be start and stop"),
        ({"grid": ["compensation.cola_rate=0.01:0.05:99999"]}, f"99,999 values are more than {MOST:,}"),
        ({"grid": ["compensation.cola=0.01:0.05:5"]}, "cola"),
        ({"grid": ["compensation.cola_rate=0.01:9:5"]}, "--set compensation.cola_rate="),
        ({"grid": ["compensation.cola_rate=1e99:1:2"]}, "it is not section.key=start:stop:count"),
        ({"grid": ["compensation.cola_rate=0.00000001:0.1:2"]}, "numbers of six decimals at most"),
        ({"grid": [*GRID, *GRID]}, "it is also given by another --grid compensation.cola_rate"),
        ({"grid": GRID, "settings": ["compensation.cola_rate=0.5"]}, "by --set compensation.cola_rate=0.5"),
        ({"grid": ["simulation.random_seed=1:3:3"], "seed": 5}, "it is also given by --seed or --seeds"),
        ({"grid": ["simulation.random_seed=1:3:3"], "seeds": 5}, "it is also given by --seed or --seeds"),
        ({"grid": ["simulation.end_year=2025:2026:2"], "years": (2025, 2025)}, "by --years or --year"),
        ({"grid": ["simulation.end_year=2025:2026:2"]}, "share census and years"),
        ({"seeds": 0}, "an ensemble has one member at least"),
        ({"seeds": MOST + 1}, f"a run has {MOST:,} at most"),
        ({"seeds": 2, "seed": 2**63 - 1}, "go beyond 9223372036854775807"),
        ({"scenario": "baseline,baseline"}, "baseline is given twice"),
        ({"scenario": "baseline,nobody"}, "there is no scenario 'nobody'"),
        ({"scenario": ","}, "one is empty"),
        ({"scenario": "baseline,"}, "one is empty"),
        ({"exceeds": ["payroll"]}, "it is not metric=number"),
        ({"exceeds": ["payroll=1e99"]}, "it is not metric=number"),
        ({"exceeds": ["payrol=60e6"]}, "Did you mean payroll?"),
    ],
)
def test_what_cannot_be_members_is_refused(request_: dict[str, object], said: str) -> None:
    assert said in refusal(**request_)


def test_members_share_census_and_years(tmp_path: Path) -> None:
    (tmp_path / "params" / "workforce").mkdir(parents=True)
    other = tmp_path / "params" / "workforce" / "later.yaml"
    other.write_text("extends: baseline\nsimulation: {start_year: 2026, end_year: 2027}\ncensus: {file: mine.csv}\n")
    with pytest.raises(InputError) as refused:
        resolve(Project(tmp_path), Request(scenario="baseline,later"))
    assert {problem.where for problem in refused.value.problems} == {"the years of later", "census.file of later"}


def test_thresholds_are_read_as_typed() -> None:
    assert read_thresholds(["payroll=60e6", "hire_rate=-0.5", "payroll=60e6"]) == (
        Threshold("payroll", Decimal(60_000_000)),
        Threshold("hire_rate", Decimal("-0.5")),
    )


# What they give


def test_no_check_fails_in_any_member(ensemble: Simulation) -> None:
    assert ensemble.failed_checks() == []
    assert ensemble.value("select count(distinct scenario_id) from fct_year_metrics") == 2 * SEEDS


def test_each_member_has_the_results_of_its_run_alone(ensemble: Simulation, small_census: Path, tmp_path: Path) -> None:
    alone = simulate(tmp_path / "run", census=small_census, scenario="high_growth", years=YEARS, seed=44)
    for table in RESULTS:
        rows = alone.rows(f"select * exclude (scenario_id) from {table} order by all")
        of_member = (
            f"select * exclude (scenario_id) from {table} where scenario_id = 'high_growth~seed=44' order by all"
        )
        assert rows and ensemble.rows(of_member) == rows


def test_members_of_a_grid_have_the_results_of_their_settings(tmp_path: Path, small_census: Path) -> None:
    grid = simulate(tmp_path / "grid", census=small_census, years=(2025, 2025), grid=GRID)
    alone = simulate(
        tmp_path / "alone", census=small_census, years=(2025, 2025), settings=["compensation.cola_rate=0.03"]
    )
    kept = "select * exclude (scenario_id) from fct_yearly_events"
    member = "where scenario_id = 'baseline~compensation.cola_rate=0.03'"
    assert grid.rows(f"{kept} {member} order by all") == alone.rows(f"{kept} order by all")


# How far they lie apart


def test_bands_are_the_percentiles_of_the_members(ensemble: Simulation) -> None:
    metrics = metrics_of(ensemble)
    found = 0
    for row in ensemble.frame("from fct_ensemble_bands").to_dict("records"):
        chosen = (metrics.ensemble_id == row["scenario_id"]) & (metrics.simulation_year == row["simulation_year"])
        values = metrics[chosen][row["metric"]].dropna()
        assert row["members"] == len(values) == SEEDS
        for percent in (5, 25, 50, 75, 95):
            assert float(row[f"p{percent}"]) == pytest.approx(values.quantile(percent / 100), abs=2e-6)
        found += 1
    assert found == 2 * 2 * len(METRICS)


def test_widths_are_those_of_the_first_members(ensemble: Simulation) -> None:
    metrics = metrics_of(ensemble)
    rows = ensemble.frame("from fct_band_widths where metric = 'payroll' order by all").to_dict("records")
    assert {row["members"] for row in rows} == {5, SEEDS}
    for row in rows:
        chosen = (metrics.ensemble_id == row["scenario_id"]) & (metrics.simulation_year == row["simulation_year"])
        first = metrics[chosen].payroll.head(row["members"])
        assert float(row["width"]) == pytest.approx(first.quantile(0.95) - first.quantile(0.05), abs=1e-2)


def test_chances_count_the_members_above_a_threshold(ensemble: Simulation) -> None:
    metrics = metrics_of(ensemble)
    rows = ensemble.frame("from fct_threshold_chances").to_dict("records")
    assert len(rows) == 2 * 2 * 2
    for row in rows:
        chosen = (metrics.ensemble_id == row["scenario_id"]) & (metrics.simulation_year == row["simulation_year"])
        above = int((metrics[chosen][row["metric"]] > float(row["threshold"])).sum())
        assert (row["members_above"], row["members"]) == (above, SEEDS)
        assert float(row["chance"]) == pytest.approx(above / SEEDS, abs=1e-6)
    assert len({row["chance"] for row in rows}) > 1


def test_a_scenario_alone_is_an_ensemble_of_one(two_years: Simulation, tmp_path: Path) -> None:
    alone = two_years.copy(tmp_path / "run")
    alone.step("multi_year_summary", 2025)
    assert alone.value("select bool_and(p5 = p50 and p50 = p95 and members = 1) from fct_ensemble_bands")
    payroll = "select p50 from fct_ensemble_bands where metric = 'payroll' order by simulation_year"
    assert alone.rows(payroll) == alone.rows("select payroll from fct_year_metrics order by simulation_year")


def test_python_and_sql_list_the_same_metrics(ensemble: Simulation) -> None:
    listed = ensemble.compiled("select '{{ banded_metrics() | join(',') }}'")
    assert listed == f"select '{','.join(METRICS)}'"
    assert thresholds.METRICS == METRICS


def test_fans_show_the_median_in_its_bands(ensemble: Simulation) -> None:
    bands = ensemble.frame("from fct_ensemble_bands where metric = 'payroll' order by all")
    said = json.dumps(charts.fan(bands).to_dict())
    assert "Payroll: median, middle half and 5th to 95th percentile of 7 members" in said
    assert '"median"' not in said and "high_growth" in said


# As a run of notebooks


@pytest.fixture(scope="module")
def run_of_many(tmp_path_factory: pytest.TempPathFactory, small_census: Path) -> tuple[Path, str, dict[str, object]]:
    out = tmp_path_factory.mktemp("many") / "runs"
    code, printed, said = command(
        "ensemble", "baseline", "--seeds", "12", "--year", "2025", "--census", small_census,
        "--exceeds", "payroll=5e6", "--out", out, "--json",
    )  # fmt: skip
    assert code == 0, said
    answer = json.loads(printed)
    return Path(answer["path"]), said, answer


def test_an_ensemble_is_one_run_with_the_chain_of_notebooks(run_of_many: tuple[Path, str, dict[str, object]]) -> None:
    folder, said, answer = run_of_many
    assert folder.parent.name == "ensemble"
    assert len(list((folder / "notebooks").rglob("*.ipynb"))) == 9
    assert len({year["scenario_id"] for year in answer["years"]}) == 12  # type: ignore[union-attr, attr-defined]
    assert "payroll above 5,000,000.00: " in said and "of 12 members" in said
    page = (folder / "export" / "summary.html").read_text()
    assert "How far the members of the ensemble lie apart" in page and "Chances of passing a threshold" in page


def test_bands_and_chances_are_answered_shown_and_exported(
    run_of_many: tuple[Path, str, dict[str, object]], tmp_path: Path
) -> None:
    folder, said, answer = run_of_many
    bands, chances = answer["bands"], answer["chances"]
    assert {band["members"] for band in bands} == {12} and len(bands) == len(METRICS)  # type: ignore[attr-defined]
    assert [chance["metric"] for chance in chances] == ["payroll"]  # type: ignore[attr-defined]
    assert "5th percentile" in said
    out = folder.parents[1]
    code, printed, _ = command("show", folder.name, "--out", out, "--json")
    assert (code, json.loads(printed)["bands"]) == (0, bands)
    target = tmp_path / "bands.csv"
    assert command("export", folder.name, target, "--table", "fct_ensemble_bands", "--out", out)[0] == 0
    assert len(target.read_text().splitlines()) == len(METRICS) + 1


def test_a_person_is_shown_in_one_member(run_of_many: tuple[Path, str, dict[str, object]]) -> None:
    folder, *_ = run_of_many
    person = ("show", folder.name, "--employee", "EMP_000001", "--out", folder.parents[1])
    code, printed, _ = command(*person, "--scenario", "baseline~seed=44")
    assert code == 0 and "seed 44" in printed and "seed 45" not in printed
    code, _, said = command(*person, "--scenario", "baseline~seed=1")
    assert (code, "Did you mean baseline~seed=" in said) == (2, True)


def test_a_notebook_shows_people_of_one_member(run_of_many: tuple[Path, str, dict[str, object]]) -> None:
    notebook = json.loads((run_of_many[0] / "notebooks/2025/02_workforce_baseline.ipynb").read_text())
    shown = json.dumps(notebook)
    assert "baseline~seed=42" in shown
    assert "whose people are shown" in shown


def test_checks_of_many_members_are_told_once_each(run_of_many: tuple[Path, str, dict[str, object]]) -> None:
    diagnostics = json.loads((run_of_many[0] / "diagnostics.json").read_text())
    for step in diagnostics["steps"]:
        names = [check["check_name"] for check in step["checks"]]
        assert len(names) == len(set(names))
    warned = [check for step in diagnostics["steps"] for check in step["checks"] if not check["is_passed"]]
    assert all("12 members, such as baseline~seed=" in check["offender_sample"] for check in warned) and warned


def test_ensembles_of_nothing_are_refused(tmp_path: Path) -> None:
    code, _, said = command("ensemble", "baseline", "--out", tmp_path / "runs")
    assert (code, (tmp_path / "runs").exists()) == (2, False)
    assert "planwise ensemble baseline --seeds 100" in said

"""What differs between runs and scenarios: bridges that add up to the cent, and who wins and loses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import duckdb
import pandas as pd
import papermill
import pytest

from planwise_nb.core.errors import DamagedError, InputError
from planwise_nb.core.manifest import read_manifest, write_json
from planwise_nb.core.project import Project, shipped
from planwise_nb.core.runs import Run
from planwise_nb.workforce.comparison import bridge_charts, tables
from planwise_nb.workforce.comparison.explanation import Explanation, between, explain, over_years
from planwise_nb.workforce.comparison.page import comparison_page
from planwise_nb.workforce.comparison.sides import Side, published_side, simulated_sides, told_apart
from planwise_nb.workforce.comparison.workbook import write_workbook
from planwise_nb.workforce.generator import make_census
from planwise_nb.workforce.inputs import Request, resolve
from tests.run_copies import copy_of
from tests.simulation import member

YEARS = (2025, 2027)


def simulated(scenario: str = "baseline", *settings: str, years: tuple[int, int] = YEARS, **more) -> Side:
    [side] = simulated_sides(
        resolve(Project(shipped()), Request(scenario=scenario, settings=settings, years=years, **more))
    )
    return side


@pytest.fixture(scope="module")
def three() -> list[Side]:
    return simulated_sides(resolve(Project(shipped()), Request(scenario="baseline,lean,high_growth", years=YEARS)))


@pytest.fixture(scope="module")
def explained(three: list[Side]) -> Explanation:
    return explain(three)


@pytest.fixture(scope="module")
def baseline(three: list[Side]) -> Side:
    return three[0]


@pytest.fixture(scope="module")
def one_year() -> dict[str, Side]:
    """The baseline of one year, as it is and with one lever changed, in one pass."""
    settings = {
        "as it is": "compensation.cola_rate=0.025",
        "cola": "compensation.cola_rate=0.035",
        "promotions": "compensation.promotion_probability.2=0.2",
        "hire pay": "hiring.new_hire_salary_adjustment=1.2",
        "exits": "workforce.total_termination_rate=0.15",
    }
    members = [replace(member(name, setting), member_number=n) for n, (name, setting) in enumerate(settings.items(), 1)]
    inputs = resolve(Project(shipped()), Request(years=(2025, 2025)))
    return {
        side.name.removeprefix("baseline~"): side for side in simulated_sides(replace(inputs, members=tuple(members)))
    }


def parts(rows: pd.DataFrame, year: int = YEARS[1]) -> dict[str, int]:
    """The parts of the bridge from the first side to the other one, in cents."""
    last = between(rows)[between(rows)["to_year"] == year]
    return {part: round(100 * amount) for part, amount in zip(last["part"], last["amount"], strict=True)}


def assert_adds_up(rows: pd.DataFrame) -> None:
    """The residual is nothing by the query, and by whoever adds up the parts again, in cents."""
    assert len(rows) and (rows["residual"] == 0).all()
    for _, bridge in rows.groupby("bridge"):
        first = bridge.iloc[0]
        apart = round(100 * first["to_amount"]) - round(100 * first["from_amount"])
        assert sum(round(100 * amount) for amount in bridge["amount"]) == apart


def assert_is_reversible(one: Side, other: Side) -> None:
    there, back = explain([one, other]), explain([other, one])
    for measure in ("payroll", "headcount"):
        for year in there.years:
            forth = parts(getattr(there, measure), year)
            assert forth == {part: -cents for part, cents in parts(getattr(back, measure), year).items()}


# bridges


@pytest.mark.parametrize("measure", ["payroll", "headcount"])
def test_every_bridge_adds_up_to_the_cent(explained: Explanation, measure: str) -> None:
    rows = getattr(explained, measure)
    assert_adds_up(rows)
    assert rows["bridge"].nunique() == 2 * 3 + 3 * 2


def test_a_bridge_leads_from_what_the_metrics_say_to_what_they_say(explained: Explanation) -> None:
    for measure, metric in (("payroll", "payroll"), ("headcount", "closing_headcount")):
        said = explained.metrics[explained.metrics["metric"] == metric]
        values = {(row.scenario_id, row.simulation_year): row.metric_value for row in said.itertuples()}
        for row in getattr(explained, measure).itertuples():
            assert row.from_amount == values[row.from_scenario_id, row.from_year]
            assert row.to_amount == values[row.to_scenario_id, row.to_year]


def test_a_scenario_differs_from_itself_by_nothing(baseline: Side) -> None:
    found = explain([baseline, baseline])
    assert (between(found.payroll)["amount"] == 0).all() and (between(found.headcount)["amount"] == 0).all()
    assert found.levers.empty and (found.metrics["difference"].dropna() == 0).all()
    assert (found.people["get_the_same"].dropna() == found.people["people"][~found.people["is_suppressed"]]).all()


def test_the_way_back_is_the_negative_of_the_way_there(three: list[Side]) -> None:
    assert_is_reversible(three[0], three[2])


@pytest.mark.parametrize(
    ("lever", "mostly", "also"),
    [
        ("cola", "merit_and_cola", {"promotion"}),
        ("promotions", "promotion", {"merit_and_cola"}),
        ("hire pay", "rate", set()),
    ],
)
def test_a_lever_of_pay_moves_its_own_part(one_year: dict[str, Side], lever: str, mostly: str, also: set[str]) -> None:
    found = explain([one_year["as it is"], one_year[lever]])
    moved = {part: abs(cents) for part, cents in parts(found.payroll, 2025).items() if cents}
    assert moved.keys() <= {mostly, *also} and max(moved, key=moved.__getitem__) == mostly
    assert not any(parts(found.headcount, 2025).values())


def test_the_part_of_raises_is_what_the_raises_paid(one_year: dict[str, Side]) -> None:
    sides = [one_year["as it is"], one_year["cola"]]
    paid = []
    for side in sides:
        events, people = (side.tables[name] for name in ("fct_yearly_events", "fct_workforce_snapshot"))
        query = """
            select sum(
                (compensation_amount - previous_compensation)
                * (coalesce(termination_date, date '2025-12-31') - effective_date + 1)
            ) / 365.0
            from events join people using (employee_id) where event_type = 'raise'"""
        paid.append(duckdb.sql(query).fetchall()[0][0])
        assert events.num_rows > people.num_rows / 2
    found = parts(explain(sides).payroll, 2025)["merit_and_cola"] / 100
    assert found == pytest.approx(
        float(paid[1] - paid[0]), abs=0.01 * sides[0].tables["fct_workforce_snapshot"].num_rows
    )


def test_a_rate_of_exits_moves_exits_and_the_hires_in_their_place(one_year: dict[str, Side]) -> None:
    found = explain([one_year["as it is"], one_year["exits"]])
    assert {part for part, cents in parts(found.payroll, 2025).items() if cents} >= {"exits", "hires"}
    assert parts(found.payroll, 2025)["exits"] < 0 < parts(found.payroll, 2025)["hires"]
    assert parts(found.headcount, 2025)["exits"] < 0 < parts(found.headcount, 2025)["hires"]


def test_more_growth_is_paid_to_hires_and_to_those_who_are_kept(baseline: Side) -> None:
    found = explain([baseline, simulated("baseline", "simulation.target_growth_rate=0.08")])
    payroll, headcount = parts(found.payroll), parts(found.headcount)
    assert payroll["hires"] > 0.9 * sum(payroll.values()) > 0
    assert headcount["hires"] > -headcount["new_hire_exits"] > 0
    assert payroll["volume"] == headcount["volume"] == 0


def test_the_headcount_moves_by_the_hires_and_exits_of_the_metrics(explained: Explanation) -> None:
    rows = over_years(explained.headcount)
    found = rows[(rows["to_scenario_id"] == "lean") & (rows["to_year"] == 2026)].set_index("part")["amount"]
    said = explained.metrics[
        (explained.metrics["scenario_id"] == "lean") & (explained.metrics["simulation_year"] == 2026)
    ]
    metrics = said.set_index("metric")["metric_value"]
    assert found["hires"] == metrics["hires"]
    assert -(found["exits"] + found["reductions"] + found["new_hire_exits"]) == metrics["exits"]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_bridges_of_generated_censuses_add_up_with_nobody_in_common(tmp_path: Path, seed: int) -> None:
    sides = []
    for place, people in enumerate((40 + 30 * seed, 90)):
        census = tmp_path / f"{place}.csv"
        make_census(people, 10 * seed + place, census)
        sides.append(simulated(census=census, seed=seed + place, years=(2025, 2026)))
    found = explain(sides)
    assert_adds_up(found.payroll)
    assert_adds_up(found.headcount)
    assert_is_reversible(*sides)
    assert all(parts(found.payroll, 2026)[part] for part in ("volume", "level_mix", "rate"))
    assert found.people.empty


def test_another_seed_is_bridged_with_the_same_people_and_says_so(baseline: Side) -> None:
    found = explain([baseline, simulated(seed=7)])
    assert_adds_up(found.payroll)
    assert parts(found.payroll)["volume"] == 0
    assert found.notes == (
        "baseline now (2) has seed 7, baseline now (1) has 42: part of what differs is luck."
        " With one seed for both it is the policy alone.",
    )


def test_a_leap_year_is_bridged_to_the_cent(shared_hr: Path) -> None:
    census = shared_hr / "census_5k.parquet"
    sides = [simulated(name, census=census, years=(2027, 2029)) for name in ("baseline", "lean")]
    found = explain(sides)
    assert_adds_up(found.payroll)
    within = over_years(found.payroll)
    leap = within[(within["part"] == "rate")].set_index(["to_scenario_id", "to_year"])["amount"]
    assert (leap.abs() < 0.001 * within["to_amount"].max()).all()


# what is compared


def test_years_that_only_one_has_are_left_out_and_this_is_said(baseline: Side) -> None:
    found = explain([baseline, simulated("lean", years=(2026, 2028))])
    assert found.years == (2026, 2027)
    assert "They are of different years (baseline 2025–2027, lean 2026–2028)" in found.notes[0]
    assert_adds_up(found.payroll)
    with pytest.raises(InputError, match="no year in common: baseline has 2025–2027; lean has 2029"):
        explain([baseline, simulated("lean", years=(2029, 2029))])


def test_sides_of_one_name_are_told_apart_by_run_and_place(finished_run: Run, baseline: Side) -> None:
    side = published_side(finished_run.folder)
    run_id = finished_run.folder.name
    assert [one.name for one in told_apart([side, baseline])] == [f"baseline {run_id}", "baseline now"]
    assert [one.name for one in told_apart([side, side])] == [f"baseline {run_id} (1)", f"baseline {run_id} (2)"]


def test_a_run_is_compared_as_what_its_scenario_would_be_now(finished_run: Run, small_census: Path) -> None:
    found = explain([published_side(finished_run.folder), simulated(census=small_census, years=(2025, 2026))])
    assert found.notes == () and found.levers.empty
    assert (between(found.payroll)["amount"] == 0).all()


def test_a_run_held_against_itself_is_said_to_be_one(finished_run: Run) -> None:
    side = published_side(finished_run.folder)
    [note] = explain([side, side]).notes
    assert note.endswith(" are one run, held against itself.")


def test_other_tables_and_another_mapping_and_date_of_the_census_are_said(finished_run: Run, tmp_path: Path) -> None:
    folder = copy_of(finished_run, tmp_path)
    hazards = folder / "params" / "hazards.csv"
    hazards.write_text(hazards.read_text().replace("level_discount_factor,0.1\n", "level_discount_factor,0.2\n"))
    (folder / "inputs" / "census_map.yaml").write_text("rename: {Grade: level_id}\n")
    manifest = read_manifest(folder)
    manifest["inputs"]["census"]["census_date"] = "2024-06-30"
    write_json(folder / "manifest.json", manifest)
    said = " ".join(explain([published_side(finished_run.folder), published_side(folder)]).notes)
    assert f"baseline {folder.name} has another census date than baseline {finished_run.folder.name}." in said
    assert "has another census mapping and another hazards.csv than" in said


def test_scenarios_that_are_simulated_now_say_what_tables_they_have(baseline: Side, tmp_path: Path) -> None:
    own = tmp_path / "params" / "workforce" / "raise_timing.csv"
    own.parent.mkdir(parents=True)
    months = (shipped() / own.relative_to(tmp_path)).read_text()
    own.write_text(months.replace("\n1,0.26\n2,0.03\n", "\n1,0.03\n2,0.26\n"))
    [side] = simulated_sides(resolve(Project(tmp_path), Request(years=YEARS)))
    assert explain([baseline, side]).notes == ("baseline now (2) has another raise_timing.csv than baseline now (1).",)


def test_a_run_whose_tables_are_damaged_is_said_to_be_so(finished_run: Run, tmp_path: Path) -> None:
    run = copytree(finished_run.folder, tmp_path / finished_run.folder.name)
    (run / "export" / "fct_year_metrics" / "2026.parquet").write_bytes(b"no table")
    with pytest.raises(DamagedError, match=f"Run {run.name} cannot be compared"):
        published_side(run)


def test_runs_with_long_names_and_nobody_in_common_are_told_in_short_headings(finished_run: Run) -> None:
    run = published_side(finished_run.folder)
    found = explain([run, replace(run, run_id="20300101-000000-aaaaaaaa")])
    assert tables.metrics(found).header[-1] == "Second − first"
    nobody = replace(found, people=found.people[:0])
    assert tables.people(nobody, found.names[1]).caption.endswith("2026, nobody of the census is active in both")


def test_years_in_which_nobody_is_left_are_compared_too(tmp_path: Path) -> None:
    make_census(4, 1, tmp_path / "few.csv")
    ending = ["workforce.total_termination_rate=1", "simulation.target_growth_rate=-0.99"]
    sides = [simulated("baseline", *settings, census=tmp_path / "few.csv") for settings in (ending, [])]
    found = explain(sides)
    assert (found.years, found.adds_up) == ((2025, 2026, 2027), True)
    last = between(found.payroll).query("to_year == 2027")
    assert (len(last), last["from_amount"].max(), last["to_amount"].min() > 0) == (7, 0, True)


def test_a_run_that_lost_a_table_is_not_compared_by_the_rest(finished_run: Run, tmp_path: Path) -> None:
    run = copytree(finished_run.folder, tmp_path / finished_run.folder.name)
    (run / "export" / "fct_yearly_events" / "2026.parquet").unlink()
    with pytest.raises(DamagedError, match=r"lacks export/fct_yearly_events/2026\.parquet"):
        published_side(run)


def test_parts_that_do_not_lead_to_the_end_are_said_to_be_wrong(finished_run: Run, baseline: Side) -> None:
    side = published_side(finished_run.folder)
    events = side.tables["fct_yearly_events"]
    fewer = replace(side, tables=dict(side.tables) | {"fct_yearly_events": events.slice(1)})
    assert explain([side, baseline]).adds_up
    assert explain([side, fewer]).notes[-1].startswith("The bridges do not add up")


# levers, winners and losers


def test_levers_that_differ_are_named_with_their_levels_years_and_values(explained: Explanation) -> None:
    rows = tables.levers(explained).rows
    assert ("lean", "cola_rate", "1–5", "2025–2027", "0.025", "0.015") in rows
    assert ("lean", "target_growth_rate", "all", "2025–2027", "0.03", "-0.02") in rows
    assert not [row for row in rows if row[1] == "total_termination_rate"]
    assert any(row[:4] == ("high_growth", "merit_base", "5", "2025–2027") for row in rows)


def test_what_differs_and_is_no_lever_is_said(explained: Explanation) -> None:
    [note] = explained.notes
    assert note.startswith("Beside the levers, high_growth differs from baseline in hiring.level_mix.1 (0.45, not 0.4")
    assert "hiring.new_hire_salary_adjustment" not in note


def test_winners_and_losers_of_each_attribute_are_all_the_people(explained: Explanation) -> None:
    rows = explained.people[explained.people["to_scenario_id"] == "lean"]
    sums = rows.groupby("attribute")["people"].sum()
    assert set(sums.index) == {"everyone", "level", "age", "tenure", "department"} and sums.nunique() == 1
    told = rows[~rows["is_suppressed"]]
    assert (told["get_more"] + told["get_less"] + told["get_the_same"] == told["people"]).all()
    assert told[told["attribute"] == "everyone"]["get_less"].item() > 0.9 * sums.iloc[0]


def test_groups_that_could_tell_of_a_person_are_suppressed(small_census: Path) -> None:
    request = {"census": small_census, "years": (2025, 2026)}
    rows = explain([simulated(**request), simulated("lean", **request)]).people
    assert rows[rows["people"] < 10]["is_suppressed"].all() and rows["is_suppressed"].any()
    assert rows[rows["is_suppressed"]][["get_more", "get_less", "total_change", "average_change"]].isna().all(axis=None)
    hidden = rows[rows["is_suppressed"]].groupby("attribute")["people"].agg(["sum", "size"])
    whole = rows.groupby("attribute")["is_suppressed"].agg("all")
    assert ((hidden["sum"] >= 10) | whole[hidden.index]).all()


# page, workbook, charts, notebook


def test_the_page_loads_nothing_and_equal_comparisons_give_equal_bytes(
    three: Sequence[Side], explained: Explanation, tmp_path: Path
) -> None:
    page = comparison_page(explained)
    assert "<script" not in page and "http" not in page.replace("http://www.w3.org", "").replace("http-equiv", "")
    again = explain(three)
    for name, found in (("one", explained), ("again", again)):
        write_workbook(tmp_path / f"{name}.xlsx", found)
    assert page == comparison_page(again)
    assert (tmp_path / "one.xlsx").read_bytes() == (tmp_path / "again.xlsx").read_bytes()


def test_the_workbook_holds_every_bridge_as_numbers(explained: Explanation, tmp_path: Path) -> None:
    write_workbook(tmp_path / "comparison.xlsx", explained)
    sheets = pd.read_excel(tmp_path / "comparison.xlsx", sheet_name=None, header=2)
    assert list(sheets) == [
        "Compared", "Levers", "Metrics", "Payroll bridges", "Headcount bridges", "Winners and losers", "Waterfalls"
    ]  # fmt: skip
    bridges = sheets["Payroll bridges"]
    amounts = bridges[list(tables.PARTS["payroll"].values())]
    assert len(bridges) == 12 and (bridges["Unexplained"] == 0).all()
    assert (bridges["From.1"] + amounts.sum(axis=1)).tolist() == pytest.approx(bridges["To.1"].tolist())


def test_a_waterfall_ends_where_the_other_scenario_is(explained: Explanation) -> None:
    drawn = bridge_charts.waterfall(explained, "headcount", "lean").to_dict()
    bars = next(iter(drawn["datasets"].values()))
    steps = [bar["end"] - bar["start"] for bar in bars[1:-1]]
    assert bars[0]["end"] + sum(steps) == bars[-1]["end"]
    assert (bars[0]["part"], bars[-1]["part"]) == ("baseline", "lean")
    assert drawn["title"]["text"] == "Headcount at year end 2027: from baseline to lean"


def test_the_notebook_of_comparisons_runs_to_its_end(
    finished_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"first": str(finished_run.folder), "second": "baseline", "last_year": 2026}
    monkeypatch.chdir(tmp_path)
    done = papermill.execute_notebook(
        str(shipped() / "notebooks" / "compare.ipynb"), None, given, kernel_name="python3", progress_bar=False
    )
    shown = [output for cell in done.cells for output in cell.get("outputs", ())]
    assert sum("application/vnd.vegalite.v5+json" in output.get("data", {}) for output in shown) == 4
    assert sum("text/html" in output.get("data", {}) for output in shown) == 7

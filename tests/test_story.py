"""One person's story: what they were, what happened, by which draw, and where that was made."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from planwise_nb.core import store
from planwise_nb.core.errors import InputError
from planwise_nb.core.runs import Run
from planwise_nb.workforce import publication
from planwise_nb.workforce.draws import STREAMS
from planwise_nb.workforce.story import DECIDED_BY, DRAWS, Story, tell
from tests.run_copies import answer, change_tables, command, copy_of, withdraw_year
from tests.simulation import Simulation
from tests.test_draws import drawn_in_sql

RENAMED = "select * replace (case when employee_id = '{old}' then '{new}' else employee_id end as employee_id)"


def rows(run: Run, query: str) -> list[tuple]:
    with store.connect() as connection:
        publication.open_published(connection, run.folder)
        return connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def people(finished_run: Run) -> dict[str, str]:
    """By category of event somebody who had one."""
    return dict(rows(finished_run, "select event_category, min(employee_id) from fct_yearly_events group by all"))


@pytest.fixture(scope="module")
def stories(finished_run: Run, people: dict[str, str]) -> list[Story]:
    return [story for who in people.values() for story in tell(finished_run.folder, who)]


def rename(folder: Path, old: str, new: str) -> None:
    names = RENAMED.format(old=old, new=new.replace("'", "''"))
    change_tables(folder, names.replace("{", "{{").replace("}", "}}") + " from {rows}", having="employee_id")


def test_events_and_states_are_those_of_the_tables(finished_run: Run, stories: list[Story]) -> None:
    for story in stories:
        who = f"where employee_id = '{story.employee_id}'"
        said = [tuple(event.facts.values())[:3] for year in story.years for event in year.events]
        assert said == rows(
            finished_run,
            f"select effective_date, event_type, event_category from fct_yearly_events {who}"
            " order by effective_date, event_sequence",
        )
        closings = [year.closing["current_compensation"] for year in story.years if year.closing]
        pay = f"select current_compensation from fct_workforce_snapshot {who} order by simulation_year"
        assert [(amount,) for amount in closings] == rows(finished_run, pay)


def test_pay_is_handed_on_from_the_census_and_from_year_to_year(stories: list[Story]) -> None:
    for story in stories:
        last = story.census and story.census["compensation"]
        for year in story.years:
            assert (year.opening and year.opening["compensation"]) == last
            last = year.closing and year.closing["current_compensation"]


def test_every_draw_is_the_one_that_sql_draws(finished_run: Run, stories: list[Story], tmp_path: Path) -> None:
    told = {
        (draw.stream, year.simulation_year, story.employee_id): draw.value
        for story in stories
        for year in story.years
        for event in year.events
        for draw in event.draws
    }
    run = Simulation(shutil.copytree(finished_run.folder, tmp_path / "run"))
    drawn = {
        (stream, year, who): value
        for year in {key[1] for key in told}
        for stream, _, who, value in drawn_in_sql(run, year, [(42, story.employee_id) for story in stories])
    }
    assert told == {key: drawn[key] for key in told}
    assert {key[0] for key in told} == set(STREAMS)


def test_a_promotion_says_that_its_draw_is_below_the_probability(stories: list[Story]) -> None:
    promoted = [
        event
        for story in stories
        for year in story.years
        for event in year.events
        if event.facts["event_category"] == "promotion"
    ]
    assert promoted
    for event in promoted:
        draw = event.draws[0]
        assert draw.value < event.facts["event_probability"]
        assert draw.meaning == f"is below the probability {event.facts['event_probability']}: promoted"


def test_every_stream_is_explained_and_every_category_names_its_models(people: dict[str, str]) -> None:
    assert {stream for draws in DRAWS.values() for stream, _ in draws} == set(STREAMS)
    assert set(DRAWS) == set(DECIDED_BY) == set(people)


def test_the_notebooks_and_models_that_are_named_lie_in_the_run(finished_run: Run, stories: list[Story]) -> None:
    for story in stories:
        for year in story.years:
            made = {year.notebook, year.model}.union(*({event.notebook, *event.models} for event in year.events))
            assert all((finished_run.folder / path).is_file() for path in made)
            assert f"notebooks/{year.simulation_year}/04_event_generation.ipynb" in made or not year.events


def test_numbers_are_masked_even_where_the_tables_keep_them(finished_run: Run, tmp_path: Path) -> None:
    folder = copy_of(finished_run, tmp_path)
    change_tables(folder, "select * replace ('123-45-6789' as employee_ssn) from {rows}", having="employee_ssn")
    said = command("show", folder.name, "--employee", "EMP_000001", "--out", tmp_path)[1]
    assert "XXX-XX-6789" in said and "123-45" not in said
    assert "123-45" not in str(tell(folder, "EMP_000001"))


@pytest.mark.parametrize(
    ("new", "shown"),
    [
        ('O\'Neil "x"; drop table people; --', 'O\'Neil "x"; drop table people; --'),
        ("Łukasz 山田", "Łukasz 山田"),
        ("\x1b[31mred\x07\n\u202eevil", r"\x1b[31mred\x07\n\u202eevil"),
        ("x" * 10_000, "x" * 39 + "…" + "x" * 20),
    ],
)
def test_strange_ids_are_found_and_shown_without_harm(finished_run: Run, tmp_path: Path, new: str, shown: str) -> None:
    folder = copy_of(finished_run, tmp_path)
    rename(folder, "EMP_000001", new)
    code, said, _ = command("show", folder.name, "--employee", new, "--out", tmp_path)
    assert (code, said.splitlines()[0]) == (0, f"{shown}  in baseline, seed 42")
    assert "\x1b" not in said and "\u202e" not in said
    [story] = answer("show", folder.name, "--employee", new, "--out", tmp_path)["stories"]
    assert story["employee_id"] == new


def test_an_unknown_id_is_refused_with_the_nearest(finished_run: Run, tmp_path: Path) -> None:
    folder = copy_of(finished_run, tmp_path)
    code, said, report = command("show", folder.name, "--employee", "EMP_00001\x1b7", "--out", tmp_path)
    assert (code, said) == (2, "")
    assert "knows nobody with the id 'EMP_00001\\x1b7'" in report
    assert "EMP_000017" in report and "\x1b" not in report


def test_a_story_fits_a_terminal_of_100_columns(finished_run: Run, people: dict[str, str]) -> None:
    for who in people.values():
        said = command("show", finished_run.folder.name, "--employee", who, "--out", finished_run.ledger.out)[1]
        assert max(map(len, said.splitlines())) <= 100


def test_an_unfinished_run_tells_the_years_so_far(finished_run: Run, tmp_path: Path) -> None:
    folder = copy_of(finished_run, tmp_path, status="running")
    withdraw_year(folder, 2026)
    [story] = tell(folder, "EMP_000001")
    assert [year.simulation_year for year in story.years] == [2025]
    withdraw_year(folder, 2025)
    [story] = tell(folder, "EMP_000001")
    assert (story.years, story.census and story.census["active"]) == ((), True)
    assert "No year is finished yet." in command("show", folder.name, "--employee", "EMP_000001", "--out", tmp_path)[1]
    with pytest.raises(InputError, match="EMP_00000"):
        tell(folder, "NH_2025_000001")


def test_each_scenario_of_a_run_tells_its_own_story(finished_run: Run, tmp_path: Path) -> None:
    folder = copy_of(finished_run, tmp_path, seeds={"baseline": 42, "baseline~seed=7": 7})
    twice = "from {rows} union all select * replace ('baseline~seed=7' as scenario_id) from {rows}"
    change_tables(folder, twice, having="scenario_id")
    one, other = tell(folder, "EMP_000001")
    assert (one.scenario_id, other.scenario_id, other.seed) == ("baseline", "baseline~seed=7", 7)
    values = [[draw.value for draw in story.years[0].events[0].draws] for story in (one, other)]
    assert values[0] != values[1]


def test_who_is_not_active_in_the_census_has_a_story_of_one_line(finished_run: Run, tmp_path: Path) -> None:
    [[who]] = rows(
        finished_run,
        f"select min(employee_id) from read_parquet('{finished_run.folder}/inputs/census.parquet') where not active",
    )
    code, said, _ = command("show", finished_run.folder.name, "--employee", who, "--out", finished_run.ledger.out)
    assert code == 0 and "Who is not active in the census is not simulated." in said

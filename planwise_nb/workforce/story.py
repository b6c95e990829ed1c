"""One person's story over the years of a run: states, events, the draws behind them, and where each was made.

Reads what is published, so a run that is not finished tells its story so far.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from planwise_nb.core import store
from planwise_nb.core.errors import InputError
from planwise_nb.core.manifest import read_manifest
from planwise_nb.core.printable import printable
from planwise_nb.workforce import publication
from planwise_nb.workforce.draws import draw
from planwise_nb.workforce.masking import masked
from planwise_nb.workforce.membership import require_member
from planwise_nb.workforce.pipeline import WORKFORCE

Row = dict[str, Any]

MODELS = "project/dbt/models"
NEAREST = 3
LONGEST_COMPARED = 64
"""So many characters of an id say which other ids are near."""

OF_THE_YEAR = "picks {effective_date} among the days of the year"
DRAWS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "experienced_termination": (
        (
            "termination",
            "a lottery: the smallest -ln(draw) / weight leave, {experienced_terminations} by the rate, then"
            " {reductions} by reduction",
        ),
        ("termination_date", OF_THE_YEAR),
    ),
    "hiring": (
        ("hire_date", "picks {effective_date} among all days but the last"),
        ("hire_age", "picks {hire_age} years by params/hire_ages.csv"),
        ("hire_birth_date", "picks {employee_birth_date}, which makes that age"),
        ("hire_compensation", "moves the pay within its variance, up or down"),
        ("department", "picks {department} from the opening mix"),
        ("gender", "picks {gender} from the opening mix"),
        ("location", "picks {location} from the opening mix"),
        ("scheduled_hours", "picks {scheduled_hours} from the opening mix"),
    ),
    "new_hire_termination": (
        (
            "new_hire_termination",
            "a lottery among the hires who can still leave: the {new_hire_terminations} smallest draws leave",
        ),
        ("new_hire_termination_date", "picks {effective_date}, {minimum_days} days or more after the hire"),
    ),
    "merit_raise": (
        ("raise_month", "picks {effective_date:%B} by params/raise_timing.csv"),
        ("raise_day", "picks day {effective_date.day} of that month"),
    ),
    "promotion": (
        ("promotion", "is below the probability {event_probability}: promoted"),
        ("promotion_date", OF_THE_YEAR),
    ),
}
"""By event category the streams that decide it, and what each did; the columns in braces are those of ``EVENTS``."""

DECIDED_BY: Mapping[str, tuple[str, ...]] = {
    "experienced_termination": ("int_experienced_terminations",),
    "hiring": ("int_hires", "int_hire_attributes"),
    "new_hire_termination": ("int_new_hire_terminations",),
    "merit_raise": ("int_raises", "int_pay_chain"),
    "promotion": ("int_promotions", "int_pay_chain"),
}
"""By event category the models that decide it and its pay."""

CENSUS = f"""
    select
        {masked("employee_ssn")} as employee_ssn, employee_birth_date, employee_hire_date, employee_termination_date,
        employee_gross_compensation as compensation, active, level_id, department, gender, location, scheduled_hours
    from census
    where employee_id = $who
"""  # noqa: S608 - own names
OPENINGS = """
    select
        opening.scenario_id, opening.simulation_year, opening.level_id, opening.current_age, opening.current_tenure,
        coalesce(last_year.current_compensation, census.employee_gross_compensation) as compensation
    from int_baseline_workforce as opening
    left join fct_workforce_snapshot as last_year
        on
            opening.scenario_id = last_year.scenario_id
            and opening.employee_id = last_year.employee_id
            and opening.simulation_year = last_year.simulation_year + 1
    left join census on opening.employee_id = census.employee_id
    where opening.employee_id = $who
"""
EVENTS = """
    select
        events.scenario_id, events.simulation_year, events.effective_date, events.event_type, events.event_category,
        events.event_details, events.compensation_amount, events.previous_compensation, events.level_id,
        events.employee_age, events.employee_tenure, events.event_probability, events.parameter_source,
        events.data_quality_flag,
        required.experienced_terminations, required.reductions, required.new_hire_terminations,
        waits.minimum_days, hires.age as hire_age,
        closing.employee_birth_date, closing.department, closing.gender, closing.location, closing.scheduled_hours
    from fct_yearly_events as events
    left join int_workforce_requirements as required using (scenario_id, simulation_year)
    left join int_new_hire_terminations as waits using (scenario_id, simulation_year, employee_id)
    left join int_hires as hires using (scenario_id, simulation_year, employee_id)
    left join fct_workforce_snapshot as closing using (scenario_id, simulation_year, employee_id)
    where events.employee_id = $who
    order by events.scenario_id, events.effective_date, events.event_sequence
"""
TOLD_OF_EVENTS = 14
"""So many columns of ``EVENTS`` tell the event; the rest tell what its draws decided."""
CLOSINGS = f"""
    select
        scenario_id, simulation_year, level_id, current_compensation, prorated_annual_compensation,
        employment_status, detailed_status_code, termination_date, termination_reason, current_age, current_tenure,
        {masked("employee_ssn")} as employee_ssn, employee_birth_date, employee_hire_date,
        department, gender, location, scheduled_hours
    from fct_workforce_snapshot
    where employee_id = $who
    order by scenario_id, simulation_year
"""  # noqa: S608 - own names
NEAR = f"""
    select employee_id
    from (select employee_id from census union select employee_id from {{hires}})
    order by levenshtein(left(employee_id, {LONGEST_COMPARED}), left($who, {LONGEST_COMPARED})), employee_id
    limit {NEAREST}
"""  # noqa: S608 - own names


@dataclass(frozen=True)
class Draw:
    """A random number behind an event, strictly between 0 and 1, and in words what it decided."""

    stream: str
    value: float
    meaning: str


@dataclass(frozen=True)
class Event:
    """Something that happened to the person; ``facts`` are its columns of ``fct_yearly_events``."""

    facts: Row
    draws: tuple[Draw, ...]
    notebook: str
    models: tuple[str, ...]


@dataclass(frozen=True)
class Year:
    """The person's state when the year opened and when it closed, None where not employed then, and the events
    between.
    """

    simulation_year: int
    opening: Row | None
    events: tuple[Event, ...]
    closing: Row | None
    notebook: str
    model: str


@dataclass(frozen=True)
class Story:
    """A person in one scenario; ``census`` is the accepted row of the census, None for a hire of the simulation."""

    scenario_id: str
    seed: int
    employee_id: str
    census: Row | None
    years: tuple[Year, ...]


def tell(folder: Path, employee_id: str, scenario: str | None = None) -> tuple[Story, ...]:
    """The story of a person in each scenario of the run in ``folder`` that knows them, or in one.

    Raises ``InputError`` with the nearest ids where no scenario does, or where there is no such ``scenario``.
    """
    seeds = read_manifest(folder)["seeds"]
    if scenario is not None:
        seeds = {scenario: seeds[require_member(scenario, seeds, folder.name)]}
    who = employee_id.encode("utf-8", "replace").decode("utf-8")
    with store.connect() as connection:
        publication.open_published(connection, folder)
        connection.read_parquet([str(folder / "inputs" / "census.parquet")]).create_view("census")
        views = store.tables_of(connection)
        has_years = set(publication.EMPLOYEE_LEVEL) <= views
        census = next(iter(_rows(connection, CENSUS, who)), None)
        told = [_rows(connection, query, who) if has_years else [] for query in (OPENINGS, EVENTS, CLOSINGS)]
        stories = tuple(
            Story(scenario_id, seed, who, census, tuple(_years(seed, who, *(_of(scenario_id, rows) for rows in told))))
            for scenario_id, seed in seeds.items()
        )
        known = tuple(story for story in stories if story.census or story.years)
        if not known:
            raise _unknown(connection, folder.name, who, "int_hires" if has_years else "census")
    return known


def _rows(connection: duckdb.DuckDBPyConnection, query: str, who: str) -> list[Row]:
    found = connection.execute(query, {"who": who})
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _of(scenario_id: str, rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row["scenario_id"] == scenario_id]


def _years(
    seed: int, who: str, openings: Sequence[Row], events: Sequence[Row], closings: Sequence[Row]
) -> Iterator[Year]:
    for year in sorted({row["simulation_year"] for row in (*openings, *events, *closings)}):
        opening, happened, closing = (
            [row for row in rows if row["simulation_year"] == year] for rows in (openings, events, closings)
        )
        yield Year(
            simulation_year=year,
            opening=next(map(_state, opening), None),
            events=tuple(_event(seed, who, row) for row in happened),
            closing=next(map(_state, closing), None),
            notebook=WORKFORCE.executed_path(("workforce_snapshot", year)),
            model=f"{MODELS}/marts/fct_workforce_snapshot.sql",
        )


def _state(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in ("scenario_id", "simulation_year")}


def _event(seed: int, who: str, row: Row) -> Event:
    year, category = row["simulation_year"], row["event_category"]
    shown = {name: "nothing" if value is None else value for name, value in row.items()}
    return Event(
        facts=_state(dict(list(row.items())[:TOLD_OF_EVENTS])),
        draws=tuple(
            Draw(stream, draw(seed, stream, year, who), meaning.format(**shown)) for stream, meaning in DRAWS[category]
        ),
        notebook=WORKFORCE.executed_path(("event_generation", year)),
        models=tuple(f"{MODELS}/intermediate/{model}.sql" for model in DECIDED_BY[category]),
    )


def _unknown(connection: duckdb.DuckDBPyConnection, run_id: str, who: str, hires: str) -> InputError:
    near = [row["employee_id"] for row in _rows(connection, NEAR.format(hires=hires), who)]
    names = ", ".join(map(printable, near))
    return InputError(
        f"Run {run_id} knows nobody with the id '{printable(who)}'.",
        fix=f"The nearest ids are: {names}",
    )

"""``planwise show``: the headline figures of a run, or one person's story in it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from textwrap import wrap
from typing import TYPE_CHECKING, Annotated, Any

import typer

from planwise_nb.apps.answers import OUT, AsJson, Out, find, print_json, reported, since
from planwise_nb.apps.sparklines import shown
from planwise_nb.core.printable import printable

if TYPE_CHECKING:
    from planwise_nb.workforce.story import Event, Story, Year

NOTHING = "–"
INDENT = 12
LONGEST_FIGURE = 34
LONGEST_SOURCE = 64
MEANING = 48
STATE = "{when:<10}{status:<25}{level:>5}{age:>6}{tenure:>8}{pay:>18}{paid:>20}"


def show(
    run_id: str,
    employee: Annotated[str | None, typer.Option(help="Tell the story of the person with this id.")] = None,
    scenario: Annotated[str | None, typer.Option(help="With --employee: in this member of the run only.")] = None,
    out: Out = OUT,
    as_json: AsJson = False,
) -> None:
    """Show the headline figures of a run, or one person's story: states, events and the draws behind them."""
    began = time.monotonic()
    with reported(as_json, began):
        found = find(out, run_id)
        if employee is None:
            _show_headline(found, as_json)
        else:
            _show_person(found, employee, scenario, as_json, began)


def _show_headline(found: Any, as_json: bool) -> None:
    from planwise_nb.apps.headline import figures_of, headline  # noqa: PLC0415 - --help stays fast

    manifest, figures = found.manifest, figures_of(found.folder)
    if not as_json:
        print(headline(found.folder, manifest | {"status": found.state}, figures))
        return
    print_json({"run_id": found.folder.name, "status": manifest["status"], "path": str(found.folder),
                "seconds": manifest["seconds"], **figures})  # fmt: skip


def _show_person(found: Any, employee: str, scenario: str | None, as_json: bool, began: float) -> None:
    from planwise_nb.workforce.story import tell  # noqa: PLC0415 - --help stays fast

    manifest, stories = found.manifest, tell(found.folder, employee, scenario)
    if as_json:
        told = [asdict(story) for story in stories]
        print_json({"run_id": found.folder.name, "status": manifest["status"], "path": str(found.folder),
                    "seconds": since(began), "stories": told})  # fmt: skip
        return
    for story in stories:
        print(shown("\n".join(_story(story, manifest | {"status": found.state}))))


def _story(story: Story, manifest: dict[str, Any]) -> Iterator[str]:
    yield f"{printable(story.employee_id)}  in {printable(story.scenario_id)}, seed {story.seed}"
    yield f"{'run':<10}{manifest['run_id']}, {manifest['status']}"
    closings = [year.closing for year in story.years if year.closing]
    person = story.census or (closings or [{}])[0]
    yield f"{'born':<10}{_cell(person.get('employee_birth_date'))}"
    yield f"{'hired':<10}{_cell(person.get('employee_hire_date'))}{'' if story.census else ', by the simulation'}"
    about = ("department", "location", "gender", "scheduled_hours")
    known = [f"{name.replace('_', ' ')} {_cell(person[name])}" for name in about if person.get(name) is not None]
    yield f"{'number':<10}{_cell(person.get('employee_ssn'))}"
    yield from (f"{'' if place else 'about':<10}{said}" for place, said in enumerate(known))
    yield ""
    yield from _states(story, manifest)
    for year in story.years:
        for event in year.events:
            yield ""
            yield from _event(event)
    yield ""
    yield from _sources(story.years)


def _states(story: Story, manifest: dict[str, Any]) -> Iterator[str]:
    heading = {"when": "", "status": "status", "level": "level", "age": "age", "tenure": "tenure", "pay": "pay"}
    yield STATE.format(**heading, paid="paid in the year")
    opening = story.years[0].opening if story.years else None
    if story.census is not None:
        said = {"current_age": None, "current_tenure": None} | story.census | (opening or {})
        yield _state("census", said | {"detailed_status_code": "active" if story.census["active"] else "not active"})
    for year in story.years:
        if year.closing:
            yield _state(
                f"{year.simulation_year}", year.closing | {"compensation": year.closing["current_compensation"]}
            )
    if not story.years:
        inactive = story.census is not None and not story.census["active"]
        yield ""
        yield "Who is not active in the census is not simulated." if inactive else "No year is finished yet."
    elif manifest["status"] != "success":
        yield f"So far: the run is {manifest['status']}."


def _state(when: str, state: dict[str, Any]) -> str:
    return STATE.format(
        when=when,
        status=_cell(state["detailed_status_code"]),
        level=_cell(state["level_id"]),
        age=_cell(state["current_age"]),
        tenure=_cell(state["current_tenure"]),
        pay=_money(state["compensation"]),
        paid=_money(state.get("prorated_annual_compensation")),
    )


def _event(event: Event) -> Iterator[str]:
    facts = event.facts
    before, after = facts["previous_compensation"], facts["compensation_amount"]
    pay = _money(after) if before in (None, after) else f"{_money(before)} → {_money(after)}"
    level, age, tenure = facts["level_id"], facts["employee_age"], facts["employee_tenure"]
    yield f"{_cell(facts['effective_date']):<{INDENT}}{facts['event_category']}: {_cell(facts['event_details'])}"
    yield _line(f"pay {pay}; level {level}, age {age}, tenure {tenure}")
    yield _line(f"probability {facts['event_probability']}; {printable(facts['parameter_source'], LONGEST_SOURCE)}")
    if facts["data_quality_flag"] != "VALID":
        yield _line(_cell(facts["data_quality_flag"]))
    for draw in event.draws:
        first, *rest = wrap(printable(draw.meaning, 2 * MEANING), MEANING)
        yield _line(f"{draw.stream:<26}{draw.value:.10f}  {first}")
        yield from (_line(f"{'':40}{line}") for line in rest)
    yield _line(f"made in {event.notebook}")
    yield from (_line(f"     by {model}") for model in event.models)


def _line(text: str) -> str:
    return " " * INDENT + text


def _sources(years: Sequence[Year]) -> Iterator[str]:
    yield from (f"{year.simulation_year:<{INDENT}}state made in {year.notebook}" for year in years)
    yield from dict.fromkeys(_line(f"           by {year.model}") for year in years)


def _cell(value: object) -> str:
    return NOTHING if value is None else printable(value, LONGEST_FIGURE)


def _money(amount: Any) -> str:
    return NOTHING if amount is None else f"{amount:,.2f}"

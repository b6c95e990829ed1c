"""``planwise ensemble``: many members of a scenario in one run, and how far they lie apart."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from planwise_nb.apps.answers import OUT, AsJson, Out, reported
from planwise_nb.apps.input_options import (
    Breaks,
    Census,
    CensusDate,
    CensusMap,
    Exceeds,
    Grid,
    MemoryLimit,
    Scenario,
    Seed,
    SetAside,
    Settings,
    ValidateOnly,
    Year,
    Years,
    day,
    years_between,
)
from planwise_nb.apps.new_run import simulate
from planwise_nb.core.errors import InputError


def ensemble(  # noqa: PLR0917 - one argument an option of the command line
    scenario: Scenario = "baseline",
    seeds: Annotated[int | None, typer.Option(help="So many members, with consecutive seeds.")] = None,
    grid: Grid = None,
    exceeds: Exceeds = None,
    years: Years = None,
    year: Year = None,
    census: Census = None,
    census_map: CensusMap = None,
    census_date: CensusDate = None,
    set_aside: SetAside = False,
    seed: Seed = None,
    settings: Settings = None,
    breaks: Breaks = False,
    validate_only: ValidateOnly = False,
    memory_limit: MemoryLimit = None,
    out: Out = OUT,
    as_json: AsJson = False,
) -> None:
    """Simulate many members of a scenario in one pass: one for each seed and each point of a grid."""
    from planwise_nb.core.store import limit_memory  # noqa: PLC0415
    from planwise_nb.workforce.inputs import Request  # noqa: PLC0415 - --help stays fast

    began = time.monotonic()
    with reported(as_json, began):
        if memory_limit is not None:
            limit_memory(memory_limit)
        if seeds is None and not grid:
            raise InputError(
                "An ensemble of what? Neither --seeds nor --grid is given.",
                fix="Give one of them: planwise ensemble baseline --seeds 100",
            )
        request = Request(
            scenario=scenario,
            seeds=seeds,
            grid=grid or (),
            exceeds=exceeds or (),
            years=years_between(years, year),
            seed=seed,
            settings=settings or (),
            census=census,
            census_map=census_map,
            census_date=day(census_date),
            set_aside=set_aside,
        )
        simulate(request, breaks=breaks, validate_only=validate_only, out=out, as_json=as_json, began=began)

"""``planwise ensemble``: many members of a scenario in one run, and how far they lie apart."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from planwise_nb.apps import input_options as given
from planwise_nb.apps.answers import OUT, AsJson, Out, reported
from planwise_nb.apps.new_run import simulate
from planwise_nb.core.errors import InputError


@given.takes_inputs
def ensemble(  # noqa: PLR0917 - one argument an option of the command line
    context: typer.Context,
    scenario: given.Scenario = "baseline",
    seeds: Annotated[int | None, typer.Option(help="So many members, with consecutive seeds.")] = None,
    grid: given.Grid = None,
    exceeds: given.Exceeds = None,
    breaks: given.Breaks = False,
    validate_only: given.ValidateOnly = False,
    out: Out = OUT,
    as_json: AsJson = False,
) -> None:
    """Simulate many members of a scenario in one pass: one for each seed and each point of a grid."""
    began = time.monotonic()
    with reported(as_json, began):
        given.limit_memory(context)
        if seeds is None and not grid:
            raise InputError(
                "An ensemble of what? Neither --seeds nor --grid is given.",
                fix="Give one of them: planwise ensemble baseline --seeds 100",
            )
        simulate(context, breaks=breaks, validate_only=validate_only, out=out, as_json=as_json, began=began)

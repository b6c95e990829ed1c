"""The options that say what a run starts from, the same in every command that makes runs."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer
from typer.models import OptionInfo

from planwise_nb.core.errors import InputError

if TYPE_CHECKING:
    from planwise_nb.workforce.inputs import Request

Scenario = Annotated[str, typer.Argument(help="A scenario's name, or a YAML file; several joined by commas.")]
Years = Annotated[str | None, typer.Option(help="First and last year: 2025-2029.")]
Year = Annotated[int | None, typer.Option(help="This one year only.")]
Census = Annotated[Path | None, typer.Option(path_type=Path, help="CSV, Parquet or Excel; else the scenario's.")]
CensusMap = Annotated[str | None, typer.Option(help="A census mapping's name, or a YAML file.")]
CensusDate = Annotated[str | None, typer.Option(help="The day the census was taken.")]
SetAside = Annotated[bool, typer.Option("--set-aside", help="Go on without the bad rows, and keep them.")]
Seed = Annotated[int | None, typer.Option(help="The random seed.")]
Settings = Annotated[list[str] | None, typer.Option("--set", help="section.key=value, beats all files.")]
Grid = Annotated[
    list[str] | None, typer.Option(help="section.key=start:stop:count, a member for each value; again: each with each.")
]
Exceeds = Annotated[list[str] | None, typer.Option(help="metric=threshold: the share of members that pass it.")]
MemoryLimit = Annotated[
    str | None, typer.Option(help="Memory that the database may take, such as 4GB; what does not fit goes to disk.")
]
Breaks = Annotated[bool, typer.Option("--breaks/--no-breaks", help="Pause before each step.")]
ValidateOnly = Annotated[bool, typer.Option("--validate-only", help="Check everything, run nothing.")]


def takes_inputs(command: Callable[..., None]) -> Callable[..., None]:
    """Give ``command`` the options that say what a run starts from, before its own ones; ``request`` reads them from
    its context.
    """
    own = inspect.signature(command, eval_str=True)
    shared = inspect.signature(_shared, eval_str=True).parameters

    @wraps(command)
    def called(**given: object) -> None:
        command(**{name: value for name, value in given.items() if name not in shared})

    options = [parameter for parameter in own.parameters.values() if _is_option(parameter)]
    arguments = [parameter for parameter in own.parameters.values() if not _is_option(parameter)]
    signature = own.replace(parameters=[*arguments, *shared.values(), *options])
    called.__signature__ = signature  # type: ignore[attr-defined]
    called.__annotations__ = {name: parameter.annotation for name, parameter in signature.parameters.items()}
    return called


def _is_option(parameter: inspect.Parameter) -> bool:
    return any(isinstance(note, OptionInfo) for note in get_args(parameter.annotation))


def _shared(  # noqa: PLR0917 - one argument an option of the command line
    years: Years = None,
    year: Year = None,
    census: Census = None,
    census_map: CensusMap = None,
    census_date: CensusDate = None,
    set_aside: SetAside = False,
    seed: Seed = None,
    settings: Settings = None,
    memory_limit: MemoryLimit = None,
) -> None:
    """The options of ``takes_inputs``."""


def request(context: typer.Context, scenario: str | None = None) -> Request:
    """What the options of a command ask for, of its own argument or of ``scenario``. Raises ``InputError`` where years
    or census date cannot be read.
    """
    from planwise_nb.workforce.inputs import Request  # noqa: PLC0415 - --help stays fast

    given = context.params
    return Request(
        scenario=given["scenario"] if scenario is None else scenario,
        seeds=given.get("seeds"),
        grid=given.get("grid") or (),
        exceeds=given.get("exceeds") or (),
        years=_years_between(given["years"], given["year"]),
        seed=given["seed"],
        settings=given["settings"] or (),
        census=given["census"],
        census_map=given["census_map"],
        census_date=_day(given["census_date"]),
        set_aside=given["set_aside"],
    )


def option(name: str) -> str:
    """How the parameter ``name`` of a command is typed."""
    return "--" + {"settings": "set"}.get(name, name).replace("_", "-")


def typed(context: typer.Context) -> Iterator[str]:
    """The words that say on the command line what a run starts from, but for its scenario."""
    for name in inspect.signature(_shared).parameters:
        if name != "memory_limit" and str(context.get_parameter_source(name)).endswith("COMMANDLINE"):
            value = context.params[name]
            for one in value if isinstance(value, list) else [value]:
                yield option(name)
                if one is not True:
                    yield str(one)


def limit_memory(context: typer.Context) -> None:
    """Hold databases to ``--memory-limit``, where it is given. Raises ``InputError`` where it cannot be read."""
    if (limit := context.params["memory_limit"]) is not None:
        from planwise_nb.core import store  # noqa: PLC0415 - takes a while, and is not needed yet

        store.limit_memory(limit)


def _years_between(text: str | None, year: int | None) -> tuple[int, int] | None:
    """First and last year, as ``--years`` or ``--year`` says."""
    if text is not None and year is not None:
        raise InputError("Both --years and --year are given.", fix="Give one of them.")
    if year is not None:
        return year, year
    if text is None:
        return None
    found = re.fullmatch(r"(\d{4})-(\d{4})", text)
    if not found:
        raise InputError(f"--years {text} is not a range of years.", fix="Write it as: --years 2025-2029")
    return int(found[1]), int(found[2])


def _day(text: str | None) -> date | None:
    """The day that ``--census-date`` says."""
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise InputError(f"--census-date {text} is not a date.", fix="Write it as: 2024-12-31") from None

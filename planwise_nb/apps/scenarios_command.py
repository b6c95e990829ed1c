"""``planwise scenarios``: the scenarios there are, copied, extended, compared, published and deleted."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from planwise_nb.apps.answers import AsJson, print_json, project, reported, since
from planwise_nb.core.errors import InputError, PlanwiseError
from planwise_nb.core.printable import inert, printable

if TYPE_CHECKING:
    from planwise_nb.workforce.saved_scenarios import Save
    from planwise_nb.workforce.scenario_differences import Held
    from planwise_nb.workforce.scenario_life import Listed

NOTHING = "–"
KEY, VALUE = 50, 22
HEADS = ("NAME", "STATUS", "EXTENDS", "BY", "WHEN", "ABOUT")
MOST, LEAST_ABOUT, WIDTH = 24, 20, 120

app = typer.Typer(help="List, copy, extend, compare, publish and delete scenarios.")
Author = Annotated[str | None, typer.Option(help="Who you are; else as git or your account says.")]
Description = Annotated[str, typer.Option(help="What the scenario is about.")]
Name = Annotated[str, typer.Argument(help="The name of a scenario.")]
NewName = Annotated[str, typer.Argument(help="The name of the new scenario.")]


@app.callback(invoke_without_command=True)
def scenarios(context: typer.Context, as_json: AsJson = False) -> None:
    """The life of scenarios; without a command, they are listed."""
    if context.invoked_subcommand is None:
        list_them(as_json)


@app.command("list")
def list_them(as_json: AsJson = False) -> None:
    """List the scenarios: status, what each extends, who made or changed it, and what it is about."""
    began = time.monotonic()
    with reported(as_json, began):
        from planwise_nb.workforce.scenario_life import list_scenarios  # noqa: PLC0415 - --help stays fast

        found = list_scenarios(project())
        if as_json:
            listed = [{**asdict(one), "path": str(one.path)} for one in found]
            print_json({"status": "done", "scenarios": listed, "seconds": since(began)})
            return
        _print_list(found)


def _print_list(found: Sequence[Listed]) -> None:
    """A line a scenario; what it is about is cut where the terminal ends."""
    rows = [HEADS, *map(_cells, found)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    room = max(LEAST_ABOUT, shutil.get_terminal_size((WIDTH, 0)).columns - sum(widths) - 2 * len(widths))
    for *cells, about in rows:
        shown = about if len(about) <= room else f"{about[: room - 1]}…"
        print("  ".join([*(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)), shown]).rstrip())


def _cells(one: Listed) -> tuple[str, ...]:
    who = "PlanWise" if one.is_shipped else one.changed_by or one.author or NOTHING
    when = (one.changed_at or one.created_at or NOTHING)[:10]
    about = inert(" ".join((one.problem or one.description).split()))
    return (*(printable(text, MOST) for text in (one.name, one.status, one.extends or NOTHING, who, when)), about)


@app.command()
def copy(
    source: Annotated[str, typer.Argument(metavar="FROM", help="The name of a scenario.")],
    name: Annotated[str, typer.Argument(metavar="TO", help="The name of the copy.")],
    description: Description = "",
    author: Author = None,
    as_json: AsJson = False,
) -> None:
    """Copy a scenario with its levers under another name, as a draft."""
    began = time.monotonic()
    with reported(as_json, began):
        from planwise_nb.workforce.scenario_life import copy_scenario  # noqa: PLC0415 - --help stays fast

        path = copy_scenario(project(), source, _save(name, description, author))
        _told(name, path, f"is a copy of {source}", as_json, began)


@app.command()
def extend(
    base: Annotated[str, typer.Argument(metavar="BASE", help="The scenario that the new one differs from.")],
    name: NewName,
    description: Description = "",
    author: Author = None,
    as_json: AsJson = False,
) -> None:
    """Make a scenario that extends another one and states nothing yet."""
    began = time.monotonic()
    with reported(as_json, began):
        from planwise_nb.workforce.scenario_life import extend_scenario  # noqa: PLC0415 - --help stays fast

        path = extend_scenario(project(), base, _save(name, description, author))
        _told(name, path, f"extends {base}; state there what differs", as_json, began)


@app.command()
def publish(name: Name, author: Author = None, as_json: AsJson = False) -> None:
    """Publish a scenario: it is neither replaced nor deleted until it is a draft again."""
    _set_status(name, "published", author, as_json)


@app.command()
def unpublish(name: Name, author: Author = None, as_json: AsJson = False) -> None:
    """Make a published scenario a draft again."""
    _set_status(name, "draft", author, as_json)


def _set_status(name: str, status: str, author: str | None, as_json: bool) -> None:
    began = time.monotonic()
    with reported(as_json, began):
        from planwise_nb.workforce.scenario_life import set_status  # noqa: PLC0415 - --help stays fast

        path = set_status(project(), name, status, _who(author))
        _told(name, path, f"is {'a draft' if status == 'draft' else status}", as_json, began)


@app.command()
def delete(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Delete it without asking.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete a scenario of your own and its levers; runs of it stay."""
    began = time.monotonic()
    with reported(as_json, began):
        from planwise_nb.workforce.scenario_life import check_deletable, delete_scenario  # noqa: PLC0415

        path = check_deletable(project(), name)
        if not yes:
            _confirm(name, path)
        _told(name, delete_scenario(project(), name), "is deleted", as_json, began)


def _confirm(name: str, path: Path) -> None:
    if not sys.stdin.isatty():
        fix = f"To delete it without being asked: planwise scenarios delete {name} --yes"
        raise InputError(f"Nobody can be asked whether to delete scenario {name}.", fix=fix)
    if not typer.confirm(f"Delete scenario {name}, {_shown(path)} and its levers?", err=True):
        raise PlanwiseError(f"Scenario {name} stays as it is.", fix="To delete it, answer y, or give --yes.")


@app.command()
def diff(
    scenario_a: Annotated[str, typer.Argument(metavar="A", help="The name of a scenario.")],
    scenario_b: Annotated[str, typer.Argument(metavar="B", help="The name of another one.")],
    as_json: AsJson = False,
) -> None:
    """Say what differs between two scenarios: values, and the levers in force by level and year."""
    began = time.monotonic()
    with reported(as_json, began):
        from planwise_nb.workforce.scenario_differences import scenario_differences  # noqa: PLC0415

        values, held = scenario_differences(project(), scenario_a, scenario_b)
        if as_json:
            print_json({"status": "done", "equal": not values and not held, "a": scenario_a, "b": scenario_b,
                        "values": [asdict(one) for one in values], "levers": [asdict(one) for one in held],
                        "seconds": since(began)})  # fmt: skip
            return
        print(f"A  {scenario_a}\nB  {scenario_b}")
        if not values and not held:
            print("\nThe scenarios mean the same.")
        _print("Values", [(one.key, one.a, one.b) for one in values])
        _print("In force, by level and year", [(_place(one), one.a, one.b) for one in held])


def _print(title: str, rows: Sequence[tuple[str, str | None, str | None]]) -> None:
    if rows:
        print(f"\n{title:<{KEY + 2}}  {'A':<{VALUE}}  B")
    for key, a, b in rows:
        print(f"  {printable(key, KEY):<{KEY}}  {printable(a or NOTHING, VALUE):<{VALUE}}  {printable(b or NOTHING)}")


def _place(one: Held) -> str:
    levels = f", level {_spans(one.levels)}" if one.levels else ""
    return f"{one.parameter}{levels}, {_spans(one.years)}"


def _spans(numbers: Sequence[int]) -> str:
    """Numbers in few words: ``2025-2027, 2029``."""
    ends = [place for place, (number, after) in enumerate(pairwise(numbers), start=1) if after != number + 1]
    spans = [numbers[start:end] for start, end in pairwise([0, *ends, len(numbers)])]
    return ", ".join(f"{span[0]}-{span[-1]}" if len(span) > 1 else f"{span[0]}" for span in spans)


def _save(name: str, description: str, author: str | None) -> Save:
    from planwise_nb.workforce.saved_scenarios import Save  # noqa: PLC0415

    return Save(name=name, description=description, author=_who(author))


def _who(author: str | None) -> str:
    from planwise_nb.workforce.scenario_life import author_here  # noqa: PLC0415

    return author_here(project().own) if author is None else author


def _told(name: str, path: Path, what: str, as_json: bool, began: float) -> None:
    print(f"Scenario {name} {what}: {_shown(path)}", file=sys.stderr if as_json else sys.stdout)
    if as_json:
        said: dict[str, Any] = {"status": "done", "scenario": name, "path": str(path), "seconds": since(began)}
        print_json(said)


def _shown(path: Path) -> str:
    return path.relative_to(Path.cwd()).as_posix() if path.is_relative_to(Path.cwd()) else str(path)

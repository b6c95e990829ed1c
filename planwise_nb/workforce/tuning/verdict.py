"""What a search found, in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from planwise_nb.core import display


def verdict(record: dict[str, Any]) -> list[str]:
    """Whether the targets are reached and where each ends; else how near the levers come, and what binds them."""
    iterations = record["iterations"]
    times = "1 iteration" if iterations == 1 else f"{iterations} iterations"
    if record["is_converged"]:
        lines = [f"All targets are reached after {times}."]
    elif record["is_out_of_reach"]:
        lines = [f"The targets are out of reach, as {times} found; the candidate that comes nearest is kept."]
    else:
        lines = [
            f"Not all targets are reached after {times}, and the search was not at its end: with more of them it may"
            " come nearer, or say what is out of reach. The candidate that comes nearest is kept."
        ]
    for target in record["targets"]:
        wanted = f"{target['target']} {target['relation']} {target['value']:,.10g}"
        reached = "reached" if target["is_met"] else "the nearest is"
        lines.append(f"{wanted}: {reached} {target['achieved']:,.10g} (today {target['today']:,.10g})")
    if record["binding"]:
        lines.append(f"What binds: {'; '.join(record['binding'])}.")
    elif record["is_out_of_reach"]:
        lines.append("No bound binds: no lever moves it, or the targets pull against each other.")
    return lines


def levers_told(rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """The levers as people read them, a row each: its value today and as found, its bounds, and what is locked."""
    told = [
        (
            row["lever"],
            one_value(row["today"]),
            one_value(row["found"]),
            f"{row['lowest']:g} to {row['highest']:g}",
            "locked" if row["is_locked"] else "partly locked" if row.get("is_partly_locked") else "",
        )
        for row in rows
    ]
    return pd.DataFrame(told, columns=["lever", "today", "found", "bounds", "lock"], dtype=object)


def levers_table(rows: Iterable[dict[str, Any]], *, is_found: bool = True) -> display.Table:
    """The levers as a table; before a search, without what it found."""
    told = levers_told(rows)
    shown = told if is_found else told.drop(columns="found")
    return display.table(shown, caption="Levers", right=("today", "found", "bounds"))


def one_value(value: Any) -> str:
    """A value of a lever, or the range of its values where they differ by year or level."""
    values = [*_numbers(value)]
    ends = min(values), max(values)
    return f"{ends[0]:.6g}" if ends[0] == ends[1] else f"{ends[0]:.6g} to {ends[1]:.6g}"


def _numbers(value: Any) -> list[float]:
    return [number for one in value.values() for number in _numbers(one)] if isinstance(value, dict) else [value]

"""What a search found, in words."""

from __future__ import annotations

from typing import Any


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
            f"Not all targets are reached after {times}, and the search was not at its end: allow more of them."
            " The candidate that comes nearest is kept."
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


def one_value(value: Any) -> str:
    """A value of a lever, or the range of its values where they differ by year or level."""
    values = [*_numbers(value)]
    ends = min(values), max(values)
    return f"{ends[0]:.6g}" if ends[0] == ends[1] else f"{ends[0]:.6g} to {ends[1]:.6g}"


def _numbers(value: Any) -> list[float]:
    return [number for one in value.values() for number in _numbers(one)] if isinstance(value, dict) else [value]

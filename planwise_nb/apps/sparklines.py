"""Figures over time as a line of signs, for a terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"
PLAIN = "_.-:=+*#"
"""What stands for the blocks where the terminal's encoding has none, from low to high."""

MOST = 40
PLAINER = {"→": "->", "–": "-", "…": "...", "·": "-"}


def sparkline(values: Sequence[float | None]) -> str:
    """``values`` as a sign each, from the lowest to the highest of them; a blank for None. Of more than ``MOST`` values
    so many are shown, evenly, the first and the last among them.
    """
    if len(values) > MOST:
        values = [values[round(place * (len(values) - 1) / (MOST - 1))] for place in range(MOST)]
    known = [value for value in values if value is not None]
    low, high = (min(known), max(known)) if known else (0.0, 0.0)
    steps = len(BLOCKS) - 1
    return "".join(
        " " if value is None else BLOCKS[round((value - low) / (high - low) * steps) if high > low else steps // 2]
        for value in values
    )


def shown(text: str) -> str:
    """``text`` in signs that standard output can show: as it is, or plain."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return plain(text)
    return text


def plain(text: str) -> str:
    """``text`` in signs of ASCII; any other that it holds is written out."""
    for sign, other in PLAINER.items():
        text = text.replace(sign, other)
    text = text.translate(str.maketrans(BLOCKS, PLAIN))
    return text.encode("ascii", "backslashreplace").decode("ascii")

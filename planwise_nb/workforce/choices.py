"""Choices by name, held to what there is."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from planwise_nb.core.errors import InputError
from planwise_nb.core.printable import printable


def chosen(kind: str, name: str, names: Collection[str]) -> str:
    """``name``, one of ``names``. Raises ``InputError`` with the nearest, or with all of them, where it is none."""
    if name not in names:
        folded = {known.casefold(): known for known in names}
        near = get_close_matches(name.casefold(), folded, 1)
        fix = f"Did you mean {folded[near[0]]}?" if near else f"Choose from {', '.join(names)}."
        raise InputError(f"There is no {kind} {printable(name)}.", fix=fix)
    return name

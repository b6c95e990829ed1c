"""The members of a run that exists, by their ids."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from planwise_nb.core.errors import InputError


def require_member(scenario: str, members: Collection[str], run_id: str) -> str:
    """``scenario``, a member of the run. Raises ``InputError`` with the nearest where it is none of ``members``."""
    if scenario not in members:
        near = get_close_matches(scenario, members, 1, 0)
        raise InputError(f"Run {run_id} has no scenario {scenario}.", fix=f"Did you mean {near[0]}?")
    return scenario

"""The lock file names everything that an installation brings."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCK = Path(__file__).parents[1] / "requirements.lock"
PROJECT = "planwise-notebooks"


def brought_by(name: str, extras: frozenset[str], known: set[tuple[str, frozenset[str]]]) -> None:
    """Collect what a package needs here, and what these packages need."""
    if (name, extras) in known:
        return
    known.add((name, extras))
    try:
        needed = [Requirement(text) for text in requires(name) or ()]
    except PackageNotFoundError:
        return
    for one in needed:
        if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            brought_by(canonicalize_name(one.name), frozenset(one.extras), known)


def test_every_package_that_an_installation_brings_is_in_the_lock() -> None:
    locked = {canonicalize_name(line.partition("==")[0]) for line in LOCK.read_text().splitlines() if "==" in line}
    known: set[tuple[str, frozenset[str]]] = set()
    brought_by(PROJECT, frozenset({"dev"}), known)
    brought = {name for name, _ in known} - {PROJECT}
    assert len(brought) > 100
    assert brought - locked == set()

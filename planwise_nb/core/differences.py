"""What differs between two runs by their manifests; never when, where or under which id they ran."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Difference:
    """One thing that differs, with its value in each run; None where a run does not have it."""

    what: str
    one: Any
    other: Any


Differences = tuple[Difference, ...]


def compare(one: Mapping[str, Any], other: Mapping[str, Any]) -> Differences:
    """What has another value in ``other`` than in ``one``, or is in one of them only, in their order."""
    return tuple(
        Difference(what, one.get(what), other.get(what))
        for what in dict.fromkeys((*one, *other))
        if one.get(what) != other.get(what)
    )


def manifest_differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Differences]:
    """What differs in inputs, seeds, code and versions, by section. A section in which nothing differs is empty."""
    return {
        "inputs": _but_names_of_equal_files(compare(_inputs(one), _inputs(other))),
        "seeds": compare(_seeds(one), _seeds(other)),
        "code": compare(one["files"]["project"], other["files"]["project"]),
        "versions": compare(_versions(one), _versions(other)),
    }


def _inputs(manifest: Mapping[str, Any]) -> dict[str, Any]:
    return _flat(manifest["inputs"]) | {f"inputs/{name}": sha for name, sha in manifest["files"]["inputs"].items()}


def _seeds(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The seeds by name; a run with a single one is compared with another such run whatever the names."""
    seeds = manifest["seeds"]
    return {"seed": next(iter(seeds.values()))} if len(seeds) == 1 else dict(seeds)


def _versions(manifest: Mapping[str, Any]) -> dict[str, Any]:
    names = ("python", "platform", "cpus", "versions")
    return _flat({name: manifest[name] for name in names} | {"git": manifest["git"] or {}})


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        found |= _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return found


def _but_names_of_equal_files(found: Differences) -> Differences:
    """A file of another name and the same digest is the same file."""
    named = {difference.what for difference in found}
    return tuple(
        difference
        for difference in found
        if not difference.what.endswith(".file") or f"{difference.what.removesuffix('file')}sha256" in named
    )

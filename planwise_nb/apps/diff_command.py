"""``planwise diff``: what differs between two runs."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from planwise_nb.apps.answers import OUT, AsJson, Out, find, print_json, reported, since
from planwise_nb.core.printable import printable

if TYPE_CHECKING:
    from planwise_nb.core.differences import Difference, Differences

NOTHING = "–"
EQUAL = "The runs differ in nothing but times."
SHOWN = 20
"""So many differences of a section are printed; all of them are in the JSON object."""
WHAT, VALUE = 50, 22
DIGEST = re.compile(r"[0-9a-f]{40,64}")


def diff(run_a: str, run_b: str, out: Out = OUT, as_json: AsJson = False) -> None:
    """Say what differs between two runs: inputs, parameters, seeds, code, versions and results."""
    began = time.monotonic()
    with reported(as_json, began):
        from planwise_nb.workforce.differences import differences  # noqa: PLC0415 - --help stays fast

        runs = [find(out, run_id) for run_id in (run_a, run_b)]
        manifests = [run.manifest for run in runs]
        found = differences(*(run.folder for run in runs))
        if as_json:
            sections = {name: [_named(asdict(each)) for each in section] for name, section in found.items()}
            print_json({"status": "done", "equal": not any(found.values()), "seconds": since(began),
                        "runs": {name: _about(manifest) for name, manifest in zip("ab", manifests, strict=True)},
                        "differences": sections})  # fmt: skip
            return
        print("\n".join(_report(manifests, found)))


def _about(manifest: Mapping[str, Any]) -> dict[str, Any]:
    return {"run_id": manifest["run_id"], "subject": manifest["subject"], "status": manifest["status"]}


def _named(difference: dict[str, Any]) -> dict[str, Any]:
    return {"what": difference["what"], "a": difference["one"], "b": difference["other"]}


def _report(manifests: list[dict[str, Any]], found: Mapping[str, Differences]) -> Iterator[str]:
    for name, manifest in zip("AB", manifests, strict=True):
        so_far = "" if manifest["status"] == "success" else ": the results so far are compared"
        yield f"{name}  {manifest['run_id']}  {printable(manifest['subject'])}  {manifest['status']}{so_far}"
    yield ""
    if not any(found.values()):
        yield EQUAL
        return
    equal = [section for section, each in found.items() if not each]
    for section, each in found.items():
        if each:
            yield from _section(section, each)
    if equal:
        yield f"Equal: {', '.join(equal)}."


def _section(section: str, found: Differences) -> Iterator[str]:
    if section == "code":
        yield section.capitalize()
        yield from (f"  {_change(difference):<10}  {printable(difference.what, 86)}" for difference in found[:SHOWN])
    else:
        yield f"{section.capitalize():<{WHAT + 2}}  {'A':<{VALUE}}  B"
        for difference in found[:SHOWN]:
            yield from _lines(difference)
    if len(found) > SHOWN:
        yield f"  … and {len(found) - SHOWN:,} more; all of them: --json"
    yield ""


def _change(difference: Difference) -> str:
    if None in (difference.one, difference.other):
        return "only in B" if difference.one is None else "only in A"
    return "changed"


def _lines(difference: Difference) -> Iterator[str]:
    what = printable(difference.what, 98)
    if len(what) > WHAT:
        yield f"  {what}"
        what = ""
    yield f"  {what:<{WHAT}}  {_value(difference.one):<{VALUE}}  {_value(difference.other)}"


def _value(value: Any) -> str:
    if value is None:
        return NOTHING
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return f"{value:,}"
    text = str(value)
    return text[:12] if DIGEST.fullmatch(text) else printable(text, VALUE)

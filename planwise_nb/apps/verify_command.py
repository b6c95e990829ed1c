"""``planwise verify``: the trail proves itself."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from typing import Annotated

import typer

from planwise_nb.apps.answers import OUT, AsJson, Out, find, print_json, reported, since
from planwise_nb.core.errors import BusyError


def verify(
    run_id: str,
    replay: Annotated[
        bool, typer.Option("--replay", help="Run the whole trail again, in a fresh place, and compare.")
    ] = False,
    out: Out = OUT,
    as_json: AsJson = False,
) -> None:
    """Recompute every digest of a run's trail; with --replay run it again and compare all tables and outputs."""
    from planwise_nb.core.holder import holder  # noqa: PLC0415 - --help stays fast
    from planwise_nb.core.trail import KEY_VARIABLE, is_signed  # noqa: PLC0415
    from planwise_nb.core.verification import verify as verified  # noqa: PLC0415

    began = time.monotonic()
    with reported(as_json, began):
        found = find(out, run_id)
        if (runner := holder(found.folder)) is not None:
            raise BusyError(f"Run {run_id} is running: {runner}.", fix="Verify it when it has ended.")
        manifest = found.manifest
        is_whole = manifest["status"] == "success"
        findings = verified(found.pipeline, found.folder, manifest, allow_leftovers=not is_whole)
        steps = f"{len(manifest['steps'])} of {len(found.checklist.keys)} steps"
        _say(f"Run {run_id} ({manifest['status']}, {steps}): manifest, records, files and tables", findings)
        if is_signed(manifest) and KEY_VARIABLE not in os.environ:
            print(f"The signature was not looked at: {KEY_VARIABLE} is not set.", file=sys.stderr)
        if replay and findings:
            print("It is not replayed: what does not hold is not executed.", file=sys.stderr)
        elif replay:
            from planwise_nb.core.replay import replay as replayed  # noqa: PLC0415

            if accepted := [change["path"] for change in manifest["accepted_changes"]]:
                print(f"Steps before these changes were made without them: {', '.join(accepted)}", file=sys.stderr)
            findings = replayed(found, lambda text: print(text, file=sys.stderr))
            _say(f"Replay of {steps}: tables and outputs", findings)
        if as_json:
            status = "invalid" if findings else "valid"
            told = [{"where": finding.where, "message": finding.what} for finding in findings]
            print_json({"run_id": run_id, "status": status, "path": str(found.folder), "errors": told,
                        "replayed": replay, "seconds": since(began)})  # fmt: skip
        if findings:
            raise SystemExit(1)


def _say(what: str, findings: Sequence[object]) -> None:
    print(f"{what}: {'all hold.' if not findings else f'{len(findings)} finding(s).'}", file=sys.stderr)
    for finding in findings:
        print(f"  - {finding}", file=sys.stderr)

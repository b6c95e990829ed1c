"""The audit trail as a chain: each step's record holds the digest of the record before, a seal closes the manifest.

::

    origin      the digest of what the run started from
    record 1    previous_sha256 = origin
    record 2    previous_sha256 = the digest of record 1
    …
    seal        the digest of the whole manifest, and its signature where a key is given
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterable
from typing import Any

from planwise_nb.core.digests import value_digest

KEY_VARIABLE = "PLANWISE_SIGNING_KEY"
"""Holds the secret that signs the seal. Who does not have it cannot forge a trail by computing every digest anew."""

CHANGING = ("status", "finished_at", "seconds", "peak_memory_mb", "failure", "steps", "stale", "forced", "files",
            "sources", "accepted_changes", "seal")  # fmt: skip
"""The keys of a manifest that change while the run goes on; all others are its origin."""


def origin(manifest: dict[str, Any]) -> str:
    """The digest of what a run started from: its manifest without what changes while it goes on."""
    return value_digest({key: value for key, value in manifest.items() if key not in CHANGING})


def last_link(manifest: dict[str, Any]) -> str:
    """What the next record holds as ``previous_sha256``."""
    steps = manifest["steps"]
    return value_digest(steps[-1]) if steps else origin(manifest)


def chained(manifest: dict[str, Any], records: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """``records`` as the chain of ``manifest``, each linked to the one before."""
    steps: list[dict[str, Any]] = []
    for record in records:
        steps.append(record | {"previous_sha256": last_link(manifest | {"steps": steps})})
    return steps


def sealed(manifest: dict[str, Any]) -> dict[str, Any]:
    """``manifest`` with its seal; signed where the environment holds a key."""
    digest = _sealed_digest(manifest)
    key = os.environ.get(KEY_VARIABLE)
    return manifest | {"seal": {"sha256": digest, "signature": _signature(digest, key) if key else None}}


def is_signed(manifest: dict[str, Any]) -> bool:
    """Whether the seal of ``manifest`` carries a signature."""
    return bool((manifest.get("seal") or {}).get("signature"))


def broken_seal(manifest: dict[str, Any]) -> str | None:
    """What is wrong with the seal of ``manifest``; None where it holds. The signature is looked at where the
    environment holds a key.
    """
    seal = manifest.get("seal") or {}
    digest, key = _sealed_digest(manifest), os.environ.get(KEY_VARIABLE)
    if seal.get("sha256") != digest:
        return "the manifest was changed after it was sealed"
    if key and not seal.get("signature"):
        return f"the manifest is not signed, although {KEY_VARIABLE} is given"
    if key and not hmac.compare_digest(str(seal["signature"]), _signature(digest, key)):
        return f"the signature is not that of the key in {KEY_VARIABLE}"
    return None


def broken_links(manifest: dict[str, Any]) -> list[int]:
    """The places of the records, from 0, that are not linked to the one before."""
    steps = manifest["steps"]
    return [
        place
        for place, record in enumerate(steps)
        if record.get("previous_sha256") != last_link(manifest | {"steps": steps[:place]})
    ]


def _sealed_digest(manifest: dict[str, Any]) -> str:
    return value_digest({key: value for key, value in manifest.items() if key != "seal"})


def _signature(digest: str, key: str) -> str:
    return hmac.new(key.encode("utf-8", "surrogateescape"), digest.encode(), hashlib.sha256).hexdigest()

"""Ten processes that record runs at once: ``python -m tests.recorders OUT``. Forked here, where no thread runs yet."""

from __future__ import annotations

import multiprocessing
import sys
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from planwise_nb.core.ledger import Ledger

PROCESSES, RECORDS = 10, 20


def manifest(run_id: str, **changes: Any) -> dict[str, Any]:
    """As much of a manifest as the index reads, and what no manifest is without."""
    return {
        "run_id": run_id,
        "pipeline": "workforce",
        "subject": "baseline",
        "status": "running",
        "parent_run_id": None,
        "created_at": "2027-01-01T12:00:00+00:00",
        "finished_at": None,
        "seconds": 0.0,
        "periods": [2025],
        "sources": [],
        "files": {},
        "accepted_changes": [],
        "forced": [],
        "stale": [],
        "steps": [],
    } | changes


def _record(out: Path, number: int, ready: Barrier) -> None:
    ledger = Ledger(out)
    ready.wait()
    for second in range(RECORDS):
        ledger.record(manifest(f"20270101-1200{second:02}-{number:08x}"))


def main(out: Path) -> int:
    """The number of processes that failed."""
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    ready = context.Barrier(PROCESSES)
    writers = [context.Process(target=_record, args=(out, number, ready)) for number in range(PROCESSES)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    return sum(writer.exitcode != 0 for writer in writers)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

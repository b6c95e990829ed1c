"""The addresses of downloads, as the page gives them to the server that it comes from."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlencode

from planwise_nb.workforce.selections import Selection

ROUTE = "/planwise/download"
WORKBOOK_ROUTE = "/planwise/workbook"


def address(run_id: str, table: str, kind: str, selection: Selection) -> str:
    """Where the rows of ``table`` that ``selection`` picks are downloaded as a file of ``kind``, such as ``.xlsx``."""
    asked = {"run_id": run_id, "table": table, "kind": kind, "status": selection.statuses, "level": selection.levels,
             "year": selection.years, "member": selection.members}  # fmt: skip
    return f"{ROUTE}?{urlencode(asked, doseq=True)}"


def workbook_address(run_ids: Iterable[str]) -> str:
    """Where the workbook of results of these runs, side by side, is downloaded."""
    return f"{WORKBOOK_ROUTE}?{urlencode({'run_id': list(run_ids)}, doseq=True)}"

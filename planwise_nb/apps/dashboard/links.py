"""The addresses of downloads, as the page gives them to the server that it comes from."""

from __future__ import annotations

from urllib.parse import urlencode

from planwise_nb.workforce.selections import Selection

ROUTE = "/planwise/download"


def address(run_id: str, table: str, kind: str, selection: Selection) -> str:
    """Where the rows of ``table`` that ``selection`` picks are downloaded as a file of ``kind``, such as ``.xlsx``."""
    picked = {"status": selection.statuses, "level": selection.levels, "year": selection.years}
    return f"{ROUTE}?{urlencode({'run_id': run_id, 'table': table, 'kind': kind, **picked}, doseq=True)}"

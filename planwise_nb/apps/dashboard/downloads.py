"""Downloads: a table of a run as a file, or the workbook of several runs, made when asked for and sent by the server
that asks for the token.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from http import HTTPStatus
from pathlib import Path

import tornado.web
from jupyter_server.base.handlers import JupyterHandler
from tornado.ioloop import IOLoop

from planwise_nb.apps.faults import explained
from planwise_nb.core import store
from planwise_nb.core.errors import InputError, PlanwiseError
from planwise_nb.core.exports import KINDS, export
from planwise_nb.core.ledger import Ledger
from planwise_nb.core.manifest import read_manifest
from planwise_nb.workforce.comparison.side_by_side import MOST_RUNS
from planwise_nb.workforce.exported_tables import rows_of
from planwise_nb.workforce.results import published_results
from planwise_nb.workforce.results_workbook import write_workbook
from planwise_nb.workforce.selections import Selection

CHUNK = 1_000_000


class _FileHandler(JupyterHandler):
    """Sends a file that is made for whoever asks; what is asked for is checked against what runs hold."""

    def initialize(self, out: Path) -> None:
        """Take the folder of the runs."""
        self.out = out

    async def _make(self, write: Callable[[Path], Path]) -> None:
        """Let ``write`` make the file in a temporary folder, aside of the server's loop, and send it."""
        with tempfile.TemporaryDirectory(prefix="planwise-") as place:
            try:
                file = await IOLoop.current().run_in_executor(None, write, Path(place))
            except Exception as error:
                self._refuse(explained(error))
            else:
                self.set_header("Content-Type", "application/octet-stream")
                self.set_header("Content-Disposition", f'attachment; filename="{file.name}"')
                await self._send(file)

    def _refuse(self, error: PlanwiseError) -> None:
        """Say in words what is wrong and what mends it, for whoever sees the tab of the download."""
        self.set_status(HTTPStatus.BAD_REQUEST)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(f"There is no file to download.\n\n{error}\n\nClose this tab to go back to the dashboard.\n")

    async def _send(self, file: Path) -> None:
        with file.open("rb") as content:
            while part := content.read(CHUNK):
                self.write(part)
                await self.flush()


class DownloadHandler(_FileHandler):
    """Sends a table of a run."""

    @tornado.web.authenticated
    async def get(self) -> None:
        """``run_id``, ``table`` and ``kind``; ``status``, ``level``, ``year`` and ``member`` as often as wanted."""
        wanted = {name: self.get_query_argument(name) for name in ("run_id", "table", "kind")}
        picked = [self.get_query_arguments(name) for name in ("status", "level", "year", "member")]
        await self._make(lambda place: table_file(place, self.out, **wanted, picked=picked))


class WorkbookHandler(_FileHandler):
    """Sends the workbook of results of runs side by side."""

    @tornado.web.authenticated
    async def get(self) -> None:
        """``run_id`` of each run."""
        run_ids = self.get_query_arguments("run_id")
        await self._make(lambda place: workbook_file(place, self.out, run_ids))


def table_file(place: Path, out: Path, *, run_id: str, table: str, kind: str, picked: Sequence[Sequence[str]]) -> Path:
    """Write a table of a run below ``out`` as a file in ``place``: the rows of the statuses, levels, years and members
    that are ``picked``. Raises ``InputError`` for what there is not.
    """
    if not run_id:
        raise InputError("No run is named.", fix="Choose a run in the tab Results.")
    if kind not in KINDS:
        raise InputError(f"{kind!r} is no kind of file.", fix=f"Ask for one of {', '.join(KINDS)}.")
    folder, selection = Ledger(out).folder(run_id), Selection.read(*picked)
    if unknown := set(selection.members) - set(read_manifest(folder)["seeds"]):
        raise InputError(f"Run {run_id} has no member {min(unknown)[:80]!r}.", fix="Choose from the lists.")
    file = place / f"{run_id}-{table if table.isidentifier() else 'table'}{kind}"
    with store.connect() as connection:
        export(connection, selection.of(rows_of(connection, folder, table)), file)
    return file


def workbook_file(place: Path, out: Path, run_ids: Sequence[str]) -> Path:
    """Write the workbook of runs below ``out`` as a file in ``place``. Raises ``InputError`` for what there is not."""
    if not all(run_ids):
        raise InputError("No run is named.", fix="Choose a run in the tab Results.")
    run_ids = list(dict.fromkeys(run_ids))
    if not 1 <= len(run_ids) <= MOST_RUNS:
        raise InputError(f"{len(run_ids)} runs are asked for.", fix=f"Ask for 1 to {MOST_RUNS}.")
    ledger = Ledger(out)
    write_workbook(place / "results.xlsx", [published_results(ledger.folder(run_id)) for run_id in run_ids])
    return place / "results.xlsx"

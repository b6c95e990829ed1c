"""Downloads: a table of a run as a file, made when it is asked for and sent by the server that asks for the token."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import tornado.web
from jupyter_server.base.handlers import JupyterHandler
from tornado.ioloop import IOLoop

from planwise_nb.core import store
from planwise_nb.core.errors import InputError, PlanwiseError
from planwise_nb.core.exports import KINDS, export
from planwise_nb.core.ledger import Ledger
from planwise_nb.workforce.exported_tables import rows_of
from planwise_nb.workforce.selections import Selection

CHUNK = 1_000_000


class DownloadHandler(JupyterHandler):
    """Sends a table of a run; everything that is asked for is checked against what runs hold."""

    def initialize(self, out: Path) -> None:
        """Take the folder of the runs."""
        self.out = out

    @tornado.web.authenticated
    async def get(self) -> None:
        """Make the file in a temporary folder, aside of the server's loop, and send it."""
        run_id, table, kind = (self.get_query_argument(name) for name in ("run_id", "table", "kind"))
        try:
            selection = Selection.read(*(self.get_query_arguments(name) for name in ("status", "level", "year")))
            with tempfile.TemporaryDirectory(prefix="planwise-") as place:
                arguments = self.out, run_id, table, kind, selection, Path(place)
                file = await IOLoop.current().run_in_executor(None, _write, *arguments)
                self.set_header("Content-Type", "application/octet-stream")
                self.set_header("Content-Disposition", f'attachment; filename="{file.name}"')
                await self._send(file)
        except PlanwiseError as error:
            self.set_status(400)
            self.set_header("Content-Type", "text/plain; charset=utf-8")
            self.finish(str(error))

    async def _send(self, file: Path) -> None:
        with file.open("rb") as content:
            while part := content.read(CHUNK):
                self.write(part)
                await self.flush()


def _write(*asked: Any) -> Path:
    out, run_id, table, kind, selection, place = asked
    if kind not in KINDS:
        raise InputError(f"{kind!r} is no kind of file.", fix=f"Ask for one of {', '.join(KINDS)}.")
    folder = Ledger(out).folder(run_id)
    file: Path = place / f"{run_id}-{table if table.isidentifier() else 'table'}{kind}"
    with store.connect() as connection:
        export(connection, selection.of(rows_of(connection, folder, table)), file)
    return file

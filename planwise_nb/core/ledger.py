"""The index of runs: one row a run, in SQLite beside the runs. It can be rebuilt from their manifests."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from planwise_nb.core.errors import InputError
from planwise_nb.core.manifest import MANIFEST, read_manifest

METADATA = sa.MetaData()
RUNS = sa.Table(
    "runs",
    METADATA,
    sa.Column("run_id", sa.String, primary_key=True),
    sa.Column("pipeline", sa.String, nullable=False),
    sa.Column("subject", sa.String, nullable=False),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("parent_run_id", sa.String),
    sa.Column("created_at", sa.String, nullable=False),
    sa.Column("finished_at", sa.String),
    sa.Column("seconds", sa.Float),
    sa.Column("path", sa.String, nullable=False),
)


class Ledger:
    """The runs below ``out``; the file is made when the first run is recorded."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self._file = out / "registry.sqlite"

    def _engine(self) -> sa.Engine:
        engine = sa.create_engine(f"sqlite:///{self._file}", connect_args={"timeout": 30}, poolclass=sa.NullPool)
        try:
            METADATA.create_all(engine, checkfirst=True)
        except sa.exc.DatabaseError:
            self._file.rename(self._file.with_suffix(".damaged"))
            METADATA.create_all(engine)
            self._rebuild()
        return engine

    def record(self, manifest: dict[str, Any]) -> None:
        """Write or rewrite the row of a run from its manifest."""
        row = {column.name: manifest.get(column.name) for column in RUNS.columns}
        row["path"] = f"{manifest['subject']}/{manifest['run_id']}"
        with self._engine().begin() as connection:
            connection.execute(sa.delete(RUNS).where(RUNS.c.run_id == manifest["run_id"]))
            connection.execute(sa.insert(RUNS).values(**row))

    def runs(self) -> list[dict[str, Any]]:
        """All rows, the newest first."""
        if not self._file.exists() and not self._rebuild():
            return []
        with self._engine().connect() as connection:
            rows = connection.execute(sa.select(RUNS).order_by(RUNS.c.run_id.desc())).mappings().all()
        return [dict(row) for row in rows]

    def _rebuild(self) -> int:
        """Record every manifest below ``out``; how many there are."""
        manifests = sorted(self.out.glob(f"*/*/{MANIFEST}"))
        for path in manifests:
            self.record(read_manifest(path.parent))
        return len(manifests)

    def folder(self, run_id: str = "") -> Path:
        """The folder of a run; of the latest where ``run_id`` is empty. Raises ``InputError`` where there is none."""
        rows = self.runs()
        found = [row for row in rows if run_id in ("", row["run_id"])]
        if not found:
            missing = f"no run {run_id!r}" if run_id else "no run yet"
            raise InputError(
                f"There is {missing} in {self.out}.", fix="See the runs: planwise runs; make one: planwise run"
            )
        return self.out / str(found[0]["path"])

    def delete(self, run_id: str) -> None:
        """Remove a run: its folder, then its row. Raises ``InputError`` where there is none of that id."""
        if not run_id:
            raise InputError("No run is named.", fix="See the runs: planwise runs")
        shutil.rmtree(self.folder(run_id))
        with self._engine().begin() as connection:
            connection.execute(sa.delete(RUNS).where(RUNS.c.run_id == run_id))

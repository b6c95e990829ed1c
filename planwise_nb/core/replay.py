"""Runs a whole trail again from the run's own folder, in a fresh place, and compares every table and every output."""

from __future__ import annotations

import io
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from planwise_nb.core import store
from planwise_nb.core.changes import STARTED_FROM
from planwise_nb.core.kernels import KERNEL, RUN_FOLDER
from planwise_nb.core.manifest import DIAGNOSTICS, MANIFEST, read_manifest, write_json
from planwise_nb.core.pictures import PICTURE
from planwise_nb.core.runs import Run
from planwise_nb.core.verification import Finding, compare_tables

SANITIZE = r"""[run-ids]
regex: \d{8}-\d{6}-[0-9a-f]{8}
replace: RUN-ID
"""
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Chain:
    """A pytest plugin under which nbval executes the notebooks below ``notebooks`` as the steps of one run.

    ``start`` gives the run's folder before the first cell; ``finish`` records a notebook as done, before the next one
    begins.
    """

    def __init__(self, notebooks: Path, start: Callable[[], Path], finish: Callable[[Path], None]) -> None:
        self._notebooks = notebooks.resolve()
        self._start = start
        self._finish = finish
        self._now: Path | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Before the first cell of a notebook: the run is started, or the notebook before is recorded as done."""
        if not self._is_ours(item) or self._now == item.path:
            return
        if self._now is None:
            os.environ[RUN_FOLDER] = str(self._start())
        else:
            self._finish(self._now)
        self._now = item.path
        item.parent.skip_compare += (PICTURE,)  # type: ignore[union-attr] # its figures are in its specification

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_teardown(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        """After the last cell: the last notebook is recorded as done."""
        if self._is_ours(item) and not self._is_ours(nextitem) and self._now is not None:
            os.environ.pop(RUN_FOLDER, None)
            self._finish(self._now)
            self._now = None

    def _is_ours(self, item: pytest.Item | None) -> bool:
        return item is not None and item.path.suffix == ".ipynb" and item.path.is_relative_to(self._notebooks)


class _Outcome:
    """A pytest plugin that keeps what failed, as findings."""

    def __init__(self, notebooks: Path) -> None:
        self._notebooks = notebooks
        self.findings: list[Finding] = []
        self.cells = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a cell; where it failed, say how."""
        self.cells += report.when == "call"
        if report.failed:
            name, _, cell = report.nodeid.partition("::")
            lines = [line.strip() for line in _COLOUR.sub("", report.longreprtext).splitlines() if line.strip()]
            told = [line for line in lines if not line.startswith(("Notebook cell", "Input:"))]
            self.findings.append(Finding(f"{Path(name).name}, {cell}", " ".join(told)[:400] or "failed"))


def replay(run: Run, say: Callable[[str], None] = lambda text: None) -> list[Finding]:
    """Run the trail of ``run`` again in a temporary folder: its executed notebooks, each cell of them by nbval, on its
    own inputs, parameters and models. What is not equal, empty where all is. ``say`` hears each finished notebook.
    """
    manifest = run.manifest
    with tempfile.TemporaryDirectory(prefix="planwise-replay-") as place:
        folder = Path(place) / manifest["subject"] / manifest["run_id"]
        notebooks = Path(place) / "notebooks"
        _prepare(run, manifest, folder, notebooks)
        records = {Path(place) / record["notebook"]: record for record in manifest["steps"]}

        def finish(notebook: Path) -> None:
            _record(folder, records[notebook], notebook)
            say(f"[{len(list((folder / 'notebooks').rglob('*.ipynb'))):>3}/{len(records)}] {notebook.name} replayed")

        outcome = _Outcome(notebooks)
        chain = Chain(notebooks, start=lambda: folder, finish=finish)
        said = _execute(Path(place), list(records), [chain, outcome])
        if not outcome.cells:
            return [Finding("notebooks", f"nothing could be replayed: {said[-400:]}")]
        database = folder / store.DATABASE
        if not database.is_file():
            return [*outcome.findings, Finding(store.DATABASE, "was not made by the replay")]
        with store.inspect(database) as connection:
            return [*outcome.findings, *compare_tables(run.pipeline, connection, manifest)]


def _prepare(run: Run, manifest: dict[str, Any], folder: Path, notebooks: Path) -> None:
    for name in STARTED_FROM:
        shutil.copytree(run.folder / name, folder / name, ignore=shutil.ignore_patterns(".*"))
    write_json(folder / DIAGNOSTICS, {"steps": []})
    write_json(folder / MANIFEST, manifest | {"status": "running", "steps": [], "stale": [], "forced": []})
    for record in manifest["steps"]:
        target = notebooks.parent / record["notebook"]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(run.folder / record["notebook"], target)


def _record(folder: Path, record: dict[str, Any], notebook: Path) -> None:
    """The step is done in the fresh place as well: the next notebook may open."""
    manifest = read_manifest(folder)
    write_json(folder / MANIFEST, manifest | {"steps": [*manifest["steps"], record]})
    target = folder / record["notebook"]
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(notebook, target)


def _execute(place: Path, notebooks: list[Path], plugins: list[object]) -> str:
    """Execute the notebooks by nbval, in order; what pytest said."""
    (place / "sanitize.cfg").write_text(SANITIZE, encoding="utf-8")
    (place / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    options = ["--nbval", "--nbval-kernel-name", KERNEL, "--nbval-cell-timeout", "86400"]
    options += ["--nbval-sanitize-with", str(place / "sanitize.cfg")]
    surroundings = ["-c", str(place / "pytest.ini"), "--rootdir", str(place), "-p", "no:cacheprovider", "-q"]
    with io.StringIO() as heard:
        with redirect_stdout(heard), redirect_stderr(heard):
            pytest.main([*surroundings, *options, *map(str, notebooks)], plugins=plugins)
        return heard.getvalue()

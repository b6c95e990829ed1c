"""What a notebook of the workforce pipeline calls: open the step, build, look, check, complete.

Under the runner a step builds its models; in JupyterLab the same cells look at what the run already holds.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import Any

import duckdb
import pandas as pd
from IPython.core.getipython import get_ipython
from IPython.display import display

from planwise_nb.core import display as shown
from planwise_nb.core import store
from planwise_nb.core.artist import artist
from planwise_nb.core.checklist import Checklist
from planwise_nb.core.digests import table_digest
from planwise_nb.core.errors import CheckError, ChecklistError
from planwise_nb.core.holder import serve_runner
from planwise_nb.core.kernels import STEP_RESULT
from planwise_nb.core.location import find_run, is_executing
from planwise_nb.core.pipeline import Key, label
from planwise_nb.core.processes import peak_memory_mb
from planwise_nb.core.runs import Run
from planwise_nb.workforce import models, publication, sql_magic
from planwise_nb.workforce.membership import require_member
from planwise_nb.workforce.models import Model
from planwise_nb.workforce.panel import show_panel
from planwise_nb.workforce.pipeline import WORKFORCE

CHECKS = """
    select
        check_name,
        severity,
        description,
        arg_min(expected, place) as expected,
        arg_min(found, place) as found,
        case
            when count(*) = 1 then any_value(offender_sample)
            when bool_and(is_passed) then ''
            else printf('%d of %d members, such as ', count(*) filter (not is_passed), count(*))
                || arg_min(scenario_id, place) || arg_min(if(offender_sample = '', '', ': ' || offender_sample), place)
        end as offender_sample,
        bool_and(is_passed) as is_passed,
    from (select *, row(is_passed, scenario_id) as place from {table} where simulation_year = $year)
    group by check_name, severity, description
    order by severity, check_name
"""
"""One row a check; of many members, the first in which it does not hold speaks."""

_BESIDE = ThreadPoolExecutor(1)
"""The thread that takes the digests of tables while the cells of the notebook show them."""


def open_step(name: str, run_dir: str = "", year: int | None = None) -> WorkforceStep:
    """Open a step of a run. ``run_dir`` empty: the latest run.

    Raises ``ChecklistError`` where the run has no such step, or where it is to be executed and a step before it is
    missing; where this kernel only looks, the panel says so and offers to run it.
    """
    run = find_run(WORKFORCE, run_dir)
    key = (name, year)
    if is_executing() or key not in run.checklist.keys:
        run.checklist.require(key)
    if is_executing():
        os.chdir(run.folder)
        serve_runner(run.folder)
    shown.enable_charts()
    return WorkforceStep(run, key, is_executing())


class WorkforceStep:
    """One step of one run, as its notebook sees it. ``year`` is None for setup and summary."""

    def __init__(self, run: Run, key: Key, is_executing: bool) -> None:
        self.run = run
        self.key = key
        self.name, self.year = key
        self.is_executing = is_executing
        self._digests: Future[dict[str, Any]] | None = None
        self._checks: pd.DataFrame | None = None
        self._held = ExitStack()
        self.scenario = self.scenarios[0]

    def __repr__(self) -> str:
        return f"WorkforceStep({label(self.key)} of {self.run.folder.name})"

    @property
    def checklist(self) -> Checklist:
        """The run's checklist as it is now."""
        return self.run.checklist

    @property
    def scenarios(self) -> list[str]:
        """The ids of the run's members, in order."""
        return list(self.run.manifest["seeds"])

    @property
    def variables(self) -> dict[str, Any]:
        """The variables of the notebook's cells; of no notebook, none that anybody keeps."""
        shell: Any = get_ipython()
        variables: dict[str, Any] = {} if shell is None else shell.user_ns
        return variables

    def show(self, scenario: str = "") -> str:
        """Choose the member whose people the cells show, by its id; empty: the run's first. Returns its id.

        Raises ``InputError`` where the run has no such member.
        """
        members = self.scenarios
        self.scenario = require_member(scenario or members[0], members, self.run.folder.name)
        return self.scenario

    def move(self, run: Run, year: int | None, scenario: str = "") -> None:
        """Go to another run, year or member, with the notebook's own parameters, so that its cells look there."""
        self._held.close()
        self.run, self.year, self.key = run, year, (self.name, year)
        self.show(scenario)
        variables = self.variables
        variables.update({"run_dir": str(run.folder)} | ({} if year is None else {WORKFORCE.period: year}))
        if "scenario" in variables:
            variables["scenario"] = self.scenario

    def panel(self) -> None:
        """Show the control panel: live in JupyterLab, the values used under the runner."""
        show_panel(self)

    def build(self) -> None:
        """Build the step's models, and open the run's tables to ``%%sql``.

        Raises ``ModelError`` where a model fails, and as ``look`` does.
        """
        self._held.close()
        if not self.is_executing:
            self.look()
            return
        started_at = datetime.fromisoformat(self.run.manifest["created_at"]).strftime("%Y-%m-%d %H:%M:%S")
        year = self.year or self.run.manifest["periods"][0]
        built = models.build(self.name, year, started_at, shown.tell_progress)
        self._digests = digests = _BESIDE.submit(self._digested, built)
        try:
            self.look()
        finally:
            self._held.callback(digests.exception)  # to let go of the tables is to wait for it
        rows = pd.DataFrame([(model.name, model.rows) for model in built], columns=["table", "rows"])
        display(shown.table(rows, caption="Built"))

    def look(self) -> None:
        """Open the run's tables to ``%%sql``.

        Raises ``ChecklistError`` where this kernel only looks and the step has not run.
        """
        self._held.close()
        if not self.is_executing and self.key not in self.checklist.done:
            raise ChecklistError(
                f"{label(self.key)} of run {self.run.folder.name} has not run yet.",
                fix=f"Press 'Run this step' above, or run: planwise run --resume {self.run.folder.name}",
            )
        sql_magic.connect(self._held.enter_context(self._reading()))

    def frame(self, query: str) -> pd.DataFrame:
        """The rows of ``query`` on the run's tables, which should be few. ``$year`` is the step's year, ``$scenario``
        the member that is shown.
        """
        with self._reading() as connection:
            given = {name: getattr(self, name) for name in ("year", "scenario") if f"${name}" in query}
            return connection.execute(query, given).df()

    def metrics(self) -> pd.DataFrame:
        """``fct_year_metrics`` up to this step's year: one row per scenario and year."""
        upto = f"where simulation_year <= {int(self.year)}" if self.year else ""
        return self.frame(f"from fct_year_metrics {upto} order by scenario_id, simulation_year")

    def check(self) -> None:
        """Show the step's checks.

        Raises ``CheckError`` naming every error-level check that does not hold.
        """
        table = "fct_validation_results" if self.name == "validation_metrics" else f"int_{self.name}_checks"
        checks = self.frame(CHECKS.format(table=table))
        self._checks = checks
        display(shown.table(checks, caption="Checks"))
        broken = checks[(checks["severity"] == "error") & ~checks["is_passed"]]
        if len(broken):
            said = "; ".join(
                f"{row['check_name']}: {row['description']}, expected {row['expected']}, found {row['found']}"
                + (f" ({row['offender_sample']})" if row["offender_sample"] else "")
                for row in broken.to_dict("records")
            )
            raise CheckError(
                f"{len(broken)} check(s) of {label(self.key)} do not hold: {said}.",
                fix="Look at the offenders in the cells above.",
            )

    def publish_year(self) -> None:
        """Publish the year's employee-level tables as Parquet."""
        if self.is_executing and self.year is not None:
            with self._reading() as connection:
                publication.publish(connection, publication.EMPLOYEE_LEVEL, self.year)

    def summarise(self) -> None:
        """Write the summary and the workbook of the run into ``export/``."""
        from planwise_nb.workforce.results import read_results  # noqa: PLC0415 - the last step only
        from planwise_nb.workforce.results_workbook import write_workbook  # noqa: PLC0415
        from planwise_nb.workforce.summary import write_summary  # noqa: PLC0415

        if self.is_executing:
            artist()  # started now, to be ready when the workbook is written
            with self._reading() as connection:
                results = read_results(connection, self.run.folder)
            write_workbook(publication.EXPORT / "results.xlsx", [results])
            write_summary(publication.EXPORT, results)

    def complete(self) -> None:
        """Publish the step's small tables and hand its checks and row counts to the runner.

        Where this kernel only looks, ``%%sql`` keeps the tables: cells are run again there.
        """
        tables = self._digests.result() if self._digests else {}
        if self.is_executing:
            small = [table for table in (*publication.SMALL, *publication.ENSEMBLE) if table in tables]
            with self._reading() as connection:
                publication.publish(connection, small, self.year)
            self._held.close()
        checks = [] if self._checks is None else json.loads(self._checks.to_json(orient="records"))
        passed = sum(check["is_passed"] for check in checks)
        said = f"{label(self.key)}: {len(tables)} tables built, {passed} of {len(checks)} checks hold."
        result = {"tables": tables, "checks": checks}
        of_this_machine = {STEP_RESULT: {"peak_memory_mb": peak_memory_mb()}}
        display({"text/plain": said, STEP_RESULT: result}, raw=True, metadata=of_this_machine)

    def _digested(self, built: Sequence[Model]) -> dict[str, Any]:
        """Rows and digest of each table that was ``built``."""
        where = "true" if self.year is None else f"{WORKFORCE.period_column} = {int(self.year)}"
        with self._reading() as connection:
            return {model.name: table_digest(connection, model.name, where) for model in built}

    @contextmanager
    def _reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection that only reads: the database where this step may open it, else what is published."""
        if self.is_executing or self.run.manifest["status"] == "success":
            with store.connect(self.run.folder / store.DATABASE, read_only=True) as connection:
                yield connection
        else:
            with store.connect() as connection:
                publication.open_published(connection, self.run.folder)
                yield connection

"""Several runs side by side, from what they have published: metrics, and people by status, level and year."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from functools import reduce
from pathlib import Path
from types import MappingProxyType, TracebackType

import altair as alt
import duckdb
import pandas as pd
from altair.typing import ChartType

from planwise_nb.core import display, store
from planwise_nb.core.manifest import read_manifest
from planwise_nb.core.rollback import known_files
from planwise_nb.workforce.publication import published_files
from planwise_nb.workforce.selections import Selection

MOST_RUNS = 4
COLOURS = (display.BLUE, display.ORANGE, display.GREEN, display.PURPLE)

_CUBE = """
    create table cube as
    select
        place,
        run,
        simulation_year,
        level_id,
        detailed_status_code,
        count(*) as people,
        count(*) filter (employment_status = 'active') as active,
        sum(prorated_annual_compensation) as payroll,
        sum(current_compensation) filter (employment_status = 'active') as active_compensation,
    from snapshots
    group by all
"""
_PICKED = """
    with picked as (
        select
            place,
            run,
            simulation_year,
            sum(people)::bigint as people,
            sum(active)::bigint as active,
            sum(payroll)::decimal(18, 2) as payroll,
            round(sum(active_compensation) / nullif(sum(active), 0), 2)::decimal(18, 2) as average_compensation,
        from cube
        where {condition}
        group by all
    )

    select
        picked.*,
        (picked.active - first_run.active)::bigint as active_change,
        (picked.payroll - first_run.payroll)::decimal(18, 2) as payroll_change,
    from picked
    left join picked as first_run
        on picked.simulation_year = first_run.simulation_year and first_run.place = 0
    order by picked.simulation_year, picked.place
"""
_METRICS = "select * replace (run as scenario_id) from metrics where {condition} order by place, simulation_year"


class Comparison:
    """Runs by the names that people see, in their order; what they published is read and added up once, by status,
    level and year, so that every selection is answered at once.

    ``members`` names the member of a run that is shown; its first one where it says nothing. A run may be there under
    several names, with a member each.
    """

    def __init__(self, runs: Mapping[str, Path], members: Mapping[str, str] = MappingProxyType({})) -> None:
        self._stack = ExitStack()
        self._connection = self._stack.enter_context(store.connect())
        metrics, people = (self._together(table, runs, members) for table in _TABLES)
        if metrics is not None:
            metrics.create("metrics")
        if people is not None:
            people.create_view("snapshots")
            self._connection.execute(_CUBE)
        self._has = store.tables_of(self._connection)

    def __enter__(self) -> Comparison:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Give everything back."""
        self._stack.close()

    def _together(
        self, table: str, runs: Mapping[str, Path], members: Mapping[str, str]
    ) -> duckdb.DuckDBPyRelation | None:
        """The rows of ``table`` of all runs; None where none has published any."""
        parts = list(_parts(self._connection, table, runs, members))
        return reduce(duckdb.DuckDBPyRelation.union, parts) if parts else None

    def metrics(self, selection: Selection) -> pd.DataFrame:
        """``fct_year_metrics`` of the chosen years, ``scenario_id`` being the run's name."""
        if "metrics" not in self._has:
            return pd.DataFrame()
        years = Selection(years=selection.years).condition
        return self._connection.execute(_METRICS.format(condition=years)).df()

    def picked(self, selection: Selection) -> pd.DataFrame:
        """One row per year and run: people employed, active at the close, payroll, average pay of the active, and how
        far the run lies from the first one.
        """
        if "cube" not in self._has:
            return pd.DataFrame()
        return self._connection.execute(_PICKED.format(condition=selection.condition)).df()

    def levels(self) -> list[int]:
        """The levels that anyone has."""
        return self._distinct("level_id")

    def years(self) -> list[int]:
        """The years that any run has published."""
        return self._distinct("simulation_year")

    def _distinct(self, column: str) -> list[int]:
        if "cube" not in self._has:
            return []
        query = f"select distinct {column} from cube order by all"  # noqa: S608 - one of two names
        return [int(row[0]) for row in self._connection.execute(query).fetchall()]


_TABLES = ("fct_year_metrics", "fct_workforce_snapshot")


def _parts(
    connection: duckdb.DuckDBPyConnection, table: str, runs: Mapping[str, Path], members: Mapping[str, str]
) -> Iterator[duckdb.DuckDBPyRelation]:
    """The table of each run that published it, of one member, with the run's name and place."""
    for place, (name, folder) in enumerate(runs.items()):
        manifest = read_manifest(folder)
        if files := published_files(folder, table, known_files(manifest)):
            rows = connection.read_parquet(files)
            member = duckdb.ConstantExpression(members.get(name) or next(iter(manifest["seeds"])))
            named = duckdb.ConstantExpression(name).alias("run")
            placed = duckdb.ConstantExpression(place).alias("place")
            chosen = [duckdb.ColumnExpression(column) for column in _COLUMNS.get(table, rows.columns)]
            yield rows.filter(duckdb.ColumnExpression("scenario_id") == member).select(*chosen, named, placed)


_COLUMNS = {
    "fct_workforce_snapshot": (
        "simulation_year",
        "level_id",
        "detailed_status_code",
        "employment_status",
        "prorated_annual_compensation",
        "current_compensation",
    )
}


def picked_chart(rows: pd.DataFrame, column: str, title: str, unit: str, *, width: int = 420) -> ChartType:
    """A column of ``Comparison.picked`` by year, a bar a run."""
    if rows.empty:
        return display.note(title)
    names = list(dict.fromkeys(rows.sort_values("place")["run"]))
    colour = alt.Color("run:N", title=None, sort=names, scale=alt.Scale(domain=names, range=list(COLOURS)))
    base = alt.Chart(display.numeric(rows, [column])[["run", "simulation_year", column]]).encode(
        x=alt.X("simulation_year:O", title="Year", axis=alt.Axis(labelAngle=0)),
        xOffset=alt.XOffset("run:N", sort=names),
        y=alt.Y(f"{column}:Q", title=unit, axis=alt.Axis(format=",~s")),
        tooltip=display.tips(run="", simulation_year="", **{column: ",.2~f"}),
    )
    size = min(46.0, 0.7 * width / (len(names) * rows["simulation_year"].nunique()))
    return display.themed(
        base.mark_bar(size=round(size, 1)).encode(color=colour).properties(width=width, height=220), title
    )

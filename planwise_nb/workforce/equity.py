"""Pay gaps by an attribute of the people, by year and scenario of runs.

Counted are those who are active at the end of a year, by their pay per year then. Read from what runs have published:
people are grouped to cells in SQL, and the regressions (``pay_gaps``) read the cells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from planwise_nb.core import store
from planwise_nb.core.errors import InputError
from planwise_nb.core.manifest import read_manifest
from planwise_nb.core.printable import printable
from planwise_nb.core.rollback import known_files
from planwise_nb.workforce import pay_gaps
from planwise_nb.workforce.choices import chosen
from planwise_nb.workforce.publication import published_files
from planwise_nb.workforce.results import MAX_SCENARIOS

ATTRIBUTES = ("gender", "department", "location", "scheduled_hours", "level_id", "age_band", "tenure_band")
"""What people may be grouped by: what a run keeps of its census, and what every run has."""

SMALLEST = 10
"""People whom a group must have, to be told of."""

NOT_STATED = "not stated"
EVERYONE, WITHOUT_DRAWN = "everyone", "without drawn"
"""The two populations: all people, and those whose attributes nobody drew."""

FEW = f"fewer than {SMALLEST} people"
NOBODY = "nobody to compare with: the reference group is not there, or withheld"
ENTANGLED = "the data cannot tell the group from what is adjusted for"

FIGURES = ("raw_gap", "raw_low", "raw_high", "adjusted_gap", "adjusted_low", "adjusted_high")

KINDS = {"level_id": "level", "department": "department"}
SCALES = {"current_tenure": "tenure", "current_age": "age"}
SAME = {"tenure_band": "current_tenure", "age_band": "current_age"}
"""An attribute that is made of what gaps are adjusted for."""

_PEOPLE = "fct_workforce_snapshot"

_CELLS = """
    create or replace table cells as
    select
        place,
        run_id,
        scenario_id,
        simulation_year,
        is_attributes_drawn,
        coalesce(cast({attribute} as varchar), $not_stated) as group_name,
        level_id,
        department,
        current_tenure,
        current_age,
        count(*) as people,
        sum(current_compensation) as pay,
        sum(cast(ln(current_compensation) as decimal(18, 12))) as log_pay,
        sum(cast(pow(ln(current_compensation), 2) as decimal(18, 12))) as log_pay_squared,
    from snapshots
    where
        employment_status = 'active'
        and current_compensation > 0
        and place in (select place from snapshots group by place having count({attribute}) > 0)
    group by all
"""
_POPULATIONS = """
    create or replace view populations as
    select '{everyone}' as population, * from cells
    union all
    select '{without_drawn}' as population, * from cells where not is_attributes_drawn
"""
_GROUPS = """
    create or replace table groups as
    with counted as (
        select
            place, run_id, scenario_id, simulation_year, population, group_name,
            cast(sum(people) as bigint) as people,
            sum(pay) / sum(people) as average_pay,
        from populations
        group by all
    )

    -- a few people must not follow from a total and the other groups
    select
        *,
        people < $smallest as is_withheld,
        min(people) over (partition by place, scenario_id, simulation_year, population) < $smallest as is_rounded,
    from counted
"""
_BY_SIZE = """
    select group_name from groups where population = $everyone group by all order by sum(people) desc, group_name
"""
_TOLD = """
    select
        groups.run_id,
        groups.scenario_id,
        groups.simulation_year,
        groups.population,
        $attribute as attribute,
        groups.group_name,
        groups.group_name = $reference as is_reference,
        groups.is_rounded,
        case
            when groups.is_withheld then null
            when groups.is_rounded then cast(round(groups.people / 5) * 5 as bigint)
            else groups.people
        end as people,
        case
            when groups.is_withheld then null
            when groups.is_rounded then round(groups.average_pay, 2 - cast(floor(log10(groups.average_pay)) as integer))
            else round(groups.average_pay, 2)
        end as average_pay,
        columns(fitted.* exclude (place, scenario_id, simulation_year, population, group_name)),
        adjustments.adjusted_for,
        case
            when groups.is_withheld then $few
            when compared.is_withheld is null or compared.is_withheld then $alone
            when not is_reference and fitted.adjusted_gap is null then $entangled
            else ''
        end as note,
    from groups
    inner join adjustments using (place)
    left join groups as compared
        on
            compared.group_name = $reference
            and groups.place = compared.place
            and groups.scenario_id = compared.scenario_id
            and groups.simulation_year = compared.simulation_year
            and groups.population = compared.population
    left join fitted
        on
            not groups.is_withheld
            and not compared.is_withheld
            and groups.place = fitted.place
            and groups.scenario_id = fitted.scenario_id
            and groups.simulation_year = fitted.simulation_year
            and groups.population = fitted.population
            and groups.group_name = fitted.group_name
    order by
        groups.place, groups.scenario_id, groups.simulation_year, groups.population, is_reference desc,
        groups.group_name
"""


@dataclass(frozen=True, eq=False)
class Equity:
    """Pay gaps of groups against a reference group.

    ``gaps``: one row per run, scenario, year, population, attribute and group: people and average pay; ``raw_gap`` and
    ``adjusted_gap``, by how much less (below 0) or more the group is paid than the reference, as a share, each with its
    95 % interval (``raw_low``, ``raw_high``, …); what is adjusted for; a note where figures are missing. Where
    ``is_rounded``, people are told to the nearest 5 and average pay to three digits: exact ones would tell of a few.
    ``references``: the reference group by attribute; ``missing``: by attribute the runs whose census has none of it;
    ``left_out``: scenarios beyond the first ``MAX_SCENARIOS`` of a run; ``unfinished``: runs that may have more years.
    """

    gaps: pd.DataFrame
    references: Mapping[str, str]
    missing: Mapping[str, tuple[str, ...]]
    left_out: int
    unfinished: tuple[str, ...] = ()


def equity(folders: Sequence[Path], attributes: Sequence[str] = ("gender",), reference: str = "") -> Equity:
    """The pay gaps of the runs in ``folders`` by each of ``attributes``, against ``reference``, else the largest group.

    Raises ``InputError`` for what is no attribute, for one that no census has where it is the only one, for a reference
    that is no group, and for a run without a finished year.
    """
    asked = tuple(dict.fromkeys(attributes))
    if unknown := [printable(name) for name in asked if name not in ATTRIBUTES]:
        fix = f"Choose from {', '.join(ATTRIBUTES)}."
        raise InputError(f"The census has no {' and no '.join(unknown)} that a run keeps.", fix=fix)
    if reference and len(asked) > 1:
        raise InputError("A reference is of one attribute.", fix="Give --by once, or leave --reference out.")
    with store.connect() as connection:
        manifests = [read_manifest(folder) for folder in folders]
        left_out = _open(connection, folders, manifests)
        missing = {name: runs for name in asked if (runs := _runs_without(connection, name))}
        parts, references = [], {}
        for name in asked:
            if len(missing.get(name, ())) < len(folders):
                references[name], part = _gaps_by(connection, name, reference)
                parts.append(part)
        if not parts:
            raise _nothing_to_compare(connection, asked)
    unfinished = tuple(manifest["run_id"] for manifest in manifests if manifest["status"] != "success")
    return Equity(pd.concat(parts, ignore_index=True), references, missing, left_out, unfinished)


def _open(
    connection: duckdb.DuckDBPyConnection, folders: Sequence[Path], manifests: Sequence[Mapping[str, Any]]
) -> int:
    """Make the view ``snapshots`` of what the runs have published; the number of scenarios left out."""
    parts, left_out = [], 0
    for place, (folder, manifest) in enumerate(zip(folders, manifests, strict=True)):
        files = published_files(folder, _PEOPLE, known_files(manifest))
        if not files:
            fix = f"See how far it is: planwise checklist {folder.name}"
            raise InputError(f"Run {folder.name} has no finished year yet, so it has no people to compare.", fix=fix)
        told = [duckdb.ConstantExpression(name) for name in list(manifest["seeds"])[:MAX_SCENARIOS]]
        left_out += max(len(manifest["seeds"]) - MAX_SCENARIOS, 0)
        rows = connection.read_parquet(files).filter(duckdb.ColumnExpression("scenario_id").isin(*told))
        named = duckdb.ConstantExpression(manifest["run_id"]).alias("run_id")
        parts.append(rows.select(*_COLUMNS, duckdb.ConstantExpression(place).alias("place"), named))
    reduce(duckdb.DuckDBPyRelation.union, parts).create_view("snapshots")
    return left_out


_COLUMNS = (
    *("scenario_id", "simulation_year", "employment_status", "current_compensation", "is_attributes_drawn"),
    *("current_age", "current_tenure", *ATTRIBUTES),
)


def _runs_without(connection: duckdb.DuckDBPyConnection, attribute: str) -> tuple[str, ...]:
    """The runs in which nobody has the attribute."""
    query = f"select run_id from snapshots group by place, run_id having count({attribute}) = 0 order by place"  # noqa: S608
    return tuple(row[0] for row in connection.execute(query).fetchall())


def _nothing_to_compare(connection: duckdb.DuckDBPyConnection, asked: Sequence[str]) -> InputError:
    there = [name for name in ATTRIBUTES if name not in asked and not _runs_without(connection, name)]
    return InputError(
        f"The census has no {' and no '.join(asked)}: there are no groups to compare.",
        fix=f"Add the column to the census, or compare by another attribute: --by {there[0]}. There are"
        f" {', '.join(there)}.",
    )


def _gaps_by(connection: duckdb.DuckDBPyConnection, attribute: str, reference: str) -> tuple[str, pd.DataFrame]:
    """The reference group and the rows of one attribute."""
    connection.execute(_CELLS.format(attribute=attribute), {"not_stated": NOT_STATED})
    connection.execute(_POPULATIONS.format(everyone=EVERYONE, without_drawn=WITHOUT_DRAWN))
    connection.execute(_GROUPS, {"smallest": SMALLEST})
    against = _reference(connection, reference)
    adjustments = {
        place: [name for name in (*KINDS, *SCALES) if is_there[name] and name not in (attribute, SAME.get(attribute))]
        for place, is_there in _present(connection).items()
    }
    connection.register("fitted", _fitted(connection, against, adjustments))
    said = [(place, ", ".join((KINDS | SCALES)[name] for name in names)) for place, names in adjustments.items()]
    connection.register("adjustments", pd.DataFrame(said, columns=["place", "adjusted_for"]))
    given = {"attribute": attribute, "reference": against, "few": FEW, "alone": NOBODY, "entangled": ENTANGLED}
    return against, connection.execute(_TOLD, given).df()


def _reference(connection: duckdb.DuckDBPyConnection, reference: str) -> str:
    groups = [row[0] for row in connection.execute(_BY_SIZE, {"everyone": EVERYONE}).fetchall()]
    if not groups:
        raise InputError("Nobody is active at the end of any year of these runs.", fix="Choose other runs.")
    if reference:
        return chosen("group", reference, groups)
    return next((name for name in groups if name != NOT_STATED), NOT_STATED)


def _present(connection: duckdb.DuckDBPyConnection) -> dict[int, dict[str, bool]]:
    """Of each run by its place, whether anyone has a value of what gaps are adjusted for."""
    names = (*KINDS, *SCALES)
    counted = ", ".join(f"count({name}) > 0" for name in names)
    rows = connection.execute(f"select place, {counted} from cells group by place order by place").fetchall()  # noqa: S608
    return {place: dict(zip(names, there, strict=True)) for place, *there in rows}


def _fitted(
    connection: duckdb.DuckDBPyConnection, reference: str, adjustments: Mapping[int, Sequence[str]]
) -> pd.DataFrame:
    """One row per run, scenario, year, population and group but the reference: its gaps."""
    keys = ("place", "scenario_id", "simulation_year", "population")
    query = f"select distinct {', '.join(keys)} from populations order by all"  # noqa: S608
    rows = []
    for key in connection.execute(query).fetchall():
        where = " and ".join(f"{name} = ?" for name in keys)
        cells = connection.execute(f"from populations where {where} order by all", key).df()
        names = adjustments[key[0]]
        raw = pay_gaps.gaps(cells, reference)
        adjusted = pay_gaps.gaps(cells, reference, [*filter(KINDS.get, names)], [*filter(SCALES.get, names)])
        rows += [(*key, group, *astuple(raw[group]), *astuple(adjusted[group])) for group in raw]
    return pd.DataFrame(rows, columns=[*keys, "group_name", *FIGURES]).astype(dict.fromkeys(FIGURES, float))

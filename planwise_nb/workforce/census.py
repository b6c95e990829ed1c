"""The acceptance of a census: read the file, map it, hold it to the contract, report everything that is wrong."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd
import pandera.pandas as pandera
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from planwise_nb.core import store
from planwise_nb.core.digests import quoted
from planwise_nb.core.errors import InputError, Problem
from planwise_nb.workforce.census_contract import Rule, contract, schema
from planwise_nb.workforce.census_map import CONTRACT, PAY, REQUIRED, CensusMap
from planwise_nb.workforce.census_mapping import PAY_POSITION, UNMAPPED, apply_census_map, matched_columns
from planwise_nb.workforce.census_readings import ID, READINGS, SSN, TEXTS
from planwise_nb.workforce.census_reports import ACCEPTED_ROWS, failures_by_rule, refusal, warnings
from planwise_nb.workforce.extracts import LINE, read_extract
from planwise_nb.workforce.job_levels import JobLevel
from planwise_nb.workforce.masking import masked

CHUNK = 500_000
PAY_LIMITS = (Decimal(1_000), Decimal(100_000_000))

ACCEPTED = pa.schema(
    [
        *((column, pa.string()) for column in CONTRACT[:2]),
        *((column, pa.date32()) for column in CONTRACT[2:5]),
        (PAY, pa.decimal128(18, 2)),
        ("active", pa.bool_()),
        ("level_id", pa.int32()),
        *((column, pa.string()) for column in ("department", "gender", "location")),
        ("scheduled_hours", pa.decimal128(9, 2)),
    ]
)


@dataclass(frozen=True)
class Census:
    """An accepted census: one row per employee, in the order of their ids.

    ``accepted`` has the columns and types of ``ACCEPTED``, pay being a year's; ``set_aside`` has ``line``, ``reasons``
    and the census columns as the texts that were given. ``job_levels`` are the mapping's own, if it brings any.
    """

    accepted: pa.Table
    set_aside: pa.Table
    warnings: tuple[Problem, ...]
    census_date: date
    job_levels: tuple[JobLevel, ...] | None

    @property
    def rows(self) -> int:
        """How many employees the census has."""
        return int(self.accepted.num_rows)

    @property
    def active(self) -> int:
        """How many of them are active at the census date."""
        return int(pc.sum(self.accepted["active"]).as_py() or 0)

    def write(self, folder: Path) -> None:
        """Write ``census.parquet`` and, where rows were set aside, ``set_aside.parquet``; equal data, equal bytes."""
        pq.write_table(self.accepted, folder / "census.parquet", compression="zstd")
        if self.set_aside.num_rows:
            pq.write_table(self.set_aside, folder / "set_aside.parquet", compression="zstd")


def read_census(
    path: Path,
    *,
    census_map: CensusMap | None,
    census_date: date,
    simulated_years: range,
    job_levels: Sequence[JobLevel],
    mask_ssn: bool = True,
    set_aside: bool = False,
) -> Census:
    """The census in the file at ``path``, mapped where ``census_map`` is given, as of the end of ``census_date``.

    A mapping's own job levels and pay limits come before those of the scenario. With ``set_aside`` rows that break a
    rule are kept apart with their reasons; without it they are refused. Raises ``InputError`` with every rule that is
    broken, the number of rows, the first of them with their lines, and what to do. Writes nothing.
    """
    extract = read_extract(path)
    own_levels = census_map.job_levels if census_map else None
    pay_limits = (census_map.minimum_pay, census_map.maximum_pay) if census_map else PAY_LIMITS
    rules = contract(simulated_years, own_levels or job_levels, pay_limits)
    if census_map:
        extract = apply_census_map(extract, census_map, census_date=census_date, job_levels=job_levels)
    _check_columns(extract, path, census_map)
    with store.connect() as connection:
        _read_rows(connection, extract, census_date, simulated_years)
        problems = _find_problems(connection, rules, path, set_aside)
        if problems:
            raise refusal(connection, path, problems, set_aside)
        return Census(
            accepted=_accepted(connection, mask_ssn),
            set_aside=_set_aside(connection, extract, mask_ssn),
            warnings=warnings(connection, path, census_date),
            census_date=census_date,
            job_levels=own_levels,
        )


def check_extract(path: Path, census_map: CensusMap | None) -> None:
    """Whether the file can be read, fits ``census_map`` and has the columns of a census; nothing of its rows.

    Raises ``InputError`` with what is wrong.
    """
    extract = read_extract(path)
    if census_map:
        extract = apply_census_map(extract, census_map, census_date=date.today(), job_levels=())
    _check_columns(extract, path, census_map)


def _check_columns(extract: pa.Table, path: Path, census_map: CensusMap | None) -> None:
    present = matched_columns(extract)
    missing = [column for column in REQUIRED if column not in present]
    if not missing:
        return
    names = [name for name in extract.column_names[1:] if name not in (UNMAPPED, PAY_POSITION)]
    spare = {name.lower(): name for name in names if name.lower() not in present}
    mapping = "in the mapping" if census_map else "in the header, or give a mapping (--census-map)"
    nearest = {column: difflib.get_close_matches(column, spare, n=1, cutoff=0.5) for column in missing}
    problems = [
        Problem(
            rule="missing_column",
            where=str(path),
            what=f"there is no column {column!r}",
            fix=f"Rename {repr(spare[near[0]]) if near else 'the column that holds it'} {mapping}.",
        )
        for column, near in nearest.items()
    ]
    raise InputError(f"The census {path} lacks {len(missing)} of its {len(REQUIRED)} required columns.", problems)


def _read_rows(connection: duckdb.DuckDBPyConnection, extract: pa.Table, census_date: date, years: range) -> None:
    """Tables ``texts`` and ``readings``, one row per row of the file."""
    present = matched_columns(extract)
    columns = [
        f"{quoted(present[column])} as {column}" if column in present else f"null as {column}" for column in CONTRACT
    ]
    mapped = [
        name if name in extract.column_names else f"cast(null as {kind}) as {name}"
        for name, kind in ((UNMAPPED, "varchar"), (PAY_POSITION, "double"))
    ]
    connection.register("extract", extract)
    connection.execute(
        f"create view census as select {quoted(LINE)}, {', '.join([*columns, *mapped])} from extract"  # noqa: S608 - quoted
    )
    connection.execute(TEXTS)
    connection.execute(READINGS, {"census_date": census_date, "years": list(years)})


def _find_problems(
    connection: duckdb.DuckDBPyConnection, rules: Sequence[Rule], path: Path, set_aside: bool
) -> list[Problem]:
    """What stands in the way; table ``failures`` afterwards holds the ``line`` and ``rule`` of every failure."""
    failures = _failures(connection, rules)
    connection.register("failure_rows", failures)
    connection.execute("create table failures as select distinct line, rule from failure_rows")
    left_over = ACCEPTED_ROWS if set_aside else "readings where true"
    active = connection.execute(f"select 1 from {left_over} and is_active limit 1").fetchall()  # noqa: S608 - constants
    if set_aside and active:
        return []
    problems = failures_by_rule(connection, rules, path)
    if not active:
        left = " once the rows with problems are set aside" if set_aside else ""
        problems.append(
            Problem(
                rule="no_active_employee",
                where=str(path),
                what=f"no row is an active employee{left}",
                fix="Give a census with at least one employee whose active is true.",
            )
        )
    return problems


def _failures(connection: duckdb.DuckDBPyConnection, rules: Sequence[Rule]) -> pa.Table:
    """The line and rule of every failure, by pandera, a chunk of rows at a time."""
    stated = schema(rules)
    columns = ", ".join(["line", *stated.columns])
    frames = [pd.DataFrame({"index": [], "check": []})]
    for batch in connection.sql(f"select {columns} from readings").to_arrow_reader(CHUNK):  # noqa: S608 - own names
        try:
            stated.validate(batch.to_pandas().set_index("line"), lazy=True)
        except pandera.errors.SchemaErrors as errors:
            frames.append(errors.failure_cases[["index", "check"]])
    found = pd.concat(frames)
    lines, checks = found["index"].astype("int64"), found["check"].astype("str")
    return pa.table({"line": pa.array(lines), "rule": pa.array(checks, pa.string())})


def _accepted(connection: duckdb.DuckDBPyConnection, mask_ssn: bool) -> pa.Table:
    columns = f"""
        texts.{ID},
        {_number(mask_ssn)} as {SSN},
        birth, hire, leave,
        try_cast(texts.{PAY} as decimal(18, 2)) as {PAY},
        is_active,
        accepted.level_id,
        department, gender, location,
        try_cast(scheduled_hours as decimal(9, 2)) as scheduled_hours
    """
    rows = connection.sql(
        f"""
        with accepted as (select line, birth, hire, leave, is_active, level_id from {ACCEPTED_ROWS})
        select {columns} from accepted inner join texts using (line) order by texts.{ID}
        """  # noqa: S608 - own names
    )
    return rows.to_arrow_table().rename_columns(ACCEPTED.names).cast(ACCEPTED)


def _set_aside(connection: duckdb.DuckDBPyConnection, extract: pa.Table, mask_ssn: bool) -> pa.Table:
    columns = [f"{_number(mask_ssn)} as {SSN}" if name == SSN else name for name in matched_columns(extract)]
    return connection.sql(
        f"""
        with reasons as (select line, string_agg(rule, ', ' order by rule) as reasons from failures group by line)
        select line, reasons, {", ".join(columns)} from reasons inner join texts using (line) order by line
        """  # noqa: S608 - own names
    ).to_arrow_table()


def _number(mask_ssn: bool) -> str:
    """The social security number, masked to its last four digits unless the scenario says otherwise."""
    return masked(SSN) if mask_ssn else SSN

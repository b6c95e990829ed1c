"""A census mapping at work: the rows of an extract become rows with the columns of a census.

Expressions run in a database in memory that can open neither files nor the network.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from planwise_nb.core import store
from planwise_nb.core.digests import quoted
from planwise_nb.core.errors import InputError, Problem
from planwise_nb.workforce.census_map import CONTRACT, PAY, CensusMap
from planwise_nb.workforce.expressions import check_expression
from planwise_nb.workforce.extracts import LINE
from planwise_nb.workforce.job_levels import JobLevel

CENSUS_DATE = "census_date"
UNMAPPED = "unmapped"
PAY_POSITION = "pay_position"

WHOLE_NUMBER = r"-?(0|[1-9]\d{0,17})"
FRACTION = r"-?(0|[1-9]\d{0,30})(\.\d{1,30})?"
DAY = r"\d{4}[-/]\d{1,2}[-/]\d{1,2}( 00:00:00)?"


def matched_columns(extract: pa.Table) -> dict[str, str]:
    """Census column to extract column, for those whose names agree in any case of letters."""
    known = {name.lower(): name for name in extract.column_names}
    return {column: known[column] for column in CONTRACT if column in known}


def apply_census_map(
    extract: pa.Table, census_map: CensusMap, *, census_date: date, job_levels: Sequence[JobLevel]
) -> pa.Table:
    """The extract's chosen rows with ``LINE``, census columns, ``unmapped`` and ``pay_position``.

    ``unmapped`` names the values of a row that the mapping does not know, or is null; ``pay_position`` is null where
    the mapping gives none. Expressions see the extract's columns as BIGINT, DOUBLE, DATE or VARCHAR, whichever fits
    every value, and ``census_date``. Raises ``InputError`` for a column that is not in the extract and for an
    expression that is not allowed, fails, or keeps no row.
    """
    sources = _sources(extract, census_map)
    columns = [*(name for name in extract.column_names[1:] if name.lower() != CENSUS_DATE), CENSUS_DATE]
    expressions = _checked_expressions(census_map, columns)
    with store.sandbox() as connection:
        _check_values(census_map, {*sources, *census_map.derive, *([PAY] if census_map.pay_position else [])})
        connection.register("extract_file", extract)
        _load(connection, extract, sources, census_date)
        _choose(connection, expressions.pop("where", "true"), census_map)
        _evaluate(connection, sources, expressions, census_map)
        _look_up(connection, census_map.values)
        _place_in_range(connection, census_map, census_map.job_levels or job_levels)
        return connection.sql(f"select * from placed order by {quoted(LINE)}").to_arrow_table()  # noqa: S608 - a constant


def _sources(extract: pa.Table, census_map: CensusMap) -> dict[str, str]:
    """Census column to the extract column that gives it unchanged."""
    known = {name.lower(): name for name in extract.column_names[1:]}
    missing = [name for name in census_map.rename if name.lower() not in known]
    if missing:
        near = {name: difflib.get_close_matches(name.lower(), known, n=1) for name in missing}
        problems = [
            Problem(
                rule="missing_column",
                where=f"{census_map.source}: rename.{name}",
                what=f"the extract has no column {name!r}",
                fix=f"Did you mean {known[near[name][0]]!r}?"
                if near[name]
                else f"It has: {', '.join(known.values())}.",
            )
            for name in missing
        ]
        raise InputError(f"The census mapping {census_map.source} does not fit the extract.", problems)
    renamed = {target: known[name.lower()] for name, target in census_map.rename.items()}
    same = {column: name for column, name in matched_columns(extract).items() if column not in census_map.derive}
    if census_map.pay_position:
        same.pop(PAY, None)
    return same | renamed


def _checked_expressions(census_map: CensusMap, columns: Sequence[str]) -> dict[str, str]:
    """Key of the mapping to the SQL that runs for it."""
    written = {f"derive.{column}": text for column, text in census_map.derive.items()}
    written |= {"pay_position": census_map.pay_position} if census_map.pay_position else {}
    written |= {"where": census_map.where} if census_map.where else {}
    problems, checked = [], {}
    for key, text in written.items():
        try:
            checked[key] = check_expression(text, columns)
        except InputError as error:
            where = f"{census_map.source}: {key}"
            problems.append(Problem(rule="expression", where=where, what=error.what, fix=error.fix))
    if problems:
        raise InputError(f"The census mapping {census_map.source} has expressions that cannot be used.", problems)
    return checked


def _check_values(census_map: CensusMap, given: Collection[str]) -> None:
    """Meanings of values are for columns that the mapping or the extract gives."""
    problems = [
        Problem(
            rule="values_without_column",
            where=f"{census_map.source}: values.{column}",
            what=f"there are values for {column}, and nothing gives that column",
            fix=f"Rename or derive {column} too, or remove its values.",
        )
        for column in census_map.values
        if column not in given
    ]
    if problems:
        raise InputError(f"The census mapping {census_map.source} does not fit the extract.", problems)


def _load(
    connection: duckdb.DuckDBPyConnection, extract: pa.Table, sources: Mapping[str, str], census_date: date
) -> None:
    kinds = _kinds(connection, extract)
    typed = [
        f"cast(nullif(trim({quoted(name)}), '') as {kinds[name]}) as {quoted(name)}" if name in kinds else quoted(name)
        for name in extract.column_names[1:]
        if name.lower() != CENSUS_DATE
    ]
    texts = [f"{quoted(name)} as {quoted(_text_of(name))}" for name in dict.fromkeys(sources.values())]
    day = f"date '{census_date.isoformat()}' as {CENSUS_DATE}"
    columns = ", ".join([quoted(LINE), *typed, *texts, day])
    connection.execute(f"create table extract as select {columns} from extract_file")  # noqa: S608 - quoted names


def _text_of(name: str) -> str:
    return f"text of {name}"


def _kinds(connection: duckdb.DuckDBPyConnection, extract: pa.Table) -> dict[str, str]:
    """The type of each text column, by what all of its values can be read as; columns that have a type are left out."""
    names = [field.name for field in extract.schema if _is_text(field.type)]
    if not names:
        return {}
    tests = [
        f"bool_and({test}) filter (where {value} is not null)"
        for value in (f"nullif(trim({quoted(name)}), '')" for name in names)
        for test in (
            f"regexp_full_match({value}, '{WHOLE_NUMBER}')",
            f"regexp_full_match({value}, '{FRACTION}')",
            f"regexp_full_match({value}, '{DAY}') and try_cast({value} as date) is not null",
        )
    ]
    row = connection.execute(f"select {', '.join(tests)} from extract_file").fetchall()[0]  # noqa: S608 - quoted names
    fits = zip(names, row[0::3], row[1::3], row[2::3], strict=True)
    return {
        name: "BIGINT" if whole else "DOUBLE" if fraction else "DATE" if day else "VARCHAR"
        for name, whole, fraction, day in fits
    }


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _choose(connection: duckdb.DuckDBPyConnection, condition: str, census_map: CensusMap) -> None:
    try:
        connection.execute(f"create table chosen as select * from extract where cast({condition} as boolean)")  # noqa: S608 - checked
    except duckdb.Error as error:
        raise _failed(census_map, "where", census_map.where, error) from None
    if not connection.execute("select 1 from chosen limit 1").fetchall():
        raise InputError(
            f"The census mapping {census_map.source} keeps no row: 'where: {census_map.where}' holds for none.",
            fix="Correct the mapping's where, or give the extract that it was written for.",
        )


def _evaluate(
    connection: duckdb.DuckDBPyConnection,
    sources: Mapping[str, str],
    expressions: Mapping[str, str],
    census_map: CensusMap,
) -> None:
    """Table ``mapped``: ``LINE``, the census columns that the mapping or the extract gives, and ``pay_position``."""
    kept = [f"{quoted(_text_of(name))} as {column}" for column, name in sources.items()]
    derived = [f"{sql} as {key.removeprefix('derive.')}" for key, sql in expressions.items() if key != PAY_POSITION]
    position = f"cast({expressions.get(PAY_POSITION, 'null')} as double) as {PAY_POSITION}"
    columns = ", ".join([quoted(LINE), *kept, *derived, position])
    try:
        connection.execute(f"create table mapped as select {columns} from chosen")  # noqa: S608 - checked expressions
    except duckdb.Error as error:
        for key, sql in expressions.items():
            _try(connection, census_map, key, sql)
        raise _failed(census_map, "derive", ", ".join(expressions), error) from None


def _try(connection: duckdb.DuckDBPyConnection, census_map: CensusMap, key: str, sql: str) -> None:
    kind = f"cast({sql} as double)" if key == PAY_POSITION else sql
    try:
        connection.execute(f"select count({kind}) from chosen").fetchall()  # noqa: S608 - a checked expression
    except duckdb.Error as error:
        raise _failed(census_map, key, sql, error) from None


def _failed(census_map: CensusMap, key: str, expression: str | None, error: duckdb.Error) -> InputError:
    reason = str(error).split("\n\nLINE", maxsplit=1)[0]
    return InputError(
        f"The census mapping {census_map.source}: {key} fails: {expression}: {reason}",
        fix="Correct the expression; try_cast, nullif and case get past values that do not fit.",
    )


def _look_up(connection: duckdb.DuckDBPyConnection, values: Mapping[str, Mapping[str, str]]) -> None:
    """Table ``looked_up``: ``mapped`` with the mapping's values in place of the extract's."""
    present = {row[0] for row in connection.execute("select column_name from (describe mapped)").fetchall()}
    tables = {column: meanings for column, meanings in values.items() if column in present}
    replaced, joins, unknown = [], [], ["null"]
    for column, meanings in tables.items():
        pairs = {"extract_value": list(meanings), "census_value": list(meanings.values())}
        connection.register(f"values_{column}", pa.table(pairs, pa.schema([(name, pa.string()) for name in pairs])))
        read = f"nullif(trim(cast(mapped.{column} as varchar)), '')"
        replaced.append(f"values_{column}.census_value as {column}")
        joins.append(f"left join values_{column} on values_{column}.extract_value = {read}")
        unknown.append(f"case when values_{column}.extract_value is null then '{column} ' || {read} end")
    replacing = f"replace ({', '.join(replaced)})" if replaced else ""
    connection.execute(f"""
        create table looked_up as
        select mapped.* {replacing}, nullif(concat_ws(', ', {", ".join(unknown)}), '') as {UNMAPPED}
        from mapped {" ".join(joins)}
    """)  # noqa: S608 - names of census columns


def _place_in_range(
    connection: duckdb.DuckDBPyConnection, census_map: CensusMap, job_levels: Sequence[JobLevel]
) -> None:
    """Table ``placed``: pay where the mapping gives a position in the level's range, in whole hundreds a year."""
    if not census_map.pay_position:
        connection.execute("create view placed as select * from looked_up")
        return
    columns = {row[0] for row in connection.execute("select column_name from (describe looked_up)").fetchall()}
    if "level_id" not in columns:
        raise InputError(
            f"The census mapping {census_map.source} gives pay_position, and no level whose range it is a position in.",
            fix="Rename or derive level_id in the mapping, or give pay itself.",
        )
    ranges: dict[str, list[Any]] = {
        "level": [level.level_id for level in job_levels],
        "lowest": [float(level.min_compensation) for level in job_levels],
        "highest": [float(level.max_compensation) for level in job_levels],
    }
    connection.register("ranges", pa.table(ranges))
    connection.execute(f"""
        create table placed as
        select
            looked_up.*,
            try_cast(round((lowest + {PAY_POSITION} * (highest - lowest)) / 100) * 100 as decimal(18, 2)) as {PAY}
        from looked_up left join ranges on try_cast(looked_up.level_id as integer) = ranges.level
    """)  # noqa: S608 - names of columns

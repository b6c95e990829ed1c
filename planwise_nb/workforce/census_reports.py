"""What a person is told about the rows of a census: how many, the first of them, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import duckdb

from planwise_nb.core.errors import InputError, Problem
from planwise_nb.core.printable import inert
from planwise_nb.workforce.census_contract import Rule
from planwise_nb.workforce.census_readings import HIRE, ID, LEAVE, SSN
from planwise_nb.workforce.extracts import file_kind
from planwise_nb.workforce.masking import MASK

SHOWN = 5
LONGEST_SHOWN = 40
YOUNGEST_HIRE = 16

ACCEPTED_ROWS = "readings where line not in (select line from failures)"

WARNINGS = {
    "hired_young": (
        f"select line from {ACCEPTED_ROWS} and age_at_hire < {YOUNGEST_HIRE}",  # noqa: S608 - constants
        ("employee_birth_date", HIRE),
        f"hired under {YOUNGEST_HIRE}",
        "Check the two dates; the rows are used as they are.",
    ),
    "active_after_termination": (
        f"select line from {ACCEPTED_ROWS} and is_active and leave <= $census_date",  # noqa: S608 - constants
        (LEAVE,),
        "active, though the termination date is not after the census date",
        "Check active; the rows are used as active employees.",
    ),
    "repeated_ssn": (
        f"""
        select line
        from texts
        where line in (select line from {ACCEPTED_ROWS}) and {SSN} not like '{MASK}%'
        qualify count(*) over (partition by {SSN}) > 1
        """,  # noqa: S608 - constants
        (),
        "several rows have the same social security number",
        "Check whether one person has several ids; the rows are used as different employees.",
    ),
}


def failures_by_rule(connection: duckdb.DuckDBPyConnection, rules: Sequence[Rule], path: Path) -> list[Problem]:
    """The rows of table ``failures`` as problems, in the order of the rules."""
    found = connection.execute(
        f"select rule, count(*), list_sort(min(line, {SHOWN})) from failures group by rule"  # noqa: S608 - a constant
    ).fetchall()
    counts = {rule: (count, lines) for rule, count, lines in found}
    return [
        Problem(
            rule=rule.name,
            where=str(path),
            what=rule.what,
            fix=rule.fix,
            count=counts[rule.name][0],
            sample=_sample(connection, path, rule.columns, counts[rule.name][1]),
        )
        for rule in rules
        if rule.name in counts
    ]


def warnings(connection: duckdb.DuckDBPyConnection, path: Path, census_date: object) -> tuple[Problem, ...]:
    """What is odd about the accepted rows; none of it is a reason to refuse them."""
    found = []
    for rule, (query, columns, what, fix) in WARNINGS.items():
        values = {"census_date": census_date} if "$census_date" in query else {}
        count, lines = connection.execute(
            f"select count(*), list_sort(min(line, {SHOWN})) from ({query})",  # noqa: S608 - the constants above
            values,
        ).fetchall()[0]
        if count:
            sample = _sample(connection, path, columns, lines)
            found.append(Problem(rule=rule, where=str(path), what=what, fix=fix, count=count, sample=sample))
    return tuple(found)


def refusal(
    connection: duckdb.DuckDBPyConnection, path: Path, problems: Sequence[Problem], setting_aside: bool
) -> InputError:
    """The error that refuses the census for ``problems``."""
    bad, rows = connection.execute(
        "select (select count(distinct line) from failures), (select count(*) from readings)"
    ).fetchall()[0]
    reason = f": {bad:,} of its {rows:,} rows have problems" if bad else ""
    return InputError(
        f"The census {path} was refused{reason}.",
        problems,
        fix="Nothing was written."
        if setting_aside or not bad
        else "Correct them, or go on without these rows: --set-aside. Nothing was written.",
    )


def _sample(
    connection: duckdb.DuckDBPyConnection, path: Path, columns: Iterable[str], lines: Sequence[int]
) -> tuple[str, ...]:
    """The rows at ``lines`` for a person to read: where they are, the id, the values in question."""
    shown = list(dict.fromkeys([ID, *columns]))
    rows = connection.execute(
        f"select line, {', '.join(shown)} from texts where line in (select unnest($lines)) order by line",  # noqa: S608 - own names
        {"lines": list(lines)},
    ).fetchall()
    return tuple(
        f"{file_kind(path)} {row[0]}: " + ", ".join(_shown(dict(zip(shown, row[1:], strict=True)))) for row in rows
    )


def _shown(values: Mapping[str, str | None]) -> list[str]:
    return [f"{column} {_legible(value)}" for column, value in values.items()]


def _legible(value: str | None) -> str:
    """The value on one line of a terminal: shortened, with control characters escaped."""
    if value is None:
        return "blank"
    short = value if len(value) <= LONGEST_SHOWN else f"{value[:LONGEST_SHOWN]}…"
    plain = inert(short)
    return f"'{plain}'"

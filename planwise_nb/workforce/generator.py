"""A synthetic census: plausible in age, tenure, level and pay, the same for the same seed, nobody's real data."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import duckdb

from planwise_nb.core import store
from planwise_nb.core.errors import InputError

MOST = 20_000_000
MOST_IN_EXCEL = 1_048_575
FORMATS = (".csv", ".parquet", ".xlsx")
YEARS = (1950, 2200)

# Numbers run through 001-01-0001 to 899-99-9999 without area 666; the stride has no factor in common with their count.
SSN_COUNT = 898 * 99 * 9_999
SSN_STRIDE = 179_424_673

BLOCKS = {
    "person": ("u_age", "u_tenure", "u_level", "u_pay"),
    "dates": ("u_birthday", "u_hired", "u_leaves", "u_left"),
    "attributes": ("u_department", "u_gender", "u_location", "u_hours"),
}
"""Four draws a block: slices of one MD5 of ``seed|census_<block>|0|employee_id``, as everywhere in the project."""

LEVELS = "(values (1, 56000, 24000), (2, 81000, 39000), (3, 121000, 39000), (4, 161000, 139000), (5, 275000, 225000))"


def _digests() -> str:
    return ", ".join(
        f"md5_number(concat_ws('|', $seed, 'census_{block}', 0, employee_id)) as {block}_digest" for block in BLOCKS
    )


def _draws() -> str:
    return ", ".join(
        f"((({block}_digest >> {32 * place}) & 4294967295)::double + 0.5) / 4294967296 as {stream}"
        for block, streams in BLOCKS.items()
        for place, stream in enumerate(streams)
    )


PEOPLE = f"""
    with
    numbered as (
        select
            'EMP_' || lpad(number::varchar, $width, '0') as employee_id,
            (number * {SSN_STRIDE} + $ssn_start) % {SSN_COUNT} as ssn_number
        from range(1, $employees + 1) as numbers(number)
    ),
    digested as (select *, {_digests()} from numbered),
    drawn as (select employee_id, ssn_number, {_draws()} from digested),
    aged as (
        select
            *,
            floor(case
                when u_age < 0.10 then 18 + 70 * u_age
                when u_age < 0.55 then 25 + 36 * (u_age - 0.10)
                when u_age < 0.95 then 41.2 + 52 * (u_age - 0.55)
                else 62 + 140 * (u_age - 0.95)
            end)::integer as age,
            ssn_number // (99 * 9999) + 1 as area
        from drawn
    ),
    dated as (
        select
            *,
            ($census_date::date - to_years(age) - to_days((365 * u_birthday)::integer % 365))::date as birth,
            least(age - 18, 40) * u_tenure * (0.3 + 0.4 * u_tenure + 0.3 * u_hired) as tenure
        from aged
    ),
    hired as (
        select
            *,
            greatest((birth + to_years(18))::date, $census_date::date - (365 * tenure)::integer) as hire,
            0.6 * u_level + 0.25 * u_age + 0.3 * least(tenure / 20, 1) as standing
        from dated
    ),
    graded as (
        select
            *,
            case
                when standing < 0.565 then 1
                when standing < 0.735 then 2
                when standing < 0.870 then 3
                when standing < 1.012 then 4
                else 5
            end as level,
            greatest(hire, date_trunc('year', $census_date::date)::date) as may_leave_from
        from hired
    ),
    paid as (
        select *, lowest + width * (1.1 * (0.75 * u_pay * u_pay + 0.25 * least(tenure / 20, 1)) - 0.02) as pay
        from graded inner join {LEVELS} as ranges(grade, lowest, width) on level = grade
    )
    select
        employee_id,
        format(
            '{{:03d}}-{{:02d}}-{{:04d}}',
            area + (area >= 666)::integer, ssn_number // 9999 % 99 + 1, ssn_number % 9999 + 1
        ) as employee_ssn,
        birth as employee_birth_date,
        hire as employee_hire_date,
        case when u_leaves < 0.12 then
            may_leave_from + floor(u_left * ($census_date::date - may_leave_from + 1))::integer
        end as employee_termination_date,
        (round(pay / 100) * 100)::decimal(18, 2) as employee_gross_compensation,
        u_leaves >= 0.12 as active,
        case
            when u_department < 0.34 then 'Operations'
            when u_department < 0.56 then 'Sales'
            when u_department < 0.76 then 'Engineering'
            when u_department < 0.86 then 'Customer Service'
            when u_department < 0.94 then 'Finance'
            else 'Human Resources'
        end as department,
        case when u_gender < 0.49 then 'F' when u_gender < 0.98 then 'M' else 'X' end as gender,
        case when u_location < 0.5 then 'Headquarters' when u_location < 0.8 then 'North' else 'South' end as location,
        case when u_hours < 0.85 then 40 when u_hours < 0.95 then 32 else 20 end::decimal(9, 2) as scheduled_hours
    from paid
    order by employee_id
"""  # noqa: S608 - the constants above


def make_census(
    employees: int, seed: int, out: Path, *, census_date: date = date(2024, 12, 31), force: bool = False
) -> None:
    """Write a census of ``employees`` people as of ``census_date`` to ``out``: CSV, Parquet or Excel by its extension.

    The same arguments give the same bytes, but for Excel, which notes the time. Ages are 18 to 68, pay is a year's in
    whole hundreds; about one in eight left in the year of the census. Raises ``InputError`` for a number of employees
    that is not 1 to 20 million (1,048,575 in Excel), an unknown extension, or a file that exists, unless ``force``.
    """
    _check(employees, seed, out, census_date, force)
    values = {
        "employees": employees,
        "seed": str(seed),
        "width": max(6, len(str(employees))),
        "ssn_start": int.from_bytes(
            hashlib.md5(f"{seed}|census_ssn".encode(), usedforsecurity=False).digest()[:4], "little"
        ),
        "census_date": census_date.isoformat(),
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(f".partial-{out.name}")
    try:
        partial.touch()
        with store.connect() as connection:
            connection.execute("set threads = 1")  # several threads may cut a Parquet file into other row groups
            _write(connection.sql(PEOPLE, params=values), partial)
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)


def _write(people: duckdb.DuckDBPyRelation, out: Path) -> None:
    match out.suffix.lower():
        case ".csv":
            people.write_csv(str(out), header=True)
        case ".parquet":
            people.write_parquet(str(out), compression="zstd")
        case _:
            people.df().to_excel(out, index=False)


def _check(employees: int, seed: int, out: Path, census_date: date, force: bool) -> None:
    extension = out.suffix.lower()
    if extension not in FORMATS:
        raise InputError(
            f"Cannot write a census to {out}: {extension or 'no extension'} is not a known format.",
            fix=f"Name a file that ends in one of {', '.join(FORMATS)}.",
        )
    most = MOST_IN_EXCEL if extension == ".xlsx" else MOST
    for name, value, lowest, highest in (
        ("the number of employees", employees, 1, most),
        ("the seed", seed, 0, 2**63 - 1),
        ("the census year", census_date.year, *YEARS),
    ):
        if not lowest <= value <= highest:
            raise InputError(
                f"Cannot make a census: {name} is {value}.", fix=f"Give a number from {lowest:,} to {highest:,}."
            )
    if out.is_dir() or (out.exists() and not force):
        raise InputError(
            f"Cannot write a census to {out}: it exists.", fix="Name another file, or overwrite it with --force."
        )

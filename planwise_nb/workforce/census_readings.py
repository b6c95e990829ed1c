"""How a row of a census is read: texts first, then what the rules of the contract look at.

``TEXTS`` makes one text a census column, without blanks around it, null where nothing is given. ``READINGS`` makes of
them the dates, numbers and truth values that they stand for, null where they stand for none, and the values that the
rules need, such as the completed years of age at ``$census_date``; ``$years`` are the simulated years.
"""

from __future__ import annotations

from planwise_nb.workforce.census_map import CONTRACT, PAY
from planwise_nb.workforce.extracts import LINE

ID, SSN, BIRTH, HIRE, LEAVE = CONTRACT[:5]

BLANKS = "' \t\r\n\u00a0'"

LONGEST_TEXT = 32_767
"""How many characters a value may have: as many as a cell of a spreadsheet."""


def _columns_where(condition: str) -> str:
    """The names of the columns whose text meets ``condition``, or null."""
    names = ", ".join(f"case when {condition.format(column)} then '{column}' end" for column in CONTRACT)
    return f"nullif(concat_ws(', ', {names}), '')"


TEXTS = f"""
    create table texts as
    with trimmed as (
        select
            "{LINE}" as line,
            unmapped,
            pay_position,
            {", ".join(f"nullif(trim(cast({column} as varchar), {BLANKS}), '') as {column}" for column in CONTRACT)}
        from census
    )
    select
        *,
        {_columns_where(f"length({{}}) > {LONGEST_TEXT}")} as too_long,
        {_columns_where("contains({}, chr(0))")} as not_text,
    from trimmed
"""  # noqa: S608 - names of columns

READINGS = rf"""
    create table readings as
    with read as (
        select
            *,
            try_cast(case when {BIRTH} ~ '[0-9].*' then {BIRTH} end as date) as birth,
            try_cast(case when {HIRE} ~ '[0-9].*' then {HIRE} end as date) as hire,
            try_cast(case when {LEAVE} ~ '[0-9].*' then {LEAVE} end as date) as leave,
            try_cast(case when not contains({PAY}, '_') then {PAY} end as double) as pay_read,
            try_cast(level_id as double) as level_read,
            try_cast(scheduled_hours as decimal(9, 2)) as hours_read,
            case
                when lower(active) in ('true', 't', 'yes', 'y', '1', '1.0') then true
                when lower(active) in ('false', 'f', 'no', 'n', '0', '0.0') then false
            end as is_active
        from texts
    ),
    sound as (
        select * replace (
            case when isfinite(birth) and year(birth) between 1 and 9999 then birth end as birth,
            case when isfinite(hire) and year(hire) between 1 and 9999 then hire end as hire,
            case when isfinite(leave) and year(leave) between 1 and 9999 then leave end as leave,
            case when isfinite(pay_read) then pay_read end as pay_read,
            case when isfinite(level_read) then level_read end as level_read
        )
        from read
    ),
    copied as (
        select {ID} from texts where {ID} is not null group by {ID} having count(*) > 1
    )
    select
        line,
        case when {ID} is null then 'missing' else 'given' end as id_form,
        {ID} in (from copied) as id_copied,
        list_contains($years, try_cast(regexp_extract({ID}, '^NH_([0-9]{{4}})_[0-9]+$', 1) as integer)) as id_reserved,
        case when {BIRTH} is null then 'missing' when birth is null then 'unreadable' else 'date' end as birth_form,
        case when {HIRE} is null then 'missing' when hire is null then 'unreadable' else 'date' end as hire_form,
        case when {LEAVE} is not null and leave is null then 'unreadable' else 'date' end as leave_form,
        hire - birth as days_from_birth_to_hire,
        cast($census_date as date) - hire as days_from_hire_to_census,
        leave - hire as days_from_hire_to_leaving,
        date_sub('year', birth, cast($census_date as date)) as age,
        date_sub('year', birth, hire) as age_at_hire,
        case when {PAY} is null then 'missing' when pay_read is null then 'unreadable' else 'number' end as pay_form,
        pay_read as pay,
        case when pay_read > 0 then pay_read end as positive_pay,
        case when active is null then 'missing' when is_active is null then 'unreadable' else 'yes or no' end
            as active_form,
        case when level_id is not null then coalesce(level_read, -1) end as level,
        case when scheduled_hours is not null then coalesce(hours_read, -1)::double end as hours,
        unmapped is not null as has_unmapped,
        too_long is not null as is_too_long,
        not_text is not null as is_not_text,
        pay_position,
        birth, hire, leave, is_active,
        try_cast(level_read as integer) as level_id,
    from sound
"""  # noqa: S608 - names of columns

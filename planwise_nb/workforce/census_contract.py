"""The contract of a census: what every row must hold, as rules that a person can read, stated with pandera.

Each rule looks at one value of a row's reading (``census_readings``) and is silent where that value is null.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

import pandera.pandas as pa

from planwise_nb.workforce.census_map import PAY
from planwise_nb.workforce.census_readings import BIRTH, HIRE, ID, LEAVE, LONGEST_TEXT
from planwise_nb.workforce.job_levels import JobLevel

YOUNGEST, OLDEST = 14, 100

DAY_FIX = "Write the day as YYYY-MM-DD, or derive it in a census mapping with strptime."

Check = pa.Check


@dataclass(frozen=True)
class Rule:
    """What one value of a row's reading must be, and what to say of the rows where it is not.

    ``columns`` are the census columns that a report shows.
    """

    name: str
    reading: str
    check: Callable[..., pa.Check]
    limits: tuple[object, ...]
    columns: tuple[str, ...]
    what: str
    fix: str


def contract(years: range, levels: Sequence[JobLevel], pay: tuple[Decimal, Decimal]) -> tuple[Rule, ...]:
    """The rules of a census for a simulation of ``years``; ``pay`` is the lowest and the highest pay a year."""
    return (*_identity(years), *_texts(), *_days(), *_order_of_days(), *_pay(*pay), *_status(levels))


def schema(rules: Sequence[Rule]) -> pa.DataFrameSchema:
    """The rules as pandera states them; a failure's ``check`` is the rule's name."""
    checks: dict[str, list[pa.Check]] = {rule.reading: [] for rule in rules}
    for rule in rules:
        checks[rule.reading].append(rule.check(*rule.limits, error=rule.name))
    return pa.DataFrameSchema({reading: pa.Column(checks=of, nullable=True) for reading, of in checks.items()})


def _identity(years: range) -> tuple[Rule, ...]:
    example = f"NH_{years[0] if years else 2025}_000001"
    form = f"the id has the form that hires of a simulated year get, such as {example}"
    other = "Give these employees other ids, for example with another prefix."
    once = "Keep one row for each employee."
    unmapped = "Add the value to the mapping's values."
    return (
        Rule("missing_id", "id_form", Check.ne, ("missing",), (ID,), "the id is blank", "Give every employee an id."),
        Rule("duplicate_id", "id_copied", Check.ne, (True,), (ID,), "several rows have the same id", once),
        Rule("reserved_id", "id_reserved", Check.ne, (True,), (ID,), form, other),
        Rule("unmapped_value", "has_unmapped", Check.ne, (True,), ("unmapped",), "a value has no meaning", unmapped),
    )


def _texts() -> tuple[Rule, ...]:
    long = f"a value has more than {LONGEST_TEXT:,} characters"
    close = "Shorten it, or look for a quote that is not closed."
    export = "Export the file again: text holds no NUL."
    return (
        Rule("long_value", "is_too_long", Check.ne, (True,), ("too_long",), long, close),
        Rule(
            "value_with_nul", "is_not_text", Check.ne, (True,), ("not_text",), "a value holds the character NUL", export
        ),
    )


def _days() -> tuple[Rule, ...]:
    missing, unreadable = ("missing",), ("unreadable",)
    born, hired, left = "the birth date is", "the hire date is", "the termination date is"
    give = "Give the day, as YYYY-MM-DD."
    return (
        Rule("missing_birth_date", "birth_form", Check.ne, missing, (BIRTH,), f"{born} missing", give),
        Rule("unreadable_birth_date", "birth_form", Check.ne, unreadable, (BIRTH,), f"{born} not a day", DAY_FIX),
        Rule("missing_hire_date", "hire_form", Check.ne, missing, (HIRE,), f"{hired} missing", give),
        Rule("unreadable_hire_date", "hire_form", Check.ne, unreadable, (HIRE,), f"{hired} not a day", DAY_FIX),
        Rule("unreadable_termination_date", "leave_form", Check.ne, unreadable, (LEAVE,), f"{left} not a day", DAY_FIX),
    )


def _order_of_days() -> tuple[Rule, ...]:
    limits = (YOUNGEST, OLDEST)
    aged = f"the age at the census date is under {YOUNGEST} or over {OLDEST}"
    born, future, left = "days_from_birth_to_hire", "days_from_hire_to_census", "days_from_hire_to_leaving"
    correct = "Correct one of the two dates."
    later = "Leave out people hired later, or give a later census date (--census-date)."
    century = "Correct the birth date; a century may be wrong (1875 for 1975)."
    return (
        Rule("born_after_hire", born, Check.gt, (0,), (BIRTH, HIRE), "born on or after the hire date", correct),
        Rule("hired_after_census", future, Check.ge, (0,), (HIRE,), "hired after the census date", later),
        Rule("left_before_hire", left, Check.ge, (0,), (HIRE, LEAVE), "left before the hire date", correct),
        Rule("impossible_age", "age", Check.in_range, limits, (BIRTH,), aged, century),
    )


def _pay(lowest: Decimal, highest: Decimal) -> tuple[Rule, ...]:
    limits = (float(lowest), float(highest))
    absurd = f"the pay is under {lowest:,} or over {highest:,} a year"
    plain = "Write a plain number: no currency sign, no thousands separator, a point before the cents."
    give = "Give the pay of a year."
    yearly = "Give the pay of a year; minimum_pay and maximum_pay of a census mapping set other limits."
    outside = "Let pay_position of the mapping give a number from 0 to 1."
    position = "the position in the pay range is not from 0 to 1"
    return (
        Rule("missing_pay", "pay_form", Check.ne, ("missing",), (PAY,), "the pay is missing", give),
        Rule("unreadable_pay", "pay_form", Check.ne, ("unreadable",), (PAY,), "the pay is not a number", plain),
        Rule("pay_not_positive", "pay", Check.gt, (0,), (PAY,), "the pay is zero or negative", give),
        Rule("absurd_pay", "positive_pay", Check.in_range, limits, (PAY,), absurd, yearly),
        Rule("pay_position", "pay_position", Check.in_range, (0, 1), (PAY,), position, outside),
    )


def _status(levels: Sequence[JobLevel]) -> tuple[Rule, ...]:
    known = [float(level.level_id) for level in levels]
    yes = "Write true or false (yes, no, y, n, t, f, 1 and 0 are understood too)."
    among = f"Give a level from 1 to {len(known)}, or leave it blank: it is then read from the pay."
    hours = "Give the hours as a plain number, or leave them blank."
    odd = "the scheduled hours are not a number from 0"
    return (
        Rule("missing_active", "active_form", Check.ne, ("missing",), ("active",), "active is missing", yes),
        Rule("unreadable_active", "active_form", Check.ne, ("unreadable",), ("active",), "active is no yes or no", yes),
        Rule("unknown_level", "level", Check.isin, (known,), ("level_id",), "the level is not a job level", among),
        Rule("invalid_hours", "hours", Check.ge, (0,), ("scheduled_hours",), odd, hours),
    )

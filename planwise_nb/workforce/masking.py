"""How a social security number is masked, in SQL."""

MASK = "XXX-XX-"
"""What stands before the digits that are kept."""


def masked(column: str) -> str:
    """The SQL that keeps the last four digits of ``column``; a number that is masked already stays as it is."""
    digits = f"regexp_replace({column}, '[^0-9]', '', 'g')"
    last_four = f"case when length({digits}) >= 4 then right({digits}, 4) else 'XXXX' end"
    return f"case when {column} is not null then '{MASK}' || {last_four} end"

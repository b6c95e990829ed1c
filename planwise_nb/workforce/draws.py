"""The random numbers of the model, in Python: for checking a run by hand; the models draw the same ones in SQL."""

from __future__ import annotations

import hashlib

STREAMS: dict[str, tuple[str, int]] = {
    "termination": ("termination", 0),
    "termination_date": ("termination", 1),
    "promotion": ("promotion", 0),
    "promotion_date": ("promotion", 1),
    "raise_month": ("raise", 0),
    "raise_day": ("raise", 1),
    "hire_age": ("hire", 0),
    "hire_birth_date": ("hire", 1),
    "hire_date": ("hire", 2),
    "hire_compensation": ("hire", 3),
    "department": ("hire_attributes", 0),
    "gender": ("hire_attributes", 1),
    "location": ("hire_attributes", 2),
    "scheduled_hours": ("hire_attributes", 3),
    "new_hire_termination": ("new_hire_termination", 0),
    "new_hire_termination_date": ("new_hire_termination", 1),
}
"""Block and slice of every stream, as in ``dbt/macros/draw.sql``."""


def draw(seed: int, stream: str, year: int, employee_id: str) -> float:
    """The number that ``stream`` draws for an employee in a year, strictly between 0 and 1.

    1. The stream names a block and a slice from 0 to 3 (``STREAMS``).
    2. The key is the text ``seed|block|year|employee_id``: seed and year in plain decimal digits, one vertical bar
       between, nothing before or after, such as ``42|hire|2025|NH_2025_000001``.
    3. Its UTF-8 bytes have an MD5 digest of 16 bytes. Slice 0 is the first four of them, slice 3 the last four.
    4. The four bytes, least significant first, are a whole number x from 0 to 2^32 - 1.
    5. The draw is (x + 0.5) / 2^32, which a double holds exactly.

    No scenario is in the key, so scenarios with one seed share their luck. Raises ``KeyError`` for an unknown stream.
    """
    block, place = STREAMS[stream]
    digest = hashlib.md5(f"{seed}|{block}|{year}|{employee_id}".encode(), usedforsecurity=False).digest()
    x = int.from_bytes(digest[4 * place : 4 * place + 4], "little")
    return (x + 0.5) / 2**32

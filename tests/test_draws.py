"""The random numbers: made from their key alone, the same in SQL and in Python."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable, Mapping
from decimal import Decimal
from itertools import accumulate

import pytest

from planwise_nb.core import store
from planwise_nb.workforce.draws import STREAMS, draw
from planwise_nb.workforce.scenario import Hiring
from tests.simulation import SHIPPED_TABLES, Simulation

KEYS = [(42, 2025, "EMP_000001"), (0, 2028, "NH_2028_000007"), (2**63 - 1, 2199, "Łukasz|Ünal 7"), (7, 2025, " ")]

IN_SQL = """
    {% for stream, place in streams().items() %}
    select '{{ stream }}' as stream, random_seed, employee_id, {{ draw(stream) }} as u
    from (select *, {{ digest(place[0]) }} as {{ place[0] }}_digest from people)
    {{ 'union all' if not loop.last }}
    {% endfor %}
"""


def drawn_in_sql(simulation: Simulation, year: int, people: list[tuple[int, str]]) -> list[tuple]:
    with store.connect() as connection:
        connection.execute("create table people (random_seed bigint, employee_id varchar)")
        connection.executemany("insert into people values (?, ?)", people)
        return connection.execute(simulation.compiled(IN_SQL, year)).fetchall()


@pytest.mark.parametrize("year", sorted({year for _, year, _ in KEYS}))
def test_sql_and_python_draw_the_same_number_in_every_stream(two_years: Simulation, year: int) -> None:
    people = [(seed, employee_id) for seed, of, employee_id in KEYS if of == year]
    drawn = drawn_in_sql(two_years, year, people)
    assert len(drawn) == len(STREAMS) * len(people)
    assert drawn == [(stream, seed, who, draw(seed, stream, year, who)) for stream, seed, who, _ in drawn]


def test_sql_and_python_have_the_same_table_of_streams(two_years: Simulation) -> None:
    assert ast.literal_eval(two_years.compiled("{{ streams() }}")) == STREAMS


def test_no_two_streams_share_a_slice_of_a_block() -> None:
    assert len(set(STREAMS.values())) == len(STREAMS)
    assert {place for _, place in STREAMS.values()} <= {0, 1, 2, 3}


@pytest.mark.parametrize(
    ("key", "drawn"),
    [
        ((42, "termination", 2025, "EMP_000001"), 0.4842352397972718),
        ((42, "hire_compensation", 2025, "NH_2025_000001"), 0.8952360668918118),
        ((7, "location", 2029, "Zoë"), 0.7525042885681614),
    ],
)
def test_known_draws_never_change(key: tuple[int, str, int, str], drawn: float) -> None:
    assert draw(*key) == drawn


def test_a_stranger_gets_the_draw_from_its_description() -> None:
    digest = hashlib.md5(b"42|hire|2025|NH_2025_000001").hexdigest()
    x = int.from_bytes(bytes.fromhex(digest[16:24])[::-1])
    assert draw(42, "hire_date", 2025, "NH_2025_000001") == (x + 0.5) / 4294967296


def share_of(shares: Mapping[int, Decimal], u: float) -> int:
    """The first value at which the running sum of the shares goes over the draw, in whole millionths."""
    sums = accumulate(shares[value] for value in sorted(shares))
    return next(
        value for value, upto in zip(sorted(shares), sums, strict=True) if int(u * 1_000_000) < upto * 1_000_000
    )


USES: dict[str, tuple[str, Callable[[float], int]]] = {
    "termination_date": ("dayofyear(termination_date) from int_experienced_terminations", lambda u: 1 + int(u * 365)),
    "promotion_date": ("dayofyear(promotion_date) from int_promotions", lambda u: 1 + int(u * 365)),
    "raise_month": ("month(raise_date) from int_raises", lambda u: share_of(SHIPPED_TABLES.raise_timing, u)),
    "raise_day": ("day(raise_date) from int_raises where month(raise_date) in (1, 7)", lambda u: 1 + int(u * 31)),
    "hire_date": ("dayofyear(employee_hire_date) from int_hires", lambda u: 1 + int(u * 364)),
    "hire_age": ("age from int_hires", lambda u: share_of(Hiring().ages, u)),
    "hire_birth_date": (
        "date_diff('day', employee_birth_date, cast(employee_hire_date - to_years(age) as date)) from int_hires",
        lambda u: int(u * 365),
    ),
    "hire_compensation": (
        "compensation_cents from int_hires where level_id = 4",
        lambda u: (23_050_000 * (1_000_000 + round((2 * u - 1) * 100_000)) + 500_000) // 1_000_000,
    ),
}
"""By stream, a figure of the tables and how it comes from the draw."""


@pytest.mark.parametrize("stream", USES)
def test_figures_of_the_tables_are_those_of_the_draws(two_years: Simulation, stream: str) -> None:
    figure, from_draw = USES[stream]
    found = two_years.rows(f"select employee_id, simulation_year, {figure}")
    assert found == [(who, year, from_draw(draw(42, stream, year, who))) for who, year, _ in found]
    assert len(found) > 20


def test_who_is_promoted_drew_less_than_the_probability(two_years: Simulation) -> None:
    promoted = two_years.rows("select employee_id, simulation_year, event_probability from int_promotions")
    assert all(draw(42, "promotion", year, who) < probability for who, year, probability in promoted)
    assert len(promoted) > 100


@pytest.mark.parametrize("stream", STREAMS)
def test_draws_spread_evenly_between_zero_and_one(stream: str) -> None:
    drawn = [draw(42, stream, 2025, f"EMP_{number:06d}") for number in range(10_000)]
    tenths = [sum(int(u * 10) == tenth for u in drawn) for tenth in range(10)]
    assert 0 < min(drawn) < max(drawn) < 1
    # chi-squared with 9 degrees of freedom is over 33.7 once in 10,000
    assert sum((count - 1000) ** 2 / 1000 for count in tenths) < 33.7


def test_streams_of_one_person_have_nothing_in_common() -> None:
    people = [f"EMP_{number:06d}" for number in range(10_000)]
    first, second = ([draw(42, stream, 2025, who) for who in people] for stream in ("raise_month", "raise_day"))
    product = sum((a - 0.5) * (b - 0.5) for a, b in zip(first, second, strict=True))
    assert abs(product / len(people) * 12) < 0.04

"""The random numbers: made from their key alone, the same in SQL and in Python."""

from __future__ import annotations

import ast
import hashlib

import pytest

from planwise_nb.core import store
from planwise_nb.workforce.draws import STREAMS, draw
from tests.simulation import Simulation

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


def test_dates_in_the_tables_are_those_of_the_draws(two_years: Simulation) -> None:
    hires = two_years.rows("select employee_id, simulation_year, dayofyear(employee_hire_date) from int_hires")
    expected = [(who, year, 1 + int(draw(42, "hire_date", year, who) * 364)) for who, year, _ in hires]
    assert hires == expected and len(hires) > 100


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

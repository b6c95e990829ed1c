"""The shipped census and its like: made, deterministic, plausible, accepted."""

import hashlib
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from planwise_nb.core.errors import InputError
from planwise_nb.workforce.census import read_census
from planwise_nb.workforce.generator import make_census
from planwise_nb.workforce.job_levels import JobLevel

SHIPPED = Path(__file__).parents[1] / "params" / "census" / "sample_1000.csv"
LEVEL = JobLevel(level_id=1, name="Any", min_compensation=1, max_compensation=2)


def accepted(path):
    return read_census(
        path, census_map=None, census_date=date(2024, 12, 31), simulated_years=range(2025, 2030), job_levels=[LEVEL]
    )


@pytest.mark.parametrize("extension", ["csv", "parquet"])
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path, extension):
    paths = [tmp_path / f"{name}.{extension}" for name in "abc"]
    for path, seed in zip(paths, (1, 1, 2), strict=True):
        make_census(3000, seed, path)
    first, again, other = [path.read_bytes() for path in paths]
    assert first == again
    assert first != other


def test_the_shipped_census_is_what_the_generator_makes(tmp_path):
    make_census(1000, 42, tmp_path / "made.csv")
    assert (tmp_path / "made.csv").read_bytes() == SHIPPED.read_bytes()


def test_a_made_census_is_accepted_without_a_warning_in_every_format(tmp_path):
    for name in ("made.csv", "made.parquet", "made.xlsx"):
        make_census(200, 7, tmp_path / name)
    tables = [accepted(tmp_path / name) for name in ("made.csv", "made.parquet", "made.xlsx")]
    assert all(table.accepted.equals(tables[0].accepted) and not table.warnings for table in tables)


def test_ages_tenure_levels_and_leavers_are_plausible(tmp_path):
    make_census(20_000, 42, tmp_path / "made.parquet")
    people = pd.read_parquet(tmp_path / "made.parquet")
    born, hired = pd.to_datetime(people["employee_birth_date"]), pd.to_datetime(people["employee_hire_date"])
    ages = (pd.Timestamp("2024-12-31") - born).dt.days / 365.25
    pay = people["employee_gross_compensation"].astype(float)
    assert ages.min() >= 18 and ages.max() < 69
    assert ((hired - born).dt.days / 365.25).min() > 17.99
    assert 0.11 < 1 - people["active"].mean() < 0.13
    assert 0.5 < (pay < 81_000).mean() < 0.6 and 0.01 < (pay >= 275_000).mean() < 0.03
    assert (pay % 100 == 0).all() and pay.corr(ages) > 0.3
    assert people["employee_termination_date"].notna().equals(~people["active"])


def test_social_security_numbers_are_unique_and_of_ranges_that_are_issued(tmp_path):
    make_census(20_000, 42, tmp_path / "made.parquet")
    numbers = pd.read_parquet(tmp_path / "made.parquet")["employee_ssn"]
    assert numbers.is_unique
    assert numbers.str.fullmatch(r"(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}").all()


def test_a_draw_can_be_made_by_a_stranger_from_its_key(tmp_path):
    make_census(50, 9, tmp_path / "made.parquet")
    people = pd.read_parquet(tmp_path / "made.parquet")
    for row in people.itertuples():
        digest = hashlib.md5(f"9|census_dates|0|{row.employee_id}".encode(), usedforsecurity=False).digest()
        leaves = (int.from_bytes(digest[8:12], "little") + 0.5) / 2**32
        assert row.active == (leaves >= 0.12)


@pytest.mark.parametrize(
    ("employees", "seed", "name", "said"),
    [
        (0, 1, "a.csv", "number of employees is 0"),
        (20_000_001, 1, "a.csv", "from 1 to 20,000,000"),
        (2_000_000, 1, "a.xlsx", "from 1 to 1,048,575"),
        (10, -1, "a.csv", "seed is -1"),
        (10, 1, "a.json", ".json is not a known format"),
        (10, 1, "a", "no extension"),
    ],
)
def test_what_cannot_be_made_is_refused(tmp_path, employees, seed, name, said):
    with pytest.raises(InputError) as refused:
        make_census(employees, seed, tmp_path / name)
    assert said in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_is_overwritten_only_on_demand(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("mine")
    with pytest.raises(InputError, match="it exists"):
        make_census(5, 1, path)
    assert path.read_text() == "mine"
    make_census(5, 1, path, force=True)
    assert path.read_text().count("\n") == 6

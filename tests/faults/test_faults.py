"""Nothing is lost, doubled or different, whatever ends a run: the short form of ``make faults``."""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from planwise_nb.workforce.generator import make_census
from tests.faults import damage
from tests.faults.harness import (
    Laboratory,
    digests,
    faults_of,
    kill_kernel,
    kill_runner,
    next_record,
    random_blows,
    stopped_by,
    survive,
)

DAMAGED = [
    ("simulation.duckdb", ["--force-step", "pre_simulation"]),
    ("manifest.json", None),
    ("notebooks/2025/04_event_generation.ipynb", ["--force-step", "event_generation", "--year", "2025"]),
]
"""Files to cut to half, and the remedy that the message names; without one, a copy of the file."""


def laboratory_in(place: Path) -> Laboratory:
    """A place with a small census and one uninterrupted run of it."""
    place.chmod(0o755)
    make_census(60, 7, place / "census.csv")
    made = Laboratory(place, place / "census.csv", {})
    done = made.finished(made.new_run())
    assert done.returncode == 0, done.stderr
    [folder] = made.folders()
    ready = Laboratory(place, made.census, digests(folder))
    shutil.copytree(folder, ready.kept / folder.name)
    assert list(faults_of(ready, folder)) == []
    return ready


@pytest.fixture(scope="module")
def laboratory() -> Iterator[Laboratory]:
    place = Path(tempfile.mkdtemp(prefix="planwise-faults-"))
    yield laboratory_in(place)
    shutil.rmtree(place)


def test_a_run_that_is_killed_again_and_again_ends_as_the_uninterrupted_one(laboratory: Laboratory) -> None:
    blows = [*random_blows(1, 2, kill_runner, 8.0), (next_record, kill_runner), *random_blows(2, 1, kill_kernel, 8.0)]
    assert list(survive(laboratory, blows)) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_asked_to_stop_does_so_in_five_seconds(laboratory: Laboratory, number: signal.Signals) -> None:
    assert list(stopped_by(laboratory, number, 0.5)) == []


def test_a_full_disk_fails_the_run_which_goes_on_with_room_again(laboratory: Laboratory) -> None:
    assert list(damage.full_disk(laboratory, 20_000, 7)) == []


def test_a_folder_that_cannot_be_written_is_refused_and_nothing_is_lost(laboratory: Laboratory) -> None:
    assert list(damage.read_only(laboratory)) == []


@pytest.mark.parametrize(("name", "remedy"), DAMAGED)
def test_a_truncated_file_is_named_with_its_remedy(laboratory: Laboratory, name: str, remedy: list[str] | None) -> None:
    assert list(damage.truncated(laboratory, name, remedy=remedy)) == []


def test_a_taken_lock_is_told_and_a_database_in_use_is_waited_for(laboratory: Laboratory) -> None:
    assert list(damage.taken_lock(laboratory)) == []


def test_a_clock_that_jumps_back_changes_no_result(laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(damage.clock_back(laboratory, monkeypatch)) == []

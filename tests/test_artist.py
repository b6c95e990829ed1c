"""Charts are drawn by a process beside the one that needs them."""

from __future__ import annotations

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from planwise_nb.core import pictures
from planwise_nb.core.artist import artist, drawn

BARS = {
    "data": {"values": [{"level": "1", "heads": 3}, {"level": "2", "heads": 5}]},
    "mark": {"type": "bar", "clip": True},
    "encoding": {"x": {"field": "level", "type": "nominal"}, "y": {"field": "heads", "type": "quantitative"}},
}
ENDS = """
import sys
from planwise_nb.core.artist import artist
artist().draw({"data": {"values": []}, "mark": "point"})
print(artist()._process.pid)
if "at once" in sys.argv:
    import os
    sys.stdout.flush()
    os._exit(0)
"""
IMPORTS = """
import sys
from planwise_nb.core.imports import quick_imports
with quick_imports():
    import jsonschema
print("rfc3987_syntax" in sys.modules)
import rfc3987_syntax
print(rfc3987_syntax.is_valid_syntax("iri", "https://example.org/"))
"""


def test_a_chart_is_drawn_as_in_this_process() -> None:
    assert artist().draw(BARS) == pictures.svg(BARS)
    assert "<svg" in artist().draw(BARS)


def test_a_chart_that_cannot_be_drawn_is_told_and_the_next_one_is_drawn() -> None:
    with pytest.raises(ValueError, match="conversion failed"):
        artist().draw({"mark": "no such mark"})
    assert "<svg" in artist().draw(BARS)


def test_a_chart_is_drawn_although_the_artist_was_killed() -> None:
    one = artist()
    one._process.kill()
    one._process.wait()
    assert one.draw(BARS) == pictures.svg(BARS)
    assert artist() is not one
    assert artist().draw(BARS) == pictures.svg(BARS)


def test_charts_that_wait_are_drawn_although_the_artist_was_killed() -> None:
    with ThreadPoolExecutor(1) as drawings:
        waiting = [drawings.submit(drawn, BARS) for _ in range(10)]
        artist()._process.kill()
        waiting.append(drawings.submit(drawn, BARS))
    assert {picture.result() for picture in waiting} == {pictures.svg(BARS)}


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no alarm interrupts a call here")
def test_a_chart_that_was_interrupted_is_not_taken_for_the_next_one() -> None:
    points = {"data": {"sequence": {"start": 0, "stop": 50_000, "as": "x"}}, "mark": "point", "encoding": {}}
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            artist().draw(points)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert artist().draw(BARS) == pictures.svg(BARS)


@pytest.mark.parametrize("how", ["in order", "at once"])
def test_the_artist_ends_with_the_process_that_it_serves(how: str) -> None:
    said = subprocess.run([sys.executable, "-c", ENDS, how], capture_output=True, text=True, check=True)
    assert said.stderr == ""
    psutil.wait_procs([process for process in psutil.process_iter() if process.pid == int(said.stdout)], timeout=20)
    assert not psutil.pid_exists(int(said.stdout))


def test_a_parser_that_nobody_needs_is_left_out_and_there_for_whoever_imports_it() -> None:
    said = subprocess.run([sys.executable, "-c", IMPORTS], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["False", "True"]

"""Measures every figure that the documentation quotes: ``make bench``, with ``BENCH=full`` for the large ones.

Prints a table and writes ``outputs/benchmarks.json`` with machine, versions and date. Two programs that are compared
run in turn, in whole processes.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from benchmarks.luck import measured_luck
from benchmarks.measure import Measured, in_turn, measure, planwise, python
from benchmarks.tunings import tunings
from planwise_nb.core.ledger import Ledger
from planwise_nb.core.pipeline import Key
from planwise_nb.core.runs import Run
from planwise_nb.workforce.generator import make_census
from planwise_nb.workforce.pipeline import WORKFORCE

REFERENCE = Path(__file__).parents[2] / "shared" / "data" / "hr" / "census_5k.parquet"
PEOPLE = 5_000
FEW, MANY = 1, 6
VERSIONS = ("planwise-notebooks", "papermill", "dbt-core", "dbt-duckdb", "duckdb", "pandas", "ipykernel")
CHECKS = 200
TUNINGS = 100
SEEDS = 40


@dataclass(frozen=True)
class Row:
    """One line of the table: what was measured, the figure with its unit, and what is to be reached."""

    benchmark: str
    figure: float
    unit: str
    reach: str
    detail: str

    def __str__(self) -> str:
        return f"| {self.benchmark} | {self.figure:,.3g} {self.unit} | {self.reach} | {self.detail} |"


class Bench:
    """The benchmarks, on files below ``place``."""

    def __init__(self, place: Path, pairs: int) -> None:
        self.place = place
        self.pairs = pairs
        self.seconds: dict[int, float] = {}

    def small(self) -> dict[str, Callable[[], Row | Iterator[Row]]]:
        """What takes minutes."""
        return {
            "help": self.help,
            "notebook": self.notebook,
            "reference": lambda: self.reference(PEOPLE, "five audited years, 5,000 people", "at most 3 x"),
            "hundred_thousand": lambda: self.reference(100_000, "the same, 100,000 people", "at most 4 x"),
            "audit": lambda: self.audit(100_000, self.pairs, "at most 2 x"),
            "ensemble": self.ensemble,
            "luck": self.luck,
            "checklist": self.checklist,
        }

    def large(self) -> dict[str, Callable[[], Row | Iterator[Row]]]:
        """What takes an hour."""
        return {
            "million": self.million,
            "audit_million": lambda: self.audit(1_000_000, self.pairs, "at most 1.3 x"),
            "script": self.script,
            "ten_million": self.ten_million,
            "tune": self.tune,
            "tunings": self.tunings,
        }

    def help(self) -> Row:
        """The command line's first answer."""
        seconds = [measure(planwise("--help")).seconds for _ in range(5)]
        return Row("`planwise --help`", statistics.median(seconds), "s", "under 0.3 s", "median of 5 processes")

    def notebook(self) -> Row:
        """What one notebook more costs, from its start until it is saved: the difference of two whole processes."""

        def overhead(kind: str) -> Callable[[], Measured]:
            def run() -> Measured:
                few, many = (measure(self._notebooks(kind, count)).seconds for count in (FEW, MANY))
                return Measured((many - few) / (MANY - FEW), 0)

            return run

        pairs = in_turn(overhead("forked"), overhead("plain"), self.pairs)
        ours, plain = (statistics.median([pair[side].seconds for pair in pairs]) for side in (0, 1))
        share = statistics.median([one.seconds / other.seconds for one, other in pairs])
        detail = f"{ours:.2f} s against {plain:.2f} s; of {len(pairs)} pairs"
        return Row("overhead of a notebook against plain papermill", share, "x", "at most 0.05 x", detail)

    def reference(self, people: int, name: str, reach: str) -> Row:
        """The audited run, all cold, against one trivial notebook under plain papermill with the usual imports."""
        census = self.census(people)
        pairs = in_turn(lambda: measure(self._run(census)), lambda: measure(self._notebooks("plain", 1)), self.pairs)
        ours, plain = (statistics.median([pair[side].seconds for pair in pairs]) for side in (0, 1))
        share = statistics.median([one.seconds / other.seconds for one, other in pairs])
        detail = f"{ours:.1f} s, 37 notebooks; one trivial notebook {plain:.1f} s; of {len(pairs)} pairs"
        return Row(f"{name}, against one trivial notebook", share, "x", reach, detail)

    def audit(self, people: int, pairs: int, reach: str) -> Row:
        """The full run against the same models run straight in one process."""
        census = self.census(people)
        found = in_turn(lambda: measure(self._run(census)), lambda: measure(self._models(census)), pairs)
        ours, straight = (statistics.median([pair[side].seconds for pair in found]) for side in (0, 1))
        share = statistics.median([one.seconds / other.seconds for one, other in found])
        detail = f"{ours:.1f} s against {straight:.1f} s; of {len(found)} pairs"
        return Row(f"cost of the audit, {people:,} people", share, "x", reach, detail)

    def million(self) -> Iterator[Row]:
        """One million people, and how time grows with people and with years."""
        done = measure(self._run(self.census(1_000_000)), with_memory=True)
        yield Row("five audited years, 1,000,000 people", done.seconds, "s", "under 120 s", "one run")
        yield Row("its memory", done.megabytes / 1000, "GB", "under 6 GB", "all processes together, sampled")
        yield self.events()
        yield self.years()
        self.seconds |= {1_000_000: done.seconds, 100_000: measure(self._run(self.census(100_000))).seconds}
        yield self.growth()

    def years(self) -> Row:
        """How the time of the last run grew with its years: the exponent of the best fit of logarithms."""
        records = self.manifest()["steps"]
        years = sorted({record["period"] for record in records if record["period"]})
        spent = [sum(record["seconds"] for record in records if record["period"] == year) for year in years]
        detail = f"seconds by year: {', '.join(f'{seconds:.1f}' for seconds in spent)}"
        figure = exponent({count: sum(spent[:count]) for count in range(1, len(years) + 1)})
        return Row("growth with years", figure, "", "exponent of at most 1.1", detail)

    def growth(self) -> Row:
        """How time grew with people, over all sizes that ran."""
        detail = "; ".join(f"{people:,} people {seconds:.0f} s" for people, seconds in sorted(self.seconds.items()))
        return Row("growth with people", exponent(self.seconds), "", "exponent of at most 1.1", detail)

    def script(self) -> Row:
        """The models against one SQL script of the same arithmetic."""
        census = self.census(1_000_000)
        found = in_turn(lambda: measure(self._models(census)), lambda: measure(self._script(census)), self.pairs)
        ours, script = (statistics.median([pair[side].seconds for pair in found]) for side in (0, 1))
        share = statistics.median([one.seconds / other.seconds for one, other in found])
        detail = f"{ours:.1f} s against {script:.1f} s; of {len(found)} pairs"
        return Row("the models against one SQL script, 1,000,000 people", share, "x", "at most 2 x", detail)

    def ten_million(self) -> Iterator[Row]:
        """Ten million people."""
        done = measure(self._run(self.census(10_000_000)), with_memory=True)
        detail = f"{done.megabytes / 1000:.1f} GB"
        yield Row("five audited years, 10,000,000 people", done.seconds, "s", "in 24 GB", detail)
        self.seconds[10_000_000] = done.seconds
        if len(self.seconds) > 1:
            yield self.growth()

    def events(self) -> Row:
        """Events a second of the whole step that makes them, in the last run."""
        steps = [record for record in self.manifest()["steps"] if record["step"] == "event_generation"]
        events = sum(record["tables"]["fct_yearly_events"]["rows"] for record in steps)
        seconds = sum(record["seconds"] for record in steps)
        detail = f"{events:,} events in {seconds:.1f} s, notebook, checks and digests included"
        return Row("events a second in the event step", events / seconds, "/s", "over 500,000 /s", detail)

    def ensemble(self) -> Row:
        """A hundred members."""
        done = measure(
            planwise("ensemble", "--seeds", "100", "--census", str(self.census(PEOPLE)), "--out", self.out())
        )
        detail = "100 seeds x 5,000 people x 5 years, one process"
        return Row("an ensemble", done.seconds, "s", "under 60 s", detail)

    def tune(self) -> Row:
        """From the question to the run that answers it."""
        command = planwise("tune", "--target", "growth=0.02", "--census", str(self.census(PEOPLE)), "--out", self.out())
        seconds = [measure(command).seconds for _ in range(self.pairs)]
        detail = f"5,000 people, five years, with the full run; median of {len(seconds)}"
        return Row("`planwise tune`", statistics.median(seconds), "s", "under 60 s", detail)

    def tunings(self) -> Iterator[Row]:
        """Targets drawn at random from what the levers can reach."""
        censuses = [self.census(PEOPLE)]
        for people in (300, 1_000):
            censuses.append(self.place / f"synthetic_{people}.parquet")
            make_census(people, people, censuses[-1])
        done = list(tunings(censuses, (7, 42), TUNINGS, (2025, 2027)))
        kept = all(tuned.is_within_bounds for tuned in done)
        reached = sum(tuned.is_converged for tuned in done)
        detail = f"{len(censuses)} censuses, 2 seeds, 3 years; {'no bound passed' if kept else 'A BOUND WAS PASSED'}"
        yield Row("random feasible targets that converge", reached, f"of {len(done)}", "98 of 100", detail)
        iterations = [tuned.iterations for tuned in done]
        detail = f"at most {max(iterations)}"
        yield Row("iterations of a tuning", statistics.median(iterations), "", "median of at most 4", detail)

    def luck(self) -> Iterator[Row]:
        """How much less two scenarios differ by luck when they share it."""
        for lever in measured_luck(self.census(PEOPLE), SEEDS, (2025, 2029)):
            name = f"variance of the difference by one step of {lever.lever}, {lever.metric}"
            detail = f"{SEEDS} seeds; the difference is {lever.difference:,.0f} on average"
            yield Row(name, lever.ratio, "x lower", "at least 10 x lower", detail)

    def checklist(self) -> Row:
        """Whether a step may run."""
        folder = next(self.place.glob("runs/*/*/manifest.json")).parent
        run = Run(WORKFORCE, folder, Ledger(folder.parents[1]))
        key: Key = (WORKFORCE.steps[0].name, run.manifest["periods"][-1])
        seconds = []
        for _ in range(CHECKS):
            began = time.perf_counter()
            run.checklist.require(key)
            seconds.append(time.perf_counter() - began)
        return Row("a checklist check", statistics.median(seconds) * 1000, "ms", "under 5 ms", f"median of {CHECKS}")

    def census(self, people: int) -> Path:
        """The reference census, or a synthetic one where it is not here, as often as it takes."""
        target = self.place / f"census_{people}.parquet"
        if not target.exists():
            source = REFERENCE
            if not REFERENCE.exists():
                source = self.place / "source.parquet"
                make_census(PEOPLE, 1, source)
            measure(python("-m", "benchmarks.programs", "census", str(source), str(people), str(target)))
        return target

    def manifest(self) -> dict[str, Any]:
        """The manifest of the last run."""
        manifest: dict[str, Any] = json.loads(next(self.place.glob("runs/*/*/manifest.json")).read_text("utf-8"))
        return manifest

    def out(self) -> str:
        """Where the next run lands; that of the last one is removed."""
        shutil.rmtree(self.place / "runs", ignore_errors=True)
        return str(self.place / "runs")

    def _run(self, census: Path) -> list[str]:
        return planwise("run", "baseline", "--years", "2025-2029", "--census", str(census), "--out", self.out())

    def _models(self, census: Path) -> list[str]:
        shutil.rmtree(self.place / "straight", ignore_errors=True)
        return python("-m", "benchmarks.programs", "models", str(census), "5", str(self.place / "straight"))

    def _script(self, census: Path) -> list[str]:
        shutil.rmtree(self.place / "script", ignore_errors=True)
        return python("-m", "benchmarks.programs", "script", str(census), "5", str(self.place / "script"))

    @staticmethod
    def _notebooks(kind: str, count: int) -> list[str]:
        return python("-m", "benchmarks.programs", "notebooks", kind, str(count))


def exponent(seconds: Mapping[int, float]) -> float:
    """The power of its size with which time grows: the slope of the best fit of logarithms."""
    points = [(math.log(size), math.log(spent)) for size, spent in seconds.items()]
    return statistics.linear_regression(*zip(*points, strict=True)).slope


def machine() -> dict[str, object]:
    """What the figures were measured on."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cpus": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in VERSIONS},
    }


def main() -> None:
    """Measure, print the table, write the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="the large ones, too")
    parser.add_argument("--only", nargs="*", default=(), help="these only, by name: notebook, reference, million …")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--json", type=Path, default=Path("outputs/benchmarks.json"))
    given = parser.parse_args()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="planwise-bench-") as place:
        bench = Bench(Path(place), given.pairs)
        chosen = bench.small() | (bench.large() if given.full or given.only else {})
        print("| benchmark | measured | reach | how |\n| --- | --- | --- | --- |", flush=True)
        for name, benchmark in chosen.items():
            if given.only and name not in given.only:
                continue
            found = benchmark()
            for row in [found] if isinstance(found, Row) else found:
                rows.append(row)
                print(row, flush=True)
    given.json.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"machine": machine(), "benchmarks": [asdict(row) for row in rows]}, indent=2)
    given.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

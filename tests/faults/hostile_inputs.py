"""Feeds malformed inputs to the command line and counts how they end: refused cleanly, or lost.

``python -m tests.faults.hostile_inputs [HOW_MANY]`` prints the figures and what was lost.
"""

from __future__ import annotations

import io
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planwise_nb.apps import answers
from planwise_nb.apps.cli import main
from tests.faults.corpus import written_inputs
from tests.faults.generated import generated_inputs
from tests.faults.inputs import HostileInput
from tests.simulation import working_directory

PATIENCE_SECONDS = 120
"""A command that takes longer over a malformed input hangs."""
MEGABYTES = 1_500
"""How much memory all of them together may need."""
LONGEST_REPORT = 40_000
WRONG = 2


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code, what it printed, and what it wrote."""

    code: object
    out: str
    error: str
    written: tuple[str, ...]


@dataclass(frozen=True)
class Figures:
    """How many malformed inputs were fed and refused cleanly; ``lost`` says why the others are lost."""

    fed: int
    refused: int
    valid: int
    lost: tuple[str, ...]
    seconds: float
    slowest: tuple[float, str]
    megabytes: int

    def __str__(self) -> str:
        said = f"inputs: {self.fed} fed, {self.refused} refused cleanly, {len(self.lost)} lost"
        slow, name = self.slowest
        more = f"{self.seconds:.0f} s, the slowest {slow:.1f} s ({name}), {self.megabytes} MB, {self.valid} found valid"
        return "\n".join([f"{said} ({more})", *(f"  lost: {reason}" for reason in self.lost)])


def feed_all(inputs: Sequence[HostileInput], folder: Path, wanted: int | None = None) -> Figures:
    """Feed ``inputs`` one after the other, each in a folder of its own, until ``wanted`` malformed ones are fed."""
    began, refused, valid, lost, slowest = time.monotonic(), 0, 0, [], (0.0, "")
    memory = _peak_memory(afresh=True)
    for number, one in enumerate(inputs):
        if wanted is not None and refused + len(lost) == wanted:
            break
        here = folder / f"{number:03d}"
        here.mkdir()
        started = time.monotonic()
        faults = feed(one, here)
        slowest = max(slowest, (time.monotonic() - started, one.name))
        if faults is None:
            valid += 1
        elif faults:
            lost.append(f"{one.name}: {'; '.join(faults)}")
        else:
            refused += 1
    megabytes = _peak_memory() - memory
    seconds = time.monotonic() - began
    return Figures(refused + len(lost), refused, valid, tuple(lost), seconds, slowest, megabytes)


def _peak_memory(*, afresh: bool = False) -> int:
    """The most memory that this process needed, in megabytes, since it was asked ``afresh`` where Linux can tell."""
    forget = Path("/proc/self/clear_refs")
    if not forget.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    if afresh:
        forget.write_text("5")
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) // 1024


def feed(one: HostileInput, folder: Path) -> list[str] | None:
    """What is wrong with the way in which ``one`` is refused; None where it turned out to be valid.

    A run is fed twice: to ``--validate-only --json``, and, once that refused, as it is; both must say the same.
    """
    for name, content in one.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content) if isinstance(content, bytes) else content(path)
    call = _call_apart if one.apart else _call
    is_run = one.arguments[0] == "run" and "--resume" not in one.arguments
    checked = call([*one.arguments, *(["--validate-only", "--json"] if is_run else [])], folder)
    if one.may_be_valid and checked.code == 0 and not checked.written:
        return None
    faults = [*_faults(one, checked), *(_json_faults(checked) if is_run else [])]
    if faults or not is_run:
        return faults
    run = call([*one.arguments], folder)
    same = [] if run.error == checked.error else ["--validate-only and run say different things"]
    return [*_faults(one, run), *same]


def _faults(one: HostileInput, ended: Ended) -> Iterator[str]:
    if ended.code != WRONG:
        yield f"exit code {ended.code}: {ended.error[-300:]!r}"
    if "Traceback" in ended.error or "Error:" in ended.error.splitlines()[-1:]:
        yield "a traceback"
    if missing := [text for text in one.says if text not in ended.error]:
        yield f"the report lacks {missing}: {ended.error[:300]!r}"
    if odd := {sign for sign in ended.error if not sign.isprintable() and sign != "\n"}:
        yield f"the report holds control characters {odd}"
    if len(ended.error) > LONGEST_REPORT:
        yield f"the report has {len(ended.error):,} characters"
    if ended.written:
        yield f"wrote {ended.written[:5]}"


def _json_faults(ended: Ended) -> Iterator[str]:
    try:
        said = json.loads(ended.out)
    except ValueError:
        yield f"standard output is not one JSON object: {ended.out[:100]!r}"
        return
    if said.get("status") != "refused":
        yield f"JSON says {said.get('status')}"
    if not said.get("errors") or not all(error.get("fix") and error.get("message") for error in said["errors"]):
        yield f"an error without message or fix: {said.get('errors')}"


class _TooSlow(BaseException):
    """The command did not end in time."""


def _call(arguments: Sequence[str], folder: Path) -> Ended:
    """The command line in this process."""
    before = _listing(folder)
    streams = [io.TextIOWrapper(io.BytesIO(), "utf-8", errors=errors) for errors in ("strict", "backslashreplace")]
    code: object = 0
    try:
        with (
            working_directory(folder),
            redirect_stdout(streams[0]),
            redirect_stderr(streams[1]),
            _as_typed(arguments),
            _time_limit(),
        ):
            main()
    except SystemExit as ended:
        code = ended.code
    except BaseException as error:
        code = f"Traceback of {type(error).__name__}: {error}"
    out, said = (_text(stream) for stream in streams)
    return Ended(code, out, said, _changes(before, _listing(folder)))


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    content: Any = stream.buffer
    return str(content.getvalue().decode("utf-8"))


@contextmanager
def _as_typed(arguments: Sequence[str]) -> Iterator[None]:
    """This process as a new one that was given ``arguments``."""
    before = sys.argv
    sys.argv, answers._has_printed_json = ["planwise", *arguments], False
    try:
        yield
    finally:
        sys.argv = before


@contextmanager
def _time_limit() -> Iterator[None]:
    def give_up(*_: object) -> None:
        raise _TooSlow

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _call_apart(arguments: Sequence[str], folder: Path) -> Ended:
    """The command line as a process of its own."""
    before = _listing(folder)
    code = "from planwise_nb.apps.cli import main; main()"
    command = [sys.executable, "-c", code, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, timeout=PATIENCE_SECONDS, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Ended("never ended", "", "", ())
    out, error = done.stdout.decode(), done.stderr.decode("utf-8", "backslashreplace")
    return Ended(done.returncode, out, error, _changes(before, _listing(folder)))


def _listing(folder: Path) -> dict[str, tuple[int, int]]:
    """Every name below ``folder`` with its size and time of change; links are not followed."""
    found = {}
    for parent, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            state = os.lstat(os.path.join(parent, name))  # noqa: PTH118 - names that are no valid paths, too
            found[os.path.relpath(os.path.join(parent, name), folder)] = (state.st_size, state.st_mtime_ns)  # noqa: PTH118
    return found


def _changes(before: Mapping[str, object], after: Mapping[str, object]) -> tuple[str, ...]:
    return tuple(sorted(name for name in {*before, *after} if before.get(name) != after.get(name)))


def feed_hostile_inputs(wanted: int = 300) -> Figures:
    """Feed ``wanted`` malformed inputs in a temporary folder: the written ones, then generated ones, always the same.

    The kinds of generated inputs are finite: fewer than about 1,500 are found, however many are wanted.
    """
    inputs = [*written_inputs(), *generated_inputs(each=max(12, wanted // 12))]
    with tempfile.TemporaryDirectory() as folder:
        return feed_all(inputs, Path(folder), wanted)


if __name__ == "__main__":
    figures = feed_hostile_inputs(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
    print(figures)
    sys.exit(1 if figures.lost else 0)

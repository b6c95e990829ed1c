"""How a command answers: a report on standard error, one JSON object on standard output where asked, an exit code."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from planwise_nb.core.errors import STOPPED, InputError, PlanwiseError
from planwise_nb.core.printable import inert

if TYPE_CHECKING:
    import pandas as pd

Out = Annotated[Path, typer.Option("--out", help="Where runs land, with their registry.")]
AsJson = Annotated[bool, typer.Option("--json", help="Standard output is one JSON object.")]
OUT = Path("outputs/runs")
WRONG_COMMAND = 2
WRONG = "The command was wrong."
LONGEST_LINE = 2_000
_has_printed_json = False


def exit_code_told(ended: SystemExit) -> None:
    """Where the command line itself was wrong and ``--json`` was asked for, say so in JSON too."""
    if ended.code == WRONG_COMMAND and "--json" in sys.argv and not _has_printed_json:
        error = InputError(WRONG, fix="See standard error, or: planwise --help")
        print_json({"status": "refused", "errors": error.as_json()})


@contextmanager
def reported(as_json: bool, began: float) -> Iterator[None]:
    """Say an error of the library on standard error, and as JSON where asked, then exit with its code."""
    try:
        yield
        sys.stdout.flush()
    except PlanwiseError as error:
        refuse(error, as_json, began)
    except BrokenPipeError:  # whoever read the output has gone, as head does; typer ends the command quietly
        raise
    except OSError as error:
        what = f"{error.filename or 'A file'} cannot be used: {error.strerror or error}."
        refuse(InputError(what, fix="Check the path and its permissions."), as_json, began)
    except KeyboardInterrupt:
        refuse(PlanwiseError(STOPPED), as_json, began)
    except Exception as error:
        from duckdb import Error  # noqa: PLC0415 - --help stays fast

        from planwise_nb.apps.faults import explained  # noqa: PLC0415

        if not isinstance(error, Error):  # a mistake of the program is shown with all that led to it
            raise
        refuse(explained(error), as_json, began)


def refuse(error: PlanwiseError, as_json: bool, began: float, **more: Any) -> NoReturn:
    """Say ``error`` and exit with its code; ``more`` joins or replaces keys of the JSON object."""
    print(legible(f"planwise: {error}"), file=sys.stderr)
    if as_json:
        status = "refused" if isinstance(error, InputError) else "failed"
        print_json({"status": status, "errors": error.as_json(), "seconds": since(began), **more})
    raise SystemExit(error.exit_code) from None


def print_json(value: dict[str, Any]) -> None:
    """Print the one JSON object of a command on standard output."""
    global _has_printed_json  # noqa: PLW0603 - one object on standard output, whoever writes it
    _has_printed_json = True
    text = json.dumps(value, ensure_ascii=False, default=str)
    print("".join(sign if sign.isprintable() else json.dumps(sign)[1:-1] for sign in text))


def json_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame as JSON objects; what is missing is null."""
    rows = frame.astype(object).where(frame.notna(), None)
    return [{str(name): value for name, value in row.items()} for row in rows.to_dict("records")]


def legible(text: str) -> str:
    """A text for a terminal: control characters, which would command it, are written out; endless lines are cut."""
    lines = inert(text, keep="\n").split("\n")
    return "\n".join(line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}…" for line in lines)


def since(began: float) -> float:
    """Seconds since ``began``, on the monotonic clock."""
    return round(time.monotonic() - began, 3)


def find(out: Path, run_id: str) -> Any:
    """The run of that id below ``out``. Raises ``InputError`` where there is none."""
    from planwise_nb.core.ledger import Ledger  # noqa: PLC0415 - --help stays fast
    from planwise_nb.core.runs import Run  # noqa: PLC0415
    from planwise_nb.workforce.pipeline import WORKFORCE  # noqa: PLC0415

    if not run_id:
        raise InputError("No run is named.", fix="See the runs: planwise runs")
    ledger = Ledger(out.resolve())
    return Run(WORKFORCE, ledger.folder(run_id), ledger)


def outside_runs(path: Path) -> None:
    """Raise ``InputError`` where ``path`` lies inside a run."""
    from planwise_nb.core.manifest import MANIFEST  # noqa: PLC0415 - --help stays fast

    if any((folder / MANIFEST).is_file() for folder in (path.resolve(), *path.resolve().parents)):
        raise InputError(f"{path} lies inside a run, which stays as it is.", fix="Name a place elsewhere.")


def free_folder(to: Path, force: bool) -> Path:
    """``to``, a folder to write into. Raises ``InputError`` where it lies inside a run, is a file, or is not empty
    without ``force``.
    """
    outside_runs(to)
    if to.exists() and not to.is_dir():
        raise InputError(f"{to} is not a folder.", fix="Name a folder.")
    if to.is_dir() and any(to.iterdir()) and not force:
        raise InputError(f"{to} is not empty.", fix="Name another folder, or write over what is there with --force.")
    return to


def project() -> Any:
    """The user's project: the working directory over what ships."""
    from planwise_nb.core.project import Project  # noqa: PLC0415 - --help stays fast

    return Project(Path.cwd())

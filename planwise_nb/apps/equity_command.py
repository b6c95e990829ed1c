"""``planwise equity``: pay gaps between groups of people, raw and adjusted."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from planwise_nb.apps.answers import OUT, AsJson, Out, find, free_folder, json_rows, print_json, reported, since

if TYPE_CHECKING:
    from planwise_nb.workforce.equity import Equity

BY = "gender, department, location, scheduled_hours, level_id, age_band or tenure_band; again: each."


def equity(  # noqa: PLR0917 - one argument an option of the command line
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Run ids, or folders of runs.")],
    by: Annotated[list[str] | None, typer.Option(help=BY)] = None,
    reference: Annotated[str, typer.Option(help="The group to compare with; else the largest.")] = "",
    to: Annotated[Path | None, typer.Option(metavar="DIR", help="Write a page and a CSV table there.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over what is there.")] = False,
    out: Out = OUT,
    as_json: AsJson = False,
) -> None:
    """Compare the pay of groups of people by year and scenario, as it is and for equal work."""
    began = time.monotonic()
    with reported(as_json, began):
        from planwise_nb.workforce.equity import equity as compare  # noqa: PLC0415 - --help stays fast
        from planwise_nb.workforce.equity_view import gaps_table, remarks, slices  # noqa: PLC0415

        target = None if to is None else free_folder(to, force)
        found = compare([*dict.fromkeys(_folder(out, run) for run in runs)], by or ("gender",), reference)
        files = [] if target is None else _write(target, found)
        for remark in remarks(found):
            print(remark, file=sys.stderr)
        if as_json:
            print_json({"status": "done", "gaps": json_rows(found.gaps), "references": found.references,
                        "missing": found.missing, "files": [str(file.resolve()) for file in files],
                        "seconds": since(began)})  # fmt: skip
            return
        print("\n\n".join(repr(gaps_table(rows)) for rows in slices(found)))
        for file in files:
            print(file)


def _folder(out: Path, run: str) -> Path:
    """The folder of a run, given by that or by its id."""
    from planwise_nb.core.manifest import MANIFEST  # noqa: PLC0415 - --help stays fast

    folder = Path(run) if (Path(run) / MANIFEST).is_file() else Path(find(out, run).folder)
    return folder.resolve()


def _write(folder: Path, found: Equity) -> list[Path]:
    """The page and the table, in ``folder``."""
    from planwise_nb.core.exports import export_frame  # noqa: PLC0415 - --help stays fast
    from planwise_nb.core.pages import write_page  # noqa: PLC0415
    from planwise_nb.workforce.equity_view import equity_page  # noqa: PLC0415

    folder.mkdir(parents=True, exist_ok=True)
    write_page(folder / "equity.html", *equity_page(found))
    return [folder / "equity.html", export_frame(found.gaps, folder / "equity.csv", force=True)]

"""``planwise report``: a run as pages, as a PDF and as a workbook, to hand on."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from planwise_nb.apps.answers import OUT, AsJson, Out, find, free_folder, outside_runs, print_json, reported, since
from planwise_nb.core.errors import InputError

SUMMARY = Path("export/summary.html")
DOCUMENTS = {"the run on one page": SUMMARY, "its figures as a workbook": Path("export/results.xlsx")}


def report(  # noqa: PLR0917 - one argument an option of the command line
    run_id: str,
    to: Annotated[Path | None, typer.Option(metavar="DIR", help="Write pages and PDF there.")] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="Print the summary to summary.pdf instead.")] = False,
    xlsx: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the workbook of results instead.")] = None,
    employees: Annotated[bool, typer.Option("--employees", help="With --xlsx: people and events too.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over what is there.")] = False,
    out: Out = OUT,
    as_json: AsJson = False,
) -> None:
    """Render a run's executed notebooks as web pages that need no network; or its summary as PDF, or its workbook."""
    began = time.monotonic()
    with reported(as_json, began):
        if employees and xlsx is None:
            raise InputError("--employees is for a workbook.", fix="Name it: --xlsx FILE --employees")
        found = find(out, run_id)
        target = _target(found.folder, to, force) if pdf or xlsx is None else found.folder
        files = [*([_print(found, target)] if pdf else []),
                 *([_write_workbook(found.folder, xlsx, employees, force)] if xlsx else [])]  # fmt: skip
        if not files:
            files = [_write_pages(found, target)]
        if as_json:
            print_json({"run_id": run_id, "status": "done", "path": str(found.folder),
                        "files": [str(file.resolve()) for file in files], "seconds": since(began)})  # fmt: skip
        else:
            print("\n".join(map(str, files)))


def _target(folder: Path, to: Path | None, force: bool) -> Path:
    """The folder for pages and PDF: the run's own, or ``to``."""
    from planwise_nb.core.pages import REPORT  # noqa: PLC0415 - --help stays fast

    return folder / REPORT if to is None else free_folder(to, force)


def _write_pages(found: Any, target: Path) -> Path:
    from planwise_nb.core.pages import write_pages  # noqa: PLC0415 - --help stays fast

    manifest = found.manifest
    if not manifest["steps"]:
        raise InputError(f"No step of run {found.folder.name} is done yet.", fix="Report it when one is.")
    return write_pages(found.pipeline, found.folder, manifest, target, DOCUMENTS)


def _print(found: Any, target: Path) -> Path:
    from planwise_nb.core.printing import find_browser, print_page  # noqa: PLC0415 - --help stays fast
    from planwise_nb.core.rollback import known_files  # noqa: PLC0415

    folder = found.folder
    if SUMMARY.as_posix() not in known_files(found.manifest):
        raise InputError(
            f"Run {folder.name} has no summary yet: its last step is not done.",
            fix=f"Go on with it: planwise run --resume {folder.name}",
        )
    browser = find_browser()
    target.mkdir(parents=True, exist_ok=True)
    print_page(folder / SUMMARY, target / "summary.pdf", browser)
    return target / "summary.pdf"


def _write_workbook(folder: Path, file: Path, employees: bool, force: bool) -> Path:
    from planwise_nb.core.exports import check_target  # noqa: PLC0415 - --help stays fast
    from planwise_nb.workforce.results import published_results  # noqa: PLC0415
    from planwise_nb.workforce.results_workbook import write_workbook  # noqa: PLC0415

    outside_runs(file)
    check_target(file, (".xlsx",), force)
    write_workbook(file, [published_results(folder)], people_of=folder if employees else None)
    return file

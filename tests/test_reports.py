"""A run is handed on as pages and as a PDF, offline; a terminal tells its headline."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest

from planwise_nb.apps import headline
from planwise_nb.apps.sparklines import plain, sparkline
from planwise_nb.core.errors import InputError
from planwise_nb.core.forks import fork
from planwise_nb.core.printing import BROWSERS, find_browser
from planwise_nb.core.runs import Run
from planwise_nb.core.verification import verify
from tests.run_copies import answer, command, cut, whole_copy

LOADING = {
    ("script", "src"),
    ("link", "href"),
    ("img", "src"),
    ("iframe", "src"),
    ("object", "data"),
    ("source", "src"),
}
ADDRESS = re.compile(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]+[^\s\"'<>]*")
NAMES_OF_FORMATS = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


class Reader(HTMLParser):
    """What a page loads, which scripts it has, and where its links lead."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.scripts = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        self.loads += [value or "" for name, value in attrs if (tag, name) in LOADING]
        self.links += [value or "" for name, value in attrs if (tag, name) == ("a", "href")]


@pytest.fixture(scope="module")
def run(finished_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A copy of the finished run with its report."""
    copy = whole_copy(finished_run, tmp_path_factory.mktemp("reported"))
    assert command("report", copy.folder.name, "--out", copy.ledger.out)[0] == 0
    return copy


@pytest.fixture(scope="module")
def pages(run: Run) -> dict[str, str]:
    folder = run.folder / "report"
    return {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in folder.rglob("*.html")}


def browser_of_this_machine() -> str:
    try:
        return find_browser()
    except InputError as error:
        pytest.skip(str(error))


# pages


def test_every_executed_notebook_has_a_page_and_the_index_leads_to_it(run: Run, pages: dict[str, str]) -> None:
    wanted = {record["notebook"].replace(".ipynb", ".html") for record in run.manifest["steps"]}
    assert wanted == {name for name in pages if name.startswith("notebooks/")}
    assert wanted | {"summary.html", "results.xlsx"} == set(map(unquote, Reader(pages["index.html"]).links))


def test_every_link_leads_to_a_file_of_the_report(run: Run, pages: dict[str, str]) -> None:
    for name, page in pages.items():
        for link in Reader(page).links:
            target, _, _ = link.partition("#")
            assert not target or ((run.folder / "report" / name).parent / unquote(target)).is_file(), (name, link)


def test_pages_lead_from_step_to_step(run: Run, pages: dict[str, str]) -> None:
    page, steps = run.manifest["steps"][0]["notebook"].replace(".ipynb", ".html"), 1
    while after := re.search(r'<a class="last" href="([^"]+)">', pages[page]):
        page, steps = os.path.normpath(Path(page).parent / after[1]), steps + 1
    assert steps == len(run.manifest["steps"]) and page == "notebooks/99_multi_year_summary.html"


def test_pages_load_nothing_and_run_nothing(pages: dict[str, str]) -> None:
    for name, page in pages.items():
        read = Reader(page)
        assert (read.scripts, [source for source in read.loads if not source.startswith("data:")]) == (0, []), name
        assert set(ADDRESS.findall(page)) <= NAMES_OF_FORMATS, name
        assert not re.search(r"@import|url\((?!#)|\son\w+=", page), name
        assert "default-src 'none'" in page


def test_a_page_shows_what_the_notebook_shows(run: Run, pages: dict[str, str]) -> None:
    executed = nbformat.read(run.folder / "notebooks/2025/03_workforce_requirements.ipynb", as_version=4)
    page = pages["notebooks/2025/03_workforce_requirements.html"]
    charts = sum(
        "image/svg+xml" in output.get("data", {}) for cell in executed.cells for output in cell.get("outputs", ())
    )
    assert page.count("<svg") == charts > 0
    assert "Values used by workforce_requirements 2025" in page and "round(" in page


def test_links_of_the_summary_lead_to_the_pages(pages: dict[str, str]) -> None:
    assert 'href="notebooks/2025/03_workforce_requirements.html"' in pages["summary.html"]
    assert ".ipynb" not in "".join(Reader(pages["summary.html"]).links)


def test_the_report_is_no_part_of_the_trail_and_no_child_takes_it_over(run: Run) -> None:
    assert verify(run.pipeline, run.folder, run.manifest) == []
    child = fork(run, ("year_completion", 2026), command=["planwise", "run"])
    assert (run.folder / "report").is_dir() and not (child.folder / "report").exists()


def test_a_report_elsewhere_is_complete_and_writes_over_nothing(run: Run, tmp_path: Path) -> None:
    words = ["report", run.folder.name, "--to", tmp_path / "board", "--out", run.ledger.out]
    told = answer(*words)
    assert told["files"] == [str(tmp_path / "board" / "index.html")] and (tmp_path / "board/results.xlsx").is_file()
    code, _, said = command(*words)
    assert (code, "is not empty" in said) == (2, True)
    assert command(*words, "--force")[0] == 0


def test_no_report_goes_into_a_run(run: Run) -> None:
    code, _, said = command("report", run.folder.name, "--to", run.folder / "export", "--out", run.ledger.out)
    assert (code, "lies inside a run" in said) == (2, True)


def test_an_unfinished_run_is_reported_so_far(finished_run: Run, tmp_path: Path) -> None:
    run = cut(whole_copy(finished_run, tmp_path), 3)
    assert command("report", run.folder.name, "--out", tmp_path)[0] == 0
    index = (run.folder / "report" / "index.html").read_text("utf-8")
    assert "13 of its steps are not done yet." in index and "03_workforce" not in index
    assert "summary.html" not in index
    assert "has no summary yet" in command("report", run.folder.name, "--pdf", "--out", tmp_path)[2]
    assert "is done yet" in command("report", cut(run, 0).folder.name, "--out", tmp_path)[2]


@pytest.mark.parametrize("content", ["", "{", "{}", "[]", '{"cells": 3, "nbformat": 4, "nbformat_minor": 5}'])
def test_a_damaged_notebook_is_told_and_no_page_is_written(finished_run: Run, tmp_path: Path, content: str) -> None:
    run = whole_copy(finished_run, tmp_path)
    (run.folder / "notebooks/2026/05_workforce_snapshot.ipynb").write_text(content, encoding="utf-8")
    code, _, said = command("report", run.folder.name, "--to", tmp_path / "board", "--out", tmp_path)
    assert (code, "05_workforce_snapshot.ipynb is no notebook" in said) == (1, True)
    assert f"planwise verify {run.folder.name}" in said and not (tmp_path / "board").exists()


# PDF


def test_without_a_browser_the_pdf_is_refused_with_the_way_out(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    code, said, report = command("report", run.folder.name, "--pdf", "--out", run.ledger.out)
    assert (code, said) == (2, "")
    assert "No browser that prints is on the PATH" in report and "Install Chromium" in report


def test_a_browser_that_fails_is_told_of_and_leaves_no_file(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / BROWSERS[0]
    fake.write_text(f"#!{sys.executable}\nimport sys\nsys.exit('no display')\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    code, _, said = command("report", run.folder.name, "--pdf", "--to", tmp_path / "board", "--out", run.ledger.out)
    assert (code, "did not print summary.html; it said: no display" in said) == (1, True)
    assert list((tmp_path / "board").iterdir()) == []


def test_the_summary_prints_on_a4(run: Run, tmp_path: Path) -> None:
    browser_of_this_machine()
    words = ["report", run.folder.name, "--pdf", "--to", tmp_path / "board", "--out", run.ledger.out]
    [file] = answer(*words)["files"]
    printed = Path(file).read_bytes()
    boxes = {tuple(map(float, box.split())) for box in re.findall(rb"/MediaBox\s*\[([^\]]*)\]", printed)}
    assert printed.startswith(b"%PDF") and {(round(box[2]), round(box[3])) for box in boxes} <= {(595, 842), (596, 842)}
    assert 1 < printed.count(b"/Type /Page\n") < 8


# terminal


def test_headline_fits_80_columns_and_has_a_sparkline_a_figure(finished_run: Run) -> None:
    said = command("show", finished_run.folder.name, "--out", finished_run.ledger.out)[1]
    lines = [line for line in said.splitlines() if "/" not in line]
    assert max(map(len, lines)) <= 80
    assert sum("▁█" in line or "█▁" in line or "▄▄" in line for line in lines) == len(headline.TRENDS)
    assert re.search(r"^headcount .*→.*% a year, target 3\.00%$", said, re.MULTILINE)


@pytest.mark.parametrize(("who", "signs"), [([], [b"_#", b"->"]), (["--employee", "EMP_000001"], [b"pay", b" -> "])])
def test_show_is_plain_where_the_terminal_has_ascii_only(finished_run: Run, who: list[str], signs: list[bytes]) -> None:
    words = ["show", finished_run.folder.name, *who, "--out", str(finished_run.ledger.out)]
    plainly = {**os.environ, "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "planwise_nb.apps.cli", *words]
    done = subprocess.run(command, env=plainly, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert [sign for sign in signs if sign not in done.stdout] == []


def test_json_has_figures_and_no_sparklines(finished_run: Run) -> None:
    said = command("show", finished_run.folder.name, "--json", "--out", finished_run.ledger.out)[1]
    assert not set("▁▂▃▄▅▆▇█") & set(said)


def test_a_sparkline_goes_from_the_lowest_to_the_highest() -> None:
    assert sparkline([1, 2, 3, 8]) == "▁▂▃█"
    assert sparkline([5, None, 5]) == "▄ ▄"
    assert sparkline([]) == sparkline([None]).strip() == ""
    assert len(sparkline(list(range(100)))) == 40 and sparkline(list(range(100)))[-1] == "█"
    assert plain("▁█ 912 → 939 – Łódź") == r"_# 912 -> 939 - \u0141\xf3d\u017a"

"""The documentation holds: references, links and commands; and the house rules that it describes."""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Iterator
from hashlib import md5
from pathlib import Path
from typing import Any

import click
import pytest
import typer
from typer.testing import CliRunner

from planwise_nb.apps.cli import app
from planwise_nb.apps.references import write_references
from planwise_nb.core.notebooks import read_parameters

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
NOTEBOOKS = sorted((ROOT / "notebooks" / "workforce").glob("*.ipynb"))
LANDING = ROOT / "notebooks" / "start.ipynb"
OTHERS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MODULES = sorted((ROOT / "planwise_nb").rglob("*.py"))
FENCE = re.compile(r"^```(\w*)(?: title=\"([^\"]+)\")?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
MAY_IMPORT = {"core": {"core"}, "workforce": {"core", "workforce"}, "apps": {"core", "workforce", "apps"}}
DOMAIN_WORDS = {"employee", "employees", "scenario", "scenarios", "year", "years"}


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# references


def test_references_are_current(tmp_path: Path) -> None:
    write_references(tmp_path)
    kept = ROOT / "docs" / "reference"
    assert sorted(path.name for path in kept.iterdir()) == sorted(path.name for path in tmp_path.iterdir())
    stale = [
        path.name for path in tmp_path.iterdir() if path.read_text("utf-8") != (kept / path.name).read_text("utf-8")
    ]
    assert not stale, f"run: make references ({', '.join(stale)})"


# links


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {text.replace(" ", "-") for text in plain}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_relative_links_resolve(page: Path) -> None:
    for link in LINK.findall(FENCE.sub("", page.read_text("utf-8"))):
        target, _, anchor = link.partition("#")
        if "://" in target:
            continue
        file = page.parent / target if target else page
        assert file.is_file(), f"{named(page)} links to {link}"
        assert not anchor or anchor in anchors(file), f"{named(page)} links to {link}: no such heading"


def test_every_page_is_reached_from_the_readme() -> None:
    linked = {(ROOT / link.partition("#")[0]).resolve() for link in LINK.findall(PAGES[0].read_text("utf-8"))}
    assert {page.resolve() for page in PAGES[1:]} <= linked


def test_picture_is_small() -> None:
    assert 0 < (ROOT / "docs" / "pictures" / "run.png").stat().st_size < 300_000


# commands


def commands(page: Path) -> list[list[str]]:
    """Every ``planwise`` command line of a page, as words."""
    blocks = [body for kind, _, body in FENCE.findall(page.read_text("utf-8")) if kind == "console"]
    lines = [line for block in blocks for line in block.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("planwise ")]


def is_cheap(words: list[str]) -> bool:
    """Whether to try it here; what needs a run that exists is tried by tests of its own."""
    cheap = words[0] in {"init", "census"} or not {"--help", "--validate-only"}.isdisjoint(words)
    return cheap and "RUN_ID" not in words


def parse(words: list[str]) -> None:
    """Parse a command line without running it; raises ``click.UsageError``."""
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands"):
        name, *words = words
        assert name in command.commands, f"there is no command {name}"
        command = command.commands[name]
    command.make_context("planwise", list(words))


PAGES_WITH_COMMANDS = [page for page in PAGES if commands(page)]


@pytest.mark.parametrize("page", PAGES_WITH_COMMANDS, ids=named)
def test_documented_commands_exist(page: Path) -> None:
    for words in commands(page):
        try:
            parse(words)
        except (click.ClickException, typer.Exit) as error:
            pytest.fail(f"{named(page)}: planwise {shlex.join(words)}: {error}")


def test_unknown_option_would_be_found() -> None:
    with pytest.raises(Exception, match="--yaers"):
        parse(["run", "baseline", "--yaers", "2025-2026"])


@pytest.mark.parametrize("page", PAGES_WITH_COMMANDS, ids=named)
def test_cheap_commands_of_a_page_work(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for _, title, body in FENCE.findall(page.read_text("utf-8")):
        if title:
            Path(title).parent.mkdir(parents=True, exist_ok=True)
            Path(title).write_text(body, encoding="utf-8")
    for words in filter(is_cheap, commands(page)):
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 0, f"planwise {shlex.join(words)}\n{result.output}"


def test_draw_is_as_the_page_says() -> None:
    page = (ROOT / "docs" / "model.md").read_text("utf-8")
    [example] = [body for kind, _, body in FENCE.findall(page) if kind == "python"]
    exec(compile(example, "model.md", "exec"), {})
    assert f"{int.from_bytes(md5(b'42|termination|2025|EMP_000001').digest(), 'little') & 0xFFFFFFFF}.5" in example


def test_streams_of_the_page_are_those_of_the_macro() -> None:
    macro = (ROOT / "dbt" / "macros" / "draw.sql").read_text("utf-8")
    page = (ROOT / "docs" / "model.md").read_text("utf-8")
    stated = re.findall(r"^\| `(\w+)` \| `(\w+)` \| (\d) \|$", page, re.MULTILINE)
    assert stated == re.findall(r"'(\w+)': \('(\w+)', (\d)\)", macro)


# house rules of notebooks


def cells(notebook: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(notebook.read_text("utf-8"))["cells"]
    return found


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def code_cells(notebook: Path) -> list[dict[str, Any]]:
    return [cell for cell in cells(notebook) if cell["cell_type"] == "code"]


@pytest.mark.parametrize("notebook", [*OTHERS, *NOTEBOOKS], ids=lambda path: path.stem)
def test_notebook_source_has_no_outputs(notebook: Path) -> None:
    assert [cell["outputs"] for cell in code_cells(notebook) if cell["outputs"] or cell["execution_count"]] == []


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_starts_with_a_heading_and_is_more_prose_than_code(notebook: Path) -> None:
    first = cells(notebook)[0]
    assert first["cell_type"] == "markdown"
    assert source(first).startswith(f"# {notebook.name[:2]} · ")
    assert len(cells(notebook)) - len(code_cells(notebook)) >= len(code_cells(notebook))


@pytest.mark.parametrize("notebook", [*OTHERS, *NOTEBOOKS], ids=lambda path: path.stem)
def test_code_cells_are_short_and_define_nothing(notebook: Path) -> None:
    for cell in code_cells(notebook):
        assert len(source(cell).splitlines()) <= 12, source(cell)
        assert not re.search(r"^\s*(async\s+)?(def|class)\s", source(cell), re.MULTILINE), source(cell)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_parameters_cell_is_the_first_code_and_explains_every_parameter(notebook: Path) -> None:
    assert "parameters" in code_cells(notebook)[0]["metadata"].get("tags", [])
    assert all(parameter.help for parameter in read_parameters(notebook))


def test_the_landing_notebook_leads_to_every_step() -> None:
    text = "\n".join(source(cell) for cell in cells(LANDING))
    assert [f"workforce/{notebook.name}" for notebook in NOTEBOOKS] == re.findall(r"\]\((workforce/.*?)\)", text)
    assert len(cells(LANDING)) > 2 * len(code_cells(LANDING))


# house rules of modules


def imported(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{named(module)} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("module", MODULES, ids=named)
def test_imports_go_one_way(module: Path) -> None:
    room = module.relative_to(ROOT / "planwise_nb").parts[0]
    rooms = {name.split(".")[1] for name in imported(module) if name.startswith("planwise_nb.")}
    assert rooms <= MAY_IMPORT.get(room, set())


def identifiers(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        for part in ("id", "attr", "arg", "name", "asname"):
            if isinstance(name := getattr(node, part, None), str):
                yield name


@pytest.mark.parametrize("module", [path for path in MODULES if path.parent.name == "core"], ids=named)
def test_core_knows_no_domain(module: Path) -> None:
    words = {word.lower() for name in identifiers(module) for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)}
    assert not words & DOMAIN_WORDS

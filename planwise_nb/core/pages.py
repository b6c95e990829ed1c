"""Executed notebooks as web pages that load nothing: no script, no font, charts as pictures."""

from __future__ import annotations

import html
import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from altair.typing import ChartType

from planwise_nb.core.display import Table, svg
from planwise_nb.core.errors import DamagedError
from planwise_nb.core.manifest import DRAFT
from planwise_nb.core.pictures import PICTURE
from planwise_nb.core.pipeline import Key, Pipeline, label
from planwise_nb.core.rollback import known_files

INDEX = "index.html"
REPORT = "report"
"""The folder of a run for pages that are made from it; no part of its trail."""

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
STYLE = """
:root { color-scheme: light; }
body { font: 14px/1.5 Arial, Helvetica, "Liberation Sans", sans-serif; color: #222; background: #fff;
  max-width: 900px; margin: 20px auto; padding: 0 20px; overflow-wrap: break-word; }
h1 { font-size: 24px; } h2 { font-size: 17px; border-bottom: 2px solid #0072B2; } a { color: #005a8d; }
nav { display: flex; flex-wrap: wrap; gap: 4px 20px; padding: 6px 0; border-bottom: 1px solid #ddd; }
nav .last { margin-left: auto; } .about { color: #555; }
table { border: 0; border-collapse: collapse; font-size: 12px; margin: 8px 0; }
.highlight .err { border: 0 !important; }
th, td { padding: 3px 8px; border: 0; border-bottom: 1px solid #ddd; text-align: left; vertical-align: top; }
th { background: #f2f5f8; } caption { text-align: left; font-weight: bold; padding: 4px 0; }
.input { background: #f6f6f6; border-left: 3px solid #ccc; padding: 2px 10px; margin: 6px 0; }
pre { font: 12px/1.45 "DejaVu Sans Mono", Menlo, Consolas, monospace; white-space: pre-wrap; margin: 4px 0; }
.output { overflow-x: auto; margin: 4px 0 14px; } svg { max-width: 100%; height: auto; }
figure { margin: 16px 0; break-inside: avoid; } .anchor-link { display: none; }
@page { size: A4; margin: 14mm; }
@media print { body { margin: 0; max-width: none; font-size: 11px; } nav { display: none; }
  table { font-size: 9px; } svg, tr, .input { break-inside: avoid; } }
"""
HEADING = "## "
LONGEST_REASON = 100
_NOTEBOOK_LINK = re.compile(r'href="\.\./(notebooks/[^"]+)\.ipynb"')


@dataclass(frozen=True)
class _Page:
    """The page of a step, and its executed notebook; both by their way from the report and from the run."""

    key: Key
    title: str
    notebook: str

    @property
    def path(self) -> str:
        return self.notebook.removesuffix(".ipynb") + ".html"


def write_pages(
    pipeline: Pipeline, folder: Path, manifest: Mapping[str, Any], target: Path, documents: Mapping[str, Path]
) -> Path:
    """Write a page of every recorded step of the run in ``folder`` below ``target``, and an index; its path.

    ``documents``: files of the run by what they are, copied beside the index where a record names them; in a page,
    links to executed notebooks lead to their pages. Takes seconds at first: the renderer is large. Raises
    ``DamagedError`` where an executed notebook is none; nothing is written then.
    """
    pages = [
        _Page((record["step"], record["period"]), pipeline.step(record["step"]).title, record["notebook"])
        for record in manifest["steps"]
    ]
    render, about = _renderer(manifest["run_id"]), f"{manifest['subject']} · {manifest['run_id']}"
    bodies = [_way(pages, place) + render(folder / page.notebook) for place, page in enumerate(pages)]
    for page, body in zip(pages, bodies, strict=True):
        _write(target / page.path, _frame(f"{label(page.key)} · {about}", body))
    known = known_files(dict(manifest))
    copied = {what: path for what, path in documents.items() if path.as_posix() in known}
    for path in copied.values():
        _copy(folder / path, target / path.name)
    _write(target / INDEX, _frame(about, _index(pipeline, manifest, pages, copied)))
    return target / INDEX


def write_page(target: Path, title: str, parts: Sequence[str | Table | ChartType]) -> None:
    """Write one page that loads nothing to ``target``, by atomic rename: sentences, tables and charts as pictures, in
    their order; a text that begins with ``## `` is a heading. Texts and tables are escaped.
    """
    body = "".join(f"{_part(part)}\n" for part in parts)
    _write(target, _frame(title, f"<h1>{html.escape(title)}</h1>\n{body}"))


def _part(part: str | Table | ChartType) -> str:
    if isinstance(part, Table):
        return f'<div class="output">{part._repr_html_()}</div>'
    if not isinstance(part, str):
        return f"<figure>{svg(part)}</figure>"
    if part.startswith(HEADING):
        return f"<h2>{html.escape(part.removeprefix(HEADING))}</h2>"
    return f"<p>{html.escape(part)}</p>"


def _renderer(run_id: str) -> Callable[[Path], str]:
    """What makes the HTML of a notebook, without the page about it."""
    import nbformat  # noqa: PLC0415 - both take seconds
    from nbconvert import HTMLExporter  # noqa: PLC0415

    # its own templates, wherever this machine's Jupyter looks for data
    templates = next(file for file in files("nbconvert") or () if file.match("templates/basic/conf.json"))
    folder = str(Path(str(templates.locate())).resolve().parents[1])
    prompts = {"exclude_input_prompt": True, "exclude_output_prompt": True}
    places = {"extra_template_basedirs": [folder], "extra_template_paths": [folder]}
    exporter = HTMLExporter(template_name="basic", **prompts, **places)

    def render(path: Path) -> str:
        try:
            notebook = nbformat.read(path, as_version=4)
            for cell in notebook.cells:
                for output in cell.get("outputs", ()):
                    if PICTURE in output.get("data", {}):
                        output.data = {"text/html": output.data[PICTURE]}
            return str(exporter.from_notebook_node(notebook)[0])
        except (ValueError, KeyError, TypeError, AttributeError, nbformat.ValidationError) as error:
            said = str(error).partition("\n")[0][:LONGEST_REASON]
            fix = f"Put back a copy of the file, or see what else is damaged: planwise verify {run_id}"
            raise DamagedError(f"{path} is no notebook: {said}", fix=fix) from error

    return render


def _way(pages: Sequence[_Page], place: int) -> str:
    """Links to the index and to the steps before and after."""
    here = pages[place].path
    links = [f'<a href="{_from(here, INDEX)}">All steps</a>']
    if place:
        links.append(f'<a href="{_from(here, pages[place - 1].path)}">← {html.escape(label(pages[place - 1].key))}</a>')
    if place + 1 < len(pages):
        after = pages[place + 1]
        links.append(f'<a class="last" href="{_from(here, after.path)}">{html.escape(label(after.key))} →</a>')
    return f"<nav>{''.join(links)}</nav>\n"


def _from(here: str, there: str) -> str:
    return quote(os.path.relpath(there, Path(here).parent).replace(os.sep, "/"))


def _index(
    pipeline: Pipeline, manifest: Mapping[str, Any], pages: Sequence[_Page], documents: Mapping[str, Path]
) -> str:
    """The way to every page: a row a step, a link a period."""
    by_step: dict[str, list[_Page]] = {}
    for page in pages:
        by_step.setdefault(page.key[0], []).append(page)
    body = "".join(
        f"<tr><td>{html.escape(of_step[0].title)}</td><td>{' '.join(map(_link, of_step))}</td></tr>\n"
        for of_step in by_step.values()
    )
    links = "".join(
        f'<li><a href="{quote(path.name)}">{html.escape(path.name)}</a>: {html.escape(what)}</li>\n'
        for what, path in documents.items()
    )
    missing = len(list(pipeline.keys(manifest["periods"]))) - len(pages)
    note = f"<p>{missing} of its steps are not done yet.</p>\n" if missing else ""
    line = " · ".join(html.escape(manifest[name]) for name in ("subject", "run_id", "status"))
    return (
        f"<h1>{html.escape(pipeline.name.capitalize())}: how every number was made</h1>\n"
        f'<p class="about">{line}</p>\n{note}<ul>{links}</ul>\n'
        f"<h2>Executed notebooks</h2>\n<table><tbody>{body}</tbody></table>\n"
    )


def _link(page: _Page) -> str:
    name = page.notebook.rpartition("/")[2] if page.key[1] is None else page.key[1]
    return f'<a href="{quote(page.path)}">{html.escape(str(name).removesuffix(".ipynb"))}</a>'


def _frame(title: str, body: str) -> str:
    from pygments.formatters import HtmlFormatter  # noqa: PLC0415 - the colours of code, with the renderer

    colours = HtmlFormatter(style="default").get_style_defs(".highlight")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>{STYLE}{colours}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )


def _copy(source: Path, target: Path) -> None:
    """Copy a document beside the index; links of a page to executed notebooks lead to their pages then."""
    if source.suffix == ".html":
        _write(target, _NOTEBOOK_LINK.sub(r'href="\1.html"', source.read_text(encoding="utf-8")))
    else:
        draft = target.with_name(f".{target.name}{DRAFT}")
        shutil.copyfile(source, draft)
        draft.replace(target)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}{DRAFT}")
    draft.write_text(text, encoding="utf-8", newline="\n")
    draft.replace(path)

"""The story of a run on one page: ``summary.md`` for reading anywhere, ``summary.html`` with charts, offline."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from planwise_nb.core.manifest import DRAFT
from planwise_nb.core.pipeline import label
from planwise_nb.workforce.pipeline import WORKFORCE
from planwise_nb.workforce.results import Results
from planwise_nb.workforce.summary_page import page
from planwise_nb.workforce.summary_sections import Section, about, sections_of

_MARKDOWN = re.compile(r"([\\`*\[\]|#~])")


def write_summary(folder: Path, results: Results) -> tuple[Path, Path]:
    """Write ``summary.md`` and ``summary.html`` into ``folder``, which lies in the run's, and return their paths.

    Whatever the manifest of ``results`` does not hold is left out; equal results give equal files.
    """
    sections = list(sections_of(results))
    folder.mkdir(parents=True, exist_ok=True)
    markdown = _publish(folder / "summary.md", _markdown(results.manifest, sections))
    return markdown, _publish(folder / "summary.html", page(results, sections))


def _publish(path: Path, text: str) -> Path:
    draft = path.with_name(f".{path.name}{DRAFT}")
    draft.write_text(text, encoding="utf-8", newline="\n")
    return draft.replace(path)


def _markdown(manifest: Mapping[str, Any], sections: Iterable[Section]) -> str:
    lines = ["# Workforce simulation", "", _plain(about(manifest)), ""]
    for section in sections:
        lines += [f"## {section.title}", ""]
        lines += [_plain(section.note), ""] if section.note else []
        if section.rows:
            sides = ["---:" if number else "---" for number in section.is_number]
            table = [section.header, sides, *(map(_plain, row) for row in section.rows)]
            lines += [*(f"| {' | '.join(row)} |" for row in table), ""]
    lines += ["## Notebooks", ""]
    for key in WORKFORCE.keys(manifest.get("periods") or ()):
        lines.append(f"- [{_plain(label(key))}](../{quote(WORKFORCE.executed_path(key))})")
    return "\n".join([*lines, ""])


def _plain(text: str) -> str:
    """``text`` as Markdown that shows it and does nothing else."""
    return html.escape(_MARKDOWN.sub(r"\\\1", " ".join(text.split())), quote=False)

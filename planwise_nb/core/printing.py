"""Prints a page to PDF through a browser of this machine, without the network."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from planwise_nb.core.errors import InputError, PlanwiseError
from planwise_nb.core.exports import drafted

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
"""What a browser that prints is called, where it is on the PATH."""

OPTIONS = ("--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync",
           "--disable-component-update", "--host-resolver-rules=MAP * ~NOTFOUND", "--no-pdf-header-footer")  # fmt: skip
PATIENCE_SECONDS = 120


def find_browser() -> str:
    """The browser that prints. Raises ``InputError`` where none of ``BROWSERS`` is on the PATH."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise InputError(
            f"No browser that prints is on the PATH: {', '.join(BROWSERS)}.",
            fix="Install Chromium, or open export/summary.html in your browser and print it to a file.",
        )
    return found


def print_page(page: Path, pdf: Path, browser: str) -> None:
    """Print the HTML file ``page`` to ``pdf``, by atomic rename. Raises ``PlanwiseError`` where the browser fails."""
    with tempfile.TemporaryDirectory() as profile, drafted(pdf.resolve()) as draft:
        command = [browser, *OPTIONS, f"--user-data-dir={profile}", f"--print-to-pdf={draft}", page.resolve().as_uri()]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.insert(1, "--no-sandbox")  # its sandbox refuses root
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
            said = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        except subprocess.TimeoutExpired:
            said = f"no answer in {PATIENCE_SECONDS} seconds"
        if not draft.is_file():
            raise PlanwiseError(
                f"{browser} did not print {page.name}; it said: {said}",
                fix=f"Open {page} in your browser and print it to a file.",
            )

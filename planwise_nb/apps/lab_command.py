"""``planwise lab``: JupyterLab on the landing notebook."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import typer

from planwise_nb.apps.answers import OUT, Out, project

LANDING = "start.ipynb"
SETTINGS = Path(__file__).parent / "jupyter"
"""Settings of JupyterLab for this command only. They switch off its news, which come from the network, and the part of
jupysql for the browser, which fails in JupyterLab 4.6 and which ``%%sql`` does not need."""


def lab(context: typer.Context, out: Out = OUT) -> None:
    """Open JupyterLab on the notebooks, on this machine only; further options go to JupyterLab."""
    from planwise_nb.core.location import OUT_VARIABLE, PROJECT_VARIABLE  # noqa: PLC0415 - --help stays fast

    here = project()
    notebooks = here.folders("notebooks")[0]
    opened = LANDING if (notebooks / LANDING).is_file() else ""  # a project of one's own may be older
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.root_dir": notebooks.parent,
        "LabApp.default_url": f"/lab/tree/{notebooks.name}/{opened}",
        "LabApp.news_url": None,
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    }
    if notebooks.parent != here.own:
        options["ServerApp.contents_manager_class"] = "planwise_nb.apps.shipped_notebooks.ShippedNotebooks"
    command = [sys.executable, "-m", "jupyterlab", *(f"--{name}={value}" for name, value in options.items())]
    settings = [str(SETTINGS), *filter(None, [os.environ.get("JUPYTER_CONFIG_PATH")])]
    os.environ |= {OUT_VARIABLE: str(out.resolve()), PROJECT_VARIABLE: str(here.own)}
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(settings)
    os.execv(sys.executable, [*command, *context.args])

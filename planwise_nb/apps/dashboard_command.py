"""``planwise dashboard``: a web page for those who never open a notebook."""

from __future__ import annotations

import os
import secrets
import time
from typing import Annotated

import typer

from planwise_nb.apps.answers import OUT, Out, project, reported


def dashboard(
    out: Out = OUT,
    port: Annotated[int, typer.Option(help="The port; another one where it is taken.", min=1, max=65535)] = 8866,
    token: Annotated[str | None, typer.Option(help="The token that the page asks for; else a random one.")] = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")] = True,
) -> None:
    """Serve the dashboard as a web page, on this machine only, and print its address."""
    from planwise_nb.apps.dashboard.server import serve  # noqa: PLC0415 - --help stays fast
    from planwise_nb.core.kernels import prepare  # noqa: PLC0415
    from planwise_nb.core.location import OUT_VARIABLE, PROJECT_VARIABLE  # noqa: PLC0415

    with reported(False, time.monotonic()):
        here = project()
        notebook = here.find("notebooks/dashboard.ipynb")
        os.environ |= {OUT_VARIABLE: str(out.resolve()), PROJECT_VARIABLE: str(here.own)}
        prepare()
        serve(notebook, out.resolve(), port=port, token=token or secrets.token_hex(24), shows_browser=browser)

"""Serves the dashboard's notebook as a web page: this machine only, behind a token, nothing from the network."""

from __future__ import annotations

import webbrowser
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jupyter_server import DEFAULT_STATIC_FILES_PATH
from jupyter_server.auth.identity import IdentityProvider
from tornado.web import RequestHandler
from traitlets.config import Config
from voila.app import Voila

from planwise_nb.apps.dashboard.downloads import DownloadHandler, WorkbookHandler
from planwise_nb.apps.dashboard.links import ROUTE, WORKBOOK_ROUTE

TEMPLATE = Path(__file__).parent / "template"
WIDGETS = ["@jupyter-widgets/jupyterlab-manager", "@voila-dashboards/widgets-manager8"]
IDLE_SECONDS = 600
"""A kernel whose browser is gone ends after this long; a page that is open keeps its own."""

POLICY = "; ".join((
    "default-src 'self'",
    "script-src 'self' 'unsafe-inline'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
))  # fmt: skip
"""What the page may load: its own things only. Voilà's page holds scripts of its own, so these are allowed."""


class RefusedHandler(RequestHandler):
    """Where whoever comes without the token is sent."""

    def get(self) -> None:
        """Say how to get in."""
        self.set_status(HTTPStatus.FORBIDDEN)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish("Refused: open the address that 'planwise dashboard' printed, with its token.")


class DashboardServer(Voila):  # type: ignore[misc]
    """Voilà with one page, its own template and the route of the downloads; each of them asks for the token."""

    out: Path
    shows_browser: bool

    def setup_template_dirs(self) -> None:
        """Put the dashboard's own template before Voilà's."""
        super().setup_template_dirs()
        self.template_paths.insert(0, str(TEMPLATE))

    def init_handlers(self) -> list[Any]:
        """Voilà's routes but for that of files, which asks for no token; before them the dashboard's own."""
        kept = [route for route in super().init_handlers() if "/voila/files/" not in route[0]]
        given = {"out": self.out}
        own = [(ROUTE, DownloadHandler, given), (WORKBOOK_ROUTE, WorkbookHandler, given)]
        return [("/login", RefusedHandler), *own, *kept]

    def random_ports(self, port: int, n: int) -> Any:
        """The ports to try; the one that is taken is known before the page's address is told."""
        for candidate in super().random_ports(port, n):
            self.port = candidate
            yield candidate

    @property
    def display_url(self) -> str:
        """The address of the page, with its token: told as soon as the port is taken."""
        page = f"http://127.0.0.1:{self.port}/?token={quote(self.token, safe='')}"
        print(f"The dashboard is at\n\n    {page}\n\nCtrl-C ends it; runs that it started go on.", flush=True)
        if self.shows_browser:
            webbrowser.open(page)
        return page


def serve(notebook: Path, out: Path, *, port: int, token: str, shows_browser: bool) -> None:
    """Serve ``notebook`` on 127.0.0.1 at ``port``, or at another one where that is taken, until stopped."""
    settings = Config()
    settings.Voila.update({
        "ip": "127.0.0.1",
        "port": port,
        "token": token,
        "open_browser": False,
        "log_level": "ERROR",
        "config_file_paths": [],
        "identity_provider_class": IdentityProvider,
        "tornado_settings": {
            "allow_remote_access": False,
            "headers": {"Content-Security-Policy": POLICY},
            "static_path": DEFAULT_STATIC_FILES_PATH,
        },
    })  # fmt: skip
    settings.VoilaConfiguration.update({
        "allow_template_override": "NO",
        "allow_theme_override": "NO",
        "show_tracebacks": False,
        "extension_allowlist": WIDGETS,
    })  # fmt: skip
    settings.VoilaExporter.exclude_markdown = True
    settings.MappingKernelManager.update({"cull_idle_timeout": IDLE_SECONDS, "cull_interval": 60})
    server = DashboardServer(config=settings)
    server.out, server.shows_browser, server.notebook_path = out, shows_browser, str(notebook)
    server.initialize([])
    server.start()

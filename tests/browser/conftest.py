"""A browser as a person has it, cut off from every network but this machine, and the servers that it looks at.

Playwright drives the Chromium of the system; where either is missing, the tests are skipped.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Route, WebSocketRoute

PICTURES = "PLANWISE_PICTURES"
"""Set by ``make pictures``: the folder for what the ``picture`` fixture takes. Not set: no picture is taken."""

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)
LOCAL = re.compile(r"(https?|wss?)://(127\.0\.0\.1|localhost)(:\d+)?(/.*)?|(data|blob|about|file):.*", re.DOTALL)
PATIENCE_MS = 180_000
READY_SECONDS = 180.0
END_SECONDS = 20.0


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium, started once a file of tests."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright, which is not installed")
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        pytest.skip("needs Chromium, which is not installed")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=found, args=list(OPTIONS))
        yield started
        started.close()


@dataclass
class Watch:
    """What a browser did that it should not: requests that leave this machine, and errors on its console."""

    outside: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def route(self, route: Route) -> None:
        if LOCAL.fullmatch(route.request.url):
            route.fallback()
        else:
            self.outside.append(route.request.url)
            route.abort()

    def refuse_socket(self, socket: WebSocketRoute) -> None:
        self.outside.append(socket.url)
        socket.close()

    def hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} ({message.location.get('url', '')})")


@pytest.fixture
def watch() -> Watch:
    """What the browsers of a test do that they should not; a test that wants an error takes it out."""
    return Watch()


@pytest.fixture
def new_page(browser: Browser, watch: Watch) -> Iterator[Callable[..., Page]]:
    """Opens a page in a browser of its own: no cookie is shared. ``viewport``: its width and height in pixels.

    At the end, none of them may have asked for anything outside this machine or written an error to its console.
    """
    contexts = []

    def opened(viewport: tuple[int, int] = (1300, 1000)) -> Page:
        context = browser.new_context(
            viewport={"width": viewport[0], "height": viewport[1]}, service_workers="block", accept_downloads=True
        )
        contexts.append(context)
        context.route("**/*", watch.route)
        context.route_web_socket(lambda url: not LOCAL.fullmatch(url), watch.refuse_socket)
        context.set_default_timeout(PATIENCE_MS)
        context.on("console", watch.hear)
        context.on("weberror", lambda error: watch.errors.append(str(error.error)))
        return context.new_page()

    yield opened
    for context in contexts:
        context.close()
    assert watch.outside == [], "a request left this machine"
    assert watch.errors == [], "an error is on the browser's console"


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    """One watched page, see ``new_page``."""
    return new_page()


@dataclass(frozen=True)
class Server:
    """A web server of PlanWise on this machine, which asks for its token."""

    url: str
    token: str

    def address(self, path: str) -> str:
        """``path`` with the token, as a person opens it."""
        return f"{self.url}{path}{'&' if '?' in path else '?'}token={self.token}"


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Starts ``planwise`` with these arguments in ``folder`` and waits until ``ready``, a path, is answered.

    In the arguments ``{port}`` and ``{token}`` stand for a free port and a token. Each server is ended with the file.
    """
    started: list[subprocess.Popen[bytes]] = []

    def begin(*arguments: str, folder: Path, ready: str = "/") -> Server:
        port, token, log = _free_port(), secrets.token_hex(16), tmp_path_factory.mktemp("server") / "log.txt"
        command = [argument.format(port=port, token=token) for argument in arguments]
        own = {"JUPYTER_CONFIG_DIR": str(log.parent / "config"), "IPYTHONDIR": str(log.parent / "ipython")}
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "planwise_nb.apps.cli", *command],
                cwd=folder,
                env=os.environ | own,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        started.append(process)
        server = Server(f"http://127.0.0.1:{port}", token)
        _wait_until_ready(server.url + ready, process, log)
        return server

    yield begin
    for process in started:
        _end(process)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Any answer below 500 will do: also the one that asks for the token."""
    latest = time.monotonic() + READY_SECONDS
    while time.monotonic() < latest and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except urllib.error.HTTPError as answer:
            if answer.code < 500:
                return
        except OSError:
            pass
        time.sleep(0.2)
    pytest.fail(f"no answer from {url}:\n{log.read_text(encoding='utf-8', errors='replace')[-3000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture
def picture() -> Callable[..., None]:
    """Takes a picture ``name``.png of a page, or of a part of it, for the documentation; see ``make pictures``.

    A picture that would show a folder of this machine fails the test, whether one is taken or not.
    """

    def take(name: str, shown: Page | Locator, **options: Any) -> None:
        text = shown.locator("body").inner_text() if hasattr(shown, "goto") else shown.inner_text()
        private = (str(Path.home()), tempfile.gettempdir(), str(Path(__file__).parents[2]))
        assert not [folder for folder in private if folder in text], "a picture shows a folder of this machine"
        if (folder := os.environ.get(PICTURES)) is not None:
            shown.screenshot(path=Path(folder) / f"{name}.png", animations="disabled", caret="hide", **options)

    return take

"""A PostgreSQL server of the tests' own, on a socket in a folder of its own: no port, no trace afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAME, PASSWORD = "planwise", "s3cret"
SECONDS_TO_START = 60


def programs() -> Path | None:
    """The folder of ``initdb`` and ``postgres``; None where PostgreSQL is not installed."""
    found = shutil.which("initdb"), shutil.which("postgres")
    if all(found):
        return Path(str(found[0])).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    return versions[-1].parent if versions else None


@contextmanager
def server(binaries: Path) -> Iterator[str]:
    """The address of a running server that asks for a password; the server refuses to run as root."""
    account = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    folder = Path(tempfile.mkdtemp(prefix="planwise-pg-", dir="/tmp"))  # pytest's are closed to others, and too long
    (folder / "password").write_text(PASSWORD)
    for path in (folder, folder / "password"):
        os.chown(path, account.pw_uid, account.pw_gid)
    as_account = {"user": account.pw_uid} if os.geteuid() == 0 else {}
    settings = ["--username", NAME, "--pwfile", folder / "password", "--auth=scram-sha-256", "--no-sync"]
    try:
        subprocess.run(
            [binaries / "initdb", "-D", folder / "data", *settings],
            **as_account, cwd=folder, check=True, capture_output=True,
        )  # fmt: skip
        with (folder / "log").open("wb") as log:
            running = subprocess.Popen(
                [binaries / "postgres", "-D", folder / "data", "-k", folder, "-c", "listen_addresses=", "-F"],
                **as_account, cwd=folder, stdout=log, stderr=log,
            )  # fmt: skip
        try:
            _wait(running, folder)
            yield f"postgresql://{NAME}:{PASSWORD}@/postgres?host={folder}"
        finally:
            running.terminate()
            running.wait()
    finally:
        shutil.rmtree(folder)


def _wait(running: subprocess.Popen[bytes], folder: Path) -> None:
    ready = folder / "data/postmaster.pid"
    for _ in range(SECONDS_TO_START * 10):
        if running.poll() is not None:
            break
        if ready.exists() and ready.read_text().splitlines()[7:8] == ["ready   "]:
            return
        time.sleep(0.1)
    raise RuntimeError((folder / "log").read_text())

"""Every notebook gets a clean kernel, forked from a parent that has imported everything before."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import KernelManager

from planwise_nb.core import kernels, provisioner
from planwise_nb.core.errors import KernelDiedError, PlanwiseError
from planwise_nb.core.kernels import KERNEL
from planwise_nb.core.processes import describe
from planwise_nb.core.project import Project, shipped
from planwise_nb.core.runner import run, start
from planwise_nb.workforce.inputs import Request, resolve
from planwise_nb.workforce.pipeline import WORKFORCE

FORKED = pytest.mark.skipif(not provisioner.can_fork(), reason="kernels are not forked here")
PATIENCE_SECONDS = 60.0

STATE = """
import json, os, random, sys, numpy, pandas
print(json.dumps({
    "set": getattr(pandas, "marker", None), "environment": os.environ.get("MARKER"), "folder": os.getcwd(),
    "files": sorted(os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd") if n.isdigit()
                    and os.path.exists(f"/proc/self/fd/{n}") and "marker" in os.readlink(f"/proc/self/fd/{n}")),
    "random": random.random(), "numpy": float(numpy.random.random()), "names": "marker" in globals(),
}))
"""
SPOIL = """
import os, random, numpy, pandas
marker, pandas.marker, os.environ["MARKER"] = open("marker.txt", "w"), 1, "1"
os.chdir("/")
random.seed(1); numpy.random.seed(1)
"""


@contextmanager
def kernel(folder: Path) -> Iterator[tuple[KernelManager, BlockingKernelClient]]:
    manager = KernelManager(kernel_name=KERNEL)
    manager.start_kernel(cwd=str(folder))
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=PATIENCE_SECONDS)
        yield manager, client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def said(client: BlockingKernelClient, code: str) -> str:
    texts: list[str] = []
    reply = client.execute_interactive(
        code, timeout=PATIENCE_SECONDS, output_hook=lambda message: texts.append(message["content"].get("text", ""))
    )
    assert reply["content"]["status"] == "ok", reply["content"]
    return "".join(texts)


def eventually(holds: Callable[[], Any]) -> bool:
    until = time.monotonic() + PATIENCE_SECONDS
    while not holds() and time.monotonic() < until:
        time.sleep(0.05)
    return bool(holds())


def parent() -> psutil.Process:
    children = [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]
    [found] = [child for child in children if "planwise_nb.core.forkserver" in child.cmdline()]
    return found


def test_no_state_of_one_notebook_is_seen_by_the_next(tmp_path: Path) -> None:
    with kernel(tmp_path) as (_, client):
        before = json.loads(said(client, STATE))
        said(client, SPOIL)
        assert json.loads(said(client, STATE))["set"] == 1
    with kernel(tmp_path) as (_, client):
        after = json.loads(said(client, STATE))
    assert before.pop("random") != after.pop("random")
    assert before.pop("numpy") != after.pop("numpy")
    assert after == before
    assert (after["folder"], after["files"], after["set"]) == (str(tmp_path), [], None)


@FORKED
def test_a_kernel_has_what_notebooks_need_from_its_parent(tmp_path: Path) -> None:
    with kernel(tmp_path) as (_, client):
        code = "import sys; print({'altair', 'pandas', 'sql.magic'} <= set(sys.modules))"
        assert said(client, code) == "True\n"
        code = "from planwise_nb.workforce import dbt_project; print(len(dbt_project._compiled))"
        assert said(client, code) == "1\n"


@FORKED
def test_while_nobody_asks_the_parent_imports_dbt_for_the_kernels_to_come(tmp_path: Path) -> None:
    def has_dbt() -> bool:
        with kernel(tmp_path) as (_, client):
            return said(client, "import sys; print('dbt.cli.main' in sys.modules)") == "True\n"

    assert eventually(has_dbt)
    assert parent().num_threads() == 1


@FORKED
def test_a_run_is_not_slowed_by_the_import_of_dbt_which_its_steps_do_not_need(tmp_path: Path) -> None:
    code = (
        "import os, sys, time; from jupyter_client.manager import KernelManager;"
        f"from planwise_nb.core.holder import RUNNER_VARIABLE; manager = KernelManager(kernel_name={KERNEL!r});"
        f"manager.start_kernel(cwd={str(tmp_path)!r}, env=os.environ | {{RUNNER_VARIABLE: '{{}}'}});"
        "import psutil; [parent] = psutil.Process().children(); before = parent.cpu_times().user; time.sleep(2);"
        "print(parent.cpu_times().user - before < 0.5); manager.shutdown_kernel(now=True)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("True\n", "")


@FORKED
def test_the_parent_imports_the_debugger_that_every_kernel_has(tmp_path: Path) -> None:
    with kernel(tmp_path) as (_, client):
        assert said(client, "import sys; print('ipykernel.debugger' in sys.modules)") == "True\n"
    maps = Path(f"/proc/{parent().pid}/maps").read_text(encoding="utf-8")
    assert "pydevd" in maps


@FORKED
def test_a_kernel_that_cannot_warm_up_is_forked_all_the_same(tmp_path: Path) -> None:
    code = (
        f"from jupyter_client.manager import KernelManager; manager = KernelManager(kernel_name={KERNEL!r});"
        f"manager.start_kernel(cwd={str(tmp_path)!r}); print(manager.transport); manager.shutdown_kernel(now=True)"
    )
    wrong = os.environ | {"PLANWISE_THREADS": "none"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=wrong)
    assert (done.stdout, done.stderr) == ("ipc\n", "")


@FORKED
def test_a_kernel_hears_the_widgets_of_its_page(tmp_path: Path) -> None:
    with kernel(tmp_path) as (_, client):
        code = "from comm import get_comm_manager; print('jupyter.widget.control' in get_comm_manager().targets)"
        assert said(client, code) == "True\n"


@FORKED
def test_a_kernel_starts_although_the_folder_is_gone_in_which_its_parent_was_started(tmp_path: Path) -> None:
    code = (
        "import os, sys, tempfile; from jupyter_client.manager import KernelManager;"
        "place = tempfile.mkdtemp(); os.chdir(place);"
        f"managers = [KernelManager(kernel_name={KERNEL!r}) for _ in range(2)];"
        f"managers[0].start_kernel(cwd={str(tmp_path)!r}); os.chdir('/'); os.rmdir(place);"
        f"managers[1].start_kernel(cwd={str(tmp_path)!r});"
        "print(managers[1].transport); [manager.shutdown_kernel(now=True) for manager in managers]"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("ipc\n", "")


@FORKED
def test_the_parent_holds_no_thread_and_no_database(tmp_path: Path) -> None:
    with kernel(tmp_path):
        assert parent().num_threads() == 1
        assert [file.path for file in parent().open_files() if "duckdb" in file.path] == []


@FORKED
def test_a_kernel_is_interrupted_and_started_again_on_the_same_sockets(tmp_path: Path) -> None:
    with kernel(tmp_path) as (manager, client):
        before = manager.get_connection_info()
        first = said(client, "import os; print(os.getpid())")
        client.execute("import time; time.sleep(600)")
        time.sleep(0.5)
        manager.interrupt_kernel()
        assert client.get_shell_msg(timeout=PATIENCE_SECONDS)["content"]["ename"] == "KeyboardInterrupt"
        manager.restart_kernel(now=True)
        client.wait_for_ready(timeout=PATIENCE_SECONDS)
        assert said(client, "import os; print(os.getpid())") != first
        assert manager.get_connection_info() == before


def test_a_kernel_that_is_killed_is_seen_to_be_dead(tmp_path: Path) -> None:
    with kernel(tmp_path) as (manager, client):
        os.kill(int(said(client, "import os; print(os.getpid())")), signal.SIGKILL)
        assert eventually(lambda: not manager.is_alive())


def _is_spare_killed(running: int) -> bool:
    """Kill the kernel that is forked ahead; its parent may just have put another one in its place."""
    try:
        [spare] = [child for child in parent().children() if child.pid != running]
        time.sleep(1.0)  # until it has bound its sockets
        spare.kill()
        return bool(eventually(lambda: spare.status() == psutil.STATUS_ZOMBIE))
    except (ValueError, psutil.NoSuchProcess):
        return False


@FORKED
def test_a_spare_kernel_that_is_killed_takes_no_other_with_it(tmp_path: Path) -> None:
    with kernel(tmp_path) as (_, first):
        running = int(said(first, "import os; print(os.getpid())"))
        assert eventually(lambda: _is_spare_killed(running))
        with kernel(tmp_path) as (_, second):
            assert said(second, "print(1 + 1)") == "2\n"
        assert said(first, "print(2 + 2)") == "4\n"


@FORKED
def test_a_forked_kernel_of_jupyterlab_is_named_by_its_notebook(tmp_path: Path) -> None:
    manager = KernelManager(kernel_name=KERNEL)
    manager.start_kernel(cwd=str(tmp_path), env=os.environ | {"JPY_SESSION_NAME": "/somewhere/03_requirements.ipynb"})
    try:
        assert describe(manager.provisioner.pid).startswith("a JupyterLab kernel of 03_requirements.ipynb (process")
    finally:
        manager.shutdown_kernel(now=True)


@FORKED
def test_parent_and_kernels_end_with_the_process_that_they_serve(tmp_path: Path) -> None:
    code = (
        "import os, sys, time; from jupyter_client.manager import KernelManager;"
        f"manager = KernelManager(kernel_name={KERNEL!r}); manager.start_kernel();"
        "print(manager.provisioner.pid, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=tmp_path, text=True) as user:
        assert user.stdout is not None
        served = psutil.Process(int(user.stdout.readline()))
        family = [served.parent(), *served.parent().children()]
        user.kill()
    assert len(family) > 1
    assert eventually(lambda: not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in family))


@FORKED
def test_a_parent_whose_imports_changed_forks_no_more_and_leaves_its_kernels_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ppid = "import os; print(os.getppid())"
    with kernel(tmp_path) as (manager, client):
        said(client, "kept = 1")
        monkeypatch.setattr(provisioner, "_stamp", lambda: (("changed.py", 0, 0),))
        with kernel(tmp_path) as (_, other):
            assert said(other, ppid) != said(client, ppid)
        assert said(client, "print(kept)") == "1\n"
        manager.restart_kernel(now=True)
        client.wait_for_ready(timeout=PATIENCE_SECONDS)
        assert said(client, "print('kept' in globals())") == "False\n"


@FORKED
def test_a_kernel_starts_again_after_its_parent_was_killed(tmp_path: Path) -> None:
    with kernel(tmp_path) as (manager, client):
        psutil.Process(int(said(client, "import os; print(os.getppid())"))).kill()
        assert eventually(lambda: not manager.is_alive())
        manager.restart_kernel(now=True)
        client.wait_for_ready(timeout=PATIENCE_SECONDS)
        assert said(client, "print('here')") == "here\n"


@FORKED
def test_a_forked_kernel_has_the_surroundings_of_an_ordinary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = (
        "import os, sys, logging, json, pandas;"
        "print(json.dumps([{name: os.environ.get(name) for name in ('PAGER', 'GIT_PAGER', 'TERM', 'CLICOLOR')},"
        "sys.path[0], logging.getLogger().handlers == [], logging.getLogger().level, len(sys.argv) > 0,"
        "pandas.get_option('display.max_columns')]))"
    )
    with kernel(tmp_path) as (_, client):
        forked = json.loads(said(client, code))
    monkeypatch.setenv(provisioner.FORK, "0")
    with kernel(tmp_path) as (_, client):
        assert json.loads(said(client, code)) == forked


def test_a_kernel_that_dies_at_its_start_is_told_as_such(
    small_census: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(provisioner.FORK, "0")
    (tmp_path / "ipykernel_launcher.py").write_text("raise SystemExit(7)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    inputs = resolve(Project(shipped()), Request(years=(2025, 2025), census=small_census))
    started = start(WORKFORCE, inputs, out=tmp_path / "runs", command=["test"])
    with pytest.raises(KernelDiedError, match="planwise run --resume"):
        run(started, lambda message: None)
    assert started.manifest["status"] == "failed"


def test_where_nothing_is_forked_ordinary_kernels_start_and_the_log_says_so_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(provisioner.FORK, "0")
    provisioner._say_once.cache_clear()
    with caplog.at_level(logging.WARNING, "planwise"):
        for _ in range(2):
            with kernel(tmp_path) as (_manager, client):
                assert said(client, "import sys; print('dbt' in sys.modules)") == "False\n"
    assert [record.message for record in caplog.records if record.name == "planwise"] == [
        "Kernels are not forked here: they start as ordinary ones."
    ]


@FORKED
def test_a_parent_that_cannot_import_gives_way_to_ordinary_kernels(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    provisioner._say_once.cache_clear()
    manager = KernelManager(kernel_name=KERNEL)
    manager.kernel_spec.metadata["kernel_provisioner"]["config"] = {"preload": "there_is:no_such_module"}
    with caplog.at_level(logging.WARNING, "planwise"):
        manager.start_kernel(cwd=str(tmp_path))
        manager.shutdown_kernel(now=True)
    assert "Kernels cannot be forked (ModuleNotFoundError: No module named 'there_is')" in caplog.text
    assert capfd.readouterr().err == ""


@FORKED
def test_forked_and_ordinary_kernels_give_equal_results(
    small_census: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tables(name: str) -> list[object]:
        inputs = resolve(Project(shipped()), Request(years=(2025, 2025), census=small_census))
        done = run(start(WORKFORCE, inputs, out=tmp_path / name, command=["test"]), lambda message: None)
        return [(record["step"], record["tables"]) for record in done["steps"]]

    forked = tables("forked")
    monkeypatch.setenv(provisioner.FORK, "0")
    assert tables("ordinary") == forked


def test_a_run_without_its_kernel_fails_and_says_how_to_install_it(
    tmp_path: Path, small_census: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernels, "KERNEL", "nowhere")
    inputs = resolve(Project(shipped()), Request(census=small_census, years=(2025, 2025)))
    started = start(WORKFORCE, inputs, out=tmp_path, command=["planwise", "run"])
    with pytest.raises(PlanwiseError, match="does not find the kernel nowhere"):
        run(started, lambda message: None)
    assert started.manifest["status"] == "failed"


@FORKED
def test_who_is_interrupted_while_asking_hears_the_answer_to_what_is_asked_next(tmp_path: Path) -> None:
    with kernel(tmp_path) as (manager, _):
        asked = provisioner.kernel_parent(manager.kernel_spec.metadata["kernel_provisioner"]["config"]["preload"])
        before = signal.signal(signal.SIGALRM, signal.default_int_handler)
        try:
            with pytest.raises(KeyboardInterrupt):
                signal.setitimer(signal.ITIMER_REAL, 0.2)
                asked.ask(do="poll", pid=manager.provisioner.pid, wait=2.0)
        finally:
            signal.signal(signal.SIGALRM, before)
        assert asked.ask(do="poll", pid=os.getpid()) == 1

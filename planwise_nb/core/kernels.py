"""How a notebook gets a clean kernel: each step runs in its own fresh process, by papermill."""

from __future__ import annotations

import json
import logging
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from traitlets.config import Config

from planwise_nb.core.errors import KernelDiedError, PlanwiseError, StepError
from planwise_nb.core.holder import RUNNER_VARIABLE, end_kernel
from planwise_nb.core.processes import Process

if TYPE_CHECKING:
    from nbformat import NotebookNode

RUN_FOLDER = "PLANWISE_RUN_FOLDER"
"""Set in the kernel of a step that runs: the run's folder. Elsewhere a notebook only looks."""

STEP_RESULT = "application/vnd.planwise.step+json"
"""The output type in which a step hands its checks and row counts to the runner."""

STEP_PROGRESS = "application/vnd.planwise.progress+json"
"""The output type in which a step says how far it is: ``{"part": 0.5, "what": "int_hires"}``. No notebook keeps it."""

LONGEST_SOCKET = 90
"""A path of a socket has about 100 characters at most, and the kernel's are this one with a number behind it."""

KERNEL = "planwise"


def prepare() -> None:
    """Start the parent of kernels ahead: it imports what notebooks need while the inputs of a run are read.

    Raises ``PlanwiseError`` where the kernel is not installed.
    """
    from jupyter_client.kernelspec import NoSuchKernel, get_kernel_spec  # noqa: PLC0415 - --help starts without them

    from planwise_nb.core.provisioner import can_fork, kernel_parent  # noqa: PLC0415

    try:
        metadata = get_kernel_spec(KERNEL).metadata
    except NoSuchKernel:
        raise _not_installed() from None
    if can_fork():
        kernel_parent(metadata["kernel_provisioner"]["config"]["preload"])


def _not_installed() -> PlanwiseError:
    return PlanwiseError(
        f"Jupyter does not find the kernel {KERNEL}.",
        fix="Install PlanWise with pip, in the environment that Jupyter runs in: pip install .",
    )


def execute(
    source: Path,
    target: Path,
    parameters: Mapping[str, Any],
    folder: Path,
    on_progress: Callable[[float, str], None] = lambda part, what: None,
) -> dict[str, Any]:
    """Execute the notebook ``source`` with ``parameters`` into ``target``, with the run's ``folder`` as working
    directory, and return what its step handed over. ``on_progress`` hears how far the step says it is.

    Raises ``StepError`` where a cell raised or the step was not completed, ``KernelDiedError`` where the kernel
    ended without an answer, ``PlanwiseError`` where it is not installed. ``target`` is on disk in
    every other case, as far as it came.
    """
    from jupyter_client.kernelspec import NoSuchKernel  # noqa: PLC0415 - the command line starts without them
    from nbclient.exceptions import DeadKernelError  # noqa: PLC0415
    from papermill import PapermillExecutionError  # noqa: PLC0415

    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _as_step(folder):
            executed = _by_papermill(source, target, parameters, folder, on_progress)
    except PapermillExecutionError as error:
        cause = (str(error.evalue).strip().splitlines() or ["no message"])[0]
        raise StepError(
            f"Cell {error.exec_count} of {target.name} raised {error.ename}: {cause}",
            fix=f"See the cell with its traceback in {target}.",
        ) from None
    except DeadKernelError as error:
        raise KernelDiedError(
            f"The kernel of {target.name} died before it answered: {error}",
            fix="It may have run out of memory, or been ended from outside.",
        ) from None
    except NoSuchKernel:
        raise _not_installed() from None
    finally:
        end_kernel(folder)
    return step_result(executed, target.name)


def _by_papermill(
    source: Path,
    target: Path,
    parameters: Mapping[str, Any],
    folder: Path,
    on_progress: Callable[[float, str], None],
) -> NotebookNode:
    import papermill  # noqa: PLC0415

    logging.getLogger("papermill").setLevel(logging.ERROR)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # Ctrl-C leaves its tasks unfinished, at length
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        executed: NotebookNode = papermill.execute_notebook(
            str(source),
            str(target),
            parameters=dict(parameters),
            engine_name="planwise",
            kernel_name=KERNEL,
            cwd=str(folder),
            progress_bar=False,
            folder=str(folder),
            on_progress=on_progress,
            config=kernel_settings(),
        )
    return executed


@contextmanager
def _as_step(folder: Path) -> Iterator[None]:
    """The environment that a kernel of the run in ``folder`` inherits."""
    values = {RUN_FOLDER: str(folder), RUNNER_VARIABLE: json.dumps(Process.current().as_json())}
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def kernel_settings() -> Config:
    """A kernel that is ended at once, since a step that is done has closed what it opened. An ordinary one is talked to
    through files that only this user may open, where the system has them, as a forked one always is."""
    from jupyter_core.paths import jupyter_runtime_dir  # noqa: PLC0415

    settings = Config(
        KernelManager={"client_class": "planwise_nb.core.engine.PromptClient"},
        NotebookClient={
            "kernel_manager_class": "planwise_nb.core.engine.StepKernelManager",
            "shutdown_kernel": "immediate",
        },
    )
    sockets = f"{jupyter_runtime_dir()}/planwise-{os.getpid()}"
    if os.name == "posix" and len(sockets) <= LONGEST_SOCKET:
        Path(sockets).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        settings.KernelManager.update({"transport": "ipc", "ip": sockets})
    return settings


def step_result(notebook: NotebookNode, name: str) -> dict[str, Any]:
    """What the step of the executed ``notebook`` handed over. Raises ``StepError`` where it did not."""
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    silent = [output.text for output in outputs if output.get("name") == "stderr" and "Traceback" in output.text]
    if silent:
        raise StepError(f"An output of {name} could not be shown: {silent[0].strip().splitlines()[-1]}")
    found = [
        output.data[STEP_RESULT] | output.metadata.get(STEP_RESULT, {})
        for output in outputs
        if STEP_RESULT in output.get("data", {})
    ]
    if not found:
        raise StepError(
            f"{name} ran to its end without completing its step.", fix="Its last cell must be: step.complete()"
        )
    result: dict[str, Any] = found[-1]
    return result

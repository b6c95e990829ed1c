"""How a notebook gets a clean kernel: each step runs in its own fresh process, by papermill."""

from __future__ import annotations

import json
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from traitlets.config import Config

from planwise_nb.core.errors import KernelDiedError, StepError
from planwise_nb.core.holder import RUNNER_VARIABLE, end_kernel
from planwise_nb.core.processes import Process

RUN_FOLDER = "PLANWISE_RUN_FOLDER"
"""Set in the kernel of a step that runs: the run's folder. Elsewhere a notebook only looks."""

STEP_RESULT = "application/vnd.planwise.step+json"
"""The output type in which a step hands its checks and row counts to the runner."""

KERNEL = "python3"


def execute(source: Path, target: Path, parameters: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Execute the notebook ``source`` with ``parameters`` into ``target``, with the run's ``folder`` as working
    directory, and return what its step handed over.

    Raises ``StepError`` where a cell raised or the step was not completed, ``KernelDiedError`` where the kernel
    ended without an answer. ``target`` is on disk in every case, as far as it came.
    """
    import papermill  # noqa: PLC0415 - the command line starts without it
    from nbclient.exceptions import DeadKernelError  # noqa: PLC0415

    logging.getLogger("papermill").setLevel(logging.ERROR)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # Ctrl-C leaves its tasks unfinished, at length
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        runner = json.dumps(Process.current().as_json())
        with (
            _environment({RUN_FOLDER: str(folder), RUNNER_VARIABLE: runner}),
            _sockets() as sockets,
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            papermill.execute_notebook(
                str(source),
                str(target),
                parameters=dict(parameters),
                kernel_name=KERNEL,
                cwd=str(folder),
                progress_bar=False,
                autosave_cell_every=0,
                config=sockets,
            )
    except papermill.PapermillExecutionError as error:
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
    finally:
        end_kernel(folder)
        _keep_paths_relative(target, folder)
    return step_result(target)


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
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


@contextmanager
def _sockets() -> Iterator[Config]:
    """Talk to the kernel through files that only this user may open, where the system has them."""
    if os.name != "posix":
        yield Config()
        return
    with tempfile.TemporaryDirectory(prefix="planwise-") as folder:
        yield Config({"KernelManager": {"transport": "ipc", "ip": f"{folder}/kernel"}})


def _keep_paths_relative(target: Path, folder: Path) -> None:
    """papermill notes absolute paths in the notebook; a run's folder holds none."""
    try:
        notebook = nbformat.read(target, as_version=4)
    except (OSError, ValueError):  # it was never written, or not to its end
        return
    noted = notebook.metadata.get("papermill", {})
    for name in ("input_path", "output_path"):
        if name in noted and Path(noted[name]).is_relative_to(folder):
            noted[name] = Path(noted[name]).relative_to(folder).as_posix()
    nbformat.write(notebook, target)


def step_result(target: Path) -> dict[str, Any]:
    """What the step of the executed notebook ``target`` handed over. Raises ``StepError`` where it did not."""
    notebook = nbformat.read(target, as_version=4)
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    silent = [output.text for output in outputs if output.get("name") == "stderr" and "Traceback" in output.text]
    if silent:
        raise StepError(f"An output of {target.name} could not be shown: {silent[0].strip().splitlines()[-1]}")
    found = [
        output.data[STEP_RESULT] | output.metadata.get(STEP_RESULT, {})
        for output in outputs
        if STEP_RESULT in output.get("data", {})
    ]
    if not found:
        raise StepError(
            f"{target.name} ran to its end without completing its step.", fix="Its last cell must be: step.complete()"
        )
    result: dict[str, Any] = found[-1]
    return result

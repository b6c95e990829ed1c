"""How papermill executes a step: the engine ``planwise``, without waiting loops and with pictures of every chart."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, NotebookExecutionManager
from papermill.iorw import write_ipynb

from planwise_nb.core.artist import drawn
from planwise_nb.core.kernels import STEP_PROGRESS
from planwise_nb.core.pictures import PICTURE, SPECIFICATION

SAVE_SECONDS = 1.0
_ASK_AGAIN_SECONDS = 0.25


class StepEngine(Engine):  # type: ignore[misc]
    """Executes a notebook of the run in ``folder``; paths in its metadata are relative to that."""

    @classmethod
    def execute_notebook(cls, nb: NotebookNode, kernel_name: str, output_path: str, **options: Any) -> NotebookNode:
        """Execute ``nb`` into ``output_path``, which is on disk in every case, as far as it came."""
        folder = Path(options.pop("folder"))
        noted = nb.metadata.papermill
        for name in ("input_path", "output_path"):
            noted[name] = Path(noted[name]).relative_to(folder).as_posix()
        manager = _Saving(nb, output_path=output_path, progress_bar=False)
        manager.notebook_start()
        try:
            with ThreadPoolExecutor(1) as drawings:
                hear = options["on_progress"]
                client = _StepClient(manager, drawings, hear, kernel_name=kernel_name, config=options["config"])
                client.execute()
                client.add_pictures()
        except BaseException:
            manager.notebook_complete()
            write_ipynb(nb, output_path)
            raise
        manager.notebook_complete()
        executed: NotebookNode = manager.nb
        return executed


class _Saving(NotebookExecutionManager):  # type: ignore[misc]
    """Saves the notebook about once a second; in the end papermill writes it."""

    def save(self, **options: Any) -> None:
        if (self.now() - self.last_save_time).total_seconds() >= SAVE_SECONDS:
            super().save(**options)


class _StepClient(PapermillNotebookClient):  # type: ignore[misc]
    """Executes the cells while the artist draws their charts; ``drawings`` has the thread that waits for it."""

    def __init__(
        self,
        manager: NotebookExecutionManager,
        drawings: ThreadPoolExecutor,
        on_progress: Callable[[float, str], None],
        **options: Any,
    ) -> None:
        super().__init__(manager, **options)
        self._drawings = drawings
        self._on_progress = on_progress
        self._drawn: list[tuple[NotebookNode, Future[str]]] = []

    def output(self, outputs: list[NotebookNode], message: dict[str, Any], *where: Any) -> NotebookNode | None:
        """An output of a cell; a chart is drawn meanwhile, and progress is told on."""
        if progress := message["content"].get("data", {}).get(STEP_PROGRESS):
            self._on_progress(progress["part"], progress["what"])
            return None
        output: NotebookNode | None = super().output(outputs, message, *where)
        if output is not None and SPECIFICATION in output.get("data", {}):
            drawing = self._drawings.submit(drawn, output.data[SPECIFICATION])
            self._drawn.append((output.data, drawing))
        return output

    def add_pictures(self) -> None:
        """Put each picture beside its specification. Raises what the artist raised."""
        for data, picture in self._drawn:
            data[PICTURE] = picture.result()


class StepKernelManager(AsyncKernelManager):
    """A manager that ends a kernel without interrupting it first: a step that is over has nothing left to interrupt."""

    async def _async_interrupt_kernel(self) -> None:
        return


class PromptClient(AsyncKernelClient):
    """A client that is ready as soon as the kernel has answered on both channels, rather than a while later."""

    async def _async_wait_for_ready(self, timeout: float | None = None) -> None:
        """Raises ``DeadKernelError`` where the kernel died, or did not answer for ``timeout`` seconds."""
        deadline = time.monotonic() + (float("inf") if timeout is None else timeout)
        while True:
            asked = self.kernel_info()
            if await self._is_answered(asked):
                return
            if not await self._async_is_alive():
                raise DeadKernelError("it ended at its start")
            if time.monotonic() > deadline:
                raise DeadKernelError(f"it did not respond in {timeout} seconds")

    async def _is_answered(self, asked: str) -> bool:
        """Whether the reply came, and the message that the kernel is idle again: its outputs are heard, too."""
        try:
            reply = await _heard(self.shell_channel, asked, lambda said: said["msg_type"] == "kernel_info_reply")
            await _heard(self.iopub_channel, asked, lambda said: said["content"].get("execution_state") == "idle")
        except Empty:
            return False
        self._handle_kernel_info_reply(reply)
        return True

    wait_for_ready = _async_wait_for_ready


async def _heard(channel: Any, asked: str, is_meant: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The message that answers to ``asked`` and is meant. Raises ``Empty`` where none comes for a while."""
    while True:
        message: dict[str, Any] = await channel.get_msg(timeout=_ASK_AGAIN_SECONDS)
        if message["parent_header"].get("msg_id") == asked and is_meant(message):
            return message

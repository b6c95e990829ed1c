"""Work in progress, seen and steered: a bar, what is done now, a button that stops it, and how it ended."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from pathlib import Path

import ipywidgets as widgets

from planwise_nb.core.messages import Message, RunStarted, StepFinished, StepProgressed, StepStarted, line, message_of
from planwise_nb.core.pipeline import Key
from planwise_nb.core.worker import DONE, REFUSED, Order, Said, Worker

INK, GOOD, BAD = "#222222", "#00664B", "#A33B00"


class WorkView:
    """Shows what ``worker`` carries out. ``view`` is the widget; ``offer`` holds buttons that mend what was refused.

    ``on_run`` hears the folder of the run that an order works in, as soon as it is known.
    """

    def __init__(self, worker: Worker, on_run: Callable[[Path], None]) -> None:
        self._worker = worker
        self._on_run = on_run
        self._bar = widgets.FloatProgress(min=0, max=1, description="progress", layout={"width": "360px"})
        self.stop = widgets.Button(description="Stop", icon="stop", tooltip="Stop here; the run can be resumed")
        self.stop.on_click(lambda _: self._ask_to_stop())
        self._working = widgets.HBox([self._bar, self.stop], layout={"display": "none"})
        self._status = widgets.HTML()
        self.offer = widgets.HBox()
        self.view = widgets.VBox([self._working, self._status, self.offer])

    def begin(self, order: Order, keys: Sequence[Key], on_end: Callable[[Said], None]) -> None:
        """Let ``order`` be carried out, which ends with the last of ``keys``, the steps of the run in order."""
        place = {key: number for number, key in enumerate(keys)}
        first = 0

        def hear(said: Said) -> None:
            nonlocal first
            if (message := message_of(said)) is None:
                self._end(said)
                on_end(said)
                return
            if isinstance(message, RunStarted):
                first = message.done
                self._on_run(Path(str(order["folder"])).parent / message.run_id)
            self._bar.value = _part(message, first, len(place), self._bar.value)
            self.say(line(message))

        self._bar.value = 0
        self.offer.children = ()
        self._working.layout.display = ""
        self.say("Getting ready …")
        self._worker.begin(order, hear)

    def say(self, text: str, colour: str = INK) -> None:
        """Say ``text`` where the state is told; screen readers are told too."""
        shown = html.escape(text).replace("\n", "<br>")
        self._status.value = f'<div role="status" style="color:{colour};line-height:1.4">{shown}</div>'

    def _ask_to_stop(self) -> None:
        self.say("Stopping …")
        self._worker.stop()

    def _end(self, said: Said) -> None:
        self._working.layout.display = "none"
        if said["message"] == DONE:
            self.say(str(said["said"]), GOOD)
        elif said["message"] == REFUSED:
            self.say(str(said["what"]), BAD)
        else:
            self.say("Stopped. What is done is kept; the same button goes on from there.")


def _part(message: Message, first: int, last: int, now: float) -> float:
    """How much of what began with ``first`` steps done, and ends with ``last``, is done."""
    match message:
        case StepStarted() | StepFinished():
            done = float(message.done)
        case StepProgressed():
            done = message.done + message.part
        case _:
            return now
    return (done - first) / max(last - first, 1)

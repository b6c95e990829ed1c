"""The tab Run: start a scenario, watch it, stop it, go on with it."""

from __future__ import annotations

import html
import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import ipywidgets as widgets

from planwise_nb.apps.dashboard import parts
from planwise_nb.apps.dashboard.children import Child, run_of, stop
from planwise_nb.apps.dashboard.desk import Desk
from planwise_nb.apps.dashboard.progress import Progress, progress_of
from planwise_nb.core.errors import STOPPED
from planwise_nb.core.runs import Run

LIST_EVERY = 4
"""After how many looks at the run that is chosen the list of runs is read again."""
MOST_RUNS = 50
ACCEPT = "--accept-changes"
TOLD = {
    "running": ("note", "Running"),
    "success": ("good", "Finished"),
    "failed": ("bad", "Failed"),
    "stopped": ("warn", "Stopped: it can be resumed"),
}


class RunTab:
    """The tab's widgets and the runs that it started."""

    def __init__(self, desk: Desk, is_shown: Callable[[], bool]) -> None:
        self.desk, self.is_shown = desk, is_shown
        self.looks = itertools.count()
        self.children: list[Child] = []
        self.asks_to_accept = False
        self.message, self.watch, self.log = parts.text(""), parts.text(""), parts.text("")
        self.scenario = parts.scenarios(desk, "Scenario", self.message)
        self.years = parts.labelled(widgets.Text(description="Years", placeholder="as in the scenario"))
        self.seed = parts.labelled(widgets.Text(description="Seed", placeholder="as in the scenario"))
        self.census = parts.labelled(
            widgets.Text(description="Census file", placeholder="as in the scenario"), "pw-wide"
        )
        self.runs = parts.labelled(widgets.Dropdown(options=[], description="Run"), "pw-wide")
        self.changed = widgets.Checkbox(description="Go on although files changed since it started", indent=False)
        self.changed.add_class("pw-check")
        self.start_button = parts.button("Start run", self._start, self.message, css="pw-primary")
        self.stop_button = parts.button("Stop", self._stop, self.message, css="pw-danger")
        self.resume_button = parts.button("Resume", self._resume, self.message)
        self._chosen = parts.guarded(self._choose, self.watch)
        self.runs.observe(self._chosen, "value")
        self.box = self._layout()
        parts.guarded(self.list_runs, self.watch)()
        self._task = parts.looking(self._look_around, self.watch)

    def _layout(self) -> widgets.VBox:
        said = "A run goes on when this page is closed, and does not make it wait."
        return widgets.VBox([
            parts.card(
                parts.heading("Start", said),
                parts.row(self.scenario, self.years, self.seed),
                parts.row(self.census, self.start_button),
                self.message,
            ),
            parts.card(
                parts.heading("Watch"),
                parts.row(self.runs, self.stop_button, self.resume_button),
                self.changed,
                self.watch,
                self.log,
            ),
        ])  # fmt: skip

    def list_runs(self, chosen: str = "") -> None:
        """List the runs, the newest first, and show ``chosen``, else the one that is chosen, else the newest."""
        rows = [row for row in self.desk.ledger.runs() if row["status"] not in ("missing", "damaged")][:MOST_RUNS]
        options = [(f"{row['run_id']}   {row['subject']}", row["run_id"]) for row in rows]
        listed = [run_id for _, run_id in options]
        before, wanted = self.runs.value, chosen or self.runs.value
        first = listed[0] if listed else None
        parts.offer(self.runs, options, wanted if wanted in listed else first, self._chosen)
        if self.runs.value == before:
            self.look()
        else:
            self._choose()

    def _choose(self) -> None:
        """Show the run that is chosen, and nothing more of the one before, whatever comes."""
        self.watch.value = self.log.value = ""
        self.look()

    def _start(self) -> None:
        fields = (("--years", self.years), ("--seed", self.seed), ("--census", self.census))
        options = [word for name, field in fields if field.value.strip() for word in (f"{name}={field.value.strip()}",)]
        self._begin(
            [*options, "--", str(self.scenario.value)], f"Starting {self.scenario.value}: its inputs are checked."
        )

    def _resume(self) -> None:
        accepted = [ACCEPT] if self.changed.value else []
        self._begin(["--resume", str(self.runs.value), *accepted], f"Going on with {self.runs.value}.")

    def _begin(self, arguments: list[str], said: str) -> None:
        if self._is_starting():  # a second click
            return
        self.children.append(Child("run", arguments, project=self.desk.project.own, out=self.desk.ledger.out))
        self.start_button.disabled = self.resume_button.disabled = True
        self.asks_to_accept = self.changed.value = False
        self.message.value = parts.notice("note", html.escape(said))

    def _stop(self) -> None:
        if self.runs.value and (run := self.desk.run(self.runs.value)).is_held:
            stop(run)
        else:
            for child in self.children:
                if not child.is_found:
                    child.stop()
        self.message.value = parts.notice("note", "Stopping; what is done stays, and the run can be resumed.")

    def _look_around(self) -> None:
        """Look for new scenarios, after the runs that were started here and, where it is shown, at the chosen run."""
        self.desk.look()
        self._look_after_children()
        if self.is_shown():
            is_time = next(self.looks) % LIST_EVERY == 0
            (self.list_runs if is_time else self.look)()

    def _look_after_children(self) -> None:
        """Show the run of a child once it has one, and what a child that ended was refused for."""
        for child in [*self.children]:
            if not child.is_alive:
                self.children.remove(child)
                self._tell_refusal(child)
                self.list_runs()
            elif not child.is_found:
                rows = [row for row in self.desk.ledger.runs()[:MOST_RUNS] if row["status"] == "running"]
                found = run_of(child, [self.desk.run(row["run_id"]) for row in rows])
                if found is not None:
                    child.is_found, self.message.value = True, ""
                    self.list_runs(found.folder.name)

    def _tell_refusal(self, child: Child) -> None:
        problems = [replace(problem, fix=_on_page(problem.fix)) for problem in child.refusal()]
        self.asks_to_accept = any(ACCEPT in problem.fix for problem in problems)
        if problems:
            self.message.value = parts.refused(problems)

    def _is_starting(self) -> bool:
        return any(not child.is_found for child in self.children)

    def look(self) -> None:
        """Show the run that is chosen as it is now; a value that stays is not sent again."""
        self.start_button.disabled = self._is_starting()
        if not self.runs.value:
            self.watch.value, self.log.value = '<p class="pw-empty">No run yet.</p>', ""
            self._allow(stop=self._is_starting(), resume=False)
            return
        run = self.desk.run(self.runs.value)
        manifest = run.manifest
        is_held = run.is_held
        was_asked = (manifest.get("failure") or {}).get("reason") == STOPPED
        is_lost = manifest["status"] == "running" or (manifest["status"] == "failed" and was_asked)
        state = "stopped" if is_lost and not is_held else manifest["status"]
        self._allow(
            stop=is_held or self._is_starting(), resume=not is_held and state != "success" and not self._is_starting()
        )
        found = progress_of(run)
        self.watch.value = _watched(run, manifest, state, found)
        self.log.value = _log(found)

    def _allow(self, *, stop: bool, resume: bool) -> None:
        self.stop_button.disabled, self.resume_button.disabled = not stop, not resume
        self.changed.layout.display = None if resume and self.asks_to_accept else "none"


def _on_page(fix: str) -> str:
    """A fix without a command where a button does it."""
    return f"Agree below that files changed, then press Resume: {fix}" if ACCEPT in fix else fix


def _watched(run: Run, manifest: dict[str, Any], state: str, found: Progress) -> str:
    kind, said = TOLD.get(state, ("warn", state))
    done, total = (found.total, found.total) if state == "success" else (found.done, found.total)
    share = done / total if total else 0
    facts = [("Scenario", manifest["subject"]), ("Years", f"{manifest['periods'][0]} to {manifest['periods'][-1]}")]
    if state == "running":
        facts += [("Now", found.step or "starting")]
    facts += [("Steps", f"{done} of {total}")]
    if found.pace is not None:
        facts += [("Rate", f"{60 / found.pace:.1f} steps a minute" if found.pace else "–")]
    if state == "running" and found.remaining is not None:
        facts += [("Remaining", f"about {found.remaining:.0f} s")]
    elif state == "success":
        facts += [("Took", f"{manifest['seconds']:.1f} s")]
    items = "".join(f"<div><dt>{name}</dt><dd>{html.escape(str(value))}</dd></div>" for name, value in facts)
    bar = (
        f'<div class="pw-bar" role="progressbar" aria-label="Steps done" aria-valuemin="0" aria-valuemax="{total}"'
        f' aria-valuenow="{done}"><span style="width:{100 * share:.1f}%"></span></div>'
    )
    failure = manifest.get("failure") or {}
    told = _failure(failure, found) if state == "failed" else ""
    shown = f'<p class="pw-state pw-{kind}" role="status">{html.escape(said)}</p>'
    return f'{shown}{bar}<dl class="pw-facts">{items}</dl>{told}'


def _failure(failure: dict[str, Any], found: Progress) -> str:
    said = str(failure.get("reason") or found.error or "The run failed.")
    what, _, fix = said.partition("\n")
    fixed = fix or "Look at the log below and at the step's notebook in the run's folder; then resume."
    return parts.notice("bad", f"<strong>{html.escape(what)}</strong><br>{html.escape(fixed)}")


def _log(found: Progress) -> str:
    lines = html.escape("\n".join(reversed(found.lines)))
    shown = f'<pre tabindex="0">{lines}</pre>'
    return f'<details class="pw-log" open><summary>Log, the newest first</summary>{shown}</details>'

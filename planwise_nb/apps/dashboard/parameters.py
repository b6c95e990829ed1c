"""The tab Parameters: choose a scenario, set its levers by level and year, save it as one's own."""

from __future__ import annotations

import html
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from types import MappingProxyType

import ipywidgets as widgets

from planwise_nb.apps.dashboard import parts
from planwise_nb.apps.dashboard.desk import REFERENCE, Desk, Opened
from planwise_nb.core.errors import PlanwiseError
from planwise_nb.workforce.drafts import Cell, Parameter, all_parameters
from planwise_nb.workforce.saved_scenarios import Save, save_scenario
from planwise_nb.workforce.scenario_store import files_of, is_shipped

MOST_CHANGES = 40
UNCHANGED: Mapping[Cell, Decimal] = MappingProxyType({})
Wanted = tuple[str, Mapping[Cell, Decimal]]
"""A scenario to open, and the changes to lay over it."""


class CellField:
    """One editable value: a field with a label, what is wrong with it, and its distance from the reference."""

    def __init__(self, tab: ParametersTab, parameter: Parameter, cell: Cell, label: str) -> None:
        self.tab, self.parameter, self.cell = tab, parameter, cell
        is_locked = cell in tab.desk.opened.locked
        unit = f"{parameter.unit}{'; locked' if is_locked else ''}"
        self.field = widgets.Text(
            value=parameter.shown(tab.desk.value(cell)),
            description=label,
            disabled=is_locked,
            continuous_update=False,
            tooltip=f"{label} ({unit})",
        )
        self.field.add_class("pw-cell")
        if is_locked:
            self.field.add_class("pw-locked")
        self.note = parts.text("", "pw-delta")
        self.box = widgets.VBox([self.field, self.note])
        self.field.observe(parts.guarded(self._typed, tab.message), "value")
        self.show()

    def _typed(self) -> None:
        try:
            value = self.parameter.meant(self.field.value)
        except ValueError as error:
            self._mark(is_wrong=True)
            self.tab.wrong[self.cell] = f"{self.field.description} {error}"
            self.tab.tell()
            return
        self._mark(is_wrong=False)
        self.tab.wrong.pop(self.cell, None)
        self.tab.desk.change(self.cell, value)
        self.show()

    def put(self, text: str) -> None:
        """Type ``text``, unless the cell is locked."""
        if not self.field.disabled:
            self.field.value = text

    def show(self) -> None:
        """Show how far the value is from the reference."""
        now, reference = self.tab.desk.value(self.cell), self.tab.reference.values.get(self.cell)
        distance = None if reference is None else now - reference
        said = "" if not distance else f"{'+' if distance > 0 else '−'}{self.parameter.shown(abs(distance))}"
        locked = "locked" if self.field.disabled else ""
        self.note.value = html.escape(" · ".join(filter(None, (said, locked)))) or "&nbsp;"
        (self.field.add_class if self.cell in self.tab.desk.changes else self.field.remove_class)("pw-changed")

    def _mark(self, *, is_wrong: bool) -> None:
        (self.field.add_class if is_wrong else self.field.remove_class)("pw-wrong")


class ParametersTab:
    """The tab's widgets, and what is wrong with what was typed."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.reference = desk.opened
        self.wrong: dict[Cell, str] = {}
        self.wanted: Wanted | None = None
        self.scenario = parts.labelled(widgets.Dropdown(description="Start from scenario"))
        levers = [(parameter.title, parameter) for parameter in all_parameters() if parameter.is_lever]
        self.lever = parts.labelled(widgets.Dropdown(options=levers, description="Lever"), "pw-wide")
        self.grid, self.rates = widgets.GridBox(), parts.row()
        self.grid.add_class("pw-grid")
        self.about, self.summary, self.message, self.opening = (parts.text("") for _ in range(4))
        self.answers = parts.row(
            parts.button("Leave them", self._leave, self.opening),
            parts.button("Keep editing", lambda: self._ask(None), self.opening, css="pw-primary"),
        )
        self.saving = _saving(desk, self.message)
        self._chosen = parts.guarded(lambda: self.take(self.scenario.value), self.opening)
        self.scenario.observe(self._chosen, "value")
        self.lever.observe(parts.guarded(self._choose_lever, self.message), "value")
        self.box = self._layout()
        self._fill()
        desk.changed.append(parts.guarded(self.tell, self.message))

    def _layout(self) -> widgets.VBox:
        name, author, description, replace = self.saving
        save = parts.button("Save scenario", self._save, self.message, css="pw-primary")
        undo = parts.button("Undo all changes", lambda: self._open(self.desk.opened.name), self.opening, css="pw-quiet")
        return widgets.VBox([
            parts.card(
                parts.heading("Scenario", "What you change is yours alone until you save it."),
                parts.row(self.scenario, undo),
                self.opening,
                self.answers,
                self.about,
            ),
            parts.card(
                parts.heading("Levers by level and year"),
                self.lever,
                self.grid,
            ),
            parts.card(parts.heading("The whole company, every year"), self.rates),
            parts.card(parts.heading(f"Changes, and their distance from {REFERENCE}"), self.summary),
            parts.card(
                parts.heading("Save as a scenario of your own"),
                parts.row(name, author, description),
                parts.row(replace, save),
                self.message,
            ),
        ])  # fmt: skip

    def take(self, name: str, changes: Mapping[Cell, Decimal] = UNCHANGED) -> bool:
        """Open a scenario with ``changes`` laid over it, unless changes of the open one are not saved: ask first then.
        Whether it is done. Raises ``InputError`` where the scenario cannot be used.
        """
        if self.desk.changes or self.wrong:
            self._ask((name, changes))
            return False
        self._open(name, changes)
        return True

    def _open(self, name: str, changes: Mapping[Cell, Decimal] = UNCHANGED) -> None:
        self.message.value = ""
        self._ask(None)
        self.desk.open(name, changes)
        self._fill()
        if left := sorted({str(year or "every year") for _, year, _ in changes.keys() - self.desk.changes.keys()}):
            said = f"Left out, since {name} has no such year or locks it: {', '.join(left)}."
            self.opening.value = parts.notice("warn", html.escape(said))

    def _ask(self, wanted: Wanted | None) -> None:
        """Ask whether to leave what is not saved for the scenario that is wanted, if one is."""
        self.wanted, self.opening.value = wanted, ""
        self.answers.layout.display = "none" if wanted is None else None
        if wanted is not None:
            count = parts.counted(len(self.desk.changes.keys() | self.wrong.keys()), "unsaved change")
            asked = f"<strong>{count} of {html.escape(self.desk.opened.name)}.</strong>"
            said = f"{asked} Open {html.escape(wanted[0])} without what is not saved?"
            self.opening.value = parts.notice("warn", said)
        self._list()

    def _leave(self) -> None:
        if self.wanted is not None:
            self._open(*self.wanted)

    def _list(self) -> None:
        """Offer the scenarios that there are now, the open one chosen."""
        names, opened = self.desk.scenarios(), self.desk.opened.name
        gone = [] if opened in names else [(f"{opened} (deleted)", opened)]
        parts.offer(self.scenario, [*((name, name) for name in names), *gone], opened, self._chosen)

    def _fill(self) -> None:
        self.wrong = {}
        opened = self.desk.opened
        with suppress(PlanwiseError):  # a project may have no such scenario: the open one is the reference then
            self.reference = opened if opened.name == REFERENCE else Opened(self.desk.project, REFERENCE)
        self.rates.children = [
            CellField(self, parameter, (parameter.name, None, None), f"{parameter.title} ({parameter.unit})").box
            for parameter in all_parameters()
            if not parameter.is_lever
        ]
        for box in self.rates.children:
            box.add_class("pw-rate")
        self._fill_grid()
        self.tell()
        said = opened.scenario.scenario
        chain = " → ".join(opened.scenario.chain)
        years = f"{opened.years[0]} to {opened.years[-1]}"
        self.about.value = (
            f'<p class="pw-about">{html.escape(said.description)} <span>{html.escape(chain)}, {years}, '
            f"{len(opened.levels)} levels, {said.status}</span></p>"
        )

    def _choose_lever(self) -> None:
        self._fill_grid()
        self.tell()

    def _fill_grid(self) -> None:
        """The grid of the lever: a row a level, a column a year, and one that sets every year of a level.

        The fields show what is in force: what was typed wrong in those before is forgotten.
        """
        self.wrong = {cell: said for cell, said in self.wrong.items() if cell[1] is None}
        opened, parameter = self.desk.opened, self.lever.value
        names = {level.level_id: level.name for level in opened.scenario.tables.job_levels}
        levels = [level for level in opened.levels if (parameter.name, opened.years[0], level) in opened.values]
        children: list[widgets.Widget] = [parts.text(f"Level ({html.escape(parameter.unit)})", "pw-corner")]
        children += [parts.text(f"{year}", "pw-column") for year in opened.years]
        children.append(parts.text("Every year", "pw-column"))
        for level in levels:
            children.append(parts.text(f"<b>{level}</b> {html.escape(names[level])}", "pw-level"))
            fields = [
                CellField(self, parameter, (parameter.name, year, level), f"{parameter.title}, level {level}, {year}")
                for year in opened.years
            ]
            children += [field.box for field in fields]
            children.append(_every_year(fields, f"{parameter.title}, level {level}, every year"))
        self.grid.children = children
        self.grid.layout = widgets.Layout(
            grid_template_columns=f"minmax(185px, 280px) repeat({len(opened.years) + 1}, minmax(84px, 170px))"
        )

    def tell(self) -> None:
        """Show what is changed and what is wrong, and which scenarios there are."""
        self._ask(self.wanted)
        wrong = "".join(f"<li>{html.escape(said)}</li>" for said in self.wrong.values())
        self.summary.value = (parts.notice("bad", f"<ul>{wrong}</ul>") if wrong else "") + self._changes()

    def _changes(self) -> str:
        parameters = {parameter.name: parameter for parameter in all_parameters()}
        rows = []
        for (name, year, level), value in sorted(self.desk.changes.items(), key=str)[:MOST_CHANGES]:
            parameter, cell = parameters[name], (name, year, level)
            before, reference = self.desk.opened.values[cell], self.reference.values.get(cell)
            distance = None if reference is None else parameter.shown(value - reference)
            rows.append((parameter.title, level or "all", year or "every", parameter.shown(before),
                         parameter.shown(value), distance, parameter.unit))  # fmt: skip
        if not rows:
            return '<p class="pw-empty">Nothing is changed yet.</p>'
        columns = ["Parameter", "Level", "Year", "Was", "Now", f"Against {REFERENCE}", "Unit"]
        more = len(self.desk.changes) - len(rows)
        caption = f"{parts.counted(len(self.desk.changes), 'change')}" + (
            f", the first {len(rows)} shown" if more else ""
        )
        return parts.sheet(parts.frame(rows, columns), caption)

    def _save(self) -> None:
        name, author, description, replace = self.saving
        if self.wrong:
            self.message.value = parts.notice("bad", "Correct the values that are marked first.")
            return
        said = Save(
            name=name.value.strip(),
            author=author.value.strip(),
            description=description.value.strip(),
            may_replace=replace.value,
        )
        path = save_scenario(self.desk.project, self.desk.draft, said)
        self._show_saved(said.name, path.relative_to(self.desk.project.own).as_posix())

    def _show_saved(self, name: str, path: str) -> None:
        """Open the scenario that was saved, as it is now."""
        self.saving[-1].value = False
        self._open(name)
        told = f"<strong>Saved as {html.escape(name)}</strong>, in {html.escape(path)}. Run it in the tab Run."
        self.message.value = parts.notice("good", told)


def _every_year(fields: list[CellField], label: str) -> widgets.Text:
    """A field that sets all of a level's years at once."""
    made = widgets.Text(placeholder="set all", description=label, continuous_update=False, tooltip=label)
    made.add_class("pw-cell")
    made.add_class("pw-fill")

    def typed(change: dict[str, str]) -> None:
        if change["new"]:
            for field in fields:
                field.put(change["new"])
            made.value = ""

    made.observe(typed, "value")
    return made


def _saving(desk: Desk, place: widgets.HTML) -> tuple[widgets.Text, widgets.Text, widgets.Text, widgets.Checkbox]:
    name = parts.labelled(widgets.Text(description="Name", placeholder="my_plan"))
    author = parts.labelled(widgets.Text(description="Saved by", placeholder="your name"))
    description = parts.labelled(widgets.Text(description="What it is about"), "pw-wide")
    replace = widgets.Checkbox(value=False, indent=False)
    replace.add_class("pw-check")

    def show() -> None:
        said = name.value.strip()
        anew = "" if said == desk.opened.name else "; its file is written anew, without its comments"
        replace.description = f"Replace the scenario of that name{anew}"
        replace.layout.display = None if files_of(desk.project, said) and not is_shipped(desk.project, said) else "none"

    name.continuous_update = True
    shown = parts.guarded(show, place)
    name.observe(shown, "value")
    desk.changed.append(shown)
    shown()
    return name, author, description, replace

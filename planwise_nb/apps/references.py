"""The reference pages of the documentation, written from the code: parameters, tables, errors.

Run by ``make references``; a test holds the pages current.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from planwise_nb.apps.messages_in_code import Message, messages_in_code
from planwise_nb.core.errors import PlanwiseError
from planwise_nb.core.notebooks import read_parameters
from planwise_nb.core.project import shipped
from planwise_nb.workforce.census import PAY_LIMITS
from planwise_nb.workforce.census_contract import contract
from planwise_nb.workforce.census_map import OPTIONAL, REQUIRED, CensusMap
from planwise_nb.workforce.census_reports import WARNINGS
from planwise_nb.workforce.figures import figure_schema, plain
from planwise_nb.workforce.levers import LEVERS
from planwise_nb.workforce.parameter_tables import read_tables
from planwise_nb.workforce.pipeline import WORKFORCE
from planwise_nb.workforce.scenario import SECTIONS, Scenario

NOTE = "Written from the code by `make references`: correct the code, not this page."
KINDS = {
    "": "a number",
    "levels": "a number, or numbers by level",
    "level shares": "shares by level that add up to 1",
    "age shares": "shares by age that add up to 1",
}
PLAIN_KINDS = {str: "a text", bool: "true or false", date: "a date, YYYY-MM-DD", Decimal: "a number"}
LAYERS = {
    "staging": "Inputs as read",
    "intermediate": "From opening to events",
    "marts": "Results",
    "ensembles": "Ensembles",
}
CHECK = re.compile(r"(?:no_offenders|equals)\(\s*'(\w+)',\s*'(\w+)',\s*'\w+',\s*'([^']+)'")


def write_references(folder: Path) -> None:
    """Write ``parameters.md``, ``tables.md`` and ``errors.md`` into ``folder``; equal code gives equal files."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = {"parameters": _parameters(), "tables": _tables(), "errors": _errors()}
    for name, parts in pages.items():
        text = "\n\n".join([f"# {name.capitalize()}", NOTE, *parts])
        (folder / f"{name}.md").write_text(text + "\n", encoding="utf-8", newline="\n")


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(value: object) -> str:
    text = " ".join(str(value).split())
    if text.startswith("`"):
        return text.replace("|", "\\|")
    return re.sub(r"([|*<])", r"\\\1", text)


def _code(text: object) -> str:
    return f"`{text}`"


# parameters


def _parameters() -> Iterator[str]:
    yield "## Scenario files"
    yield "Keys of `params/workforce/NAME.yaml`, all optional; the defaults hold where no file of the chain speaks."
    yield _fields("", Scenario, skip=SECTIONS)
    for name, section in SECTIONS.items():
        yield f"### `{name}`: {_sentence(section.__doc__)}"
        yield _fields(f"{name}.", section)
    yield "## Levers"
    yield f"Rows of `comp_levers.csv`, by scenario, year and level. Columns: {_columns('comp_levers')}."
    levers = [
        (
            _code(name),
            lever.event_type,
            _code(f"{lever.section}.{lever.key}"),
            _range(lever.schema),
            lever.schema["unit"],
        )
        for name, lever in LEVERS.items()
    ]
    yield _table(("parameter_name", "event_type", "scenario key", "range", "unit"), levers)
    yield from _other_tables()
    yield "## Census columns"
    yield f"Required: {_codes(REQUIRED)}. Optional: {_codes(OPTIONAL)}."
    yield "## Census mappings"
    yield "Keys of `params/census_maps/NAME.yaml`, all optional."
    yield _fields("", CensusMap)
    yield "## Notebooks"
    yield from _notebook_parameters()


def _fields(prefix: str, model: type[BaseModel], skip: Iterable[str] = ()) -> str:
    rows = [
        (_code(prefix + name), *_kind_unit_range(field), _default(field.default), field.description or "")
        for name, field in model.model_fields.items()
        if name not in skip
    ]
    return _table(("key", "type", "unit", "range", "default", "description"), rows)


def _kind_unit_range(field: FieldInfo) -> tuple[str, str, str]:
    if schema := figure_schema(field):
        kind = "a whole number" if schema["whole"] else KINDS[schema["keys"]]
        return kind, schema["unit"], _range(schema)
    if get_origin(field.annotation) is Literal:
        return " or ".join(get_args(field.annotation)), "", ""
    return PLAIN_KINDS.get(_bare(field.annotation), "a table"), "", ""


def _bare(annotation: Any) -> Any:
    """The type without ``None`` and without what pydantic is told about it."""
    choices = [choice for choice in get_args(annotation) if choice is not type(None)]
    is_wrapped = get_origin(annotation) in {Annotated, Union, UnionType}
    return _bare(choices[0]) if is_wrapped else annotation


def _range(schema: Mapping[str, Any]) -> str:
    return f"{schema['minimum']} to {schema['maximum']}"


def _default(value: object) -> str:
    match value:
        case None | "":
            return "none"
        case bool():
            return str(value).lower()
        case Decimal():
            return plain(value)
        case dict() if list(value) == ["all"]:
            return _default(value["all"])
        case dict():
            return ", ".join(f"{key}: {_default(entry)}" for key, entry in value.items()) or "none"
    return str(value)


def _other_tables() -> Iterator[str]:
    tables = read_tables([shipped() / "params" / "workforce"], [])
    yield "## Job levels"
    yield f"`job_levels.csv`, one row per level. Columns: {_columns('job_levels')}. As shipped:"
    levels = [(v.level_id, v.name, v.min_compensation, v.max_compensation) for v in tables.job_levels]
    yield _table(("level", "name", "minimum a year", "maximum a year"), levels)
    yield "## Hazards"
    yield f"`hazards.csv`: shares from 0 to 1. Columns: {_columns('hazards')}. As shipped:"
    yield _table(
        ("event", "parameter", "value"),
        [(event, _code(name), plain(value)) for (event, name), value in tables.hazards.items()],
    )
    yield "## Hazard multipliers"
    yield f"`hazard_multipliers.csv`: factors from 0 to 100. Columns: {_columns('hazard_multipliers')}. As shipped:"
    rows = [(*key, plain(value)) for key, value in tables.hazard_multipliers.items()]
    yield _table(("event", "dimension", "band", "factor"), rows)
    yield "## Timing of raises"
    yield f"`raise_timing.csv`: shares that add up to 1. Columns: {_columns('raise_timing')}. As shipped:"
    yield _table(("month", "share"), [(month, plain(share)) for month, share in tables.raise_timing.items()])


def _columns(name: str) -> str:
    with (shipped() / "params" / "workforce" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return _codes(next(csv.reader(file)))


def _codes(names: Iterable[str]) -> str:
    return ", ".join(_code(name) for name in names)


def _notebook_parameters() -> Iterator[str]:
    used: dict[tuple[str, ...], list[str]] = {}
    for step in (WORKFORCE.setup, *WORKFORCE.steps, WORKFORCE.summary):
        for given in read_parameters(shipped() / "notebooks" / WORKFORCE.name / step.notebook):
            row = (_code(given.name), given.type, _code(repr(given.default)), given.help)
            used.setdefault(row, []).append(step.notebook.partition("_")[0])
    yield _table(
        ("parameter", "type", "default", "description", "notebooks"),
        [(*row, ", ".join(numbers)) for row, numbers in used.items()],
    )


# tables


def _tables() -> Iterator[str]:
    yield (
        "Every table is in the schema `main` of `simulation.duckdb`; those of a year carry `scenario_id` and "
        "`simulation_year`. Amounts in columns that end in `_cents` are whole cents, rates in columns that end in "
        "`_ppm` are parts per million."
    )
    for layer, title in LAYERS.items():
        yield f"## {title} (`{layer}`)"
        for path in sorted((shipped() / "dbt" / "models" / layer).rglob("*.yml")):
            for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", ()):
                yield f"### `{model['name']}`"
                yield " ".join(model.get("description", "").split())
                yield _model_columns(model.get("columns", ()))


def _model_columns(columns: Sequence[Mapping[str, Any]]) -> str:
    if not any("data_type" in column for column in columns):
        return _table(("column", "description"), [(_code(c["name"]), c.get("description", "")) for c in columns])
    rows = [(_code(c["name"]), c.get("data_type", ""), c.get("description", "")) for c in columns]
    return _table(("column", "type", "description"), rows)


# errors


def _errors() -> Iterator[str]:
    yield (
        "Exit codes: 0 done; 1 the run failed or a check did not hold; 2 the input or the command was wrong, and "
        "nothing was written. With `--json` a refusal is an object whose `errors` carry `rule`, `message` and `fix`, "
        "those of an input also `where`, `what`, `count` and `sample`. ‹Brackets› hold what is in question."
    )
    yield "## The errors"
    yield _table(("error", "is a", "exit code", "meaning"), _error_rows(PlanwiseError))
    yield from _census_rules()
    yield "## Checks of a run"
    yield "An error fails the step and the run, a warning is counted. Rows of `fct_validation_results`."
    yield _table(("step", "check", "severity", "what holds"), _check_rows())
    found = messages_in_code()
    yield "## Rules of files and settings"
    yield from _messages(found, has_rule=True)
    yield "## Other messages"
    yield from _messages(found, has_rule=False)


def _error_rows(error: type[PlanwiseError]) -> Iterator[tuple[object, ...]]:
    yield _code(error.__name__), _code(error.__mro__[1].__name__), error.exit_code, _sentence(error.__doc__)
    for kind in error.__subclasses__():
        yield from _error_rows(kind)


def _census_rules() -> Iterator[str]:
    levels = read_tables([shipped() / "params" / "workforce"], []).job_levels
    yield "## Rules of a census"
    yield "A row that breaks one is refused, or set aside with `--set-aside`."
    rules = contract(range(2025, 2030), levels, PAY_LIMITS)
    yield _table(("rule", "what is wrong", "fix"), [(_code(rule.name), rule.what, rule.fix) for rule in rules])
    yield "## Warnings of a census"
    yield "Counted and shown, never refused."
    warned = [(_code(rule), what, fix) for rule, (_, _, what, fix) in WARNINGS.items()]
    yield _table(("rule", "what is odd", "fix"), warned)


def _check_rows() -> Iterator[tuple[object, ...]]:
    models = shipped() / "dbt" / "models"
    for step in WORKFORCE.steps:
        for path in sorted(models.rglob(f"int_{step.name}_checks.sql")):
            yield from (
                (_code(step.name), _code(name), *rest) for name, *rest in CHECK.findall(path.read_text("utf-8"))
            )
        if step.name == "validation_metrics":
            text = (models / "marts" / "fct_validation_results.sql").read_text("utf-8")
            yield from ((_code(step.name), _code(name), *rest) for name, *rest in CHECK.findall(text))


def _messages(found: Mapping[Path, Sequence[Message]], *, has_rule: bool) -> Iterator[str]:
    for path, messages in found.items():
        chosen = [message for message in messages if bool(message.rule) == has_rule]
        if chosen:
            yield f"### {_sentence(_docstring(path))}"
            rows = [(_code(said.rule or said.error), said.what, said.fix) for said in chosen]
            yield _table(("rule" if has_rule else "error", "message", "fix"), dict.fromkeys(rows))


def _docstring(path: Path) -> str:
    return path.read_text(encoding="utf-8").removeprefix('"""').partition('"""')[0]


def _sentence(text: str | None) -> str:
    """The first sentence or line of a docstring, without its stop and its code marks."""
    first = " ".join((text or "").partition("\n\n")[0].split()).replace("``", "`")
    return re.split(r"\.(?:\s|$)", first)[0]


if __name__ == "__main__":
    write_references(Path(sys.argv[1]))

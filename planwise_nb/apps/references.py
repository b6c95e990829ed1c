"""The reference pages of the documentation, written from the code: parameters, tables, errors.

Run by ``make references``; a test holds the pages current.
"""

from __future__ import annotations

import ast
import csv
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

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

PACKAGE = Path(__file__).parents[1]
NOTE = "Written from the code by `make references`: correct the code, not this page."
KINDS = {
    "": "a number",
    "levels": "a number, or numbers by level",
    "level shares": "shares by level that add up to 1",
    "age shares": "shares by age that add up to 1",
}
PLAIN_KINDS = {str: "a text", bool: "true or false", date: "a date, YYYY-MM-DD", Decimal: "a number"}
LAYERS = {"staging": "Inputs as read", "intermediate": "From opening to events", "marts": "Results"}
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
    found = _messages_in_code()
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


# messages, read from the calls that make them


@dataclass(frozen=True)
class Message:
    """What some code says of a mistake; ``rule`` is empty where it is told by the class of the error."""

    rule: str
    error: str
    what: str
    fix: str


def _messages_in_code() -> dict[Path, list[Message]]:
    modules = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}
    everywhere = _signatures(modules.values(), private=False)
    return {
        path: list(_messages_of(module, everywhere | _signatures([module], private=True)))
        for path, module in modules.items()
    }


def _signatures(modules: Iterable[ast.Module], *, private: bool) -> dict[str, list[str]]:
    """The parameters of every function and class that takes ``what`` and ``fix``, by its name."""
    found = {"Problem": ["rule", "where", "what", "fix"]}
    found |= {name: ["what", "problems"] for name in _error_names(PlanwiseError)}
    for node in (node for module in modules for node in ast.walk(module)):
        if isinstance(node, ast.ClassDef):
            inits = [part for part in node.body if isinstance(part, ast.FunctionDef) and part.name == "__init__"]
            named = [(node.name, init) for init in inits if node.name not in found]
        else:
            named = [(node.name, node)] if isinstance(node, ast.FunctionDef) else []
        for name, function in named:
            parameters = [argument.arg for argument in function.args.args if argument.arg != "self"]
            if {"what", "fix"} <= {*parameters} and name.startswith("_") == private:
                found[name] = parameters
    return found


def _error_names(error: type[PlanwiseError]) -> Iterator[str]:
    yield error.__name__
    for kind in error.__subclasses__():
        yield from _error_names(kind)


def _messages_of(module: ast.Module, signatures: Mapping[str, Sequence[str]]) -> Iterator[Message]:
    for function in ast.walk(module):
        if not isinstance(function, ast.FunctionDef):
            continue
        for call in ast.walk(function):
            name = _called(call)
            if not isinstance(call, ast.Call) or name not in signatures:
                continue
            given = dict(zip(signatures[name], call.args, strict=False)) | {k.arg or "": k.value for k in call.keywords}
            told = (
                "" if name == "Problem" or "rule" in signatures[name] else name if name[0].isupper() else "InputError"
            )
            rules = _texts(given["rule"], function) if "rule" in given else [""]
            if "problems" in given or "what" not in given or any("‹" in rule for rule in rules):
                continue
            fixes = _texts(given["fix"], function) if "fix" in given else [""]
            for rule in rules:
                yield Message(rule, told, _either(_texts(given["what"], function)), _either(fixes))


def _called(node: ast.AST) -> str:
    match node:
        case ast.Call(func=ast.Name(id=name)) | ast.Call(func=ast.Attribute(attr=name)):
            return name
    return ""


def _either(texts: Iterable[str]) -> str:
    return " — or: ".join(dict.fromkeys(text for text in texts if text))


def _texts(node: ast.expr, function: ast.FunctionDef) -> list[str]:
    """What an expression may say; names and calls that vary are shown in ‹brackets›."""
    match node:
        case ast.Constant(value=str() as text):
            return [text]
        case ast.JoinedStr(values=parts):
            return ["".join(_part(part) for part in parts)]
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            return [first + last for first in _texts(left, function) for last in _texts(right, function)]
        case ast.IfExp(body=body, orelse=other):
            return [*_texts(body, function), *_texts(other, function)]
        case ast.Name(id=name) if values := _assigned(name, function.body, node.lineno):
            return [text for value in values for text in _texts(value, function)]
    return [f"‹{_shown_name(node)}›"]


def _part(part: ast.expr) -> str:
    match part:
        case ast.Constant(value=str() as text):
            return text
        case ast.FormattedValue(value=value):
            return f"‹{_shown_name(value)}›"
    return "‹…›"


def _shown_name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name.strip("_").replace("_", " ")
        case ast.Subscript(slice=ast.Constant(value=str() as name)):
            return name.replace("_", " ")
    return "…"


def _assigned(name: str, block: Sequence[ast.stmt], line: int) -> list[ast.expr]:
    """The values that a name may have at a line: the last one given before, or those of an if and its else."""
    for statement in reversed([each for each in block if each.lineno <= line]):
        inside = _blocks(statement)
        is_around = (statement.end_lineno or line) >= line
        if is_around or (isinstance(statement, ast.If) and statement.orelse):
            found = [value for inner in inside for value in _assigned(name, inner, line)]
        else:
            found = _given(name, statement)
        if found:
            return found
    return []


def _blocks(statement: ast.stmt) -> list[list[ast.stmt]]:
    if isinstance(statement, ast.Match):
        return [case.body for case in statement.cases]
    blocks = [getattr(statement, part, []) for part in ("body", "orelse", "finalbody")]
    return [*blocks, *(handler.body for handler in getattr(statement, "handlers", []))]


def _given(name: str, statement: ast.stmt) -> list[ast.expr]:
    match statement:
        case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
            return [value]
        case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
            return [v for t, v in zip(targets, values, strict=True) if isinstance(t, ast.Name) and t.id == name]
    return []


if __name__ == "__main__":
    write_references(Path(sys.argv[1]))

"""What the code says of mistakes, read from the calls that make the messages."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from planwise_nb.core.errors import PlanwiseError

PACKAGE = Path(__file__).parents[1]


@dataclass(frozen=True)
class Message:
    """What some code says of a mistake; ``rule`` is empty where it is told by the class of the error."""

    rule: str
    error: str
    what: str
    fix: str


def messages_in_code() -> dict[Path, list[Message]]:
    """The messages of every module of the package, by the module's path, in the order of the code."""
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

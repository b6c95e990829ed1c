"""Reads a notebook's parameters cell, and refuses bad parameters before a kernel starts."""

from __future__ import annotations

import ast
import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planwise_nb.core.errors import ParameterError

TYPES: dict[str, type] = {"str": str, "int": int, "float": float, "bool": bool}


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell: ``year: int = 2025  # the year to simulate``."""

    name: str
    type: str
    default: Any
    help: str


def read_parameters(path: Path) -> tuple[Parameter, ...]:
    """The parameters of the notebook at ``path``: the annotated lines of the cell tagged ``parameters``.

    Raises ``ParameterError`` where it is no notebook, where there is no such cell, or a line of it is not annotated and
    explained.
    """
    try:
        return _read(path)
    except (ValueError, KeyError, TypeError, SyntaxError) as error:
        raise ParameterError(
            f"{path.name} cannot be read: {str(error).partition(chr(10))[0]}",
            fix="Correct its parameters cell in JupyterLab, or put the notebook as shipped in its place.",
        ) from error


def _read(path: Path) -> tuple[Parameter, ...]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    tagged = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", ())]
    if not tagged:
        raise ParameterError(
            f"{path.name} has no parameters cell.", fix="Tag the cell that sets the parameters with `parameters`."
        )
    source = "".join(tagged[0]["source"])
    lines = source.splitlines()
    return tuple(_parameter(statement, lines, path.stem) for statement in ast.parse(source).body)


def _parameter(statement: ast.stmt, lines: list[str], notebook: str) -> Parameter:
    text = lines[statement.lineno - 1]
    match statement:
        case ast.AnnAssign(target=ast.Name(id=name), annotation=ast.Name(id=kind), value=ast.expr() as value) if (
            kind in TYPES and "#" in text
        ):
            return Parameter(name, kind, ast.literal_eval(value), text.rsplit("#", 1)[1].strip())
    raise ParameterError(
        f"In the parameters cell of {notebook}, '{text}' has no type or no explanation.",
        fix="Write it as: name: int = 1  # what it means",
    )


def check_parameters(path: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """``given`` with the defaults of the notebook at ``path`` filled in.

    Raises ``ParameterError`` for a name that the notebook does not have, or a value of another type.
    """
    parameters = {parameter.name: parameter for parameter in read_parameters(path)}
    for name, value in given.items():
        if name not in parameters:
            near = difflib.get_close_matches(name, parameters, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"it has {', '.join(parameters)}."
            raise ParameterError(f"unknown parameter '{name}' of {path.stem}: {hint}")
        if type(value) is not TYPES[parameters[name].type]:
            raise ParameterError(
                f"parameter '{name}' of {path.stem} is {value!r}, not of type {parameters[name].type}.",
                fix=f"It is {parameters[name].help}.",
            )
    return {name: parameter.default for name, parameter in parameters.items()} | dict(given)

"""Which SQL a census mapping may contain: one scalar expression over the columns of an extract."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator
from typing import Any

import duckdb

from planwise_nb.core import store
from planwise_nb.core.errors import InputError

LONGEST = 2_000
DEEPEST = 240

FUNCTIONS_BY_KIND = {
    "operators": "+ - * / // % ^ || ~~ !~~ ~~* !~~*",
    "numbers": "abs ceil ceiling floor round trunc sign mod sqrt pow power greatest least nullif if",
    "text": "upper lower trim ltrim rtrim left right substr substring length replace concat concat_ws contains "
    "starts_with ends_with prefix suffix strpos position split_part translate reverse regexp_matches "
    "regexp_full_match regexp_extract like_escape",
    "dates": "date_part date_trunc date_add date_sub date_diff datesub datediff year month day quarter week dayofyear "
    "dayofweek isodow last_day monthname dayname make_date strptime try_strptime strftime "
    "to_years to_quarters to_months to_weeks to_days",
}
FUNCTIONS = frozenset(name for kind in FUNCTIONS_BY_KIND.values() for name in kind.split())
OPERATORS = frozenset(
    {"OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL", "OPERATOR_NOT", "OPERATOR_COALESCE", "COMPARE_IN", "COMPARE_NOT_IN"}
)
TYPES_BY_KIND = {
    "whole numbers": "TINYINT SMALLINT INTEGER INT BIGINT HUGEINT",
    "fractions": "REAL FLOAT DOUBLE DECIMAL NUMERIC",
    "others": "BOOLEAN BOOL VARCHAR TEXT STRING DATE TIMESTAMP TIME INTERVAL",
}
TYPES = frozenset(name for kind in TYPES_BY_KIND.values() for name in kind.split())
PLAIN_CLASSES = frozenset({"CONSTANT", "CASE", "CAST", "COMPARISON", "CONJUNCTION", "BETWEEN"})
CLASSES_SAID = {
    "SUBQUERY": "a subquery",
    "WINDOW": "a window function",
    "STAR": "a star",
    "LAMBDA": "a lambda or the arrow ->",
    "PARAMETER": "a parameter",
    "COLLATE": "a collation",
    "POSITIONAL_REFERENCE": "a positional reference",
}

Node = dict[str, Any]


class _RefusedError(Exception):
    """The expression holds something that a mapping may not use; the text says what."""


def check_expression(text: str, columns: Iterable[str]) -> str:
    """The expression ``text`` as DuckDB reads it, safe to run over a table with ``columns``.

    It is parsed and never run here, and what is returned is written back from the parsed form, so that what runs is
    what was checked. Raises ``InputError`` unless it is one scalar expression over these columns, made of constants,
    casts, CASE, comparisons, AND/OR/NOT, BETWEEN, IN and the functions of ``FUNCTIONS``.
    """
    try:
        return _checked(text, {column.lower(): column for column in columns})
    except _RefusedError as refusal:
        raise InputError(
            f"The expression {text[:120]!r} cannot be used: {refusal}.",
            fix="Write one scalar SQL expression over the extract's columns, without subqueries, comments or "
            f"semicolons; functions to choose from: {FUNCTIONS_BY_KIND['numbers']} {FUNCTIONS_BY_KIND['text']} "
            f"{FUNCTIONS_BY_KIND['dates']}.",
        ) from None


def _checked(text: str, columns: dict[str, str]) -> str:
    if len(text) > LONGEST:
        raise _RefusedError(f"it has {len(text):,} characters, at most {LONGEST:,} are allowed")
    if not text.strip():
        raise _RefusedError("it is empty")
    if not all(character.isprintable() or character.isspace() for character in text):
        raise _RefusedError("it holds a character that cannot be printed")
    if any(kind == duckdb.token_type.comment for _, kind in duckdb.tokenize(text)):
        raise _RefusedError("it holds a comment (-- or /* */)")
    with store.sandbox() as connection:
        # Both ways of asking must mean the same: brackets that close the template's, a second expression or an alias
        # are understood in one of them only.
        enclosed = _parsed(connection, f"select (\n{text}\n)")
        bare = _parsed(connection, f"select\n{text}\n")
        _check_statement(enclosed, columns)
        rendered = _rendered(connection, enclosed)
        if _rendered(connection, bare) != rendered:
            raise _RefusedError("it is not one expression: look for brackets that do not match, a comma or an alias")
    return rendered


def _parsed(connection: duckdb.DuckDBPyConnection, statement: str) -> Node:
    rows = connection.execute("select json_serialize_sql(cast(? as varchar))", [statement]).fetchall()
    try:
        parsed: Node = json.loads(rows[0][0])
    except RecursionError:
        raise _RefusedError("it is nested too deeply") from None
    if parsed["error"]:
        raise _RefusedError(f"DuckDB cannot read it as one expression ({parsed['error_message']})")
    return parsed


def _rendered(connection: duckdb.DuckDBPyConnection, parsed: Node) -> str:
    rows = connection.execute("select json_deserialize_sql(cast(? as json))", [json.dumps(parsed)]).fetchall()
    return str(rows[0][0]).removeprefix("SELECT ")


def _check_statement(parsed: Node, columns: dict[str, str]) -> None:
    statements = parsed["statements"]
    node = statements[0]["node"] if len(statements) == 1 else {}
    if node.get("type") != "SELECT_NODE" or len(node["select_list"]) != 1:
        raise _RefusedError("it is more than one expression")
    beside = ("modifiers", "where_clause", "group_expressions", "group_sets", "having", "sample", "qualify")
    if node["from_table"]["type"] != "EMPTY" or node["cte_map"]["map"] or any(node[part] for part in beside):
        raise _RefusedError("it is a query, not an expression")
    for inner in _nodes(node["select_list"], 0):
        _check_node(inner, columns)


def _nodes(part: Any, depth: int) -> Iterator[Node]:
    """Every node of the tree, wherever it hangs."""
    if depth > DEEPEST:
        raise _RefusedError("it is nested too deeply")
    if isinstance(part, dict):
        if "class" in part:
            yield part
        part = list(part.values())
    if isinstance(part, list):
        for inner in part:
            yield from _nodes(inner, depth + 1)


def _check_node(node: Node, columns: dict[str, str]) -> None:
    match node["class"]:
        case "COLUMN_REF":
            _check_column(node["column_names"], columns)
        case "FUNCTION":
            _check_function(node)
        case "TYPE":
            if node["type_name"].upper() not in TYPES or node["schema"] or node["catalog"]:
                raise _RefusedError(f"the type {node['type_name']} is not one of the types that a mapping may cast to")
        case "OPERATOR":
            if node["type"] not in OPERATORS:
                raise _RefusedError(f"the operator {node['type'].lower()} is not allowed")
        case other if other not in PLAIN_CLASSES:
            raise _RefusedError(f"it holds {CLASSES_SAID.get(other, other.lower())}, which is not allowed")


def _check_column(names: list[str], columns: dict[str, str]) -> None:
    if len(names) != 1:
        raise _RefusedError(f"the column {'.'.join(names)} has a qualifier; write the column's name alone")
    if names[0].lower() not in columns:
        near = difflib.get_close_matches(names[0].lower(), columns, n=1)
        hint = f"; did you mean {columns[near[0]]!r}?" if near else ""
        raise _RefusedError(f"there is no column {names[0]!r}{hint}")


def _check_function(node: Node) -> None:
    name = node["function_name"]
    if node["schema"] or node["catalog"] or node["qualified_name"]["path"] != [name]:
        raise _RefusedError(f"the function {name} has a qualifier; write the function's name alone")
    if name.lower() not in FUNCTIONS:
        raise _RefusedError(f"the function {name} is not in the list of allowed functions")
    arguments = node["arguments"]
    decorated = node["filter"] or node["distinct"] or node["order_bys"]["orders"] or node["export_state"]
    if decorated or any(argument["name"] for argument in arguments):
        raise _RefusedError(f"the function {name} is called in a way that only aggregates and structures need")
    if name.lower() == "replace" and not _shortens(arguments):
        raise _RefusedError("replace may only put in a literal that is no longer than the literal it takes out")


def _shortens(arguments: list[Node]) -> bool:
    """Whether a call of ``replace`` cannot make its text longer: nested ones would grow it without bound."""
    taken_out, put_in = ([argument["expression"].get("literal", {}) for argument in arguments] + [{}, {}, {}])[1:3]
    if taken_out.get("kind") != "STRING" or put_in.get("kind") != "STRING":
        return False
    return len(put_in["text"]) <= len(taken_out["text"])

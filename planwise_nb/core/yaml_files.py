"""YAML files written by people: read strictly, with the line of everything that is wrong.

A number with a fraction becomes a ``Decimal`` of exactly the digits in the file, never a binary float.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

import yaml

from planwise_nb.core.errors import InputError, Problem

MAX_BYTES = 100_000

_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]{0,29})\Z")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_FRACTION = re.compile(r"[-+]?([0-9]{1,30}\.[0-9]{0,30}|\.[0-9]{1,30})\Z")


class _Fault(yaml.MarkedYAMLError):
    """Something that YAML allows and these files do not."""

    def __init__(self, rule: str, what: str, fix: str, mark: yaml.Mark) -> None:
        super().__init__(problem=what, problem_mark=mark)
        self.rule = rule
        self.fix = fix


class _StrictLoader(yaml.SafeLoader):
    """A safe loader without anchors, aliases, tags, repeated keys and rounded numbers."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            fix = "Write the value out where it is needed."
            raise _Fault("yaml_anchor", "anchors and aliases (& and *) are not read", fix, event.start_mark)
        if getattr(event, "tag", None):
            fix = "Remove the tag and write the plain value."
            raise _Fault("yaml_tag", f"the tag {event.tag} is not read", fix, event.start_mark)
        node: yaml.Node | None = super().compose_node(parent, index)
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        mapping: dict[Hashable, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                fix = "Write one word or number before the colon."
                raise _Fault("yaml_key", "a key is not one word or number", fix, key_node.start_mark)
            key = self.construct_object(key_node)
            if key in mapping:
                fix = "Keep one of the two lines."
                raise _Fault("yaml_duplicate_key", f"the key {key!r} is given twice", fix, key_node.start_mark)
            mapping[key] = self.construct_object(value_node, deep=deep)
        return mapping

    def construct_text(self, node: yaml.ScalarNode) -> str:
        text = str(self.construct_scalar(node))
        if found := _CONTROL.search(text):
            fix = "Remove it: a text holds letters, digits and signs that can be printed."
            raise _Fault("yaml_character", f"a text holds the character {found.group()!r}", fix, node.start_mark)
        return text

    def construct_whole_number(self, node: yaml.ScalarNode) -> int:
        return int(_plain_digits(node, _WHOLE))

    def construct_fraction(self, node: yaml.ScalarNode) -> Decimal:
        return Decimal(_plain_digits(node, _FRACTION))

    def construct_day(self, node: yaml.ScalarNode) -> Any:
        try:
            return self.construct_yaml_timestamp(node)
        except ValueError as error:
            fix = "Write a day of the calendar as YYYY-MM-DD."
            raise _Fault("yaml_date", f"{node.value} is not a date: {error}", fix, node.start_mark) from error

    def refuse(self, node: yaml.Node) -> NoReturn:
        fix = "Write plain keys, numbers, texts, dates, true or false."
        raise _Fault("yaml_value", f"{getattr(node, 'value', '')!r} is not a plain value", fix, node.start_mark)


_StrictLoader.add_constructor("tag:yaml.org,2002:str", _StrictLoader.construct_text)
_StrictLoader.add_constructor("tag:yaml.org,2002:int", _StrictLoader.construct_whole_number)
_StrictLoader.add_constructor("tag:yaml.org,2002:float", _StrictLoader.construct_fraction)
_StrictLoader.add_constructor("tag:yaml.org,2002:timestamp", _StrictLoader.construct_day)
_StrictLoader.add_constructor(None, _StrictLoader.refuse)


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in the YAML file at ``path``; numbers are ``int`` or ``Decimal``.

    Raises ``InputError``, with the line where there is one, for a file that is missing, over 100 kB, not UTF-8 or not
    valid YAML, that is no mapping at the top, or that holds repeated keys, anchors, aliases or tags.
    """
    text = read_text(path)
    try:
        content = yaml.load(text, Loader=_StrictLoader)
    except _Fault as fault:
        _refuse(path, fault.rule, str(fault.problem), fault.fix, fault.problem_mark)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        _refuse(path, "yaml_syntax", f"this is not valid YAML: {error.problem}", "Correct the line.", mark)
    except yaml.YAMLError as error:
        _refuse(path, "yaml_syntax", f"this is not valid YAML: {error}", "Write the file as plain text.")
    except RecursionError:
        _refuse(path, "yaml_nesting", "the brackets are nested too deeply", "Write sections with keys and values.")
    if not isinstance(content, dict):
        found = "nothing" if content is None else f"a {type(content).__name__}"
        _refuse(path, "yaml_mapping", f"{found} at the top, not keys with values", "Write lines such as `key: value`.")
    return content


def read_value(text: str) -> Any:
    """One plain value, read as a YAML file would read it: a number, true or false, a date, nothing, or a text.

    What looks like a number or a date and is none stays a text.
    """
    loader = _StrictLoader("")
    tag = loader.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    try:
        return loader.construct_object(yaml.ScalarNode(tag, text))
    except yaml.YAMLError:
        return text


def read_text(path: Path) -> str:
    """The text of a file written by people. Raises ``InputError`` where it is missing, over 100 kB or not UTF-8."""
    try:
        size = path.stat().st_size
        if not path.is_file():
            what = "the file cannot be read: it is a folder, a pipe or a device"
            _refuse(path, "file_unreadable", what, "Give a file of text.")
        content = path.read_bytes() if size <= MAX_BYTES else b""
    except OSError as error:
        reason = error.strerror or type(error).__name__
        _refuse(path, "file_unreadable", f"the file cannot be read: {reason}", "Check the path and its permissions.")
    if size > MAX_BYTES:
        _refuse(path, "file_size", f"{size:,} bytes, the limit is {MAX_BYTES:,}", "Keep data in a table of its own.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        _refuse(path, "file_encoding", f"line {line} is not UTF-8", "Save the file as UTF-8.")


def _plain_digits(node: yaml.ScalarNode, pattern: re.Pattern[str]) -> str:
    text = str(node.value)
    if not pattern.match(text):
        fix = "Write it in plain decimal digits, such as 42 or 0.025; put a text that looks like a number in quotes."
        raise _Fault("yaml_number", f"{text[:40]} is not a plain number", fix, node.start_mark)
    return text


def _refuse(path: Path, rule: str, what: str, fix: str, mark: yaml.Mark | None = None) -> NoReturn:
    where = f"{path}:{mark.line + 1}" if mark else str(path)
    raise InputError(f"Cannot read {path.name}.", [Problem(rule=rule, where=where, what=what, fix=fix)])

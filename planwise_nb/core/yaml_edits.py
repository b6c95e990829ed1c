"""Edits of YAML files written by people: what is changed changes, all else stays, comments and layout too."""

from __future__ import annotations

from collections.abc import Mapping

import yaml

Edit = tuple[int, int, str]
"""From and to in the text, and what stands there instead."""


def edited(text: str, values: Mapping[tuple[str, ...], str]) -> str:
    """``text`` with each value, written as YAML, in the place of its key: ``("name",)`` or ``("section", "name")``.

    A key that is not there is added to its section, or at the top after the plain values. The text must be one that
    ``read_yaml`` reads: a mapping of keys to values and to sections of such keys, without anchors and tags.
    """
    for path, value in values.items():
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if not isinstance(root, yaml.MappingNode):
            raise ValueError("the text holds no keys with values")
        start, end, written = _edit(text, root, path, value)
        text = text[:start] + written + text[end:]
    return text


def _edit(text: str, node: yaml.MappingNode, path: tuple[str, ...], value: str) -> Edit:
    key, *rest = path
    found = next((entry for name, entry in node.value if name.value == key), None)
    if found is None:
        return _added(text, node, key, f"{{{rest[0]}: {value}}}" if rest else value, is_last=bool(rest))
    if rest and isinstance(found, yaml.MappingNode):
        return _edit(text, found, tuple(rest), value)
    start, end = found.start_mark.index, found.end_mark.index
    written = text[start:end]
    return start, start + len(written.rstrip()), value if written else f" {value}"


def _added(text: str, node: yaml.MappingNode, key: str, value: str, *, is_last: bool) -> Edit:
    """A new line of a mapping after its plain values, or after all where ``is_last``; in braces, before the end."""
    if node.flow_style:
        place = len(text[: node.end_mark.index - 1].rstrip())
        return place, place, f"{', ' if node.value else ''}{key}: {value}"
    plain = [entry for entry in node.value if isinstance(entry[1], yaml.ScalarNode)]
    first = node.value[0][0].start_mark
    last = (node.value if is_last or not plain else plain)[-1][1]
    place = _line_end(text, last) if is_last or plain else first.index
    line = f"{' ' * first.column}{key}: {value}\n"
    if place == first.index:
        return place, place, line.lstrip() + " " * first.column
    return place, place, line if text[:place].endswith("\n") else f"\n{line}"


def _line_end(text: str, node: yaml.Node) -> int:
    """Where the line after the value begins: behind a comment that stands beside it."""
    end = node.start_mark.index + len(text[node.start_mark.index : node.end_mark.index].rstrip())
    newline = text.find("\n", end)
    return len(text) if newline < 0 else newline + 1

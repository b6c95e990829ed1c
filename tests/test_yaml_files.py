import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planwise_nb.core.errors import InputError
from planwise_nb.core.yaml_edits import edited
from planwise_nb.core.yaml_files import read_value, read_yaml


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "plan.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refusal(folder: Path, content: str | bytes) -> str:
    with pytest.raises(InputError) as refused:
        read_yaml(written(folder, content))
    return str(refused.value)


def test_a_rate_keeps_exactly_the_digits_of_the_file(tmp_path):
    content = read_yaml(written(tmp_path, "rate: 0.1\nyear: 2025\nday: 2024-12-31\nname: staff\n"))
    assert content == {"rate": Decimal("0.1"), "year": 2025, "day": dt.date(2024, 12, 31), "name": "staff"}
    assert isinstance(content["rate"], Decimal)


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(tmp_path):
    assert read_yaml(written(tmp_path, b"\xef\xbb\xbfa: 1\r\nb: x\r\n")) == {"a": 1, "b": "x"}


HOSTILE = {
    "a: 1\nb:\n  c: 1\n  c: 2\n": r"plan.yaml:4: the key 'c' is given twice [yaml_duplicate_key]",
    "a: &x [1]\nb: [*x, *x]\n": "plan.yaml:1: anchors and aliases (& and *) are not read",
    "a: 1\nb: *x\n": "plan.yaml:2: anchors and aliases (& and *) are not read",
    "a: !!python/object/apply:os.system [ls]\n": "plan.yaml:1: the tag tag:yaml.org,2002:python/object/apply:os.system",
    "a: !!set {b}\n": "plan.yaml:1: the tag tag:yaml.org,2002:set is not read",
    "a:\n  <<: {b: 1}\n": "plan.yaml:2: '<<' is not a plain value",
    "? [a, b]\n: 1\n": "plan.yaml:1: a key is not one word or number",
    "a: 1\nb: 2024-02-30\n": "plan.yaml:2: 2024-02-30 is not a date",
    "a: 1\nb: [2\n": "plan.yaml:3: this is not valid YAML",
    "a: 1\n---\nb: 2\n": "this is not valid YAML",
    "- 1\n": "a list at the top, not keys with values",
    "": "nothing at the top, not keys with values",
    "[" * 5000: "the brackets are nested too deeply",
    "a: \x00": "this is not valid YAML",
}


@pytest.mark.parametrize(("content", "message"), HOSTILE.items())
def test_a_hostile_or_broken_file_is_refused_with_its_line(tmp_path, content, message):
    assert message in refusal(tmp_path, content)


@pytest.mark.parametrize("number", ["010", "1_000", "0x1F", "12:30", ".inf", ".nan", "1.0e-2", "9" * 5000])
def test_a_number_that_could_be_read_in_two_ways_is_refused(tmp_path, number):
    assert "is not a plain number" in refusal(tmp_path, f"rate: {number}\n")


def test_a_bomb_of_aliases_is_refused_before_it_grows(tmp_path):
    bomb = "a: &a [x, x]\n" + "".join(f"{n}: &{n} [*a, *a]\n" for n in "bcdefgh")
    assert "anchors and aliases" in refusal(tmp_path, bomb)


def test_a_file_over_one_megabyte_is_refused_unread(tmp_path):
    assert "100,001 bytes, the limit is 100,000" in refusal(tmp_path, "#" * 100_001)


def test_a_file_in_another_encoding_is_refused_with_its_line(tmp_path):
    assert "line 2 is not UTF-8" in refusal(tmp_path, b"a: 1\nname: caf\xe9\n")


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(InputError, match="the file cannot be read"):
            read_yaml(path)


def test_a_value_of_the_command_line_is_read_as_in_a_file():
    assert [read_value(text) for text in ("0.1", "7", "true", "a: b", "null")] == [
        Decimal("0.1"),
        7,
        True,
        "a: b",
        None,
    ]
    assert read_value("2024-12-31") == dt.date(2024, 12, 31)
    assert [read_value(text) for text in ("2024-13-45", "010", "[1]")] == ["2024-13-45", "010", "[1]"]


@given(st.decimals(min_value=0, max_value=1, places=6))
def test_every_rate_of_six_decimals_is_read_without_loss(rate):
    assert read_value(f"{rate:f}") == rate


LAYOUTS = {
    "blocks with comments": "# top\nabout: >-\n  two\n  lines\nname: a # y\n\nrates:\n  # ours\n  growth: 0.06 # up\n",
    "sections in braces": "about: x\nrates: {growth: 0.1}\nmore: {a: 1, b: {c: 2}}\n",
    "no such section, no last line end": "name: a",
    "a value that is left out": "about:\nname: b\n",
    "all in braces": "{name: a, rates: {exits: 0.1}}",
    "sections only": "rates:\n  exits: 0.1\nmore:\n  a: 1\n",
    "lines as another system ends them": "name: a\r\nrates:\r\n  growth: 0.1\r\n",
}


@pytest.mark.parametrize("text", LAYOUTS.values(), ids=LAYOUTS)
def test_an_edit_changes_what_is_named_and_nothing_else(tmp_path, text):
    before = read_yaml(written(tmp_path, text))
    now = edited(text, {("about",): "'a: b, c'", ("by",): "me", ("rates", "growth"): "0.02"})
    content = read_yaml(written(tmp_path, now))
    rates = before.get("rates", {}) | {"growth": Decimal("0.02")}
    assert content == before | {"about": "a: b, c", "by": "me", "rates": rates}
    assert [line for line in text.splitlines() if "#" in line and line.split("#")[1] not in now] == []

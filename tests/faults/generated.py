"""Malformed inputs by hypothesis: a valid input and one fault, drawn the same way at every call."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.faults.inputs import (
    COLUMNS,
    GOOD,
    ROWS,
    SHIPPED,
    HostileInput,
    census,
    excel,
    lever_table,
    mapping,
    own_table,
    parquet,
    quoted,
    scenario,
    table,
    typed,
    with_cell,
)
from tests.faults.values import BAD_CELLS, LEVER_CELLS, NAMES, OPTIONS, RATES, SETTINGS, SQL

BOOK, PAGES = excel(), parquet()
TABLES = ("comp_levers.csv", "job_levels.csv", "hazards.csv", "hazard_multipliers.csv", "raise_timing.csv")
LETTERS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=8)
STRANGE = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r\n,;|\t\"'"), min_size=1, max_size=12)


def _bad_cell(column: str) -> st.SearchStrategy[tuple[str, str]]:
    return st.sampled_from(BAD_CELLS[column]).map(lambda value: (column, value))


@st.composite
def cells(draw: st.DrawFn) -> HostileInput:
    """A census with one value that breaks the contract."""
    column, value = draw(st.one_of(*map(_bad_cell, BAD_CELLS)))
    if column in COLUMNS:
        line = 2 if column == "employee_termination_date" else draw(st.sampled_from([0, 1]))
        return census(f"{column} {value!r}", table(with_cell(column, value, line)), column, f"line {line + 2}")
    rows = [(*row, value) for row in ROWS]
    return census(f"{column} {value!r}", table(rows, (*COLUMNS, column)), column, "line 2")


@st.composite
def words_for_days(draw: st.DrawFn) -> HostileInput:
    """A census with some word where a day, a pay or a truth belongs."""
    column = draw(st.sampled_from([*COLUMNS[2:4], *COLUMNS[5:]]))
    word = "x" + draw(STRANGE)
    return census(f"{column} {word!r}", table(with_cell(column, word)), column, "line 2")


@st.composite
def ragged(draw: st.DrawFn) -> HostileInput:
    """A census with a row that is too short or too long."""
    rows = [list(row) for row in ROWS]
    line, change = draw(st.integers(0, 2)), draw(st.sampled_from([-6, -3, -2, -1, 1, 2, 9]))
    rows[line] = [*rows[line], *["x"] * change] if change > 0 else rows[line][:change]
    delimiter = draw(st.sampled_from([",", ";", "\t", "|"]))
    text = table(rows, delimiter=delimiter)
    return census(f"line {line + 2} {change:+} cells by {delimiter!r}", text, f"line {line + 2}")


@st.composite
def broken_bytes(draw: st.DrawFn) -> HostileInput:
    """A census with bytes that are no UTF-8 text somewhere."""
    place = draw(st.integers(0, len(GOOD) - 1))
    wrong = draw(
        st.sampled_from([b"\xff", b"\xfe\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"\x00"])
    )
    return census(f"{wrong!r} at byte {place}", GOOD[:place] + wrong + GOOD[place:])


@st.composite
def damaged_files(draw: st.DrawFn) -> HostileInput:
    """A workbook, pages or text that was cut off, or with some bytes changed; by chance it may still be whole."""
    kind, content = draw(st.sampled_from([("xlsx", BOOK), ("parquet", PAGES), ("csv", GOOD)]))
    if draw(st.booleans()):
        length = draw(st.integers(1, len(content) - 1))
        return census(f".{kind} cut after {length} bytes", content[:length], file=f"census.{kind}", may_be_valid=True)
    place, noise = draw(st.integers(0, len(content) - 1)), draw(st.binary(min_size=1, max_size=64))
    changed = content[:place] + noise + content[place + len(noise) :]
    return census(f".{kind} {noise[:8]!r} at {place}", changed, file=f"census.{kind}", may_be_valid=True)


@st.composite
def noise(draw: st.DrawFn) -> HostileInput:
    """Random bytes as a file of any kind."""
    kind, content = draw(st.sampled_from(["csv", "tsv", "parquet", "xlsx"])), draw(st.binary(max_size=200))
    return census(f"noise {content[:12]!r} as .{kind}", content, file=f"census.{kind}")


@st.composite
def expressions(draw: st.DrawFn) -> HostileInput:
    """A mapping with SQL that it may not use, in any place."""
    sql = draw(st.sampled_from(SQL))
    form = draw(st.sampled_from(["{}", " {} ", "upper({})", "case when true then {} end", "employee_id || ({})"]))
    place, text = draw(
        st.sampled_from(
            [
                ("derive.department", "derive:\n  department: {}\n"),
                ("where", "where: {}\n"),
                ("pay_position", "derive: {{level_id: '1'}}\npay_position: {}\n"),
            ]
        )
    )
    return mapping(f"{place} {form} {sql[:60]!r}", text.format(quoted(form.format(sql))), place)


@st.composite
def rates(draw: st.DrawFn) -> HostileInput:
    """A scenario with a figure that is none, or out of its range."""
    key, value = draw(st.sampled_from([(key, value) for key, values in RATES.items() for value in values]))
    section, name = key.split(".")
    return scenario(f"{key} {value[:20]}", f"extends: baseline\n{section}:\n  {name}: {value}\n", "Fix")


@st.composite
def misspelt(draw: st.DrawFn) -> HostileInput:
    """A scenario, a mapping or a setting with a key that nobody knows."""
    word = draw(LETTERS) + "_zz"
    value = draw(st.sampled_from(["1", "[]", "{}", "text", "2025-01-01", "~", "true"]))
    kind = draw(st.integers(0, 3))
    if kind == 0:
        return scenario(f"{word}: {value}", f"{word}: {value}\n", word)
    if kind == 1:
        return scenario(f"workforce.{word}: {value}", f"workforce: {{{word}: {value}}}\n", word)
    if kind == 2:
        return mapping(f"{word}: {value}", f"{word}: {value}\n", word)
    return typed(f"--set {word}={value}", "run", "--set", f"workforce.{word}={value}", says=(word, "--set"))


@st.composite
def yaml_faults(draw: st.DrawFn) -> HostileInput:
    """A scenario or a mapping with something that YAML allows and nobody should."""
    fault = draw(
        st.sampled_from([
            "&a [1]", "*a", "!!python/object/apply:os.system ['touch canary']", "!!python/object/new:os.system [touch]",
            "!!binary aGk=", "!x y", "'\\", '"\\x00"', '"\\e[2J"', "[1", "{a", "{{a: 1}: 2}", "@x", "`x`", "%x", "\t-",
            "- a\n b", "!!python/module:os", "!!set {a}", "<<: {a: 1}", "? [1]",
        ])
    )  # fmt: skip
    make = draw(st.sampled_from([scenario, mapping]))
    key = draw(st.sampled_from(["description", "x", "simulation", "where"]))
    return make(f"{key}: {fault!r}", f"{key}: {fault}\n")


@st.composite
def lever_cells(draw: st.DrawFn) -> HostileInput:
    """A lever with one cell that means nothing."""
    column, value = draw(st.sampled_from([(column, value) for column in LEVER_CELLS for value in LEVER_CELLS[column]]))
    return own_table(f"{column} {value[:20]!r}", "comp_levers.csv", lever_table(**{column: value}), "line 2")


@st.composite
def damaged_tables(draw: st.DrawFn) -> HostileInput:
    """A table beside the scenarios, damaged."""
    file = draw(st.sampled_from(TABLES))
    good = (SHIPPED / file).read_bytes()
    name, change = draw(
        st.sampled_from([
            ("in UTF-16", lambda: good.decode().encode("utf-16")),
            ("without its header", lambda: good.split(b"\n", 1)[1]),
            ("with an unclosed quote", lambda: good + b'"'),
            ("with a row twice", lambda: good + good.splitlines(keepends=True)[-1]),
            ("with a cell too many", lambda: good[:-1] + b",x\n"),
            ("with a column twice", lambda: good.replace(b",", b",x,x,", 1)),
            ("with NUL", lambda: good.replace(b"1", b"\x00", 1)),
            ("in other bytes", lambda: good.replace(b"1", b"\xff", 1)),
            ("with a formula", lambda: good[: good.rindex(b",") + 1] + b"=1+1\n"),
            ("with SQL", lambda: good + b"'; copy (select 1) to 'canary'; --\n"),
            ("that ends early", lambda: good[: good.rindex(b",")]),
        ])
    )  # fmt: skip
    return own_table(name, file, change())


@st.composite
def commands(draw: st.DrawFn) -> HostileInput:
    """An option with a value that it cannot have."""
    option, value = draw(st.sampled_from([(option, value) for option in OPTIONS for value in OPTIONS[option]]))
    return typed(f"{option} {value[:20]!r}", "run", "--census", "census.csv", f"{option}={value}")


@st.composite
def wrong_settings(draw: st.DrawFn) -> HostileInput:
    """A ``--set`` that sets nothing."""
    item = draw(st.sampled_from(SETTINGS))
    return typed(f"--set {item[:40]!r}", "run", "--census", "census.csv", "--set", item, says=("--set",))


@st.composite
def names(draw: st.DrawFn) -> HostileInput:
    """A name of nothing, or of something outside, where a scenario, a mapping, a file or a run is named."""
    name = draw(st.sampled_from(NAMES))
    command = draw(
        st.sampled_from([
            ("run", name), ("show", name), ("checklist", name), ("run", "--resume", name), ("runs", "--delete", name),
            ("run", f"--census={name}"), ("run", "--census", "census.csv", f"--census-map={name}"),
        ])
    )  # fmt: skip
    return typed(f"{' '.join(command)[:60]!r} ({len(name)})", *command)


KINDS = (cells, words_for_days, ragged, broken_bytes, damaged_files, noise, expressions, rates, misspelt, yaml_faults,
         lever_cells, damaged_tables, commands, wrong_settings, names)  # fmt: skip


def generated_inputs(each: int = 12) -> list[HostileInput]:
    """``each`` inputs of every kind, as far as there are so many different ones, the kinds in turn."""
    drawn = [_drawn(kind(), each) for kind in KINDS]
    return [inputs[turn] for turn in range(each) for inputs in drawn if turn < len(inputs)]


def _drawn(strategy: st.SearchStrategy[HostileInput], count: int) -> list[HostileInput]:
    found: dict[str, HostileInput] = {}

    @settings(
        max_examples=3 * count, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(strategy)
    def collect(one: HostileInput) -> None:
        found.setdefault(one.name, one)

    collect()
    return list(found.values())[:count]

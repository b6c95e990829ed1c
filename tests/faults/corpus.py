"""The written corpus: malformed inputs that somebody thought of, each with what its report must say."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tests.faults.inputs import (
    COLUMNS,
    FRAME,
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
    scenario,
    table,
    typed,
)


def written_inputs() -> list[HostileInput]:
    """All of them, in a fixed order."""
    parts = (_text_files, _binary_files, _places, _mappings, _mapping_files, _scenarios, _circles, _tables, _typed)
    return [one for part in parts for one in part()]


def _text_files() -> Iterator[HostileInput]:
    header, first = GOOD.splitlines(keepends=True)[:2]
    yield census("empty", b"", "is empty")
    yield census("of blank lines", b"\n\n\n")
    yield census("of a header only", header, "no rows")
    yield census("cut inside a row", GOOD[:-20])
    yield census("cut inside a quote", GOOD + b'"E4,1', "quote")
    yield census("in Latin-1", GOOD.replace(b"E2", b"M\xfcller"), "UTF-8", "line 3")
    yield census("with Latin-1 in its header", GOOD.replace(b"active", b"\xe4ctive"), "UTF-8")
    yield census("in UTF-16", GOOD.decode().encode("utf-16"), "UTF-8")
    yield census("in UTF-16 without a mark", GOOD.decode().encode("utf-16-le"), "UTF-8")
    yield census("in UTF-32", GOOD.decode().encode("utf-32"), "UTF-8")
    yield census("with half a surrogate", GOOD.replace(b"E2", b"\xed\xa0\x80"), "UTF-8")
    yield census("with an overlong encoding", GOOD.replace(b"E2", b"\xc0\xaf"), "UTF-8")
    yield census("with NUL in an id", GOOD.replace(b"E2", b"E\x002"), "line 3")
    yield census("with NUL in its header", GOOD.replace(b"active", b"act\x00ive"))
    yield census("of NULs", b"\x00" * 5000)
    yield census("with NULs at its end", GOOD + b"\x00" * 100)
    yield census("separated by blanks", table(delimiter=" "), "employee_id")
    yield census("separated by ^", table(delimiter="^"))
    yield census("separated by two kinds", table(ROWS, COLUMNS[:3]) + table(ROWS, (), delimiter=";"))
    yield census("with a short row", GOOD + b"E4,123\n", "line 5")
    yield census("with a long row", GOOD.replace(b"true\n", b"true,more\n", 1), "line 2")
    yield census("with a column twice", GOOD.replace(b"employee_ssn", b"employee_id"), "employee_id")
    yield census("with a column twice in other case", GOOD.replace(b"employee_ssn", b"Employee_ID"), "employee_id")
    yield census("with a nameless column", GOOD.replace(b"employee_ssn", b""), "name")
    yield census("with SQL as a column", table(columns=("\"; copy (select 1) to 'canary'; --", *COLUMNS[1:])))
    yield census("with a terminal's commands as a column", table(columns=("\x1b[2J\x1b]0;x\x07", *COLUMNS[1:])))
    yield census("without a pay column", "\n".join(line.rsplit(",", 2)[0] for line in table().splitlines()), "active")
    yield census("with a misspelt column", GOOD.replace(b"hire_date", b"hired_date"), "employee_hired_date")
    yield census("with a header of 200,000 characters", GOOD.replace(b"active", b"a" * 200_000))
    yield census("with a header of 2 MB", b"a," * 1_000_000 + b"\n" + GOOD)
    yield census("with 20,000 columns", b",".join(b"c%d" % n for n in range(20_000)) + b"\n")
    yield census("with a line end in a column's name", b'"employee\n_id",' + GOOD.split(b",", 1)[1])
    yield census("with an unclosed quote in its header", b'"' + GOOD, "quote")
    yield census("with one cell of 10 MB", GOOD.replace(b"E2", b"E" * 10_000_000), "line 3")
    yield census("with one quoted cell of 10 MB", GOOD.replace(b"E2", b'"' + b"E" * 10_000_000 + b'"'))
    yield census("with an id of 200,000 characters", GOOD.replace(b"E2", b"E" * 200_000), "line 3")
    yield census("without line ends", GOOD.replace(b"\n", b" "))
    yield census("with an id that is blank", header + first + first.replace(b"E1", b'" "'), "line 3", "blank")
    yield census("with the same row twice", header + first + first, "line 2", "line 3", "same id")
    yield census("with nobody active", GOOD.replace(b"true", b"false"), "active")
    yield census("of HTML", b"<html><body><h1>Sign in</h1></body></html>\n<p>\n")
    yield census("of JSON", b'[{"employee_id": "E1"}]\n')
    yield census("with rows of commas", header + b",,,,,,\n" * 5, "blank")
    yield census("compressed", b"\x1f\x8b\x08\x00" + os.urandom(0) + b"\x01" * 300)


def _zipped(**files: str | bytes) -> bytes:
    content = BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, text in files.items():
            bundle.writestr(name, text)
    return content.getvalue()


def _rebuilt(name: str, change: object) -> bytes:
    """A good workbook with one of its parts changed."""
    with zipfile.ZipFile(BytesIO(excel())) as bundle:
        parts = {part: bundle.read(part) for part in bundle.namelist()}
    return _zipped(**{**parts, name: change(parts[name])})  # type: ignore[operator]


LAUGHS = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha">' + b"".join(
    b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 12) for n in range(12)
)
SHEET = "xl/worksheets/sheet1.xml"


def _sheet(text: bytes) -> bytes:
    space = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    return b"<worksheet " + space + b"><sheetData>" + text + b"</sheetData></worksheet>"


def _binary_files() -> Iterator[HostileInput]:
    columns = pq.read_table(BytesIO(parquet()))
    book, pages = excel(), parquet()
    yield census("cut in half", book[: len(book) // 2], file="census.xlsx")
    yield census("that is a CSV", GOOD, file="census.xlsx")
    yield census("that is a ZIP of something else", _zipped(readme="hello"), file="census.xlsx")
    yield census("without a sheet", _rebuilt("xl/workbook.xml", lambda part: part.replace(b"sheets", b"shits")),
                 file="census.xlsx")  # fmt: skip
    yield census("with an empty sheet", excel(pd.DataFrame()), file="census.xlsx")
    yield census("with a header only", excel(FRAME.iloc[:0]), file="census.xlsx")
    bomb = _rebuilt(SHEET, lambda part: part + b" " * 150_000_000)
    yield census("that unpacks to 150 MB", bomb, file="census.xlsx")
    yield census("with a billion laughs", _rebuilt(SHEET, lambda part: LAUGHS + b"]>" + part), file="census.xlsx",
                 may_be_valid=True)  # fmt: skip
    laughing = LAUGHS + b"]>" + _sheet(b'<row r="1"><c r="A1" t="inlineStr"><is><t>&m;</t></is></c></row>')
    yield census("with a billion laughs in a cell", _rebuilt(SHEET, lambda part: laughing), file="census.xlsx")
    far = _sheet(b'<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')
    yield census("with a cell in the last corner", _rebuilt(SHEET, lambda part: far), file="census.xlsx")
    farther = far.replace(b"1048576", b"1999999999")
    yield census("with a cell in row 1,999,999,999", _rebuilt(SHEET, lambda part: farther), file="census.xlsx")
    yield census("with an encrypted workbook", bytes.fromhex("d0cf11e0a1b11ae1") + b"\x00" * 4000, file="census.xlsx")
    for old in ("xls", "xlsm", "xlsb", "ods"):
        yield census(f"saved as .{old}", book, ".xlsx", file=f"census.{old}")
    for other in ("json", "xml", "pdf", "csv.gz", "sqlite", "duckdb"):
        yield census(f"saved as .{other}", GOOD, ".csv", file=f"census.{other}")
    yield census("cut in half", pages[: len(pages) // 2], file="census.parquet")
    yield census("without its first bytes", pages[8:], file="census.parquet")
    yield census("with a broken footer", pages[:-30] + b"\xff" * 22 + pages[-8:], file="census.parquet")
    yield census("with a footer of 4 GB", pages[:-8] + b"\xff\xff\xff\x7fPAR1", file="census.parquet")
    yield census("without rows", parquet(FRAME.iloc[:0]), "no rows", file="census.parquet")
    yield census("without columns", parquet(pd.DataFrame(index=range(3))), file="census.parquet")
    nested = columns.set_column(5, COLUMNS[5], pa.array([[1.0], [2.0], [3.0]]))
    yield census("with lists as pay", _pages(nested), COLUMNS[5], "row 1", file="census.parquet")
    for name, kind in (("bytes", pa.binary()), ("half floats", pa.float16()), ("durations", pa.duration("s"))):
        values: list[object] = [b"\xff", b"\xfe", b"\xfd"] if name == "bytes" else [1, 2, 3]
        if name == "half floats":
            values = [float(str(number)) for number in values]
        changed = columns.set_column(5, COLUMNS[5], pa.array(values, kind))
        yield census(f"with {name} as pay", lambda path, t=changed: _save(t, path), COLUMNS[5], file="census.parquet")
    long = columns.set_column(0, COLUMNS[0], pa.array(["E" * 10_000_000, "E2", "E3"]))
    yield census("with an id of 10 MB", _pages(long), "employee_id", "row 1", file="census.parquet")
    many = pa.table({name: pa.DictionaryArray.from_arrays(pa.array([0] * 30_000_000, pa.int8()), ["x"])
                     for name in COLUMNS[:1]})  # fmt: skip
    yield census("of 30 million equal rows", lambda path: _save(many, path), file="census.parquet")


def _pages(columns: pa.Table) -> bytes:
    content = BytesIO()
    pq.write_table(columns, content)
    return content.getvalue()


def _save(columns: pa.Table, path: Path) -> None:
    pq.write_table(columns, path)


def _places() -> Iterator[HostileInput]:
    loop = lambda path: path.symlink_to(path.name)  # noqa: E731
    zero = lambda path: path.symlink_to("/dev/zero")  # noqa: E731
    for kind, maker in (
        ("folder", Path.mkdir),
        ("pipe", os.mkfifo),
        ("link to itself", loop),
        ("link to /dev/zero", zero),
    ):
        is_slow = kind in ("pipe", "link to /dev/zero")
        yield census(f"that is a {kind}", maker, apart=is_slow)
        yield mapping(f"that is a {kind}", maker, apart=is_slow)
        yield scenario(f"that is a {kind}", maker)
    for name, place in (("a pipe", os.mkfifo), ("/dev/zero", zero), ("a folder", Path.mkdir)):
        yield census(f"in Excel that is {name}", place, file="census.xlsx")
        yield census(f"in Parquet that is {name}", place, file="census.parquet")
    yield own_table("that is a pipe", "job_levels.csv", os.mkfifo)
    yield own_table("that is a folder", "comp_levers.csv", Path.mkdir)
    yield own_table("that is a link to itself", "hazards.csv", loop)


def _mappings() -> Iterator[HostileInput]:
    yield mapping("where with SQL", "where: \"true; copy (select 1) to 'canary'\"\n", "where")
    yield mapping("where that fails", 'where: "cast(employee_id as integer) > 1"\n', "where")
    yield mapping("where for nobody", 'where: "false"\n', "where")
    yield mapping("position that fails", 'derive: {level_id: "1"}\npay_position: "employee_id"\n', "pay_position")
    yield mapping("position without a level", 'pay_position: "0.5"\n', "pay_position")
    yield mapping(
        "derivation that fails", "derive: {department: \"strptime(employee_id, '%Y')\"}\n", "derive.department"
    )
    yield mapping("values of a column that is not there", "values: {gender: {x: F}}\n", "values", "gender")
    unknown = {"census.csv": GOOD, "map.yaml": b"values: {active: {'yes': 'true'}}\n"}
    arguments = ("run", "--year", "2025", "--census", "census.csv", "--census-map", "map.yaml")
    yield HostileInput(name="mapping without a value", arguments=arguments, files=unknown, says=("active", "line 2"))


def _mapping_files() -> Iterator[HostileInput]:
    yield mapping("of nothing", b"")
    yield mapping("of a list", "- employee_id\n")
    yield mapping("in Latin-1", b"description: caf\xe9\n", "UTF-8")
    yield mapping("with NUL", b"description: a\x00b\n")
    yield mapping("with tabs", "rename:\n\temployee_id: employee_id\n")
    yield mapping("with an unknown key", "renames: {a: employee_id}\n", "renames", "rename")
    yield mapping("with a key twice", "rename: {}\nrename: {}\n", "rename")
    yield mapping("with a wrong type", "rename: [employee_id]\n", "rename")
    yield mapping("with an unknown target", "rename: {employee_id: employe_id}\n", "employe_id")
    yield mapping("with an unknown source", "rename: {emp id: employee_id}\n", "emp id")
    yield mapping("with SQL as a source", "rename: {'x\"; copy (select 1) to ''canary''; --': employee_id}\n")
    yield mapping("with two sources", "rename: {employee_id: department, employee_ssn: department}\n", "department")
    yield mapping("with two sources that derive", "rename: {employee_id: gender}\nderive: {gender: active}\n", "gender")
    yield mapping("with a date that is none", "census_date: 2024-02-30\n", "2024-02-30")
    yield mapping("with a date of year 0", "census_date: 0000-01-01\n")
    yield mapping("with a date of year 9999", "census_date: 9999-12-31\n")
    yield mapping("with a date in words", "census_date: yesterday\n", "census_date")
    yield mapping("with a tag", "where: !!python/object/apply:os.system ['touch canary']\n", "tag")
    yield mapping("with an alias bomb", ALIASES, "anchors")
    yield mapping("with no levels", "job_levels: []\n", "job_levels")
    gap = "job_levels: [{level_id: 2, name: a, min_compensation: 1, max_compensation: 2}]\n"
    yield mapping("with a gap in its levels", gap, "job_levels")
    yield mapping("with pay limits in disorder", "minimum_pay: 5\nmaximum_pay: 4\n", "minimum_pay")
    yield mapping("with an endless limit", "maximum_pay: .inf\n")
    yield mapping("with a huge limit", f"maximum_pay: {'9' * 29}\n", "maximum_pay")
    yield mapping("with an unquoted yes", "values: {active: {Yes: 'true'}}\n", "quotes")
    yield mapping("of 30,000 unknown keys", "".join(f"k{n}: 1\n" for n in range(30_000)))
    yield mapping("of 2 MB", "description: " + "x" * 2_000_000)


ALIASES = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)
)


def _scenarios() -> Iterator[HostileInput]:
    yield scenario("with an alias bomb", ALIASES, "anchors")
    yield scenario("with a merged anchor", "simulation: &s {start_year: 2025}\nworkforce: {<<: *s}\n", "anchors")
    yield scenario("with a python tag", "description: !!python/object/apply:os.system ['touch canary']\n", "tag")
    yield scenario("with another python tag", "x: !!python/name:os.system\n", "tag")
    yield scenario("with a tag of its own", "description: !mine x\n", "tag")
    yield scenario("of nested lists", "description: " + "[" * 20_000)
    yield scenario("of nested mappings", "description: " + "{a: " * 20_000)
    yield scenario("of nested blocks", "".join(" " * n + "a:\n" for n in range(1000)))
    yield scenario("of nothing", b"", "nothing")
    yield scenario("of a list", "- a\n", "list")
    yield scenario("of a word", "baseline\n")
    yield scenario("of two documents", "description: a\n---\ndescription: b\n")
    yield scenario("in Latin-1", b"description: caf\xe9\n", "UTF-8")
    yield scenario("in UTF-16", "description: a\n".encode("utf-16"), "UTF-8")
    yield scenario("with tabs", "simulation:\n\tstart_year: 2025\n")
    yield scenario("with NUL", b"description: \x00\n")
    yield scenario("with a terminal's command", b"description: \x1b[2J\n")
    yield scenario("with a terminal's command as a key", '"\\e[2J": 1\n')
    yield scenario("with NUL in the census", 'census: {file: "a\\0.csv"}\n')
    yield scenario("with a key twice", "simulation: {start_year: 2025, start_year: 2026}\n", "start_year")
    yield scenario("with a section twice", "census: {}\ncensus: {}\n", "census")
    yield scenario("with an unknown section", "workfroce: {}\n", "workforce")
    yield scenario("with an unknown key", "workforce: {total_terminaton_rate: 0.1}\n", "total_termination_rate")
    yield scenario("of 30,000 unknown keys", "".join(f"k{n}: 1\n" for n in range(30_000)))
    yield scenario(
        "of 20,000 levels", "hiring: {level_mix: {" + ", ".join(f"{n}: 1" for n in range(100, 20_000)) + "}}\n"
    )
    yield scenario("with a section that is a list", "workforce: [1]\n", "workforce")
    yield scenario("with a section that is nothing", "workforce:\n", "workforce")
    yield scenario("with a key that is a number", "1: 2\n")
    yield scenario("with a key that is a day", "2025-01-01: 2\n")
    yield scenario("with a key that is nothing", "~: 2\n")
    yield scenario("with a key that is a list", "? [a]\n: 1\n", "key")
    yield scenario("of 300 years", "simulation: {start_year: 1900, end_year: 2200}\n", "end_year")
    yield scenario("that extends itself", "extends: mine\n", "extends")
    yield scenario("that extends a path", "extends: ../../x\n", "extends")
    yield scenario("that extends nobody", "extends: nobody\n", "nobody")
    yield scenario("that extends a list", "extends: [baseline]\n", "extends")
    yield scenario("with a map of a path", "census: {map: ../../x}\n", "census.map")
    gone = {"params/workforce/mine.yaml": b"extends: baseline\ncensus: {map: nowhere}\n"}
    yield HostileInput(name="scenario with a map gone", arguments=("run", "mine"), files=gone, says=("nowhere",))


def _circles() -> Iterator[HostileInput]:
    ring = {f"params/workforce/s{n}.yaml": f"extends: s{(n + 1) % 5}\n".encode() for n in range(5)}
    yield HostileInput(name="scenarios in a circle", arguments=("run", "s0"), files=ring, says=("circle", "s4"))
    chain = {f"params/workforce/s{n}.yaml": f"extends: s{n + 1}\n".encode() for n in range(40)}
    yield HostileInput(
        name="scenarios in a long chain", arguments=("run", "s0"), files=chain, says=("longer than", "s1")
    )
    gone = {"params/workforce/mine.yaml": b"extends: baseline\ncensus: {file: gone.csv}\n"}
    yield HostileInput(name="scenario with a census gone", arguments=("run", "mine"), files=gone, says=("gone.csv",))
    bad = {"params/workforce/mine.yaml": b"workforce: {a: 1}\n", "map.yaml": b"renam: {}\n", "census.csv": b"a,b\n1\n"}
    everything = ("run", "mine", "--census", "census.csv", "--census-map", "map.yaml")
    yield HostileInput(name="scenario, mapping and census wrong", arguments=everything, files=bad,
                       says=("mine.yaml", "map.yaml", "census.csv"))  # fmt: skip
    columns = {**bad, "map.yaml": b"rename: {a: employee_id}\n", "census.csv": b"a,b\n1,2\n"}
    yield HostileInput(name="scenario wrong, census without columns", arguments=everything, files=columns,
                       says=("mine.yaml", "census.csv", "employee_ssn"))  # fmt: skip


def _tables() -> Iterator[HostileInput]:
    for file in ("comp_levers.csv", "job_levels.csv"):
        good = (SHIPPED / file).read_bytes()
        yield own_table("that is empty", file, b"", "empty")
        yield own_table("with a cell of 10 MB", file, good.replace(b"\n", b"\n" + b"9" * 10_000_000, 1))
        yield own_table("of 40 MB", file, good + b"x" * 40_000_000)
    header, lever = lever_table().splitlines()
    strangers = "".join(lever.replace("mine", f"S{number}") + "\n" for number in range(20_000))
    yield own_table("of 100,000 bad rows", "comp_levers.csv", header + "\n" + ",,,,,,,,\n" * 100_000)
    yield own_table("of 20,000 strangers", "comp_levers.csv", header + "\n" + strangers)
    yield own_table("of 20,000 columns", "hazards.csv", ",".join(f"c{number}" for number in range(20_000)) + "\n")
    for name, row in (
        ("a gap", "2,a,1,2"),
        ("an empty range", "1,a,2,2"),
        ("huge pay", "1,a,2,1e400"),
        ("a half", "1.5,a,1,2"),
    ):
        content = f"level_id,name,min_compensation,max_compensation\n{row}\n"
        yield own_table(f"with {name}", "job_levels.csv", content)
    timing = (SHIPPED / "raise_timing.csv").read_bytes()
    yield own_table("that adds up to more", "raise_timing.csv", timing.replace(b"0.", b"0.1"))


def _typed() -> Iterator[HostileInput]:
    entry = ("--set hiring.level_mix.1=",)
    yield typed("a mix as a mapping", "run", "--set", "hiring.level_mix={1: 0.5}", says=entry)
    yield typed("a year and years", "run", "--year", "2025", "--years", "2025-2026", says=("--year",))
    yield typed("a setting beside --resume", "run", "--resume", "x", "--set", "a.b=1", says=("--set",))
    yield typed("no people", "census", "make", "--employees", "0", "--out", "new.csv", says=("0",))
    yield typed("a census over a census", "census", "make", "--out", "census.csv", says=("census.csv",))
    yield typed("a census in a device", "census", "make", "--out", "/proc/place.csv", says=("/proc",))
    yield typed("a project over files", "init", ".", says=("not empty",))

"""Values that mean nothing where they stand, by the place."""

from __future__ import annotations

BAD_CELLS = {
    "employee_id": ("", " ", "\u00a0", "NH_2025_000001", "E" * 40_000),
    "employee_birth_date": (
        "0000-00-00", "0000-01-01", "99999-01-01", "9999-12-31", "2024-02-30", "infinity", "-infinity", "epoch",
        "today", "now", "NaN", "45000", "17.05.1980", "1980", "-1980-01-01", "1980-05-17 (BC)", "1875-05-17",
        "٠١٢٣-٠١-٠١", "", "2011-03-01", "=DATE(1980;5;17)",
    ),
    "employee_hire_date": ("9999-12-31", "99999-12-31", "0000-01-01", "1970-05-17", "2025-01-01", "=TODAY()", ""),
    "employee_termination_date": ("0000-00-00", "1999-01-01", "never", "infinity", "99999-12-31", "-"),
    "employee_gross_compensation": (
        "1e400", "-1e400", "nan", "inf", "-inf", "Infinity", "0", "-1", "1e-300", "999", "1e15", "9" * 400, "56_000",
        "$56000", "56 000", "56.000.50", "0x10000", "1e", "", "=56000+1", "true", "five", "٥٦٠٠٠", "+-5", "1/0",
    ),
    "active": ("2", "-1", "maybe", "", "NaN", "tru", "=TRUE()", "oui", "null", "0.5"),
    "level_id": ("0", "6", "-1", "1.5", "1e400", "nan", "Senior", "99999999999"),
    "scheduled_hours": ("-1", "nan", "inf", "1e400", "40h", "9" * 30),
}  # fmt: skip

SQL = (
    "(select count(*) from extract)",
    "(select 1) union select 2",
    "employee_id); copy (select 1) to 'canary'; --",
    "1; attach 'canary'",
    "1 /* hidden */",
    "read_text('/etc/passwd')",
    "(from read_csv('/etc/passwd'))",
    "getenv('HOME')",
    "current_setting('home_directory')",
    "query('copy (select 1) to ''canary''')",
    "nextval('x')",
    "repeat(employee_id, 1000000000)",
    "list_sum(range(10000000000))",
    "printf('%s', employee_id)",
    "main.upper(employee_id)",
    "extract_file.employee_id",
    "no_such_column",
    "employee_ids",
    "max(employee_id)",
    "row_number() over ()",
    "employee_id as x, 1",
    "case when 1",
    "$1",
    "#1",
    "*",
    "columns('.*')",
    "employee_id::no_such_type",
    "cast(employee_id as struct(a int))",
    "x -> x",
    "{'a': 1}",
    "[1, 2]",
    "employee_id collate nocase",
    "employee_id || ''; select",
    "error('x')",
    "(" * 200 + "1" + ")" * 199,
    "1" + " + 1" * 900,
    "'" + "a" * 3000 + "'",
    "set enable_external_access = true",
)

RATES = {
    "workforce.total_termination_rate": (
        "nan", ".nan", ".inf", "-.inf", "1e400", "1e-2", "-0.1", "1.1", "0.1234567", "'0.1'", "true", "[0.1]", "",
        "9" * 4000, "0x1", "2025-01-01", "{1: 0.1}", "0_1",
    ),
    "simulation.start_year": ("0", "99999", "-2025", "2025.5", "'2025'", "9" * 25, "2500", "2030"),
    "simulation.random_seed": ("-1", "0.5", "9223372036854775808", "x"),
    "hiring.level_mix": ("{}", "{1: 0.5}", "{9: 1}", "1", "[1]", "{1: 1.5, 2: -0.5}", "{one: 1}", "{1: .nan}"),
    "hiring.ages": ("{12: 1}", "{30: 0.5}", "{30.5: 1}", "{200: 1}"),
    "compensation.cola_rate": ("{77: 0.1}", "{all: 7}", "{}", "{0: 0.1}", "{1.5: 0.1}"),
    "census.mask_ssn": ("1", "maybe", "[]"),
    "census.date": ("2024-02-30", "0000-01-01", "20241231", "soon"),
    "census.file": ("[a.csv]", "1", "''", '"a\\0.csv"'),
    "census.map": ("../../x", "/etc/passwd", "''", "[a]"),
}  # fmt: skip

LEVER_CELLS = {
    "scenario_id": ("Nobody", "", "../../x"),
    "fiscal_year": ("2025.5", "x", "99999", "-1"),
    "job_level": ("0", "1.0", "one", "100"),
    "event_type": ("HIRE", "", "raise!"),
    "parameter_name": ("merit", "", "drop table"),
    "is_locked": ("2", "", "yes"),
    "parameter_value": ("nan", "inf", "1e400", "-0.1", "0.51", "", "3%", "=1+1", "0;03", "9" * 400),
    "created_at": ("yesterday", "", "2025-02-30"),
    "created_by": ("", " "),
}

SETTINGS = (
    "", "=", "a", "a=b", ".=1", "a.b=1", "a.b.c.d=1", "workforce=1", "workforce.total_termination_rate",
    "workforce.total_termination_rate=", "workforce.total_termination_rate=nan",
    "workforce.total_termination_rate=1e400", "workforce.total_termination_rate=-1",
    "workforce.total_termination_rate=0.1234567", "workforce.total_termination_rate=!!python/name:os.system",
    "workforce.total_termination_rate.1=0.1", "workforce.__class__=1", "simulation.random_seed=-1",
    "simulation.random_seed=9223372036854775808", "simulation.start_year=2025.5", "hiring.level_mix={1: 0.5, 2: 0.5}",
    "hiring.level_mix=1", "hiring.level_mix.1=0.9", "hiring.level_mix.99999999=0.1", "hiring.ages.x=1",
    "compensation.cola_rate={1: 0.1}", "compensation.cola_rate.0=0.1", "compensation.cola_rate.all.1=0.1",
    "census.mask_ssn=perhaps", "census.date=0000-00-00", "extends=baseline", "extends.x=y", "\x1b[2J.x=1", "a\nb.c=1",
    "workforce.total_termination_rate=" + "9" * 100_000,
)  # fmt: skip

OPTIONS = {
    "--years": ("", "2025", "2025-", "-2025", "2029-2025", "2025-2029-2030", "2025–2029", "1000-1001", "2025-9999",
                "0000-0001", "a-b", "2025-2029\n", "1900-2200"),
    "--seed": ("-1", "1.5", "", "x", "9223372036854775808", "1e3", "9" * 5000, "nan"),
    "--year": ("0", "-1", "99999", "x", "1e3"),
    "--census-date": ("0000-01-01", "99999-01-01", "9999-12-31", "2024-02-30", "", "tomorrow", "0001-01-01"),
    "--no-such": ("1",),
}  # fmt: skip

NAMES = (
    "../../etc/passwd", "/etc/passwd", "..", ".", "", " ", "a\x00b", "a\nb", "baseline;x", "BASELINE", "b" * 65,
    "b" * 5000, "basline", "$(touch canary)", "\udcff", "../baseline", "baseline/../../x.yaml", "x.yaml", "/dev/zero",
    "/dev/stdin", "~/x.yaml", "\x1b[2J", "C:\\x", "%s%n", "'; copy (select 1) to 'canary'; --",
)  # fmt: skip

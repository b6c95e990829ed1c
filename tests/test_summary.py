"""The summary tells the story of a run on one page, offline, and trusts nothing that it shows."""

import re
from pathlib import Path

import pandas as pd
import pytest

from planwise_nb.core import store
from planwise_nb.core.project import Project
from planwise_nb.core.runner import start
from planwise_nb.workforce.inputs import Request, resolve
from planwise_nb.workforce.pipeline import WORKFORCE
from planwise_nb.workforce.results import Results, read_results
from planwise_nb.workforce.summary import write_summary
from tests.simulation import Simulation
from tests.test_charts import metrics, year_of_metrics

HOSTILE = "<script>alert('1')</script>|`x`\n# boo"
MANIFEST = {
    "run_id": "20250101-120000-ab12cd34",
    "subject": "baseline",
    "status": "complete",
    "command": ["planwise", "run", "baseline"],
    "seeds": {"baseline": 42},
    "inputs": {"census": {"file": "inputs/census.parquet", "sha256": "9f86d0", "rows": 5000, "active": 4378}},
    "differences": {"baseline": {"workforce.total_termination_rate": 0.1}},
    "baseline": {},
    "versions": {"planwise": "0.1.0"},
    "created_at": "2025-01-01T12:00:00Z",
    "periods": [2025, 2026, 2027, 2028, 2029],
}
CHECK = {
    "scenario_id": "baseline",
    "simulation_year": 2025,
    "step": "event_generation",
    "check_name": "pay_chain",
    "severity": "error",
    "description": "previous pay is the pay in force",
    "expected": "0",
    "found": "0",
    "offender_count": 0,
    "offender_sample": None,
    "is_passed": True,
}
LEVEL = {
    "scenario_id": "baseline",
    "simulation_year": 2029,
    "level_id": 1,
    "level_name": HOSTILE,
    "headcount": 414,
    "paid": 27639758.79,
    "quartile_1": 62566.5,
    "median_pay": 67046.0,
    "quartile_3": 73537.5,
    "range_min": 56000.0,
    "range_max": 80000.0,
}
DIFFERENCE = {
    "scenario_id": HOSTILE,
    "parameter_name": "total_termination_rate",
    "levels": None,
    "years": "2025, 2026",
    "parameter_value": 0.1,
    "baseline_value": 0.12,
    "parameter_source": "set",
}
CHANCE = {
    "scenario_id": HOSTILE,
    "simulation_year": 2026,
    "metric": "payroll",
    "threshold": 60e6,
    "members": 100,
    "members_above": 31,
    "chance": 0.31,
}
FAILED = CHECK | {"is_passed": False, "found": "1234", "offender_count": 1234, "offender_sample": "EMP_000003"}


def with_compound(frame):
    return frame.assign(compound_growth_rate=0.0299)


def bands_of(members):
    percentiles = {"p5": 1.0, "p25": 2.0, "p50": 3.0, "p75": 4.0, "p95": 5.0}
    rows = [
        {"scenario_id": HOSTILE, "simulation_year": year, "metric": metric, "members": members, **percentiles}
        for metric in ("closing_headcount", "payroll", "average_compensation", "hires")
        for year in (2025, 2026)
    ]
    return pd.DataFrame(rows)


def summary(folder, *, manifest=MANIFEST, rows=None, checks=(CHECK,), members=1, different=True):
    frame = with_compound(metrics() if rows is None else rows)
    results = Results(
        manifest=manifest,
        metrics=frame,
        validation=pd.DataFrame(checks, columns=list(CHECK)),
        levels=pd.DataFrame([LEVEL | {"scenario_id": name} for name in list(dict.fromkeys(frame["scenario_id"]))[:20]]),
        differences=pd.DataFrame([DIFFERENCE] if different else []),
        bands=bands_of(members) if members > 1 else pd.DataFrame(),
        chances=pd.DataFrame([CHANCE] if members > 1 else [], columns=list(CHANCE)),
    )
    paths = write_summary(folder, results)
    return [path.read_text(encoding="utf-8") for path in paths]


def test_both_files_are_written_and_nothing_else(tmp_path):
    summary(tmp_path / "export")
    assert sorted(path.name for path in (tmp_path / "export").iterdir()) == ["summary.html", "summary.md"]


def test_both_tell_the_headcount_pay_and_provenance(tmp_path):
    for text in summary(tmp_path):
        for fact in (
            "4,509",
            "447,289,936.30",
            "102,525.03",
            "8.30%",
            "9f86d0",
            "baseline: 42",
            "planwise run baseline",
        ):
            assert fact in text
        assert "1 of 1 checks hold" in text


def test_both_tell_the_git_revision_and_the_platform_where_the_manifest_has_them(tmp_path):
    revision = "0123456789abcdef0123456789abcdef01234567"
    made_on = {"git": {"revision": revision, "is_dirty": True}, "platform": "Linux-6.1-x86_64"}
    for text in summary(tmp_path, manifest=MANIFEST | made_on):
        assert f"{revision}, with changes" in text and "Linux-6.1-x86_64" in text
    for text in summary(tmp_path, manifest=MANIFEST | {"git": None}):
        assert "Git revision" not in text


def test_parameters_that_differ_are_told_with_both_values(tmp_path):
    text, page = summary(tmp_path)
    assert r"| 2025, 2026 | 0.1 | 0.12 | set |" in text
    assert "<td>set</td>" in page and "Parameters that differ from baseline" in page


def test_pay_by_level_is_told_for_the_last_year(tmp_path):
    for text in summary(tmp_path):
        assert "At the end of 2029" in text and "67,046.00" in text and "27,639,758.79" in text


def test_every_executed_notebook_is_linked_by_its_way_from_the_summary(tmp_path):
    text, page = summary(tmp_path)
    for link in ("../notebooks/00_pre_simulation.ipynb", "../notebooks/2029/03_workforce_requirements.ipynb"):
        assert f"({link})" in text and f'<a href="{link}">' in page
    assert page.count(".ipynb") == text.count(".ipynb") + 2 == 2 + 5 * 7 + 2
    assert '<a href="results.xlsx">' in page


def test_equal_runs_give_equal_files(tmp_path):
    assert summary(tmp_path / "one") == summary(tmp_path / "two")


def test_bands_and_chances_of_an_ensemble_are_told(tmp_path):
    text, page = summary(tmp_path, members=100)
    for said in (text, page):
        assert "Chances of passing a threshold" in said and "31 of 100" in said and "31.0%" in said
    assert "How far the members of the ensemble lie apart" in page
    assert page.count("<svg") == 7 + 3 and HOSTILE not in page
    _, alone = summary(tmp_path, members=1)
    assert "ensemble" not in alone and "Chances" not in alone


def test_page_loads_nothing_from_the_network(tmp_path):
    _, page = summary(tmp_path)
    assert set(re.findall(r"[a-z]+://[^\s\"'<>]*", page)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert not re.search(r"<(script|link|img|iframe|object|embed)|@import|url\((?!#)", page)


def test_page_holds_its_charts(tmp_path):
    _, page = summary(tmp_path)
    assert page.count("<svg") == page.count("</svg>") == 7
    ids = re.findall(r'\bid="([^"]*)"', page)
    assert len(ids) == len(set(ids))


def test_hostile_text_is_shown_not_run(tmp_path):
    census = {"file": HOSTILE, "sha256": HOSTILE, "rows": 1, "active": 1}
    manifest = dict.fromkeys(("run_id", "subject", "status", "command", "parent_run_id", "created_at"), HOSTILE)
    manifest |= {"seeds": {HOSTILE: HOSTILE}, "inputs": {"census": census}, "versions": {HOSTILE: HOSTILE}}
    manifest |= {"differences": {HOSTILE: {HOSTILE: HOSTILE}}, "periods": [HOSTILE]}
    check = FAILED | dict.fromkeys(("scenario_id", "step", "check_name", "description", "found"), HOSTILE)
    rows = metrics(scenarios=[HOSTILE, "other"])
    for text in summary(tmp_path, manifest=manifest, rows=rows, checks=[check]):
        assert "<script" not in text and "&lt;script&gt;" in text


def test_hostile_text_does_not_break_the_markdown(tmp_path):
    text, _ = summary(tmp_path, manifest=MANIFEST | {"subject": HOSTILE}, rows=metrics(scenarios=[HOSTILE]))
    assert not any(line.startswith("# boo") for line in text.splitlines())
    table = [line for line in text.splitlines() if line.startswith("| &lt;script")]
    assert {len(re.split(r"(?<!\\)\|", line)) for line in table} == {15, 12, 9}  # years, levels, parameters


def test_a_check_that_does_not_hold_is_shown_with_its_offenders(tmp_path):
    text, page = summary(tmp_path, checks=[CHECK, FAILED])
    for shown in (text, page):
        assert "1 of 2 checks hold; 1 errors, 0 warnings." in shown
        assert "1,234" in shown and "EMP_000003" in shown
    assert 'class="tile bad"' in page


def test_the_least_that_a_manifest_says_is_enough(tmp_path):
    text, page = summary(tmp_path, manifest={"run_id": "r1"}, different=False)
    assert "Not known: the run has kept no baseline that could be used." in text and "Parent run" not in page
    assert "Every parameter is that of baseline." in summary(tmp_path, different=False)[0]


def test_a_run_without_years_has_a_page(tmp_path):
    text, page = summary(tmp_path, rows=metrics().head(0), checks=[])
    assert "No year was simulated." in text and "0 of 0 checks hold" in page


def test_an_empty_company_has_a_page(tmp_path):
    nothing = {name: None for name, value in year_of_metrics().items() if isinstance(value, float)}
    nothing |= {"closing_headcount": 0, "average_compensation": None, "median_compensation": None}
    text, page = summary(tmp_path, rows=metrics([2025], **nothing | {"headcount_by_level": {}}))
    assert "–" in text and not re.search(r"\bnan\b", text + page, re.IGNORECASE)


@pytest.mark.parametrize("count", [2, 30])
def test_every_scenario_is_shown_or_counted(tmp_path, count):
    names = [f"baseline~seed={number}" for number in range(count)]
    text, page = summary(tmp_path, rows=metrics([2025, 2026], names))
    assert text.count("| baseline\\~seed=") == (2 + 1) * min(count, 20)
    assert ("The first 20 of 30 scenarios" in text) == (count > 20)
    assert ("The first 4 of 30 scenarios" in page) == (count > 20)


def test_parameters_are_held_against_what_baseline_says_in_the_project(tmp_path: Path, small_census: Path) -> None:
    own = tmp_path / "params" / "workforce"
    own.mkdir(parents=True)
    stated = "hiring: {compensation_variance: 0.2}\ncompensation: {cola_rate: 0.03}\n"
    (own / "baseline.yaml").write_text(f"extends: baseline\n{stated}")
    (own / "solo.yaml").write_text("simulation: {random_seed: 42}\n")
    request = Request(scenario="baseline,solo", years=(2025, 2025), census=small_census)
    run = start(WORKFORCE, resolve(Project(tmp_path), request), out=tmp_path / "runs", command=["test"])
    simulated = Simulation(run.folder)
    simulated.step("pre_simulation", 2025)
    simulated.build(2025)
    with store.connect(run.folder / store.DATABASE, read_only=True) as connection:
        found = read_results(connection, run.folder).differences
    assert set(found["scenario_id"]) == {"solo"}
    told = {row["parameter_name"]: (row["parameter_value"], row["baseline_value"]) for row in found.to_dict("records")}
    assert (told["cola_rate"], told["hiring.compensation_variance"]) == ((0.025, 0.03), (0.1, 0.2))

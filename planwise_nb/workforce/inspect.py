"""Looks into a run, one line each: its census, the workforce of a year, its years side by side, one of its models."""

from __future__ import annotations

import pandas as pd
from altair.typing import ChartType
from IPython.display import Markdown, display

from planwise_nb.core import display as shown
from planwise_nb.core import store
from planwise_nb.core.errors import ChecklistError
from planwise_nb.core.location import find_run
from planwise_nb.core.pipeline import label
from planwise_nb.core.runs import Run
from planwise_nb.workforce import charts
from planwise_nb.workforce.model_trial import Trial, try_model
from planwise_nb.workforce.pipeline import WORKFORCE
from planwise_nb.workforce.step import WorkforceStep

PEOPLE = """
    select
        if(active, 'active', 'left') as status, count(*) as people, min(employee_hire_date) as first_hired,
        max(employee_hire_date) as last_hired, min(employee_gross_compensation) as lowest_pay,
        round(quantile_cont(employee_gross_compensation::double, 0.25), 2) as quartile_1,
        round(median(employee_gross_compensation::double), 2) as median_pay,
        round(quantile_cont(employee_gross_compensation::double, 0.75), 2) as quartile_3,
        max(employee_gross_compensation) as highest_pay,
    from census group by active order by active desc
"""
COLUMNS = """
    with filled as (unpivot (select count(columns(*)) from census) on columns(*) into name column_name value filled),
    different as (
        unpivot (select count(distinct columns(*)) from census) on columns(*) into name column_name value different
    )
    select
        column_name as column, lower(column_type) as type, filled, count - filled as empty, different,
        if(column_type = 'VARCHAR', null, min) as lowest, if(column_type = 'VARCHAR', null, max) as highest,
    from (summarize census) inner join filled using (column_name) inner join different using (column_name)
"""
GROUPS = """
    select coalesce(department, 'not given') as department, count(*) as people,
        round(avg(employee_gross_compensation), 2) as average_pay,
    from census where active group by all order by people desc, department limit 10
"""
STATUS = """
    select detailed_status_code as status, count(*) as people, round(avg(current_age), 1) as average_age,
        round(avg(current_tenure), 1) as average_tenure, round(avg(current_compensation), 2) as average_pay,
        sum(prorated_annual_compensation) as paid,
    from fct_workforce_snapshot where simulation_year = $year and scenario_id = $scenario
    group by all order by status
"""
LEVELS = """
    select level_id, count(*) as people, min(current_compensation) as minimum,
        quantile_cont(current_compensation, 0.25) as quartile_1, median(current_compensation) as median,
        quantile_cont(current_compensation, 0.75) as quartile_3, max(current_compensation) as maximum,
        any_value(min_compensation) as range_min, any_value(max_compensation) as range_max,
    from fct_workforce_snapshot left join {ranges} using (scenario_id, level_id)
    where simulation_year = $year and scenario_id = $scenario and employment_status = 'active'
    group by all order by level_id
"""
NO_RANGES = """(
    select '' as scenario_id, 0 as level_id, null::double as min_compensation, null::double as max_compensation
)"""
"""While a run is not finished, the ranges of its levels are not published."""
AGES = """
    select age_band, tenure_band, count(*) as headcount from fct_workforce_snapshot
    where simulation_year = $year and scenario_id = $scenario and employment_status = 'active'
    group by all order by all
"""
BRIDGE = "from int_workforce_requirements where simulation_year = $year and scenario_id = $scenario"
YEARS = """
    select scenario_id, simulation_year, opening_headcount as opening, hires,
        exits, promotions,
        closing_headcount as closing, target_headcount as target, headcount_growth, compound_growth_rate,
        target_growth_rate, payroll, average_compensation,
    from fct_year_metrics order by scenario_id, simulation_year
"""
CHECKS = """
    select simulation_year, step, count(*) as checks, count(*) filter (is_passed) as hold,
        coalesce(string_agg(distinct check_name, ', ' order by check_name) filter (not is_passed), '') as not_passed,
    from fct_validation_results group by all order by all
"""


def census(step: WorkforceStep) -> None:
    """Show the accepted census of the step's run: people and pay, how far each column is filled, departments."""
    with store.connect() as connection:
        connection.read_parquet([str(step.run.folder / "inputs" / "census.parquet")]).create_view("census")
        found = [connection.execute(query).df() for query in (PEOPLE, COLUMNS, GROUPS)]
    captions = ("People of the census, pay a year", "Its columns", "Departments of the active")
    _show(*(shown.table(rows, caption=caption) for rows, caption in zip(found, captions, strict=True)))


def workforce(step: WorkforceStep) -> None:
    """Show the workforce of the step's year and member: who is who, pay by level, age and tenure, the bridge.

    Raises ``ChecklistError`` where the year is not complete.
    """
    if ("year_completion", step.year) not in step.checklist.done:
        raise ChecklistError(
            f"The workforce of {step.year or 'no year'} cannot be inspected: year_completion is not done.",
            fix="Press 'Run to here' in 07_year_completion, or name a year that is complete.",
        )
    ranges = "stg_job_levels" if step.run.manifest["status"] == "success" else NO_RANGES
    levels = step.frame(LEVELS.format(ranges=ranges))
    _show(
        shown.table(step.frame(STATUS), caption=f"Workforce of {step.year}: who is who, pay a year"),
        charts.headcount_bridge(step.frame(BRIDGE)),
        shown.table(levels, caption="Active at year end, by level"),
        charts.pay_by_level(levels),
        charts.age_tenure(step.frame(AGES)),
    )


def years(run: Run | str = "") -> None:
    """Show all years of a run side by side, so far as they are measured; ``run`` may be its id; empty: the latest."""
    shown.enable_charts()
    whole = run if isinstance(run, Run) else find_run(WORKFORCE, run)
    step = WorkforceStep(whole, (WORKFORCE.summary.name, None), is_executing=False)
    measured = [key for key in step.checklist.done if key[0] == "validation_metrics"]
    if not measured:
        raise ChecklistError(
            f"Run {whole.folder.name} has no year that is measured yet.",
            fix=f"Go on with it: planwise run --resume {whole.folder.name}",
        )
    metrics = step.metrics()
    _show(
        shown.table(step.frame(YEARS), caption=f"Years of run {whole.folder.name}"),
        charts.headcount(metrics),
        charts.growth(metrics),
        charts.flows(metrics),
        shown.table(step.frame(CHECKS), caption="Checks"),
    )


def model(step: WorkforceStep, name: str) -> Trial:
    """Build the dbt model ``name`` for the step's year in a copy of the run, which stays as it is, and show its
    rows before and after, its data tests and its SQL as it ran. Returns all that, to look on.

    Raises ``InputError`` where there is no such model, ``BusyError`` while the run goes on, ``ModelError`` where it
    fails.
    """
    tried = try_model(step.run, name, step.year)
    _show(
        shown.table(tried.counts, caption=f"{name}, built as for {label(step.key)}: rows"),
        *(shown.table(rows, caption=f"Rows {what}, the first") for what, rows in tried.rows.items() if len(rows)),
        shown.table(tried.tests, caption="Data tests") if len(tried.tests) else Markdown("It has no data test."),
        Markdown(f"The SQL as it ran:\n\n```sql\n{tried.sql.strip()}\n```"),
    )
    return tried


def _show(*parts: shown.Table | ChartType | Markdown | pd.DataFrame) -> None:
    for part in parts:
        display(part)

"""The sheets of a workbook of results: what each holds, made by SQL from the tables of ``Results``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """How a column shows: its heading, its unit, its number format and its width in characters."""

    title: str
    unit: str = ""
    shape: str = "#,##0"
    width: float = 12


@dataclass(frozen=True)
class Sheet:
    """A sheet: its name, what it holds, the SQL of its rows, and the table of ``Results`` whose rows it needs.

    ``keys``: how many of the first columns stay in sight; ``charted``: for charts, the columns that say beside run and
    scenario which rows lie together. In the SQL ``{keys}`` stands for the columns that name run and scenario, the run
    where there are several, ``{run}`` for the run alone, ``{levels}`` for a column of headcount a level.
    """

    name: str
    holds: str
    query: str
    needs: str = "metrics"
    keys: int = 3
    charted: tuple[str, ...] | None = None


def _people(title: str, unit: str = "people") -> Column:
    return Column(title, unit)


def _change(title: str) -> Column:
    return Column(title, "people", "+#,##0;-#,##0;0")


def _money(title: str, unit: str = "amount a year") -> Column:
    return Column(title, unit, "#,##0.00", 18)


def _rate(title: str, unit: str) -> Column:
    return Column(title, unit, "0.00%", 13)


def _text(title: str, width: float = 16) -> Column:
    return Column(title, shape="@", width=width)


COLUMNS: Mapping[str, Column] = {
    "run_id": _text("Run", 26),
    "scenario_id": _text("Scenario", 22),
    "simulation_year": Column("Year", shape="0", width=8),
    "level_id": Column("Level", shape="0", width=8),
    "opening_headcount": _people("Opening"),
    "hires": _people("Hires"),
    "exits": _people("Exits"),
    "experienced_terminations": _people("Experienced exits"),
    "reductions": _people("Reductions"),
    "new_hire_terminations": _people("New-hire exits"),
    "merit_raises": _people("Raises"),
    "promotions": _people("Promotions"),
    "closing_headcount": _people("Closing"),
    "target_headcount": _people("Target"),
    "from_target": _change("Closing less target"),
    "hires_in": _change("Hires"),
    "exits_out": _change("Experienced exits"),
    "reductions_out": _change("Reductions"),
    "new_hire_exits_out": _change("New-hire exits"),
    "part": _text("Part"),
    "people": _change("People"),
    "base": _people("From"),
    "size": _people("Height of the bar"),
    "hire_rate": _rate("Hires", "of opening"),
    "termination_rate": _rate("Experienced exits, reductions", "of opening"),
    "new_hire_termination_rate": _rate("New-hire exits", "of hires"),
    "promotion_rate": _rate("Promotions", "of opening"),
    "headcount_growth": _rate("Headcount", "against the year before"),
    "target_growth_rate": _rate("Headcount target", "a year"),
    "compound_growth_rate": _rate("Headcount, compound", "a year since the start"),
    "average_compensation_growth": _rate("Average pay", "against the year before"),
    "same_people_compensation_growth": _rate("Pay of the same people", "against the year before"),
    "prorated_compensation_growth": _rate("Pay per person-year", "against the year before"),
    "payroll": _money("Payroll", "amount paid in the year"),
    "person_years": Column("Person-years", "years of work", "#,##0.0", 13),
    "payroll_per_person_year": _money("Payroll per person-year"),
    "average_compensation": _money("Average pay, active"),
    "median_compensation": _money("Median pay, active"),
    "headcount": _people("Headcount", "people at year end"),
    "paid": _money("Paid", "amount paid in the year"),
    "average_pay": _money("Average pay"),
    "lowest_pay": _money("Lowest"),
    "quartile_1": _money("Lower quartile"),
    "median_pay": _money("Median"),
    "quartile_3": _money("Upper quartile"),
    "highest_pay": _money("Highest"),
    "level_name": _text("Name", 20),
    "range_min": _money("Range from"),
    "range_max": _money("Range to"),
    "step": _text("Step", 24),
    "check_name": _text("Check", 30),
    "severity": _text("Severity", 10),
    "description": _text("Meaning", 52),
    "members": _people("Scenarios", "checked"),
    "failed": _people("Do not hold", "scenarios"),
    "expected": _text("Expected", 18),
    "found": _text("Found", 18),
    "offenders": _people("Offenders", "rows"),
    "offender_sample": _text("First of them", 44),
    "parameter_name": _text("Parameter", 32),
    "parameter_value": Column("Value", "1 = 100 %", "General", 12),
    "baseline_value": Column("Baseline", "1 = 100 %", "General", 12),
    "parameter_source": _text("Stated by", 24),
    "is_locked": _text("Locked", 10),
    "levels": _text("Levels", 16),
    "years": _text("Years", 30),
    "metric": _text("Metric", 32),
    "p5": Column("5th percentile", "unit of the metric", "#,##0.00##", 18),
    "p25": Column("25th percentile", "unit of the metric", "#,##0.00##", 18),
    "p50": Column("Median", "unit of the metric", "#,##0.00##", 18),
    "p75": Column("75th percentile", "unit of the metric", "#,##0.00##", 18),
    "p95": Column("95th percentile", "unit of the metric", "#,##0.00##", 18),
    "threshold": Column("Threshold", "unit of the metric", "#,##0.00##", 18),
    "members_above": _people("Above it", "members"),
    "of_members": _people("Members"),
    "chance": _rate("Chance", "of members"),
}

SHEETS = (
    Sheet(
        "Headcount",
        "From opening to closing headcount of each year, with its target. Exits are negative: each row adds up.",
        """
        select
            {keys}, simulation_year, opening_headcount, -experienced_terminations as exits_out,
            -reductions as reductions_out, hires as hires_in, -new_hire_terminations as new_hire_exits_out,
            closing_headcount, target_headcount, closing_headcount - target_headcount as from_target,
        from metrics
        order by {keys}, simulation_year
        """,
        charted=(),
    ),
    Sheet(
        "Bridge",
        "From the first opening to the last closing headcount, over all years. The last two columns draw the chart.",
        """
        with sums as (
            select
                {keys}, arg_min(opening_headcount, simulation_year) as opening, sum(hires) as hires,
                sum(new_hire_terminations) as new_hire_exits, sum(experienced_terminations) as exits,
                sum(reductions) as reductions, arg_max(closing_headcount, simulation_year) as closing,
            from metrics
            group by all
        ),
        parts as (
            select {keys}, unnest([
                {place: 1, part: 'Opening', people: opening}, {place: 2, part: 'Hires', people: hires},
                {place: 3, part: 'New-hire exits', people: -new_hire_exits},
                {place: 4, part: 'Experienced exits', people: -exits},
                {place: 5, part: 'Reductions', people: -reductions}, {place: 6, part: 'Closing', people: closing}
            ], recursive := true)
            from sums
        ),
        levels as (
            select *, sum(people) over (partition by {keys} order by place) as upto from parts
        )
        select
            {keys}, part, people,
            case when part in ('Opening', 'Closing') then 0 else least(upto, upto - people) end as base,
            abs(people) as size,
        from levels
        order by {keys}, place
        """,
        charted=(),
    ),
    Sheet(
        "Flows",
        "How many people came, left and rose in each year, and how often.",
        """
        select
            {keys}, simulation_year, hires, experienced_terminations, reductions, new_hire_terminations,
            merit_raises, promotions, hire_rate, termination_rate, new_hire_termination_rate, promotion_rate,
        from metrics
        order by {keys}, simulation_year
        """,
    ),
    Sheet(
        "Pay",
        "What each year costs, and what people earn a year at its end.",
        """
        select
            {keys}, simulation_year, payroll, person_years, payroll_per_person_year, average_compensation,
            median_compensation,
        from metrics
        order by {keys}, simulation_year
        """,
        charted=(),
    ),
    Sheet(
        "Growth",
        "Growth of headcount against its target, and of pay by three methods, each of like with like.",
        """
        select
            {keys}, simulation_year, target_growth_rate, headcount_growth, compound_growth_rate,
            average_compensation_growth, same_people_compensation_growth, prorated_compensation_growth,
        from metrics
        order by {keys}, simulation_year
        """,
        charted=(),
    ),
    Sheet(
        "Pay by level",
        "Headcount, payroll and the spread of pay per year of those employed at year end, by level.",
        """
        select
            {keys}, simulation_year, level_id, level_name, headcount, paid, average_pay, lowest_pay, quartile_1,
            median_pay, quartile_3, highest_pay, range_min, range_max,
        from levels
        order by {keys}, simulation_year, level_id
        """,
        "levels",
        keys=4,
        charted=("simulation_year",),
    ),
    Sheet(
        "Level mix",
        "Headcount at year end by level, a column a level.",
        "select {keys}, simulation_year, {levels} from levels group by all order by {keys}, simulation_year",
        "levels",
        charted=(),
    ),
    Sheet(
        "Checks",
        "Every check of every year: whether it holds, and what was found where not.",
        """
        select
            {run}simulation_year, step, check_name, severity, description, count(*) as members,
            count(*) filter (not is_passed) as failed, arg_min(expected, place) as expected,
            arg_min(found, place) as found, sum(offender_count) as offenders,
            arg_min(offender_sample, place) as offender_sample,
        from (select *, row(is_passed, scenario_id) as place from validation)
        group by {run}simulation_year, step, check_name, severity, description
        order by {run}simulation_year, step, check_name
        """,
        "validation",
        keys=2,
    ),
    Sheet(
        "Differs from baseline",
        "Parameters whose value is not that of baseline, with both; no baseline: it comes from the hazard.",
        """
        select {keys}, parameter_name, levels, years, parameter_value, baseline_value, parameter_source from differences
        """,
        "differences",
    ),
    Sheet(
        "Parameters",
        "Every parameter as used, with the levels and years for which it has the value, and who states it.",
        """
        select
            {keys}, parameter_name, string_agg(distinct level_id, ', ' order by level_id) as levels,
            string_agg(distinct simulation_year, ', ' order by simulation_year) as years, parameter_value,
            parameter_source, if(is_locked, 'yes', 'no') as is_locked,
        from parameters
        group by {keys}, parameter_name, parameter_value, parameter_source, parameters.is_locked
        order by {keys}, parameter_name, levels, years
        """,
        "parameters",
    ),
    Sheet(
        "Bands",
        "How far the members of each ensemble lie apart: percentiles of every metric.",
        """
        select {keys}, metric, simulation_year, members as of_members, p5, p25, p50, p75, p95
        from bands
        order by {keys}, metric, simulation_year
        """,
        "bands",
        keys=4,
        charted=("metric",),
    ),
    Sheet(
        "Chances",
        "In how many members a metric is above a threshold.",
        """
        select {keys}, metric, threshold, simulation_year, members as of_members, members_above, chance
        from chances
        order by {keys}, metric, threshold, simulation_year
        """,
        "chances",
        keys=4,
    ),
)

{#
    What the levers do before anything is simulated: expected values by year and level, and how far each member lies
    from the first one. An estimate in floating point, rounded at the end: docs/dashboard.md says what it leaves out.
    Rows without a level are of all levels. The formulas are in macros/first_order.sql.
#}
with recursive

effective as (

    {{ effective_parameters(all_years()) }}

),

rates as (

    {{ expected_rates() }}

),

levels as (

    {{ expected_levels() }}

),

states as (

    select
        levels.scenario_id,
        scenarios.start_year - 1 as simulation_year,
        levels.level_id,
        cast(0.0 as double) as opening_headcount,
        cast(0.0 as double) as opening_pay,
        cast(0.0 as double) as exits,
        cast(0.0 as double) as hires,
        cast(0.0 as double) as promotions,
        cast(0.0 as double) as payroll,
        levels.headcount as closing_headcount,
        cast(levels.pay as double) as closing_pay,
    from levels
    inner join {{ ref('stg_scenarios') }} as scenarios on levels.scenario_id = scenarios.scenario_id

    union all

    {{ expected_next_year() }}

),

summed as (

    select
        states.scenario_id,
        scenarios.member_number,
        states.simulation_year,
        states.level_id,
        sum(states.opening_headcount) as opening_headcount,
        sum(states.exits) as exits,
        sum(states.hires) as hires,
        sum(states.promotions) as promotions,
        sum(states.closing_headcount) as closing_headcount,
        sum(states.payroll) as payroll,
        sum(states.closing_pay) / nullif(sum(states.closing_headcount), 0) as average_compensation,
        sum(states.opening_pay) / nullif(sum(states.opening_headcount), 0) as opening_average,
    from states
    inner join {{ ref('stg_scenarios') }} as scenarios on states.scenario_id = scenarios.scenario_id
    where states.simulation_year >= scenarios.start_year
    group by grouping sets (
        (states.scenario_id, scenarios.member_number, states.simulation_year, states.level_id),
        (states.scenario_id, scenarios.member_number, states.simulation_year)
    )

),

measured as (

    select
        *,
        closing_headcount / nullif(opening_headcount, 0) - 1 as headcount_growth,
        average_compensation / nullif(opening_average, 0) - 1 as average_compensation_growth,
        payroll / nullif(lag(payroll) over (partition by scenario_id, level_id order by simulation_year), 0) - 1
            as payroll_growth,
    from summed

)

select
    measured.scenario_id,
    measured.simulation_year,
    measured.level_id,
    {% for name, digits in [
        ('closing_headcount', 1), ('hires', 1), ('exits', 1), ('promotions', 1), ('payroll', 2),
        ('average_compensation', 2), ('headcount_growth', 6), ('average_compensation_growth', 6), ('payroll_growth', 6)
    ] %}
    round(measured.{{ name }}, {{ digits }}) as {{ name }},
    round(measured.{{ name }} - first_member.{{ name }}, {{ digits }}) + 0 as {{ name }}_change,
    {% endfor %}
from measured
inner join measured as first_member
    on
        measured.simulation_year = first_member.simulation_year
        and measured.level_id is not distinct from first_member.level_id
        and first_member.member_number = 1
order by measured.member_number, measured.simulation_year, measured.level_id nulls first

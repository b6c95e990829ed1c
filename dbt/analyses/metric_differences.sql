{#
    The metrics of every shared year side by side: one row per metric, year and scenario, with its distance from the first.
#}
{% set metrics = [
    'closing_headcount', 'hires', 'exits', 'promotions', 'payroll', 'payroll_per_person_year', 'average_compensation',
    'headcount_growth', 'average_compensation_growth', 'same_people_compensation_growth'
] %}
with

compared_years as (

    {{ shared_years() }}

),

measured as (

    select
        scenarios.scenario_id,
        scenarios.member_number,
        yearly.simulation_year,
        unnest({{ metrics }}) as metric,
        unnest([
            {% for metric in metrics %}
            cast(yearly.{{ metric }} as decimal(24, 6)),
            {% endfor %}
        ]) as metric_value,
    from {{ ref('fct_year_metrics') }} as yearly
    inner join {{ ref('stg_scenarios') }} as scenarios on yearly.scenario_id = scenarios.scenario_id
    inner join compared_years on yearly.simulation_year = compared_years.simulation_year

)

select
    measured.metric,
    measured.simulation_year,
    measured.scenario_id,
    measured.metric_value,
    measured.metric_value - first_measured.metric_value as difference,
from measured
inner join measured as first_measured
    on
        measured.metric = first_measured.metric
        and measured.simulation_year = first_measured.simulation_year
        and first_measured.member_number = 1
order by list_position({{ metrics }}, measured.metric), measured.simulation_year, measured.member_number

{# What a tuner may aim at: one row per scenario, year and metric; the value is null where nobody is measured. #}
{% set of_the_company = [
    'average_compensation_growth', 'same_people_compensation_growth', 'prorated_compensation_growth', 'payroll',
    'average_compensation', 'median_compensation', 'closing_headcount', 'promotion_rate'
] %}
with

metrics as (

    select * from {{ ref('fct_year_metrics') }}

),

active as (

    select
        scenario_id,
        simulation_year,
        level_id,
        count(*) as headcount,
        median({{ cents('current_compensation') }}) / 100 as median_compensation,
    from {{ ref('fct_workforce_snapshot') }}
    where employment_status = 'active'
    group by all

),

-- a raise is that of the level at the opening
raises as (

    select
        workforce.scenario_id,
        workforce.simulation_year,
        median(effective.parameter_value) as median_merit_increase,
    from {{ ref('int_raises') }} as raises
    inner join {{ ref('int_baseline_workforce') }} as workforce
        on
            raises.scenario_id = workforce.scenario_id
            and raises.simulation_year = workforce.simulation_year
            and raises.employee_id = workforce.employee_id
    inner join {{ ref('int_effective_parameters') }} as effective
        on
            workforce.scenario_id = effective.scenario_id
            and workforce.simulation_year = effective.simulation_year
            and workforce.level_id = effective.level_id
            and effective.parameter_name = 'merit_base'
    group by all

),

measured as (

    {% for metric in of_the_company %}
    select
        scenario_id,
        simulation_year,
        '{{ metric }}' as metric,
        cast({{ metric }} as decimal(24, 6)) as measured_value,
    from metrics
    union all
    {% endfor %}
    select
        scenario_id,
        simulation_year,
        'median_merit_increase' as metric,
        cast(median_merit_increase as decimal(24, 6)) as measured_value,
    from raises
    union all
    select
        metrics.scenario_id,
        metrics.simulation_year,
        'level_share.' || levels.level_id as metric,
        cast({{ ratio('coalesce(active.headcount, 0)', 'metrics.closing_headcount') }} as decimal(24, 6))
            as measured_value,
    from metrics
    inner join {{ ref('stg_job_levels') }} as levels on metrics.scenario_id = levels.scenario_id
    left join active
        on
            levels.scenario_id = active.scenario_id
            and levels.level_id = active.level_id
            and metrics.simulation_year = active.simulation_year
    union all
    select
        scenario_id,
        simulation_year,
        'level_median_compensation.' || level_id as metric,
        cast(median_compensation as decimal(24, 6)) as measured_value,
    from active

)

select * from measured
order by scenario_id, simulation_year, metric

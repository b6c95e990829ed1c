with

workforce as (

    select * from {{ ref('int_baseline_workforce') }} where simulation_year = {{ year() }}

),

levels as (

    select * from {{ ref('int_level_parameters') }}

),

exits as (

    select * from {{ ref('int_experienced_terminations') }} where simulation_year = {{ year() }}

),

drawn as (

    select
        workforce.scenario_id,
        workforce.employee_id,
        workforce.employee_hire_date,
        workforce.level_id,
        scenarios.random_seed,
        {{ digest('raise', 'scenarios.random_seed') }} as raise_digest,
    from workforce
    inner join {{ ref('stg_scenarios') }} as scenarios on workforce.scenario_id = scenarios.scenario_id

),

months as (

    select
        drawn.*,
        make_date({{ year() }}, timing.month, 1) as first_of_month,
    from drawn
    inner join {{ ref('stg_raise_timing') }} as timing
        on
            drawn.scenario_id = timing.scenario_id
            and timing.lower_ppm <= floor({{ draw('raise_month') }} * 1000000)
            and timing.upper_ppm > floor({{ draw('raise_month') }} * 1000000)

),

dated as (

    select
        *,
        first_of_month + cast(
            floor({{ draw('raise_day') }} * day(last_day(first_of_month))) as integer
        ) as raise_date,
    from months

)

select
    dated.scenario_id,
    {{ year() }} as simulation_year,
    dated.employee_id,
    dated.raise_date,
    levels.merit_base_ppm + levels.cola_rate_ppm as raise_ppm,
    levels.merit_base_source,
    levels.cola_rate_source,
from dated
inner join levels on dated.scenario_id = levels.scenario_id and dated.level_id = levels.level_id
left join exits on dated.scenario_id = exits.scenario_id and dated.employee_id = exits.employee_id
where
    {{ has_full_year_of_service('dated.raise_date') }}
    and dated.raise_date < coalesce(exits.termination_date, make_date({{ year() }} + 1, 1, 1))

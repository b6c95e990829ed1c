{# What every other scenario sets otherwise than the first one: one row per parameter and pair of values. #}
with

compared_years as (

    {{ shared_years() }}

),

used as (

    select
        scenarios.member_number,
        effective.scenario_id,
        effective.parameter_name,
        effective.level_id,
        effective.simulation_year,
        effective.parameter_value,
    from {{ ref('int_effective_parameters') }} as effective
    inner join {{ ref('stg_scenarios') }} as scenarios on effective.scenario_id = scenarios.scenario_id
    inner join compared_years on effective.simulation_year = compared_years.simulation_year

),

wanted as (

    select distinct
        parameter_name,
        level_id,
        simulation_year,
    from used

),

paired as (

    select
        compared.scenario_id as to_scenario_id,
        compared.member_number,
        wanted.parameter_name,
        wanted.level_id,
        wanted.simulation_year,
        first_used.parameter_value as from_value,
        compared_used.parameter_value as to_value,
    from {{ ref('stg_scenarios') }} as compared
    cross join wanted
    left join used as first_used
        on
            first_used.member_number = 1
            and wanted.parameter_name = first_used.parameter_name
            and wanted.level_id is not distinct from first_used.level_id
            and wanted.simulation_year = first_used.simulation_year
    left join used as compared_used
        on
            compared.scenario_id = compared_used.scenario_id
            and wanted.parameter_name = compared_used.parameter_name
            and wanted.level_id is not distinct from compared_used.level_id
            and wanted.simulation_year = compared_used.simulation_year
    where compared.member_number > 1

)

select
    to_scenario_id,
    parameter_name,
    coalesce(list(distinct level_id order by level_id) filter (level_id is not null), []) as levels,
    list(distinct simulation_year order by simulation_year) as simulation_years,
    from_value,
    to_value,
from paired
where from_value is distinct from to_value
group by member_number, to_scenario_id, parameter_name, from_value, to_value
order by member_number, parameter_name, levels, simulation_years

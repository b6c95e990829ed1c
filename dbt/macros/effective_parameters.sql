{#
    The value in force of every parameter, by level, for every scenario and year of `years`, a query of scenario_id and
    simulation_year. The model takes the year being built, the analyses all years of a scenario.
#}
{% macro effective_parameters(years) -%}
with

scenario_years as (

    {{ years }}

),

levels as (

    select * from {{ ref('stg_job_levels') }}

),

layers as (

    select * from {{ ref('stg_parameter_layers') }}

),

hazards as (

    select
        scenario_id,
        max(parameter_value) filter (parameter_name = 'base_rate') as base_rate,
        max(parameter_value) filter (parameter_name = 'level_dampener_factor') as level_dampener_factor,
    from {{ ref('stg_hazards') }}
    where event_type = 'promotion'
    group by all

),

wanted as (

    select
        scenario_id,
        level_id,
        unnest(['merit_base', 'cola_rate', 'new_hire_salary_adjustment']) as parameter_name,
    from levels
    union all
    select
        scenario_id,
        level_id,
        unnest(['promotion_probability', 'promotion_raise']) as parameter_name,
    from levels
    where not is_top_level
    union all
    select
        scenario_id,
        null as level_id,
        unnest(['total_termination_rate', 'new_hire_termination_rate', 'target_growth_rate']) as parameter_name,
    from {{ ref('stg_scenarios') }}

),

-- the first layer that speaks wins
resolved as (

    select
        wanted.scenario_id,
        scenario_years.simulation_year,
        wanted.level_id,
        wanted.parameter_name,
        arg_min(layers.parameter_value, layers.layer) as given_value,
        arg_min(layers.parameter_source, layers.layer) as given_source,
        bool_or(layers.is_locked) as is_locked,
    from wanted
    inner join scenario_years on wanted.scenario_id = scenario_years.scenario_id
    left join layers
        on
            wanted.scenario_id = layers.scenario_id
            and wanted.parameter_name = layers.parameter_name
            and (layers.fiscal_year is null or scenario_years.simulation_year = layers.fiscal_year)
            and (layers.job_level is null or wanted.level_id = layers.job_level)
    group by all

),

-- a promotion probability that nobody gives comes from the hazard
completed as (

    select
        resolved.scenario_id,
        resolved.simulation_year,
        resolved.level_id,
        resolved.parameter_name,
        cast(coalesce(
            resolved.given_value,
            case
                when resolved.parameter_name = 'promotion_probability'
                    then hazards.base_rate * greatest(0, 1 - hazards.level_dampener_factor * (resolved.level_id - 1))
            end
        ) as decimal(9, 6)) as parameter_value,
        coalesce(resolved.given_source, 'hazard') as parameter_source,
        coalesce(resolved.is_locked, false) as is_locked,
    from resolved
    inner join hazards on resolved.scenario_id = hazards.scenario_id

)

select * from completed
{%- endmacro %}

{# Every year of every scenario. #}
{% macro all_years() -%}
    select
        scenario_id,
        unnest(range(start_year, end_year + 1)) as simulation_year,
    from {{ ref('stg_scenarios') }}
{%- endmacro %}

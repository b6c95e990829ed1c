{{ config(materialized='ephemeral') }}

with

parameters as (

    select * from {{ ref('int_effective_parameters') }}
    where simulation_year = {{ year() }} and level_id is not null

),

pivoted as (

    select
        scenario_id,
        level_id,
        {% for name in ['merit_base', 'cola_rate', 'promotion_raise', 'new_hire_salary_adjustment'] %}
        {{ ppm("max(parameter_value) filter (parameter_name = '" ~ name ~ "')") }} as {{ name }}_ppm,
        {% endfor %}
        max(parameter_value) filter (parameter_name = 'promotion_probability') as promotion_probability,
        {% for name in [
            'merit_base', 'cola_rate', 'promotion_probability', 'promotion_raise', 'new_hire_salary_adjustment'
        ] %}
        max(parameter_source) filter (parameter_name = '{{ name }}') as {{ name }}_source,
        {% endfor %}
    from parameters
    group by all

)

select
    pivoted.*,
    {{ cents('levels.min_compensation') }} as min_cents,
    {{ cents('levels.max_compensation') }} as max_cents,
    levels.is_top_level,
from pivoted
inner join {{ ref('stg_job_levels') }} as levels
    on pivoted.scenario_id = levels.scenario_id and pivoted.level_id = levels.level_id

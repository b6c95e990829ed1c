{{ config(materialized='ephemeral') }}

with

scenarios as (

    select * from {{ ref('stg_scenarios') }}

),

census as (

    select * from {{ ref('stg_census') }} where active

)

select
    scenarios.scenario_id,
    census.employee_id,
    census.employee_ssn,
    census.employee_birth_date,
    census.employee_hire_date,
    {{ cents('census.employee_gross_compensation') }} as compensation_cents,
    census.level_id,
    census.department,
    census.gender,
    census.location,
    census.scheduled_hours,
    false as is_attributes_drawn,
from census
inner join scenarios on scenarios.start_year = {{ year() }}
{% if has_last_year('fct_workforce_snapshot') %}
union all
select
    last_year.scenario_id,
    last_year.employee_id,
    last_year.employee_ssn,
    last_year.employee_birth_date,
    last_year.employee_hire_date,
    {{ cents('last_year.current_compensation') }} as compensation_cents,
    last_year.level_id,
    last_year.department,
    last_year.gender,
    last_year.location,
    last_year.scheduled_hours,
    last_year.is_attributes_drawn,
from {{ source('last_year', 'fct_workforce_snapshot') }} as last_year
inner join scenarios
    on last_year.scenario_id = scenarios.scenario_id and scenarios.start_year < {{ year() }}
where
    last_year.simulation_year = {{ year() }} - 1
    and last_year.employment_status = 'active'
{% endif %}

with

requirements as (

    select * from {{ ref('int_workforce_requirements') }} where simulation_year = {{ year() }}

),

balance as (

    select
        scenario_id,
        target_headcount as expected,
        opening_headcount - experienced_terminations - reductions + hires - new_hire_terminations as found,
    from requirements

),

people_to_leave as (

    select
        scenario_id,
        experienced_terminations + reductions as expected,
        least(experienced_terminations + reductions, opening_headcount) as found,
    from requirements

)

{{ checks_of('workforce_requirements', [
    equals('requirements_balance', 'error', 'balance', 'opening - exits + hires - new-hire exits = target'),
    equals('exits_within_headcount', 'error', 'people_to_leave', 'no more people leave than are here'),
]) }}

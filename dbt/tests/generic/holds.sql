{# A check holds where every scenario has it for this year and it passed: a check that is missing does not hold. #}
{% test holds(model, check_name) %}

with

scenarios as (

    select * from {{ ref('stg_scenarios') }}

),

checks as (

    select *
    from {{ model }}
    where simulation_year = {{ year() }} and check_name = '{{ check_name }}'

)

select
    scenarios.scenario_id,
    checks.expected,
    checks.found,
    checks.offender_sample,
from scenarios
left join checks on scenarios.scenario_id = checks.scenario_id
where not coalesce(checks.is_passed, false)

{% endtest %}

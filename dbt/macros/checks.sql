{#
    A check is one row per scenario and year: what was expected, what was found, and a sample of offenders.
    `no_offenders` counts rows that should not be there; `equals` compares two figures within a tolerance in percent.
#}
{% macro no_offenders(name, severity, offenders, description) -%}
    select
        scenarios.scenario_id,
        '{{ name }}' as check_name,
        '{{ severity }}' as severity,
        '{{ description }}' as description,
        '0' as expected,
        cast(count(offenders.employee_id) as varchar) as found,
        count(offenders.employee_id) as offender_count,
        coalesce(array_to_string(min(offenders.employee_id, 5), ', '), '') as offender_sample,
        count(offenders.employee_id) = 0 as is_passed,
    from {{ ref('stg_scenarios') }} as scenarios
    left join {{ offenders }} as offenders on scenarios.scenario_id = offenders.scenario_id
    group by all
{%- endmacro %}

{% macro equals(name, severity, figures, description, tolerance_percent=0) -%}
    select
        scenario_id,
        '{{ name }}' as check_name,
        '{{ severity }}' as severity,
        '{{ description }}' as description,
        cast(expected as varchar) as expected,
        cast(found as varchar) as found,
        cast(abs(found - expected) as bigint) as offender_count,
        '' as offender_sample,
        abs(found - expected) * 100 <= abs(expected) * {{ tolerance_percent }} as is_passed,
    from {{ figures }}
{%- endmacro %}

{% macro checks_of(step, checks) -%}
    select
        scenario_id,
        {{ year() }} as simulation_year,
        '{{ step }}' as step,
        * exclude (scenario_id),
    from (
        {% for check in checks %}
        {{ check }}
        {{ 'union all' if not loop.last }}
        {% endfor %}
    )
{%- endmacro %}

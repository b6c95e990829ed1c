with

scenarios as (

    select * from {{ ref('stg_scenarios') }}

),

workforce as (

    select * from {{ ref('int_baseline_workforce') }} where simulation_year = {{ year() }}

),

hires as (

    select * from {{ ref('int_hires') }} where simulation_year = {{ year() }}

),

pay_chain as (

    select * from {{ ref('int_pay_chain') }} where simulation_year = {{ year() }}

),

rate_sources as (

    select
        scenario_id,
        parameter_name,
        parameter_name || '=' || parameter_source as parameter_source,
    from {{ ref('int_effective_parameters') }}
    where simulation_year = {{ year() }} and level_id is null

),

-- who leaves is paid what the pay chain says is in force on the day
experienced_terminations as (

    select
        exits.scenario_id,
        exits.employee_id,
        'termination' as event_type,
        exits.termination_date as effective_date,
        exits.termination_reason as event_details,
        coalesce(pay_chain.closing_cents, workforce.compensation_cents) as compensation_cents,
        coalesce(pay_chain.closing_cents, workforce.compensation_cents) as previous_cents,
        coalesce(pay_chain.closing_level_id, workforce.level_id) as level_id,
        exits.event_probability,
        'experienced_termination' as event_category,
        1 as event_sequence,
        rate_sources.parameter_source,
    from {{ ref('int_experienced_terminations') }} as exits
    inner join workforce
        on exits.scenario_id = workforce.scenario_id and exits.employee_id = workforce.employee_id
    inner join rate_sources
        on exits.scenario_id = rate_sources.scenario_id and rate_sources.parameter_name = 'total_termination_rate'
    left join pay_chain
        on exits.scenario_id = pay_chain.scenario_id and exits.employee_id = pay_chain.employee_id
    where exits.simulation_year = {{ year() }}

),

hirings as (

    select
        scenario_id,
        employee_id,
        'hire' as event_type,
        employee_hire_date as effective_date,
        'level_' || level_id as event_details,
        compensation_cents,
        cast(null as bigint) as previous_cents,
        level_id,
        1 as event_probability,
        'hiring' as event_category,
        2 as event_sequence,
        'new_hire_salary_adjustment=' || parameter_source as parameter_source,
    from hires

),

new_hire_terminations as (

    select
        exits.scenario_id,
        exits.employee_id,
        'termination' as event_type,
        exits.termination_date as effective_date,
        'new_hire' as event_details,
        hires.compensation_cents,
        hires.compensation_cents as previous_cents,
        hires.level_id,
        exits.event_probability,
        'new_hire_termination' as event_category,
        3 as event_sequence,
        rate_sources.parameter_source,
    from {{ ref('int_new_hire_terminations') }} as exits
    inner join hires on exits.scenario_id = hires.scenario_id and exits.employee_id = hires.employee_id
    inner join rate_sources
        on exits.scenario_id = rate_sources.scenario_id and rate_sources.parameter_name = 'new_hire_termination_rate'
    where exits.simulation_year = {{ year() }}

),

merit_raises as (

    select
        raises.scenario_id,
        raises.employee_id,
        'raise' as event_type,
        raises.raise_date as effective_date,
        printf('merit_and_cola_%d.%06d', raises.raise_ppm // 1000000, raises.raise_ppm % 1000000) as event_details,
        pay_chain.raise_cents as compensation_cents,
        pay_chain.raise_previous_cents as previous_cents,
        pay_chain.raise_level_id as level_id,
        1 as event_probability,
        'merit_raise' as event_category,
        4 as event_sequence,
        'merit_base=' || raises.merit_base_source || ', cola_rate=' || raises.cola_rate_source as parameter_source,
    from {{ ref('int_raises') }} as raises
    inner join pay_chain
        on raises.scenario_id = pay_chain.scenario_id and raises.employee_id = pay_chain.employee_id
    where raises.simulation_year = {{ year() }}

),

promotions as (

    select
        promoted.scenario_id,
        promoted.employee_id,
        'promotion' as event_type,
        promoted.promotion_date as effective_date,
        'level_' || promoted.from_level_id || '_to_' || promoted.to_level_id as event_details,
        pay_chain.promotion_cents as compensation_cents,
        pay_chain.promotion_previous_cents as previous_cents,
        promoted.from_level_id as level_id,
        promoted.event_probability,
        'promotion' as event_category,
        5 as event_sequence,
        'promotion_probability=' || promoted.promotion_probability_source
        || ', promotion_raise=' || promoted.promotion_raise_source as parameter_source,
    from {{ ref('int_promotions') }} as promoted
    inner join pay_chain
        on promoted.scenario_id = pay_chain.scenario_id and promoted.employee_id = pay_chain.employee_id
    where promoted.simulation_year = {{ year() }}

),

people as (

    select scenario_id, employee_id, employee_ssn, current_age, current_tenure, age_band, tenure_band,
    from workforce
    union all
    select
        scenario_id,
        employee_id,
        employee_ssn,
        age as current_age,
        0 as current_tenure,
        {{ age_band('age') }} as age_band,
        {{ tenure_band('0') }} as tenure_band,
    from hires

),

events as (

    {% for events in [
        'experienced_terminations', 'hirings', 'new_hire_terminations', 'merit_raises', 'promotions'
    ] %}
    select * from {{ events }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

)

select
    events.employee_id,
    people.employee_ssn,
    events.event_type,
    {{ year() }} as simulation_year,
    events.effective_date,
    events.event_details,
    {{ money('events.compensation_cents') }} as compensation_amount,
    {{ money('events.previous_cents') }} as previous_compensation,
    people.current_age as employee_age,
    people.current_tenure as employee_tenure,
    events.level_id,
    people.age_band,
    people.tenure_band,
    cast(events.event_probability as decimal(9, 6)) as event_probability,
    events.event_category,
    events.event_sequence,
    {{ started_at() }} as created_at,
    scenarios.scenario_name as parameter_scenario_id,
    events.parameter_source,
    case
        when coalesce(events.employee_id, '') = '' then 'INVALID_EMPLOYEE_ID'
        when {{ year() }} not between scenarios.start_year and scenarios.end_year then 'INVALID_SIMULATION_YEAR'
        when events.effective_date is null or year(events.effective_date) != {{ year() }}
            then 'INVALID_EFFECTIVE_DATE'
        when coalesce(events.compensation_cents, 0) <= 0 then 'INVALID_COMPENSATION'
        else 'VALID'
    end as data_quality_flag,
    md5(concat_ws('|', {{ year() }}, events.employee_id, events.event_sequence)) as event_id,
    events.scenario_id,
from events
inner join scenarios on events.scenario_id = scenarios.scenario_id
left join people on events.scenario_id = people.scenario_id and events.employee_id = people.employee_id

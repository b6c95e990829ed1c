with

workforce as (

    select * from {{ ref('int_baseline_workforce') }} where simulation_year = {{ year() }}

),

hand_off as (

    select * from {{ ref('int_hand_off') }}

),

not_matched as (

    select distinct
        coalesce(workforce.scenario_id, hand_off.scenario_id) as scenario_id,
        coalesce(workforce.employee_id, hand_off.employee_id) as employee_id,
    from workforce
    full join hand_off
        on
            workforce.scenario_id = hand_off.scenario_id
            and workforce.employee_id = hand_off.employee_id
            and workforce.compensation_cents = hand_off.compensation_cents
            and workforce.level_id = coalesce(hand_off.level_id, workforce.level_id)
    where workforce.employee_id is null or hand_off.employee_id is null

),

repeated as (

    select scenario_id, employee_id,
    from workforce
    group by all
    having count(*) > 1

),

-- the census only: later on, raises carry people over their range
outside_range as (

    select workforce.scenario_id, workforce.employee_id,
    from workforce
    inner join {{ ref('stg_scenarios') }} as scenarios
        on workforce.scenario_id = scenarios.scenario_id and scenarios.start_year = {{ year() }}
    inner join {{ ref('stg_job_levels') }} as levels
        on workforce.scenario_id = levels.scenario_id and workforce.level_id = levels.level_id
    where
        workforce.compensation_cents
        not between {{ cents('levels.min_compensation') }} and {{ cents('levels.max_compensation') }}

)

{{ checks_of('workforce_baseline', [
    no_offenders('opening_equals_last_closing', 'error', 'not_matched',
        'opening is the last closing, person by person'),
    no_offenders('opening_unique', 'error', 'repeated', 'one row per person'),
    no_offenders('census_pay_in_level_range', 'warning', 'outside_range',
        'pay in the census lies in the range of its level'),
]) }}

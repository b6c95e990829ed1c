with

workforce as (

    select * from {{ ref('int_baseline_workforce') }} where simulation_year = {{ year() }}

),

events as (

    select * from {{ ref('fct_yearly_events') }} where simulation_year = {{ year() }}

),

snapshot as (

    select * from {{ ref('fct_workforce_snapshot') }} where simulation_year = {{ year() }}

),

headcounts as (

    select
        requirements.scenario_id,
        requirements.target_headcount,
        requirements.opening_headcount
        + (
            select count(*) from events
            where events.scenario_id = requirements.scenario_id and events.event_type = 'hire'
        )
        - (
            select count(*) from events
            where events.scenario_id = requirements.scenario_id and events.event_type = 'termination'
        ) as opening_hires_exits,
        (
            select count(*) from snapshot
            where snapshot.scenario_id = requirements.scenario_id and snapshot.employment_status = 'active'
        ) as closing_headcount,
    from {{ ref('int_workforce_requirements') }} as requirements
    where requirements.simulation_year = {{ year() }}

),

reconciled as (

    select scenario_id, opening_hires_exits as expected, closing_headcount as found, from headcounts

),

targeted as (

    select scenario_id, target_headcount as expected, closing_headcount as found, from headcounts

),

last_events as (

    select
        scenario_id,
        employee_id,
        arg_max(compensation_amount, (effective_date, event_sequence)) as compensation_amount,
        max(event_type = 'termination') as has_left,
        max(case when event_type = 'promotion' then try_cast(split_part(event_details, '_to_', 2) as integer) end)
            as promoted_level_id,
        max(level_id) filter (event_type = 'hire') as hired_level_id,
    from events
    group by all

),

employed as (

    select scenario_id, employee_id, compensation_cents, level_id, from workforce
    union all
    select scenario_id, employee_id, null as compensation_cents, null as level_id,
    from events
    where event_type = 'hire'

),

replayed as (

    select
        employed.scenario_id,
        employed.employee_id,
        coalesce(last_events.compensation_amount, {{ money('employed.compensation_cents') }}) as compensation,
        case when coalesce(last_events.has_left, false) then 'terminated' else 'active' end as employment_status,
        coalesce(last_events.promoted_level_id, last_events.hired_level_id, employed.level_id) as level_id,
    from employed
    left join last_events
        on employed.scenario_id = last_events.scenario_id and employed.employee_id = last_events.employee_id

),

differing as (

    select distinct
        coalesce(snapshot.scenario_id, replayed.scenario_id) as scenario_id,
        coalesce(snapshot.employee_id, replayed.employee_id) as employee_id,
    from snapshot
    full join replayed
        on
            snapshot.scenario_id = replayed.scenario_id
            and snapshot.employee_id = replayed.employee_id
            and snapshot.current_compensation = replayed.compensation
            and snapshot.employment_status = replayed.employment_status
            and snapshot.level_id = replayed.level_id
    where snapshot.employee_id is null or replayed.employee_id is null

),

repeated as (

    select scenario_id, employee_id,
    from snapshot
    group by all
    having count(*) > 1

)

{{ checks_of('workforce_snapshot', [
    equals('reconciliation', 'error', 'reconciled', 'opening + hires - exits = closing'),
    equals('closing_meets_target', 'error', 'targeted', 'closing headcount is the target'),
    no_offenders('events_replay_to_snapshot', 'error', 'differing',
        'pay, level and status are what the last event says'),
    no_offenders('snapshot_unique', 'error', 'repeated', 'one row per person'),
]) }}

with

events as (

    select * from {{ ref('fct_yearly_events') }} where simulation_year = {{ year() }}

),

scenarios as (

    select * from {{ ref('stg_scenarios') }}

),

counts as (

    select
        requirements.scenario_id,
        requirements.experienced_terminations + requirements.reductions as experienced_termination_required,
        requirements.hires as hiring_required,
        requirements.new_hire_terminations as new_hire_termination_required,
        {% for category in ['experienced_termination', 'hiring', 'new_hire_termination'] %}
        count(events.employee_id) filter (events.event_category = '{{ category }}') as {{ category }}_found,
        {% endfor %}
    from {{ ref('int_workforce_requirements') }} as requirements
    left join events on requirements.scenario_id = events.scenario_id
    where requirements.simulation_year = {{ year() }}
    group by all

),

{% for category in ['experienced_termination', 'hiring', 'new_hire_termination'] %}
{{ category }}_counts as (

    select
        counts.scenario_id,
        counts.{{ category }}_required as expected,
        counts.{{ category }}_found as found,
        scenarios.tolerance_percent,
    from counts
    inner join scenarios on counts.scenario_id = scenarios.scenario_id

),

{% endfor %}

in_order as (

    select
        events.*,
        lag(compensation_amount) over person as pay_in_force,
        lag(event_type) over person as event_before,
    from events
    window person as (
        partition by events.scenario_id, events.employee_id
        order by events.effective_date, events.event_sequence
    )

),

after_leaving as (

    select scenario_id, employee_id, from in_order where event_before = 'termination'

),

leaving_twice as (

    select scenario_id, employee_id,
    from events
    where event_type = 'termination'
    group by all
    having count(*) > 1

),

mispriced as (

    select in_order.scenario_id, in_order.employee_id,
    from in_order
    left join {{ ref('int_baseline_workforce') }} as workforce
        on
            in_order.scenario_id = workforce.scenario_id
            and in_order.employee_id = workforce.employee_id
            and workforce.simulation_year = {{ year() }}
    where
        in_order.previous_compensation
        is distinct from coalesce(in_order.pay_in_force, {{ money('workforce.compensation_cents') }})

),

hasty as (

    select exits.scenario_id, exits.employee_id,
    from events as exits
    inner join events as hires
        on exits.scenario_id = hires.scenario_id and exits.employee_id = hires.employee_id
    where
        exits.event_category = 'new_hire_termination'
        and hires.event_category = 'hiring'
        and exits.effective_date <= hires.effective_date

),

invalid as (

    select scenario_id, employee_id,
    from events
    where data_quality_flag != 'VALID'

),

repeated as (

    select scenario_id, min(employee_id) as employee_id,
    from events
    group by scenario_id, event_id
    having count(*) > 1

),

over_range as (

    select events.scenario_id, events.employee_id,
    from events
    inner join {{ ref('stg_job_levels') }} as levels
        on events.scenario_id = levels.scenario_id and events.level_id = levels.level_id
    where events.event_category = 'hiring' and events.compensation_amount > levels.max_compensation

)

{{ checks_of('event_generation', [
    equals('experienced_terminations_as_required', 'error', 'experienced_termination_counts',
        'exits meet the requirement', 'tolerance_percent'),
    equals('hires_as_required', 'error', 'hiring_counts', 'hires meet the requirement', 'tolerance_percent'),
    equals('new_hire_terminations_as_required', 'error', 'new_hire_termination_counts',
        'exits of new hires meet the requirement', 'tolerance_percent'),
    no_offenders('no_event_after_leaving', 'error', 'after_leaving', 'nobody has an event after leaving'),
    no_offenders('nobody_leaves_twice', 'error', 'leaving_twice', 'nobody leaves twice'),
    no_offenders('new_hires_leave_after_hire', 'error', 'hasty', 'a new hire leaves after the hire date'),
    no_offenders('pay_chain', 'error', 'mispriced', 'previous pay is the pay in force just before the event'),
    no_offenders('events_valid', 'error', 'invalid',
        'every event is VALID: an id, a simulated year, a date in it, pay'),
    no_offenders('event_ids_unique', 'error', 'repeated', 'an event id occurs once'),
    no_offenders('hire_pay_in_level_range', 'warning', 'over_range',
        'a hire is not paid over the range of the level'),
]) }}

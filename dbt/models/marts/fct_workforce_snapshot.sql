with

hires as (

    select
        hires.*,
        attributes.department,
        attributes.gender,
        attributes.location,
        attributes.scheduled_hours,
    from {{ ref('int_hires') }} as hires
    left join {{ ref('int_hire_attributes') }} as attributes
        on
            hires.scenario_id = attributes.scenario_id
            and hires.simulation_year = attributes.simulation_year
            and hires.employee_id = attributes.employee_id
    where hires.simulation_year = {{ year() }}

),

people as (

    select
        scenario_id,
        employee_id,
        employee_ssn,
        employee_birth_date,
        employee_hire_date,
        compensation_cents as opening_cents,
        level_id,
        department,
        gender,
        location,
        scheduled_hours,
        is_attributes_drawn,
        false as is_new_hire,
    from {{ ref('int_baseline_workforce') }}
    where simulation_year = {{ year() }}
    union all
    select
        scenario_id,
        employee_id,
        employee_ssn,
        employee_birth_date,
        employee_hire_date,
        0 as opening_cents,
        level_id,
        department,
        gender,
        location,
        scheduled_hours,
        true as is_attributes_drawn,
        true as is_new_hire,
    from hires

),

-- what each event adds to the pay in force, and for how many days until the year ends
changes as (

    select
        scenario_id,
        employee_id,
        event_type,
        effective_date,
        event_details,
        {{ cents('compensation_amount') }} - coalesce({{ cents('previous_compensation') }}, 0) as added_cents,
        date_diff('day', effective_date, {{ last_day() }}) as days_after,
    from {{ ref('fct_yearly_events') }}
    where simulation_year = {{ year() }}

),

replayed as (

    select
        scenario_id,
        employee_id,
        cast(sum(added_cents) as bigint) as added_cents,
        cast(sum(added_cents * (days_after + 1)) as bigint) as added_cent_days,
        count(*) filter (event_type = 'promotion') as levels_gained,
        max(effective_date) filter (event_type = 'termination') as termination_date,
        max(event_details) filter (event_type = 'termination') as termination_reason,
        coalesce(max(days_after) filter (event_type = 'termination'), 0) as unpaid_days,
    from changes
    group by all

),

applied as (

    select
        people.*,
        replayed.termination_date,
        replayed.termination_reason,
        coalesce(replayed.levels_gained, 0) as levels_gained,
        people.opening_cents + coalesce(replayed.added_cents, 0) as closing_cents,
        people.opening_cents * {{ days_in_year() }} + coalesce(replayed.added_cent_days, 0)
        - closing_cents * coalesce(replayed.unpaid_days, 0) as paid_cent_days,
        coalesce(replayed.termination_date, {{ last_day() }}) as last_day_employed,
        cast(date_sub('year', people.employee_birth_date, last_day_employed) as integer) as current_age,
        cast(date_sub('year', people.employee_hire_date, last_day_employed) as integer) as current_tenure,
    from people
    left join replayed
        on people.scenario_id = replayed.scenario_id and people.employee_id = replayed.employee_id

)

select
    employee_id,
    employee_ssn,
    employee_birth_date,
    employee_hire_date,
    {{ money('closing_cents') }} as current_compensation,
    {{ money('(2 * paid_cent_days + ' ~ days_in_year() ~ ') // (2 * ' ~ days_in_year() ~ ')') }}
        as prorated_annual_compensation,
    {{ money('closing_cents') }} as full_year_equivalent_compensation,
    current_age,
    current_tenure,
    cast(level_id + levels_gained as integer) as level_id,
    {{ age_band('current_age') }} as age_band,
    {{ tenure_band('current_tenure') }} as tenure_band,
    case when termination_date is null then 'active' else 'terminated' end as employment_status,
    termination_date,
    termination_reason,
    case
        when is_new_hire and termination_date is null then 'new_hire_active'
        when is_new_hire then 'new_hire_termination'
        when termination_date is null then 'continuous_active'
        else 'experienced_termination'
    end as detailed_status_code,
    department,
    gender,
    location,
    scheduled_hours,
    is_attributes_drawn,
    {{ year() }} as simulation_year,
    scenario_id,
    {{ started_at() }} as snapshot_created_at,
from applied

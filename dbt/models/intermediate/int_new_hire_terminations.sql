with

hires as (

    select
        *,
        date_diff('day', employee_hire_date, {{ last_day() }}) as days_left,
    from {{ ref('int_hires') }}
    where simulation_year = {{ year() }}

),

requirements as (

    select
        scenario_id,
        new_hire_terminations as required,
    from {{ ref('int_workforce_requirements') }}
    where simulation_year = {{ year() }}

),

-- the 90 days shorten to the largest number at which enough hires can leave inside the year
ordered as (

    select
        hires.*,
        requirements.required,
        row_number() over (
            partition by hires.scenario_id order by hires.days_left desc, hires.employee_id asc
        ) as place,
    from hires
    inner join requirements on hires.scenario_id = requirements.scenario_id

),

waits as (

    select
        scenario_id,
        least(90, min(days_left)) as minimum_days,
    from ordered
    where place <= required
    group by all

),

candidates as (

    select
        ordered.scenario_id,
        ordered.employee_id,
        ordered.employee_hire_date,
        ordered.days_left,
        ordered.required,
        waits.minimum_days,
        {{ digest('new_hire_termination', 'scenarios.random_seed') }} as new_hire_termination_digest,
        count(*) over (partition by ordered.scenario_id) as candidate_count,
    from ordered
    inner join waits on ordered.scenario_id = waits.scenario_id
    inner join {{ ref('stg_scenarios') }} as scenarios on ordered.scenario_id = scenarios.scenario_id
    where ordered.days_left >= waits.minimum_days

),

chosen as (

    select
        *,
        {{ draw('new_hire_termination_date') }} as chance,
    from candidates
    qualify row_number() over (
        partition by scenario_id order by {{ draw('new_hire_termination') }}, employee_id
    ) <= required

)

select
    scenario_id,
    {{ year() }} as simulation_year,
    employee_id,
    employee_hire_date + cast(
        minimum_days + floor(chance * (least(275, days_left) - minimum_days + 1)) as integer
    ) as termination_date,
    minimum_days,
    cast(required / candidate_count as decimal(9, 6)) as event_probability,
from chosen

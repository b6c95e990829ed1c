with

hand_off as (

    select * from {{ ref('int_hand_off') }}

),

-- a level that the census does not give is read from pay, once
levels_by_pay as (

    select
        scenario_id,
        level_id,
        case when level_id = 1 then 0 else {{ cents('min_compensation') }} end as from_cents,
        lead({{ cents('min_compensation') }}, 1, 9223372036854775807)
            over (partition by scenario_id order by level_id) as to_cents,
    from {{ ref('stg_job_levels') }}

),

levelled as (

    select
        hand_off.* exclude (level_id),
        coalesce(hand_off.level_id, levels_by_pay.level_id) as level_id,
        cast(date_sub('year', hand_off.employee_birth_date, {{ opening_day() }}) as integer) as current_age,
        cast(date_sub('year', hand_off.employee_hire_date, {{ opening_day() }}) as integer) as current_tenure,
    from hand_off
    inner join levels_by_pay
        on
            hand_off.scenario_id = levels_by_pay.scenario_id
            and hand_off.compensation_cents >= levels_by_pay.from_cents
            and hand_off.compensation_cents < levels_by_pay.to_cents

)

select
    scenario_id,
    {{ year() }} as simulation_year,
    * exclude (scenario_id),
    {{ age_band('current_age') }} as age_band,
    {{ tenure_band('current_tenure') }} as tenure_band,
from levelled

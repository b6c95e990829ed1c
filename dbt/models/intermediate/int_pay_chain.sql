with

workforce as (

    select * from {{ ref('int_baseline_workforce') }} where simulation_year = {{ year() }}

),

raises as (

    select * from {{ ref('int_raises') }} where simulation_year = {{ year() }}

),

promotions as (

    select * from {{ ref('int_promotions') }} where simulation_year = {{ year() }}

),

-- the later of a raise and a promotion builds on the earlier; on one day the raise comes first
changes as (

    select
        workforce.scenario_id,
        workforce.employee_id,
        workforce.compensation_cents as opening_cents,
        workforce.level_id as opening_level_id,
        raises.raise_date,
        raises.raise_ppm,
        promotions.promotion_date,
        promotions.promotion_raise_ppm,
        promotions.next_min_cents,
        coalesce(raises.raise_date <= promotions.promotion_date, true) as is_raise_first,
    from workforce
    left join raises
        on workforce.scenario_id = raises.scenario_id and workforce.employee_id = raises.employee_id
    left join promotions
        on workforce.scenario_id = promotions.scenario_id and workforce.employee_id = promotions.employee_id
    where raises.raise_date is not null or promotions.promotion_date is not null

),

first_changes as (

    select
        *,
        case
            when is_raise_first
                then coalesce({{ raised('opening_cents', 'raise_ppm') }}, opening_cents)
            else greatest({{ raised('opening_cents', 'promotion_raise_ppm') }}, next_min_cents)
        end as cents_after_first,
    from changes

),

both_changes as (

    select
        *,
        case
            when is_raise_first and promotion_date is not null
                then greatest({{ raised('cents_after_first', 'promotion_raise_ppm') }}, next_min_cents)
            when not is_raise_first
                then {{ raised('cents_after_first', 'raise_ppm') }}
            else cents_after_first
        end as closing_cents,
    from first_changes

)

select
    scenario_id,
    {{ year() }} as simulation_year,
    employee_id,
    raise_date,
    case when is_raise_first then opening_cents else cents_after_first end as raise_previous_cents,
    case when is_raise_first then cents_after_first else closing_cents end as raise_cents,
    opening_level_id + cast(not is_raise_first as integer) as raise_level_id,
    promotion_date,
    case when is_raise_first then cents_after_first else opening_cents end as promotion_previous_cents,
    case when is_raise_first then closing_cents else cents_after_first end as promotion_cents,
    closing_cents,
    opening_level_id + cast(promotion_date is not null as integer) as closing_level_id,
from both_changes

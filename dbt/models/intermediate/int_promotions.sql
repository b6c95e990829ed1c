with

workforce as (

    select *
    from {{ ref('int_baseline_workforce') }}
    where simulation_year = {{ year() }} and current_age < 65

),

levels as (

    select * from {{ ref('int_level_parameters') }}

),

multipliers as (

    select * from {{ ref('stg_hazard_multipliers') }} where event_type = 'promotion'

),

exits as (

    select * from {{ ref('int_experienced_terminations') }} where simulation_year = {{ year() }}

),

hazards as (

    select
        workforce.scenario_id,
        workforce.employee_id,
        workforce.employee_hire_date,
        workforce.level_id,
        next_levels.min_cents as next_min_cents,
        levels.promotion_raise_ppm,
        levels.promotion_probability_source,
        levels.promotion_raise_source,
        cast(
            least(1, greatest(0, levels.promotion_probability * ages.multiplier * tenures.multiplier))
            as decimal(9, 6)
        ) as event_probability,
        {{ digest('promotion', 'scenarios.random_seed') }} as promotion_digest,
    from workforce
    inner join {{ ref('stg_scenarios') }} as scenarios on workforce.scenario_id = scenarios.scenario_id
    inner join levels
        on workforce.scenario_id = levels.scenario_id and workforce.level_id = levels.level_id
    inner join levels as next_levels
        on workforce.scenario_id = next_levels.scenario_id and workforce.level_id + 1 = next_levels.level_id
    inner join multipliers as ages
        on
            workforce.scenario_id = ages.scenario_id
            and workforce.age_band = ages.band
            and ages.dimension = 'age'
    inner join multipliers as tenures
        on
            workforce.scenario_id = tenures.scenario_id
            and workforce.tenure_band = tenures.band
            and tenures.dimension = 'tenure'

),

drawn as (

    select
        *,
        {{ day_of_year('promotion_date') }} as promotion_date,
    from hazards
    where {{ draw('promotion') }} < cast(event_probability as double)

)

select
    drawn.scenario_id,
    {{ year() }} as simulation_year,
    drawn.employee_id,
    drawn.promotion_date,
    drawn.level_id as from_level_id,
    drawn.level_id + 1 as to_level_id,
    drawn.next_min_cents,
    drawn.promotion_raise_ppm,
    drawn.event_probability,
    drawn.promotion_probability_source,
    drawn.promotion_raise_source,
from drawn
left join exits on drawn.scenario_id = exits.scenario_id and drawn.employee_id = exits.employee_id
where
    {{ has_full_year_of_service('drawn.promotion_date') }}
    and drawn.promotion_date < coalesce(exits.termination_date, make_date({{ year() }} + 1, 1, 1))

with

workforce as (

    select * from {{ ref('int_baseline_workforce') }} where simulation_year = {{ year() }}

),

requirements as (

    select
        scenario_id,
        experienced_terminations,
        experienced_terminations + reductions as required,
    from {{ ref('int_workforce_requirements') }}
    where simulation_year = {{ year() }}

),

discounts as (

    select
        scenario_id,
        max(parameter_value) filter (parameter_name = 'level_discount_factor') as level_discount_factor,
        max(parameter_value) filter (parameter_name = 'min_level_discount_multiplier') as min_multiplier,
    from {{ ref('stg_hazards') }}
    where event_type = 'termination'
    group by all

),

multipliers as (

    select * from {{ ref('stg_hazard_multipliers') }} where event_type = 'termination'

),

weights as (

    select
        discounts.scenario_id,
        levels.level_id,
        ages.band as age_band,
        tenures.band as tenure_band,
        cast(
            greatest(discounts.min_multiplier, 1 - discounts.level_discount_factor * (levels.level_id - 1))
            * ages.multiplier * tenures.multiplier
            as decimal(18, 9)
        ) as weight,
    from discounts
    inner join {{ ref('stg_job_levels') }} as levels on discounts.scenario_id = levels.scenario_id
    inner join multipliers as ages
        on discounts.scenario_id = ages.scenario_id and ages.dimension = 'age'
    inner join multipliers as tenures
        on discounts.scenario_id = tenures.scenario_id and tenures.dimension = 'tenure'

),

weighted as (

    select
        workforce.scenario_id,
        workforce.employee_id,
        workforce.current_age,
        weights.weight,
        {{ digest('termination', 'scenarios.random_seed') }} as termination_digest,
    from workforce
    inner join {{ ref('stg_scenarios') }} as scenarios on workforce.scenario_id = scenarios.scenario_id
    inner join weights
        on
            workforce.scenario_id = weights.scenario_id
            and workforce.level_id = weights.level_id
            and workforce.age_band = weights.age_band
            and workforce.tenure_band = weights.tenure_band

),

totals as (

    select
        scenario_id,
        sum(weight) as total_weight,
        count(*) as headcount,
    from weighted
    group by all

),

-- the smallest exponential keys are a weighted sample without replacement; who weighs nothing comes last
ranked as (

    select
        weighted.scenario_id,
        weighted.employee_id,
        weighted.current_age,
        {{ day_of_year('termination_date') }} as termination_date,
        requirements.experienced_terminations,
        requirements.required,
        least(1, coalesce(
            requirements.required * cast(weighted.weight as double) / nullif(totals.total_weight, 0),
            requirements.required / totals.headcount
        )) as probability,
        row_number() over (
            partition by weighted.scenario_id
            order by
                weighted.weight = 0,
                round(-ln({{ draw('termination') }}) / coalesce(nullif(cast(weighted.weight as double), 0), 1), 12),
                weighted.employee_id
        ) as termination_rank,
    from weighted
    inner join requirements on weighted.scenario_id = requirements.scenario_id
    inner join totals on weighted.scenario_id = totals.scenario_id

)

select
    scenario_id,
    {{ year() }} as simulation_year,
    employee_id,
    termination_date,
    case
        when termination_rank > experienced_terminations then 'reduction'
        when current_age >= 65 then 'retirement'
        else 'voluntary'
    end as termination_reason,
    cast(probability as decimal(9, 6)) as event_probability,
from ranked
where termination_rank <= required

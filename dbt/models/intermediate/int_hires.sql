with

scenarios as (

    select * from {{ ref('stg_scenarios') }}

),

requirements as (

    select * from {{ ref('int_workforce_requirements') }} where simulation_year = {{ year() }}

),

levels as (

    select * from {{ ref('int_level_parameters') }}

),

-- largest remainder
quotas as (

    select
        requirements.scenario_id,
        mix.level_id,
        mix.share_ppm,
        requirements.hires,
        requirements.hires * mix.share_ppm // 1000000 as whole_seats,
        requirements.hires * mix.share_ppm % 1000000 as remainder,
    from requirements
    inner join {{ ref('stg_hire_levels') }} as mix on requirements.scenario_id = mix.scenario_id

),

apportioned as (

    select
        scenario_id,
        level_id,
        share_ppm,
        whole_seats + cast(
            row_number() over (partition by scenario_id order by remainder desc, level_id asc)
            <= hires - sum(whole_seats) over (partition by scenario_id) as bigint
        ) as seats,
    from quotas

),

seated as (

    select
        scenario_id,
        level_id,
        share_ppm,
        unnest(range(1, seats + 1)) as seat,
    from apportioned

),

-- levels alternate in proportion, so that a number keeps its level when the count of hires changes
numbered as (

    select
        scenario_id,
        level_id,
        row_number() over (
            partition by scenario_id order by cast(2 * seat - 1 as double) / share_ppm, level_id
        ) as hire_number,
    from seated

),

identified as (

    select
        numbered.scenario_id,
        numbered.level_id,
        numbered.hire_number,
        printf('NH_%d_%06d', {{ year() }}, numbered.hire_number) as employee_id,
        scenarios.random_seed,
        scenarios.mask_ssn,
        scenarios.compensation_variance,
        100000000 // (scenarios.end_year - scenarios.start_year + 1) as numbers_a_year,
        {{ year() }} - scenarios.start_year as years_before,
        {{ digest('hire', 'scenarios.random_seed') }} as hire_digest,
    from numbered
    inner join scenarios on numbered.scenario_id = scenarios.scenario_id

),

-- never issued, unique over the years of a run
drawn as (

    select
        *,
        case
            when hire_number > numbers_a_year then error('more hires in a year than numbers from 900 to 999')
            else printf('%09d', 900000000 + years_before * numbers_a_year + hire_number - 1)
        end as ssn_digits,
        {{ day_of_year('hire_date', spared=1) }} as employee_hire_date,
        cast(floor({{ draw('hire_age') }} * 1000000) as bigint) as age_ppm,
        cast(floor({{ draw('hire_birth_date') }} * 365) as integer) as days_since_birthday,
        cast(round(
            (2 * {{ draw('hire_compensation') }} - 1) * {{ ppm('compensation_variance') }}
        ) as bigint) as variance_ppm,
    from identified

),

priced as (

    select
        drawn.*,
        ages.age,
        levels.new_hire_salary_adjustment_source as parameter_source,
        greatest(
            levels.min_cents,
            cast((
                cast(levels.min_cents + levels.max_cents as hugeint)
                * levels.new_hire_salary_adjustment_ppm * (1000000 + drawn.variance_ppm)
                + 1000000000000
            ) // 2000000000000 as bigint)
        ) as compensation_cents,
    from drawn
    inner join {{ ref('stg_hire_ages') }} as ages
        on
            drawn.scenario_id = ages.scenario_id
            and drawn.age_ppm >= ages.lower_ppm
            and drawn.age_ppm < ages.upper_ppm
    inner join levels on drawn.scenario_id = levels.scenario_id and drawn.level_id = levels.level_id

)

select
    scenario_id,
    {{ year() }} as simulation_year,
    employee_id,
    case
        when mask_ssn then 'XXX-XX-' || right(ssn_digits, 4)
        else ssn_digits[1:3] || '-' || ssn_digits[4:5] || '-' || ssn_digits[6:9]
    end as employee_ssn,
    cast(employee_hire_date - to_years(age) as date) - days_since_birthday as employee_birth_date,
    employee_hire_date,
    age,
    level_id,
    compensation_cents,
    parameter_source,
from priced

with

hires as (

    select * from {{ ref('int_hires') }} where simulation_year = {{ year() }}

),

workforce as (

    select * from {{ ref('int_baseline_workforce') }} where simulation_year = {{ year() }}

),

-- the opening mix of each level, and of all levels together for a level that is empty
counted as (

    {% for attribute in ['department', 'gender', 'location', 'scheduled_hours'] %}
    select
        scenario_id,
        level_id,
        '{{ attribute }}' as attribute,
        cast({{ attribute }} as varchar) as attribute_value,
        count(*) as headcount,
    from workforce
    group by grouping sets ((scenario_id, level_id, {{ attribute }}), (scenario_id, {{ attribute }}))
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

mixes as (

    select
        *,
        cast(sum(headcount) over (
            partition by scenario_id, level_id, attribute order by attribute_value nulls last
        ) as bigint) as upper_count,
        cast(sum(headcount) over (partition by scenario_id, level_id, attribute) as bigint) as total_count,
    from counted

),

drawn as (

    select
        hires.scenario_id,
        hires.employee_id,
        hires.level_id,
        {{ digest('hire_attributes', 'scenarios.random_seed') }} as hire_attributes_digest,
        hires.level_id in (
            select mixes.level_id from mixes where mixes.scenario_id = hires.scenario_id
        ) as has_level_mix,
    from hires
    inner join {{ ref('stg_scenarios') }} as scenarios on hires.scenario_id = scenarios.scenario_id

),

chances as (

    {% for attribute in ['department', 'gender', 'location', 'scheduled_hours'] %}
    select
        scenario_id,
        employee_id,
        case when has_level_mix then level_id end as mix_level_id,
        '{{ attribute }}' as attribute,
        {{ draw(attribute) }} as chance,
    from drawn
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

chosen as (

    select
        chances.scenario_id,
        chances.employee_id,
        chances.attribute,
        mixes.attribute_value,
    from chances
    inner join mixes
        on
            chances.scenario_id = mixes.scenario_id
            and chances.attribute = mixes.attribute
            and chances.mix_level_id is not distinct from mixes.level_id
            and floor(chances.chance * mixes.total_count) < mixes.upper_count
            and floor(chances.chance * mixes.total_count) >= mixes.upper_count - mixes.headcount

)

select
    scenario_id,
    {{ year() }} as simulation_year,
    employee_id,
    max(attribute_value) filter (attribute = 'department') as department,
    max(attribute_value) filter (attribute = 'gender') as gender,
    max(attribute_value) filter (attribute = 'location') as location,
    cast(max(attribute_value) filter (attribute = 'scheduled_hours') as decimal(9, 2)) as scheduled_hours,
from chosen
group by all

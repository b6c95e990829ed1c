with

shares as (

    select *
    from {{ read_params('hire_ages', {
        'scenario_id': 'varchar',
        'age': 'integer',
        'share': 'decimal(9,6)',
    }) }}

),

scaled as (

    select
        scenario_id,
        age,
        {{ ppm('share') }} as share_ppm,
    from shares

)

select
    scenario_id,
    age,
    share_ppm,
    cast(sum(share_ppm) over (partition by scenario_id order by age) as bigint) - share_ppm as lower_ppm,
    cast(sum(share_ppm) over (partition by scenario_id order by age) as bigint) as upper_ppm,
from scaled

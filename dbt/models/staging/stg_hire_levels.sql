with

shares as (

    select *
    from {{ read_params('hire_levels', {
        'scenario_id': 'varchar',
        'level_id': 'integer',
        'share': 'decimal(9,6)',
    }) }}

),

scaled as (

    select
        scenario_id,
        level_id,
        {{ ppm('share') }} as share_ppm,
    from shares

)

select
    scenario_id,
    level_id,
    share_ppm,
    cast(sum(share_ppm) over (partition by scenario_id order by level_id) as bigint) - share_ppm as lower_ppm,
    cast(sum(share_ppm) over (partition by scenario_id order by level_id) as bigint) as upper_ppm,
from scaled

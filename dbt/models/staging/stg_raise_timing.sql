with

shares as (

    select *
    from {{ read_params('raise_timing', {
        'scenario_id': 'varchar',
        'month': 'integer',
        'percentage': 'decimal(9,6)',
    }) }}

),

scaled as (

    select
        scenario_id,
        month,
        {{ ppm('percentage') }} as share_ppm,
    from shares

)

select
    scenario_id,
    month,
    share_ppm,
    cast(sum(share_ppm) over (partition by scenario_id order by month) as bigint) - share_ppm as lower_ppm,
    cast(sum(share_ppm) over (partition by scenario_id order by month) as bigint) as upper_ppm,
from scaled

with

levels as (

    select *
    from {{ read_params('job_levels', {
        'scenario_id': 'varchar',
        'level_id': 'integer',
        'name': 'varchar',
        'min_compensation': 'decimal(18,2)',
        'max_compensation': 'decimal(18,2)',
    }) }}

)

select
    scenario_id,
    level_id,
    name as level_name,
    min_compensation,
    max_compensation,
    level_id = max(level_id) over (partition by scenario_id) as is_top_level,
from levels

with

scenarios as (

    select * from {{ ref('stg_scenarios') }}

),

rates as (

    select
        scenario_id,
        max(parameter_value) filter (parameter_name = 'total_termination_rate') as total_termination_rate,
        max(parameter_value) filter (parameter_name = 'new_hire_termination_rate') as new_hire_termination_rate,
        max(parameter_value) filter (parameter_name = 'target_growth_rate') as target_growth_rate,
    from {{ ref('int_effective_parameters') }}
    where simulation_year = {{ year() }} and level_id is null
    group by all

),

opening as (

    select
        scenario_id,
        count(*) as opening_headcount,
    from {{ ref('int_baseline_workforce') }}
    where simulation_year = {{ year() }}
    group by all

),

given as (

    select
        rates.*,
        coalesce(opening.opening_headcount, 0) as opening_headcount,
    from scenarios
    inner join rates on scenarios.scenario_id = rates.scenario_id
    left join opening on scenarios.scenario_id = opening.scenario_id

),

exits as (

    select
        *,
        {{ share_of('opening_headcount', ppm('total_termination_rate')) }} as experienced_terminations,
        {{ raised('opening_headcount', ppm('target_growth_rate')) }} as target_headcount,
    from given

),

needed as (

    select
        *,
        target_headcount - (opening_headcount - experienced_terminations) as net_hires,
        1000000 - {{ ppm('new_hire_termination_rate') }} as staying_ppm,
    from exits

),

balanced as (

    select
        *,
        (greatest(net_hires, 0) * 1000000 + staying_ppm - 1) // staying_ppm as hires,
        greatest(-net_hires, 0) as reductions,
    from needed

)

select
    scenario_id,
    {{ year() }} as simulation_year,
    opening_headcount,
    total_termination_rate,
    new_hire_termination_rate,
    target_growth_rate,
    experienced_terminations,
    target_headcount,
    net_hires,
    hires,
    hires - greatest(net_hires, 0) as new_hire_terminations,
    reductions,
    opening_headcount - experienced_terminations - reductions + greatest(net_hires, 0) as closing_headcount,
from balanced

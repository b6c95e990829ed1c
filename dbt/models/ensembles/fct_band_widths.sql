-- the bands of the first members only, in steps: how much would be seen with fewer of them
with

metrics as (

    select * from {{ ref('int_member_metrics') }}

),

totals as (

    select scenario_id, max(place) as members from metrics group by scenario_id

),

sizes as (

    select unnest([5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000]) as members

),

steps as (

    select
        totals.scenario_id,
        sizes.members,
    from totals
    inner join sizes on totals.members > sizes.members
    union all
    select
        scenario_id,
        members,
    from totals

),

bands as (

    select
        metrics.scenario_id,
        metrics.simulation_year,
        metrics.metric,
        steps.members,
        {{ percentile(5) }},
        {{ percentile(95) }},
    from steps
    inner join metrics on steps.scenario_id = metrics.scenario_id and steps.members >= metrics.place
    group by all

)

select
    scenario_id,
    simulation_year,
    metric,
    members,
    p95 - p5 as width,
from bands
order by scenario_id, simulation_year, metric, members

with

thresholds as (

    select * from {{ ref('stg_thresholds') }}

),

metrics as (

    select * from {{ ref('int_member_metrics') }}

)

select
    metrics.scenario_id,
    metrics.simulation_year,
    metrics.metric,
    thresholds.threshold,
    count(*) as members,
    count(*) filter (metrics.metric_value > thresholds.threshold) as members_above,
    {{ ratio('count(*) filter (metrics.metric_value > thresholds.threshold)', 'count(*)') }} as chance,
from thresholds
inner join metrics on thresholds.metric = metrics.metric
group by metrics.scenario_id, metrics.simulation_year, metrics.metric, thresholds.threshold
order by metrics.scenario_id, metrics.simulation_year, metrics.metric, thresholds.threshold

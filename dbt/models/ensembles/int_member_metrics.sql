with

members as (

    select scenario_id, ensemble_id, member_number from {{ ref('stg_scenarios') }}

),

metrics as (

    select
        scenario_id,
        simulation_year,
        {% for metric in banded_metrics() %}
        cast({{ metric }} as decimal(24, 6)) as {{ metric }},
        {% endfor %}
    from {{ ref('fct_year_metrics') }}

),

stacked as (

    unpivot metrics on {{ banded_metrics() | join(', ') }} into name metric value metric_value

)

select
    members.ensemble_id as scenario_id,
    row_number() over (
        partition by members.ensemble_id, stacked.simulation_year, stacked.metric order by members.member_number
    ) as place,
    stacked.simulation_year,
    stacked.metric,
    stacked.metric_value,
from stacked
inner join members on stacked.scenario_id = members.scenario_id

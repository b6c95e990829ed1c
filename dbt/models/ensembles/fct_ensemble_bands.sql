select
    scenario_id,
    simulation_year,
    metric,
    count(*) as members,
    {% for percent in [5, 25, 50, 75, 95] %}
    {{ percentile(percent) }},
    {% endfor %}
from {{ ref('int_member_metrics') }}
group by scenario_id, simulation_year, metric
order by scenario_id, simulation_year, metric

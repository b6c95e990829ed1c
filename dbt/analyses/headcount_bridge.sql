{# Headcount at year end from one state to another, by who came and who left since the first year: one row a part. #}
with

bridges as (

    {{ bridged_states() }}

),

totals as (

    select
        scenario_id,
        simulation_year,
        count(*) filter (employment_status = 'active') as amount,
    from {{ ref('fct_workforce_snapshot') }}
    group by all

),

moves as (

    select
        scenario_id,
        simulation_year,
        'volume' as part,
        1 as people,
    from {{ ref('int_baseline_workforce') }}
    qualify simulation_year = min(simulation_year) over (partition by scenario_id)

    union all

    select
        scenario_id,
        simulation_year,
        case
            when event_type = 'hire' then 'hires'
            when event_category = 'new_hire_termination' then 'new_hire_exits'
            when event_details = 'reduction' then 'reductions'
            else 'exits'
        end as part,
        case event_type when 'hire' then 1 else -1 end as people,
    from {{ ref('fct_yearly_events') }}
    where event_type in ('hire', 'termination')

),

counts as (

    select
        scenario_id,
        simulation_year,
        part,
        sum(people) as people,
    from moves
    group by all

),

parts as (

    {% for side, sign in [('to', ''), ('from', '-')] %}
    select
        bridges.bridge,
        counts.part,
        {{ sign }}counts.people as amount,
    from bridges
    inner join counts
        on bridges.{{ side }}_scenario_id = counts.scenario_id and bridges.{{ side }}_year >= counts.simulation_year
    {{ 'union all' if not loop.last }}
    {% endfor %}

)

{{ added_up(['volume', 'hires', 'exits', 'reductions', 'new_hire_exits']) }}

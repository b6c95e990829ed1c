{# The years that every scenario has. #}
{% macro shared_years() -%}
    select simulation_year
    from {{ ref('fct_year_metrics') }}
    group by all
    having count(distinct scenario_id) = (select count(*) from {{ ref('stg_scenarios') }})
{%- endmacro %}

{#
    What is bridged: in every shared year the first scenario to each other one, and each scenario from a year to the
    next. One row per bridge.
#}
{% macro bridged_states() -%}
    select
        row_number() over (
            order by
                from_states.simulation_year != to_states.simulation_year, to_states.member_number, to_states.simulation_year
        ) as bridge,
        from_states.scenario_id as from_scenario_id,
        from_states.simulation_year as from_year,
        to_states.scenario_id as to_scenario_id,
        to_states.simulation_year as to_year,
    from (
        select * from {{ ref('stg_scenarios') }}, ({{ shared_years() }}) as years
    ) as from_states
    inner join (
        select * from {{ ref('stg_scenarios') }}, ({{ shared_years() }}) as years
    ) as to_states
        on
            (
                from_states.member_number = 1
                and to_states.member_number > 1
                and from_states.simulation_year = to_states.simulation_year
            )
            or (
                from_states.scenario_id = to_states.scenario_id
                and from_states.simulation_year + 1 = to_states.simulation_year
            )
{%- endmacro %}

{#
    Every part of every bridge in the order of `names`, from `bridges`, `parts` (bridge, part, amount) and `totals`
    (scenario_id, simulation_year, amount), with what the parts leave unexplained.
#}
{% macro added_up(names) -%}
    select
        bridges.*,
        coalesce(from_totals.amount, 0) as from_amount,
        coalesce(to_totals.amount, 0) as to_amount,
        summed.part,
        summed.amount,
        cast(
            to_amount - from_amount - sum(summed.amount) over (partition by bridges.bridge)
            as decimal(18, 2)
        ) as residual,
    from bridges
    left join totals as from_totals
        on bridges.from_scenario_id = from_totals.scenario_id and bridges.from_year = from_totals.simulation_year
    left join totals as to_totals
        on bridges.to_scenario_id = to_totals.scenario_id and bridges.to_year = to_totals.simulation_year
    inner join (
        select
            bridges.bridge,
            named.part,
            cast(coalesce(sum(parts.amount), 0) as decimal(18, 2)) as amount,
        from bridges
        cross join (select unnest({{ names }}) as part) as named
        left join parts on bridges.bridge = parts.bridge and named.part = parts.part
        group by all
    ) as summed
        on bridges.bridge = summed.bridge
    order by bridges.bridge, list_position({{ names }}, summed.part)
{%- endmacro %}

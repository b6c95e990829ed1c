{#
    The formulas of the first-order impact, as queries that name each other as the analysis does: effective, rates,
    levels, states.
#}

{# The parameters in force, one row per scenario, year and level. Reads effective. #}
{% macro expected_rates() -%}
select
    levels.scenario_id,
    effective.simulation_year,
    levels.level_id,
    {% for name in ['total_termination_rate', 'new_hire_termination_rate', 'target_growth_rate'] %}
    cast(max(effective.parameter_value) filter (effective.parameter_name = '{{ name }}') as double) as {{ name }},
    {% endfor %}
    {% for name in [
        'merit_base', 'cola_rate', 'promotion_probability', 'promotion_raise', 'new_hire_salary_adjustment'
    ] %}
    cast(coalesce(
        max(effective.parameter_value) filter (effective.parameter_name = '{{ name }}'), 0
    ) as double) as {{ name }},
    {% endfor %}
from {{ ref('stg_job_levels') }} as levels
inner join effective
    on
        levels.scenario_id = effective.scenario_id
        and (effective.level_id is null or levels.level_id = effective.level_id)
group by all
{%- endmacro %}


{# What is known of each level before the first year: its people, their hazards, and the pay of hires. #}
{% macro expected_levels() -%}
with

-- how much of a year a raise is paid in the year in which it comes
timing as (

    select
        scenario_id,
        sum(share_ppm / 1e6 * (12.5 - month) / 12) as paid_share,
    from {{ ref('stg_raise_timing') }}
    group by all

),

discounts as (

    select
        scenario_id,
        cast(max(parameter_value) filter (parameter_name = 'level_discount_factor') as double) as discount,
        cast(max(parameter_value) filter (parameter_name = 'min_level_discount_multiplier') as double) as least_weight,
    from {{ ref('stg_hazards') }}
    where event_type = 'termination'
    group by all

),

-- hazards of the people of the census, averaged by level and kept for all years
people as (

    select
        workforce.scenario_id,
        workforce.level_id,
        cast(count(*) as double) as headcount,
        sum(workforce.compensation_cents) / 100 as pay,
        {% for event, condition in [('termination', 'true'), ('promotion', 'current_age < 65')] %}
        avg(case
            when {{ condition }}
                then cast({{ event }}_ages.multiplier as double) * cast({{ event }}_tenures.multiplier as double)
            else 0
        end) as {{ event }}_weight,
        {% endfor %}
    from {{ ref('int_baseline_workforce') }} as workforce
    {% for event in ['termination', 'promotion'] %}
    {% for dimension in ['age', 'tenure'] %}
    left join {{ ref('stg_hazard_multipliers') }} as {{ event }}_{{ dimension }}s
        on
            workforce.scenario_id = {{ event }}_{{ dimension }}s.scenario_id
            and workforce.{{ dimension }}_band = {{ event }}_{{ dimension }}s.band
            and {{ event }}_{{ dimension }}s.dimension = '{{ dimension }}'
            and {{ event }}_{{ dimension }}s.event_type = '{{ event }}'
    {% endfor %}
    {% endfor %}
    group by all

)

select
    ladder.scenario_id,
    ladder.level_id,
    timing.paid_share,
    coalesce(people.headcount, 0) as headcount,
    coalesce(people.pay, 0) as pay,
    coalesce(people.termination_weight, 1)
    * greatest(discounts.least_weight, 1 - discounts.discount * (ladder.level_id - 1)) as leaving_weight,
    coalesce(people.promotion_weight, 1) as promotion_weight,
    coalesce(mix.share_ppm, 0) / 1e6 as hire_share,
    (cast(ladder.min_compensation as double) + cast(ladder.max_compensation as double)) / 2 as middle_pay,
    lead(cast(ladder.min_compensation as double), 1, 0)
        over (partition by ladder.scenario_id order by ladder.level_id) as next_minimum,
from {{ ref('stg_job_levels') }} as ladder
inner join timing on ladder.scenario_id = timing.scenario_id
inner join discounts on ladder.scenario_id = discounts.scenario_id
left join people on ladder.scenario_id = people.scenario_id and ladder.level_id = people.level_id
left join {{ ref('stg_hire_levels') }} as mix
    on ladder.scenario_id = mix.scenario_id and ladder.level_id = mix.level_id
{%- endmacro %}


{# One year after the states that there are. Reads states, levels and rates. #}
{% macro expected_next_year() -%}
{%- set half_a_year = 0.5 -%}
{%- set days_of_hires_who_leave = 151 -%}
select
    scenario_id,
    simulation_year,
    level_id,
    heads as opening_headcount,
    pay as opening_pay,
    leavers + hired - staying as exits,
    hired as hires,
    promoted as promotions,
    (stayers - promoted) * average * (1 + rise * paid_share)
    + leavers * average * {{ half_a_year }}
    + staying * hire_pay * {{ half_a_year }}
    + (hired - staying) * hire_pay * {{ days_of_hires_who_leave }} / 365
    + coalesce(lag(promoted * (average * (1 + rise * paid_share) + promoted_pay) / 2) over ladder, 0) as payroll,
    stayers - promoted + staying + coalesce(lag(promoted) over ladder, 0) as closing_headcount,
    (stayers - promoted) * average * (1 + rise)
    + staying * hire_pay
    + coalesce(lag(promoted * promoted_pay) over ladder, 0) as closing_pay,
from (
    select
        *,
        heads - leavers as stayers,
        (heads - leavers) * least(1, promotion_probability * promotion_weight) as promoted,
        greatest(average * (1 + rise) * (1 + promotion_raise), next_minimum) as promoted_pay,
    from (
        select
            *,
            least(heads, (total * total_termination_rate + greatest(-net, 0)) * leaving_share) as leavers,
            greatest(net, 0) * hire_share as staying,
            greatest(net, 0) / (1 - new_hire_termination_rate) * hire_share as hired,
        from (
            select
                rates.*,
                levels.paid_share,
                levels.promotion_weight,
                levels.hire_share,
                levels.next_minimum,
                states.closing_headcount as heads,
                states.closing_pay as pay,
                coalesce(states.closing_pay / nullif(states.closing_headcount, 0), 0) as average,
                rates.merit_base + rates.cola_rate as rise,
                levels.middle_pay * rates.new_hire_salary_adjustment as hire_pay,
                sum(states.closing_headcount) over company as total,
                coalesce(
                    states.closing_headcount * levels.leaving_weight
                    / nullif(sum(states.closing_headcount * levels.leaving_weight) over company, 0), 0)
                    as leaving_share,
                total * (rates.target_growth_rate + rates.total_termination_rate) as net,
            from states
            inner join levels
                on states.scenario_id = levels.scenario_id and states.level_id = levels.level_id
            inner join rates
                on
                    states.scenario_id = rates.scenario_id
                    and states.level_id = rates.level_id
                    and states.simulation_year + 1 = rates.simulation_year
            window company as (partition by states.scenario_id)
        ) as opened
    ) as moved
) as paid
window ladder as (partition by scenario_id order by level_id)
{%- endmacro %}

{#
    Payroll from one state to another, person by person, as queries that name each other as the analysis does: people,
    sides, paid.
#}

{# What made the pay: where a person came from, and every change since. #}
{% macro pay_steps() -%}
select
    scenario_id,
    employee_id,
    'census' as cause,
    level_id,
    make_date(simulation_year, 1, 1) as step_date,
    compensation_cents as added_cents,
from {{ ref('int_baseline_workforce') }}
qualify simulation_year = min(simulation_year) over (partition by scenario_id)

union all

select
    scenario_id,
    employee_id,
    event_type as cause,
    level_id,
    effective_date as step_date,
    {{ cents('compensation_amount') }} - coalesce({{ cents('previous_compensation') }}, 0) as added_cents,
from {{ ref('fct_yearly_events') }}
where event_type != 'termination'
{%- endmacro %}


{# The part of the year in which a person is employed on both sides; alone, all of it. Reads sides. #}
{% macro common_days() -%}
select
    *,
    count(*) over person = 2 as is_in_both,
    max(100 * month(first_day) + day(first_day)) over person as common_first,
    min(100 * month(last_day) + day(last_day)) over person as common_last,
    make_date(simulation_year, common_first // 100, 1) as first_month,
    make_date(simulation_year, common_last // 100, 1) as last_month,
    least(first_month + cast(common_first % 100 - 1 as integer), last_day(first_month)) as common_first_day,
    least(last_month + cast(common_last % 100 - 1 as integer), last_day(last_month)) as common_last_day,
from sides
window person as (partition by bridge, employee_id, employee_birth_date, employee_hire_date)
{%- endmacro %}


{#
    What each person of a side is paid, step by step: each sum so far is rounded as payroll is, so that differences of
    these add up to what is paid. Reads sides.
#}
{% macro paid_by_cause() -%}
with

steps as (

    {{ pay_steps() }}

),

placed as (

    {{ common_days() }}

),

spans as (

    select
        placed.*,
        steps.cause,
        steps.level_id as step_level_id,
        steps.added_cents,
        greatest(steps.step_date, placed.first_day) as from_day,
        date_diff('day', from_day, placed.last_day) + 1 as all_days,
        greatest(0, date_diff('day', from_day, least(placed.last_day + 1, placed.common_first_day))) as days_before,
        greatest(0, date_diff(
            'day', greatest(from_day, placed.common_first_day, placed.common_last_day + 1), placed.last_day
        ) + 1) as days_after,
    from placed
    inner join steps
        on
            placed.scenario_id = steps.scenario_id
            and placed.employee_id = steps.employee_id
            and placed.last_day >= steps.step_date

),

cent_days as (

    select
        bridge,
        sign,
        employee_id,
        employee_birth_date,
        employee_hire_date,
        other_scenario_id,
        other_year,
        level_id,
        is_in_both,
        days_in_year,
        date_diff('day', first_day, last_day) + 1 as days_employed,
        max(step_level_id) filter (cause in ('census', 'hire')) as entry_level_id,
        bool_or(cause = 'hire') as is_hired,
        {% set common = 'added_cents * (all_days - days_before - days_after)' %}
        coalesce(sum({{ common }}) filter (cause in ('census', 'hire')), 0) as entry,
        coalesce(sum({{ common }}) filter (cause = 'raise'), 0) as raises,
        coalesce(sum({{ common }}) filter (cause = 'promotion'), 0) as promotions,
        sum(added_cents * days_before) as earlier,
        sum(added_cents * days_after) as later,
    from spans
    group by all

)

select
    *,
    {% for so_far in [
        'entry', 'entry + raises', 'entry + raises + promotions', 'entry + raises + promotions + earlier',
        'entry + raises + promotions + earlier + later'
    ] %}
    cast((2 * ({{ so_far }}) + days_in_year) // (2 * days_in_year) as bigint) as sum_{{ loop.index }},
    {% endfor %}
from cent_days
{%- endmacro %}


{# The parts of who is on both sides: one row a person and part. Reads paid. #}
{% macro parts_of_both_sides() -%}
select
    bridge,
    unnest([
        case
            when min(entry_level_id) over person = max(entry_level_id) over person then 'rate'
            else 'level_mix'
        end,
        'merit_and_cola', 'promotion', 'hires', 'exits'
    ]) as part,
    {{ money('unnest([sum_1, sum_2 - sum_1, sum_3 - sum_2, sum_4 - sum_3, sum_5 - sum_4]) * sign') }} as amount,
from paid
where is_in_both
window person as (partition by bridge, employee_id, employee_birth_date, employee_hire_date)
{%- endmacro %}


{#
    Who is on one side only, by part and level: left on the other one, was hired on this one, or is of another census.
    Reads people and paid.
#}
{% macro paid_on_one_side() -%}
with

seen as (

    select distinct
        scenario_id,
        employee_id,
        employee_birth_date,
        employee_hire_date,
        since_year,
    from people

)

select
    paid.bridge,
    case
        when elsewhere.since_year <= paid.other_year then 'exits'
        when paid.is_hired then 'hires'
        else 'volume'
    end as part,
    paid.level_id,
    cast(coalesce(sum(paid.days_employed) filter (paid.sign < 0), 0) as double) as from_days,
    cast(coalesce(sum(paid.days_employed) filter (paid.sign > 0), 0) as double) as to_days,
    cast(coalesce(sum(paid.sum_5) filter (paid.sign < 0), 0) as double) as from_cents,
    cast(coalesce(sum(paid.sum_5) filter (paid.sign > 0), 0) as double) as to_cents,
from paid
left join seen as elsewhere
    on
        paid.other_scenario_id = elsewhere.scenario_id
        and paid.employee_id = elsewhere.employee_id
        and paid.employee_birth_date = elsewhere.employee_birth_date
        and paid.employee_hire_date = elsewhere.employee_hire_date
where not paid.is_in_both
group by all
{%- endmacro %}


{#
    The parts of who is on one side only: days times share of the level times pay a day. Where a side has nobody, it is
    like the other one. Reads people and paid.
#}
{% macro parts_of_one_side() -%}
with

of_others as (

    {{ paid_on_one_side() }}

),

shares as (

    select
        *,
        sum(from_days) over people as all_from_days,
        sum(to_days) over people as all_to_days,
        from_days / nullif(all_from_days, 0) as given_from_share,
        to_days / nullif(all_to_days, 0) as given_to_share,
        from_cents / nullif(from_days, 0) as given_from_rate,
        to_cents / nullif(to_days, 0) as given_to_rate,
        {% for measure in ['share', 'rate'] %}
        coalesce(given_from_{{ measure }}, given_to_{{ measure }}) as from_{{ measure }},
        coalesce(given_to_{{ measure }}, given_from_{{ measure }}) as to_{{ measure }},
        {% endfor %}
    from of_others
    window people as (partition by bridge, part)

),

weighed as (

    select
        bridge,
        part,
        all_from_days,
        all_to_days,
        sum(from_share * from_rate order by level_id) as all_from_rate,
        sum(to_share * to_rate order by level_id) as all_to_rate,
        sum((to_share - from_share) * (from_rate + to_rate) / 2 order by level_id) as rate_by_share,
        sum((from_share + to_share) / 2 * (to_rate - from_rate) order by level_id) as rate_by_rate,
    from shares
    group by all

),

effects as (

    select
        bridge,
        part,
        (all_from_days + all_to_days) / 2 as mean_days,
        (all_to_days - all_from_days) * (all_from_rate + all_to_rate) / 2 as by_days,
        round(by_days) as sum_1,
        round(by_days + mean_days * rate_by_share) as sum_2,
        round(by_days + mean_days * rate_by_share + mean_days * rate_by_rate) as sum_3,
    from weighed

)

select
    bridge,
    unnest([part, 'level_mix', 'rate']) as part,
    {{ money('unnest([sum_1, sum_2 - sum_1, sum_3 - sum_2])') }} as amount,
from effects
{%- endmacro %}

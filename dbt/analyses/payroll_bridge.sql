{#
    Payroll of a year from one state to another, person by person, in whole cents: one row a part.
    docs/comparing.md says what each part is. What a person is paid is split into the pay of entering, what raises added
    and what promotions added; each sum so far is rounded, and a part is the step from one to the next. A person is the
    same in both states where number, birth date and hire date agree.
#}
with

bridges as (

    {{ bridged_states() }}

),

people as (

    select
        scenario_id,
        simulation_year,
        employee_id,
        employee_birth_date,
        employee_hire_date,
        level_id,
        greatest(employee_hire_date, make_date(simulation_year, 1, 1)) as first_day,
        coalesce(termination_date, make_date(simulation_year, 12, 31)) as last_day,
        date_diff('day', make_date(simulation_year, 1, 1), make_date(simulation_year + 1, 1, 1)) as days_in_year,
        min(simulation_year) over (
            partition by scenario_id, employee_id, employee_birth_date, employee_hire_date
        ) as since_year,
        prorated_annual_compensation,
    from {{ ref('fct_workforce_snapshot') }}

),

totals as (

    select
        scenario_id,
        simulation_year,
        sum(prorated_annual_compensation) as amount,
    from people
    group by all

),

-- what made the pay: where a person came from, and every change since
steps as (

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

),

sides as (

    {% for side, other, sign in [('from', 'to', -1), ('to', 'from', 1)] %}
    select
        bridges.bridge,
        {{ sign }} as sign,
        bridges.{{ other }}_scenario_id as other_scenario_id,
        bridges.{{ other }}_year as other_year,
        people.*,
    from bridges
    inner join people
        on bridges.{{ side }}_scenario_id = people.scenario_id and bridges.{{ side }}_year = people.simulation_year
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

-- the part of the year in which a person is employed on both sides; alone, all of it
placed as (

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

),

-- each sum so far, rounded as payroll is; differences of these add up to what is paid
summed as (

    select
        *,
        {% for so_far in [
            'entry', 'entry + raises', 'entry + raises + promotions', 'entry + raises + promotions + earlier',
            'entry + raises + promotions + earlier + later'
        ] %}
        cast((2 * ({{ so_far }}) + days_in_year) // (2 * days_in_year) as bigint) as sum_{{ loop.index }},
        {% endfor %}
    from cent_days

),

of_the_same as (

    select
        bridge,
        unnest([
            case
                when min(entry_level_id) over person = max(entry_level_id) over person then 'rate'
                else 'level_mix'
            end,
            'merit_and_cola', 'promotion', 'hires', 'exits'
        ]) as part,
        unnest([sum_1, sum_2 - sum_1, sum_3 - sum_2, sum_4 - sum_3, sum_5 - sum_4]) * sign as cents,
    from summed
    where is_in_both
    window person as (partition by bridge, employee_id, employee_birth_date, employee_hire_date)

),

seen as (

    select distinct
        scenario_id,
        employee_id,
        employee_birth_date,
        employee_hire_date,
        since_year,
    from people

),

-- who is on one side only: left on the other one, was hired on this one, or is of another census
of_others as (

    select
        summed.bridge,
        case
            when elsewhere.since_year <= summed.other_year then 'exits'
            when summed.is_hired then 'hires'
            else 'volume'
        end as part,
        summed.level_id,
        cast(coalesce(sum(summed.days_employed) filter (summed.sign < 0), 0) as double) as from_days,
        cast(coalesce(sum(summed.days_employed) filter (summed.sign > 0), 0) as double) as to_days,
        cast(coalesce(sum(summed.sum_5) filter (summed.sign < 0), 0) as double) as from_cents,
        cast(coalesce(sum(summed.sum_5) filter (summed.sign > 0), 0) as double) as to_cents,
    from summed
    left join seen as elsewhere
        on
            summed.other_scenario_id = elsewhere.scenario_id
            and summed.employee_id = elsewhere.employee_id
            and summed.employee_birth_date = elsewhere.employee_birth_date
            and summed.employee_hire_date = elsewhere.employee_hire_date
    where not summed.is_in_both
    group by all

),

-- days times share of the level times pay a day; where a side has nobody, it is like the other one
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

),

parts as (

    select
        bridge,
        part,
        {{ money('cents') }} as amount,
    from of_the_same

    union all

    select
        bridge,
        unnest([part, 'level_mix', 'rate']) as part,
        cast(unnest([sum_1, sum_2 - sum_1, sum_3 - sum_2]) / 100 as decimal(18, 2)) as amount,
    from effects

)

{{ added_up(['volume', 'level_mix', 'rate', 'hires', 'exits', 'promotion', 'merit_and_cola']) }}

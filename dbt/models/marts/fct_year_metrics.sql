with

scenarios as (

    select * from {{ ref('stg_scenarios') }}

),

requirements as (

    select * from {{ ref('int_workforce_requirements') }}

),

workforce as (

    select * from {{ ref('int_baseline_workforce') }} where simulation_year = {{ year() }}

),

snapshot as (

    select * from {{ ref('fct_workforce_snapshot') }} where simulation_year = {{ year() }}

),

opening as (

    select
        scenario_id,
        count(*) as opening_headcount,
        cast(sum(compensation_cents) as bigint) as opening_cents,
    from workforce
    group by all

),

events as (

    select
        scenario_id,
        count(*) as event_count,
        count(*) filter (event_category = 'hiring') as hires,
        count(*) filter (event_category = 'experienced_termination' and event_details != 'reduction')
            as experienced_terminations,
        count(*) filter (event_details = 'reduction') as reductions,
        count(*) filter (event_category = 'new_hire_termination') as new_hire_terminations,
        count(*) filter (event_category = 'merit_raise') as merit_raises,
        count(*) filter (event_category = 'promotion') as promotions,
        count(*) filter (data_quality_flag = 'VALID') as valid_event_count,
    from {{ ref('fct_yearly_events') }}
    where simulation_year = {{ year() }}
    group by all

),

paid as (

    select
        scenario_id,
        sum(prorated_annual_compensation) as payroll,
        sum(date_diff(
            'day',
            greatest(employee_hire_date, {{ first_day() }}),
            coalesce(termination_date, {{ last_day() }})
        ) + 1) as paid_days,
    from snapshot
    group by all

),

closing as (

    select
        scenario_id,
        count(*) as closing_headcount,
        sum(current_compensation) as closing_compensation,
        round(median({{ cents('current_compensation') }})) as median_cents,
    from snapshot
    where employment_status = 'active'
    group by all

),

-- the same people at both ends of the year
continuing as (

    select
        snapshot.scenario_id,
        sum(snapshot.current_compensation) as continuing_closing,
        cast(sum(workforce.compensation_cents) as bigint) as continuing_opening_cents,
    from snapshot
    inner join workforce
        on snapshot.scenario_id = workforce.scenario_id and snapshot.employee_id = workforce.employee_id
    where snapshot.employment_status = 'active'
    group by all

),

{% set dimensions = ['detailed_status_code', 'level_id', 'age_band', 'tenure_band'] %}
{% for dimension in dimensions %}
by_{{ dimension }} as (

    select
        scenario_id,
        map_from_entries(list((value, headcount) order by value)) as headcounts,
    from (
        select scenario_id, cast({{ dimension }} as varchar) as value, count(*) as headcount,
        from snapshot
        {{ "where employment_status = 'active'" if dimension != 'detailed_status_code' }}
        group by all
    )
    group by all

),

{% endfor %}

last_year as (

    {% if has_last_year('fct_year_metrics') %}
    select scenario_id, payroll_per_person_year
    from {{ source('last_year', 'fct_year_metrics') }}
    where simulation_year = {{ year() }} - 1
    {% else %}
    select scenario_id, null as payroll_per_person_year from scenarios
    {% endif %}

),

counted as (

    select
        scenarios.scenario_id,
        required.target_growth_rate,
        required.target_headcount,
        first_year.opening_headcount as first_opening_headcount,
        {{ year() }} - scenarios.start_year + 1 as years_simulated,
        coalesce(opening.opening_headcount, 0) as opening_headcount,
        coalesce(closing.closing_headcount, 0) as closing_headcount,
        coalesce(paid.payroll, 0) as payroll,
        paid.paid_days / {{ days_in_year() }} as person_years,
        {{ ratio('paid.payroll', 'person_years') }} as payroll_per_person_year,
        {{ ratio('opening.opening_cents / 100', 'opening.opening_headcount') }} as opening_average,
        {{ ratio('closing.closing_compensation', 'closing.closing_headcount') }} as closing_average,
        closing.median_cents,
        {{ ratio('100 * continuing.continuing_closing', 'continuing.continuing_opening_cents') }}
            as continuing_ratio,
        case
            when scenarios.start_year < {{ year() }} then last_year.payroll_per_person_year
            else {{ ratio('opening.opening_cents / 100', 'opening.opening_headcount') }}
        end as last_payroll_per_person_year,
        {% for count in [
            'event_count', 'hires', 'experienced_terminations', 'reductions', 'new_hire_terminations',
            'merit_raises', 'promotions', 'valid_event_count'
        ] %}
        coalesce(events.{{ count }}, 0) as {{ count }},
        {% endfor %}
        {% for dimension in dimensions %}
        coalesce(by_{{ dimension }}.headcounts, map()) as headcount_by_{{ dimension }},
        {% endfor %}
    from scenarios
    inner join requirements as required
        on scenarios.scenario_id = required.scenario_id and required.simulation_year = {{ year() }}
    left join requirements as first_year
        on scenarios.scenario_id = first_year.scenario_id and scenarios.start_year = first_year.simulation_year
    {% for cte in ['opening', 'events', 'paid', 'closing', 'continuing', 'last_year'] %}
    left join {{ cte }} on scenarios.scenario_id = {{ cte }}.scenario_id
    {% endfor %}
    {% for dimension in dimensions %}
    left join by_{{ dimension }} on scenarios.scenario_id = by_{{ dimension }}.scenario_id
    {% endfor %}

)

select
    scenario_id,
    {{ year() }} as simulation_year,
    opening_headcount,
    hires,
    experienced_terminations,
    reductions,
    new_hire_terminations,
    experienced_terminations + reductions + new_hire_terminations as exits,
    closing_headcount,
    target_headcount,
    merit_raises,
    promotions,
    headcount_by_detailed_status_code as headcount_by_status,
    headcount_by_level_id as headcount_by_level,
    headcount_by_age_band,
    headcount_by_tenure_band,
    {{ ratio('hires', 'opening_headcount') }} as hire_rate,
    {{ ratio('experienced_terminations + reductions', 'opening_headcount') }} as termination_rate,
    {{ ratio('new_hire_terminations', 'hires') }} as new_hire_termination_rate,
    {{ ratio('promotions', 'opening_headcount') }} as promotion_rate,
    cast(payroll as decimal(18, 2)) as payroll,
    cast(round(person_years, 6) as decimal(18, 6)) as person_years,
    cast(round(payroll_per_person_year, 2) as decimal(18, 2)) as payroll_per_person_year,
    cast(round(closing_average, 2) as decimal(18, 2)) as average_compensation,
    {{ money('median_cents') }} as median_compensation,
    {{ growth('closing_average', 'opening_average') }} as average_compensation_growth,
    cast(continuing_ratio - 1 as decimal(18, 6)) as same_people_compensation_growth,
    {{ growth('payroll_per_person_year', 'last_payroll_per_person_year') }} as prorated_compensation_growth,
    {{ growth('closing_headcount', 'opening_headcount') }} as headcount_growth,
    cast(round(
        pow(cast(closing_headcount as double) / nullif(first_opening_headcount, 0), 1.0 / years_simulated) - 1, 6
    ) as decimal(18, 6)) as compound_growth_rate,
    target_growth_rate,
    event_count,
    {{ ratio('valid_event_count', 'event_count') }} as valid_event_share,
from counted

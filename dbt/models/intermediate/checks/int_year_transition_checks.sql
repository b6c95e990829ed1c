with

handed_on as (

    select * from {{ ref('int_hand_off') }}

),

incomplete as (

    select scenario_id, employee_id,
    from handed_on
    where
        coalesce(employee_id, '') = ''
        or employee_birth_date is null
        or employee_hire_date is null
        or coalesce(compensation_cents, 0) <= 0

),

repeated as (

    select scenario_id, employee_id,
    from handed_on
    group by all
    having count(*) > 1

),

out_of_order as (

    select scenario_id, employee_id,
    from handed_on
    where employee_birth_date >= employee_hire_date or employee_hire_date > {{ opening_day() }}

),

unusual_ages as (

    select scenario_id, employee_id,
    from handed_on
    where date_sub('year', employee_birth_date, {{ opening_day() }}) not between 16 and 80

),

headcounts as (

    select
        scenarios.scenario_id,
        case
            when scenarios.start_year = {{ year() }}
                then (select count(*) from {{ ref('stg_census') }} as census where census.active)
            {% if has_last_year('fct_year_metrics') %}
            else (
                select last_year.closing_headcount from {{ source('last_year', 'fct_year_metrics') }} as last_year
                where
                    last_year.scenario_id = scenarios.scenario_id
                    and last_year.simulation_year = {{ year() }} - 1
            )
            {% endif %}
        end as closing_headcount,
        (select count(*) from handed_on where handed_on.scenario_id = scenarios.scenario_id) as found,
    from {{ ref('stg_scenarios') }} as scenarios

),

-- a year whose predecessor is missing expects one person more than it finds, and so fails
compared as (

    select
        scenario_id,
        coalesce(closing_headcount, found + 1) as expected,
        found,
    from headcounts

)

{{ checks_of('year_transition', [
    equals('hand_off_headcount', 'error', 'compared', 'everyone who was here at the last closing is handed on'),
    no_offenders('hand_off_complete', 'error', 'incomplete', 'id, birth date, hire date and pay are there'),
    no_offenders('hand_off_unique', 'error', 'repeated', 'nobody is handed on twice'),
    no_offenders('hand_off_dates', 'error', 'out_of_order', 'born before hired, hired before the year'),
    no_offenders('hand_off_ages', 'warning', 'unusual_ages', 'age at opening between 16 and 80'),
]) }}

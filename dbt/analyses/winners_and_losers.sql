{#
    Who gets more and who less at the close of the last year than in the first scenario, of the people of the census who
    are active in both: one row per other scenario, attribute and group, the attributes being those in the first scenario. A group of
    under ten people shows their number only, and so do the next larger ones until those that are hidden are ten: else
    the difference from the whole would tell.
#}
{% set attributes = ['everyone', 'level', 'age', 'tenure', 'department'] %}
{% set fewest = 10 %}
with

compared_years as (

    {{ shared_years() }}

),

people as (

    select *
    from {{ ref('fct_workforce_snapshot') }}
    where
        employment_status = 'active'
        and simulation_year = (select max(compared_years.simulation_year) from compared_years)

),

census as (

    select
        scenario_id,
        employee_id,
    from {{ ref('int_baseline_workforce') }}
    qualify simulation_year = min(simulation_year) over (partition by scenario_id)

),

changes as (

    select
        other_people.scenario_id as to_scenario_id,
        scenarios.member_number,
        unnest({{ attributes }}) as attribute,
        unnest([
            'everyone', cast(first_people.level_id as varchar), first_people.age_band, first_people.tenure_band,
            coalesce(first_people.department, 'not stated')
        ]) as people_group,
        unnest([0, first_people.level_id, first_people.current_age, first_people.current_tenure, 0]) as place,
        other_people.current_compensation - first_people.current_compensation as pay_change,
    from people as first_people
    inner join {{ ref('stg_scenarios') }} as first_scenarios
        on first_people.scenario_id = first_scenarios.scenario_id and first_scenarios.member_number = 1
    inner join census
        on first_people.scenario_id = census.scenario_id and first_people.employee_id = census.employee_id
    inner join people as other_people
        on
            first_people.employee_id = other_people.employee_id
            and first_people.employee_birth_date = other_people.employee_birth_date
            and first_people.employee_hire_date = other_people.employee_hire_date
    inner join {{ ref('stg_scenarios') }} as scenarios
        on other_people.scenario_id = scenarios.scenario_id and scenarios.member_number > 1

),

counted as (

    select
        to_scenario_id,
        member_number,
        attribute,
        people_group,
        min(place) as place,
        count(*) as people,
        count(*) filter (pay_change > 0) as get_more,
        count(*) filter (pay_change < 0) as get_less,
        count(*) filter (pay_change = 0) as get_the_same,
        sum(pay_change) as total_change,
        cast(round(sum(pay_change) / count(*), 2) as decimal(18, 2)) as average_change,
    from changes
    group by all

),

guarded as (

    select
        *,
        coalesce(sum(people) over smaller_groups, 0) as people_before,
        people < {{ fewest }} or people_before between 1 and {{ fewest - 1 }} as is_suppressed,
    from counted
    window smaller_groups as (
        partition by to_scenario_id, attribute
        order by people, people_group
        rows between unbounded preceding and 1 preceding
    )

)

select
    to_scenario_id,
    attribute,
    people_group,
    people,
    is_suppressed,
    {% for figure in ['get_more', 'get_less', 'get_the_same', 'total_change', 'average_change'] %}
    case when not is_suppressed then {{ figure }} end as {{ figure }},
    {% endfor %}
from guarded
order by member_number, list_position({{ attributes }}, attribute), place, people_group

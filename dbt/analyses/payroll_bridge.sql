{#
    Payroll of a year from one state to another, person by person, in whole cents: one row a part.
    docs/comparing.md says what each part is. What a person is paid is split into the pay of entering, what raises added
    and what promotions added; each sum so far is rounded, and a part is the step from one to the next. A person is the
    same in both states where number, birth date and hire date agree. The formulas are in macros/payroll_bridge.sql.
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

paid as (

    {{ paid_by_cause() }}

),

of_both_sides as (

    {{ parts_of_both_sides() }}

),

of_one_side as (

    {{ parts_of_one_side() }}

),

parts as (

    select * from of_both_sides
    union all
    select * from of_one_side

)

{{ added_up(['volume', 'level_mix', 'rate', 'hires', 'exits', 'promotion', 'merit_and_cola']) }}

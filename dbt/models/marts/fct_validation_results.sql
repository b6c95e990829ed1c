with

metrics as (

    select * from {{ ref('fct_year_metrics') }} where simulation_year = {{ year() }}

),

snapshot as (

    select * from {{ ref('fct_workforce_snapshot') }} where simulation_year = {{ year() }}

),

workforce as (

    select * from {{ ref('int_baseline_workforce') }} where simulation_year = {{ year() }}

),

headcounts as (

    select scenario_id, target_headcount as expected, closing_headcount as found, from metrics

),

validity as (

    select scenario_id, event_count as expected, event_count * coalesce(valid_event_share, 1) as found, from metrics

),

pay_jumps as (

    select snapshot.scenario_id, snapshot.employee_id,
    from snapshot
    inner join workforce
        on snapshot.scenario_id = workforce.scenario_id and snapshot.employee_id = workforce.employee_id
    where 2 * {{ cents('snapshot.current_compensation') }} > 3 * workforce.compensation_cents

),

unpaid as (

    select scenario_id, employee_id,
    from snapshot
    where
        current_compensation <= 0
        or prorated_annual_compensation < 0
        or prorated_annual_compensation > greatest(current_compensation, full_year_equivalent_compensation) + 0.01

),

unusual_ages as (

    select scenario_id, employee_id,
    from snapshot
    where current_age not between 16 and 80 or current_tenure < 0

),

own_checks as (

    {{ checks_of('validation_metrics', [
        equals('growth_as_required', 'error', 'headcounts', 'closing headcount grows as required'),
        equals('all_events_valid', 'error', 'validity', 'the share of VALID events is one'),
        no_offenders('pay_plausible', 'error', 'unpaid',
            'pay is positive, and nobody is paid more than the year-end rate'),
        no_offenders('pay_jump', 'warning', 'pay_jumps', 'pay grows by at most half in a year'),
        no_offenders('age_plausible', 'warning', 'unusual_ages', 'age between 16 and 80, tenure not negative'),
    ]) }}

),

all_checks as (

    {% for step in [
        'year_transition', 'workforce_baseline', 'workforce_requirements', 'event_generation', 'workforce_snapshot'
    ] %}
    select * from {{ ref('int_' ~ step ~ '_checks') }} where simulation_year = {{ year() }}
    union all by name
    {% endfor %}
    select * from own_checks

)

select
    scenario_id,
    cast(simulation_year as integer) as simulation_year,
    step,
    check_name,
    severity,
    description,
    expected,
    found,
    offender_count,
    offender_sample,
    is_passed,
from all_checks

-- The arithmetic of the model for one scenario, written by hand as one script for plain DuckDB: what the dbt models are
-- measured against. It makes the same events, snapshots and headline figures, and leaves out what makes them auditable:
-- parameter layers and their sources, intermediate tables that stay, contracts, checks, the scenario as a column.
-- The first part runs once, in a folder with inputs/ and params/; the part after `-- year` runs for each year.

create macro u(digest, slice) as (((digest >> (32 * slice)::uhugeint) & 4294967295)::double + 0.5) / 4294967296;
create macro share_of(amount, ppm) as amount // 1000000 * ppm + (amount % 1000000 * ppm + 500000) // 1000000;
create macro raised(amount, ppm) as amount // 1000000 * (1000000 + ppm) + (amount % 1000000 * (1000000 + ppm) + 500000) // 1000000;
create macro age_band(age) as case when age < 25 then '< 25' when age < 35 then '25-34' when age < 45 then '35-44' when age < 55 then '45-54' when age < 65 then '55-64' else '65+' end;
create macro tenure_band(tenure) as case when tenure < 2 then '< 2' when tenure < 5 then '2-4' when tenure < 10 then '5-9' when tenure < 20 then '10-19' else '20+' end;

create table people as
select
    employee_id, employee_ssn as ssn, employee_birth_date as born, employee_hire_date as hired,
    (employee_gross_compensation * 100)::bigint as cents, level_id, department, gender, location, scheduled_hours,
from 'inputs/census.parquet'
where active;

create table levels as
select
    level_id, (min_compensation * 100)::bigint as min_cents, (max_compensation * 100)::bigint as max_cents,
    case when level_id = 1 then 0 else min_cents end as from_cents,
    lead(min_cents, 1, 9223372036854775807) over (order by level_id) as to_cents,
    cast(0.1 * greatest(0, 1 - 0.15 * (level_id - 1)) as decimal(9, 6)) as promotion_probability,
    cast(greatest(0.4, 1 - 0.1 * (level_id - 1)) as decimal(9, 6)) as exit_discount,
from read_csv('params/job_levels.csv', types = {'min_compensation': 'decimal(18,2)', 'max_compensation': 'decimal(18,2)'});

create table multipliers as
select event_type, dimension, band, multiplier,
from read_csv('params/hazard_multipliers.csv', types = {'multiplier': 'decimal(9,6)'});

create table months as
select month, sum((percentage * 1000000)::bigint) over (order by month) as upper_ppm, upper_ppm - (percentage * 1000000)::bigint as lower_ppm,
from read_csv('params/raise_timing.csv', types = {'percentage': 'decimal(9,6)'});

create table ages as
select age, sum((share * 1000000)::bigint) over (order by age) as upper_ppm, upper_ppm - (share * 1000000)::bigint as lower_ppm,
from read_csv('params/hire_ages.csv', types = {'share': 'decimal(9,6)'});

create table mix as
select level_id, (share * 1000000)::bigint as share_ppm, from read_csv('params/hire_levels.csv', types = {'share': 'decimal(9,6)'});

create table events (
    employee_id varchar, ssn varchar, event_type varchar, simulation_year integer, effective_date date, event_details varchar,
    cents bigint, previous_cents bigint, age integer, tenure integer, level_id integer, age_band varchar, tenure_band varchar,
    event_probability decimal(9, 6), event_category varchar, event_sequence integer, event_id varchar
);
create table snapshots (
    employee_id varchar, ssn varchar, born date, hired date, cents bigint, paid_cents bigint, age integer, tenure integer,
    level_id integer, age_band varchar, tenure_band varchar, left_on date, reason varchar, is_new_hire boolean,
    department varchar, gender varchar, location varchar, scheduled_hours decimal(9, 2), simulation_year integer
);
create table metrics (
    simulation_year integer, opening_headcount bigint, exits bigint, hires bigint, closing_headcount bigint,
    payroll decimal(18, 2), average_compensation decimal(18, 2)
);

-- year

set variable first_day = make_date(getvariable('year'), 1, 1);
set variable last_day = make_date(getvariable('year'), 12, 31);
set variable opening_day = make_date(getvariable('year') - 1, 12, 31);
set variable days = date_diff('day', getvariable('first_day'), getvariable('last_day')) + 1;

create or replace table opening as
select
    people.* exclude (level_id), coalesce(people.level_id, levels.level_id) as level_id,
    date_sub('year', born, getvariable('opening_day'))::integer as age,
    date_sub('year', hired, getvariable('opening_day'))::integer as tenure,
    age_band(age) as age_band, tenure_band(tenure) as tenure_band,
from people
inner join levels on people.cents >= levels.from_cents and people.cents < levels.to_cents;

set variable headcount = (select count(*) from opening);
set variable required = share_of(getvariable('headcount'), 120000);
set variable target = raised(getvariable('headcount'), 30000);
set variable net = getvariable('target') - (getvariable('headcount') - getvariable('required'));
set variable hires = (greatest(getvariable('net'), 0) * 1000000 + 749999) // 750000;
set variable leaving = getvariable('hires') - greatest(getvariable('net'), 0);
set variable exits = getvariable('required') + greatest(-getvariable('net'), 0);

create or replace table exits as
with
weighted as (
    select
        employee_id, age, cast(levels.exit_discount * ages.multiplier * tenures.multiplier as decimal(18, 9)) as weight,
        md5_number(concat_ws('|', 42, 'termination', getvariable('year'), employee_id)) as digest,
    from opening
    inner join levels using (level_id)
    inner join multipliers as ages on ages.event_type = 'termination' and ages.dimension = 'age' and opening.age_band = ages.band
    inner join multipliers as tenures on tenures.event_type = 'termination' and tenures.dimension = 'tenure' and opening.tenure_band = tenures.band
),
ranked as (
    select
        employee_id, age,
        getvariable('first_day') + floor(u(digest, 1) * getvariable('days'))::integer as left_on,
        least(1, getvariable('exits') * weight::double / (select sum(weight) from weighted)) as probability,
        row_number() over (order by round(-ln(u(digest, 0)) / weight::double, 12), employee_id) as place,
    from weighted
)
select
    employee_id, left_on, probability::decimal(9, 6) as probability,
    case when place > getvariable('required') then 'reduction' when age >= 65 then 'retirement' else 'voluntary' end as reason,
from ranked
where place <= getvariable('exits');

create or replace table hires as
with
quotas as (
    select level_id, share_ppm, getvariable('hires') * share_ppm // 1000000 as whole, getvariable('hires') * share_ppm % 1000000 as rest from mix
),
seats as (
    select level_id, share_ppm, whole + (row_number() over (order by rest desc, level_id) <= getvariable('hires') - sum(whole) over ())::bigint as seats
    from quotas
),
numbered as (
    select level_id, row_number() over (order by (2 * seat - 1)::double / share_ppm, level_id) as number
    from (select level_id, share_ppm, unnest(range(1, seats + 1)) as seat from seats)
),
drawn as (
    select
        level_id, number, printf('NH_%d_%06d', getvariable('year'), number) as employee_id,
        md5_number(concat_ws('|', 42, 'hire', getvariable('year'), employee_id)) as digest,
        md5_number(concat_ws('|', 42, 'new_hire_termination', getvariable('year'), employee_id)) as leaving_digest,
        md5_number(concat_ws('|', 42, 'hire_attributes', getvariable('year'), employee_id)) as attributes_digest,
        getvariable('first_day') + floor(u(digest, 2) * (getvariable('days') - 1))::integer as hired,
    from numbered
)
select
    employee_id, 'XXX-XX-' || right((900000000 + (getvariable('year') - 2025) * 20000000 + number - 1)::varchar, 4) as ssn,
    (hired - to_years(ages.age))::date - floor(u(digest, 1) * 365)::integer as born, hired, ages.age, level_id,
    greatest(min_cents, ((
        (min_cents + max_cents)::hugeint * 1000000 * (1000000 + round((2 * u(digest, 3) - 1) * 100000)::bigint) + 1000000000000
    ) // 2000000000000)::bigint) as cents,
    leaving_digest, attributes_digest, date_diff('day', hired, getvariable('last_day')) as days_left,
from drawn
inner join levels using (level_id)
inner join ages on floor(u(digest, 0) * 1000000) >= ages.lower_ppm and floor(u(digest, 0) * 1000000) < ages.upper_ppm;

create or replace table early_exits as
with
waits as (
    select least(90, min(days_left)) as minimum_days
    from (select days_left from hires order by days_left desc, employee_id limit getvariable('leaving'))
),
candidates as (
    select employee_id, hired, days_left, leaving_digest, minimum_days, count(*) over () as candidates,
    from hires, waits
    where days_left >= minimum_days
)
select
    employee_id,
    hired + (minimum_days + floor(u(leaving_digest, 1) * (least(275, days_left) - minimum_days + 1)))::integer as left_on,
    (getvariable('leaving') / candidates)::decimal(9, 6) as probability,
from candidates
qualify row_number() over (order by u(leaving_digest, 0), employee_id) <= getvariable('leaving');

create or replace table changes as
with
raises as (
    select
        employee_id, make_date(getvariable('year'), month, 1) as first_of_month,
        first_of_month + floor(u(digest, 1) * day(last_day(first_of_month)))::integer as drawn_raise_date,
    from (select employee_id, md5_number(concat_ws('|', 42, 'raise', getvariable('year'), employee_id)) as digest from opening)
    inner join months on lower_ppm <= floor(u(digest, 0) * 1000000) and upper_ppm > floor(u(digest, 0) * 1000000)
),
promotions as (
    select
        opening.employee_id, next_levels.min_cents as next_min_cents,
        least(1, greatest(0, levels.promotion_probability * ages.multiplier * tenures.multiplier))::decimal(9, 6) as probability,
        md5_number(concat_ws('|', 42, 'promotion', getvariable('year'), employee_id)) as digest,
        getvariable('first_day') + floor(u(digest, 1) * getvariable('days'))::integer as drawn_promotion_date,
    from opening
    inner join levels using (level_id)
    inner join levels as next_levels on opening.level_id + 1 = next_levels.level_id
    inner join multipliers as ages on ages.event_type = 'promotion' and ages.dimension = 'age' and opening.age_band = ages.band
    inner join multipliers as tenures on tenures.event_type = 'promotion' and tenures.dimension = 'tenure' and opening.tenure_band = tenures.band
    where opening.age < 65 and u(digest, 0) < probability::double
),
dated as (
    select
        opening.employee_id, opening.cents, opening.level_id, promotions.probability, promotions.next_min_cents,
        coalesce(exits.left_on, getvariable('last_day') + 1) as before,
        if(drawn_raise_date >= hired + interval 1 year and drawn_raise_date < before, drawn_raise_date, null) as raise_date,
        if(drawn_promotion_date >= hired + interval 1 year and drawn_promotion_date < before, drawn_promotion_date, null)
            as promotion_date,
        coalesce(raise_date <= promotion_date, true) as is_raise_first,
    from opening
    left join raises using (employee_id)
    left join promotions using (employee_id)
    left join exits using (employee_id)
)
select
    *,
    case
        when is_raise_first then if(raise_date is null, cents, raised(cents, 65000))
        else greatest(raised(cents, 120000), next_min_cents)
    end as after_first,
    case
        when is_raise_first and promotion_date is not null then greatest(raised(after_first, 120000), next_min_cents)
        when not is_raise_first then raised(after_first, 65000)
        else after_first
    end as closing_cents,
from dated
where raise_date is not null or promotion_date is not null;

insert into events
with
made as (
    select
        employee_id, 'termination' as event_type, left_on as effective_date, reason as event_details,
        coalesce(closing_cents, opening.cents) as cents, coalesce(closing_cents, opening.cents) as previous_cents,
        opening.level_id + (promotion_date is not null)::integer as level_id, exits.probability,
        'experienced_termination' as event_category, 1 as event_sequence,
    from exits
    inner join opening using (employee_id)
    left join changes using (employee_id)
    union all
    select employee_id, 'hire', hired, 'level_' || level_id, cents, null, level_id, 1, 'hiring', 2 from hires
    union all
    select employee_id, 'termination', left_on, 'new_hire', cents, cents, level_id, probability, 'new_hire_termination', 3
    from early_exits
    inner join hires using (employee_id)
    union all
    select
        employee_id, 'raise', raise_date, 'merit_and_cola_0.065000', if(is_raise_first, after_first, closing_cents),
        if(is_raise_first, cents, after_first), level_id + (not is_raise_first)::integer, 1, 'merit_raise', 4,
    from changes
    where raise_date is not null
    union all
    select
        employee_id, 'promotion', promotion_date, 'level_' || level_id || '_to_' || level_id + 1,
        if(is_raise_first, closing_cents, after_first), if(is_raise_first, after_first, cents), level_id, probability, 'promotion', 5,
    from changes
    where promotion_date is not null
),
everyone as (
    select employee_id, ssn, age, tenure, age_band, tenure_band from opening
    union all
    select employee_id, ssn, age, 0, age_band(age), '< 2' from hires
)
select
    employee_id, ssn, event_type, getvariable('year'), effective_date, event_details, cents, previous_cents, age, tenure, level_id,
    age_band, tenure_band, probability, event_category, event_sequence,
    md5(concat_ws('|', getvariable('year'), employee_id, event_sequence)),
from made
inner join everyone using (employee_id);

insert into snapshots
with
mixes as (
    select
        level_id, slice, value, count(*) as people,
        sum(people) over (partition by level_id, slice order by value nulls last)::bigint as upper_count,
        sum(people) over (partition by level_id, slice)::bigint as total,
    from (
        select level_id, unnest(range(4)) as slice, unnest([department, gender, location, scheduled_hours::varchar]) as value
        from opening
    )
    group by level_id, slice, value
),
chosen as (
    select hires.employee_id, mixes.slice, mixes.value
    from (select employee_id, level_id, attributes_digest, unnest(range(4)) as slice from hires) as hires
    inner join mixes
        on hires.level_id = mixes.level_id and hires.slice = mixes.slice
        and floor(u(attributes_digest, hires.slice) * total) < upper_count
        and floor(u(attributes_digest, hires.slice) * total) >= upper_count - people
),
attributes as (
    select
        employee_id, max(value) filter (slice = 0) as department, max(value) filter (slice = 1) as gender,
        max(value) filter (slice = 2) as location, (max(value) filter (slice = 3))::decimal(9, 2) as scheduled_hours,
    from chosen
    group by employee_id
),
everyone as (
    select employee_id, ssn, born, hired, cents as opening_cents, level_id, department, gender, location, scheduled_hours, false as is_new_hire
    from opening
    union all
    select employee_id, ssn, born, hired, 0, level_id, department, gender, location, scheduled_hours, true
    from hires
    left join attributes using (employee_id)
),
replayed as (
    select
        employee_id, sum(cents - coalesce(previous_cents, 0))::bigint as added,
        sum((cents - coalesce(previous_cents, 0)) * (date_diff('day', effective_date, getvariable('last_day')) + 1))::bigint as added_days,
        count(*) filter (event_type = 'promotion') as levels_gained,
        max(effective_date) filter (event_type = 'termination') as left_on,
        max(event_details) filter (event_type = 'termination') as reason,
    from events
    where simulation_year = getvariable('year')
    group by employee_id
)
select
    employee_id, ssn, born, hired, opening_cents + coalesce(added, 0) as closing,
    (2 * (opening_cents * getvariable('days') + coalesce(added_days, 0)
        - closing * coalesce(date_diff('day', left_on, getvariable('last_day')), 0)) + getvariable('days')) // (2 * getvariable('days')),
    date_sub('year', born, coalesce(left_on, getvariable('last_day')))::integer as age,
    date_sub('year', hired, coalesce(left_on, getvariable('last_day')))::integer as tenure,
    (level_id + coalesce(levels_gained, 0))::integer, age_band(age), tenure_band(tenure), left_on, reason, is_new_hire,
    department, gender, location, scheduled_hours, getvariable('year'),
from everyone
left join replayed using (employee_id);

create or replace table people as
select employee_id, ssn, born, hired, cents, level_id, department, gender, location, scheduled_hours,
from snapshots
where simulation_year = getvariable('year') and left_on is null;

insert into metrics
select
    getvariable('year'), getvariable('headcount'), count(*) filter (left_on is not null), getvariable('hires'),
    count(*) filter (left_on is null), sum(paid_cents) / 100, sum(cents) filter (left_on is null) / 100 / count(*) filter (left_on is null),
from snapshots
where simulation_year = getvariable('year');

with

census as (

    select * from read_parquet('{{ var("run_folder") }}/inputs/census.parquet')

)

select
    employee_id,
    employee_ssn,
    employee_birth_date,
    employee_hire_date,
    employee_termination_date,
    employee_gross_compensation,
    active,
    level_id,
    department,
    gender,
    location,
    scheduled_hours,
from census

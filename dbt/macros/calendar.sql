{#
    A number, or an expression of SQL where the SQL of a model is to serve every year: so it stands in SQL only, and no
    `if` and no arithmetic of a template may look at it.
#}
{% macro year() -%} {{ var('simulation_year') }} {%- endmacro %}

{% macro first_day() -%} make_date({{ year() }}, 1, 1) {%- endmacro %}

{% macro last_day() -%} make_date({{ year() }}, 12, 31) {%- endmacro %}

{% macro opening_day() -%} make_date({{ year() }} - 1, 12, 31) {%- endmacro %}

{% macro days_in_year() -%}
    date_diff('day', {{ first_day() }}, make_date({{ year() }} + 1, 1, 1))
{%- endmacro %}

{# A day of the year, from a draw; the last `spared` days are left out. #}
{% macro day_of_year(stream, spared=0) -%}
    {{ first_day() }} + cast(floor({{ draw(stream) }} * ({{ days_in_year() }} - {{ spared }})) as integer)
{%- endmacro %}

{# One full year of service on that day. #}
{% macro has_full_year_of_service(day) -%}
    {{ day }} >= employee_hire_date + interval 1 year
{%- endmacro %}

{% macro started_at() -%} cast({{ var('run_started_at') }} as timestamp) {%- endmacro %}

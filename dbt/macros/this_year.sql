{#
    `where: this_year` limits a data test to the year being built, since the tables grow year by year.
    The year is put in when the test runs: a manifest that was parsed for another year tests the right one.
#}
{% macro default__get_where_subquery(relation) -%}
    {%- set where = config.get('where', '') -%}
    {%- if where == 'this_year' -%} {%- set where = 'simulation_year = ' ~ year() -%} {%- endif -%}
    {%- if where -%}
        {{ return('(select * from ' ~ relation ~ ' where ' ~ where ~ ') as selected') }}
    {%- endif -%}
    {{ return(relation) }}
{%- endmacro %}

{# Refuses a year whose predecessor is not in the database, before anything is built on nobody. #}
{% macro require_last_year() -%}
    {%- set scenarios = ref('stg_scenarios') -%}
    {%- if execute -%}
        {%- set metrics = load_relation(source('last_year', 'fct_year_metrics')) -%}
        {%- set missing -%}
            select count(*)
            from {{ scenarios }} as scenarios
            {% if metrics is not none %}
            anti join {{ metrics }} as metrics
                on
                    scenarios.scenario_id = metrics.scenario_id
                    and metrics.simulation_year = {{ year() }} - 1
            {% endif %}
            where scenarios.start_year < {{ year() }}
        {%- endset -%}
        {%- if run_query(missing).rows[0][0] > 0 -%}
            {%- set last_year = year() | int - 1 -%}
            {{ exceptions.raise_compiler_error(
                'Cannot build ' ~ year() ~ ': ' ~ last_year ~ ', which it continues, is not in this database. '
                ~ "Build it first: dbt build --vars '{simulation_year: " ~ last_year ~ "}'"
            ) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

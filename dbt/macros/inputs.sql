{# A parameter table of the run, read with the column types given. #}
{% macro read_params(name, columns) -%}
    read_csv(
        '{{ var("run_folder") }}/params/{{ name }}.csv',
        header = true, delim = ',', quote = '"', escape = '"', nullstr = '', auto_detect = false,
        columns = {
            {%- for column, type in columns.items() %}
            '{{ column }}': '{{ type }}'{{ ', ' if not loop.last }}
            {%- endfor %}
        }
    )
{%- endmacro %}

{#
    Last year's table, or nothing before there is one: a `ref` would be a cycle.
    Where the SQL is to serve every year, the table is there before it runs.
#}
{% macro has_last_year(table) -%}
    {%- set relation = source('last_year', table) -%}
    {{ return(not execute or var('simulation_year') is not number or load_relation(relation) is not none) }}
{%- endmacro %}

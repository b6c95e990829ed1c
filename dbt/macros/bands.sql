{% macro age_band(age) -%}
    case
        when {{ age }} < 25 then '< 25'
        when {{ age }} < 35 then '25-34'
        when {{ age }} < 45 then '35-44'
        when {{ age }} < 55 then '45-54'
        when {{ age }} < 65 then '55-64'
        else '65+'
    end
{%- endmacro %}

{% macro tenure_band(tenure) -%}
    case
        when {{ tenure }} < 2 then '< 2'
        when {{ tenure }} < 5 then '2-4'
        when {{ tenure }} < 10 then '5-9'
        when {{ tenure }} < 20 then '10-19'
        else '20+'
    end
{%- endmacro %}

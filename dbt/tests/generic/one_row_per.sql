{# The grain of a table: no two rows agree in all of these columns. #}
{% test one_row_per(model, columns) %}

select
    {{ columns | join(', ') }},
    count(*) as row_count,
from {{ model }}
group by all
having count(*) > 1

{% endtest %}

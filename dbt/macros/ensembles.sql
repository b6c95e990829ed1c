{# The metrics of fct_year_metrics of which bands are made; `planwise_nb/workforce/thresholds.py` lists the same. #}
{% macro banded_metrics() %}
    {{ return([
        'opening_headcount',
        'hires',
        'experienced_terminations',
        'reductions',
        'new_hire_terminations',
        'closing_headcount',
        'target_headcount',
        'merit_raises',
        'promotions',
        'hire_rate',
        'termination_rate',
        'new_hire_termination_rate',
        'promotion_rate',
        'payroll',
        'person_years',
        'payroll_per_person_year',
        'average_compensation',
        'median_compensation',
        'average_compensation_growth',
        'same_people_compensation_growth',
        'prorated_compensation_growth',
        'headcount_growth',
        'compound_growth_rate',
    ]) }}
{% endmacro %}

{# A quantile of metrics, linear between the two nearest members (type 7 of Hyndman and Fan, 1996). #}
{% macro percentile(percent) -%}
    cast(quantile_cont(metric_value, {{ percent / 100 }}) as decimal(24, 6)) as p{{ percent }}
{%- endmacro %}

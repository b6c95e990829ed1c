{#
    Every random number of the model, and the one place that says how it is made.

    key     seed|block|year|employee_id, in UTF-8
    digest  the MD5 of the key as a 128-bit number, little-endian
    x       one of its four 32-bit slices, slice 0 the lowest
    u       (x + 0.5) / 2^32, strictly between 0 and 1

    A stream is a slice of a block's digest. `planwise_nb/workforce/draws.py` says the same in Python.
#}
{% macro streams() %}
    {{ return({
        'termination': ('termination', 0),
        'termination_date': ('termination', 1),
        'promotion': ('promotion', 0),
        'promotion_date': ('promotion', 1),
        'raise_month': ('raise', 0),
        'raise_day': ('raise', 1),
        'hire_age': ('hire', 0),
        'hire_birth_date': ('hire', 1),
        'hire_date': ('hire', 2),
        'hire_compensation': ('hire', 3),
        'department': ('hire_attributes', 0),
        'gender': ('hire_attributes', 1),
        'location': ('hire_attributes', 2),
        'scheduled_hours': ('hire_attributes', 3),
        'new_hire_termination': ('new_hire_termination', 0),
        'new_hire_termination_date': ('new_hire_termination', 1),
    }) }}
{% endmacro %}

{% macro digest(block, seed='random_seed') -%}
    md5_number(concat_ws('|', {{ seed }}, '{{ block }}', {{ year() }}, employee_id))
{%- endmacro %}

{% macro draw(stream) -%}
    {%- set block, slice = streams()[stream] -%}
    ((({{ block }}_digest >> {{ 32 * slice }}) & 4294967295)::double + 0.5) / 4294967296
{%- endmacro %}

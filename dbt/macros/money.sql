{# Rates are DECIMAL(9,6); as parts per million they are exact integers. #}
{% macro ppm(rate) -%} cast({{ rate }} * 1000000 as bigint) {%- endmacro %}

{# round(amount * rate), half away from zero, for amounts of zero and more; in two parts, so that no product overflows #}
{% macro share_of(amount, rate_ppm) -%} {{ amount }} // 1000000 * {{ rate_ppm }} + ({{ amount }} % 1000000 * {{ rate_ppm }} + 500000) // 1000000 {%- endmacro %}

{# amount * (1 + rate), rounded half away from zero #}
{% macro raised(amount, rate_ppm) -%} {{ share_of(amount, '(1000000 + ' ~ rate_ppm ~ ')') }} {%- endmacro %}

{% macro cents(amount) -%} cast({{ amount }} * 100 as bigint) {%- endmacro %}

{# Exact up to 2^53 cents: the division is correctly rounded, then rounded to cents. #}
{% macro money(amount_in_cents) -%} cast({{ amount_in_cents }} / 100 as decimal(18, 2)) {%- endmacro %}

{# A ratio as a rate, null where there is nothing to divide by. #}
{% macro ratio(part, whole) -%}
    cast(round(cast({{ part }} as double) / nullif({{ whole }}, 0), 6) as decimal(18, 6))
{%- endmacro %}

{# How much more the later is than the earlier, as a share of the earlier. #}
{% macro growth(later, earlier) -%} cast({{ ratio(later, earlier) }} - 1 as decimal(18, 6)) {%- endmacro %}

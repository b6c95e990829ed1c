{#
    One table for all years; building a year replaces exactly that year, in one transaction.
    The table is made from the model's contract, or from its columns where it has none.
#}
{% materialization year_slice, adapter='duckdb' %}
    {%- set relation = this.incorporate(type='table') -%}
    {{ run_hooks(pre_hooks) }}

    {% if config.get('contract').enforced %}
        {%- do get_assert_columns_equivalent(sql) -%}
        {%- set columns = get_table_columns_and_constraints() -%}
    {% endif %}

    {% call statement('main') %}
        create table if not exists {{ relation }}
        {% if columns %} {{ columns }} {% else %} as select * from (
            {{ sql }}
        ) limit 0 {% endif %};
        delete from {{ relation }} where simulation_year = {{ year() }};
        insert into {{ relation }} by name (
            {{ sql }}
        );
    {% endcall %}

    {% do adapter.commit() %}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [relation]}) }}
{% endmaterialization %}

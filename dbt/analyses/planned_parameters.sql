{# The parameters in force in every year of every scenario, before anything is simulated. #}
{{ effective_parameters(all_years()) }}
order by scenario_id, simulation_year, parameter_name, level_id

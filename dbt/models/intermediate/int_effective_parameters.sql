{{ effective_parameters('select scenario_id, ' ~ year() ~ ' as simulation_year from ' ~ ref('stg_scenarios')) }}

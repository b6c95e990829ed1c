select *
from {{ read_params('parameter_layers', {
    'scenario_id': 'varchar',
    'layer': 'integer',
    'parameter_name': 'varchar',
    'fiscal_year': 'integer',
    'job_level': 'integer',
    'parameter_value': 'decimal(9,6)',
    'parameter_source': 'varchar',
    'is_locked': 'boolean',
}) }}

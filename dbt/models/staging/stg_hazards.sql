select *
from {{ read_params('hazards', {
    'scenario_id': 'varchar',
    'event_type': 'varchar',
    'parameter_name': 'varchar',
    'parameter_value': 'decimal(9,6)',
}) }}

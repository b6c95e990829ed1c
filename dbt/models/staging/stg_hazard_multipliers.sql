select *
from {{ read_params('hazard_multipliers', {
    'scenario_id': 'varchar',
    'event_type': 'varchar',
    'dimension': 'varchar',
    'band': 'varchar',
    'multiplier': 'decimal(9,6)',
}) }}

select *
from {{ read_params('scenarios', {
    'scenario_id': 'varchar',
    'scenario_name': 'varchar',
    'ensemble_id': 'varchar',
    'member_number': 'integer',
    'start_year': 'integer',
    'end_year': 'integer',
    'random_seed': 'bigint',
    'compensation_variance': 'decimal(9,6)',
    'tolerance_percent': 'decimal(9,6)',
    'mask_ssn': 'boolean',
}) }}

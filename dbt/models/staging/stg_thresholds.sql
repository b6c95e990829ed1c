select *
from {{ read_params('thresholds', {'metric': 'varchar', 'threshold': 'decimal(24,6)'}) }}

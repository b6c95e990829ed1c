"""Sobol indices: how much of a metric's variance each lever accounts for, alone and with others; by SALib.

The levers vary independently and evenly, each from one step down to one step up, and all levels and years of it
together; what is locked stays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from planwise_nb.core.errors import InputError, PlanwiseError
from planwise_nb.workforce.inputs import WorkforceInputs
from planwise_nb.workforce.members import MOST
from planwise_nb.workforce.sensitivity import Question, planned_moves, required_year, variants_of, written
from planwise_nb.workforce.trials import Variant, simulated

LEAST = 8
"""The fewest base samples."""

_LEVERS = "select distinct place, lever, level_id, name from moves where not is_locked order by place, level_id"
_SAMPLED = """
    select distinct
        samples.variant,
        moves.lever,
        case when not moves.is_of_all_years then moves.simulation_year end as fiscal_year,
        moves.cell_level,
        cast(
            moves.down + cast(samples.share as decimal(12, 9)) * (moves.up - moves.down) as decimal(9, 6)
        ) as value,
    from samples
    inner join moves using (name)
    where not moves.is_locked
    order by all
"""


@dataclass(frozen=True, eq=False)
class Indices:
    """Sobol indices of the levers for a metric of a year, from ``members`` simulations.

    ``indices``: one row per lever (and level), the greatest total first: ``lever``, ``level_id``, ``first_order`` (the
    share of the variance by the lever alone), ``total`` (with what it does together with others), and half the width
    of the 95 % confidence interval of each, ``first_order_confidence`` and ``total_confidence``.
    """

    metric: str
    year: int
    members: int
    indices: pd.DataFrame


def required_samples(samples: int) -> int:
    """``samples``, a number of base samples. Raises ``InputError`` where it is no power of two, or without SALib."""
    if find_spec("SALib") is None:
        raise InputError(
            "Sobol indices are computed by SALib, which is not installed.",
            fix="Install it: pip install 'planwise-notebooks[sobol]'",
        )
    if samples < LEAST or samples & (samples - 1):
        near = max(LEAST, 1 << max(min(samples, MOST // 3), 1).bit_length() - 1)  # one lever takes three a sample
        raise InputError(f"--sobol {samples} is no power of two from {LEAST} on.", fix=f"Give --sobol {near}.")
    return samples


def sobol_indices(
    inputs: WorkforceInputs,
    question: Question,
    samples: int,
    *,
    on_progress: Callable[[float, str], None] = lambda part, what: None,
) -> Indices:
    """The indices from ``samples`` base samples, each simulated once for every lever and twice more, in one pass.

    Raises ``InputError`` as ``required_samples`` does and where that is more members than a run may have;
    ``PlanwiseError`` where the metric is not defined or does not vary.
    """
    year = required_year(inputs, question)
    with planned_moves(inputs, question) as plans:
        levers = plans.execute(_LEVERS).df()
        _refuse_too_many(required_samples(samples), len(levers))
        shares = _sample(levers, samples, inputs)
        plans.register("samples", _long(shares, list(levers["name"])))
        variants = variants_of(plans.execute(_SAMPLED).fetchall())
    measured = _measured(inputs, question.metric, year, variants, on_progress)
    found = _analysed(levers, measured, inputs)
    ordered = found.sort_values(["total", "lever"], ascending=[False, True], kind="stable", ignore_index=True)
    return Indices(question.metric, year, len(variants), ordered)


def _refuse_too_many(samples: int, levers: int) -> None:
    if not levers:
        raise InputError("Every lever is locked: nothing varies.", fix="Choose others, or unlock some.")
    most = MOST // (levers + 2)
    if samples > most:
        raise InputError(
            f"{samples:,} samples of {levers} levers are {samples * (levers + 2):,} members, a pass has {MOST:,} at"
            " most.",
            fix=f"Give --sobol {1 << most.bit_length() - 1}, or fewer levers with --lever.",
        )


def _problem(levers: pd.DataFrame) -> dict[str, object]:
    """The levers as SALib takes them, each from one step down (0) to one step up (1)."""
    return {"num_vars": len(levers), "names": list(levers["name"]), "bounds": [[0, 1]] * len(levers)}


def _seed(inputs: WorkforceInputs) -> int:
    """A seed that SALib takes: to it, 0 is none."""
    return inputs.members[0].scenario.simulation.random_seed % (2**32 - 1) + 1


def _sample(levers: pd.DataFrame, samples: int, inputs: WorkforceInputs) -> NDArray[np.float64]:
    """Saltelli's sample: a row a member, a column a lever, each from 0 to 1."""
    from SALib.sample import sobol  # noqa: PLC0415 - an extra, and slow to import

    drawn: NDArray[np.float64] = sobol.sample(_problem(levers), samples, calc_second_order=False, seed=_seed(inputs))
    return drawn


def _long(shares: NDArray[np.float64], names: list[str]) -> pa.Table:
    members, levers = shares.shape
    variants = [f"sample {member:05d}" for member in range(members)]
    return pa.table({
        "variant": np.repeat(variants, levers), "name": np.tile(names, members), "share": shares.reshape(-1),
    })  # fmt: skip


def _measured(
    inputs: WorkforceInputs,
    metric: str,
    year: int,
    variants: list[Variant],
    on_progress: Callable[[float, str], None],
) -> NDArray[np.float64]:
    """The metric of the year in every member, in the order of the sample."""
    query = f"select {metric} from fct_year_metrics where simulation_year = ? order by scenario_id"  # noqa: S608
    with written(inputs) as folder, simulated(folder, inputs.periods, variants, on_progress=on_progress) as years:
        values = np.array([row[0] for row in years.execute(query, [year]).fetchall()], dtype=float)
    if np.isnan(values).any():
        raise PlanwiseError(f"{metric} is not defined in every sample of {year}.", fix="Choose another metric or year.")
    if values.min() == values.max():
        raise PlanwiseError(f"No lever moves {metric} of {year}: it has no variance.", fix="Choose others to vary.")
    return values


def _analysed(levers: pd.DataFrame, measured: NDArray[np.float64], inputs: WorkforceInputs) -> pd.DataFrame:
    from SALib.analyze import sobol  # noqa: PLC0415 - an extra, and slow to import

    found = sobol.analyze(_problem(levers), measured, calc_second_order=False, seed=_seed(inputs))
    columns = {"first_order": "S1", "first_order_confidence": "S1_conf", "total": "ST", "total_confidence": "ST_conf"}
    shares = {name: np.round(found[key], 6) for name, key in columns.items()}
    return levers[["lever", "level_id"]].assign(**shares)

"""Pay gaps by regression: how far the groups of a cell table are paid from a reference group, raw and adjusted.

A cell is everyone who is alike in all that counts: it holds their number, the sum of the logarithms of their pay, and
that of the squares. From cells ordinary least squares gives what it gives from the people one by one: coefficients from
the cells' means, weighted by their people, and White's robust covariance (HC1) from the squared residuals, which add up
to ``squares - 2 * fitted * sum + people * fitted ** 2`` in a cell. So the number of people does not matter, only that
of cells.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

CONFIDENCE = 0.95
_ESTIMABLE = 1e-6

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Gap:
    """How much more (less: below 0) a group is paid than the reference, as a share, with its interval; NaN where the
    data cannot tell the group from what it is adjusted for.
    """

    gap: float
    low: float
    high: float


NOT_KNOWN = Gap(np.nan, np.nan, np.nan)


def gaps(
    cells: pd.DataFrame, reference: str, kinds: Collection[str] = (), scales: Collection[str] = ()
) -> Mapping[str, Gap]:
    """The gap of every group of ``cells`` but the ``reference``, by ordinary least squares of the logarithm of pay on
    the group and on ``kinds`` (columns of which each value counts on its own) and ``scales`` (numbers, linear).

    ``cells``: ``group_name``, ``people``, ``log_pay`` and ``log_pay_squared`` (sums over the people), and the columns
    named. Raw gaps are those without any. Intervals of ``CONFIDENCE``, from HC1 and Student's t.
    """
    others = sorted(set(cells["group_name"]) - {reference})
    design = _design(cells, others, kinds, scales)
    people, logs, squares = (cells[name].to_numpy(dtype=float) for name in ("people", "log_pay", "log_pay_squared"))
    if not others or not (people[cells["group_name"] == reference]).sum():
        return {}
    coefficients, covariance, degrees, is_known = _fitted(design, people, logs, squares)
    half = _quantile(degrees) * np.sqrt(np.maximum(np.diag(covariance), 0))
    return {
        name: _gap(coefficients[place], half[place]) if is_known[place] else NOT_KNOWN
        for place, name in enumerate(others, start=1)
    }


def _design(cells: pd.DataFrame, others: Sequence[str], kinds: Collection[str], scales: Collection[str]) -> Numbers:
    """A row a cell: one, whether it is of each of the other groups, then the kinds, each but its first, and scales."""
    columns = [np.ones(len(cells)), *(cells["group_name"] == name for name in others)]
    for kind in kinds:
        values = cells[kind].astype(object).where(cells[kind].notna(), "")
        columns += [values == value for value in sorted(set(values), key=str)[1:]]
    for scale in scales:
        numbers = cells[scale].to_numpy(dtype=float)
        if (spread := numbers.std()) > 0:
            columns.append((numbers - numbers.mean()) / spread)
    return np.column_stack([np.asarray(column, dtype=float) for column in columns])


def _fitted(
    design: Numbers, people: Numbers, logs: Numbers, squares: Numbers
) -> tuple[Numbers, Numbers, float, NDArray[np.bool_]]:
    """Coefficients, their covariance, degrees of freedom, and which coefficients the data determine."""
    from statsmodels.api import WLS  # noqa: PLC0415 - it takes a second to import

    model = WLS(logs / people, design, weights=people)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a design without full rank: what it leaves open is told below
        found = model.fit()
    fitted = design @ found.params
    residuals = np.maximum(squares - 2 * fitted * logs + people * fitted**2, 0)
    degrees = float(people.sum() - found.model.rank)
    bread = found.normalized_cov_params
    if degrees <= 0:
        return found.params, np.full_like(bread, np.inf), 1.0, np.zeros(len(found.params), dtype=bool)
    meat = (design * residuals[:, None]).T @ design
    covariance = people.sum() / degrees * bread @ meat @ bread
    resolved = bread @ ((design * people[:, None]).T @ design)
    is_known = np.abs(resolved - np.eye(len(resolved))).max(axis=1) < _ESTIMABLE
    return found.params, covariance, degrees, is_known


def _quantile(degrees: float) -> float:
    from scipy.stats import t  # noqa: PLC0415 - slow to import

    return float(t.ppf(0.5 + CONFIDENCE / 2, degrees))


def _gap(coefficient: float, half: float) -> Gap:
    """From logarithms to shares."""
    return Gap(*(float(round(np.expm1(value), 6)) for value in (coefficient, coefficient - half, coefficient + half)))

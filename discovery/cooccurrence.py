"""Whether two members appear together more or less often than at random.

An incidence matrix has one row per undertaking (a partnership, a project) and one column per
member (a cluster, a sector). The null model draws the undertakings of each member at random and
keeps how many each has, so that the number of joint ones is hypergeometric. The population is
all undertakings of the matrix, those with a single member included.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse, stats

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


def counts(incidence: Any) -> tuple[Counts, Counts, int]:
    """Joint undertakings of each pair (members x members), undertakings of each, population.

    `incidence` is undertakings x members of 0 and 1, dense or scipy sparse; the diagonal of the
    first result is 0. ValueError: not a matrix, or other values.

    >>> joint, own, population = counts([[1, 1, 0], [1, 1, 1], [0, 0, 1]])
    >>> joint.tolist(), own.tolist(), population
    ([[0, 2, 1], [2, 0, 1], [1, 1, 0]], [2, 2, 2], 3)
    """
    given = incidence if sparse.issparse(incidence) else np.asarray(incidence)
    if given.ndim != 2:
        raise ValueError(f"counts: the incidence has {given.ndim} dimensions, not 2")
    matrix = sparse.csr_array(given, copy=True)
    matrix.sum_duplicates()
    if not np.isin(matrix.data, (0, 1)).all():
        raise ValueError("counts: the incidence has values other than 0 and 1")
    matrix = matrix.astype(np.int64)
    joint: Counts = (matrix.T @ matrix).toarray()
    own = joint.diagonal().copy()
    np.fill_diagonal(joint, 0)
    return joint, own, int(matrix.shape[0])


def pair_z(joint: ArrayLike, first: ArrayLike, second: ArrayLike, population: int) -> Floats:
    """Teece z of pairs given by counts, which broadcast against one another; no unit.

    (joint - mean) / deviation with mean = n_i n_j / K and variance = mean (1 - n_i / K)
    (K - n_j) / (K - 1), K the population: implements Teece, Rumelt, Dosi and Winter (1994).
    NaN where the variance is 0. ValueError: counts that no incidence has.

    >>> pair_z(0, 4, 2, 8).round(4).tolist()
    -1.5275
    """
    c, a, b = _checked("pair_z", joint, first, second, population)
    mean = a * b / max(population, 1)
    # Products in this order, so that a pair and its reverse have the same last digit.
    spread = (1.0 * a * b) * (1.0 * (population - a) * (population - b))
    variance = spread / max(float(population) ** 2 * (population - 1), 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (c - mean) / np.sqrt(variance)
    return np.asarray(np.where(variance > 0, z, np.nan))


def pair_lower_tail(
    joint: ArrayLike, first: ArrayLike, second: ArrayLike, population: int
) -> Floats:
    """p of so few joint undertakings or fewer at random, exact (hypergeometric); see `pair_z`.

    NaN where the number is certain (variance 0): nothing is tested there.

    >>> pair_lower_tail(0, 4, 2, 8).round(6).tolist()
    0.214286
    """
    c, a, b = _checked("pair_lower_tail", joint, first, second, population)
    shape = np.broadcast_shapes(c.shape, a.shape, b.shape)
    # The test is symmetric in its two members and many pairs share their counts.
    low, high = np.minimum(a, b), np.maximum(a, b)
    cells = np.stack([np.broadcast_to(v, shape).ravel() for v in (c, low, high)], axis=1)
    distinct, place = np.unique(cells, axis=0, return_inverse=True)
    p = np.full(len(distinct), np.nan)
    tested = (distinct[:, 1] > 0) & (distinct[:, 2] < population)
    few, least, most = distinct[tested].T
    p[tested] = np.clip(stats.hypergeom.cdf(few, population, most, least), 0.0, 1.0)
    return p[place.reshape(-1)].reshape(shape)


def teece(incidence: Any) -> Floats:
    """z of every pair of members (members x members, symmetric), as `pair_z`; NaN diagonal.

    >>> teece([[1, 1, 0], [1, 1, 0], [0, 0, 1], [1, 0, 1]]).round(3)
    array([[   nan,  1.   , -1.   ],
           [ 1.   ,    nan, -1.732],
           [-1.   , -1.732,    nan]])
    """
    joint, own, population = counts(incidence)
    z = pair_z(joint, own[:, None], own[None, :], population)
    np.fill_diagonal(z, np.nan)
    return z


def lower_tail(incidence: Any) -> Floats:
    """p of every pair of members (members x members), as `pair_lower_tail`; NaN diagonal.

    >>> lower_tail([[1, 1, 0], [1, 1, 0], [0, 0, 1], [1, 0, 1]]).round(3)
    array([[  nan, 1.   , 0.5  ],
           [1.   ,   nan, 0.167],
           [0.5  , 0.167,   nan]])
    """
    joint, own, population = counts(incidence)
    p = pair_lower_tail(joint, own[:, None], own[None, :], population)
    np.fill_diagonal(p, np.nan)
    return p


def benjamini_hochberg(p: ArrayLike) -> Floats:
    """p adjusted for the false discovery rate (Benjamini and Hochberg 1995), shape as given.

    NaN is no test: it stays NaN and is not counted. A symmetric matrix in which each test stands
    twice has the same result as its triangle. ValueError: a value outside 0 to 1.

    >>> benjamini_hochberg([0.01, 0.04, np.nan, 0.03]).round(3)
    array([0.03, 0.04,  nan, 0.04])
    """
    values = np.asarray(p, dtype=np.float64)
    known = ~np.isnan(values)
    if ((values[known] < 0) | (values[known] > 1)).any():
        raise ValueError("benjamini_hochberg: a p lies outside 0 to 1")
    adjusted = np.full(values.shape, np.nan)
    if known.any():
        adjusted[known] = stats.false_discovery_control(values[known], method="bh")
    return adjusted


def _checked(
    name: str, joint: ArrayLike, first: ArrayLike, second: ArrayLike, population: int
) -> tuple[Counts, Counts, Counts]:
    c, a, b = (np.asarray(v) for v in (joint, first, second))
    if not all(np.issubdtype(v.dtype, np.integer) for v in (c, a, b)):
        raise ValueError(f"{name}: counts are whole numbers")
    c, a, b = (v.astype(np.int64) for v in (c, a, b))
    if (np.minimum(a, b) < 0).any() or (np.maximum(a, b) > population).any():
        raise ValueError(f"{name}: a member has fewer than 0 or more than {population}")
    # A diagonal of zeros is not a count of pairs, so only the upper bound is checked.
    if (c < 0).any() or (c > np.minimum(a, b)).any():
        raise ValueError(f"{name}: a pair has fewer than 0 or more than its members have")
    return c, a, b

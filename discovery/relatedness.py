"""How related sectors are, how near a region is to each, and what a partner would add.

`M` is regions (or clusters) x sectors of 0 and 1; `phi` is sectors x sectors, how related two
sectors are, without unit and with a zero diagonal. A relatedness of NaN is undefined and takes no
part in any sum. Densities are in percent.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from clusterloom.discovery.binary import binary

# whoever takes z from here takes the model that it is against from here too
from clusterloom.discovery.configuration_model import bicm as bicm

Floats = NDArray[np.float64]


def cooccurrences(M: Any) -> Floats:
    """Regions in which both sectors occur (sectors x sectors), zero diagonal.

    `M` is dense or scipy sparse. ValueError: not a matrix of 0 and 1.

    >>> cooccurrences([[1, 1, 0], [1, 1, 1]])
    array([[0., 2., 1.],
           [2., 0., 1.],
           [1., 1., 0.]])
    """
    m = binary("cooccurrences: M", M, 2)
    together = m.T @ m
    c = np.asarray(together.toarray() if sparse.issparse(together) else together, dtype=np.float64)
    np.fill_diagonal(c, 0.0)
    return c


def known_cooccurrences(status: ArrayLike) -> Floats:
    """Co-occurrences of all regions by those that are known (sectors x sectors), zero diagonal.

    `status` is regions x sectors: 1 specialised, 0 not, 2 borderline (not), -1 unknown. Of the
    regions in which both sectors are known the share that has both, times all regions: where it
    is unknown, regions are taken to be like those where it is known, and unknown is never read as
    "not". NaN: a pair that is known together nowhere. `steijn_interval` takes nothing for granted.
    ValueError: other values, not a matrix.

    >>> known_cooccurrences([[1, 1, 0], [1, -1, 1], [1, 1, 1], [0, 1, -1]]).round(2)
    array([[0.  , 2.67, 2.67],
           [2.67, 0.  , 2.  ],
           [2.67, 2.  , 0.  ]])
    """
    given = _statuses("known_cooccurrences", status)
    known, both = (given >= 0).astype(np.float64), (given == 1).astype(np.float64)
    with np.errstate(invalid="ignore"):
        c = np.asarray((both.T @ both) * len(given) / (known.T @ known))
    np.fill_diagonal(c, 0.0)
    return c


def proximity(M: Any) -> Floats:
    """Lesser of the two conditional frequencies of a pair; implements Hidalgo et al. (2007).

    phi[i,j] = c[i,j] / max(n[i], n[j]), 0 to 1; NaN where a sector occurs nowhere. The diagonal
    is 0, so that no sector counts as related to itself. `M` and errors as in `cooccurrences`.

    >>> proximity([[1, 1, 0], [1, 1, 1], [1, 0, 0]]).round(3)
    array([[0.   , 0.667, 0.333],
           [0.667, 0.   , 0.5  ],
           [0.333, 0.5  , 0.   ]])
    """
    c = cooccurrences(M)
    size = np.asarray(binary("proximity: M", M, 2).sum(axis=0), dtype=np.float64).ravel()
    size[size == 0] = np.nan
    phi = np.asarray(c / np.maximum(size[:, None], size[None, :]))
    np.fill_diagonal(phi, 0.0)
    return phi


def steijn(c: ArrayLike) -> Floats:
    """Co-occurrences over those expected at random, 1 as expected; zero diagonal.

    Implements the association strength (van Eck and Waltman 2009) as corrected by Steijn (2017):
    with s the row sums of `c` and T their sum,
    phi[i,j] = c[i,j] / (T/2 * (s[i]/T * s[j]/(T-s[i]) + s[j]/T * s[i]/(T-s[j]))). The constant is
    T/2, the number of pairs; densities do not depend on it. `c` is symmetric, sectors x sectors,
    with a zero diagonal; NaN in it is unknown, stays so, and takes no part in the sums. NaN: also
    a sector that co-occurs with none. ValueError: other matrices.

    >>> steijn([[0, 2, 1], [2, 0, 1], [1, 1, 0]]).round(3)
    array([[0.   , 1.111, 0.909],
           [1.111, 0.   , 0.909],
           [0.909, 0.909, 0.   ]])
    """
    together = np.asarray(c, dtype=np.float64)
    if together.ndim != 2 or together.shape[0] != together.shape[1]:
        raise ValueError(f"steijn: co-occurrences are {together.shape}, not square")
    if np.isinf(together).any() or (together < 0).any():
        raise ValueError("steijn: a co-occurrence is negative or infinite")
    if not np.array_equal(together, together.T, equal_nan=True) or together.diagonal().any():
        raise ValueError("steijn: co-occurrences are not symmetric with a zero diagonal")
    s = np.nansum(together, axis=1)
    total = s.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = (s / total)[:, None] * s[None, :] / (total - s)[:, None]
        phi = np.asarray(together / (total / 2 * (drawn + drawn.T)))
    np.fill_diagonal(phi, 0.0)
    return phi


def steijn_interval(status: ArrayLike) -> tuple[Floats, Floats]:
    """Bounds of `steijn` of the co-occurrences, whatever the unknown statuses are.

    `status` as in `known_cooccurrences`. No reading of the unknown as specialised or not leads
    outside; the bounds are not the closest, since each part of the measure is taken at its own
    least and greatest, and they are wide where much is unknown. Where all is known they are
    `steijn`. NaN where no reading defines it; the greatest can be infinite. Zero diagonal.

    >>> low, high = steijn_interval([[1, 1, 0], [1, 1, 1], [-1, 0, 1]])
    >>> low.round(3)[0].tolist(), high.round(3)[0].tolist()
    ([0.0, 0.833, 0.455], [0.0, 1.436, 2.154])
    """
    given = _statuses("steijn_interval", status)
    few, many = cooccurrences(given == 1), cooccurrences((given == 1) | (given == -1))
    least, most = few.sum(axis=1), many.sum(axis=1)

    # c, s and T - s all grow with every status that is read as specialised
    def ratio(c: Floats, s: Floats, others: Floats) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            drawn = s[:, None] * s[None, :] / 2 * (1 / others[:, None] + 1 / others[None, :])
            return np.asarray(c / drawn)

    low = ratio(few, most, least.sum() - least)
    high = ratio(many, least, most.sum() - most)
    alone = (most[:, None] == 0) | (most[None, :] == 0)
    # no pair that must be there, or none that may: 0, though what it is divided by is not known
    low[few == 0], high[many == 0] = 0.0, 0.0
    high[(many > 0) & np.isnan(high)] = np.inf
    for bound in (low, high):
        bound[alone] = np.nan
        np.fill_diagonal(bound, 0.0)
    return low, high


def density(M: Any, phi: ArrayLike) -> Floats:
    """Relatedness density of each sector in percent; implements Boschma, Balland, Kogler (2015).

    100 * sum_j M[r,j] phi[j,i] / sum_j phi[j,i]. `M` is one profile (sectors) or many (regions x
    sectors, dense or scipy sparse); the result has its shape. NaN: the sector is related to none.
    ValueError: other values than 0 and 1, shapes that do not fit, a negative relatedness.

    >>> phi = [[0, 1, 1], [1, 0, 3], [1, 3, 0]]
    >>> density([0, 1, 0], phi)
    array([50.,  0., 75.])
    """
    shares = _column_shares("density", phi)
    m = binary("density: M", M)
    _fits("density: M", m, shares)
    return _times(m, 100.0 * shares)


def density_interval(status: ArrayLike, phi: ArrayLike) -> tuple[Floats, Floats]:
    """Least and greatest density (percent) of profiles that are known in part, given `phi`.

    `status` is 1 specialised, 0 not, -1 unknown; unknown is read as 0 for the first result and
    as 1 for the second. Shapes, NaN and errors as in `density`.

    >>> low, high = density_interval([-1, 1, 0], [[0, 1, 1], [1, 0, 3], [1, 3, 0]])
    >>> low.tolist(), high.tolist()
    ([50.0, 0.0, 75.0], [50.0, 25.0, 100.0])
    """
    known = np.asarray(status)
    if not np.isin(known, (1, 0, -1)).all():
        raise ValueError("density_interval: a status is none of 1, 0, -1")
    return density(known == 1, phi), density(known != 0, phi)


def added_density(mine: ArrayLike, theirs: Any, phi: ArrayLike) -> Floats:
    """What partners add to the density of each sector, in percentage points.

    A[i] = 100 * sum_j theirs[j] (1 - mine[j]) phi[j,i] / sum_j phi[j,i]: implements the
    complementarity of Balland and Boschma (2021). `mine` is one profile, `theirs` one or many
    (partners x sectors, dense or scipy sparse); the result has the shape of `theirs` and is dense.
    The density of the union is own + added. NaN and errors as in `density`.

    >>> added_density([0, 1, 0], [1, 1, 0], [[0, 1, 1], [1, 0, 3], [1, 3, 0]])
    array([ 0., 25., 25.])
    """
    shares = _column_shares("added_density", phi)
    own = _profile("added_density: mine", mine, shares)
    them = binary("added_density: theirs", theirs)
    _fits("added_density: theirs", them, shares)
    return _times(them, 100.0 * shares * (1.0 - own)[:, None])


def gains(mine: ArrayLike, phi: ArrayLike) -> Floats:
    """What each sector would add to `mine`: the part of `mean_added` of a partner that has it.

    Percentage points per sector, 0 for a sector that `mine` has, so that `theirs @ gains` is
    `mean_added` for those who have checked their matrix once. All NaN where `mine` lacks no
    sector whose density is defined. Errors as in `density`.

    >>> gains([0, 1, 0], [[0, 1, 1], [1, 0, 3], [1, 3, 0]])
    array([12.5,  0. , 25. ])
    """
    return gains_of(mine, _column_shares("gains", phi))


def shares(phi: ArrayLike) -> Floats:
    """`phi` with columns that add up to 1; a sector related to none is all NaN.

    What `gains_of` takes: it depends on no profile, so that it can be kept. ValueError: not
    square, negative or infinite.
    """
    return _column_shares("shares", phi)


def gains_of(mine: ArrayLike, part: Floats) -> Floats:
    """`gains` by the `shares` of a relatedness."""
    own = _profile("gains: mine", mine, part)
    lacking = (own == 0) & ~np.isnan(part).any(axis=0)
    if not lacking.any():
        return np.full(own.shape, np.nan)
    return np.asarray(100.0 * (1.0 - own) * part[:, lacking].mean(axis=1))


def mean_added(mine: ArrayLike, theirs: Any, phi: ArrayLike) -> Floats:
    """Mean of `added_density` over the sectors that `mine` lacks, one number per partner.

    Sectors whose density is undefined are left out; NaN where none remains. `theirs` as in
    `added_density`; one profile gives an array without dimensions.

    >>> mean_added([0, 1, 0], [[1, 1, 0], [0, 1, 0]], [[0, 1, 1], [1, 0, 3], [1, 3, 0]])
    array([12.5,  0. ])
    """
    each = gains(mine, phi)
    them = binary("mean_added: theirs", theirs)
    _fits("mean_added: theirs", them, each)
    return _times(them, each)


def contributions(mine: ArrayLike, theirs: ArrayLike, phi: ArrayLike) -> Floats:
    """Part of each sector of one partner in `mean_added`; the parts add up to it.

    Percentage points, 0 for sectors that the partner has not or `mine` has too; all NaN where
    the mean is undefined. Errors as in `density`.

    >>> contributions([0, 1, 0], [1, 1, 0], [[0, 1, 1], [1, 0, 3], [1, 3, 0]])
    array([12.5,  0. ,  0. ])
    """
    each = gains(mine, phi)
    return np.asarray(_profile("contributions: theirs", theirs, each) * each)


def size_adjusted_z(
    mine: ArrayLike,
    theirs: Any,
    phi: ArrayLike,
    P: ArrayLike,
    group: NDArray[np.intp] | None = None,
) -> Floats:
    """z of `mean_added` against partners of the same size under `bicm`, one per partner.

    (observed - mean) / deviation, without unit, mean and variance analytic for independent cells
    of the partner's row of `P`. `theirs` as in `added_density`. `P` has a row per partner, or
    `group` says which row of `P` each partner takes: rows of one degree are equal, so that one
    row per degree is enough. NaN where the variance is 0 or the mean undefined. ValueError:
    shapes that do not fit, or `P` outside 0 to 1.

    >>> phi = [[0, 1, 1], [1, 0, 3], [1, 3, 0]]
    >>> size_adjusted_z([0, 1, 0], [[1, 0, 0], [0, 0, 1]], phi, np.full((2, 3), 1 / 3)).round(3)
    array([0.   , 0.949])
    """
    each = gains(mine, phi)
    p = np.atleast_2d(np.asarray(P, dtype=np.float64))
    _fits("size_adjusted_z: P", p, each)
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError("size_adjusted_z: P has a value outside 0 to 1")
    return z_of(np.atleast_1d(mean_added(mine, theirs, phi)), each, p, group)


def z_of(
    observed: Floats, each: Floats, p: Floats, group: NDArray[np.intp] | None = None
) -> Floats:
    """`size_adjusted_z` of means that are known: `each` are the `gains` that they are sums of."""
    mean, variance = p @ each, (p * (1.0 - p)) @ each**2
    if group is not None:
        mean, variance = mean[group], variance[group]
    if mean.shape != observed.shape:
        raise ValueError(f"size_adjusted_z: {observed.size} partners, {mean.size} rows of P")
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (observed - mean) / np.sqrt(variance)
    return np.asarray(np.where(variance > 0, z, np.nan))


def _statuses(name: str, status: ArrayLike) -> NDArray[np.int64]:
    given = np.asarray(status)
    if given.ndim != 2:
        raise ValueError(f"{name}: the statuses have {given.ndim} dimensions, not 2")
    if not np.isin(given, (1, 0, 2, -1)).all():
        raise ValueError(f"{name}: a status is none of 1, 0, 2, -1")
    return given.astype(np.int64)


def _times(profiles: Any, weights: Floats) -> Floats:
    """The product; an undefined column of `weights` stays so for profiles that are empty."""
    undefined = np.isnan(weights).any(axis=0)
    # A sparse product would leave an empty profile at 0 there.
    product = np.asarray(profiles @ np.nan_to_num(weights))
    return np.asarray(np.where(undefined, np.nan, product))


def _column_shares(name: str, phi: ArrayLike) -> Floats:
    """`phi` with columns that add up to 1; a column that adds up to 0 is all NaN."""
    given = np.asarray(phi, dtype=np.float64)
    if given.ndim != 2 or given.shape[0] != given.shape[1]:
        raise ValueError(f"{name}: phi is {given.shape}, not square")
    if np.isinf(given).any() or (given < 0).any():
        raise ValueError(f"{name}: phi has a negative or infinite value")
    defined = np.where(np.isnan(given), 0.0, given)
    total = defined.sum(axis=0)
    return np.asarray(defined / np.where(total > 0, total, np.nan))


def _profile(what: str, values: ArrayLike, beside: Floats) -> Floats:
    found: Floats = binary(what, values, 1)
    _fits(what, found, beside)
    return found


def _fits(what: str, profiles: Any, beside: Floats) -> None:
    if profiles.shape[-1] != beside.shape[0]:
        raise ValueError(f"{what} has {profiles.shape[-1]} sectors, phi {beside.shape[0]}")

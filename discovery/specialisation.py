"""What a region is specialised in, and how alike two profiles are.

Tables hold one row per region and one column per sector, in persons employed or any other
additive unit. NaN is an unknown cell: it is left out, never taken as zero.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

SPECIALISED, NOT, BORDERLINE, UNKNOWN = 1, 0, 2, -1


def location_quotients(X: ArrayLike) -> Floats:
    """Location quotient of each region (row) and sector (column); implements Balassa (1965).

    LQ = (X[r,j] / X[r]) / (X[j] / X), without unit. Where cells are unknown, the reference share
    of a sector is taken over the regions in which it is known, and both shares of a region over
    the sectors known in it, as the loader of employment does; on a complete table this is the
    plain quotient. NaN: the cell is unknown, the region has nothing in any known sector, or the
    sector is empty everywhere. ValueError: not a table, or a negative or infinite value.

    >>> location_quotients([[30, 10], [10, 30]])
    array([[1.5, 0.5],
           [0.5, 1.5]])
    >>> location_quotients([[30, np.nan], [10, 30]]).round(3)
    array([[1.   ,   nan],
           [0.578, 1.321]])
    """
    x = np.asarray(X, dtype=np.float64)
    if x.ndim != 2:
        raise ValueError(f"location_quotients: X has {x.ndim} dimensions, not 2")
    _amounts("location_quotients: X", x)
    known = ~np.isnan(x)
    amount = np.where(known, x, 0.0)
    total = amount.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        reference = amount.sum(axis=0) / (known * total[:, None]).sum(axis=0)
        expected = (known * np.nan_to_num(reference)).sum(axis=1)
        quotient = (x / total[:, None]) / (reference / expected[:, None])
    return np.where(np.isfinite(quotient), quotient, np.nan)


def specialised(
    lq: ArrayLike,
    employment: ArrayLike,
    floor: float = 100,
    band: tuple[float, float] = (0.9, 1.1),
) -> NDArray[np.int8]:
    """Status of each cell: 1 specialised, 0 not, 2 borderline, -1 unknown; shape as given.

    Not specialised below `band[0]`; specialised from `band[1]` with at least `floor` persons
    employed (same unit as `employment`); borderline between, or under the floor. Unknown where
    the quotient or the employment is NaN. ValueError: shapes differ, or the band is reversed.

    >>> specialised([1.5, 1.5, 1.0, 0.3, np.nan], [5000, 20, 900, 0, 40])
    array([ 1,  2,  2,  0, -1], dtype=int8)
    """
    quotient = np.asarray(lq, dtype=np.float64)
    size = np.asarray(employment, dtype=np.float64)
    if quotient.shape != size.shape:
        raise ValueError(f"specialised: lq is {quotient.shape}, employment {size.shape}")
    low, high = band
    if not low <= high:
        raise ValueError(f"specialised: band {band} is reversed")
    conditions = [
        np.isnan(quotient) | np.isnan(size),
        quotient < low,
        (quotient < high) | (size < floor),
    ]
    found = np.select(conditions, [UNKNOWN, NOT, BORDERLINE], SPECIALISED)
    return found.astype(np.int8)


def krugman(x: ArrayLike, y: ArrayLike) -> float:
    """Krugman (1991) index of two profiles: sum of |difference of shares|, 0 alike to 2 disjoint.

    Shares are taken over the sectors known in both. NaN: either has nothing in them.
    ValueError: not two vectors of one length, or a negative or infinite value.

    >>> krugman([30, 10, 0], [10, 30, 0])
    1.0
    """
    a, b = _shares("krugman", x, y)
    return float(np.abs(a - b).sum())


def finger_kreinin(x: ArrayLike, y: ArrayLike) -> float:
    """Finger and Kreinin (1979) similarity: sum of the lesser share, 1 alike to 0 disjoint.

    Unknown cells, NaN and errors as in `krugman`; equal to 1 - krugman / 2.

    >>> finger_kreinin([30, 10, 0], [10, 30, 0])
    0.5
    """
    a, b = _shares("finger_kreinin", x, y)
    return float(np.minimum(a, b).sum())


def cosine(x: ArrayLike, y: ArrayLike) -> float:
    """Cosine of the angle between two profiles (Salton and McGill 1983), 1 alike to 0 disjoint.

    Unknown cells, NaN and errors as in `krugman`.

    >>> round(cosine([30, 10, 0], [10, 30, 0]), 12)
    0.6
    """
    a, b = _shares("cosine", x, y)
    with np.errstate(invalid="ignore"):
        return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def _shares(name: str, x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
    a, b = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if a.ndim != 1 or a.shape != b.shape:
        raise ValueError(f"{name}: profiles are {a.shape} and {b.shape}, not vectors of one length")
    _amounts(f"{name}: x", a)
    _amounts(f"{name}: y", b)
    known = ~(np.isnan(a) | np.isnan(b))
    a, b = a[known], b[known]
    if not a.any() or not b.any():
        # One NaN, so that every sum over the shares is undefined too.
        return np.array([np.nan]), np.array([np.nan])
    # The largest first: sums of very small amounts would lose digits.
    a, b = a / a.max(), b / b.max()
    return a / a.sum(), b / b.sum()


def _amounts(what: str, values: Floats) -> None:
    if np.isinf(values).any() or (values < 0).any():
        raise ValueError(f"{what} has a negative or infinite value")

"""Input-output analysis: coefficients, inverses, linkages.

Rows of every table supply, columns use: `flows[i, j]` is what sector j buys from sector i, in the
units of row i. A coefficient `A[i, j]` is the input from i for one unit of output of j, so a path
of supply i -> k -> j has the product `A[i, k] * A[k, j]` (`strongest_path.py`). Nothing missing is
taken for zero: a table with a cell that is not finite is refused.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

RADIUS = 1 - 1e-12
"""Spectral radius from which a table counts as having no inverse; 1e-12 is for rounding."""

NOTHING = 1e-14
"""Requirement up to which an entry of an inverse is rounding, not supply."""


class Multipliers(NamedTuple):
    """Direct and indirect effects per unit of final demand, and their ratio to the direct ones."""

    effects: Floats
    ratio: Floats


def coefficients(flows: ArrayLike, output: ArrayLike) -> tuple[Floats, NDArray[np.bool_]]:
    """Input coefficients A = Z / x by column (Leontief 1936), and which sectors have no output.

    `flows` n x n and `output` n in the same unit of value. A column without output has no
    coefficients: it is zero in A and True in the mask, and whatever flows it holds are left out.
    ValueError: shapes, cells that are not finite, negative output.

    >>> a, empty = coefficients([[10, 20], [30, 0]], [100, 40])
    >>> a.tolist(), empty.tolist()
    ([[0.1, 0.5], [0.3, 0.0]], [False, False])
    """
    table, total = _table(flows, output)
    empty = total == 0
    return np.where(empty, 0.0, table / np.where(empty, 1.0, total)), empty


def allocations(flows: ArrayLike, output: ArrayLike) -> tuple[Floats, NDArray[np.bool_]]:
    """Allocation coefficients B = Z / x by row (Ghosh 1958), and which sectors have no output.

    `B[i, j]` is the share of the output of i that j buys. Otherwise as `coefficients`.

    >>> allocations([[10, 20], [30, 0]], [100, 40])[0].tolist()
    [[0.1, 0.2], [0.75, 0.0]]
    """
    table, total = _table(flows, output)
    empty = total == 0
    return np.where(empty, 0.0, (table.T / np.where(empty, 1.0, total))).T, empty


def leontief(a: ArrayLike) -> Floats:
    """Total requirements L = (I - A)^-1 (Leontief 1936): output of i for a final unit of j.

    ValueError: A is not square or not finite, or its spectral radius is 1 or more, where the
    rounds of supply 1 + A + A^2 + ... have no sum.

    >>> leontief([[0.5, 0.25], [0.0, 0.5]]).tolist()
    [[2.0, 1.0], [0.0, 2.0]]
    """
    table = square_table(a, "coefficients")
    size = np.abs(table)
    # The radius is at most any norm, and most tables have columns below one.
    if min(size.sum(0).max(initial=0.0), size.sum(1).max(initial=0.0)) >= RADIUS:
        radius = float(np.abs(np.linalg.eigvals(table)).max())
        if radius >= RADIUS:
            raise ValueError(
                f"no inverse: the spectral radius of the table is {radius:.6g}, not < 1"
            )
    return np.asarray(np.linalg.inv(np.eye(len(table)) - table), dtype=np.float64)


def ghosh(flows: ArrayLike, output: ArrayLike) -> Floats:
    """Ghosh inverse (I - B)^-1 of the allocation coefficients (Ghosh 1958).

    A sector without output has a row of the identity. ValueError: as `coefficients`, `leontief`.

    >>> ghosh([[0, 50], [0, 0]], [100, 80]).tolist()
    [[1.0, 0.5], [0.0, 1.0]]
    """
    return leontief(allocations(flows, output)[0])


def backward_linkages(inverse: ArrayLike) -> Floats:
    """Column sums of the Leontief inverse (Rasmussen 1956): output drawn by a final unit of j.

    >>> backward_linkages([[2.0, 1.0], [0.0, 2.0]]).tolist()
    [2.0, 3.0]
    """
    return np.asarray(square_table(inverse, "inverse").sum(0), dtype=np.float64)


def forward_linkages(inverse: ArrayLike) -> Floats:
    """Row sums of the Ghosh inverse (Jones 1976): output reached by a primary unit of i.

    >>> forward_linkages([[1.0, 0.5], [0.0, 1.0]]).tolist()
    [1.5, 1.0]
    """
    return np.asarray(square_table(inverse, "inverse").sum(1), dtype=np.float64)


def multipliers(inverse: ArrayLike, direct: ArrayLike) -> Multipliers:
    """Effects of a final unit of each sector: `direct` per unit of output, times the inverse.

    `direct` (n) is value added, employment or the like per unit of output; effects v L are
    direct and indirect, in its unit; the ratio v L / v is the multiplier of Miller and Blair
    (2009, type I), NaN where `direct` is zero. A NaN in `direct` makes those effects NaN that
    need anything of its sector. ValueError: shapes, infinite values.

    >>> multipliers([[2.0, 1.0], [0.0, 2.0]], [0.5, 0.0])
    Multipliers(effects=array([1. , 0.5]), ratio=array([ 2., nan]))
    """
    table = square_table(inverse, "inverse")
    v = np.asarray(direct, dtype=np.float64)
    if v.shape != (len(table),):
        raise ValueError(f"direct: shape {v.shape}, the inverse has {len(table)} sectors")
    if np.isinf(v).any():
        raise ValueError(f"direct: sector {int(np.isinf(v).argmax())} is infinite")
    unknown = np.isnan(v)
    effects = np.where(unknown, 0.0, v) @ table
    effects[(np.abs(table[unknown]) > NOTHING).any(0)] = np.nan
    defined = v != 0
    ratio = np.full(len(v), np.nan)
    ratio[defined] = effects[defined] / v[defined]
    return Multipliers(effects, ratio)


def upstreamness(flows: ArrayLike, output: ArrayLike) -> Floats:
    """Mean distance of each sector's output from final use (Antras et al. 2012), at least 1.

    (I - Delta)^-1 1 with allocation coefficients; NaN for a sector without output. For an open
    economy the authors take output less net exports and inventories as the denominator: the
    caller passes it as `output`. ValueError: as `ghosh`.

    >>> upstreamness([[0, 50, 0], [0, 0, 0], [0, 0, 0]], [100, 80, 0]).tolist()
    [1.5, 1.0, nan]
    """
    shares, empty = allocations(flows, output)
    found = forward_linkages(leontief(shares))
    found[empty] = np.nan
    return found


def average_propagation_length(inverse: ArrayLike) -> Floats:
    """Mean number of rounds in which j's demand reaches i (Dietzenbacher, Romero, Bosma 2005).

    L (L - I) over L - I, elementwise, n x n; NaN where i and j have no link, that is where
    L - I is 0 (up to the rounding of an inversion, 1e-14).

    >>> average_propagation_length([[1.0, 0.5, 0.25], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0]]).tolist()
    [[nan, 1.0, 2.0], [nan, nan, 1.0], [nan, nan, nan]]
    """
    table = square_table(inverse, "inverse")
    beyond = table - np.eye(len(table))
    linked = np.abs(beyond) > NOTHING
    found = np.full(table.shape, np.nan)
    found[linked] = (table @ beyond)[linked] / beyond[linked]
    return found


def square_table(values: ArrayLike, what: str) -> Floats:
    """The values as a table of floats; ValueError where it is not square or a cell not finite."""
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2 or table.shape[0] != table.shape[1]:
        raise ValueError(f"{what}: shape {table.shape}, not square")
    wrong = ~np.isfinite(table)
    if wrong.any():
        row, column = (int(n) for n in np.argwhere(wrong)[0])
        raise ValueError(f"{what}: row {row}, column {column} is not a finite number")
    return table


def _table(flows: ArrayLike, output: ArrayLike) -> tuple[Floats, Floats]:
    table = square_table(flows, "flows")
    total = np.asarray(output, dtype=np.float64)
    if total.shape != (len(table),):
        raise ValueError(f"output: shape {total.shape}, the flows have {len(table)} sectors")
    wrong = ~np.isfinite(total) | (total < 0)
    if wrong.any():
        raise ValueError(f"output: sector {int(wrong.argmax())} is {total[wrong.argmax()]}")
    return table, total

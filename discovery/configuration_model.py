"""The bipartite configuration model: what to expect of a matrix of 0 and 1 by its degrees alone."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from clusterloom.discovery.binary import binary

Floats = NDArray[np.float64]

TOLERANCE = 1e-10
"""Largest difference allowed between a degree and its expectation, see `bicm`."""


def bicm(M: Any) -> Floats:
    """Expected matrix (0 to 1, shape of `M`) of the bipartite configuration model.

    Implements Saracco et al. (2015): independent cells, P = x[r] y[j] / (1 + x[r] y[j]), rows and
    columns with the degrees of `M` on average, within 1e-10 (or 1e-10 of the largest degree).
    Cells that are equal in all matrices of these degrees, such as those of empty or full rows, are
    exactly 0 or 1, the limit of the model. Rows of one degree are equal. `M` is dense or scipy
    sparse. ValueError: not a matrix of 0 and 1; ArithmeticError: no solution to the tolerance.

    >>> bicm([[1, 1, 0], [1, 0, 1], [1, 0, 0]]).round(3)
    array([[1. , 0.5, 0.5],
           [1. , 0.5, 0.5],
           [1. , 0. , 0. ]])
    """
    m = binary("bicm: M", M, 2)
    rows = np.asarray(m.sum(axis=1)).ravel().astype(np.int64)
    columns = np.asarray(m.sum(axis=0)).ravel().astype(np.int64)
    order = np.argsort(-rows, kind="stable")
    # Most that the k fullest rows can hold (Gale 1957, Ryser 1957). Where they do hold it, they
    # have all of the columns of k or more, and the other rows nothing of those of k or fewer.
    at_least = columns.size - np.cumsum(np.bincount(columns, minlength=rows.size + 1))[:-1]
    slack = np.cumsum(at_least) - np.cumsum(rows[order])
    tight = [0, *(np.flatnonzero(slack == 0) + 1).tolist()]
    expected = np.zeros((rows.size, columns.size))
    for first, last in pairwise(tight):
        group = order[first:last]
        full = columns >= last
        expected[np.ix_(group, full)] = 1.0
        free = np.flatnonzero((columns > first) & ~full)
        if free.size:
            inside = _undecided(rows[group] - full.sum(), columns[free] - first)
            expected[np.ix_(group, free)] = inside
    return expected


def _undecided(rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Floats:
    """The model's expected matrix where no cell is certain: Newton on the log-likelihood.

    Rows of one degree share their unknown, as do columns, so that the system is small.
    """
    d, of_row, n = np.unique(rows, return_inverse=True, return_counts=True)
    e, of_column, m = np.unique(columns, return_inverse=True, return_counts=True)
    degrees, weights = np.concatenate([d, e]), np.concatenate([n, m])
    gauge = np.concatenate([np.ones(d.size), -np.ones(e.size)])

    def state(at: Floats) -> tuple[Floats, Floats, float]:
        logit = at[: d.size, None] + at[None, d.size :]
        p = expit(logit)
        missing = degrees - np.concatenate([p @ m, n @ p])
        likelihood = weights * degrees @ at - n @ np.logaddexp(0.0, logit) @ m
        return p, missing, float(likelihood)

    at = np.concatenate([np.log(d / (columns.size - d)), np.log(e / (rows.size - e))])
    at -= np.log(d @ n / (rows.size * columns.size - d @ n)) / 2
    p, missing, likelihood = state(at)
    bound = TOLERANCE * max(1.0, float(degrees.max()))
    for _ in range(200):
        if np.abs(missing).max() <= TOLERANCE:
            break
        spread = p * (1.0 - p) * n[:, None] * m[None, :]
        hessian = np.diag(np.concatenate([spread.sum(axis=1), spread.sum(axis=0)]))
        hessian[: d.size, d.size :] = spread
        hessian[d.size :, : d.size] = spread.T
        # Adding a constant to rows and taking it from columns changes nothing: pinned here.
        hessian += np.outer(gauge, gauge) * hessian.diagonal().mean() / gauge.size
        step = np.linalg.solve(hessian, weights * missing)
        rise, length = float(weights * missing @ step), 1.0
        while length > TOLERANCE:
            found = state(at + length * step)
            nearer = np.abs(found[1]).max() < np.abs(missing).max()
            if nearer or found[2] > likelihood + 1e-4 * length * rise:
                break
            length /= 2
        else:
            break
        at = at + length * step
        p, missing, likelihood = found
    if not np.abs(missing).max() <= bound:
        raise ArithmeticError(f"bicm: degrees are met only to {np.abs(missing).max():.1e}")
    return np.asarray(p[np.ix_(of_row, of_column)])

"""Nearness of members in the network of undertakings they share.

`adj` is the projection of members on one another: a symmetric scipy CSR matrix whose stored
entries are the ties, without diagonal, as `projection` returns it. Only where entries stand
counts, not their values. A score takes one member against all and touches no more than the
neighbours of its neighbours (PageRank: the whole network). A member's score with itself is NaN.
"""

from __future__ import annotations

from math import ceil, log
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

TOLERANCE = 1e-10
"""Change in the sum of absolute differences at which the iteration of PageRank ends."""


def projection(incidence: Any) -> Any:
    """The members (rows) that share at least one undertaking (columns): CSR, 0/1, no diagonal.

    Any entry that is not zero is a membership. ValueError: not of two dimensions.

    >>> projection(sparse.csr_matrix([[1, 0], [1, 1], [0, 1]])).toarray().tolist()
    [[0.0, 1.0, 0.0], [1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    """
    if len(incidence.shape) != 2:
        raise ValueError(f"incidence: shape {incidence.shape}, not members x undertakings")
    members = sparse.csr_matrix(incidence != 0, dtype=np.float64)
    shared = (members @ members.T).tocoo()
    off = shared.row != shared.col
    ones = np.ones(int(off.sum()))
    tied = sparse.csr_matrix((ones, (shared.row[off], shared.col[off])), shape=shared.shape)
    tied.sort_indices()
    return tied


def degree(adj: Any) -> Indices:
    """The number of ties of each member.

    >>> degree(sparse.csr_matrix([[0, 1, 1], [1, 0, 0], [1, 0, 0]])).tolist()
    [2, 1, 1]
    """
    _check(adj)
    return np.asarray(np.diff(adj.indptr), dtype=np.intp)


def adamic_adar(adj: Any, node: int) -> Floats:
    """Sum over common neighbours of 1 / ln(degree) (Adamic and Adar 2003), one member against all.

    A member of degree 1 is no common neighbour of two. ValueError: not square, no such member.

    >>> adamic_adar(sparse.csr_matrix([[0, 1, 0], [1, 0, 1], [0, 1, 0]]), 0).round(4).tolist()
    [nan, 0.0, 1.4427]
    """
    near = _neighbours(adj, node)
    return _spread(adj, node, near, _adamic_adar_weights(adj, near))


def adamic_adar_parts(adj: Any, a: int, b: int) -> list[tuple[int, float]]:
    """The common neighbours of two members and what each adds to the score, largest first.

    Equal parts stand in the order of the neighbours. ValueError: as above, or a is b.

    >>> adamic_adar_parts(sparse.csr_matrix([[0, 1, 0], [1, 0, 1], [0, 1, 0]]), 0, 2)
    [(1, 1.4426950408889634)]
    """
    if a == b:
        raise ValueError(f"a member has no score with itself: {a}")
    common = np.intersect1d(_neighbours(adj, a), _neighbours(adj, b), assume_unique=True)
    parts = zip(common.tolist(), _adamic_adar_weights(adj, common).tolist(), strict=True)
    return sorted(parts, key=lambda part: (-part[1], part[0]))


def resource_allocation(adj: Any, node: int) -> Floats:
    """Sum over common neighbours of 1 / degree (Zhou, Lu and Zhang 2009), one against all.

    >>> resource_allocation(sparse.csr_matrix([[0, 1, 0], [1, 0, 1], [0, 1, 0]]), 0).tolist()
    [nan, 0.0, 0.5]
    """
    near = _neighbours(adj, node)
    return _spread(adj, node, near, 1.0 / np.maximum(_degrees(adj, near), 1))


def jaccard(adj: Any, node: int) -> Floats:
    """Common neighbours over all neighbours of the two (Jaccard 1901), one member against all.

    NaN where neither has any.

    >>> jaccard(sparse.csr_matrix([[0, 1, 0], [1, 0, 1], [0, 1, 0]]), 0).tolist()
    [nan, 0.0, 1.0]
    """
    near = _neighbours(adj, node)
    common = _spread(adj, node, near, np.ones(len(near)))
    if len(near) == 0:
        common[degree(adj) == 0] = np.nan
        return common
    met = np.flatnonzero(common > 0)
    common[met] /= len(near) + _degrees(adj, met) - common[met]
    return common


def personalised_pagerank(adj: Any, node: int, damping: float = 0.85) -> Floats:
    """Share of time at each member of a walk that restarts at `node` (Jeh and Widom 2003).

    PageRank (Page et al. 1999) with all restarts at one member; a walk at a member without ties
    restarts. Sums to 1, the member itself included. Iterated until the change is below 1e-10.
    ValueError: as above, or `damping` not above 0 and below 1.

    >>> personalised_pagerank(sparse.csr_matrix([[0, 1], [1, 0]]), 0, 0.5).round(6).tolist()
    [0.666667, 0.333333]
    """
    _neighbours(adj, node)
    if not 0 < damping < 1:
        raise ValueError(f"damping is {damping}, not between 0 and 1")
    ties = degree(adj)
    out = damping / np.maximum(ties, 1)
    dangling = ties == 0
    pattern = sparse.csr_matrix((np.ones(adj.nnz), adj.indices, adj.indptr), shape=adj.shape)
    now = np.zeros(len(ties))
    now[node] = 1.0
    # Each step shrinks the change, 2 at most, by the damping.
    for _ in range(ceil(log(TOLERANCE / 2) / log(damping)) + 1):
        then = pattern @ (now * out)
        then[node] += 1 - damping + damping * float(now[dangling].sum())
        change = float(np.abs(then - now).sum())
        now = then
        if change < TOLERANCE:
            break
    return np.asarray(now, dtype=np.float64)


def _check(adj: Any) -> None:
    if getattr(adj, "format", None) != "csr" or adj.shape[0] != adj.shape[1]:
        raise ValueError(f"adj: {type(adj).__name__} of shape {adj.shape}, not a square CSR matrix")


def _neighbours(adj: Any, node: int) -> Indices:
    _check(adj)
    if not 0 <= node < adj.shape[0]:
        raise ValueError(f"no member {node} among {adj.shape[0]}")
    return np.asarray(adj.indices[adj.indptr[node] : adj.indptr[node + 1]], dtype=np.intp)


def _degrees(adj: Any, nodes: Indices) -> Indices:
    return np.asarray(adj.indptr[nodes + 1] - adj.indptr[nodes], dtype=np.intp)


def _adamic_adar_weights(adj: Any, nodes: Indices) -> Floats:
    # A neighbour of degree 1 leads only back; its weight, 1 / ln 1, is never met.
    return 1.0 / np.log(np.maximum(_degrees(adj, nodes), 2))


def _spread(adj: Any, node: int, near: Indices, weights: Floats) -> Floats:
    """The sum of the weights of the neighbours that each member shares with `node`."""
    sizes = _degrees(adj, near)
    offsets = np.repeat(adj.indptr[near] - (np.cumsum(sizes) - sizes), sizes)
    reached = adj.indices[offsets + np.arange(len(offsets))]
    found = np.bincount(reached, np.repeat(weights, sizes), adj.shape[0])
    scores = np.asarray(found, dtype=np.float64)
    scores[node] = np.nan
    return scores

"""Ranks, fusion of ranks and the first few of many, all in an order that never varies.

What has no value is not ranked: NaN in, NaN out. Equal values share a rank; their keys (ids)
decide only the order in which they are listed.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Keys = Sequence[Any] | NDArray[Any]
"""One key an item, all of one type that has an order; equal keys stand in the order given."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """Items by rank: `rank` (n, NaN for the unranked) and `order` (indices of the ranked)."""

    rank: Floats
    order: Indices

    def tied_with(self, index: int) -> list[int]:
        """The other items of the same rank, in their order; none for an unranked item.

        It is a method because lists for all would take the square of a large tie.
        """
        if not 0 <= index < len(self.rank):
            raise ValueError(f"index: no item {index} among {len(self.rank)}")
        if np.isnan(self.rank[index]):
            return []
        low = high = int(self.rank[index]) - 1
        while high < len(self.order) and self.rank[self.order[high]] == self.rank[index]:
            high += 1
        return [i for i in self.order[low:high].tolist() if i != index]


def ranks(values: ArrayLike, descending: bool = True, keys: Keys | None = None) -> Ranking:
    """Competition ranks (1, 2, 2, 4) of n values; NaN is unranked.

    Tied values are ordered by key, without keys by index. ValueError: shapes.

    >>> found = ranks([5.0, 7.0, float("nan"), 5.0, 1.0], keys=["d", "b", "c", "a", "e"])
    >>> found.rank.tolist(), found.order.tolist(), found.tied_with(3)
    ([2.0, 1.0, nan, 2.0, 4.0], [1, 3, 0, 4], [0])
    """
    cost = _costs(values, descending, keys)
    found = np.flatnonzero(~np.isnan(cost))
    place = np.arange(len(cost)) if keys is None else _places(keys)
    order = found[np.lexsort((place[found], cost[found]))]
    rank = np.full(len(cost), np.nan)
    ordered = cost[order]
    rank[order] = np.searchsorted(ordered, ordered, side="left") + 1
    return Ranking(rank, order)


def places(values: ArrayLike, descending: bool = True) -> Floats:
    """`ranks(values).rank` for those who need no order.

    >>> places([5.0, 7.0, float("nan"), 5.0, 1.0]).tolist()
    [2.0, 1.0, nan, 2.0, 4.0]
    """
    cost = _costs(values, descending, None)
    known = ~np.isnan(cost)
    found = np.full(len(cost), np.nan)
    found[known] = np.searchsorted(np.sort(cost[known]), cost[known], side="left") + 1
    return found


def borda(lists: Sequence[ArrayLike]) -> Floats:
    """Points of n items fused from vectors of ranks (Borda 1781), the more the better.

    The rule, for each list: the item in place p of n (from 1) gets n - p points; tied items
    share the mean of the points of their places; items without rank (NaN) share the mean of the
    points of the places that are left, so that a list always gives n(n-1)/2 points in all and
    one that ranks nothing changes no order. Only the order within a list counts, not the size
    of its numbers. Points are summed over the lists; an item that no list ranks is NaN.
    ValueError: no lists, lists of different lengths, infinite ranks.

    >>> nan = float("nan")
    >>> borda([[1, 2, 2, 4], [1, nan, 2, nan]]).tolist()
    [6.0, 2.0, 3.5, 0.5]
    """
    vectors = [np.asarray(vector, dtype=np.float64) for vector in lists]
    if not vectors:
        raise ValueError("lists: none to fuse")
    n = vectors[0].size
    found, ranked = np.zeros(n), np.zeros(n, dtype=np.bool_)
    for number, vector in enumerate(vectors):
        if vector.shape != (n,):
            raise ValueError(f"lists: number {number} has shape {vector.shape}, not {(n,)}")
        if np.isinf(vector).any():
            raise ValueError(f"lists: number {number}, item {int(np.isinf(vector).argmax())}")
        found += points(vector)
        ranked |= ~np.isnan(vector)
    found[~ranked] = np.nan
    return found


def points(ranks: ArrayLike) -> Floats:
    """What one list of ranks gives each item in `borda`; also to those that it does not rank.

    >>> points([1, float("nan"), 2, float("nan")]).tolist()
    [3.0, 0.5, 2.0, 0.5]
    """
    vector = np.asarray(ranks, dtype=np.float64)
    n = vector.size
    known = ~np.isnan(vector)
    ordered = np.sort(vector[known])
    first = np.searchsorted(ordered, vector[known], side="left")
    last = np.searchsorted(ordered, vector[known], side="right") - 1
    found = np.full(n, (n - 1 - len(ordered)) / 2)
    found[known] = n - 1 - (first + last) / 2
    return found


def top(values: ArrayLike, n: int, keys: Keys | None = None, descending: bool = True) -> Indices:
    """Indices of the first `n` values in the order of `ranks`, without sorting the others.

    NaN never appears, so there may be fewer. ValueError: shapes, negative `n`.

    >>> top([5.0, 7.0, float("nan"), 5.0, 1.0], 2, ["d", "b", "c", "a", "e"]).tolist()
    [1, 3]
    """
    if n < 0:
        raise ValueError(f"n is {n}, not 0 or more")
    cost = _costs(values, descending, keys)
    found = np.flatnonzero(~np.isnan(cost))
    n = min(n, len(found))
    if n == 0:
        return found[:0]
    known = cost[found]
    limit = np.partition(known, n - 1)[n - 1]
    better = found[known < limit]
    equal = found[known == limit]
    last = _first(equal, n - len(better), keys)
    inside = _first(better, len(better), keys)
    inside = inside[np.argsort(cost[inside], kind="stable")]
    return np.concatenate([inside, last])


def _first(indices: Indices, n: int, keys: Keys | None) -> Indices:
    """The `n` of ascending indices that have the smallest keys, in the order of these."""
    if keys is None:
        return indices[:n]
    if isinstance(keys, np.ndarray):
        return indices[np.argsort(keys[indices], kind="stable")[:n]]
    chosen = heapq.nsmallest(n, indices.tolist(), key=keys.__getitem__)
    return np.asarray(chosen, dtype=np.intp)


def _places(keys: Keys) -> NDArray[Any]:
    if isinstance(keys, np.ndarray):
        return keys
    place = np.empty(len(keys), dtype=np.intp)
    place[sorted(range(len(keys)), key=keys.__getitem__)] = np.arange(len(keys))
    return place


def _costs(values: ArrayLike, descending: bool, keys: Keys | None) -> Floats:
    """The values such that the smallest is the best."""
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 1:
        raise ValueError(f"values: shape {found.shape}, not one dimension")
    if keys is not None and len(keys) != len(found):
        raise ValueError(f"keys: {len(keys)} for {len(found)} values")
    return -found if descending else found

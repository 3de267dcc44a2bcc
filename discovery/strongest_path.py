"""The strongest supply paths from one sector to another: greatest product of coefficients.

`a[i, j]` is the input from sector i for one unit of output of j, so a path i -> k -> j has the
product `a[i, k] * a[k, j]`. A path is elementary: it meets no sector twice, so that none turns in a
circle, also where one gains. Of a table that has an inverse the search goes straight to its end;
where circles gain it may have to try more than can be tried, and then says so.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clusterloom.discovery.input_output import leontief, square_table

Floats = NDArray[np.float64]

MOST_AT_ONCE, MOST = 100_000, 2_000_000
"""Beginnings of paths that one search, and all of a call together, may look at: some seconds.
Tables that have an inverse need less than half of it for 50 paths of 12 steps among 130 sectors."""


class TooManyPaths(ValueError):
    """The strongest paths were not found: the circles of the table gain, and hide them."""


class SupplyPath(NamedTuple):
    """Sectors from source to target, the product of coefficients, its share of the requirement."""

    nodes: tuple[int, ...]
    product: float
    share: float


def strongest_path(
    a: ArrayLike, source: int, target: int, longest: int = 6, inverse: ArrayLike | None = None
) -> SupplyPath | None:
    """The elementary path of greatest product of coefficients, None where there is none.

    The product is the direct influence of Defourny and Thorbecke (1984); `share` is its part of
    the total requirement `L[source, target]`, NaN where A has no Leontief inverse. `longest` is
    the number of steps. A coefficient that is not positive is no step. Of equal products the
    path of fewer steps comes first, then that of smaller numbers. `inverse` is `leontief(a)`
    where the caller has it. Coefficients of 1 and more are allowed. TooManyPaths: only of a table
    with circles of product above 1, which none that has an inverse has, and of few of those.
    ValueError: A is not square or not finite, sectors outside it or the same, `longest` below 1.

    >>> strongest_path([[0, 0.5, 0.1], [0, 0, 0.4], [0, 0, 0]], 0, 2)
    SupplyPath(nodes=(0, 1, 2), product=0.2, share=0.6666666666666666)
    """
    found = strongest_paths(a, source, target, 1, longest, inverse)
    return found[0] if found else None


def strongest_paths(
    a: ArrayLike,
    source: int,
    target: int,
    k: int,
    longest: int = 6,
    inverse: ArrayLike | None = None,
) -> list[SupplyPath]:
    """The `k` elementary paths of greatest product, best first, fewer where there are no more.

    Deviations from the paths found so far, as in Yen (1971). Otherwise as `strongest_path`.

    >>> paths = strongest_paths([[0, 0.5, 0.1], [0, 0, 0.4], [0, 0, 0]], 0, 2, 5)
    >>> [(path.nodes, path.product) for path in paths]
    [((0, 1, 2), 0.2), ((0, 2), 0.1)]
    """
    table = square_table(a, "coefficients")
    for name, sector in (("source", source), ("target", target)):
        if not 0 <= sector < len(table):
            raise ValueError(f"{name}: no sector {sector} among {len(table)}")
    if source == target:
        raise ValueError(f"source and target are the same sector, {source}")
    if longest < 1 or k < 0:
        raise ValueError(f"longest is {longest} and k is {k}: not below 1 and not below 0")
    steps = np.where(table > 0, table, 0.0)
    best: list[_Key] = []
    for key in _yen(steps, source, target, longest, _Looked()):
        if len(best) == k:
            break
        best.append(key)
    if not best:
        return []
    total = _requirement(table, source, target, inverse)
    return [SupplyPath(nodes, -cost, -cost / total) for cost, _, nodes in best]


_Key = tuple[float, int, tuple[int, ...]]
"""Minus the product, steps, nodes: paths in ascending order of it are best first."""


class _Looked:
    """Counts the beginnings of paths that were looked at."""

    def __init__(self) -> None:
        self.all = self.now = 0

    def begin(self) -> None:
        self.now = 0

    def add(self, many: int) -> None:
        self.all += many
        self.now += many
        if self.now > MOST_AT_ONCE or self.all > MOST:
            raise TooManyPaths(
                "the table has circles of supply whose product is above 1, and the strongest path "
                f"was not found among {self.all:,} beginnings of paths"
            )


def _yen(steps: Floats, source: int, target: int, longest: int, looked: _Looked) -> Iterator[_Key]:
    accepted: list[tuple[int, ...]] = []
    first = _best(steps, (source,), 1.0, target, longest, set(), looked)
    waiting = [first] if first else []
    seen = {key[2] for key in waiting}
    while waiting:
        key = heapq.heappop(waiting)
        yield key
        nodes = key[2]
        accepted.append(nodes)
        product = 1.0
        for at in range(len(nodes) - 1):
            root = nodes[: at + 1]
            if at:
                product *= float(steps[nodes[at - 1], nodes[at]])
            taken = {path[at + 1] for path in accepted if path[: at + 1] == root}
            spur = _best(steps, root, product, target, longest - at, taken, looked)
            if spur and spur[2] not in seen:
                seen.add(spur[2])
                heapq.heappush(waiting, spur)


def _best(
    steps: Floats,
    root: tuple[int, ...],
    product: float,
    target: int,
    left: int,
    taken: set[int],
    looked: _Looked,
) -> _Key | None:
    """The best path that begins with `root`, does not go on to `taken`, and has `left` steps more.

    Best first under the bound of the best walk that is left. Without cycles of product above 1
    that walk is elementary and the search goes straight to the target.
    """
    open_ = steps.copy()
    open_[:, list(root)] = 0.0
    open_[target] = 0.0
    bounds = [np.zeros(len(steps))]
    bounds[0][target] = 1.0
    for _ in range(left - 1):
        bounds.append(np.maximum((open_ * bounds[-1]).max(1), bounds[-1]))
    looked.begin()
    heap: list[_Key] = [(-np.inf, len(root), root)]
    reached = {root: product}
    while heap:
        key = heapq.heappop(heap)
        nodes = key[2]
        if nodes[-1] == target:
            return key
        so_far = reached.pop(nodes)
        remaining = left - (len(nodes) - len(root)) - 1
        products = so_far * open_[nodes[-1]]
        reach = products * bounds[remaining]
        reach[list(nodes)] = 0.0
        if nodes == root:
            reach[list(taken)] = 0.0
        ways = np.flatnonzero(reach).tolist()
        looked.add(len(ways))
        for node in ways:
            path = (*nodes, node)
            if node != target:
                reached[path] = float(products[node])
            # One step more at least, so that of equal products the shortest is met first.
            length = len(path) - (node == target)
            heapq.heappush(heap, (-float(reach[node]), length, path))
    return None


def _requirement(table: Floats, source: int, target: int, inverse: ArrayLike | None) -> float:
    if inverse is not None:
        total = square_table(inverse, "inverse")
        if total.shape != table.shape:
            raise ValueError(f"inverse: shape {total.shape}, coefficients {table.shape}")
        found = float(total[source, target])
    else:
        try:
            found = float(leontief(table)[source, target])
        except ValueError:
            return float("nan")
    return found if found > 0 else float("nan")

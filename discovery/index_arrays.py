"""Arrays of the index made of rows: things by place, given as IRI -> place.

What a row names that has no place is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Places = Mapping[str, int]
Rows = Sequence[tuple[str, ...]]


class Table(NamedTuple):
    """Which input-output table the supply links of the index are of."""

    year: int
    economy: str


def csr(name: str, rows: Rows, one: Places, other: Places) -> dict[str, Array]:
    """Which things of one kind are related to which of another, each pair once, ascending."""
    width = max(1, len(other))
    firsts, seconds = _column(rows, 0, one), _column(rows, 1, other)
    kept = (firsts >= 0) & (seconds >= 0)
    pairs = np.unique(firsts[kept] * width + seconds[kept])
    many = np.bincount(pairs // width, minlength=len(one))
    indptr = np.concatenate([[0], np.cumsum(many)]).astype(np.int32)
    return {f"{name}.indptr": indptr, f"{name}.indices": (pairs % width).astype(np.int32)}


def triples(rows: Rows, one: Places, other: Places, codes: Mapping[str, int]) -> Array:
    """Rows of places and match, ascending; the best match of a pair that is stated twice."""
    best: dict[tuple[int, int], int] = {}
    for first, second, match in rows:
        if first in one and second in other:
            pair = one[first], other[second]
            best[pair] = max(best.get(pair, -1), codes.get(match, 0))
    found = sorted((*pair, match) for pair, match in best.items())
    return np.array(found, dtype=np.int32).reshape(-1, 3)


def supply_table(rows: Rows) -> Table | None:
    """The newest year, and of its economies the first by name: tables are not mixed."""
    tables = {(-int(year), economy) for _, _, _, year, economy in rows}
    return Table(-min(tables)[0], min(tables)[1]) if tables else None


def supply(rows: Rows, products: Places) -> Array:
    """Input coefficients product by product, of one table; NaN for a product whose column has none.

    The largest counts where a link is stated twice.
    """
    table = supply_table(rows)
    found = np.zeros((len(products), len(products)))
    for first, second, coefficient, year, economy in rows:
        if (int(year), economy) == table and first in products and second in products:
            at = products[first], products[second]
            found[at] = max(found[at], float(coefficient))
    found[:, found.sum(axis=0) == 0] = np.nan
    return found


def counts(rows: Rows, regions: Places, levels: Array, fields: Places) -> Array:
    """Rows of region (NUTS 0 to 2), field and number of firms, ascending."""
    found = sorted(
        (regions[region], fields[field], int(firms))
        for region, field, firms in rows
        if region in regions and field in fields and 0 <= levels[regions[region]] < 3
    )
    return np.array(found, dtype=np.int32).reshape(-1, 3)


def _column(rows: Rows, number: int, places: Places) -> NDArray[np.int64]:
    return np.fromiter((places.get(row[number], -1) for row in rows), np.int64, len(rows))

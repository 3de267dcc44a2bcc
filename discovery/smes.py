"""How many small firms are known in a region in some fields, with small numbers suppressed.

The index counts firms by region and field of science. A number below LEAST is never told, and
nothing that is told is made from one: bounds over several fields take the told numbers, and
LEAST - 1 for each that is not. Firms are those of the projects that are loaded, so that no number
is not zero.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from clusterloom.discovery.index import Index

LEAST = 3
"""Firms from which on a number is told."""
SUPPRESSED = f"fewer than {LEAST}"
CAVEAT = (
    f"SMEs are those known from the projects that are loaded, by field of science; numbers below "
    f"{LEAST} are suppressed, and none known does not mean that there is none"
)
NAMED = 20
"""Fields that are listed by name."""
_HIDDEN = -1

_told: WeakKeyDictionary[Index, dict[tuple[int, int], int]] = WeakKeyDictionary()


@dataclass(frozen=True)
class Firms:
    """What may be told of the firms of a region in some fields.

    `at_least` and `at_most` bound the number of different firms, who may work in several of the
    fields; None where none is known, and `at_least` also where every number is suppressed.
    """

    at_least: int | None = None
    at_most: int | None = None
    fields: list[dict[str, Any]] = field(default_factory=list)

    @property
    def text(self) -> str | None:
        """In words; None where no firm is known.

        >>> Firms(4, 9).text, Firms(5, 5).text, Firms(None, 2).text, Firms().text
        ('4 to 9', '5', 'fewer than 3', None)
        """
        if self.at_most is None:
            return None
        if self.at_least is None:
            several = self.at_most // (LEAST - 1)
            return SUPPRESSED if several == 1 else f"{SUPPRESSED} in each of {several} fields"
        if self.at_least == self.at_most:
            return str(self.at_least)
        return f"{self.at_least} to {self.at_most}"


def firms(index: Index, region: int, fields: NDArray[np.int64]) -> Firms:
    """The firms known in a region in any of the fields, places of capabilities."""
    told = _table(index)
    found = [(int(f), told[region, int(f)]) for f in fields if (region, int(f)) in told]
    if not found:
        return Firms()
    things = index.things["capabilities"]
    shown = [number for _, number in found if number != _HIDDEN]
    hidden = len(found) - len(shown)
    found.sort(key=lambda pair: (-pair[1], things.iris[pair[0]]))
    named = [
        {"iri": things.iris[f], "label": things.labels[f],
         "firms": SUPPRESSED if number == _HIDDEN else number}
        for f, number in found[:NAMED]
    ]  # fmt: skip
    most = sum(shown) + (LEAST - 1) * hidden
    return Firms(max(shown) if shown else None, most, named)


def fields_of(index: Index, table: str, place: int) -> NDArray[np.int64]:
    """What an area or a stage maps to, with its parts; `table` is area_capability or
    stage_capability."""
    rows = index.arrays[table]
    wide = rows[rows[:, 0] == place, 1]
    parts = [index.related_to("within", int(one)) for one in wide]
    return np.unique(np.concatenate([wide, *parts])).astype(np.int64)


def _table(index: Index) -> dict[tuple[int, int], int]:
    """The number of each cell of region and field, _HIDDEN where it may not be told.

    The number of a wider region is hidden too where one of its parts is hidden, or where so few
    are in none of its parts: the difference would tell it.
    """
    found = _told.get(index)
    if found is not None:
        return found
    cells = {(int(r), int(f)): int(n) for r, f, n in index.arrays["sme_field"]}
    regions, level = index.things["regions"], index.arrays["region_level"]
    found = {cell: n if n >= LEAST else _HIDDEN for cell, n in cells.items()}
    inside: dict[tuple[int, int], int] = {}
    for (region, one), number in cells.items():
        above = regions.by_key.get(regions.key(region)[:3]) if level[region] == 2 else None
        if above is not None and (above, one) in cells:
            inside[above, one] = inside.get((above, one), 0) + number
            if number < LEAST:
                found[above, one] = _HIDDEN
    for cell, number in inside.items():
        if 0 < cells[cell] - number < LEAST:
            found[cell] = _HIDDEN
    _told[index] = found
    return found

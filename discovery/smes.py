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
WITHHELD = "withheld"
"""Of a number that is not small but would tell one of a part of the region."""
CAVEAT = (
    f"SMEs are those known from the projects that are loaded, by field of science; numbers below "
    f"{LEAST} are suppressed, and none known does not mean that there is none"
)
NAMED = 20
"""Fields that are listed by name."""
_HIDDEN, _KEPT_BACK = -1, -2
_WORDS = {_HIDDEN: SUPPRESSED, _KEPT_BACK: WITHHELD}

Cells = NDArray[np.int64]
_told: WeakKeyDictionary[Index, tuple[Cells, Cells]] = WeakKeyDictionary()


@dataclass(frozen=True)
class Firms:
    """What may be told of the firms of a region in some fields.

    `at_least` and `at_most` bound the number of different firms, who may work in several of the
    fields; None where nothing is known or told of that bound. Without `fields` no firm is known.
    """

    at_least: int | None = None
    at_most: int | None = None
    fields: list[dict[str, Any]] = field(default_factory=list)

    @property
    def text(self) -> str | None:
        """In words; None where no firm is known.

        >>> some = [{"firms": 4}]
        >>> Firms(4, 9, some).text, Firms(5, 5, some).text, Firms(None, 2, some).text, Firms().text
        ('4 to 9', '5', 'fewer than 3', None)
        >>> Firms(4, None, some).text, Firms(None, None, some).text
        ('at least 4', 'withheld')
        """
        if not self.fields:
            return None
        if self.at_most is None:
            return WITHHELD if self.at_least is None else f"at least {self.at_least}"
        if self.at_least is None:
            several = self.at_most // (LEAST - 1)
            return SUPPRESSED if several == 1 else f"{SUPPRESSED} in each of {several} fields"
        if self.at_least == self.at_most:
            return str(self.at_least)
        return f"{self.at_least} to {self.at_most}"


def firms(index: Index, region: int, fields: NDArray[np.int64]) -> Firms:
    """The firms known in a region in any of the fields, places of capabilities."""
    cells, told = _table(index)
    things = index.things["capabilities"]
    wanted = region * len(things) + np.asarray(fields, np.int64)
    at = np.searchsorted(cells, wanted)
    found = [
        (int(f), int(told[n])) for f, n, cell in zip(fields, at, wanted, strict=True)
        if n < len(cells) and cells[n] == cell
    ]  # fmt: skip
    if region < 0 or not found:
        return Firms()
    shown = [number for _, number in found if number >= LEAST]
    hidden = sum(number == _HIDDEN for _, number in found)
    found.sort(key=lambda pair: (-pair[1], things.iris[pair[0]]))
    named = [
        {"iri": things.iris[f], "label": things.labels[f],
         "firms": _WORDS.get(number, number)}
        for f, number in found[:NAMED]
    ]  # fmt: skip
    most = sum(shown) + (LEAST - 1) * hidden if len(shown) + hidden == len(found) else None
    return Firms(max(shown) if shown else None, most, named)


def fields_of(index: Index, table: str, place: int) -> NDArray[np.int64]:
    """What an area or a stage maps to, with its parts; `table` is area_capability or
    stage_capability."""
    rows = index.arrays[table]
    wide = rows[rows[:, 0] == place, 1]
    parts = [index.related_to("within", int(one)) for one in wide]
    return np.unique(np.concatenate([wide, *parts])).astype(np.int64)


def _table(index: Index) -> tuple[Cells, Cells]:
    """Cells of region and field as one number each, ascending, and how many firms each has.

    A small number is _HIDDEN. That of a wider region is _KEPT_BACK where one of its parts is
    hidden, or where few are in none of its parts: the difference would tell it.
    """
    found = _told.get(index)
    if found is not None:
        return found
    rows = np.asarray(index.arrays["sme_field"], dtype=np.int64).reshape(-1, 3)
    fields = len(index.things["capabilities"])
    cells, number = rows[:, 0] * fields + rows[:, 1], rows[:, 2]
    told = np.where(number < LEAST, _HIDDEN, number)
    wide = _above(index)[rows[:, 0]] * fields + rows[:, 1]
    at = np.searchsorted(cells, wide)
    part = np.flatnonzero((at < len(cells)) & (cells[np.minimum(at, len(cells) - 1)] == wide))
    inside, hidden = np.zeros(len(cells), np.int64), np.zeros(len(cells), bool)
    np.add.at(inside, at[part], number[part])
    hidden[at[part[number[part] < LEAST]]] = True
    rest = number - inside
    told[(number >= LEAST) & (hidden | ((inside > 0) & (rest > 0) & (rest < LEAST)))] = _KEPT_BACK
    _told[index] = cells, told
    return cells, told


def _above(index: Index) -> Cells:
    """The NUTS 1 region of each NUTS 2 region, -1 for others."""
    regions, level = index.things["regions"], index.arrays["region_level"]
    found = np.full(len(regions), -1, np.int64)
    for place in np.flatnonzero(level == 2).tolist():
        found[place] = regions.by_key.get(regions.key(place)[:3], -1)
    return found

"""The form of every answer: a value, the parts it is the sum of, and on what they rest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from clusterloom.discovery.index import Things
from clusterloom.discovery.ranking import ranks

MOST = 20
"""Ids of tied items that are named."""


@dataclass(frozen=True)
class Method:
    """How a value is computed: name, who published it, version of ours, parameters of the call."""

    name: str
    citation: str
    version: str = "1"
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """One summand of a value: a code with its parameters, and the same in English."""

    code: str
    label: str
    value: float
    parameters: dict[str, Any] = field(default_factory=dict)
    evidence: tuple[str, ...] = ()


@dataclass
class Item:
    """One hit. `value` is the sum of the parts; `query` is SPARQL that gives what they rest on."""

    id: str
    iri: str
    label: str
    value: float | None
    explanation: list[Part]
    measures: dict[str, float | int | None] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    evidence: list[str] = field(default_factory=list)
    caveats: list[str] = field(default_factory=list)
    query: str = ""
    rank: int | None = None
    tied_with: list[str] = field(default_factory=list)


@dataclass
class Answer:
    """A ranked answer; `total` counts the hits of which `items` are the first.

    `coverage` tells how much was known; `complete` is False wherever a list behind the answer may
    lack something, so that what is not in it is not denied.
    """

    items: list[Item]
    total: int
    method: Method
    coverage: dict[str, Any]
    release: str
    complete: bool = False
    caveats: list[str] = field(default_factory=list)
    about: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Plain values for JSON: numbers that are undefined are null."""
        plain: dict[str, Any] = orjson.loads(self.as_bytes())
        return plain

    def as_bytes(self) -> bytes:
        """The same, written."""
        return orjson.dumps(self)


def ranked(items: list[Item], values: Sequence[float]) -> list[Item]:
    """The items by value, largest first, with ranks and ties told; ties are in order of id.

    Undefined values (NaN) come last and have no rank.

    >>> items = [Item(n, n, n, 0.0, []) for n in "abc"]
    >>> [(i.id, i.rank, i.tied_with) for i in ranked(items, [1.0, 2.0, 2.0])]
    [('b', 1, ['c']), ('c', 1, ['b']), ('a', 3, [])]
    """
    if not items:
        return []
    found = ranks(values, keys=[item.id for item in items])
    tied: dict[float, list[str]] = {}
    for place in found.order:
        tied.setdefault(float(values[place]), []).append(items[place].id)
    for place in found.order:
        item = items[place]
        item.rank = int(found.rank[place])
        item.tied_with = [other for other in tied[float(values[place])] if other != item.id][:MOST]
    last = sorted(
        (n for n in range(len(items)) if math.isnan(values[n])), key=lambda n: items[n].id
    )
    return [items[n] for n in (*found.order, *last)]


def tell_ties(
    things: Things, items: Sequence[Item], order: NDArray[np.float64], hits: NDArray[Any]
) -> None:
    """Names those among all hits that share the last item's place, though they are not items."""
    if not items:
        return
    last = order[things.place[items[-1].iri]]
    same = hits[order[hits] == last][: MOST + 1].tolist()
    for item in items:
        if order[things.place[item.iri]] == last:
            keys = [things.key(place) for place in same]
            item.tied_with = [key for key in keys if key != item.id][:MOST]

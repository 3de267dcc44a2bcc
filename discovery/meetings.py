"""Undertakings in which two divisions meet: two different clusters, one of each.

A cluster that has both divisions is no tie between two clusters. An undertaking counts where two
or more clusters of known divisions take part: with fewer, no two could be seen to meet. For a
pair of divisions it does not count either where one and the same cluster is the only one of the
first and the only one of the second, since it shows neither that clusters meet nor that they keep
apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from clusterloom.discovery import cooccurrence
from clusterloom.discovery.cooccurrence import Counts


@dataclass(frozen=True)
class Meetings:
    """Counts of undertakings: `population` in all, `own` by division, `joint` by pair.

    `joint` are those in which two different clusters have one division each, `by_one` those that
    do not count for the pair; diagonals are 0. Of a pair that leaves `population - by_one`
    undertakings, `own - by_one` of each division.
    """

    population: int
    own: Counts
    joint: Counts
    by_one: Counts


def meetings(members: Any, divisions: Any) -> Meetings:
    """The counts of undertakings x clusters and clusters x divisions, scipy sparse of 0 and 1.

    >>> members, divisions = [[1, 1, 0], [1, 0, 1], [0, 1, 0]], [[1, 1, 0], [0, 1, 0], [0, 0, 1]]
    >>> found = meetings(sparse.csr_array(members), sparse.csr_array(divisions))
    >>> found.population, found.own.tolist(), found.joint[0].tolist(), found.by_one[0].tolist()
    (2, [2, 2, 1], [0, 1, 1], [0, 1, 0])
    """
    takes_part, has = sparse.csr_array(members), sparse.csr_array(divisions)
    known = np.diff(has.indptr) > 0
    kept = takes_part[np.flatnonzero(takes_part @ known.astype(np.int64) >= 2)]
    some = (kept @ has).tocsr()
    some.data = np.ones_like(some.data)
    present, own, population = cooccurrence.counts(some)
    by_one = _by_one(kept, has)
    return Meetings(population, own, present - by_one, by_one)


def _by_one(takes_part: sparse.csr_array, has: sparse.csr_array) -> Counts:
    """Undertakings of each pair in which one cluster is the only one of both."""
    undertaking = np.repeat(np.arange(takes_part.shape[0]), np.diff(takes_part.indptr))
    # a row for each membership: the divisions that nobody else there has
    each = sparse.coo_array(has[takes_part.indices])
    place = undertaking[each.row].astype(np.int64) * has.shape[1] + each.col
    _, at, many = np.unique(place, return_inverse=True, return_counts=True)
    alone: NDArray[np.bool_] = many[at] == 1
    ones = np.ones(int(alone.sum()), dtype=np.int64)
    sole = sparse.csr_array((ones, (each.row[alone], each.col[alone])), shape=each.shape)
    return cooccurrence.counts(sole)[0]

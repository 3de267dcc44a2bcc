"""Ties between clusters, and which of them are held out of the graph."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

import numpy as np

from clusterloom.discovery.index import Index, Things

Tie = tuple[int, int]
"""Places of two clusters, the lower first."""
Ties = dict[Tie, list[int]]
"""Each tie and the undertakings that it stands on, ascending."""

SHARE = 0.1
"""Of the ties, held out at random."""
NEWEST = 0.15
"""Of the ties, held out by year as nearly as years allow."""


def ties_of(index: Index) -> Ties:
    """Every pair of clusters that take part in something together, in order, and in what."""
    found: Ties = {}
    for undertaking in range(len(index.things["undertakings"])):
        members = index.related_to("cluster_undertaking", undertaking).tolist()
        for pair in combinations(members, 2):
            found.setdefault(pair, []).append(undertaking)
    return dict(sorted(found.items()))


def without(index: Index, held: Iterable[Tie]) -> Index:
    """The same index whose `cluster_undertaking` lacks these ties and has every other.

    Each tie that is left is an undertaking of two: a tie cannot be taken out of an undertaking of
    several otherwise. The axes read who is tied to whom, not in what.
    """
    gone = set(held)
    kept = [tie for tie in ties_of(index) if tie not in gone]
    iris = [f"{index.release}/tie/{n:09d}" for n in range(len(kept))]
    things = index.things | {
        "undertakings": Things(iris, iris, {"year": [""] * len(kept), "kinds": [""] * len(kept)})
    }
    ends = np.array(kept, dtype=np.int64).reshape(-1, 2)
    order = np.lexsort((np.repeat(np.arange(len(kept)), 2), ends.ravel()))
    many = np.bincount(ends.ravel(), minlength=len(index.things["clusters"]))
    arrays = index.arrays | {
        "cluster_undertaking.indptr": np.concatenate([[0], np.cumsum(many)]).astype(np.int32),
        "cluster_undertaking.indices": np.repeat(np.arange(len(kept)), 2)[order].astype(np.int32),
        "undertaking_target.indptr": np.zeros(len(kept) + 1, np.int32),
        "undertaking_target.indices": np.empty(0, np.int32),
        "undertaking_complete": np.zeros(len(kept), np.int8),
    }
    return Index(index.release, things, arrays)


def some_ties(ties: Ties, seed: int, share: float = SHARE) -> list[Tie]:
    """Ties drawn at random, each by itself."""
    pairs = list(ties)
    chance = np.random.default_rng(seed)
    drawn = chance.choice(len(pairs), size=round(share * len(pairs)), replace=False)
    return [pairs[n] for n in sorted(drawn.tolist())]


def some_undertakings(ties: Ties, seed: int, share: float = SHARE) -> list[Tie]:
    """The ties that stand on nothing but undertakings drawn until they are that share or more."""
    standing_on: dict[int, list[Tie]] = {}
    for tie, of in ties.items():
        for undertaking in of:
            standing_on.setdefault(undertaking, []).append(tie)
    undertakings = sorted(standing_on)
    left = {tie: len(of) for tie, of in ties.items()}
    lost: set[Tie] = set()
    for n in np.random.default_rng(seed).permutation(len(undertakings)).tolist():
        if len(lost) >= share * len(ties):
            break
        for tie in standing_on[undertakings[n]]:
            left[tie] -= 1
            if not left[tie]:
                lost.add(tie)
    return sorted(lost)


def newest(ties: Ties, years: Sequence[str], share: float = NEWEST) -> tuple[list[Tie], int | None]:
    """The ties that are new since a year, and the year that brings them nearest to the share.

    A tie is as old as the oldest undertaking it stands on; one without a year makes it old.

    >>> newest({(0, 1): [0], (0, 2): [0, 1], (1, 2): [1], (2, 3): [2]}, ["2020", "2023", ""], 0.3)
    ([(1, 2)], 2023)
    """
    began = {tie: min((int(years[u]) if years[u] else -1) for u in of) for tie, of in ties.items()}
    cuts = {year: [t for t in ties if began[t] >= year] for year in {*began.values()} - {-1}}
    able = [year for year, new in cuts.items() if len(new) < len(ties)]
    if not able:
        return [], None
    best = min(able, key=lambda year: (abs(len(cuts[year]) / len(ties) - share), -year))
    return cuts[best], best

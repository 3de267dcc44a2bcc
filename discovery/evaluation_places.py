"""At which place each method puts the partner that was held out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from clusterloom.discovery import network
from clusterloom.discovery.axes import AXES
from clusterloom.discovery.evaluation_ties import Tie
from clusterloom.discovery.model import Floats, Model
from clusterloom.discovery.profile import of_cluster
from clusterloom.discovery.why_not import order_by

OURS = (*AXES, "borda")
BASELINES = {
    "random": "what a shuffled list gives on average",
    "degree": "the number of partners of the candidate",
    "adamic-adar": "Adamic and Adar (2003)",
    "pagerank": "PageRank personalised to the one that asks: Jeh and Widom (2003)",
}
WALKS = ("adamic-adar", "pagerank")
"""The baselines that may leave a candidate without a value: no way leads to it."""
METHODS = (*OURS, *BASELINES)
DIGITS = 9
"""Of PageRank that count: the iteration ends before the digits beyond are certain."""


def what_is(method: str) -> str:
    """How a method orders candidates, in a few words."""
    if method in AXES:
        return AXES[method].method.name
    return BASELINES.get(method, "points of the places on all axes: Borda (1781)")


def places(
    model: Model, held: Sequence[Tie]
) -> tuple[dict[str, Floats], Floats, dict[str, NDArray[np.bool_]]]:
    """For each method the rank of the partner to be found, ties x the two ends that ask.

    Beside it how many candidates there are that are no partners, and whether the method gives the
    partner a value at all. Candidates are the partner and all that the whole graph ties the asker
    to neither in training nor in what was held out (the filtered setting of Bordes et al. 2013).
    Equal values share the mean of their places; what has no value is equal, and last.
    """
    count = len(model.index.things["clusters"])
    degree = np.diff(model.ties.indptr).astype(np.float64)
    wanted: dict[int, list[tuple[int, int, int]]] = {}
    for n, (one, other) in enumerate(held):
        wanted.setdefault(one, []).append((n, 0, other))
        wanted.setdefault(other, []).append((n, 1, one))
    shape = len(held), 2
    ranks = {method: np.full(shape, np.nan) for method in METHODS}
    valued = {method: np.ones(shape, dtype=bool) for method in METHODS}
    others = np.zeros(shape)
    for asker, asked in wanted.items():
        profile = of_cluster(model.index, model.index.things["clusters"].key(asker))
        mask = np.ones(count, dtype=bool)
        mask[asker] = False
        mask[profile.partners] = False
        strangers = mask.copy()
        strangers[[partner for _, _, partner in asked]] = False
        walk = network.personalised_pagerank(model.ties, asker)
        scores = {
            "random": np.zeros(count),
            "degree": degree,
            "adamic-adar": network.adamic_adar(model.ties, asker),
            "pagerank": np.round(walk, DIGITS),
        }
        for method in OURS:
            value, hits = order_by(model, profile, method, mask)
            # points can be 0; no value at all comes after them
            scores[method] = np.full(count, -1.0)
            scores[method][hits] = value[hits]
        for n, end, partner in asked:
            others[n, end] = strangers.sum()
            for method, score in scores.items():
                rivals, mine = score[strangers], score[partner]
                ahead, level = (rivals > mine).sum(), (rivals == mine).sum()
                ranks[method][n, end] = 1 + ahead + level / 2
                if method in OURS:
                    valued[method][n, end] = mine >= 0
                elif method in WALKS:
                    valued[method][n, end] = mine > 0
    return ranks, others, valued

"""How well each axis finds ties that were held out of the graph, beside what is simpler.

Link prediction: some ties between clusters are taken out, each axis ranks partners by what is
left, and the place of the partner that was taken out is read off. Intervals tell what so few ties
allow to be said; where they overlap nothing is said.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson

from clusterloom.discovery.evaluation_figures import (
    METRICS,
    Scored,
    best_of,
    figures,
    metrics,
    told_apart,
)
from clusterloom.discovery.evaluation_places import METHODS, places, what_is
from clusterloom.discovery.evaluation_ties import (
    Tie,
    Ties,
    newest,
    some_ties,
    some_undertakings,
    ties_of,
    without,
)
from clusterloom.discovery.index import Index
from clusterloom.discovery.model import Model

VERSION = "1"
"""Of what is measured and how it is written; figures of another one are made anew."""
SEED = 1
DRAWS = 1000
MOST_ASKED = 100
"""Ties of a hold-out that are looked for, drawn where more are held out: each asks all methods
twice, and in a graph of ten thousand clusters a question takes a tenth of a second."""
LEAST_TIES, LEAST_GROUPS = 10, 5
"""Held-out ties below which nothing is measured; undertakings below which nothing is compared."""


@dataclass(frozen=True)
class HeldOut:
    """One hold-out: on what it rests, the figures, and which differences can be told.

    `ties` are held out, `asked` of them looked for; clusters, undertakings and `without_partner`
    (ties of which one end or both has no partner left) are counted of those asked. `apart` has
    `[metric, better, worse]`; `best` the one of OURS that is apart from every other method, ""
    where there is none; `reason` tells why nothing could be measured, or "".
    """

    name: str
    what: str
    ties: int
    asked: int
    training_ties: int
    clusters: int
    undertakings: int
    without_partner: int
    first_year: int | None = None
    reason: str = ""
    scored: list[Scored] = field(default_factory=list)
    apart: list[list[str]] = field(default_factory=list)
    best: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Evaluation:
    """All hold-outs of one release, and the counts of the whole graph."""

    release: str
    seed: int
    version: str
    clusters: int
    tied_clusters: int
    ties: int
    undertakings: int
    undated: int
    hold_outs: list[HeldOut]

    @property
    def default(self) -> dict[str, str]:
        """For each metric the method that is best in every hold-out, "" where none is."""
        return {
            metric: best.pop() if len(best) == 1 else ""
            for metric in METRICS
            for best in [{held.best.get(metric, "") for held in self.hold_outs}]
        }

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; undefined is null."""
        told = dataclasses.asdict(self) | {"default": self.default}
        plain: dict[str, Any] = orjson.loads(orjson.dumps(told))
        return plain


def evaluate(index: Index, seed: int = SEED) -> Evaluation:
    """Every hold-out of the ties of an index; the same seed gives the same figures."""
    ties = ties_of(index)
    years = index.things["undertakings"].facts["year"]
    joint = sorted({u for of in ties.values() for u in of})
    new, year = newest(ties, years)
    since = f"ties of undertakings that began in {year} or later" if year else "ties by year"
    plans: list[tuple[str, str, list[Tie], int | None]] = [
        ("random ties", "ties drawn at random; those beside them in an undertaking stay, which "
         "gives much of it away to common partners", some_ties(ties, seed), None),
        ("random undertakings", "all new ties of undertakings drawn at random",
         some_undertakings(ties, seed), None),
        ("temporal", since, new, year),
    ]  # fmt: skip
    return Evaluation(
        release=index.release,
        seed=seed,
        version=VERSION,
        clusters=len(index.things["clusters"]),
        tied_clusters=len({end for tie in ties for end in tie}),
        ties=len(ties),
        undertakings=len(joint),
        undated=sum(not years[u] for u in joint),
        hold_outs=[_hold_out(index, ties, *plan, seed=seed) for plan in plans],
    )


def _hold_out(
    index: Index, ties: Ties, name: str, what: str, held: list[Tie], year: int | None, *, seed: int
) -> HeldOut:
    tied = {end for tie in ties.keys() - set(held) for end in tie}
    asked = _drawn(held, seed)
    groups = np.unique([ties[tie][0] for tie in asked], return_inverse=True)[1]
    many = int(groups.max()) + 1 if asked else 0
    counts: dict[str, Any] = {
        "name": name, "what": what, "ties": len(held), "asked": len(asked),
        "training_ties": len(ties) - len(held),
        "clusters": len({end for tie in asked for end in tie}), "undertakings": many,
        "without_partner": sum(not tied.issuperset(tie) for tie in asked), "first_year": year,
    }  # fmt: skip
    if len(held) < LEAST_TIES:
        reason = f"only {len(held)} ties could be held out; {LEAST_TIES} are the least measured"
        return HeldOut(**counts, reason=reason)
    ranks, others, valued = places(Model(without(index, held)), asked)
    chance = np.random.default_rng(seed)
    one_by_one = chance.multinomial(len(asked), np.full(len(asked), 1 / len(asked)), DRAWS)
    grouped = chance.multinomial(many, np.full(many, 1 / many), DRAWS)[:, groups]
    scored = [
        Scored(
            method,
            figures(
                metrics(ranks[method], others, at_random=method == "random"), one_by_one, grouped
            ),
            float(valued[method].mean()),
            what_is(method),
        )
        for method in METHODS
    ]
    apart = told_apart(scored) if many >= LEAST_GROUPS else []
    return HeldOut(**counts, scored=scored, apart=apart, best=best_of(scored, apart))


def _drawn(held: list[Tie], seed: int) -> list[Tie]:
    if len(held) <= MOST_ASKED:
        return held
    drawn = np.random.default_rng(seed).choice(len(held), size=MOST_ASKED, replace=False)
    return [held[n] for n in sorted(drawn.tolist())]

"""How well each axis finds ties that were held out of the graph, beside random and degree.

Link prediction: some ties between clusters are taken out, each axis ranks partners by what is
left, and the place of the partner that was taken out is read off. Intervals tell what so few ties
allow to be said; where they overlap nothing is said.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from clusterloom.discovery.axes import AXES
from clusterloom.discovery.index import Index, Things
from clusterloom.discovery.model import Floats, Model
from clusterloom.discovery.profile import of_cluster
from clusterloom.discovery.why_not import order_by

Tie = tuple[int, int]
"""Places of two clusters, the lower first."""
Ties = dict[Tie, list[int]]
"""Each tie and the undertakings that it stands on, ascending."""

OURS = (*AXES, "borda")
METHODS = (*OURS, "random", "degree")
METRICS = ("MRR", "Hits@10", "Hits@100", "AUC")
SHARE = 0.1
"""Of the ties, held out at random."""
NEWEST = 0.15
"""Of the ties, held out by year as nearly as years allow."""
DRAWS = 1000
LEAST_TIES, LEAST_GROUPS = 10, 5
"""Held-out ties below which nothing is measured; undertakings below which nothing is compared."""


@dataclass(frozen=True)
class Figure:
    """A mean with 95 % bootstrap intervals, over ties and over undertakings with all their ties."""

    value: float
    low: float
    high: float
    low_by_undertaking: float
    high_by_undertaking: float


@dataclass(frozen=True)
class Scored:
    """What one method reached; `valued` is the share of partners to be found with a value > 0."""

    method: str
    figures: dict[str, Figure]
    valued: float


@dataclass(frozen=True)
class HeldOut:
    """One hold-out: on what it rests, the figures, and which differences can be told.

    `apart` has `[metric, better, worse]`; `best` the one of OURS that is apart from every other
    method, "" where there is none; `reason` tells why nothing could be measured, or "".
    """

    name: str
    what: str
    ties: int
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
    undertakings = sorted({u for of in ties.values() for u in of})
    drawn: set[int] = set()
    lost: list[Tie] = []
    for n in np.random.default_rng(seed).permutation(len(undertakings)).tolist():
        if len(lost) >= share * len(ties):
            break
        drawn.add(undertakings[n])
        lost = [tie for tie, of in ties.items() if drawn.issuperset(of)]
    return lost


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


def evaluate(index: Index, seed: int = 1) -> Evaluation:
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
    groups = np.unique([ties[tie][0] for tie in held], return_inverse=True)[1]
    many = int(groups.max()) + 1 if held else 0
    counts: dict[str, Any] = {
        "name": name, "what": what, "ties": len(held), "training_ties": len(ties) - len(held),
        "clusters": len({end for tie in held for end in tie}), "undertakings": many,
        "without_partner": sum(not tied.issuperset(tie) for tie in held), "first_year": year,
    }  # fmt: skip
    if len(held) < LEAST_TIES:
        reason = f"only {len(held)} ties could be held out; {LEAST_TIES} are the least measured"
        return HeldOut(**counts, reason=reason)
    ranks, others, valued = places(Model(without(index, held)), held)
    chance = np.random.default_rng(seed)
    one_by_one = chance.multinomial(len(held), np.full(len(held), 1 / len(held)), DRAWS)
    grouped = chance.multinomial(many, np.full(many, 1 / many), DRAWS)[:, groups]
    scored = []
    for method in METHODS:
        each = metrics(ranks[method], others, at_random=method == "random")
        figures = {}
        for metric, of_end in each.items():
            of_tie = _mean_of_known(of_end)
            value = _average(np.ones((1, len(held))), of_tie)[0]
            figures[metric] = Figure(
                value, *interval(of_tie, one_by_one, value), *interval(of_tie, grouped, value)
            )
        scored.append(Scored(method, figures, float(valued[method].mean())))
    apart = told_apart(scored) if many >= LEAST_GROUPS else []
    return HeldOut(**counts, scored=scored, apart=apart, best=_best(apart))


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
        scores = {"random": np.zeros(count), "degree": degree}
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
    return ranks, others, valued


def metrics(ranks: Floats, others: Floats, at_random: bool = False) -> dict[str, Floats]:
    """The summand of each metric by rank among the partner and `others`; one shape for all.

    AUC (Hanley and McNeil 1982) is the share of the others that the partner is ahead of, NaN
    where there are none. `at_random` gives what a shuffled list gives on average instead.

    >>> {k: v.tolist() for k, v in metrics(np.array([2.0]), np.array([4.0])).items()}
    {'MRR': [0.5], 'Hits@10': [1.0], 'Hits@100': [1.0], 'AUC': [0.75]}
    """
    strangers = np.where(others > 0, others, np.nan)
    if at_random:
        size = others + 1
        harmonic = np.cumsum(1 / np.arange(1, int(others.max(initial=0)) + 2))
        expected = harmonic[others.astype(np.int64)] / size
        each = [expected, np.minimum(1, 10 / size), np.minimum(1, 100 / size), strangers * 0 + 0.5]
    else:
        each = [1 / ranks, ranks <= 10, ranks <= 100, (1 + others - ranks) / strangers]
    return {m: np.asarray(row, np.float64) for m, row in zip(METRICS, each, strict=True)}


def interval(values: Floats, weights: NDArray[np.int64], value: float) -> tuple[float, float]:
    """The 95 % percentile interval (Efron 1979) of the mean; `weights` has a row for each draw.

    NaN where no draw has anything defined.
    """
    drawn = _average(weights.astype(np.float64), values)
    if np.isnan(drawn).all():
        return float("nan"), float("nan")
    low, high = np.nanpercentile(drawn, [2.5, 97.5]).tolist()
    # rounding, where every draw is the same
    return min(low, value), max(high, value)


def _average(weights: Floats, values: Floats) -> list[float]:
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        found = weights[:, known] @ values[known] / weights[:, known].sum(axis=1)
    return [float(number) for number in found]


def _mean_of_known(of_end: Floats) -> Floats:
    """The mean of the two ends of each tie that are defined; NaN where neither is."""
    known = ~np.isnan(of_end)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.nansum(of_end, axis=1) / known.sum(axis=1))


def told_apart(scored: Sequence[Scored]) -> list[list[str]]:
    """`[metric, better, worse]` where neither the intervals over ties nor those over undertakings
    overlap; ties of one undertaking hang together, so that intervals over ties are too narrow."""
    return [
        [metric, one.method, other.method]
        for metric in METRICS
        for one in scored
        for other in scored
        if one.figures[metric].low > other.figures[metric].high
        and one.figures[metric].low_by_undertaking > other.figures[metric].high_by_undertaking
    ]


def _best(apart: Iterable[Sequence[str]]) -> dict[str, str]:
    told = {tuple(row) for row in apart}
    return {
        metric: next(
            (m for m in OURS if all((metric, m, o) in told for o in METHODS if o != m)), ""
        )
        for metric in METRICS
    }


def table(found: Evaluation) -> str:
    """The evaluation as text for people."""
    lines = [
        f"release {found.release}, seed {found.seed}: {found.ties} ties between "
        f"{found.tied_clusters} of {found.clusters} clusters by {found.undertakings} undertakings "
        f"of two or more, {found.undated} of them of unknown year (they stay in training)",
        "random: what a shuffled list gives on average; network is Adamic-Adar; equal values share "
        "the mean of their places, which lowers MRR and Hits where an axis has many",
    ]
    for held in found.hold_outs:
        lines += ["", *_section(held)]
    chosen = ", ".join(f"{name} by {metric}" for metric, name in found.default.items() if name)
    told = chosen or "none: no method is apart from all others in every hold-out"
    return "\n".join([*lines, "", f"default that follows: {told}"]) + "\n"


def _section(held: HeldOut) -> list[str]:
    lines = [
        f"{held.name}: {held.what}",
        f"  {held.ties} ties held out, {held.training_ties} left; they tie {held.clusters} "
        f"clusters by {held.undertakings} undertakings; of {held.without_partner} one end or both "
        "has no partner left",
    ]
    if held.reason:
        return [*lines, f"  not measured: {held.reason}"]
    lines.append(f"  {'':<16}" + "".join(f"{m:<22}" for m in METRICS) + "valued")
    for row in held.scored:
        cells = [f"{f.value:.3f} [{f.low:.3f}, {f.high:.3f}]" for f in row.figures.values()]
        line = "".join(f"{cell:<22}" for cell in cells)
        lines.append(f"  {row.method:<16}{line}{row.valued:.0%}")
    if held.undertakings < LEAST_GROUPS:
        return [*lines, f"  nothing is compared: fewer than {LEAST_GROUPS} undertakings"]
    better: dict[str, dict[str, list[str]]] = {metric: {} for metric in METRICS}
    for metric, one, other in held.apart:
        better[metric].setdefault(one, []).append(other)
    for metric, rows in better.items():
        told = "; ".join(f"{one} above {', '.join(worse)}" for one, worse in rows.items())
        best = held.best[metric]
        so = f"best: {best}" if best else "no axis is apart from all"
        lines.append(f"  {metric}: {told or 'nothing told apart'} ({so})")
    return lines

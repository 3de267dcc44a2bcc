"""What a method reached on ties held out: means, intervals, and which can be told apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clusterloom.discovery.evaluation_places import OURS
from clusterloom.discovery.model import Floats

METRICS = ("MRR", "Hits@10", "Hits@100", "AUC")
Weights = NDArray[np.int64]


@dataclass(frozen=True)
class Figure:
    """A mean with 95 % bootstrap intervals, over ties and over undertakings with all their ties."""

    value: float
    low: float
    high: float
    low_by_undertaking: float
    high_by_undertaking: float

    @property
    def least(self) -> float:
        """The lower end of both intervals taken together."""
        return min(self.low, self.low_by_undertaking)

    @property
    def most(self) -> float:
        """The upper end of both intervals taken together."""
        return max(self.high, self.high_by_undertaking)


@dataclass(frozen=True)
class Scored:
    """What one method reached; `valued` is the share of partners to be found with a value > 0.

    `what` says in a few words how the method orders.
    """

    method: str
    figures: dict[str, Figure]
    valued: float
    what: str = ""


def figures(
    each: Mapping[str, Floats], one_by_one: Weights, by_undertaking: Weights
) -> dict[str, Figure]:
    """The mean of each metric over ties with its intervals; `each` is ties x the two ends.

    The weights have a row for each draw and a column for each tie.
    """
    found = {}
    for metric, of_end in each.items():
        of_tie = _mean_of_known(of_end)
        value = _average(np.ones((1, len(of_tie))), of_tie)[0]
        found[metric] = Figure(
            value, *interval(of_tie, one_by_one, value), *interval(of_tie, by_undertaking, value)
        )
    return found


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


def interval(values: Floats, weights: Weights, value: float) -> tuple[float, float]:
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
    """`[metric, better, worse]` where the intervals do not overlap.

    An interval is that over ties and that over undertakings taken together: ties of one
    undertaking hang together, so that intervals over ties alone are too narrow.
    """
    return [
        [metric, one.method, other.method]
        for metric in METRICS
        for one in scored
        for other in scored
        if one.figures[metric].least > other.figures[metric].most
    ]


def best_of(scored: Sequence[Scored], apart: Iterable[Sequence[str]]) -> dict[str, str]:
    """For each metric the one of OURS that is apart from every other method, "" where none is.

    A method of the very same figures is no other: Adamic-Adar is what the network axis is.
    """
    told = {tuple(row) for row in apart}
    others = {
        one.method: [other.method for other in scored if other.figures != one.figures]
        for one in scored
        if one.method in OURS
    }
    return {
        metric: next(
            (
                method
                for method, rivals in others.items()
                if rivals and all((metric, method, rival) in told for rival in rivals)
            ),
            "",
        )
        for metric in METRICS
    }

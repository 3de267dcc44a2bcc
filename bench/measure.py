"""Timing: contenders by turns, medians of their seconds, and ratios of those."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

OURS = "clusterloom"
"""The contender whose seconds are divided by those of each other one."""


class BenchFailed(Exception):
    """A contender could not be measured; the message says why and what helps."""


@dataclass(frozen=True)
class Measurement:
    """One task: how much work it is, whether all answers agree, and the median seconds of each.

    `agree` is None where there is no peer to agree with.
    """

    name: str
    group: str
    size: int
    agree: bool | None
    seconds: dict[str, float]

    @property
    def ratios(self) -> dict[str, float]:
        """Our seconds divided by those of each peer measured: below 1 we are faster."""
        ours = self.seconds[OURS]
        return {name: ours / s for name, s in self.seconds.items() if name != OURS}

    def as_json(self) -> dict[str, Any]:
        """The fields and the ratios."""
        return {
            "name": self.name,
            "group": self.group,
            "size": self.size,
            "agree": self.agree,
            "seconds": self.seconds,
            "ratios": self.ratios,
        }


@dataclass(frozen=True)
class Outcome:
    """What one benchmark found; `unit` says what `size` counts, `missing` why a peer is absent.

    `rate` heads a column of how many tasks there are to a second, where that is of interest;
    `notes` are further figures.
    """

    name: str
    title: str
    unit: str
    measurements: list[Measurement]
    missing: dict[str, str] = field(default_factory=dict)
    rate: str = ""
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def agree(self) -> bool:
        """Whether no answer differs from a peer's."""
        return all(m.agree is not False for m in self.measurements)

    def means(self) -> dict[str, dict[str, float]]:
        """Geometric means of the ratios: group -> peer -> mean, and `all` where groups differ."""
        groups = list(dict.fromkeys(m.group for m in self.measurements))
        found = {g: self._mean(m for m in self.measurements if m.group == g) for g in groups}
        if len(groups) > 1:
            found["all"] = self._mean(self.measurements)
        return {group: means for group, means in found.items() if means}

    def _mean(self, measurements: Iterable[Measurement]) -> dict[str, float]:
        by_peer: dict[str, list[float]] = {}
        for measurement in measurements:
            for peer, ratio in measurement.ratios.items():
                by_peer.setdefault(peer, []).append(ratio)
        return {peer: statistics.geometric_mean(ratios) for peer, ratios in by_peer.items()}

    def as_json(self) -> dict[str, Any]:
        """Everything, with the geometric means."""
        return {
            "title": self.title,
            "unit": self.unit,
            "agree": self.agree,
            "missing": self.missing,
            "notes": self.notes,
            "geometric_means": self.means(),
            "measurements": [m.as_json() for m in self.measurements],
        }


def medians(contenders: Mapping[str, Callable[[], object]], repetitions: int) -> dict[str, float]:
    """Median seconds of each contender; they take turns and each leads a round in its turn.

    The caller has run each once, so that none pays here for what is done only once.
    """
    names = list(contenders)
    taken: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(repetitions):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            began = time.perf_counter()
            contenders[name]()
            taken[name].append(time.perf_counter() - began)
    return {name: statistics.median(seconds) for name, seconds in taken.items()}

"""The composer's model: candidates and rules, lossless reduction, and the integer programme.

Sets are compared by size first and then by their ids in ascending order (`str` order), so that one
set is the first of all that fit. The reduction keeps that first set, and the first one under every
no-good cut; the programme finds it: one solution for the size, then one for each member in turn.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import LinearConstraint, milp
from scipy.sparse import csr_array, eye_array, hstack

TYPES = 2000
"""Kinds of candidates of one country beyond which only equal ones are compared: memory."""

_INFEASIBLE = 2


@dataclass(frozen=True)
class Candidate:
    """An organisation that may be taken; None is unknown, which neither counts nor excludes."""

    id: str
    country: str | None = None
    region: str | None = None
    stages: frozenset[str] = frozenset()
    sectors: frozenset[str] = frozenset()
    third_countries: frozenset[str] = frozenset()
    pilot_region: bool | None = None
    less_developed: bool | None = None


@dataclass(frozen=True)
class Rules:
    """What a set must fulfil; None, False and the empty set ask for nothing.

    `min_sectors` and `min_third_countries` count the different ones of all members together;
    `third_countries` must each be in the experience of a member; `pilot_region` and
    `less_developed` ask for one member known to be in such a region. `countries` are those
    allowed: a candidate of another country is not taken; one of unknown country is taken and covers
    stages, but counts towards neither `min_entities` nor `min_countries`. Without `countries` it
    counts as an entity. `max_per_country` does not bind members of unknown country.
    """

    min_entities: int | None = None
    min_countries: int | None = None
    max_entities: int | None = None
    required: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()
    min_sectors: int | None = None
    min_third_countries: int | None = None
    third_countries: frozenset[str] = frozenset()
    pilot_region: bool = False
    less_developed: bool = False
    max_per_country: int | None = None
    countries: frozenset[str] = frozenset()


def eligible(candidates: Iterable[Candidate], rules: Rules) -> list[Candidate]:
    """Those that may be members, by id."""
    return sorted(
        (
            c
            for c in candidates
            if c.id not in rules.excluded
            and (not rules.countries or c.country is None or c.country in rules.countries)
        ),
        key=lambda c: c.id,
    )


def is_entity(candidate: Candidate, rules: Rules) -> bool:
    """Whether it counts towards `min_entities`."""
    return candidate.country is not None or not rules.countries


def _features(c: Candidate, stages: frozenset[str], rules: Rules) -> frozenset[tuple[str, str]]:
    """Everything of a candidate that these rules look at, its country apart."""
    third = c.third_countries if rules.min_third_countries else rules.third_countries
    found = {("stage", s) for s in c.stages & stages}
    found |= {("third", t) for t in c.third_countries & third}
    if rules.min_sectors:
        found |= {("sector", s) for s in c.sectors}
    if rules.pilot_region and c.pilot_region:
        found.add(("region", "pilot"))
    if rules.less_developed and c.less_developed:
        found.add(("region", "less developed"))
    return frozenset(found)


def fits(members: Sequence[Candidate], stages: frozenset[str], rules: Rules) -> bool:
    """Whether eligible candidates cover the stages and fulfil every rule."""
    return (
        not _missing(members, stages, rules)
        and rules.required <= {c.id for c in members}
        and len(members) <= (rules.max_entities or len(members))
        and not _crowded(members, rules)
    )


def _crowded(members: Iterable[Candidate], rules: Rules) -> bool:
    if rules.max_per_country is None:
        return False
    number: dict[str, int] = defaultdict(int)
    for c in members:
        if c.country is not None:
            number[c.country] += 1
    return any(n > rules.max_per_country for n in number.values())


def _missing(members: Sequence[Candidate], stages: frozenset[str], rules: Rules) -> int:
    """How many stages, countries, entities and so on the members lack."""
    features = frozenset().union(*(_features(c, stages, rules) for c in members))
    kinds: dict[str, set[str]] = defaultdict(set)
    for kind, value in features:
        kinds[kind].add(value)
    countries = {c.country for c in members if c.country is not None}
    lacks = (
        len(stages - kinds["stage"]),
        len(rules.third_countries - kinds["third"]),
        rules.pilot_region + rules.less_developed - len(kinds["region"]),
        (rules.min_sectors or 0) - len(kinds["sector"]),
        (rules.min_third_countries or 0) - len(kinds["third"]),
        (rules.min_countries or 0) - len(countries),
        (rules.min_entities or 0) - sum(is_entity(c, rules) for c in members),
    )
    return sum(max(0, n) for n in lacks)


def reduced(
    pool: Sequence[Candidate], stages: frozenset[str], rules: Rules, cuts: int
) -> dict[Candidate, int]:
    """The candidates of a pool, by id, that can be in the first set under up to `cuts` cuts.

    Each with the number of cuts from which on it can be. It is left out when at least
    `max(1, min_entities) + cuts` others with smaller ids and the same country have all that it
    has. Suppose that the first set had it. When a better one is in the set and there is one
    entity more than needed, the set fits without it. Otherwise at most `min_entities - 1` of the
    better ones are in the set, and each cut forbids at most one of the rest in its place: one is
    left that can take its place, with a smaller id. (Where countries do not matter, they need
    not be the same.)

    >>> pool = [Candidate("a", "ES", stages=frozenset("12")), Candidate("b", "ES",
    ...         stages=frozenset("1")), Candidate("c", "FR", stages=frozenset("1"))]
    >>> found = reduced(pool, frozenset("12"), Rules(min_countries=2), cuts=1)
    >>> {c.id: number for c, number in found.items()}
    {'a': 0, 'b': 1, 'c': 0}
    """
    apart = rules.min_countries is not None or rules.max_per_country is not None
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for n, c in enumerate(pool):
        groups[c.country if apart else is_entity(c, rules)].append(n)
    features = [_features(c, stages, rules) for c in pool]
    kept: dict[int, int] = {}
    for group in groups.values():
        limit = max(1, is_entity(pool[group[0]], rules) * (rules.min_entities or 1))
        types = {f: n for n, f in enumerate(dict.fromkeys(features[n] for n in group))}
        better = _better(list(types))
        seen = np.zeros(len(types), dtype=np.int64)
        full: set[int] = set()
        for n in group:
            kind = types[features[n]]
            if pool[n].id in rules.required:
                kept[n] = 0
            elif kind not in full:
                needed = max(0, int(seen[better[kind]].sum()) - limit + 1)
                if needed <= cuts:
                    kept[n] = needed
                else:
                    full.add(kind)
            seen[kind] += 1
    return {pool[n]: kept[n] for n in sorted(kept)}


def _better(types: list[frozenset[tuple[str, str]]]) -> list[NDArray[np.intp]]:
    """For each type the types that have all of it, itself included."""
    if len(types) > TYPES:
        return [np.array([n]) for n in range(len(types))]
    column = {f: n for n, f in enumerate(sorted(frozenset().union(*types)))}
    has = np.zeros((len(types), len(column)), dtype=np.float32)
    for n, features in enumerate(types):
        has[n, [column[f] for f in features]] = 1
    lacks = has @ (1 - has).T
    return [np.flatnonzero(row == 0) for row in lacks]


def greedy(
    pool: Sequence[Candidate], stages: frozenset[str], rules: Rules
) -> list[Candidate] | None:
    """A set that fits, quickly and not the smallest, or None when this way finds none."""
    members = [c for c in pool if c.id in rules.required]
    lacks = _missing(members, stages, rules)
    while lacks and len(members) < (rules.max_entities or len(pool)):
        left = [c for c in pool if c not in members and not _crowded([*members, c], rules)]
        if not left:
            return None
        after, _, chosen = min((_missing([*members, c], stages, rules), c.id, c) for c in left)
        if after >= lacks:
            return None
        members.append(chosen)
        lacks = after
    for c in list(members):
        fewer = [m for m in members if m != c]
        if fewer and fits(fewer, stages, rules):
            members = fewer
    return members if fits(members, stages, rules) else None


def least(stages: frozenset[str], pool: Sequence[Candidate], rules: Rules) -> int:
    """A number of members below which no set fits, without solving anything."""
    most = max((len(c.stages & stages) for c in pool), default=0) or 1
    return max(
        math.ceil(len(stages) / most),
        len(rules.required),
        rules.min_entities or 0,
        rules.min_countries or 0,
    )


class Answer(NamedTuple):
    """Places of the members, None when there are none; a bound of the cost; whether it is final."""

    places: frozenset[int] | None
    bound: float
    final: bool


class Model:
    """The integer programme over a pool that is sorted by id.

    Its columns: x, whether a candidate is taken; z, whether it is the first one beyond those that
    are fixed; y, whether a country (sector, third country) is there.
    """

    def __init__(self, pool: Sequence[Candidate], stages: frozenset[str], rules: Rules) -> None:
        self._n = len(pool)
        self.required = frozenset(n for n, c in enumerate(pool) if c.id in rules.required)
        self._columns = 2 * self._n
        self._rows: list[tuple[list[int], list[float], float, float]] = []
        places: dict[tuple[str, str], list[int]] = defaultdict(list)
        for n, c in enumerate(pool):
            for feature in _features(c, stages, rules):
                places[feature].append(n)
            if c.country is not None:
                places["country", c.country].append(n)
        asked = [("stage", s) for s in stages] + [("third", t) for t in rules.third_countries]
        asked += [("region", "pilot")] * rules.pilot_region
        asked += [("region", "less developed")] * rules.less_developed
        for feature in sorted(asked):
            self._row(places[feature], 1, np.inf)
        entities = [n for n, c in enumerate(pool) if is_entity(c, rules)]
        self._row(entities, rules.min_entities or 0, np.inf)
        self._row(range(self._n), 1, rules.max_entities or np.inf)
        for kind, minimum in (
            ("country", rules.min_countries),
            ("sector", rules.min_sectors),
            ("third", rules.min_third_countries),
        ):
            if minimum:
                self._different([places[f] for f in sorted(places) if f[0] == kind], minimum)
        if rules.max_per_country is not None:
            for feature in sorted(f for f in places if f[0] == "country"):
                self._row(places[feature], 0, rules.max_per_country)
        self._base = self._constraint(self._rows)

    def _row(self, places: Iterable[int], low: float, high: float) -> None:
        columns = list(places)
        self._rows.append((columns, [1.0] * len(columns), low, high))

    def _different(self, groups: list[list[int]], minimum: int) -> None:
        first = self._columns
        self._columns += len(groups)
        for n, places in enumerate(groups, first):
            self._rows.append(([n, *places], [1.0] + [-1.0] * len(places), -np.inf, 0))
        self._row(range(first, self._columns), minimum, np.inf)

    def _constraint(
        self, rows: Sequence[tuple[list[int], list[float], float, float]]
    ) -> LinearConstraint:
        counts = np.cumsum([0, *(len(columns) for columns, *_ in rows)])
        columns = np.array([c for r in rows for c in r[0]], dtype=np.int32)
        values = np.array([v for r in rows for v in r[1]], dtype=np.float64)
        matrix = csr_array((values, columns, counts), shape=(len(rows), self._columns))
        return LinearConstraint(matrix, [r[2] for r in rows], [r[3] for r in rows])

    def _solve(
        self,
        cost: NDArray[np.float64],
        fixed: Collection[int],
        barred: Collection[int],
        extra: list[LinearConstraint],
        until: float,
    ) -> Answer:
        seconds = until - time.monotonic()
        if seconds <= 0:
            return Answer(None, -np.inf, False)
        low, high = np.zeros(self._columns), np.ones(self._columns)
        low[list(fixed)] = 1
        high[list(barred)] = 0
        whole = np.zeros(self._columns)
        whole[: self._n] = 1
        found = milp(
            cost,
            integrality=whole,
            bounds=(low, high),
            constraints=[self._base, *extra],
            options={"time_limit": seconds, "mip_rel_gap": 0.0},
        )
        # All columns are bounded: "unbounded or infeasible" is the latter.
        none = found.status == _INFEASIBLE or "infeasible" in found.message.lower()
        bound = -np.inf if found.mip_dual_bound is None else float(found.mip_dual_bound)
        places = None
        if found.x is not None and not none:
            places = frozenset(np.flatnonzero(found.x[: self._n] > 0.5).tolist())
        return Answer(places, bound, none or found.status == 0)

    def smallest(self, cuts: Sequence[frozenset[int]], at_least: int, until: float) -> Answer:
        """A set of the least size that holds none of the cuts whole."""
        cost = np.zeros(self._columns)
        cost[: self._n] = 1
        size = self._constraint([(list(range(self._n)), [1.0] * self._n, at_least, np.inf)])
        nothing = range(self._n, 2 * self._n)
        return self._solve(cost, self.required, nothing, [size, *self._cut(cuts)], until)

    def first(self, cuts: Sequence[frozenset[int]], found: frozenset[int], until: float) -> Answer:
        """The first set of the size of the one found; that one, not final, when time is up."""
        n, size = self._n, len(found)
        every = list(range(n))
        extra = [
            self._constraint([(every, [1.0] * n, size, size)]),
            self._constraint([([n + i for i in every], [1.0] * n, 1, 1)]),
            LinearConstraint(
                hstack([-eye_array(n), eye_array(n), csr_array((n, self._columns - 2 * n))], "csr"),
                -np.inf,
                0,
            ),
            *self._cut(cuts),
        ]
        cost = np.zeros(self._columns)
        cost[n : 2 * n] = np.arange(n)
        fixed, start, best = set(self.required), 0, found
        while len(fixed) < size:
            free = next(i for i in range(start, n) if i not in fixed)
            following = min(best - fixed)
            if following > free:
                barred = {i for i in range(start) if i not in fixed}
                idle = {n + i for i in every if i < free or i > following or i in fixed}
                answer = self._solve(cost, fixed, barred | idle, extra, until)
                if answer.places is None or not answer.final:
                    return Answer(best, size, False)
                best = answer.places
                following = min(best - fixed)
            fixed.add(following)
            start = following + 1
        return Answer(frozenset(fixed), size, True)

    def _cut(self, cuts: Sequence[frozenset[int]]) -> list[LinearConstraint]:
        rows = [(sorted(c), [1.0] * len(c), 0.0, len(c) - 1.0) for c in cuts]
        return [self._constraint(rows)] if rows else []

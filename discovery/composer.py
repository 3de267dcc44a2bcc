"""The consortium composer: a smallest set of organisations for value-chain stages under rules.

It implements minimum set covering (Karp 1972; Chvátal 1979 for the greedy incumbent) with side
conditions as an integer programme, solved exactly by HiGHS (Huangfu and Hall 2018); further sets
by no-good cuts (Balas and Jeroslow 1972).
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, NamedTuple

from clusterloom.discovery.composer_model import (
    Candidate,
    Model,
    Rules,
    eligible,
    greedy,
    is_entity,
    least,
    reduced,
)

__all__ = ["LEXICOGRAPHIC", "Candidate", "Composition", "Reason", "Rules", "compose"]

LEXICOGRAPHIC = 500
"""Eligible candidates up to which the first of all smallest sets is looked for: time."""

Set = tuple[Candidate, ...]


class Reason(NamedTuple):
    """Why there is no set: a code, an English sentence and what it speaks of."""

    code: str
    message: str
    parameters: dict[str, Any]


@dataclass(frozen=True)
class Composition:
    """What was composed.

    `status`: "optimal"; "feasible" when time was up before the set was proven smallest; "none".
    `bound`: no set has fewer members. `countries`: those known among the members. `unplaced`:
    members of unknown country. `runners_up`: further sets, the smallest first. `before`, `after`:
    candidates given, and left by the reduction for the first set. `complete`: False when time cut
    anything (the proof, the order of equal sets, runners-up, reasons).
    """

    status: Literal["optimal", "feasible", "none"]
    members: tuple[str, ...] = ()
    covers: dict[str, tuple[str, ...]] = field(default_factory=dict)
    countries: tuple[str, ...] = ()
    unplaced: tuple[str, ...] = ()
    runners_up: tuple[tuple[str, ...], ...] = ()
    bound: int | None = None
    before: int = 0
    after: int = 0
    complete: bool = True
    reasons: tuple[Reason, ...] = ()


def compose(
    candidates: Sequence[Candidate],
    stages: Collection[str],
    rules: Rules,
    seconds: float = 10.0,
    runners_up: int = 3,
) -> Composition:
    """A smallest set of candidates that covers all the stages and fulfils the rules.

    Among smallest sets it is the first by its ids in ascending order while at most `LEXICOGRAPHIC`
    candidates are eligible; beyond, one of them. Either way the order of the candidates does not
    matter. Each runner-up is the next smallest set that does not hold an earlier one whole: it may
    be larger, and without any of its members it would not fit. `seconds` bounds the solver.

    Reasons for "none": `contradiction`, `required-not-eligible`, `stage-uncovered`,
    `too-few-entities`, `too-few-countries`, `too-few-sectors`, `too-few-third-countries`,
    `third-country-missing`, `no-pilot-region`, `no-less-developed`; where each can be met alone,
    `jointly-infeasible` followed by one `relax` for each rule (or stage) that suffices to be
    loosened, with the nearest value that does; `time-limit` when nothing is known.

    ValueError: no stage, an id twice or empty, a required id that is not among the candidates, a
    negative number.

    >>> a, b, c = (Candidate(i, land, stages=frozenset(s)) for i, land, s in
    ...            [("a", "ES", "12"), ("b", "ES", "3"), ("c", "FR", "23")])
    >>> found = compose([a, b, c], "123", Rules(min_countries=2))
    >>> found.status, found.members, found.covers["2"], found.runners_up
    ('optimal', ('a', 'c'), ('a', 'c'), ())
    >>> [r.code for r in compose([a, b], "123", Rules(min_countries=2)).reasons]
    ['too-few-countries']
    """
    wanted = frozenset(stages)
    _check(candidates, wanted, rules, seconds, runners_up)
    until = time.monotonic() + seconds
    pool = eligible(candidates, rules)
    causes = tuple(_causes(candidates, pool, wanted, rules))
    before = len(candidates)
    if causes:
        return Composition("none", before=before, reasons=causes)
    found = _search(pool, wanted, rules, until, runners_up, len(pool) <= LEXICOGRAPHIC)
    if not found.sets:
        reasons, complete = _why_none(candidates, wanted, rules, until, found.proven)
        return Composition(
            "none", before=before, after=found.after, complete=complete, reasons=reasons
        )
    members, *others = found.sets
    return Composition(
        status="optimal" if found.proven else "feasible",
        members=_ids(members),
        covers={s: tuple(c.id for c in members if s in c.stages) for s in sorted(wanted)},
        countries=tuple(sorted({c.country for c in members if c.country is not None})),
        unplaced=tuple(c.id for c in members if c.country is None),
        runners_up=tuple(_ids(other) for other in others),
        bound=found.bound,
        before=before,
        after=found.after,
        complete=found.complete,
    )


def _ids(members: Set) -> tuple[str, ...]:
    return tuple(c.id for c in members)


def _check(
    candidates: Sequence[Candidate],
    stages: frozenset[str],
    rules: Rules,
    seconds: float,
    runners_up: int,
) -> None:
    if not stages or "" in stages:
        raise ValueError("stages: at least one is needed, and none may be empty")
    seen: set[str] = set()
    for n, c in enumerate(candidates):
        if not c.id or c.id in seen:
            raise ValueError(f"candidates[{n}].id: {c.id!r} is empty or there twice")
        if c.country == "":
            raise ValueError(f"candidates[{n}].country: empty; unknown is None")
        seen.add(c.id)
    if unknown := sorted(rules.required - seen):
        raise ValueError(f"rules.required: not among the candidates: {', '.join(unknown)}")
    for rule in fields(rules):
        value = getattr(rules, rule.name)
        lowest = 1 if rule.name.startswith("max_") else 0
        if isinstance(value, int) and value < lowest:
            raise ValueError(f"rules.{rule.name}: {value} is below {lowest}")
    if not 0 <= seconds < math.inf:
        raise ValueError(f"seconds: {seconds} is negative or not finite")
    if runners_up < 0:
        raise ValueError(f"runners_up: {runners_up} is negative")


class _Found(NamedTuple):
    sets: list[Set]
    bound: int
    proven: bool
    complete: bool
    after: int


def _search(
    pool: list[Candidate],
    stages: frozenset[str],
    rules: Rules,
    until: float,
    further: int,
    ordered: bool,
) -> _Found:
    """The smallest set and further ones; without any, `proven` says that none exists."""
    left = reduced(pool, stages, rules, further)
    after = sum(n == 0 for n in left.values())
    sets: list[Set] = []
    bound = size = least(stages, pool, rules)
    for number in range(further + 1):
        part = [c for c, cuts in left.items() if cuts <= number]
        given_up = [next((c for c in s if c.id not in rules.required), None) for s in sets]
        if None in given_up:
            break
        place = {c: n for n, c in enumerate(part)}
        cuts = [frozenset(place[c] for c in s) for s in sets]
        quick = greedy([c for c in part if c not in given_up], stages, rules)
        places = None if quick is None else frozenset(place[c] for c in quick)
        unproven = places is None or len(places) > size
        model = Model(part, stages, rules) if unproven or ordered else None
        if model and unproven:
            answer = model.smallest(cuts, size, until)
            if answer.places is not None and (places is None or len(answer.places) < len(places)):
                places = answer.places
            if math.isfinite(answer.bound):
                size = max(size, math.ceil(answer.bound - 1e-6))
            if not sets:
                bound = size
            if not answer.final and (places is None or len(places) > size):
                if not sets and places is not None:
                    sets = [tuple(part[n] for n in sorted(places))]
                    return _Found(sets, bound, False, False, after)
                return _Found(sets, bound, bool(sets), False, after)
        if places is None:
            break
        size = len(places)
        bound = bound if sets else size
        final = True
        if model and ordered:
            first = model.first(cuts, places, until)
            places, final = first.places or places, first.final
        sets.append(tuple(part[n] for n in sorted(places)))
        if not final:
            return _Found(sets, bound, True, False, after)
    return _Found(sets, bound, True, True, after)


def _causes(
    candidates: Sequence[Candidate], pool: list[Candidate], stages: frozenset[str], rules: Rules
) -> Iterator[Reason]:
    """Each rule that contradicts another, and each thing that no candidate can give."""
    yield from _contradictions(candidates, rules)
    for stage in sorted(stages):
        if not any(stage in c.stages for c in pool):
            barred = sorted(c.id for c in candidates if stage in c.stages)
            yield Reason(
                "stage-uncovered",
                f"no candidate covers {stage}"
                + (f"; {len(barred)} would that the rules bar" if barred else ""),
                {"stage": stage, "barred": barred},
            )
    nowhere = sum(c.country is None for c in pool)
    known = {c.country for c in pool if c.country is not None}
    for code, what, asked, there, unknown in (
        ("entities", "eligible organisations", rules.min_entities,
         sum(is_entity(c, rules) for c in pool), nowhere if rules.countries else 0),
        ("countries", "countries among the candidates", rules.min_countries, len(known), nowhere),
        ("sectors", "sectors among the candidates", rules.min_sectors,
         len({s for c in pool for s in c.sectors}), 0),
        ("third-countries", "third countries in their experience", rules.min_third_countries,
         len({t for c in pool for t in c.third_countries}), 0),
    ):  # fmt: skip
        if asked is not None and there < asked:
            yield Reason(
                f"too-few-{code}",
                f"{asked} needed, {there} {what}"
                + (f"; the country of {unknown} is unknown" if unknown else ""),
                {"needed": asked, "available": there, "unknown": unknown},
            )
    for country in sorted(rules.third_countries):
        if not any(country in c.third_countries for c in pool):
            yield Reason(
                "third-country-missing",
                f"no candidate is known to have experience with {country}",
                {"country": country},
            )
    for code, what, asked, values in (
        ("no-pilot-region", "pilot", rules.pilot_region, [c.pilot_region for c in pool]),
        ("no-less-developed", "less developed", rules.less_developed,
         [c.less_developed for c in pool]),
    ):  # fmt: skip
        if asked and not any(values):
            unknown = values.count(None)
            yield Reason(
                code,
                f"no candidate is known to be in a {what} region; of {unknown} it is unknown",
                {"unknown": unknown},
            )


def _contradictions(candidates: Sequence[Candidate], rules: Rules) -> Iterator[Reason]:
    both = sorted(rules.required & rules.excluded)
    if both:
        yield Reason(
            "contradiction",
            f"both required and excluded: {', '.join(both)}",
            {"rules": ["required", "excluded"], "ids": both},
        )
    most = rules.max_entities
    for name, value, other, limit in (
        ("min_entities", rules.min_entities, "max_entities", most),
        ("min_countries", rules.min_countries, "max_entities", most),
        ("required", len(rules.required), "max_entities", most),
        ("min_countries", rules.min_countries, "countries", len(rules.countries) or None),
    ):
        if value is not None and limit is not None and value > limit:
            yield Reason(
                "contradiction",
                f"{name} asks for {value}, {other} allows {limit}",
                {"rules": [name, other], "values": [value, limit]},
            )
    required = [c for c in candidates if c.id in rules.required]
    for c in required:
        if rules.countries and c.country is not None and c.country not in rules.countries:
            yield Reason(
                "required-not-eligible",
                f"{c.id} is required, its country {c.country} is not allowed",
                {"id": c.id, "country": c.country},
            )
    places = Counter(c.country for c in required if c.country is not None)
    for country, number in sorted(places.items()):
        if rules.max_per_country is not None and number > rules.max_per_country:
            yield Reason(
                "contradiction",
                f"{number} of {country} are required, max_per_country is {rules.max_per_country}",
                {"rules": ["required", "max_per_country"], "country": country},
            )


def _with(rules: Rules, name: str, value: Any) -> Rules:
    change: dict[str, Any] = {name: value}
    return replace(rules, **change)


def _why_none(
    candidates: Sequence[Candidate],
    stages: frozenset[str],
    rules: Rules,
    until: float,
    proven: bool,
) -> tuple[tuple[Reason, ...], bool]:
    """The reasons where each rule can be met alone, and whether time let all be found."""
    if not proven:
        message = "time was up before a set was found; whether there is one is not known"
        return (Reason("time-limit", message, {}),), False
    undecided = False

    def possible(stages: frozenset[str], rules: Rules) -> bool:
        nonlocal undecided
        pool = eligible(candidates, rules)
        if next(_causes(candidates, pool, stages, rules), None):
            return False
        found = _search(pool, stages, rules, until, 0, False)
        undecided |= not found.sets and not found.proven
        return bool(found.sets)

    relaxed = []
    for rule in fields(rules):
        name, asked = rule.name, getattr(rules, rule.name)
        if asked == rule.default or not possible(stages, _with(rules, name, rule.default)):
            continue
        enough: Any = None
        if isinstance(asked, frozenset) and name != "countries":
            enough = [i for i in sorted(asked) if possible(stages, _with(rules, name, asked - {i}))]
        elif isinstance(asked, int) and not isinstance(asked, bool):
            good, bad = (len(candidates) if name.startswith("max_") else 0), asked
            while abs(good - bad) > 1:
                middle = (good + bad) // 2
                if possible(stages, _with(rules, name, middle)):
                    good = middle
                else:
                    bad = middle
            enough = good
        shown = sorted(asked) if isinstance(asked, frozenset) else asked
        message = f"without {name} a set exists" + (
            f"; enough: {enough}" if enough not in (None, []) else ""
        )
        relaxed.append(Reason("relax", message, {"rule": name, "value": shown, "suffices": enough}))
    for stage in sorted(stages) if len(stages) > 1 else ():
        if possible(stages - {stage}, rules):
            relaxed.append(
                Reason(
                    "relax",
                    f"without the stage {stage} a set exists",
                    {"rule": "stages", "value": sorted(stages), "suffices": [stage]},
                )
            )
    message = "each stage and rule can be met, not all at once"
    if not relaxed and not undecided:
        message += "; dropping a single one does not suffice"
    return (Reason("jointly-infeasible", message, {}), *relaxed), not undecided

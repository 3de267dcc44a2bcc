"""Small random candidates and rules for the composer, and brute force over them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

from clusterloom.discovery.composer import Candidate, Composition, Rules

STAGES = ["s1", "s2", "s3", "s4", "s5"]
COUNTRIES = ["DE", "ES", "FR", "PL"]
THIRD = ["JP", "US"]


def who(name: str, country: str | None, stages: str, **more: Any) -> Candidate:
    return Candidate(name, country, stages=frozenset(stages), **more)


def obeys(members: Sequence[Candidate], stages: frozenset[str], rules: Rules) -> bool:
    """The rules once more, spelled out."""
    ids = [m.id for m in members]
    if any(i in rules.excluded for i in ids) or any(r not in ids for r in rules.required):
        return False
    for stage in stages:
        if not any(stage in m.stages for m in members):
            return False
    places = [m.country for m in members if m.country]
    if rules.countries and any(p not in rules.countries for p in places):
        return False
    entities = len(places) if rules.countries else len(members)
    sectors = {s for m in members for s in m.sectors}
    third = {t for m in members for t in m.third_countries}
    return (
        entities >= (rules.min_entities or 0)
        and len(members) <= (rules.max_entities or 99)
        and len(set(places)) >= (rules.min_countries or 0)
        and len(sectors) >= (rules.min_sectors or 0)
        and len(third) >= (rules.min_third_countries or 0)
        and rules.third_countries <= third
        and (not rules.pilot_region or any(m.pilot_region is True for m in members))
        and (not rules.less_developed or any(m.less_developed is True for m in members))
        and all(places.count(p) <= (rules.max_per_country or 99) for p in places)
    )


def brute(
    candidates: Sequence[Candidate], stages: frozenset[str], rules: Rules, further: int
) -> list[tuple[str, ...]]:
    """The first set by size and ids, and the next ones that hold none of those before."""
    found: list[tuple[str, ...]] = []
    ordered = sorted(candidates, key=lambda c: c.id)
    for size in range(1, len(ordered) + 1):
        for members in combinations(ordered, size):
            ids = tuple(m.id for m in members)
            if any(set(old) <= set(ids) for old in found):
                continue
            if obeys(members, stages, rules):
                found.append(ids)
                if len(found) > further:
                    return found
    return found


def some_candidates(rng: random.Random, most: int = 10) -> list[Candidate]:
    unknown = rng.choice([0.0, 0.2, 0.5])
    names = rng.sample([f"c{n:02}" for n in range(30)], rng.randint(1, most))
    return [
        Candidate(
            name,
            None if rng.random() < unknown else rng.choice(COUNTRIES),
            None,
            frozenset(rng.sample(STAGES, rng.choice([0, 1, 1, 2, 2, 3]))),
            frozenset(rng.sample("xyz", rng.choice([0, 1, 1, 2]))),
            frozenset(rng.sample(THIRD, rng.choice([0, 0, 1, 2]))),
            rng.choice([True, False, None]),
            rng.choice([True, False, None]),
        )
        for name in names
    ]


def some_rules(rng: random.Random, candidates: Sequence[Candidate]) -> Rules:
    ids = [c.id for c in candidates]

    def maybe(values: Sequence[int], chance: float = 0.35) -> int | None:
        return rng.choice(values) if rng.random() < chance else None

    return Rules(
        min_entities=maybe([1, 2, 3, 4], 0.5),
        min_countries=maybe([1, 2, 3, 4], 0.5),
        max_entities=maybe([3, 4, 5, 6]),
        required=frozenset(rng.sample(ids, min(len(ids), maybe([1, 1, 2], 0.25) or 0))),
        excluded=frozenset(rng.sample(ids, min(len(ids), maybe([1, 2], 0.25) or 0))),
        min_sectors=maybe([1, 2, 3]),
        min_third_countries=maybe([1, 2], 0.2),
        third_countries=frozenset(rng.sample(THIRD, maybe([1, 2], 0.2) or 0)),
        pilot_region=rng.random() < 0.2,
        less_developed=rng.random() < 0.1,
        max_per_country=maybe([1, 2], 0.25),
        countries=frozenset(rng.sample(COUNTRIES, maybe([2, 3], 0.25) or 0)),
    )


def instance(seed: int, most: int = 10) -> tuple[list[Candidate], frozenset[str], Rules]:
    rng = random.Random(seed)
    candidates = some_candidates(rng, most)
    stages = frozenset(rng.sample(STAGES, rng.randint(1, 5)))
    return candidates, stages, some_rules(rng, candidates)


def changed(rules: Rules, name: str, value: Any) -> Rules:
    change: dict[str, Any] = {name: value}
    return replace(rules, **change)


def codes(found: Composition) -> list[str]:
    assert found.status == "none"
    assert found.members == ()
    return [reason.code for reason in found.reasons]

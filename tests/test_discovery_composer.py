"""The composer: as brute force, lossless, in any order, with the true reason when there is none."""

from __future__ import annotations

import doctest
import json
import random
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clusterloom.discovery import composer, composer_model
from clusterloom.discovery.composer import Candidate, Composition, Rules, compose
from clusterloom.discovery.composer_model import eligible, greedy, reduced

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


def test_doctests() -> None:
    for module in (composer, composer_model):
        result = doctest.testmod(module)
        assert result.attempted > 0
        assert result.failed == 0


def test_the_golden_example(shared: Path) -> None:
    golden = json.loads((shared / "golden/discovery.json").read_text("utf-8"))["W5"]
    candidates = [
        Candidate(name, country, stages=frozenset(map(str, stages)))
        for name, (country, stages) in golden["clusters"].items()
    ]
    need = [str(stage) for stage in golden["need"]]
    assert golden["min_size_by_k"]
    for countries, size in golden["min_size_by_k"].items():
        found = compose(candidates, need, Rules(min_countries=int(countries)))
        assert found.status == "optimal"
        assert found.bound == len(found.members) == size
        assert len(found.countries) >= int(countries)


def test_brute_force_agrees_on_300_instances() -> None:
    """The very sets, runners-up too, with rules in any mixture."""
    none = 0
    for seed in range(300):
        candidates, stages, rules = instance(seed)
        further = seed % 3
        expected = brute(candidates, stages, rules, further)
        found = compose(candidates, stages, rules, seconds=60, runners_up=further)
        assert found.complete
        if not expected:
            none += 1
            assert found.status == "none", seed
            assert found.reasons
            continue
        assert found.status == "optimal", seed
        assert [found.members, *found.runners_up] == expected, seed
        assert found.bound == len(found.members)
        of = {c.id: c for c in candidates}
        members = [of[i] for i in found.members]
        assert obeys(members, stages, rules)
        assert set(found.covers) == stages
        for stage, ids in found.covers.items():
            assert ids == tuple(m.id for m in members if stage in m.stages)
        assert set(found.countries) == {m.country for m in members} - {None}
        assert found.unplaced == tuple(m.id for m in members if m.country is None)
    assert 50 < none < 250


def test_the_reduction_loses_nothing() -> None:
    """Many alike: the first set and those under cuts are found among those left."""
    dropped = 0
    for seed in range(60):
        rng = random.Random(1000 + seed)
        kinds = some_candidates(rng, 4)
        names = rng.sample([f"c{n:02}" for n in range(40)], 11)
        candidates = [replace(rng.choice(kinds), id=name) for name in names]
        stages = frozenset(s for c in candidates for s in c.stages) or frozenset(["s1"])
        rules = replace(some_rules(rng, candidates), required=frozenset(), max_entities=None)
        pool = eligible(candidates, rules)
        for cuts in (0, 1, 2):
            left = reduced(pool, stages, rules, cuts)
            dropped += len(pool) - len(left)
            assert list(left) == [c for c in pool if c in left]
            assert set(left.values()) <= set(range(cuts + 1))
            expected = brute(candidates, stages, rules, cuts)
            assert brute(list(left), stages, rules, cuts) == expected
    assert dropped > 300


def test_of_equal_candidates_as_many_stay_as_entities_are_needed() -> None:
    pool = [who(f"c{n}", "ES", "1") for n in range(9)]
    assert len(reduced(pool, frozenset("1"), Rules(), 0)) == 1
    assert len(reduced(pool, frozenset("1"), Rules(min_entities=4), 0)) == 4
    assert len(reduced(pool, frozenset("1"), Rules(min_entities=4), 2)) == 6
    found = compose(pool, "1", Rules(min_entities=4))
    assert found.members == ("c0", "c1", "c2", "c3")
    assert (found.before, found.after) == (9, 4)
    needed = Rules(required=frozenset(["c8"]))
    assert compose(pool, "1", needed).members == ("c8",)


def test_many_kinds_are_not_compared_and_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(composer_model, "TYPES", 1)
    for seed in range(30):
        candidates, stages, rules = instance(seed)
        expected = brute(candidates, stages, rules, 0)
        found = compose(candidates, stages, rules, runners_up=0)
        assert found.members == (expected[0] if expected else ())


@given(st.integers(0, 10**6), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_one_candidate_more_never_makes_it_larger(seed: int, rng: random.Random) -> None:
    candidates, stages, rules = instance(seed, 8)
    more = [*candidates, replace(some_candidates(rng, 1)[0], id="new")]
    less, found = (compose(c, stages, rules, runners_up=0) for c in (candidates, more))
    if less.status == "optimal":
        assert found.status == "optimal"
        assert len(found.members) <= len(less.members)


@given(st.integers(0, 10**6), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_the_order_of_the_candidates_does_not_matter(seed: int, rng: random.Random) -> None:
    candidates, stages, rules = instance(seed)
    shuffled = rng.sample(candidates, len(candidates))
    assert compose(shuffled, stages, rules) == compose(candidates, stages, rules)


def test_large_pools_give_a_smallest_set_in_any_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(composer, "LEXICOGRAPHIC", 0)
    several = 0
    for seed in range(60):
        candidates, stages, rules = instance(seed)
        expected = brute(candidates, stages, rules, 2)
        found = compose(candidates, stages, rules, runners_up=2)
        if not expected:
            assert found.status == "none"
            continue
        of = {c.id: c for c in candidates}
        sets = [found.members, *found.runners_up]
        assert len(found.members) == len(expected[0])
        assert (len(sets) > 1) == (len(expected) > 1)
        several += len(sets) > 1
        for n, ids in enumerate(sets):
            assert obeys([of[i] for i in ids], stages, rules)
            assert not any(set(old) <= set(ids) for old in sets[:n])
        assert compose(candidates[::-1], stages, rules, runners_up=2) == found
    assert several > 10


def test_an_unknown_country_neither_counts_nor_excludes() -> None:
    pool = [who("a", None, "12"), who("b", "ES", "1"), who("c", "FR", "2")]
    assert compose(pool, "12", Rules()).members == ("a",)
    two = compose(pool, "12", Rules(min_countries=2))
    assert two.members == ("b", "c")
    assert compose(pool, "12", Rules(max_per_country=1)).unplaced == ("a",)
    allowed = Rules(countries=frozenset(["ES"]))
    assert compose(pool, "12", allowed).members == ("a",)
    entity = compose(pool, "12", replace(allowed, min_entities=1))
    assert entity.members == ("a", "b")
    assert (entity.countries, entity.unplaced) == (("ES",), ("a",))


def test_an_unknown_region_does_not_count() -> None:
    pool = [who("a", "ES", "1"), who("b", "ES", "", pilot_region=True, less_developed=False)]
    assert compose(pool, "1", Rules(pilot_region=True)).members == ("a", "b")
    assert codes(compose(pool, "1", Rules(less_developed=True))) == ["no-less-developed"]
    assert compose(pool, "1", Rules(less_developed=True)).reasons[0].parameters == {"unknown": 1}


def test_runners_up_hold_no_earlier_set_and_are_not_padded() -> None:
    pool = [who("a", "ES", "12"), who("b", "ES", "1"), who("c", "FR", "2"), who("d", "IT", "12")]
    found = compose(pool, "12", Rules(), runners_up=9)
    assert found.members == ("a",)
    assert found.runners_up == (("d",), ("b", "c"))
    assert compose(pool, "12", Rules(), runners_up=0).runners_up == ()
    every = Rules(required=frozenset("a"))
    assert compose(pool, "12", every).runners_up == ()


def codes(found: Composition) -> list[str]:
    assert found.status == "none"
    assert found.members == ()
    return [reason.code for reason in found.reasons]


POOL = [
    who("a", "ES", "12", sectors=frozenset("x"), third_countries=frozenset(["US"])),
    who("b", "FR", "2", pilot_region=False),
    who("c", None, "23"),
]


@pytest.mark.parametrize(
    "stages, rules, expected",
    [
        ("129", Rules(), {"stage-uncovered": {"stage": "9", "barred": []}}),
        (
            "13",
            Rules(excluded=frozenset("c")),
            {"stage-uncovered": {"stage": "3", "barred": ["c"]}},
        ),
        (
            "1",
            Rules(min_countries=3),
            {"too-few-countries": {"needed": 3, "available": 2, "unknown": 1}},
        ),
        (
            "1",
            Rules(min_entities=4),
            {"too-few-entities": {"needed": 4, "available": 3, "unknown": 0}},
        ),
        (
            "1",
            Rules(min_entities=3, countries=frozenset(["ES", "FR"])),
            {"too-few-entities": {"needed": 3, "available": 2, "unknown": 1}},
        ),
        (
            "1",
            Rules(min_sectors=2),
            {"too-few-sectors": {"needed": 2, "available": 1, "unknown": 0}},
        ),
        (
            "1",
            Rules(min_third_countries=2),
            {"too-few-third-countries": {"needed": 2, "available": 1, "unknown": 0}},
        ),
        (
            "1",
            Rules(third_countries=frozenset(["JP", "US"])),
            {"third-country-missing": {"country": "JP"}},
        ),
        ("1", Rules(pilot_region=True), {"no-pilot-region": {"unknown": 2}}),
        (
            "1",
            Rules(required=frozenset("b"), countries=frozenset(["ES"])),
            {"required-not-eligible": {"id": "b", "country": "FR"}},
        ),
        (
            "2",
            Rules(required=frozenset("ab"), excluded=frozenset("b")),
            {"contradiction": {"rules": ["required", "excluded"], "ids": ["b"]}},
        ),
        (
            "2",
            Rules(min_entities=3, max_entities=2),
            {"contradiction": {"rules": ["min_entities", "max_entities"], "values": [3, 2]}},
        ),
        (
            "2",
            Rules(required=frozenset("ab"), max_entities=1),
            {"contradiction": {"rules": ["required", "max_entities"], "values": [2, 1]}},
        ),
        (
            "12",
            Rules(min_countries=2, countries=frozenset(["ES"])),
            {
                "contradiction": {"rules": ["min_countries", "countries"], "values": [2, 1]},
                "too-few-countries": {"needed": 2, "available": 1, "unknown": 1},
            },
        ),
    ],
)
def test_the_reason_is_the_cause(
    stages: str, rules: Rules, expected: dict[str, dict[str, Any]]
) -> None:
    found = compose(POOL, stages, rules)
    assert codes(found) == list(expected)
    assert [reason.parameters for reason in found.reasons] == list(expected.values())
    assert all(reason.message for reason in found.reasons)
    assert (found.bound, found.complete) == (None, True)


def test_required_members_of_one_country_may_be_too_many() -> None:
    pool = [who("a", "ES", "1"), who("b", "ES", "1")]
    found = compose(pool, "1", Rules(required=frozenset("ab"), max_per_country=1))
    assert codes(found) == ["contradiction"]
    assert found.reasons[0].parameters["country"] == "ES"


def test_no_candidates_at_all() -> None:
    assert codes(compose([], "12", Rules(min_entities=1))) == [
        "stage-uncovered",
        "stage-uncovered",
        "too-few-entities",
    ]


def relaxed(found: Composition) -> dict[str, Any]:
    assert codes(found)[0] == "jointly-infeasible"
    assert set(codes(found)[1:]) <= {"relax"}
    rules: dict[str, Any] = {}
    for reason in found.reasons[1:]:
        rules.setdefault(reason.parameters["rule"], reason.parameters["suffices"])
    return rules


def test_each_rule_that_alone_suffices_is_named_with_its_nearest_value() -> None:
    pool = [who("a", "ES", "1"), who("b", "ES", "2"), who("c", "ES", "3"), who("d", "FR", "")]
    assert relaxed(compose(pool, "123", Rules(max_entities=1))) == {"max_entities": 3}
    crowded = compose(pool, "12", Rules(max_per_country=1, max_entities=2, min_countries=1))
    assert relaxed(crowded) == {"max_per_country": 2, "stages": ["1"]}
    assert [r.parameters["suffices"] for r in crowded.reasons[2:]] == [["1"], ["2"]]
    several = Rules(min_countries=2, max_entities=2)
    assert relaxed(compose(pool, "12", several)) == {
        "min_countries": 1,
        "max_entities": 3,
        "stages": ["1"],
    }
    held = Rules(required=frozenset("cd"), max_entities=3)
    assert relaxed(compose(pool, "12", held)) == {
        "max_entities": 4,
        "required": ["c", "d"],
        "stages": ["1"],
    }


def test_without_a_single_relaxation_it_says_so() -> None:
    pool = [who(name, "ES", stage) for name, stage in zip("abcd", "1234", strict=True)]
    found = compose(pool, "1234", Rules(max_entities=2, max_per_country=1))
    assert codes(found) == ["jointly-infeasible"]
    assert "does not suffice" in found.reasons[0].message


def test_relaxations_are_true_and_the_nearest() -> None:
    """By brute force: the value named suffices, and the next one towards the rule does not."""
    seen = 0
    for seed in range(400):
        candidates, stages, rules = instance(seed, 7)
        if brute(candidates, stages, rules, 0):
            continue
        found = compose(candidates, stages, rules, seconds=60)
        if codes(found)[0] != "jointly-infeasible":
            continue
        for reason in found.reasons[1:]:
            name, value = reason.parameters["rule"], reason.parameters["suffices"]
            if name == "stages":
                assert brute(candidates, stages - set(value), rules, 0)
            elif isinstance(value, int):
                seen += 1
                step = 1 if name.startswith("min_") else -1
                assert brute(candidates, stages, changed(rules, name, value), 0)
                assert not brute(candidates, stages, changed(rules, name, value + step), 0)
        named = {reason.parameters["rule"] for reason in found.reasons[1:]}
        for name in {"min_countries", "max_entities", "min_sectors", "countries"} - named:
            without = changed(rules, name, getattr(Rules(), name))
            assert without == rules or not brute(candidates, stages, without, 0)
    assert seen > 5


@pytest.mark.parametrize(
    "change, message",
    [
        ({"stages": ""}, "stages"),
        ({"stages": ["1", ""]}, "stages"),
        ({"rules": Rules(required=frozenset(["a", "zz", "yy"]))}, "required.*yy, zz"),
        ({"rules": Rules(min_entities=-1)}, "min_entities: -1"),
        ({"rules": Rules(max_entities=0)}, "max_entities: 0"),
        ({"rules": Rules(max_per_country=-2)}, "max_per_country"),
        ({"candidates": [POOL[0], POOL[1], POOL[0]]}, r"candidates\[2\].id: 'a'"),
        ({"candidates": [who("", "ES", "1")]}, r"candidates\[0\].id"),
        ({"candidates": [who("a", "", "1")]}, r"candidates\[0\].country"),
        ({"seconds": -1.0}, "seconds"),
        ({"seconds": float("nan")}, "seconds"),
        ({"runners_up": -1}, "runners_up"),
    ],
)
def test_mistakes_of_the_caller(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compose(**{"candidates": POOL, "stages": "12", "rules": Rules(), **change})


def large(number: int, stages: int) -> list[Candidate]:
    rng = random.Random(5)
    names = [f"s{n:02}" for n in range(stages)]
    return [
        Candidate(
            f"c{n:05}",
            rng.choice([None, *COUNTRIES]),
            stages=frozenset(rng.sample(names, rng.randint(1, 4))),
            sectors=frozenset(rng.sample("abcdefghij", 2)),
        )
        for n in range(number)
    ]


@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.4])
def test_when_time_is_up_the_best_set_known_comes_with_a_bound(seconds: float) -> None:
    pool = large(400, 40)
    stages = frozenset(s for c in pool for s in c.stages)
    rules = Rules(min_countries=3, min_sectors=8, max_per_country=6)
    start = time.monotonic()
    found = compose(pool, stages, rules, seconds=seconds)
    assert time.monotonic() - start < seconds + 8
    assert found.status in {"feasible", "optimal"}
    assert found.bound is not None
    assert 10 <= found.bound <= len(found.members)
    assert (found.status == "optimal") == (found.bound == len(found.members))
    of = {c.id: c for c in pool}
    assert obeys([of[i] for i in found.members], stages, rules)
    if seconds == 0:
        assert found.status == "feasible"
        assert not found.complete
        assert found.runners_up == ()


def test_when_time_is_up_before_any_set_nothing_is_claimed() -> None:
    pool = [who("a", "ES", "1234"), who("b", "FR", "135"), who("c", "ES", "246")]
    rules, stages = Rules(max_entities=2), frozenset("123456")
    assert greedy(pool, stages, rules) is None
    found = compose(pool, stages, rules, seconds=0)
    assert codes(found) == ["time-limit"]
    assert not found.complete
    assert found.bound is None
    assert compose(pool, stages, rules).members == ("b", "c")


def test_when_time_is_up_for_the_order_the_set_is_still_a_smallest_one() -> None:
    pool = [who("a", "ES", "12"), who("b", "ES", "34"), who("c", "FR", "123"), who("d", "IT", "4")]
    found = compose(pool, "1234", Rules(), seconds=0)
    assert (found.status, found.members, found.bound) == ("optimal", ("b", "c"), 2)
    assert not found.complete
    assert compose(pool, "1234", Rules()).members == ("a", "b")

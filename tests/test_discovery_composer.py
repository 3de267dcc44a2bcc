"""The composer: as brute force, lossless, in any order."""

from __future__ import annotations

import doctest
import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clusterloom.discovery import composer, composer_model
from clusterloom.discovery.composer import Candidate, Rules, compose
from clusterloom.discovery.composer_model import eligible, reduced
from composer_help import (
    brute,
    codes,
    instance,
    obeys,
    some_candidates,
    some_rules,
    who,
)


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

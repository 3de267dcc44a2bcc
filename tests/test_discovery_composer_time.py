"""The composer when time is up: the best that is known, and nothing that is not."""

from __future__ import annotations

import random
import time

import pytest

from clusterloom.discovery.composer import Candidate, Rules, compose
from clusterloom.discovery.composer_model import greedy
from composer_help import (
    COUNTRIES,
    codes,
    obeys,
    who,
)


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

"""Why the composer finds no set: the true reason, and the least that would have to change."""

from __future__ import annotations

from typing import Any

import pytest

from clusterloom.discovery.composer import Composition, Rules, compose
from composer_help import (
    brute,
    changed,
    codes,
    instance,
    who,
)

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

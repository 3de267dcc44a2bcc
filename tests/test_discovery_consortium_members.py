"""Members of the request are composed like clusters of the graph; companions join for a rule."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import Any

from clusterloom.discovery.candidates import Member, candidate_of, clusters_of, members_of
from clusterloom.discovery.composer import Rules
from clusterloom.discovery.consortium import Wanted, consortium
from clusterloom.discovery.model import Model
from clusterloom.discovery.profile import of_cluster
from composer_help import brute
from discovery_help import make, model_of

COMPARED = 60


def some_rules(rng: random.Random) -> Rules:
    def maybe(values: list[int]) -> int | None:
        return rng.choice(values) if rng.random() < 0.4 else None

    return Rules(
        min_entities=maybe([1, 2, 3]),
        min_countries=maybe([1, 2, 3]),
        min_sectors=maybe([1, 2]),
        max_per_country=maybe([1, 2]),
        pilot_region=rng.random() < 0.2,
        less_developed=rng.random() < 0.2,
    )


def asked(model: Model, rng: random.Random) -> Wanted | None:
    """Some stages that are covered, under some rules."""
    covered = model.index.arrays["cluster_stage.indices"].tolist()
    if not covered:
        return None
    keys = sorted({model.index.things["stages"].key(int(s)) for s in covered})
    return Wanted(stages=rng.sample(keys, rng.randint(1, len(keys))), rules=some_rules(rng))


def test_an_organisation_described_as_a_cluster_is_composed_as_that_cluster() -> None:
    compared = found_some = 0
    for seed in range(COMPARED):
        model = asyncio.run(model_of(make(seed, named=True)))
        rng, index = random.Random(seed), model.index
        wanted = asked(model, rng)
        if wanted is None:
            continue
        # a member of the request may join though it covers nothing
        wanted = replace(wanted, companions=True)
        whole = consortium(model, wanted)
        place = rng.randrange(len(index.things["clusters"]))
        key = index.things["clusters"].key(place)
        stages = list(range(len(index.things["stages"])))
        true = clusters_of(model, stages)[place]
        # a name that sorts where the cluster does, so that ties fall alike
        me = Member(f"{key}~", of_cluster(index, key), true.third_countries)
        assert candidate_of(index, me, stages) == replace(true, id=me.id)
        rules = replace(wanted.rules, excluded=frozenset([key]))
        other = consortium(model, replace(wanted, rules=rules, members=[me]))
        assert other.coverage["status"] == whole.coverage["status"]
        named = [[m.removesuffix("~") for m in i.facts["members"]] for i in other.items]
        assert named == [i.facts["members"] for i in whole.items]
        compared += 1
        found_some += bool(named)
    assert compared > 20
    assert found_some > 10


def test_companions_join_only_where_a_rule_asks_and_the_reason_says_where_they_would() -> None:
    would = not_even = 0
    for seed in range(3 * COMPARED):
        model = asyncio.run(model_of(make(seed, named=True)))
        rng = random.Random(seed)
        wanted = asked(model, rng)
        if wanted is None:
            continue
        keys = frozenset(wanted.stages)
        everyone = clusters_of(model, [model.index.things["stages"].by_key[k] for k in keys])
        alone = consortium(model, wanted)
        joined = consortium(model, replace(wanted, companions=True))
        assert [tuple(i.facts["members"]) for i in joined.items] == brute(
            everyone, keys, wanted.rules, wanted.runners_up
        )
        assert [tuple(i.facts["members"]) for i in alone.items] == brute(
            [c for c in everyone if c.stages], keys, wanted.rules, wanted.runners_up
        )
        told: list[Any] = [r for r in alone.coverage["reasons"] if r["code"] == "companions"]
        if told:
            suffices = told[0]["parameters"]["suffices"]
            assert suffices == (joined.items[0].value if joined.items else None)
            would += suffices is not None
            not_even += suffices is None
        elif not alone.items:
            assert not joined.items
    assert would >= 3
    assert not_even >= 3


def test_what_is_not_said_of_a_member_is_unknown() -> None:
    model = asyncio.run(model_of(make(1, named=True)))
    (member,) = members_of(model.index, [{}])
    assert (member.id, member.profile.label) == ("member-1", "member-1")
    found = candidate_of(model.index, member, [])
    assert (found.country, found.region, found.pilot_region, found.less_developed) == (
        None, None, None, None,
    )  # fmt: skip

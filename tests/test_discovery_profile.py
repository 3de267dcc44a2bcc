"""Profiles of a request against clusters of the graph with the same facts."""

from __future__ import annotations

import math

import pytest

from clusterloom.discovery.model import Model
from clusterloom.discovery.profile import Profile, find_capability, inline
from clusterloom.errors import UsageError
from discovery_partners_help import ask, by_iri, of_hit, profiles, rich, same, worlds


def words(model: Model, who: Profile) -> list[str] | None:
    """The capabilities as one would write them; None where a code means another scheme."""
    things = model.index.things["capabilities"]
    found = [things.key(int(c)) for c in who.capabilities]
    same = [find_capability(model.index, word) for word in found] == who.capabilities.tolist()
    return found if same else None


def test_an_inline_profile_finds_what_a_cluster_with_the_same_facts_finds() -> None:
    compared = 0
    for _, model in worlds():
        for who in profiles(model):
            if (named := words(model, who)) is None:
                continue
            given = inline(model.index, {"name": "x", "capabilities": named})
            assert given.capabilities.tolist() == who.capabilities.tolist()
            for axis in ("similarity", "complementarity", "supply"):
                found = ask(model, given, axis)
                values = by_iri(found)
                values.pop(who.iri, None)
                wanted = ask(model, who, axis)
                assert same(values, by_iri(wanted))
                assert found.coverage["reason"] == wanted.coverage["reason"]
                compared += len(values)
    assert compared > 1000


def test_partners_named_in_a_request_count_it_as_one_more() -> None:
    hits = 0
    for graph, model in worlds(4):
        for who in profiles(model):
            clusters = model.index.things["clusters"]
            keys = [clusters.key(int(p)) for p in who.partners]
            given = inline(model.index, {"partners": keys})
            answer = ask(model, given, "network")
            wanted = {}
            for iri in graph.of("ClusterOrganisation"):
                rows = of_hit(graph, model, given, "network", iri)
                total = sum(1 / math.log(int(row["partners"]) + 1) for row in rows)
                if total > 0:
                    wanted[iri] = total
            assert same(by_iri(answer), wanted)
            for item in answer.items:
                total = sum(part.value for part in item.explanation)
                assert abs(total - float(item.value or 0)) <= 1e-9
            hits += len(wanted)
    assert hits > 50


def test_the_place_of_an_inline_profile() -> None:
    for graph, model in worlds(4):
        regions = model.index.things["regions"]
        for n, iri in enumerate(regions.iris):
            vintages = graph.all(iri, "vintage")
            code = regions.key(n)
            if vintages and not vintages & {"2021", "2024"}:
                with pytest.raises(UsageError, match=r"2013|2016"):
                    inline(model.index, {"region": code})
                continue
            found = inline(model.index, {"region": code.lower()})
            inside = {regions.key(int(r)) for r in found.regions}
            assert inside == {c for c in map(regions.key, range(len(regions)))
                              if code.startswith(c)}  # fmt: skip
            stated = graph.one(iri, "inCountry")
            countries = model.index.things["countries"]
            assert found.country == (countries.place[str(stated)] if stated else -1)
            both = inline(model.index, {"region": code, "country": code[:2]})
            assert both.country == countries.by_key[code[:2]]
            if stated:
                with pytest.raises(UsageError, match=f"is in {code[:2]}, not in DD"):
                    inline(model.index, {"region": code, "country": "DD"})


# seen from the other side


@pytest.mark.parametrize(
    ("given", "near"),
    [
        ({"contry": "AA"}, "country"),
        ({"country": "AAA"}, "nearest: AA"),
        ({"country": 7}, "profile.country"),
        ({"country": " "}, "profile.country"),
        ({"name": "x" * 201}, "profile.name"),
        ({"capabilities": ["k33"]}, "nearest: k3"),
        ({"capabilities": "k3"}, "profile.capabilities"),
        ({"capabilities": [3]}, "profile.capabilities"),
        ({"capabilities": ["k3"] * 501}, "at most 500"),
        ({"partners": ["c00"]}, "nearest: c0"),
    ],
)
def test_bad_profiles_are_refused(given: dict[str, object], near: str) -> None:
    _, model = rich()
    with pytest.raises(UsageError, match=near):
        inline(model.index, given)

"""Partners: order, ranks, pages, measures, what is unknown, who would find whom."""

from __future__ import annotations

import asyncio
import doctest
import math
from dataclasses import replace

import networkx
import numpy as np
import pytest

from clusterloom.discovery import answers, axes, filters, partners, profile, reproduce
from clusterloom.discovery.answers import Item
from clusterloom.discovery.axes import AXES
from clusterloom.discovery.model import Model
from clusterloom.discovery.profile import Profile, inline, of_cluster
from clusterloom.errors import NotFound, UsageError
from discovery_help import ID, Graph, model_of
from discovery_partners_help import ALL, ask, by_iri, profiles, rich, same, wide, worlds


def check_order(items: list[Item], values: list[float], total: int) -> None:
    assert len(items) == total
    pairs = [(-value, item.iri) for item, value in zip(items, values, strict=True)]
    assert pairs == sorted(pairs)
    for item, value in zip(items, values, strict=True):
        assert item.rank == 1 + sum(other > value for other in values)
        tied = [other.id for other, v in zip(items, values, strict=True)
                if v == value and other is not item]  # fmt: skip
        assert sorted(item.tied_with) == sorted(tied)


def test_explanations_add_up_and_ranks_are_right() -> None:
    for _, model in worlds():
        for who in profiles(model):
            for axis in (*AXES, "borda"):
                answer = ask(model, who, axis)
                for item in answer.items:
                    total = sum(part.value for part in item.explanation)
                    assert item.value is not None
                    assert abs(total - item.value) <= 1e-9
                    assert {e for part in item.explanation for e in part.evidence} <= set(
                        item.evidence
                    )
                    assert item.iri in item.evidence
                check_order(answer.items, [float(i.value or 0) for i in answer.items], answer.total)


def test_a_page_is_the_beginning_and_names_ties_beyond_it() -> None:
    beyond = 0
    for _, model in worlds(2):
        for who in profiles(model):
            for axis in AXES:
                whole, page = ask(model, who, axis), ask(model, who, axis, limit=2)
                assert page.total == whole.total
                assert [i.iri for i in page.items] == [i.iri for i in whole.items[:2]]
                for one, other in zip(page.items, whole.items[:2], strict=True):
                    assert one.rank == other.rank
                    assert sorted(one.tied_with) == sorted(other.tied_with)
                    beyond += len(set(one.tied_with) - {i.id for i in page.items})
                assert ask(model, who, axis, limit=0).items == []
    assert beyond > 20


def test_the_order_of_the_triples_changes_nothing() -> None:
    for graph, model in worlds(10):
        turned = Graph(dict.fromkeys(reversed(list(graph.triples))))
        again = asyncio.run(model_of(turned))
        for one, other in zip(profiles(model), profiles(again), strict=True):
            for axis in (*AXES, "borda"):
                assert ask(model, one, axis).as_json() == ask(again, other, axis).as_json()


def test_rank_by_a_measure() -> None:
    for _, model in worlds(4):
        for who in profiles(model):
            for axis, chosen in AXES.items():
                usual = by_iri(ask(model, who, axis))
                for name in (*chosen.measured, *chosen.dear):
                    answer = partners.partners(model, who, axis, rank_by=name, limit=ALL)
                    assert same(by_iri(answer), usual)
                    assert answer.total == len(usual)
                    values = [item.measures[name] for item in answer.items]
                    known = [float(v) for v in values if v is not None]
                    assert [v is None for v in values] == sorted(v is None for v in values)
                    check_order(answer.items[: len(known)], known, len(known))
                    assert all(item.rank is None for item in answer.items[len(known) :])


def test_hits_without_the_measure_come_last(monkeypatch: pytest.MonkeyPatch) -> None:
    def halved(model: Model, who: Profile, places: axes.Places) -> axes.Measures:
        measures = AXES["similarity"].measures(model, who, places)
        return {n: np.where(places % 2 == 0, np.nan, m) for n, m in measures.items()}

    monkeypatch.setitem(AXES, "half", replace(AXES["similarity"], measures=halved))
    last = 0
    for _, model in worlds(20):
        for who in profiles(model):
            whole = partners.partners(model, who, "half", rank_by="cosine", limit=ALL)
            for limit in (1, 2, 3):
                page = partners.partners(model, who, "half", rank_by="cosine", limit=limit)
                assert [i.iri for i in page.items] == [i.iri for i in whole.items[:limit]]
                assert page.total == whole.total
                assert len(page.items) == min(limit, page.total)
                last += sum(item.rank is None for item in page.items)
            unranked = [item.iri for item in whole.items if item.rank is None]
            assert unranked == sorted(unranked)
            assert all(item.measures["cosine"] is None for item in whole.items if not item.rank)
    assert last > 20


def test_pagerank_is_that_of_networkx() -> None:
    seen = 0
    for _, model in worlds(20):
        whole = networkx.from_scipy_sparse_array(model.ties)
        for who in profiles(model):
            answer = partners.partners(model, who, "network", rank_by="pagerank", limit=ALL)
            if not answer.items:
                continue
            restart = {who.place: 1.0}
            expected = networkx.pagerank(
                whole, personalization=restart, dangling=restart, tol=1e-12, max_iter=1000
            )
            for item in answer.items:
                value = expected[model.index.things["clusters"].place[item.iri]]
                assert item.measures["pagerank"] == pytest.approx(value, abs=1e-9)
                seen += 1
    assert seen > 20


def test_pagerank_needs_a_cluster_of_the_graph() -> None:
    _, model = rich()
    with pytest.raises(UsageError, match="of clusters of the graph only"):
        partners.partners(model, Profile("we", partners=np.array([0, 1], np.int32)), "network",
                          rank_by="pagerank")  # fmt: skip


def knowing(graph: Graph, axis: str) -> set[str]:
    measured = {str(graph.one(s, "ofCapability")) for s, _ in graph.pairs("specialisationStatus")}
    comprised = {d for _, d in graph.pairs("comprises")}
    clusters = set(graph.of("ClusterOrganisation"))
    found = set()
    for iri in clusters:
        has = graph.all(iri, "hasCapability")
        known = {
            "similarity": bool(has),
            "complementarity": bool(wide(graph, has) & measured),
            "supply": bool(wide(graph, has) & comprised),
            "network": bool(graph.all(iri, "coParticipantWith") & clusters),
        }
        if known[axis]:
            found.add(iri)
    return found


def test_what_is_unknown_is_told() -> None:
    for graph, model in worlds():
        clusters = graph.of("ClusterOrganisation")
        known = {axis: knowing(graph, axis) for axis in AXES}
        for who in profiles(model):
            for axis in AXES:
                answer = ask(model, who, axis)
                coverage = answer.coverage
                assert coverage["clusters"] == len(clusters) - 1
                assert coverage["known"] + coverage["unknown"] == coverage["clusters"]
                assert coverage["known"] == len(known[axis] - {who.iri})
                assert {item.iri for item in answer.items} <= known[axis] - {who.iri}
                if who.iri not in known[axis]:
                    assert coverage["reason"]
                if coverage["reason"]:
                    assert answer.items == []
                    assert answer.total == 0
                assert answer.complete is False
                assert answer.release == "r"


def test_facts_of_an_item() -> None:
    for graph, model in worlds(5):
        for who in profiles(model):
            for item in ask(model, who, "similarity").items:
                countries = graph.all(item.iri, "inCountry")
                told = item.facts["country"] and item.facts["country"]["id"]
                assert told == (min(countries)[-2:] if len(countries) == 1 else None)
                joint = item.iri in graph.all(who.iri, "coParticipantWith")
                assert item.facts["joint"] == ("yes" if joint else "unknown")
                placed = {r for r in graph.all(item.iri, "locatedIn")
                          if graph.values(r, "level") and graph.values(r, "nutsCode")}  # fmt: skip
                assert (item.facts["region"] is None) == (not placed)
                if placed:
                    iri = f"{ID}region/{item.facts['region']['id']}"
                    off = {r: abs(int(str(graph.one(r, "level"))) - 2) for r in placed}
                    assert off[iri] == min(off.values())


# filters


def test_who_would_find_agrees_with_what_each_seeker_finds() -> None:
    hits = 0
    for graph, model in worlds(2):
        everyone = profiles(model)
        for axis in AXES:
            known = knowing(graph, axis)
            lists = {who.iri: {i.iri: i for i in ask(model, who, axis).items} for who in everyone}
            for who in everyone:
                answer = partners.who_would_find(model, who, axis, limit=ALL)
                seekers = {s: found[who.iri] for s, found in lists.items() if who.iri in found}
                assert same(by_iri(answer), {s: float(i.value or 0) for s, i in seekers.items()})
                assert answer.total == len(seekers)
                for item in answer.items:
                    seen = seekers[item.iri]
                    assert item.measures["place"] == seen.rank
                    assert item.explanation == seen.explanation
                    assert item.query == seen.query
                order = [(item.measures["place"], item.iri) for item in answer.items]
                assert order == sorted(order)
                assert [item.rank for item in answer.items] == [
                    1 + sum(place < mine for place, _ in order)  # type: ignore[operator]
                    for mine, _ in order
                ]
                page = partners.who_would_find(model, who, axis, limit=1)
                assert [i.iri for i in page.items] == [i.iri for i in answer.items[:1]]
                assert answer.coverage["clusters"] == len(everyone) - 1
                assert answer.coverage["known"] == len(known - {who.iri})
                hits += len(seekers)
    assert hits > 500


# what is not known is refused


def test_unknown_names_are_refused_with_the_nearest() -> None:
    _, model = rich()
    who = profiles(model)[0]
    with pytest.raises(UsageError, match="similarity"):
        ask(model, who, "similarty")
    with pytest.raises(UsageError, match="similarity"):
        partners.who_would_find(model, who, "similarty")
    for axis, chosen in AXES.items():
        with pytest.raises(UsageError, match=chosen.measured[0]):
            partners.partners(model, who, axis, rank_by="jacard")
    with pytest.raises(NotFound, match=r"cluster 'c00'.*nearest: c0"):
        of_cluster(model.index, "c00")
    with pytest.raises(UsageError, match="in it"):
        partners.who_would_find(model, replace(who, place=-1), "network")


def test_an_undefined_case_has_no_items_and_a_reason() -> None:
    for model in (rich()[1], asyncio.run(model_of(Graph()))):
        given = inline(model.index, {})
        for axis in AXES:
            answer = ask(model, given, axis)
            assert (answer.items, answer.total) == ([], 0)
            assert answer.coverage["reason"]
            assert math.nan not in answer.as_json()["coverage"].values()
        answer = ask(model, given, "borda")
        assert answer.items == []
        assert all(name in answer.coverage["reason"] for name in AXES)


def test_doctests() -> None:
    failed, attempted = doctest.testmod(answers)
    assert failed == 0
    assert attempted > 0
    for module in (axes, filters, partners, profile, reproduce):
        assert doctest.testmod(module).failed == 0

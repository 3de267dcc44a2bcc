"""Partners on every axis against plain Python over the triples and the SPARQL of each hit."""

from __future__ import annotations

import asyncio
import doctest
import math
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import networkx
import numpy as np
import pytest

from clusterloom.discovery import answers, axes, filters, partners, profile, reproduce
from clusterloom.discovery.answers import Answer, Item
from clusterloom.discovery.axes import AXES
from clusterloom.discovery.filters import Filters, look
from clusterloom.discovery.model import Model
from clusterloom.discovery.profile import Profile, find_capability, inline, of_cluster
from clusterloom.errors import NotFound, UsageError
from discovery_help import ID, ONTOLOGY, Graph, make, model_of

SEEDS = range(1000, 1200)
ALL = 100
"""More than there are clusters."""


@cache
def world(seed: int) -> tuple[Graph, Model]:
    graph = make(seed, named=True)
    return graph, asyncio.run(model_of(graph))


def worlds(step: int = 1) -> Iterator[tuple[Graph, Model]]:
    for seed in SEEDS[::step]:
        yield world(seed)


def profiles(model: Model) -> list[Profile]:
    clusters = model.index.things["clusters"]
    return [of_cluster(model.index, clusters.key(n)) for n in range(len(clusters))]


def ask(model: Model, who: Profile, axis: str, *, limit: int = ALL, **more: object) -> Answer:
    return partners.partners(model, who, axis, Filters(**more), limit=limit)  # type: ignore[arg-type]


def by_iri(answer: Answer) -> dict[str, float]:
    return {item.iri: float(item.value or 0) for item in answer.items}


def same(one: dict[str, float], other: dict[str, float]) -> bool:
    near = (math.isclose(one[iri], other[iri], rel_tol=1e-9, abs_tol=1e-12) for iri in one)
    return one.keys() == other.keys() and all(near)


def others(graph: Graph, who: Profile) -> list[str]:
    return [iri for iri in graph.of("ClusterOrganisation") if iri != who.iri]


def wide(graph: Graph, capabilities: set[str]) -> set[str]:
    return capabilities.union(*(graph.all(c, "within") for c in capabilities))


def of_hit(graph: Graph, model: Model, who: Profile, axis: str, iri: str) -> list[dict[str, str]]:
    """Rows of the query of one cluster, be it a hit or not."""
    place = model.index.things["clusters"].place[iri]
    return run(graph, reproduce.query(axis, model, who, place))


def run(graph: Graph, query: str) -> list[dict[str, str]]:
    rows = graph.rows(query)
    if not rows:
        return []
    names = [part for part in query.split("SELECT")[1].split("WHERE")[0].replace("(", " ")
             .replace(")", " ").split() if part.startswith("?")]  # fmt: skip
    kept = [name[1:] for name in dict.fromkeys(names) if name not in {"?coefficient", "?other"}]
    return [{name: row[name].value for name in kept} for row in rows]


# values


def test_similarity_is_the_number_of_shared_capabilities() -> None:
    hits = 0
    for graph, model in worlds():
        for who in profiles(model):
            own = graph.all(who.iri, "hasCapability")
            answer = ask(model, who, "similarity")
            shared = {iri: own & graph.all(iri, "hasCapability") for iri in others(graph, who)}
            assert same(by_iri(answer), {iri: len(s) for iri, s in shared.items() if s})
            for item in answer.items:
                found = run(graph, item.query)
                assert {row["capability"] for row in found} == shared[item.iri]
                assert [row["capability"] for row in found] == [
                    part.parameters["capability"] for part in item.explanation
                ]
                assert sum(float(row["part"]) for row in found) == item.value == len(found)
                theirs = graph.all(item.iri, "hasCapability")
                jaccard = len(own & theirs) / len(own | theirs)
                cosine = len(own & theirs) / math.sqrt(len(own) * len(theirs))
                assert item.measures == pytest.approx({"jaccard": jaccard, "cosine": cosine})
            hits += len(answer.items)
    assert hits > 500


def bought(graph: Graph, who: Profile) -> set[str]:
    """The products that the table tells the inputs of and the profile makes."""
    own = wide(graph, graph.all(who.iri, "hasCapability"))
    figures = {str(graph.one(s, "toProduct")) for s, n in graph.pairs("coefficient") if float(n)}
    return figures & {product for product, part in graph.pairs("comprises") if part in own}


def test_supply_is_the_sum_of_the_rows_of_its_query() -> None:
    hits = 0
    for graph, model in worlds():
        for who in profiles(model):
            answer = ask(model, who, "supply")
            rows = {iri: of_hit(graph, model, who, "supply", iri) for iri in others(graph, who)}
            sums = {iri: sum(float(r["part"]) for r in found) for iri, found in rows.items()}
            assert same(by_iri(answer), {iri: total for iri, total in sums.items() if total > 0})
            assert bool(answer.coverage["reason"]) == (not bought(graph, who))
            for item in answer.items:
                found = {(r["from"], r["to"]): float(r["part"]) for r in run(graph, item.query)}
                parts = {(p.parameters["from"], p.parameters["to"]): p.value
                         for p in item.explanation}  # fmt: skip
                assert parts == pytest.approx(found, abs=1e-9)
                back = item.measures["supplied_by_profile"]
                mirrored = by_iri(ask(model, of_cluster(model.index, item.id), "supply"))
                assert back == pytest.approx(mirrored.get(who.iri, 0.0), abs=1e-9)
            hits += len(answer.items)
    assert hits > 300


def test_network_is_the_sum_over_the_rows_of_its_query() -> None:
    hits = 0
    for graph, model in worlds():
        for who in profiles(model):
            answer = ask(model, who, "network")
            sums: dict[str, float] = {}
            for iri in others(graph, who):
                rows = of_hit(graph, model, who, "network", iri)
                sums[iri] = sum(1 / math.log(int(row["partners"])) for row in rows)
            assert same(by_iri(answer), {iri: total for iri, total in sums.items() if total > 0})
            for item in answer.items:
                rows = run(graph, item.query)
                found = {row["common"]: int(row["partners"]) for row in rows}
                told = {p.parameters["partner"]: p.parameters["degree"] for p in item.explanation}
                assert told == found
            hits += len(answer.items)
    assert hits > 200


def relatedness(graph: Graph) -> dict[tuple[str, str], float]:
    """Pairs of measured divisions; those of a division that is never with another are left out."""
    cells = {
        (str(graph.one(s, "ofRegion")), str(graph.one(s, "ofCapability"))): status
        for s, status in graph.pairs("specialisationStatus")
    }
    regions = [
        r for r in graph.of("Region")
        if graph.one(r, "level") == 2 and "2021" in graph.all(r, "vintage")
        and graph.values(r, "nutsCode")
    ]  # fmt: skip
    divisions = sorted({d for _, d in cells})
    together: dict[tuple[str, str], int] = {}
    for one in divisions:
        for other in divisions:
            together[one, other] = 0
            for region in regions:
                both = cells.get((region, one)), cells.get((region, other))
                if one != other and both == ("specialised", "specialised"):
                    together[one, other] += 1
    size = {one: sum(together[one, other] for other in divisions) for one in divisions}
    total = sum(size.values())
    found = {}
    for one in divisions:
        for other in divisions:
            if one != other and size[one] and size[other]:
                drawn = size[one] / total * size[other] / (total - size[one])
                drawn += size[other] / total * size[one] / (total - size[other])
                found[one, other] = together[one, other] / (total / 2 * drawn)
    return found


def gains(own: set[str], phi: dict[tuple[str, str], float]) -> dict[str, float]:
    """What each division adds; nothing at all where no density that could rise is defined."""
    around = {d: sum(value for (_, to), value in phi.items() if to == d) for _, d in phi}
    lacking = {d for d, total in around.items() if total > 0} - own
    if not lacking:
        return {}
    return {
        d: 100 * sum(phi.get((d, to), 0.0) / around[to] for to in lacking) / len(lacking)
        for d in {d for d, _ in phi} - own
    }


def test_complementarity_is_the_mean_of_what_the_divisions_add() -> None:
    hits = undefined = 0
    for graph, model in worlds():
        phi = relatedness(graph)
        measured = {str(graph.one(s, "ofCapability"))
                    for s, _ in graph.pairs("specialisationStatus")}  # fmt: skip
        of = {iri: wide(graph, graph.all(iri, "hasCapability")) & measured
              for iri in graph.of("ClusterOrganisation")}  # fmt: skip
        for who in profiles(model):
            each = gains(of[who.iri], phi) if of[who.iri] else {}
            answer = ask(model, who, "complementarity")
            sums = {iri: sum(each.get(d, 0.0) for d in of[iri]) for iri in others(graph, who)}
            assert same(by_iri(answer), {iri: total for iri, total in sums.items() if total > 0})
            assert bool(answer.coverage["reason"]) == (not each), answer.coverage
            undefined += not each
            for item in answer.items:
                parts = {p.parameters["division"]: p.value for p in item.explanation}
                wanted = {d: each[d] for d in of[item.iri] if each.get(d)}
                assert parts == pytest.approx(wanted, rel=1e-9)
                rows = {row["division"] for row in run(graph, item.query)}
                assert rows == of[item.iri] - of[who.iri]
                assert item.measures["divisions"] == len(of[item.iri])
            hits += len(answer.items)
    assert hits > 200
    assert undefined > 50


def test_borda_gives_points_by_place() -> None:
    for graph, model in worlds(3):
        for who in profiles(model):
            answer = ask(model, who, "borda")
            iris = others(graph, who)
            wanted = dict.fromkeys(iris, 0.0)
            seen: set[str] = set()
            for axis in answer.coverage["axes"]:
                found = by_iri(ask(model, who, axis))
                seen |= found.keys()
                for iri in iris:
                    mine = found.get(iri, 0.0)
                    better = sum(found.get(i, 0.0) > mine for i in iris)
                    equal = sum(found.get(i, 0.0) == mine for i in iris)
                    wanted[iri] += len(iris) - (better + (equal + 1) / 2)
            assert same(by_iri(answer), {iri: wanted[iri] for iri in seen})
            assert answer.total == len(seen)


# the form of an answer


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

    monkeypatch.setitem(partners.AXES, "half", replace(AXES["similarity"], measures=halved))
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


def fitting(graph: Graph, who: Profile, asked: Filters) -> tuple[set[str], dict[str, int]]:
    """The clusters that fit, and for one filter alone what is not known of how many."""
    regions = {r for r in graph.of("Region") if graph.values(r, "level")
               and graph.values(r, "nutsCode")}  # fmt: skip
    two = {r for r in regions if graph.one(r, "level") == 2}
    own_countries = graph.all(who.iri, "inCountry")
    kept, unknown = set(), dict.fromkeys(("country", "region", "capability"), 0)
    kinds = {ONTOLOGY + kind for kind in asked.kind}
    joint = {ONTOLOGY + "Partnership", ONTOLOGY + "Project"}
    for iri in others(graph, who):
        country, placed = graph.all(iri, "inCountry"), graph.all(iri, "locatedIn") & regions
        has = graph.all(iri, "hasCapability")
        joined = {u for u, m in graph.pairs("participant")
                  if m == iri and graph.all(u, "a") & joint}  # fmt: skip
        fits, lacks = [], set()
        if asked.country:
            lacks |= set() if len(country) == 1 else {"country"}
            fits.append(bool(country & {f"{ID}country/{c}" for c in asked.country}))
        if asked.elsewhere == "country":
            lacks |= set() if len(country) == 1 else {"country"}
            fits.append(len(own_countries) != 1 or country != own_countries)
        if asked.region:
            lacks |= set() if placed else {"region"}
            fits.append(bool(placed & {f"{ID}region/{c}" for c in asked.region}))
        if asked.elsewhere == "region":
            lacks |= set() if placed & two else {"region"}
            fits.append(not placed & two & graph.all(who.iri, "locatedIn"))
        for word in asked.capability:
            lacks |= set() if has else {"capability"}
            one = f"{ID}{'euroscivoc' if word.startswith('k') else 'nace2'}/{word}"
            fits.append(one in wide(graph, has))
        for key in asked.area:
            lacks |= set() if has else {"capability"}
            mapped = {str(graph.one(m, "mapsTo")) for m, a in graph.pairs("mapsFrom")
                      if a == f"{ID}area/{key}"}  # fmt: skip
            fits.append(bool(wide(graph, has) & mapped))
        if asked.kind:
            fits.append(any(graph.all(u, "a") & kinds for u in joined))
        for code in asked.third_country:
            aimed = f"{ID}country/{code}"
            fits.append(any(aimed in graph.all(u, "targetCountry") for u in joined))
        if asked.labelled:
            fits.append(bool(graph.all(iri, "label")))
        if asked.exclude_partners:
            fits.append(iri not in graph.all(who.iri, "coParticipantWith"))
        for what in lacks:
            unknown[what] += 1
        if all(fits) and not lacks:
            kept.add(iri)
    return kept, {what: n for what, n in unknown.items() if n}


def asked_of(graph: Graph) -> list[Filters]:
    """One of each filter with values that the graph has, and some together."""
    found = [Filters(country=[code]) for code in ("AA", "CC")]
    found += [Filters(country=["AA", "BB"]), Filters(elsewhere="country"),
              Filters(elsewhere="region"), Filters(labelled=True),
              Filters(exclude_partners=True), Filters(third_country=["AA"]),
              Filters(third_country=["AA", "BB"])]  # fmt: skip
    taken = [str(graph.one(r, "nutsCode")) for r in graph.of("Region")
             if graph.values(r, "level") and graph.values(r, "nutsCode")
             and graph.all(r, "vintage") != {"2013"}
             and graph.all(r, "vintage") != {"2016"}
             and graph.all(r, "vintage") != {"2013", "2016"}]  # fmt: skip
    found += [Filters(region=[code]) for code in taken[:3]]
    found += [Filters(region=taken[:2])] if taken else []
    nace = [str(graph.one(c, "naceCode")) for c in graph.of("Capability") if "/nace2/" in c]
    found += [Filters(capability=[word]) for word in (*nace[:4], "k0", "k3")]
    found += [Filters(capability=[nace[0], "k0"])] if nace else []
    areas = [iri.rsplit("/", 1)[1] for iri in graph.of("ThematicArea")]
    found += [Filters(area=[key]) for key in areas]
    used = {k for k in ("Partnership", "Project") if graph.of(k)}
    found += [Filters(kind=[kind]) for kind in sorted(used)]
    found += [Filters(kind=sorted(used))] if used else []
    found.append(Filters(country=["AA", "BB"], labelled=True, exclude_partners=True))
    found.append(Filters(elsewhere="country", capability=["k0"]))
    return found


def test_filters_against_the_triples() -> None:
    some = dict.fromkeys(vars(Filters()), 0)
    for graph, model in worlds(2):
        clusters = model.index.things["clusters"]
        for who in profiles(model)[:4]:
            every = by_iri(ask(model, who, "similarity"))
            for asked in asked_of(graph):
                kept, unknown = fitting(graph, who, asked)
                looked = look(model.index, who, asked)
                found = {clusters.iris[n] for n in np.flatnonzero(looked.mask)}
                assert found == kept, asked
                names = [name for name, value in vars(asked).items() if value]
                for name in names:
                    some[name] += 0 < len(kept) < len(others(graph, who))
                if len(names) == 1 and len(asked.capability) < 2:
                    assert looked.unknown == unknown, asked
                answer = partners.partners(model, who, "similarity", asked, limit=ALL)
                assert same(by_iri(answer), {i: v for i, v in every.items() if i in kept})
                assert answer.coverage["clusters"] == len(kept)
                if not answer.coverage["reason"]:
                    assert answer.coverage["left_out_as_unknown"] == looked.unknown
                fused = partners.partners(model, who, "borda", asked, limit=ALL)
                assert {item.iri for item in fused.items} <= kept
    assert min(some.values()) > 5, some


def test_a_country_in_lower_case_is_the_same() -> None:
    _, model = next(w for w in worlds() if len(profiles(w[1])) > 4)
    who = profiles(model)[0]
    upper, lower = (look(model.index, who, Filters(country=[c])).mask for c in ("AA", "aa"))
    assert upper.tolist() == lower.tolist()


# profiles of a request


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


@cache
def rich() -> tuple[Graph, Model]:
    """A graph with a profile that every axis answers."""
    for graph, model in worlds():
        for who in profiles(model):
            if all(ask(model, who, axis).items for axis in AXES) and len(who.capabilities) > 1:
                return graph, model
    raise AssertionError("no graph is rich enough")


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


@pytest.mark.parametrize(
    ("asked", "near"),
    [
        (Filters(country=["AAA"]), "AA"),
        (Filters(third_country=["AAB"]), "AA"),
        (Filters(capability=["10.1x"]), "10.1"),
        (Filters(capability=["k33"]), "k3"),
        (Filters(region=["AA1111"]), "AA111"),
        (Filters(kind=["Projects"]), "Project"),
        (Filters(elsewhere="planet"), "neither country nor region"),
        (Filters(area=["a00"]), "a0"),
    ],
)
def test_unknown_values_of_filters_are_refused_with_the_nearest(asked: Filters, near: str) -> None:
    tried = 0
    for graph, model in worlds():
        keys = {iri.rsplit("/", 1)[1] for kind in ("Country", "Region", "Capability",
                "ThematicArea") for iri in graph.of(kind)}  # fmt: skip
        keys |= {"Project"} if graph.of("Project") else set()
        if (near in keys or " " in near) and profiles(model):
            for axis in ("similarity", "borda"):
                with pytest.raises(UsageError, match=near):
                    partners.partners(model, profiles(model)[0], axis, asked)
            tried += 1
        if tried == 5:
            return
    raise AssertionError("no graph had the value")


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

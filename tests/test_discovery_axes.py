"""The axes against plain Python over the triples and the SPARQL of each hit."""

from __future__ import annotations

import math

import pytest

from clusterloom.discovery.profile import Profile, of_cluster
from discovery_help import Graph
from discovery_partners_help import ask, by_iri, of_hit, others, profiles, run, same, wide, worlds


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

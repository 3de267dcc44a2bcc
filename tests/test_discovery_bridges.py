"""Cross-sectoral bridges: loops and whole fractions over random graphs, and the default release."""

from __future__ import annotations

import asyncio
import doctest
import math
import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from itertools import combinations, permutations
from typing import Any

import numpy as np
import pyoxigraph as ox
import pytest
from scipy import sparse

from clusterloom.discovery import meetings as meetings_module
from clusterloom.discovery.answers import Answer
from clusterloom.discovery.bridges import BASES, STATES, bridges
from clusterloom.discovery.index import Index
from clusterloom.discovery.meetings import meetings
from clusterloom.discovery.model import Model
from clusterloom.errors import UsageError
from clusterloom.settings import Settings
from clusterloom.store.release import Release
from discovery_help import ID, ONTOLOGY, Graph, model_of
from discovery_release import model_of_release

EVERY = 10_000
CODES = ["10", "13", "20", "26", "27", "28", "62"]
APART = ("20", "26")


def key(iri: str) -> str:
    return iri.rsplit("/", 1)[1]


def world(seed: int) -> Graph:
    """Many undertakings, so that pairs can be tested; those of APART seldom meet."""
    rng, graph = random.Random(seed), Graph()

    def thing(kind: str, path: str, *facts: tuple[str, Any]) -> str:
        graph.add(ID + path, ("a", ONTOLOGY + kind), ("name", path), *facts)
        return ID + path

    divisions = [thing("Capability", f"nace2/{c}", ("naceCode", c)) for c in CODES]
    narrow = [thing("Capability", f"nace2/{c}.1", ("naceCode", f"{c}.1"),
                    ("within", f"{ID}nace2/{c}")) for c in CODES]  # fmt: skip
    for n in range(30):
        region = thing("Region", f"region/R{n:02}", ("nutsCode", f"R{n:02}"), ("level", 2),
                       ("vintage", "2021"))  # fmt: skip
        for division in divisions:
            said = rng.choice(["specialised", "specialised", "not", "borderline", "unknown"])
            graph.add(f"{region}/{key(division)}", ("ofRegion", region), ("year", 2015),
                      ("ofCapability", division), ("specialisationStatus", said))  # fmt: skip
    clusters, of = [], {}
    for n in range(60):
        cluster = thing("ClusterOrganisation", f"org/c{n:02}")
        own = rng.sample(divisions + narrow, n % 3)
        graph.add(cluster, *(("hasCapability", c) for c in own))
        of[cluster] = {key(c)[:2] for c in own}
        clusters.append(cluster)
    for n in range(150):
        members = rng.sample(clusters, rng.randint(0, 4))
        has = {code for member in members for code in of[member]}
        if set(APART) <= has and rng.random() < 0.9:
            members = [m for m in members if APART[n % 2] not in of[m]]
        iri = thing(rng.choice(["Partnership", "Project", "Network"]), f"undertaking/u{n}")
        graph.add(iri, *(("participant", member) for member in members))
    products = [thing("ProductGroup", f"product-group/P{n}") for n in range(5)]
    # one group of two divisions, and one division in no group
    for product, comprised in zip(products, ([0, 1], [2], [3], [4], [5]), strict=True):
        graph.add(product, *(("comprises", divisions[n]) for n in comprised))
    for one in products:
        for other in products[:-1]:
            if rng.random() < 0.8:
                size = Decimal(rng.randint(0, 200)) / 1000
                link = f"{ID}supply-link/{key(one)}-{key(other)}"
                graph.add(link, ("fromProduct", one), ("toProduct", other), ("coefficient", size),
                          ("year", 2015), ("economy", "CZ"))  # fmt: skip
    return graph


def undertakings(graph: Graph) -> list[list[set[str]]]:
    """The divisions of each cluster in every undertaking with two or more of known divisions."""
    found = []
    for kind in ("Partnership", "Project"):
        for iri in graph.of(kind):
            each = [{key(c)[:2] for c in graph.all(m, "hasCapability")}
                    for m in sorted(set(graph.all(iri, "participant")))]  # fmt: skip
            found.append([has for has in each if has])
    return [each for each in found if len(each) >= 2]


def meet(each: list[set[str]], one: str, other: str) -> bool | None:
    """Whether two different clusters have one division each; None where one alone has both."""
    pairs = permutations(range(len(each)), 2)
    if any(one in each[a] and other in each[b] for a, b in pairs):
        return True
    return None if any({one, other} <= has for has in each) else False


def counted(has: list[list[set[str]]], one: str, other: str) -> tuple[int, int, int, int]:
    """Joint undertakings, those of each division, and all, less those that show neither."""
    rows = [(each, met) for each in has if (met := meet(each, one, other)) is not None]
    sizes = [sum(any(code in own for own in each) for each, _ in rows) for code in (one, other)]
    return sum(met for _, met in rows), sizes[0], sizes[1], len(rows)


def grouped(rows: Iterable[tuple[str, ...]]) -> list[list[set[str]]]:
    """The same of rows of undertaking, cluster and division."""
    of: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for undertaking, cluster, division in rows:
        of[undertaking][cluster].add(key(division))
    return [list(each.values()) for each in of.values() if len(each) >= 2]


def ordered(each: list[set[str]]) -> list[list[str]]:
    return sorted(map(sorted, each))


def steijn(together: dict[tuple[str, str], int], codes: list[str]) -> dict[tuple[str, str], float]:
    """Relatedness of pairs from the number of regions that have both."""
    size = {a: sum(together.get((a, b), 0) for b in codes) for a in codes}
    total = sum(size.values())
    found = {}
    for a, b in combinations(codes, 2):
        if count := together.get((a, b), 0):
            drawn = size[a] * size[b] / total
            expected = (drawn / (total - size[a]) + drawn / (total - size[b])) * total / 2
            found[a, b] = count / expected
    return found


def pairs_of(rows: Iterable[tuple[str, ...]]) -> Counter[tuple[str, str]]:
    """In how many regions both divisions of a pair are, of rows of region and division."""
    has = defaultdict(set)
    for region, division in rows:
        has[region].add(key(division))
    return Counter(pair for codes in has.values() for pair in permutations(codes, 2))


def relatedness(graph: Graph) -> dict[tuple[str, str], float]:
    rows = [
        (str(graph.one(row, "ofRegion")), str(graph.one(row, "ofCapability")))
        for row, said in graph.by_predicate["specialisationStatus"]
        if said == "specialised"
    ]
    return steijn(pairs_of(rows), CODES)


def supplied(graph: Graph) -> dict[tuple[str, str], float]:
    makes = defaultdict(list)
    for product, division in graph.pairs("comprises"):
        makes[product].append(key(division))
    found: dict[tuple[str, str], float] = {}
    for link, one in graph.by_predicate["fromProduct"]:
        other, size = str(graph.one(link, "toProduct")), float(str(graph.one(link, "coefficient")))
        for a in makes[str(one)]:
            for b in makes[other]:
                if one != other and size > 0:
                    pair = min(a, b), max(a, b)
                    found[pair] = max(found.get(pair, 0.0), size)
    return found


def lower(joint: int, a: int, b: int, population: int) -> Fraction:
    """Chance of so few joint ones or fewer, counted."""
    ways = sum(math.comb(a, n) * math.comb(population - a, b - n) for n in range(joint + 1)
               if b >= n)  # fmt: skip
    return Fraction(ways, math.comb(population, b))


def adjusted(p: dict[tuple[str, str], Fraction]) -> dict[tuple[str, str], Fraction]:
    """Benjamini-Hochberg by the definition: the least p_j m / j over all that are not before."""
    order = sorted(p, key=lambda pair: p[pair])
    found, least = {}, Fraction(1)
    for place in range(len(order), 0, -1):
        least = min(least, p[order[place - 1]] * len(order) / place)
        found[order[place - 1]] = least
    return found


Expected = dict[tuple[str, str], dict[str, Any]]


def expect(graph: Graph, basis: str, share: float) -> Expected:
    """Every strongly tied pair with its counts, p, q, z and state."""
    value = relatedness(graph) if basis == "relatedness" else supplied(graph)
    some = sorted(value.values(), reverse=True)
    limit = some[math.ceil(share * len(some)) - 1] if some else math.inf
    chance = 1.0 if basis == "relatedness" else 0.0
    has = undertakings(graph)
    found: Expected = {}
    lows, highs = {}, {}
    for pair, size in value.items():
        # the last digit of the sums may differ
        if size < limit - 1e-12 or size <= chance:
            continue
        joint, a, b, k = counted(has, *pair)
        row: dict[str, Any] = {"value": size, "joint": joint, "one": a, "other": b, "all": k}
        variance = a * b * (k - a) * (k - b) / (k * k * (k - 1))
        row["expected"] = a * b / k
        row["z"] = (joint - a * b / k) / math.sqrt(variance) if variance else None
        row["p"] = lower(joint, a, b, k) if variance else None
        if variance and lower(max(0, a + b - k), a, b, k) <= Fraction(1, 20):
            lows[pair] = row["p"]
            highs[pair] = 1 - lower(joint - 1, a, b, k) if joint else Fraction(1)
        found[pair] = row
    fewer, more = adjusted(lows), adjusted(highs)
    for pair, row in found.items():
        row["q"] = fewer.get(pair)
        if pair not in fewer:
            row["state"] = "untested"
        elif fewer[pair] <= Fraction(1, 20):
            row["state"] = "fewer-than-expected"
        else:
            row["state"] = "more" if more[pair] <= Fraction(1, 20) else "as-expected"
    return found


def close(said: float | int | None, expected: Fraction | float | None) -> None:
    if expected is None:
        assert said is None
    else:
        assert said == pytest.approx(float(expected), rel=1e-9, abs=1e-12)


def agrees(answer: Answer, expected: Expected) -> None:
    items = {tuple(item.id.split("-")): item for item in answer.items}
    assert set(items) == set(expected)
    for pair, row in expected.items():
        item = items[pair]
        close(item.value, row["value"])
        for name in ("z", "p", "q", "expected"):
            close(item.measures[name], row[name])
        counts = [item.measures[n] for n in (
            "joint", "undertakings_first", "undertakings_second", "undertakings")]  # fmt: skip
        assert counts == [row["joint"], row["one"], row["other"], row["all"]]
        assert item.facts["state"] == row["state"]
        assert len(item.explanation) == 1
        assert item.explanation[0].value == item.value


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("seed", range(12))
def test_bridges_are_what_whole_fractions_find(seed: int, basis: str, share: float) -> None:
    graph = world(seed)
    model = asyncio.run(model_of(graph))
    expected = expect(graph, basis, share)
    answer = bridges(model, basis, EVERY, share, STATES)
    agrees(answer, expected)
    values = [item.value or 0 for item in answer.items]
    assert values == sorted(values, reverse=True)
    states = Counter(row["state"] for row in expected.values())
    assert answer.coverage["states"] == {state: states[state] for state in STATES}
    assert answer.coverage["strong_pairs"] == len(expected)
    assert answer.coverage["tested"] == len(expected) - states["untested"]
    assert answer.coverage["counted"] == len(undertakings(graph))
    fewer = bridges(model, basis, EVERY, share)
    assert [i.id for i in fewer.items] == [
        i.id for i in answer.items if i.facts["state"] == "fewer-than-expected"
    ]
    assert bool(fewer.coverage["reason"]) != bool(fewer.items)
    first = bridges(model, basis, 1, share, STATES)
    assert [i.id for i in first.items] == [i.id for i in answer.items[:1]]
    assert first.total == answer.total == len(expected)
    assert first.as_bytes() == bridges(model, basis, 1, share, STATES).as_bytes()


def test_the_pair_that_was_kept_apart_is_found_most_often() -> None:
    states: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for seed in range(12):
        model = asyncio.run(model_of(world(seed)))
        answer = bridges(model, "supply", EVERY, 1.0, STATES)
        states.update(item.facts["state"] for item in answer.items)
        found.update(item.id for item in bridges(model, "supply", EVERY, 1.0).items)
    assert set(STATES) - {"more"} <= set(states)
    (first, often), *others = found.most_common()
    assert first == "-".join(APART)
    assert all(count < often for _, count in others)


def test_pairs_that_always_meet_are_more_than_expected() -> None:
    graph = world(1)
    for n in range(60):
        pair = ("10", "20") if n % 2 else ("62", "62")
        for place, code in enumerate(pair):
            cluster = f"{ID}org/x{n}-{place}"
            graph.add(cluster, ("a", ONTOLOGY + "ClusterOrganisation"), ("name", cluster),
                      ("hasCapability", f"{ID}nace2/{code}"))  # fmt: skip
            graph.add(f"{ID}undertaking/x{n}", ("a", ONTOLOGY + "Project"), ("name", f"x{n}"),
                      ("participant", cluster))  # fmt: skip
    model = asyncio.run(model_of(graph))
    answer = bridges(model, "supply", EVERY, 1.0, STATES)
    agrees(answer, expect(graph, "supply", 1.0))
    assert "more" in {item.facts["state"] for item in answer.items}


@pytest.mark.parametrize("seed", range(4))
def test_the_queries_give_what_the_values_and_the_test_are_worked_out_of(seed: int) -> None:
    graph = world(seed)
    model = asyncio.run(model_of(graph))
    answers = {basis: bridges(model, basis, EVERY, 1.0, STATES) for basis in BASES}
    rows = graph.rows(answers["supply"].about["partnerships_query"])
    has = grouped([(u.value, c.value, d.value) for u, c, d in rows])
    assert sorted(map(ordered, has)) == sorted(map(ordered, undertakings(graph)))
    for item in answers["supply"].items:
        found = [(r[0].value, r[1].value, float(r[2].value)) for r in graph.rows(item.query)]
        (part,) = item.explanation
        assert found == [(part.parameters["from"], part.parameters["to"], item.value)]
        codes = [{key(d) for d in graph.all(iri, "comprises")} for iri in found[0][:2]]
        assert [bool(codes[0] & {c}) for c in item.id.split("-")].count(True) == 1
    queries = {item.query for item in answers["relatedness"].items}
    assert len(queries) == 1
    together = pairs_of((a.value, b.value) for a, b in graph.rows(*queries))
    again = steijn(together, CODES)
    for item in answers["relatedness"].items:
        one, other = item.id.split("-")
        assert item.value == pytest.approx(again[one, other])


def _altered(model: Model, **arrays: Any) -> Model:
    index = model.index
    return Model(Index(index.release, index.things, {**index.arrays, **arrays}))


def test_reasons_for_no_items() -> None:
    model = asyncio.run(model_of(world(0)))
    indptr = np.zeros_like(model.index.arrays["cluster_undertaking.indptr"])
    nothing = {"cluster_undertaking.indptr": indptr,
               "cluster_undertaking.indices": np.zeros(0, np.int32)}  # fmt: skip
    answer = bridges(_altered(model, **nothing))
    assert answer.items == []
    assert answer.coverage["reason"].startswith("no partnership is known in which two")
    unknown = np.full_like(model.index.arrays["region_status"], -1)
    answer = bridges(_altered(model, region_status=unknown))
    assert answer.coverage["reason"] == "no pair of divisions is known to be strongly tied"
    none = np.full_like(model.index.arrays["supply"], np.nan)
    answer = bridges(_altered(model, supply=none), "supply")
    assert answer.coverage["reason"] == "no pair of divisions is known to be strongly tied"
    few = {**nothing, "cluster_undertaking.indptr": indptr.copy()}
    # two clusters of known divisions in one undertaking
    for many, at in enumerate(np.flatnonzero(np.diff(model.divisions.indptr) > 0)[:2], start=1):
        few["cluster_undertaking.indptr"][int(at) + 1 :] = many
        few["cluster_undertaking.indices"] = np.zeros(many, np.int32)
        answer = bridges(_altered(model, **few))
        assert answer.coverage["counted"] == many - 1
        assert answer.coverage["tested"] == 0
        if many == 1:
            assert answer.coverage["reason"].startswith("no partnership is known in which two")
    assert answer.coverage["reason"].endswith("could be tested with 1 partnerships")


def test_fewer_is_seldom_found_where_clusters_are_shuffled(released: Model) -> None:
    """The divisions of clusters dealt out anew: then no two divisions avoid one another."""
    rng = np.random.default_rng(0)
    takes_part = released.index.backwards("cluster_undertaking")
    known = np.flatnonzero((np.diff(released.divisions.indptr) > 0) & (takes_part.sum(axis=0) > 0))
    tested = low = found = 0
    for _ in range(60):
        order = np.arange(released.divisions.shape[0])
        order[known] = rng.permutation(known)
        model = Model(released.index)
        # as if they had been worked out already
        vars(model).update(relatedness=released.relatedness, divisions=released.divisions[order])
        answer = bridges(model, "relatedness", EVERY, states=STATES)
        p = [i.measures["p"] or 0 for i in answer.items if i.facts["state"] != "untested"]
        tested, low = tested + len(p), low + sum(value <= 0.05 for value in p)
        found += answer.coverage["states"]["fewer-than-expected"] > 0
    assert tested > 1000
    assert low / tested < 0.06
    assert found / 60 < 0.15


def test_one_cluster_of_both_divisions_is_no_tie() -> None:
    """Two clusters of both, alone or with one of neither, never meet; with each other they do."""
    both, other = {"20", "26"}, {"62"}
    for each, joint, all_ in (
        ([both], 0, 0), ([both, other], 0, 0), ([both, both], 1, 1), ([both, {"26"}], 1, 1),
        ([{"20"}, {"26"}], 1, 1), ([{"20"}, other], 0, 1), ([{"20"}, {"20"}], 0, 1),
    ):  # fmt: skip
        codes = ["20", "26", "62"]
        has = np.array([[code in own for code in codes] for own in each], dtype=np.int64)
        members = np.ones((1, len(each)), dtype=np.int64)
        found = meetings(sparse.csr_array(members), sparse.csr_array(has))
        assert found.joint[0, 1] == found.joint[1, 0] == joint
        assert found.population - found.by_one[0, 1] == all_
        assert len(each) < 2 or counted([each], "20", "26")[::3] == (joint, all_)


def test_meetings_of_nothing() -> None:
    found = meetings(sparse.csr_array((0, 3)), sparse.csr_array((3, 2)))
    assert (found.population, found.own.tolist(), found.joint.tolist()) == (0, [0, 0], [[0, 0]] * 2)
    assert doctest.testmod(meetings_module).failed == 0


def test_bad_values() -> None:
    model = asyncio.run(model_of(world(0)))
    with pytest.raises(UsageError, match="basis: 'suply' is not one of") as refused:
        bridges(model, "suply")
    assert refused.value.extra["nearest"] == ["supply"]
    with pytest.raises(UsageError, match="states: 'fewer' is not one of"):
        bridges(model, states=("fewer",))
    for share in (0.0, -1.0, 1.1, float("nan")):
        with pytest.raises(UsageError, match="share: "):
            bridges(model, share=share)


@pytest.fixture(scope="module")
def released(
    default_release: Release, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Model:
    """The default release."""
    return model_of_release(default_release, settings, tmp_path_factory.mktemp("index") / "index")


def rows_of(store: ox.Store, query: str) -> list[tuple[str, ...]]:
    found = store.query(query)
    assert isinstance(found, ox.QuerySolutions)
    return [tuple(term.value for term in row) for row in found]


def test_the_default_release(released: Model, default_release: Release) -> None:
    store = ox.Store.read_only(str(default_release.store_path))
    answers = {basis: bridges(released, basis, EVERY, states=STATES) for basis in BASES}
    has = grouped(rows_of(store, answers["supply"].about["partnerships_query"]))
    together = pairs_of(rows_of(store, answers["relatedness"].items[0].query))
    codes = {code for pair in together for code in pair}
    again = steijn(together, sorted(codes))
    for basis, answer in answers.items():
        assert answer.coverage["counted"] == len(has)
        assert sum(answer.coverage["states"].values()) == answer.total == len(answer.items)
        for item in answer.items:
            one, other = item.id.split("-")
            joint, first, second, every = counted(has, one, other)
            assert item.measures["joint"] == joint
            assert item.measures["undertakings_first"] == first
            assert item.measures["undertakings_second"] == second
            assert item.measures["undertakings"] == every
            if basis == "relatedness":
                assert item.value == pytest.approx(again[one, other])
        fewer = bridges(released, basis)
        # so few partnerships allow little: what cannot be tested is never shown as a white spot
        assert len(fewer.items) == answer.coverage["states"]["fewer-than-expected"]
        assert answer.coverage["states"]["untested"] > answer.coverage["tested"] > 0
        assert fewer.items or "could be tested" in fewer.coverage["reason"]
        assert any("are not complete" in caveat for caveat in fewer.caveats)
    for item in answers["supply"].items[:20]:
        (row,) = rows_of(store, item.query)
        assert float(row[2]) == item.value == item.explanation[0].value

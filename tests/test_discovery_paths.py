"""Value paths: brute force over small random graphs, and the default release."""

from __future__ import annotations

import asyncio
import math
from decimal import Decimal
from itertools import pairwise, permutations

import numpy as np
import pyoxigraph as ox
import pytest

from clusterloom.discovery.model import Model
from clusterloom.discovery.paths import product_of, value_paths
from clusterloom.discovery.strongest_path import TooManyPaths, strongest_path
from clusterloom.errors import UsageError
from clusterloom.settings import Settings
from clusterloom.store.release import Release
from discovery_help import Graph, make, model_of
from discovery_release import model_of_release

SEEDS = range(40)


def coefficients(graph: Graph) -> dict[tuple[str, str], float]:
    """Positive coefficients between the named products, straight from the triples."""
    named = set(graph.of("ProductGroup"))
    found = {}
    for link, one in graph.by_predicate.get("fromProduct", ()):
        other = str(graph.one(link, "toProduct"))
        size = float(str(graph.one(link, "coefficient")))
        if {str(one), other} <= named and size > 0:
            found[str(one), other] = size
    return found


def brute(
    table: dict[tuple[str, str], float], nodes: list[str], one: str, other: str, longest: int
) -> dict[tuple[str, ...], float]:
    """Every elementary path and its product."""
    between = [n for n in nodes if n not in {one, other}]
    found = {}
    for many in range(longest):
        for middle in permutations(between, many):
            path = (one, *middle, other)
            product = math.prod(table.get(hop, 0.0) for hop in pairwise(path))
            if product > 0:
                found[path] = product
    return found


def key(iri: str) -> str:
    return iri.rsplit("/", 1)[1]


@pytest.mark.parametrize("seed", SEEDS)
def test_paths_are_those_of_brute_force(seed: int) -> None:
    graph = make(seed, named=True)
    model = asyncio.run(model_of(graph))
    table, nodes = coefficients(graph), graph.of("ProductGroup")
    fed = {other for _, other in table}
    for one, other in permutations(nodes, 2):
        for longest in (1, 2, 4):
            answer = value_paths(model, key(one), key(other), k=50, longest=longest)
            expected = brute(table, nodes, one, other, longest)
            # what goes into a product without figures is unknown
            assert bool(answer.items) == bool(expected)
            assert {i.id: i.value for i in answer.items} == pytest.approx(
                {">".join(map(key, path)): product for path, product in expected.items()}
            )
            assert bool(answer.coverage["reason"]) != bool(expected)
            if other not in fed:
                assert "no figures of what goes into" in answer.coverage["reason"]
            few = value_paths(model, key(one), key(other), k=1, longest=longest)
            assert few.coverage.get("more", False) == (len(expected) > 1)
            best = [max(expected.values())] if expected else []
            assert [i.value for i in few.items] == pytest.approx(best)


@pytest.mark.parametrize("seed", range(10))
def test_the_value_is_the_product_of_the_parts_and_the_query_gives_them(seed: int) -> None:
    graph = make(seed, named=True)
    model = asyncio.run(model_of(graph))
    index = model.index
    # the series of rounds of supply, where it has a sum
    requirement = np.eye(len(model.coefficients))
    for _ in range(2000):
        requirement = np.eye(len(requirement)) + model.coefficients @ requirement
        if requirement.max() > 1e9:
            break
    seen = 0
    for one, other in permutations(graph.of("ProductGroup"), 2):
        answer = value_paths(model, key(one), key(other))
        assert answer.method.parameters["operation"] == "product"
        for item in answer.items:
            seen += 1
            assert item.value is not None
            assert math.prod(p.value for p in item.explanation) == pytest.approx(item.value)
            assert item.measures["steps"] == len(item.explanation) == len(item.evidence) - 1
            said = {(str(r[0].value), str(r[1].value)): float(r[2].value)
                    for r in graph.rows(item.query)}  # fmt: skip
            assert said == {
                (p.parameters["from"], p.parameters["to"]): pytest.approx(p.value)
                for p in item.explanation
            }
            share = item.measures["share"]
            if requirement.max() > 1e9:
                assert (share is None) == (model.requirements is None)
            else:
                at = [index.things["products"].place[n] for n in (one, other)]
                assert share == pytest.approx(item.value / requirement[at[0], at[1]])
            organisations(graph, item.evidence, item.facts["organisations"])
        values = [item.value or 0 for item in answer.items]
        assert values == sorted(values, reverse=True)
    assert seen


def organisations(graph: Graph, iris: list[str], said: list[dict[str, object]]) -> None:
    """Clusters with a capability that a product comprises, or a part of one."""
    assert len(iris) == len(said)
    for product, node in zip(iris, said, strict=True):
        comprised = graph.all(product, "comprises")
        makers = [
            iri for iri in graph.of("ClusterOrganisation")
            if any(comprised & {c, *graph.all(c, "within")}
                   for c in graph.all(iri, "hasCapability") if graph.values(c, "name"))
        ]  # fmt: skip
        assert node["product"] == key(product)
        assert node["count"] == len(makers)
        countries = {}
        for iri in makers:
            known = graph.all(iri, "inCountry")
            countries[iri] = key(min(known)) if len(known) == 1 else None
        assert node["clusters"] == [
            {"id": key(iri), "label": graph.label(iri), "country": countries[iri]}
            for iri in sorted(makers)[:5]
        ]


def hand() -> Graph:
    """p0 -> p1 -> p2, p3 uses nothing that is known and supplies p1."""
    graph, base = Graph(), "https://w3id.org/clusterloom/id/"
    kind = "https://w3id.org/clusterloom/ontology#"
    for n in range(5):
        graph.add(
            f"{base}product-group/P{n}", ("a", kind + "ProductGroup"), ("name", f"Product {n}")
        )
    for code in ("C", "20", "20.1", "27", "97"):
        iri = f"{base}nace2/{code}"
        graph.add(iri, ("a", kind + "Capability"), ("name", code), ("naceCode", code))
        graph.add(iri, *(("within", f"{base}nace2/{w}") for w in ("C", code[:2])
                         if w != code and code not in {"C", "97"}))  # fmt: skip
    graph.add(f"{base}product-group/P0", ("comprises", f"{base}nace2/20"))
    graph.add(f"{base}product-group/P2", ("comprises", f"{base}nace2/27"))
    for n, (one, other, size) in enumerate([(0, 1, "0.5"), (1, 2, "0.2"), (3, 1, "0.1")]):
        graph.add(
            f"{base}supply-link/{n}", ("fromProduct", f"{base}product-group/P{one}"),
            ("toProduct", f"{base}product-group/P{other}"), ("coefficient", Decimal(size)),
            ("year", 2015), ("economy", f"{base}country/CZ"),
        )  # fmt: skip
    return graph


def test_nace_codes_stand_for_the_product_group_that_comprises_their_division() -> None:
    model = asyncio.run(model_of(hand()))
    for source, target in (("P0", "P2"), ("20", "27"), ("20.1", "NACE 27"), ("p0", " 27 ")):
        answer = value_paths(model, source, target)
        assert [i.id for i in answer.items] == ["P0>P1>P2"]
        assert answer.items[0].value == pytest.approx(0.1)
        assert answer.items[0].measures == {"share": pytest.approx(1.0), "steps": 2}
        assert answer.about["total_requirement"] == pytest.approx(0.1)
        assert answer.about["source"]["id"] == "P0"


def test_reasons_for_no_items() -> None:
    model = asyncio.run(model_of(hand()))
    for source, target, reason in (
        ("P0", "20.1", "the same product group, P0"),
        ("P1", "P0", "no figures of what goes into P0"),
        ("P4", "P2", "no figures of P4"),
        ("97", "P2", "97 lies in no product group"),
        ("P2", "97", "97 lies in no product group"),
        ("P2", "P1", "no path of at most 6 hops leads from P2 to P1"),
    ):
        answer = value_paths(model, source, target)
        assert (answer.items, answer.total) == ([], 0)
        assert reason in answer.coverage["reason"]
    short = value_paths(model, "P0", "P2", longest=1)
    assert "at most 1 hops" in short.coverage["reason"]
    # a product of which only the supply is known may begin a path
    assert [i.id for i in value_paths(model, "P3", "P2").items] == ["P3>P1>P2"]
    assert any("no figures of what goes into them" in c for c in short.caveats)


def test_circles_that_gain_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    circle = hand()
    base = "https://w3id.org/clusterloom/id/"
    # what P1 and P2 need of one another is more than they make
    circle.add(
        f"{base}supply-link/back", ("fromProduct", f"{base}product-group/P2"),
        ("toProduct", f"{base}product-group/P1"), ("coefficient", Decimal("6")),
        ("year", 2015), ("economy", f"{base}country/CZ"),
    )  # fmt: skip
    model = asyncio.run(model_of(circle))
    assert model.requirements is None
    answer = value_paths(model, "P0", "P2")
    assert [(i.id, i.measures["share"]) for i in answer.items] == [("P0>P1>P2", None)]
    assert any("the table has no inverse" in caveat for caveat in answer.caveats)

    def too_many(*_: object) -> None:
        raise TooManyPaths("the table has circles")

    monkeypatch.setattr("clusterloom.discovery.paths.strongest_paths", too_many)
    answer = value_paths(model, "P0", "P2")
    assert (answer.items, answer.coverage["reason"]) == ([], "the table has circles")
    plain = value_paths(asyncio.run(model_of(hand())), "P2", "P1")
    assert not any("the table has no inverse" in caveat for caveat in plain.caveats)


def test_bad_values_name_the_nearest() -> None:
    model = asyncio.run(model_of(hand()))
    with pytest.raises(UsageError, match="neither a product group nor a NACE code") as refused:
        value_paths(model, "P9", "P2")
    assert refused.value.extra["parameter"] == "source"
    with pytest.raises(UsageError, match="Product 2") as refused:
        value_paths(model, "P0", "Product 2x")
    assert refused.value.extra["nearest"][0] == "P2"  # type: ignore[index]
    with pytest.raises(UsageError, match="name one of P0, P2"):
        value_paths(model, "C", "P2")
    for k, longest, name in ((0, 6, "k"), (51, 6, "k"), (5, 0, "longest"), (5, 13, "longest")):
        with pytest.raises(UsageError, match=f"^{name}: ") as refused:
            value_paths(model, "P0", "P2", k, longest)
        assert refused.value.extra["parameter"] == name


@pytest.fixture(scope="module")
def released(
    default_release: Release, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Model:
    """The default release."""
    return model_of_release(default_release, settings, tmp_path_factory.mktemp("index") / "index")


def test_the_default_release(released: Model, default_release: Release) -> None:
    store = ox.Store.read_only(str(default_release.store_path))
    answer = value_paths(released, "20", "29.1")
    assert answer.about["source"]["id"] == "C20"
    assert answer.about["target"]["id"] == "C29"
    assert len(answer.items) == 5
    assert answer.coverage["more"]
    assert answer.as_bytes() == value_paths(released, "C20", "c29").as_bytes().replace(
        b'"source":"C20","target":"c29"', b'"source":"20","target":"29.1"'
    )
    shares = [item.measures["share"] or 0 for item in answer.items]
    assert 0 < sum(shares) < 1
    for item in answer.items:
        rows = store.query(item.query)
        assert isinstance(rows, ox.QuerySolutions)
        said = {(r[0].value, r[1].value): float(r[2].value) for r in rows}
        assert said == {
            (p.parameters["from"], p.parameters["to"]): pytest.approx(p.value)
            for p in item.explanation
        }
        for node in item.facts["organisations"]:
            assert len(node["clusters"]) == min(5, node["count"])


def test_every_nace_code_and_product_group_of_the_release_is_taken_or_explained(
    released: Model,
) -> None:
    products = released.index.things["products"]
    for n in range(len(products)):
        assert product_of(released, products.key(n), "source") == n
    taken = 0
    for code in released.index.nace_codes:
        if len(code) > 1:
            taken += product_of(released, code, "source") >= 0
    assert taken > 900
    for code in ("A", "C", "G"):
        with pytest.raises(UsageError, match="is not one product group"):
            product_of(released, code, "source")
    strongest = strongest_path(released.coefficients, 0, 1)
    assert strongest is not None
    first = value_paths(released, products.key(0), products.key(1), k=1).items[0]
    assert first.value == pytest.approx(strongest.product)

"""Reference SPARQL of `queries/` gives the same hits and values as discovery over the index."""

from __future__ import annotations

import asyncio

import pyoxigraph as ox
import pytest

from clusterloom.discovery.completion import completion
from clusterloom.discovery.model import Model
from clusterloom.discovery.partners import partners
from clusterloom.discovery.profile import Profile, of_cluster
from clusterloom.discovery.regions import measured_place, region_partners
from clusterloom.queries.library import library, render
from clusterloom.settings import Settings
from clusterloom.store.release import Release
from discovery_help import model_of, with_tables
from discovery_partners_help import of_hit, profiles, same, worlds
from discovery_release import CHAINS, EVERY, ID, Graph, model_of_release, store_of

AXES = {
    "similarity": ("shared", ""),
    "supply": ("value", ""),
    "network": ("value", "resource_allocation"),
    "complementarity": ("value", ""),
}
"""The column of the value, and the measure that it is where it is not the axis's own value."""
CLUSTERS = (
    "be-greenwin-40ab75",
    "fr-mont-blanc-industries-18e26c",
    "pic-956397691",
)
REGIONS = ("ES13", "FRE1", "CH04")


@pytest.fixture(scope="module")
def graph(default_release: Release) -> Graph:
    """The store of the default release."""
    return store_of(default_release)


@pytest.fixture(scope="module")
def model(
    default_release: Release, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Model:
    """The default release."""
    return model_of_release(default_release, settings, tmp_path_factory.mktemp("index") / "index")


def said(store: ox.Store, name: str, column: str, **given: str) -> dict[str, float]:
    """Hit -> value as the query of that name has it."""
    text = render(library()[f"discovery-{name}"], {key: [iri] for key, iri in given.items()})
    solutions = store.query(text)
    assert isinstance(solutions, ox.QuerySolutions)
    found: dict[str, float] = {}
    for row in solutions:
        hit, value = row[0], row[column]
        assert isinstance(hit, ox.NamedNode)
        assert isinstance(value, ox.Literal)
        # a thing of a random graph may have several names, and then as many rows
        assert found.setdefault(hit.value, float(value.value)) == float(value.value)
    return found


def answered(model: Model, who: Profile, axis: str) -> dict[str, float]:
    """The same of the operation."""
    rank_by = AXES[axis][1]
    items = partners(model, who, axis, rank_by=rank_by, limit=EVERY).items
    values = {item.iri: item.measures[rank_by] if rank_by else item.value for item in items}
    return {iri: float(value) for iri, value in values.items() if value is not None}


@pytest.mark.parametrize("axis", AXES)
def test_partners_of_the_default_release(model: Model, graph: Graph, axis: str) -> None:
    hits = 0
    for cluster in CLUSTERS:
        who = of_cluster(model.index, cluster)
        found = said(graph.store, axis, AXES[axis][0], cluster=who.iri)
        assert same(found, answered(model, who, axis))
        hits += len(found)
    assert hits > 20


@pytest.mark.parametrize("chain", CHAINS)
def test_completion_of_the_default_release(model: Model, graph: Graph, chain: str) -> None:
    for region in REGIONS:
        about = {"region": f"{ID}/region/{region}", "chain": f"{ID}/value-chain/{chain}"}
        found = said(graph.store, "completion", "stages", **about)
        items = completion(model, chain, region, limit=EVERY).items
        assert found == {item.iri: item.value for item in items}
        assert found


def spared(wanted: dict[str, float], number: int) -> bool:
    """Whether a question is left out: three of four of those that find nothing.

    A long query costs as much where it finds nothing.
    """
    return not wanted and number % 4 > 0


def asked_of_regions(model: Model, area: str, code: str) -> dict[str, float]:
    """What each partner adds, of the operation."""
    items = region_partners(model, code, area, limit=EVERY).items
    return {item.iri: float(item.value or 0) for item in items}


def test_partners_of_regions_of_the_default_release(model: Model, graph: Graph) -> None:
    for code, area in (("ES13", "hydrogen-valleys"), ("CH04", "textile-innovation")):
        about = {"region": f"{ID}/region/{code}", "area": f"{ID}/area/{area}"}
        found = said(graph.store, "regions", "value", **about)
        assert same(found, asked_of_regions(model, area, code))
        assert bool(found) == (code != "CH04"), "no figures of Zürich are known"


def test_partners_of_regions_of_200_random_graphs_with_unknown_cells() -> None:
    graphs = hits = 0
    for graph, model in worlds():
        graphs += 1
        areas, regions = model.index.things["areas"], model.index.things["regions"]
        asking = [n for n in model.measured if measured_place(model, n) == n]
        for area in range(min(1, len(areas))):
            for place in asking:
                about = {"region": regions.iris[place], "area": areas.iris[area]}
                code, key = regions.facts["code"][place], areas.key(area)
                wanted = asked_of_regions(model, key, code)
                if spared(wanted, graphs + place):
                    continue
                found = said(graph.store, "regions", "value", **about)
                assert same(found, wanted), about
                hits += len(found)
    assert graphs == 200
    assert hits > 20


def test_supply_of_several_economies_and_years_is_that_of_one() -> None:
    hits = parts = 0
    for seed in range(40):
        graph = with_tables(seed)
        model = asyncio.run(model_of(graph))
        for who in profiles(model):
            items = partners(model, who, "supply", limit=EVERY).items
            found = said(graph.store, "supply", "value", cluster=who.iri)
            assert same(found, {item.iri: float(item.value or 0) for item in items})
            hits += len(found)
            for item in items:
                rows = of_hit(graph, model, who, "supply", item.iri)
                stated = {(row["from"], row["to"]): float(row["part"]) for row in rows}
                assert same({"": sum(stated.values())}, {"": float(item.value or 0)})
                parts += len(stated)
    assert hits > 100
    assert parts > hits


@pytest.mark.parametrize("axis", AXES)
def test_partners_of_200_random_graphs_with_unknown_cells(axis: str) -> None:
    graphs = hits = 0
    for graph, model in worlds():
        graphs += 1
        for number, who in enumerate(profiles(model)):
            wanted = answered(model, who, axis)
            if axis == "complementarity" and spared(wanted, graphs + number):
                continue
            found = said(graph.store, axis, AXES[axis][0], cluster=who.iri)
            assert same(found, wanted), (graphs, who.iri)
            hits += len(found)
    assert graphs == 200
    assert hits > 200


def test_completion_of_200_random_graphs_with_unknown_cells() -> None:
    graphs = hits = 0
    for graph, model in worlds():
        graphs += 1
        chains, regions = model.index.things["chains"], model.index.things["regions"]
        if not len(chains):
            continue
        chain = graphs % len(chains)
        now = [n for n, v in enumerate(regions.facts["vintages"]) if "2021" in v or "2024" in v]
        for place in now[graphs % 3 :: 3]:
            about = {"region": regions.iris[place], "chain": chains.iris[chain]}
            found = said(graph.store, "completion", "stages", **about)
            code = regions.facts["code"][place]
            items = completion(model, chains.key(chain), code, limit=EVERY).items
            assert found == {item.iri: item.value for item in items}, about
            hits += len(found)
    assert graphs == 200
    assert hits > 300

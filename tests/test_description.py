"""The service description: the shape that the W3C asks for, and what this endpoint really has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pyoxigraph as ox
import pytest
import rdflib
from rdflib.namespace import RDF, RDFS, VOID

import fixtures_api as small
from clusterloom import namespaces as ns
from clusterloom.api import description
from clusterloom.settings import Settings
from clusterloom.store.release import Release

SD = rdflib.Namespace(description.SD)
DOMAINS = {
    "endpoint": "Service", "supportedLanguage": "Service", "feature": "Service",
    "resultFormat": "Service", "extensionFunction": "Service", "defaultDataset": "Service",
    "defaultGraph": "Dataset", "namedGraph": "Dataset", "name": "NamedGraph", "graph": "NamedGraph",
}  # fmt: skip
RANGES = {
    "defaultDataset": "Dataset", "defaultGraph": "Graph", "namedGraph": "NamedGraph",
    "graph": "Graph", "extensionFunction": "Function",
}  # fmt: skip
"""Domain and range of the properties used, as the vocabulary declares them."""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of the service over the sample release."""
    with (
        small.small_settings(tmp_path_factory.mktemp("sd")) as settings,
        small.serving(settings) as client,
    ):
        yield client


def described(client: httpx.Client, path: str = "/sparql") -> tuple[rdflib.Graph, rdflib.URIRef]:
    answer = client.get(path, headers={"accept": "text/turtle"})
    assert answer.status_code == 200, answer.text
    return rdflib.Graph().parse(data=answer.text), rdflib.URIRef(f"{client.base_url}/sparql")


def test_manifest_is_the_one_these_tests_are_about(shared: Path) -> None:
    path = shared / "conformance/sparql11-protocol/service-description-manifest.ttl"
    manifest = rdflib.Graph().parse(path)
    wanted = {str(e).rpartition("#")[2] for e in manifest.subjects(RDF.type, None)}
    assert {"returns-rdf", "has-endpoint-triple", "conforms-to-schema"} <= wanted


def test_the_endpoint_is_the_address_that_was_asked(client: httpx.Client) -> None:
    graph, service = described(client)
    assert list(graph.subject_objects(SD.endpoint)) == [(service, service)]
    moved = client.get(
        "/sparql", headers={"accept": "text/turtle", "host": "sparql.example.org:8443"}
    )
    there = rdflib.URIRef("http://sparql.example.org:8443/sparql")
    assert (there, SD.endpoint, there) in rdflib.Graph().parse(data=moved.text)


def test_it_conforms_to_the_vocabulary(client: httpx.Client) -> None:
    graph, service = described(client)
    assert list(graph.subjects(RDF.type, SD.Service)) == [service]
    for subject, predicate, value in graph:
        if not str(predicate).startswith(description.SD):
            continue
        name = str(predicate).removeprefix(description.SD)
        assert (subject, RDF.type, SD[DOMAINS[name]]) in graph, name
        if name in RANGES:
            assert (value, RDF.type, SD[RANGES[name]]) in graph, name
    for dataset in graph.objects(service, SD.defaultDataset):
        assert len(list(graph.objects(dataset, SD.defaultGraph))) == 1
    assert (service, SD.supportedLanguage, SD.SPARQL11Query) in graph


def test_named_graphs_are_those_of_the_release(client: httpx.Client) -> None:
    graph, _ = described(client)
    names = {str(name) for name in graph.objects(None, SD.name)}
    rows = client.get(
        "/sparql", params={"query": "SELECT DISTINCT ?g { GRAPH ?g { ?s ?p ?o } }"}
    ).json()["results"]["bindings"]
    assert names == {row["g"]["value"] for row in rows}
    default = next(graph.objects(None, SD.defaultGraph))
    total = client.get("/health").json()["triples"]
    assert [int(str(n)) for n in graph.objects(default, VOID.triples)] == [total]


def test_a_pinned_release_describes_its_own_graphs(client: httpx.Client) -> None:
    graph, _ = described(client, f"/sparql?release={small.RELEASE}")
    assert list(graph.objects(None, SD.name))


def test_it_leads_to_the_numbers_of_the_dataset(client: httpx.Client) -> None:
    graph, service = described(client)
    (void,) = graph.objects(graph.value(service, SD.defaultDataset), RDFS.seeAlso)
    assert client.get(str(void), headers={"accept": "text/turtle"}).status_code == 200


def test_every_format_says_the_same(client: httpx.Client) -> None:
    said = []
    for accept in ("text/turtle", "application/rdf+xml", "application/ld+json"):
        answer = client.get("/sparql", headers={"accept": accept})
        form = ox.RdfFormat.from_media_type(answer.headers["content-type"])
        said.append({str(quad.triple) for quad in ox.parse(answer.content, format=form)})
    assert said[0] == said[1] == said[2]
    assert len(said[0]) > 150


@pytest.mark.parametrize("function", description.FUNCTIONS)
def test_every_extension_function_is_one_that_the_engine_has(function: str) -> None:
    store = ox.Store()
    for arguments in ("", "?x", "?x, ?x"):
        # an unknown function is an error, a known one without a value an unbound result
        found = store.query(f"SELECT (<{function}>({arguments}) AS ?y) {{}}")
        assert isinstance(found, ox.QuerySolutions)
        assert len(list(found)) == 1
    with pytest.raises(RuntimeError, match="not supported"):
        store.query(f"SELECT (<{function}Not>() AS ?y) {{}}")


def test_counts_of_the_default_release_are_true(
    default_release: Release, settings: Settings
) -> None:
    store = ox.Store.read_only(str(default_release.store_path))
    with small.serving(settings) as client:
        graph, _ = described(client)
        names = [str(n) for n in graph.objects(None, SD.name)]
        assert len(names) > 60
        told = 0
        for named, name in graph.subject_objects(SD.name):
            count = graph.value(graph.value(named, SD.graph), VOID.triples)
            if count is None:
                continue
            told += 1
            quads = store.quads_for_pattern(None, None, None, ox.NamedNode(str(name)))
            assert sum(1 for _ in quads) == int(str(count)), name
        assert told > 40
        assert ns.META_GRAPH in names

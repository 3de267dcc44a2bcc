"""VoID counts what the release gives out, and the counts are those of SPARQL."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import rdflib

import fixtures_api as small
from clusterloom import namespaces as ns
from clusterloom.settings import Settings
from clusterloom.store.census import Census
from clusterloom.store.release import Release
from fixtures_api import serving

VOID = rdflib.Namespace(ns.PREFIXES["void"])


@pytest.fixture(scope="module")
def client(default_release: Release, settings: Settings) -> Iterator[httpx.Client]:
    """A client of the service over the default release."""
    with serving(settings) as client:
        yield client


@pytest.fixture(scope="module")
def graph(client: httpx.Client) -> rdflib.Graph:
    """The description as it is sent."""
    answer = client.get("/.well-known/void")
    assert answer.headers["content-type"].startswith("text/turtle")
    return rdflib.Graph().parse(data=answer.text, format="turtle")


def ask(client: httpx.Client, query: str) -> list[list[str]]:
    """The rows of a query as the endpoint answers it."""
    answer = client.get(
        "/sparql", params={"query": query}, headers={"accept": "text/tab-separated-values"}
    )
    assert answer.status_code == 200, answer.text
    return [line.split("\t") for line in answer.text.splitlines()[1:]]


def number(graph: rdflib.Graph, subject: rdflib.term.Node | None, name: str) -> int:
    """A count of the description."""
    value = graph.value(subject, VOID[name])
    assert isinstance(value, rdflib.Literal), (subject, name)
    return int(value)


def test_the_whole_is_counted(
    client: httpx.Client, graph: rdflib.Graph, default_release: Release
) -> None:
    release = rdflib.URIRef(f"{ns.BASE}release/{default_release.id}")
    assert (release, rdflib.RDF.type, VOID.Dataset) in graph
    assert number(graph, release, "triples") == default_release.report()["triples"]
    (row,) = ask(
        client,
        "SELECT (COUNT(DISTINCT ?s) AS ?n) (COUNT(DISTINCT ?p) AS ?m) WHERE { ?s ?p ?o }",
    )
    assert [number(graph, release, n) for n in ("distinctSubjects", "properties")] == [
        *map(int, row)
    ]
    ((things,),) = ask(
        client,
        "SELECT (COUNT(DISTINCT ?s) AS ?n) WHERE "
        f"{{ ?s ?p ?o FILTER STRSTARTS(STR(?s), '{ns.ID}') }}",
    )
    assert number(graph, release, "entities") == int(things)
    for name in ("sparqlEndpoint", "dataDump", "exampleResource", "vocabulary", "uriSpace"):
        assert graph.value(release, VOID[name]) is not None, name
    endpoint = graph.value(release, VOID.sparqlEndpoint)
    assert str(endpoint) == "http://127.0.0.1:8000/sparql"


def test_partitions_are_those_of_sparql(client: httpx.Client, graph: rdflib.Graph) -> None:
    classes = {
        str(graph.value(part, VOID["class"])): number(graph, part, "entities")
        for part in graph.objects(None, VOID.classPartition)
    }
    rows = ask(client, "SELECT ?c (COUNT(?s) AS ?n) WHERE { ?s a ?c FILTER isIRI(?c) } GROUP BY ?c")
    assert classes == {c.strip("<>"): int(n) for c, n in rows}
    properties = {
        str(graph.value(part, VOID["property"])): number(graph, part, "triples")
        for part in graph.objects(None, VOID.propertyPartition)
    }
    rows = ask(client, "SELECT ?p (COUNT(*) AS ?n) WHERE { ?s ?p ?o } GROUP BY ?p")
    assert properties == {p.strip("<>"): int(n) for p, n in rows}


def test_each_source_and_rule_is_a_subset_with_its_graphs(
    client: httpx.Client, graph: rdflib.Graph, default_release: Release
) -> None:
    release = rdflib.URIRef(f"{ns.BASE}release/{default_release.id}")
    subsets = set(graph.objects(release, VOID.subset))
    report = default_release.report()
    for name in (*report["sources"], *(f"rule-{rule}" for rule in report["rules"])):
        assert rdflib.URIRef(ns.thing("dataset", name)) in subsets, name
    rows = ask(client, "SELECT ?g (COUNT(*) AS ?n) WHERE { GRAPH ?g { ?s ?p ?o } } GROUP BY ?g")
    for name, count in rows:
        if name.strip("<>") != ns.META_GRAPH:
            assert number(graph, rdflib.URIRef(name.strip("<>")), "triples") == int(count), name
    guides = rdflib.URIRef(ns.thing("dataset", "guides"))
    assert len(set(graph.objects(guides, VOID.dataDump))) == 2


def test_dumps_are_on_this_server(client: httpx.Client, graph: rdflib.Graph) -> None:
    dumps = [str(dump) for dump in graph.objects(None, VOID.dataDump)]
    assert len(dumps) > 100
    for dump in dumps:
        assert client.head(dump.removeprefix("http://127.0.0.1:8000")).status_code == 200


@pytest.mark.parametrize("media_type", ["application/rdf+xml", "application/n-triples"])
def test_other_formats_are_the_same(
    client: httpx.Client, graph: rdflib.Graph, media_type: str
) -> None:
    answer = client.get("/.well-known/void", headers={"accept": media_type})
    parser = "xml" if media_type.endswith("xml") else "nt"
    assert set(rdflib.Graph().parse(data=answer.text, format=parser)) == set(graph)


def test_a_release_without_counts_is_described_by_what_it_has(tmp_path: Path) -> None:
    with small.small_settings(tmp_path) as settings, small.serving(settings) as client:
        text = client.get("/.well-known/void").text
        graph = rdflib.Graph().parse(data=text, format="turtle")
        release = rdflib.URIRef(f"{ns.BASE}release/{small.RELEASE}")
        assert number(graph, release, "triples") > 50
        assert not set(graph.objects(release, VOID.classPartition))


def lines(*texts: str) -> dict[str, object]:
    """The counts of some statements, given as N-Quads without the full stop."""
    census = Census()
    for text in sorted(texts):
        triple, _, graph = text.rpartition(" ")
        census.add(triple.encode(), graph.encode())
    return census.result()


def test_a_triple_of_two_graphs_counts_once() -> None:
    thing, other = f"<{ns.ID}org/a>", "<http://example.org/a>"
    same, close = ns.expand("owl:sameAs"), ns.expand("skos:closeMatch")
    found = lines(
        f'{thing} <http://p> "a b" <http://g/1>',
        f'{thing} <http://p> "a b" <http://g/2>',
        f"{thing} <{same}> {other} <http://g/1>",
        f"{thing} <{close}> <{ns.ID}area/x> <http://g/1>",
        f"_:b <http://p> {thing} <http://g/2>",
    )
    assert found["triples"] == 4
    assert found["subjects"] == 2
    assert found["entities"] == 1
    assert found["properties"] == {"http://p": 2, same: 1, close: 1}
    assert found["links"] == [{"property": same, "to": "http://example.org/", "triples": 1}]
    assert found["graphs"] == {
        "http://g/1": {"triples": 3, "subjects": 1, "properties": 3},
        "http://g/2": {"triples": 2, "subjects": 2, "properties": 1},
    }


def test_links_to_other_datasets_are_linksets(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, workers=3, public_url="http://test")
    text = (
        "<org/a> a cloom:SME ; rdfs:label 'A' ; owl:sameAs <http://other.example/x/a> . "
        "<area/b> a cloom:ThematicArea ; rdfs:label 'B' ; "
        "skos:closeMatch <http://third.example/1>, <http://third.example/2> ."
    )
    release = small.make_release(settings.releases, {("links", "asserted"): text})
    held = small.read_gzip(release.path / "families" / "links.nq.gz")
    triples = [line.rsplit(" ", 2)[0] for line in held.splitlines()]
    report = release.report() | {"void": lines(*(f"{t} <http://g/1>" for t in triples))}
    (release.path / "report.json").write_text(json.dumps(report), "utf-8")
    with small.serving(settings) as client:
        sent = client.get("/.well-known/void").text
        graph = rdflib.Graph().parse(data=sent, format="turtle")
    found = {
        (
            str(graph.value(linkset, VOID.linkPredicate)),
            str(graph.value(graph.value(linkset, VOID.objectsTarget), VOID.uriSpace)),
            number(graph, linkset, "triples"),
        )
        for linkset in graph.subjects(rdflib.RDF.type, VOID.Linkset)
    }
    assert found == {
        (ns.expand("owl:sameAs"), "http://other.example/", 1),
        (ns.expand("skos:closeMatch"), "http://third.example/", 2),
    }

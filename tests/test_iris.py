"""Every pattern of IRI that a release uses under our base leads to RDF about that IRI."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
import rdflib

import fixtures_api as small
from clusterloom import namespaces as ns
from clusterloom.api.named import problems
from clusterloom.api.problems import PROBLEMS
from clusterloom.settings import Settings
from clusterloom.store.release import Release
from fixtures_api import serving

TURTLE = {"accept": "text/turtle"}
BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def pattern_of(iri: str) -> str:
    """The pattern of an IRI of ours: what stands in it before the key."""
    path = iri.removeprefix(ns.BASE)
    if "#" in path:
        return path.partition("#")[0] + "#"
    parts = path.split("/")
    if parts[0] == "id":
        return "/".join(parts[:2])
    return "/".join([parts[0], *(["..."] * (len(parts) - 2)), parts[-1]]) if parts[0] == "graph" \
        else parts[0] + "/..." * (len(parts) - 1)  # fmt: skip


@pytest.fixture(scope="module")
def examples(default_release: Release) -> dict[str, str]:
    """One IRI of each pattern that stands in the default release, catalogue included."""
    found: dict[str, str] = {}
    iri = re.compile(rf"<({re.escape(ns.BASE)}[^>]*)>")
    store = (default_release.path / "families").glob("*.nq.gz")
    for family in sorted(store):
        for match in iri.finditer(small.read_gzip(family)):
            found.setdefault(pattern_of(match[1]), match[1])
    for match in iri.finditer((default_release.path / "catalog.ttl").read_text("utf-8")):
        found.setdefault(pattern_of(match[1]), match[1])
    return found


@pytest.fixture(scope="module")
def client(default_release: Release, settings: Settings) -> Iterator[httpx.Client]:
    """A client of the service over the default release."""
    with serving(settings) as client:
        yield client


def follow(client: httpx.Client, iri: str, headers: dict[str, str]) -> httpx.Response:
    """Follows an IRI of ours as a client would, with this server in place of w3id.org."""
    address = "/" + iri.removeprefix(ns.BASE).partition("#")[0]
    for _ in range(4):
        answer = client.get(address, headers=headers)
        if answer.status_code not in {301, 302, 303}:
            return answer
        address = answer.headers["location"]
    raise AssertionError(f"{iri} leads on and on")


FILES = ("dumps/", "openapi.json", "api/v1", "sparql")
"""What leads to files and services, not to descriptions."""


def test_each_pattern_leads_to_rdf_about_the_iri(
    client: httpx.Client, examples: dict[str, str]
) -> None:
    assert len(examples) > 65
    described = 0
    for pattern, iri in sorted(examples.items()):
        answer = follow(client, iri, TURTLE)
        assert answer.status_code == 200, (pattern, iri, answer.text[:300])
        if iri.removeprefix(ns.BASE).startswith(FILES) or iri == ns.BASE:
            continue
        graph = rdflib.Graph().parse(data=answer.text, format="turtle")
        name = rdflib.URIRef(iri)
        version_of = graph.value(None, rdflib.OWL.versionIRI, name)
        about = set(graph.predicate_objects(version_of or name))
        assert about, (pattern, iri)
        described += 1
    assert described > 60


def test_each_pattern_leads_a_browser_to_a_page(
    client: httpx.Client, examples: dict[str, str]
) -> None:
    pages = [i for p, i in sorted(examples.items()) if p.startswith(("id/", "graph/", "release/"))]
    for iri in [*pages, ns.CLOOM + "SME", PROBLEMS + "not-found"]:
        answer = follow(client, iri, BROWSER)
        assert answer.status_code == 200, (iri, answer.text[:300])
        assert answer.headers["content-type"].startswith("text/html"), iri


@pytest.mark.parametrize("slug", sorted(problems()))
def test_error_types_dereference(client: httpx.Client, slug: str) -> None:
    answer = follow(client, PROBLEMS + slug, TURTLE)
    graph = rdflib.Graph().parse(data=answer.text, format="turtle")
    iri = rdflib.URIRef(PROBLEMS + slug)
    assert str(graph.value(iri, rdflib.RDFS.label)) == problems()[slug][0]
    plain = follow(client, PROBLEMS + slug, {"accept": "application/json"}).json()
    assert plain["facts"]["skos:definition"]


def test_the_types_of_real_errors_dereference(client: httpx.Client) -> None:
    for path in ("/nothing", "/sparql?query=SELECT", "/id/area/nowhere", "/api/v1/areas?limit=x"):
        kind = client.get(path).json()["type"]
        assert follow(client, kind, TURTLE).status_code == 200, kind
    small.is_problem(client.get("/problems/nott-found"), 404)
    assert "not-found" in client.get("/problems/nott-found").json()["detail"]


def test_a_graph_leads_to_its_description_and_its_triples(client: httpx.Client) -> None:
    iri = ns.graph("clusters", "asserted")
    answer = client.get("/graph/clusters/asserted", headers=TURTLE)
    assert answer.status_code == 303
    enclosure = answer.links["enclosure"]["url"]
    assert answer.headers["location"] == "/data/graph/clusters/asserted.ttl"
    data = client.get(answer.headers["location"])
    assert data.links["enclosure"]["url"] == enclosure
    graph = rdflib.Graph().parse(data=data.text, format="turtle")
    name = rdflib.URIRef(iri)
    assert graph.value(name, rdflib.URIRef(ns.term("kind"))) == rdflib.Literal("asserted")
    triples = client.get("/sparql" + enclosure.partition("/sparql")[2])
    count = graph.value(name, rdflib.URIRef(ns.expand("void:triples")))
    assert isinstance(count, rdflib.Literal)
    assert len(triples.text.splitlines()) == int(count)
    small.is_problem(client.get("/graph/clusters/nowhere"), 404)
    small.is_problem(client.get("/graph/%3C"), 404)
    small.is_problem(client.get("/id/graph/clusters/asserted"), 404)


def test_a_release_leads_to_its_files(client: httpx.Client, default_release: Release) -> None:
    answer = client.get(f"/release/{default_release.id}", headers=BROWSER)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/dumps/{default_release.id}/"
    small.is_problem(client.get("/release/0123"), 404)
    small.is_problem(client.get("/release/0123456789abcdef"), 404)

"""JSON-LD of things: the same graph as the Turtle, arrays that stay arrays, and framing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import rdflib
from pyld import jsonld  # type: ignore[import-untyped]
from rdflib.compare import isomorphic

import fixtures_api as small
from clusterloom import __version__
from clusterloom.namespaces import ID
from clusterloom.ontology import vocabulary
from clusterloom.ontology.context import single_valued

THINGS = ("area/photonics", "area/sport", "partnership/glow", "call/old", "region/FR1",
          "org/pic-1", "org/pic-2", "stage/light-a", "dataset/clusters",
          "status/meet-1")  # fmt: skip


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of the service over the sample release."""
    with (
        small.small_settings(tmp_path_factory.mktemp("jsonld")) as settings,
        small.serving(settings) as client,
    ):
        yield client


def no_network(url: str, options: dict[str, Any]) -> dict[str, Any]:
    """A document loader that proves that reading asks for nothing."""
    raise AssertionError(f"{url} was asked for")


def context_of(client: httpx.Client) -> dict[str, Any]:
    """The published context."""
    context: dict[str, Any] = client.get("/context.jsonld").json()["@context"]
    return context


@pytest.mark.parametrize("name", THINGS)
def test_expanded_it_is_the_turtle(client: httpx.Client, name: str) -> None:
    body = client.get(f"/data/{name}.jsonld").json()
    quads = jsonld.to_rdf(body, {"format": "application/n-quads", "documentLoader": no_network})
    turtle = rdflib.Graph().parse(data=client.get(f"/data/{name}.ttl").text, format="turtle")
    other = rdflib.Graph().parse(data=quads, format="nt")
    assert isomorphic(turtle, other), set(turtle ^ other)


@pytest.mark.parametrize("name", THINGS)
def test_the_context_may_stand_at_its_address(client: httpx.Client, name: str) -> None:
    body = client.get(f"/data/{name}.jsonld?context=url").json()
    address = f"http://test/context/{__version__}.jsonld"
    assert body["@context"] == address

    def loader(url: str, options: dict[str, Any]) -> dict[str, Any]:
        assert url == address
        document = client.get(f"/context/{__version__}.jsonld").json()
        return {"contextUrl": None, "documentUrl": url, "document": document}

    held = client.get(f"/data/{name}.jsonld").json()
    assert jsonld.normalize(
        body, {"format": "application/n-quads", "documentLoader": loader}
    ) == jsonld.normalize(held, {"format": "application/n-quads", "documentLoader": no_network})
    small.is_problem(client.get(f"/data/{name}.jsonld?context=remote"), 400)


def test_framed_it_is_the_tree_of_the_organisation(client: httpx.Client) -> None:
    body = client.get("/data/org/pic-1.jsonld").json()
    frame = {"@context": context_of(client), "@type": "ClusterOrganisation"}
    framed = jsonld.frame(body, frame, {"documentLoader": no_network})
    assert framed["id"] == ID + "org/pic-1"
    assert framed["hasCapability"][0]["rdfs:label"]["@value"] == "Optical instruments"
    assert framed["inPartnership"][0]["rdfs:label"] == "GLOW"
    assert framed["acronym"] == ["ZC"]
    assert framed["latitude"] == "48.8"


@pytest.mark.parametrize("name", THINGS)
def test_repeatable_properties_are_arrays_and_others_plain(client: httpx.Client, name: str) -> None:
    body = client.get(f"/data/{name}.jsonld").json()
    seen = 0
    for key, value in body.items():
        if key in vocabulary.properties():
            seen += 1
            several = isinstance(value, list) and len(value) > 1
            assert isinstance(value, list) == (key not in single_valued() or several), key
    assert seen or name.startswith("status")
    assert isinstance(body["type"], list)
    assert not isinstance(body.get("rdfs:label"), list)


def test_compacting_with_the_published_context_gives_the_same_arrays(client: httpx.Client) -> None:
    body = client.get("/data/partnership/glow.jsonld").json()
    options = {"documentLoader": no_network}
    again = jsonld.compact(jsonld.expand(body, options), context_of(client), options)
    for key, value in body.items():
        if key not in {"@context", "@reverse", "foaf:isPrimaryTopicOf"}:
            assert isinstance(again[key], list) == isinstance(value, list), key


def test_contexts_have_versions(client: httpx.Client) -> None:
    answer = client.get("/context.jsonld")
    assert answer.links["canonical"]["url"] == f"http://test/context/{__version__}.jsonld"
    assert client.get(f"/context/{__version__}.jsonld").content == answer.content
    for path in ("/context/9.9.jsonld", "/shapes/9.9", "/ontology/9.9"):
        assert __version__ in small.is_problem(client.get(path), 404)


def test_rdf_xml_without_a_name_for_a_predicate_says_so(tmp_path: Path) -> None:
    text = (
        "<org/odd> a cloom:SME ; rdfs:label 'Odd' ; "
        "<http://example.org/1> 'a' ; <http://example.org/ok> 'b' ."
    )
    with small.small_settings(tmp_path) as settings:
        small.make_release(settings.releases, {("odd", "asserted"): text}, small.NEXT_RELEASE)
        with small.serving(settings) as client:
            answer = client.get("/data/org/odd.rdf")
            assert answer.status_code == 200
            assert "<http://example.org/1>" in answer.headers["x-clusterloom-truncated"]
            graph = rdflib.Graph().parse(data=answer.text, format="xml")
            odd = rdflib.URIRef(ID + "org/odd")
            assert str(graph.value(odd, rdflib.URIRef("http://example.org/ok"))) == "b"
            assert "RDF/XML cannot write" in answer.text
            whole = client.get("/data/org/odd.ttl")
            assert "x-clusterloom-truncated" not in whole.headers
            turtle = rdflib.Graph().parse(data=whole.text, format="turtle")
            assert str(turtle.value(odd, rdflib.URIRef("http://example.org/1"))) == "a"

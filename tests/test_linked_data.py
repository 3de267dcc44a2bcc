"""Every IRI leads to data or a page, in every format, without what may not be given away."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import rdflib
from rdflib.compare import isomorphic

import fixtures_api as small
from clusterloom.api import aliases, rdf
from clusterloom.errors import Gone
from clusterloom.namespaces import ID
from clusterloom.settings import Settings

BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
PHOTONICS = rdflib.URIRef(ID + "area/photonics")
PARSERS = {"ttl": "turtle", "jsonld": "json-ld", "nt": "nt", "rdf": "xml"}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of the service over the sample release."""
    with (
        small.small_settings(tmp_path_factory.mktemp("data")) as settings,
        small.serving(settings) as client,
    ):
        yield client


@pytest.mark.parametrize(
    ("accept", "target"),
    [
        (None, "/data/area/photonics.ttl"),
        ("*/*", "/data/area/photonics.ttl"),
        ("text/turtle", "/data/area/photonics.ttl"),
        ("application/ld+json", "/data/area/photonics.jsonld"),
        ("application/n-triples", "/data/area/photonics.nt"),
        ("application/rdf+xml", "/data/area/photonics.rdf"),
        ("application/json", "/data/area/photonics.json"),
        ("text/html;q=0.5, application/rdf+xml", "/data/area/photonics.rdf"),
        (BROWSER["accept"], "/page/area/photonics"),
    ],
)
def test_an_iri_leads_where_accept_says(
    client: httpx.Client, accept: str | None, target: str
) -> None:
    headers = {"accept": accept or ""}
    answer = client.get("/id/area/photonics", headers=headers)
    assert answer.status_code == 303
    assert answer.headers["location"] == target
    assert "Accept" in answer.headers["vary"]
    assert '<http://test/id/area/photonics>; rel="alternate"' in answer.headers["link"]
    assert client.get(target, headers=headers).status_code == 200


def test_several_accept_lines_are_one_list(client: httpx.Client) -> None:
    lines = [("Accept", "text/turtle;q=0.1"), ("Accept", "application/n-triples")]
    answer = client.get("/id/area/photonics", headers=lines)
    assert answer.headers["location"] == "/data/area/photonics.nt"


@pytest.mark.parametrize("kind", ["a%20b", "a%3Eb", "a%22b", "%C3%A9", "Area", "%00", "-"])
@pytest.mark.parametrize("route", ["id", "data", "page"])
def test_a_type_that_no_iri_can_have_is_not_found(
    client: httpx.Client, route: str, kind: str
) -> None:
    small.is_problem(client.get(f"/{route}/{kind}/photonics"), 404)


def graph_of(client: httpx.Client, suffix: str, name: str = "area/photonics") -> rdflib.Graph:
    answer = client.get(f"/data/{name}.{suffix}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(rdf.TYPES[suffix])
    return rdflib.Graph().parse(data=answer.text, format=PARSERS[suffix])


# rdflib's own JSON-LD parser uses a class that rdflib has deprecated
@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")
@pytest.mark.parametrize("name", ["area/photonics", "area/sport", "partnership/glow",
                                  "call/old", "region/FR1", "org/pic-1"])  # fmt: skip
def test_every_format_is_the_same_graph(client: httpx.Client, name: str) -> None:
    turtle = graph_of(client, "ttl", name)
    for suffix in ("nt", "rdf", "jsonld"):
        other = graph_of(client, suffix, name)
        assert isomorphic(turtle, other), (suffix, set(turtle ^ other))


def test_a_description_has_statements_labels_and_links_in(client: httpx.Client) -> None:
    graph = graph_of(client, "ttl")
    label = rdflib.RDFS.label
    assert graph.value(PHOTONICS, label) == rdflib.Literal("Photonics", lang="en")
    glow = rdflib.URIRef(ID + "partnership/glow")
    assert (glow, None, PHOTONICS) in graph
    assert (glow, label, rdflib.Literal("GLOW")) in graph
    page = graph.value(PHOTONICS, rdflib.FOAF.isPrimaryTopicOf)
    assert (page, rdflib.OWL.versionInfo, rdflib.Literal(small.RELEASE)) in graph
    assert (page, rdflib.DCTERMS.source, rdflib.URIRef(ID + "dataset/s3-areas")) in graph


def test_json_ld_is_plain_nested_json_that_needs_no_network(client: httpx.Client) -> None:
    body = client.get("/data/stage/light-b.jsonld").json()
    assert body["id"] == ID + "stage/light-b"
    assert body["position"] == 2
    assert body["inChain"]["rdfs:label"] == {"@value": "Light", "@language": "en"}
    assert body["@reverse"]["precedes"][0]["id"] == ID + "stage/light-a"
    assert isinstance(body["@context"], dict)


def test_plain_json_nests_labels_and_counts_links(client: httpx.Client) -> None:
    body = client.get("/data/area/photonics.json").json()
    assert body["types"] == ["ThematicArea", "Concept"]
    assert body["facts"]["comprises"][0]["label"] == "Optical instruments"
    assert body["incoming"]["inArea"]["total"] == 2
    assert body["complete"] is True
    assert body["release"] == small.RELEASE


def test_data_without_suffix_negotiates_even_where_the_key_has_a_dot(client: httpx.Client) -> None:
    answer = client.get("/data/nace2/26.7", headers={"accept": "application/n-triples"})
    assert answer.headers["content-location"] == "/data/nace2/26.7.nt"
    assert (ID + "nace2/26.7") in answer.text


def test_links_lead_to_formats_page_and_canonical_address(client: httpx.Client) -> None:
    link = client.get("/data/area/photonics.ttl").headers["link"]
    assert '<http://test/data/area/photonics.ttl>; rel="canonical"' in link
    assert f'<{ID}area/photonics>; rel="describes"' in link
    assert '<http://test/page/area/photonics>; rel="alternate"; type="text/html"' in link
    assert '<http://test/data/area/photonics.jsonld>; rel="alternate"' in link
    page = client.get("/page/area/photonics", headers=BROWSER).headers["link"]
    assert '<http://test/data/area/photonics.ttl>; rel="describedby"' in page


@pytest.mark.parametrize("path", ["/data/area/photonics.ttl", "/data/area/photonics.jsonld",
                                  "/data/area/photonics.json", "/page/area/photonics"])  # fmt: skip
def test_what_may_not_be_redistributed_is_left_out(client: httpx.Client, path: str) -> None:
    text = client.get(path).text
    assert "not to be given away" not in text
    assert "org/hidden" not in text


def test_a_thing_that_only_closed_sources_know_is_not_there(client: httpx.Client) -> None:
    for path in ("/id/org/only-hidden", "/data/org/only-hidden.ttl"):
        small.is_problem(client.get(path), 404)


@pytest.mark.parametrize("suffix", [*rdf.TYPES])
def test_coordinates_of_an_sme_stay_inside(client: httpx.Client, suffix: str) -> None:
    text = client.get(f"/data/org/pic-3.{suffix}").text
    assert "latitude" not in text
    assert "latitude" in client.get(f"/data/org/pic-1.{suffix}").text


def test_links_in_are_bounded_and_say_so(tmp_path: Path) -> None:
    many = "".join(
        f"<org/n{i:03}> a cloom:SME ; rdfs:label 'N {i}' ; cloom:inCountry <country/FR> .\n"
        for i in range(150)
    )
    country = "<country/FR> a cloom:Country ; rdfs:label 'France' ."
    settings = Settings(data_dir=tmp_path, workers=3)
    small.make_release(settings.releases, {("many", "asserted"): many + country})
    with small.serving(settings) as client:
        answer = client.get("/data/country/FR.json")
        found = answer.json()["incoming"]["inCountry"]
        assert found["total"] == 150
        assert [thing["id"] for thing in found["items"]] == [f"n{i:03}" for i in range(100)]
        assert answer.json()["complete"] is False
        assert "100 of 150" in answer.headers["x-clusterloom-truncated"]
        assert "100 of 150" in client.get("/data/country/FR.ttl").text
        assert "The first 100 of 150" in client.get("/page/country/FR").text


def test_unknown_things_name_the_nearest_keys(client: httpx.Client) -> None:
    for path in ("/id/area/fotonics", "/data/area/fotonics.ttl", "/data/area/fotonics"):
        assert "photonics (Photonics)" in small.is_problem(client.get(path), 404)
    small.is_problem(client.get("/id/nothing/at-all"), 404)
    small.is_problem(client.get("/id/area/%3C%3E%22%20x"), 404)
    assert client.get("/page/area/fotonics", headers=BROWSER).status_code == 404


def test_a_format_that_nobody_writes_is_406(client: httpx.Client) -> None:
    headers = {"accept": "image/png"}
    for path in ("/id/area/sport", "/data/area/sport", "/ontology", "/shapes"):
        assert "text/turtle" in small.is_problem(client.get(path, headers=headers), 406)


def test_former_names_lead_on_and_withdrawn_things_are_gone(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {"area/light": "area/old", "area/old": "area/photonics", "org/fraud": ""}
    monkeypatch.setattr(aliases, "aliases", lambda: known)
    for route in ("id", "data", "page"):
        answer = client.get(f"/{route}/area/light")
        assert answer.status_code == 301
        assert answer.headers["location"] == f"/{route}/area/photonics"
        small.is_problem(client.get(f"/{route}/org/fraud"), 410)
    assert client.get("/data/area/light.nt").headers["location"] == "/data/area/photonics.nt"
    gone = client.get("/page/org/fraud", headers=BROWSER)
    assert gone.status_code == 410
    assert gone.headers["content-type"].startswith("text/html")
    with pytest.raises(Gone):
        aliases.moved_to("org/fraud")


def test_committed_aliases_are_read() -> None:
    for old, new in aliases.aliases().items():
        assert "/" in old
        assert not new or "/" in new


@pytest.mark.parametrize("path", ["/ontology", "/ontology/actors", "/ontology/0.1.0",
                                  "/ontology/actors/0.1.0", "/ontology/imports/skos",
                                  "/shapes", "/shapes/0.1.0", "/shapes/actors"])  # fmt: skip
def test_vocabulary_parses_in_each_format(client: httpx.Client, path: str) -> None:
    sizes = set()
    for accept, parser in [("text/turtle", "turtle"), ("application/rdf+xml", "xml"),
                           ("application/n-triples", "nt")]:  # fmt: skip
        answer = client.get(path, headers={"accept": accept})
        assert answer.status_code == 200
        sizes.add(len(rdflib.Graph().parse(data=answer.content, format=parser)))
    assert len(sizes) == 1
    assert min(sizes) > 10


def test_vocabulary_that_is_not_there(client: httpx.Client) -> None:
    assert "actors" in small.is_problem(client.get("/ontology/actor"), 404)
    small.is_problem(client.get("/ontology/actors/9.9"), 404)
    assert "skos" in small.is_problem(client.get("/ontology/imports/skosx"), 404)


def test_context_is_served_as_json_ld(client: httpx.Client) -> None:
    answer = client.get("/context.jsonld")
    assert answer.headers["content-type"] == "application/ld+json"
    assert answer.json()["@context"]["inChain"]["@type"] == "@id"


@pytest.mark.needs("curl", "rapper")
def test_curl_and_rapper_read_what_an_iri_leads_to(client: httpx.Client, tmp_path: Path) -> None:
    address = f"{client.base_url}/id/area/photonics"
    file = tmp_path / "photonics.ttl"
    curl = ["curl", "-sL", "-H", "Accept: text/turtle", "-o", str(file), address]
    subprocess.run(curl, check=True)
    done = subprocess.run(
        ["rapper", "-q", "-c", "-i", "turtle", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(rdflib.Graph().parse(file)) > 5


def test_headers_hold_any_iri(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, workers=3, public_url="http://test")
    odd = "<area/photonics> <http://example.org/\u0436/1> 'x' ."
    licensed = "<area/photonics> dcterms:license <http://example.org/\u0436> ."
    small.make_release(settings.releases, small.GRAPHS | {("odd", "asserted"): odd + licensed})
    with small.serving(settings) as client:
        answer = client.get("/data/area/photonics.rdf")
        assert answer.status_code == 200
        assert "http://example.org/%D0%B6/1" in answer.headers["x-clusterloom-truncated"]

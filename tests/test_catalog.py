"""The catalogue conforms to DCAT-AP 3.0.1, leads to this server, and knows the releases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pyoxigraph as ox
import pyshacl
import pytest
import rdflib
from rdflib.compare import isomorphic

import fixtures_api as small
from clusterloom import namespaces as ns
from clusterloom.loaders import registry
from clusterloom.loaders.build import Plan, build
from clusterloom.ontology.validate import validate
from clusterloom.progress import Progress
from clusterloom.settings import Settings
from clusterloom.store.release import Release
from fixtures_api import serving

CATALOG = rdflib.URIRef(ns.BASE + "catalog")
DATASET = rdflib.URIRef(ns.BASE + "catalog#dataset")
DCAT = rdflib.Namespace(ns.PREFIXES["dcat"])
SH = rdflib.Namespace(ns.PREFIXES["sh"])
SPDX = rdflib.Namespace("http://spdx.org/rdf/terms#")
PARSERS = {
    "text/turtle": "turtle",
    "application/rdf+xml": "xml",
    "application/n-triples": "nt",
    "application/ld+json": "json-ld",
}


@pytest.fixture(scope="module")
def client(default_release: Release, settings: Settings) -> Iterator[httpx.Client]:
    """A client of the service over the default release."""
    with serving(settings) as client:
        yield client


@pytest.fixture(scope="module")
def graph(client: httpx.Client) -> rdflib.Graph:
    """The catalogue as it is sent."""
    return rdflib.Graph().parse(data=client.get("/catalog").text, format="turtle")


def shapes(shared: Path) -> list[Path]:
    """The official shapes and their class ranges."""
    folder = shared / "conformance" / "dcat-ap"
    return [folder / "dcat-ap-SHACL.ttl", folder / "ranges.ttl"]


def test_what_is_sent_conforms_to_dcat_ap(
    client: httpx.Client, shared: Path, tmp_path: Path
) -> None:
    sent = tmp_path / "catalog.ttl"
    sent.write_bytes(client.get("/catalog").content)
    assert validate(sent, shapes(shared)) == []


def test_what_lies_beside_the_release_conforms_too(default_release: Release, shared: Path) -> None:
    assert validate(default_release.path / "catalog.ttl", shapes(shared)) == []


def test_the_shapes_do_find_faults(graph: rdflib.Graph, shared: Path, tmp_path: Path) -> None:
    broken = rdflib.Graph()
    broken += graph
    broken.remove((DATASET, rdflib.DCTERMS.title, None))
    broken.remove((CATALOG, rdflib.DCTERMS.publisher, None))
    broken.serialize(tmp_path / "broken.ttl", format="turtle")
    found = validate(tmp_path / "broken.ttl", shapes(shared))
    assert {result.focus for result in found} == {f"<{DATASET}>", f"<{CATALOG}>"}


def test_the_referee_agrees(shared: Path, tmp_path: Path) -> None:
    """pySHACL reads the text itself: a store would change the datatype of sizes."""
    data = rdflib.Graph().parse(_small(tmp_path).path / "catalog.ttl", format="turtle")
    merged = rdflib.Graph()
    for file in shapes(shared):
        merged.parse(file, format="turtle")
    for node, link, shape in list(merged.triples((None, SH.property, None))):
        if (shape, SH.path, None) not in merged:
            # the files name some shapes that neither defines, which pySHACL refuses
            merged.remove((node, link, shape))
    conforms, _, text = pyshacl.validate(data, shacl_graph=merged, inference="none")
    assert conforms, text
    data.remove((DATASET, rdflib.DCTERMS.title, None))
    conforms, _, text = pyshacl.validate(data, shacl_graph=merged, inference="none")
    assert not conforms


def _small(folder: Path, *names: str) -> Release:
    plan = Plan(registry.data_folder(), only=names or ("guides", "countries"))
    return build(folder / "releases", plan, 5, Progress(quiet=True))


# rdflib's own JSON-LD parser uses a class that rdflib has deprecated
@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")
@pytest.mark.parametrize("media_type", [*PARSERS])
def test_each_format_is_the_same_catalogue(
    client: httpx.Client, graph: rdflib.Graph, media_type: str
) -> None:
    answer = client.get("/catalog", headers={"accept": media_type})
    assert answer.headers["content-type"].startswith(media_type)
    assert "Accept" in answer.headers["vary"]
    other = rdflib.Graph().parse(data=answer.text, format=PARSERS[media_type])
    # numbers and hex digits must keep their lexical form, so terms are compared as they stand
    assert isomorphic(graph, other)


def test_a_format_that_nobody_writes_is_406(client: httpx.Client) -> None:
    for path in ("/catalog", "/.well-known/void"):
        answer = client.get(path, headers={"accept": "image/png"})
        assert "text/turtle" in small.is_problem(answer, 406)


def test_what_can_be_fetched_is_on_this_server(client: httpx.Client, graph: rdflib.Graph) -> None:
    here = "http://127.0.0.1:8000/"
    for name in ("accessURL", "downloadURL", "endpointURL", "endpointDescription"):
        addresses = set(graph.objects(None, DCAT[name]))
        assert addresses
        for address in addresses:
            assert str(address).startswith(here), address
            path = "/" + str(address).removeprefix(here)
            assert client.head(path).status_code == 200, path


def test_every_source_is_a_dataset_and_every_dump_a_distribution(
    client: httpx.Client, graph: rdflib.Graph, default_release: Release
) -> None:
    report = default_release.report()
    listed = set(graph.objects(CATALOG, DCAT.dataset))
    for name in report["sources"]:
        assert rdflib.URIRef(ns.thing("dataset", name)) in listed
    distributions = set(graph.subjects(rdflib.RDF.type, DCAT.Distribution))
    sources = {f"turtle/{n}.ttl.gz" for n in report["sources"]}
    names = {str(d).partition(f"dumps/{default_release.id}/")[2] for d in distributions}
    assert {"dump.nq.zst", "kind/asserted.nq.zst", "kind/derived.nq.zst"} | sources <= names
    for distribution in distributions:
        file = str(distribution).partition(f"dumps/{default_release.id}/")[2]
        checksum = graph.value(distribution, SPDX.checksum)
        assert str(graph.value(checksum, SPDX.checksumValue)) == report["dumps"][file]["sha256"]
        assert str(graph.value(distribution, DCAT.byteSize)) == str(report["dumps"][file]["bytes"])


def test_no_contact_point_is_made_up(graph: rdflib.Graph) -> None:
    assert not set(graph.objects(None, DCAT.contactPoint))


def test_releases_are_revisions_of_one_another(tmp_path: Path) -> None:
    first = _small(tmp_path)
    assert first.report()["previous"] is None
    second = _small(tmp_path, "guides", "countries", "cluster-policies")
    assert second.report()["previous"] == first.id
    names = {r.id: rdflib.URIRef(f"{ns.BASE}release/{r.id}") for r in (first, second)}
    settings = Settings(data_dir=tmp_path, workers=3)
    with serving(settings) as client:
        graph = rdflib.Graph().parse(data=client.get("/catalog").text, format="turtle")
        versions = set(graph.objects(DATASET, DCAT.hasVersion))
        assert versions == set(names.values())
        before = graph.value(names[second.id], rdflib.PROV.wasRevisionOf)
        assert before == names[first.id]
        assert graph.value(names[second.id], DCAT.previousVersion) == before
        text = client.get(f"/data/release/{second.id}.ttl").text
        told = rdflib.Graph().parse(data=text, format="turtle")
        assert (names[second.id], rdflib.PROV.wasRevisionOf, before) in told
        old = rdflib.Graph().parse(
            data=client.get(f"/data/release/{first.id}.ttl").text, format="turtle"
        )
        assert set(old.predicate_objects(names[first.id]))


def test_building_an_id_again_keeps_what_it_said(tmp_path: Path) -> None:
    first = _small(tmp_path)
    second = _small(tmp_path, "guides", "countries", "cluster-policies")
    assert _small(tmp_path) == first
    assert first.report()["previous"] is None
    assert _small(tmp_path, "guides", "countries", "cluster-policies") == second
    assert second.report()["previous"] == first.id
    # a damaged one is built again while it is itself the served one
    family = second.path / "families" / "guides.nq.gz"
    family.write_bytes(family.read_bytes()[:-20])
    assert _small(tmp_path, "guides", "countries", "cluster-policies") == second
    assert second.report()["previous"] == first.id


def test_a_release_without_a_catalogue_says_so(tmp_path: Path) -> None:
    with small.small_settings(tmp_path) as settings, small.serving(settings) as client:
        assert "without a catalogue" in small.is_problem(client.get("/catalog"), 404)
        assert client.get("/.well-known/void").status_code == 200


def test_the_file_uses_permanent_names_only(default_release: Release) -> None:
    triples = [
        quad.triple
        for quad in ox.parse(path=default_release.path / "catalog.ttl", format=ox.RdfFormat.TURTLE)
    ]
    assert triples
    assert not [t for t in triples if "127.0.0.1" in str(t) or "localhost" in str(t)]

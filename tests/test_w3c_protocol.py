"""The W3C test suite of the SPARQL 1.1 Protocol and of the Service Description.

The release is made by the real build from the data files of the suite, and the real service
answers. It is read-only: every query test passes, every update test is refused and leaves no
trace.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import httpx
import pyoxigraph as ox
import pytest
import rdflib

from clusterloom import cli
from service_process import Service, running

SUITE = Path(__file__).resolve().parents[2] / "shared" / "conformance" / "sparql11-protocol"
PROTOCOL_TESTS, DESCRIPTION_TESTS = 34, 3

MF = "http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#"
HT = "http://www.w3.org/2011/http#"
CNT = "http://www.w3.org/2011/content#"
UT = "http://www.w3.org/2009/sparql/tests/test-update#"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
RDFS = "http://www.w3.org/2000/01/rdf-schema#"
SD = rdflib.Namespace("http://www.w3.org/ns/sparql-service-description#")

FORMATS = {
    "boolean": {"application/sparql-results+json", "application/sparql-results+xml"},
    "tabular": {
        "application/sparql-results+json",
        "application/sparql-results+xml",
        "text/csv",
        "text/tab-separated-values",
    },
    "RDF": {"text/turtle", "application/rdf+xml", "application/n-triples"},
}

pytestmark = [
    pytest.mark.skipif(
        not SUITE.is_dir(),
        reason="needs shared/conformance/sparql11-protocol beside the repository",
    )
]


@dataclass(frozen=True)
class Step:
    """One request of a test and what its answer must be."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes | None
    statuses: tuple[str, ...]
    boolean: bool | None
    form: str | None

    @property
    def updates(self) -> bool:
        """Whether it asks for an update."""
        text = self.target + (self.body or b"").decode("latin-1")
        kind = self.headers.get("content-type", "")
        return bool(re.search(r"\bupdate=|using-(named-)?graph-uri=", text)) or "update" in kind


@dataclass(frozen=True)
class Entry:
    """One test of a manifest: its name, the graphs it stands on, and its requests in order."""

    name: str
    graphs: tuple[tuple[str, str], ...]
    steps: tuple[Step, ...]


class Manifest:
    """A manifest in Turtle, walked by property."""

    def __init__(self, path: Path) -> None:
        # the manifest names its files relative to itself; a made-up base keeps them short
        content = ox.parse(path.read_bytes(), format=ox.RdfFormat.TURTLE, base_iri="file:///")
        self.store = ox.Store()
        self.store.extend(content)

    def values(self, node: object, name: str) -> list[ox.NamedNode | ox.BlankNode | ox.Literal]:
        """The objects of a property."""
        assert isinstance(node, ox.NamedNode | ox.BlankNode)
        found = self.store.quads_for_pattern(node, ox.NamedNode(name), None, None)
        return [quad.object for quad in found if not isinstance(quad.object, ox.Triple)]

    def text(self, node: object, name: str) -> str | None:
        """The one value of a property as text."""
        values = self.values(node, name)
        assert len(values) < 2
        return str(values[0].value) if values else None

    def listed(self, node: object) -> list[ox.NamedNode | ox.BlankNode | ox.Literal]:
        """The members of an RDF list."""
        members = []
        while isinstance(node, ox.BlankNode):
            members += self.values(node, RDF + "first")
            (node,) = self.values(node, RDF + "rest")
        return members

    def entries(self) -> list[Entry]:
        """Every test, in the order of the manifest."""
        tests = list(self.store.quads_for_pattern(None, ox.NamedNode(MF + "entries"), None, None))
        return [self._entry(node) for node in self.listed(tests[0].object)]

    def _entry(self, node: object) -> Entry:
        assert isinstance(node, ox.NamedNode)
        graphs = {
            (str(self.text(data, RDFS + "label")), str(self.text(data, UT + "graph")))
            for data in self.values(node, UT + "graphData")
        }
        steps = [
            self._step(request)
            for action in self.values(node, MF + "action")
            for requests in self.values(action, HT + "requests")
            for request in self.listed(requests)
        ]
        return Entry(node.value.rpartition("#")[2], tuple(sorted(graphs)), tuple(steps))

    def _step(self, node: object) -> Step:
        headers = {
            str(self.text(header, HT + "fieldName")).lower(): str(
                self.text(header, HT + "fieldValue")
            )
            for headers in self.values(node, HT + "headers")
            for header in self.listed(headers)
        }
        body = None
        for content in self.values(node, HT + "body"):
            encoding = self.text(content, CNT + "characterEncoding") or "UTF-8"
            body = str(self.text(content, CNT + "chars")).encode(encoding)
        (answer,) = self.values(node, HT + "resp")
        boolean = self.text(answer, MF + "expectedBoolean")
        return Step(
            method=str(self.text(node, HT + "methodName")),
            target=str(self.text(node, HT + "absolutePath")),
            headers=headers,
            body=body,
            statuses=tuple(
                str(status.value).rpartition("StatusCode")[2][:1]
                for status in self.values(answer, MF + "expectedStatus")
            ),
            boolean=None if boolean is None else boolean == "true",
            form=self.text(answer, MF + "expectedFormat"),
        )


@cache
def entries(name: str) -> list[Entry]:
    """The tests of a manifest; none where the suite is absent."""
    return Manifest(SUITE / name).entries() if SUITE.is_dir() else []


def _named(name: str) -> list[Entry]:
    return entries(name) or [Entry("absent", (), ())]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service over a release built from the graphs that the manifest names."""
    folder = tmp_path_factory.mktemp("w3c")
    (folder / "in").mkdir()
    for entry in entries("manifest.ttl"):
        for graph, file in entry.graphs:
            data = (SUITE / Path(file).name).read_bytes()
            quads = [
                ox.Quad(q.subject, q.predicate, q.object, ox.NamedNode(graph))
                for q in ox.parse(data, format=ox.RdfFormat.N_TRIPLES)
            ]
            path = folder / "in" / Path(file).with_suffix(".nq").name
            path.write_bytes(ox.serialize(quads, format=ox.RdfFormat.N_QUADS) or b"")
    assert len(list((folder / "in").iterdir())) == 3
    data_dir = folder / "data"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLUSTERLOOM_DATA_DIR", str(data_dir))
        added = f"rdf={folder / 'in'}"
        assert cli.main(["build", "--quiet", "--only", "countries", "--add", added]) == 0
    with running(data_dir, workers=3) as service:
        yield service


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url, timeout=30) as opened:
        yield opened


def test_the_manifests_are_read_whole() -> None:
    protocol = entries("manifest.ttl")
    assert len(protocol) == PROTOCOL_TESTS
    assert len({entry.name for entry in protocol}) == PROTOCOL_TESTS
    assert all(entry.steps for entry in protocol)
    updates = [e for e in protocol if any(step.updates for step in e.steps)]
    assert {e.name for e in updates} == {e.name for e in protocol if "update" in e.name} - {
        # neither says that it is an update but by its text, which is no media type of ours
        "bad_update_wrong_media_type"
    }
    assert len(entries("service-description-manifest.ttl")) == DESCRIPTION_TESTS


@pytest.mark.parametrize("entry", _named("manifest.ttl"), ids=lambda entry: entry.name)
def test_protocol(client: httpx.Client, entry: Entry) -> None:
    read_only = "update" in entry.name
    for step in entry.steps:
        assert step.target.startswith("/sparql/")
        target = "/sparql" + step.target.removeprefix("/sparql/")
        answer = client.request(step.method, target, content=step.body, headers=step.headers)
        kind = answer.headers["content-type"].partition(";")[0]
        if read_only and (step.updates or step is entry.steps[0]):
            assert answer.status_code in {400, 405, 415}
            assert kind == "application/problem+json"
            continue
        assert str(answer.status_code)[0] in step.statuses, answer.text
        if answer.status_code >= 400:
            assert kind == "application/problem+json"
        if step.form is not None:
            assert kind in FORMATS[step.form]
        if step.boolean is not None:
            # nothing was written, so the question that follows an update is answered with no
            assert answer.json()["boolean"] is (step.boolean and not read_only)


def test_every_update_leaves_the_release_as_it_was(client: httpx.Client) -> None:
    text = "SELECT ?g { GRAPH ?g { ?s a <http://xmlns.com/foaf/0.1/Document> } }"
    rows = client.get("/sparql", params={"query": text}).json()["results"]["bindings"]
    graphs = {graph for entry in entries("manifest.ttl") for graph, _ in entry.graphs}
    assert sorted(row["g"]["value"] for row in rows) == sorted(graphs)


SCHEMA = {
    # property: (class of the subject, class of the object where it has one of its own)
    "endpoint": ("Service", None),
    "supportedLanguage": ("Service", None),
    "feature": ("Service", None),
    "languageExtension": ("Service", None),
    "extensionFunction": ("Service", None),
    "extensionAggregate": ("Service", None),
    "propertyFeature": ("Service", None),
    "resultFormat": ("Service", None),
    "inputFormat": ("Service", None),
    "defaultEntailmentRegime": ("Service", None),
    "defaultSupportedEntailmentProfile": ("Service", None),
    "availableGraphs": ("Service", "GraphCollection"),
    "defaultDataset": ("Service", "Dataset"),
    "defaultGraph": ("Dataset", "Graph"),
    "namedGraph": ("GraphCollection", "NamedGraph"),
    "name": ("NamedGraph", None),
    "graph": ("NamedGraph", "Graph"),
    "entailmentRegime": ("NamedGraph", None),
    "supportedEntailmentProfile": ("NamedGraph", None),
}
"""Terms of the Service Description vocabulary (W3C, 2013) with their domains and ranges."""

INDIVIDUALS = {
    "supportedLanguage": {"SPARQL10Query", "SPARQL11Query", "SPARQL11Update"},
    "feature": {
        "DereferencesURIs", "UnionDefaultGraph", "RequiresDataset", "EmptyGraphs",
        "BasicFederatedQuery",
    },
}  # fmt: skip

ABOVE = {"Dataset": {"Dataset", "GraphCollection"}}
"""A class and those above it."""

CLASSES = {c for pair in SCHEMA.values() for c in pair if c} | {"Feature", "Language", "Function"}


def described(client: httpx.Client, accept: str, parser: str) -> rdflib.Graph:
    answer = client.get("/sparql", headers={"accept": accept})
    assert answer.status_code == 200
    return rdflib.Graph().parse(data=answer.content, format=parser)


def returns_rdf(client: httpx.Client) -> None:
    kinds = {"text/turtle": "turtle", "application/rdf+xml": "xml", "application/n-triples": "nt",
             "*/*": "turtle"}  # fmt: skip
    sizes = {len(described(client, accept, parser)) for accept, parser in kinds.items()}
    assert len(sizes) == 1
    assert sizes.pop() > 5


def has_endpoint_triple(client: httpx.Client) -> None:
    graph = described(client, "text/turtle", "turtle")
    assert list(graph.objects(None, SD.endpoint)) == [rdflib.URIRef(f"{client.base_url}/sparql")]


def conforms_to_schema(client: httpx.Client) -> None:
    graph = described(client, "text/turtle", "turtle")
    (service,) = graph.subjects(rdflib.RDF.type, SD.Service)
    assert (service, SD.endpoint, None) in graph
    types = {
        (node, name)
        for node, kind in graph.subject_objects(rdflib.RDF.type)
        if str(kind).startswith(str(SD))
        for name in ABOVE.get(str(kind).removeprefix(SD), {str(kind).removeprefix(SD)})
    }
    assert {name for _, name in types} <= CLASSES
    for subject, predicate, value in graph:
        name = str(predicate).removeprefix(SD)
        if name == str(predicate):
            continue  # a term of another vocabulary
        domain, reach = SCHEMA[name]
        assert (subject, domain) in types
        assert not isinstance(value, rdflib.Literal)
        assert reach is None or (value, reach) in types
        if str(value).startswith(str(SD)) and name in INDIVIDUALS:
            assert str(value).removeprefix(SD) in INDIVIDUALS[name]
    assert (service, SD.supportedLanguage, SD.SPARQL11Query) in graph
    assert (service, SD.supportedLanguage, SD.SPARQL11Update) not in graph


DESCRIPTION = {
    "returns-rdf": returns_rdf,
    "has-endpoint-triple": has_endpoint_triple,
    "conforms-to-schema": conforms_to_schema,
}


@pytest.mark.parametrize(
    "entry", _named("service-description-manifest.ttl"), ids=lambda entry: entry.name
)
def test_service_description(client: httpx.Client, entry: Entry) -> None:
    DESCRIPTION[entry.name](client)

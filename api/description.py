"""The SPARQL service description of the endpoint, for whoever asks it without a query."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import pyoxigraph as ox

from clusterloom import terms
from clusterloom.api.serving import NotReady, Served, served_now
from clusterloom.namespaces import CLOOM, META_GRAPH, PREFIXES

SD = "http://www.w3.org/ns/sparql-service-description#"
FORMATS = "http://www.w3.org/ns/formats/"
GEOF = "http://www.opengis.net/def/function/geosparql/"

_RESULTS = (
    "SPARQL_Results_JSON",
    "SPARQL_Results_XML",
    "SPARQL_Results_CSV",
    "SPARQL_Results_TSV",
    "Turtle",
    "N-Triples",
    "RDF_XML",
    "JSON-LD",
    "TriG",
    "N-Quads",
)

_FUNCTIONS = """
    area asGeoJSON centroid convexHull difference dimension distance envelope getSRID intersection
    isEmpty length relate symDifference union
    sfContains sfCrosses sfDisjoint sfEquals sfIntersects sfOverlaps sfTouches sfWithin
    ehContains ehCoveredBy ehCovers ehDisjoint ehEquals ehInside ehMeet ehOverlap
    rcc8dc rcc8ec rcc8eq rcc8ntpp rcc8ntppi rcc8po rcc8tpp rcc8tppi
"""
FUNCTIONS = tuple(GEOF + name for name in _FUNCTIONS.split())
"""Functions that the engine has beyond those of SPARQL."""

_META = terms.iri(META_GRAPH)
_SOURCE = terms.iri(PREFIXES["dcterms"] + "source")
_LOAD = terms.iri(PREFIXES["prov"] + "wasGeneratedBy")


@dataclass(frozen=True)
class Graph:
    """A named graph of the release; its triples where graph/meta tells them."""

    name: str
    triples: int | None = None


async def description(endpoint: str, release: str, media_type: str) -> bytes:
    """The description with the named graphs of the release that answers this request."""
    graphs: Sequence[Graph] = ()
    triples = None
    try:
        served = served_now()
    except NotReady:
        pass  # an endpoint over a bare session
    else:
        graphs = await served.once("graphs described", _graphs)
        triples = served.report.get("triples")
    return describe(endpoint, release, media_type, graphs, triples)


async def _graphs(served: Served) -> list[Graph]:
    """The graphs that graph/meta describes, and itself.

    What a load or rule gave is counted by dataset: it is the count of a graph where the dataset
    has one graph only.
    """
    rows = await served.select(
        f"SELECT ?g ?d ?n WHERE {{ GRAPH {_META} {{ ?g <{CLOOM}kind> ?kind ; {_SOURCE} ?d . "
        f"OPTIONAL {{ {{ ?d <{CLOOM}statements> ?n }} UNION "
        f"{{ ?d {_LOAD} ?load . ?load <{CLOOM}statements> ?n }} }} }} }}"
    )
    datasets: dict[str, set[str]] = defaultdict(set)
    counts: dict[str, int] = {}
    for row in rows:
        datasets[row["d"].value].add(row["g"].value)
        if "n" in row:
            counts[row["d"].value] = int(row["n"].value)
    found = {
        name: counts.get(dataset) if len(names) == 1 else None
        for dataset, names in datasets.items()
        for name in names
    }
    return [Graph(name, n) for name, n in sorted({META_GRAPH: None, **found}.items())]


def describe(
    endpoint: str,
    release: str,
    media_type: str,
    graphs: Sequence[Graph] = (),
    triples: int | None = None,
) -> bytes:
    """The description in an RDF media type; `endpoint` is the address that was asked."""
    service = ox.NamedNode(endpoint)
    dataset = ox.NamedNode(endpoint + "#dataset")
    default = ox.NamedNode(endpoint + "#default-graph")
    found = [
        _type(service, "Service"),
        ox.Triple(service, _sd("endpoint"), service),
        ox.Triple(service, _sd("supportedLanguage"), _sd("SPARQL11Query")),
        # the default graph is the merge of the named ones, each triple once
        ox.Triple(service, _sd("feature"), _sd("UnionDefaultGraph")),
        ox.Triple(service, _sd("defaultDataset"), dataset),
        _type(dataset, "Dataset"),
        ox.Triple(dataset, _sd("defaultGraph"), default),
        ox.Triple(dataset, ox.NamedNode(PREFIXES["dcterms"] + "identifier"), ox.Literal(release)),
        *_counted(default, triples),
    ]
    found += [
        ox.Triple(service, _sd("resultFormat"), ox.NamedNode(FORMATS + name)) for name in _RESULTS
    ]
    for name in FUNCTIONS:
        found.append(ox.Triple(service, _sd("extensionFunction"), ox.NamedNode(name)))
        found.append(_type(ox.NamedNode(name), "Function"))
    for number, graph in enumerate(graphs):
        named = ox.NamedNode(f"{endpoint}#named-graph-{number}")
        triples_of = ox.NamedNode(f"{endpoint}#graph-{number}")
        found += [
            ox.Triple(dataset, _sd("namedGraph"), named),
            _type(named, "NamedGraph"),
            ox.Triple(named, _sd("name"), ox.NamedNode(graph.name)),
            ox.Triple(named, _sd("graph"), triples_of),
            *_counted(triples_of, graph.triples),
        ]
    if endpoint.endswith("/sparql"):
        void = ox.NamedNode(endpoint.removesuffix("sparql") + ".well-known/void")
        found.append(ox.Triple(dataset, ox.NamedNode(PREFIXES["rdfs"] + "seeAlso"), void))
    form = ox.RdfFormat.from_media_type(media_type)
    used = {p: PREFIXES[p] for p in ("dcterms", "rdfs", "void", "xsd")}
    prefixes = {"sd": SD, "formats": FORMATS, "geof": GEOF, **used}
    return ox.serialize(found, format=form, prefixes=prefixes) or b""


def _sd(name: str) -> ox.NamedNode:
    return ox.NamedNode(SD + name)


def _type(node: ox.NamedNode, name: str) -> ox.Triple:
    return ox.Triple(node, ox.NamedNode(PREFIXES["rdf"] + "type"), _sd(name))


def _counted(graph: ox.NamedNode, triples: int | None) -> list[ox.Triple]:
    found = [_type(graph, "Graph")]
    if triples is not None:
        count = ox.Literal(triples)
        found.append(ox.Triple(graph, ox.NamedNode(PREFIXES["void"] + "triples"), count))
    return found

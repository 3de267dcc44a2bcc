"""The SPARQL service description of the endpoint, for whoever asks it without a query."""

from __future__ import annotations

import pyoxigraph as ox

from clusterloom.namespaces import PREFIXES

SD = "http://www.w3.org/ns/sparql-service-description#"
FORMATS = "http://www.w3.org/ns/formats/"

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


def describe(endpoint: str, release: str, media_type: str) -> bytes:
    """The description in an RDF media type; `endpoint` is the address that was asked."""
    service = ox.NamedNode(endpoint)
    dataset = ox.NamedNode(endpoint + "#dataset")
    graph = ox.NamedNode(endpoint + "#default-graph")
    kind = ox.NamedNode(PREFIXES["rdf"] + "type")

    def sd(name: str) -> ox.NamedNode:
        return ox.NamedNode(SD + name)

    triples = [
        ox.Triple(service, kind, sd("Service")),
        ox.Triple(service, sd("endpoint"), service),
        ox.Triple(service, sd("supportedLanguage"), sd("SPARQL11Query")),
        ox.Triple(service, sd("defaultDataset"), dataset),
        ox.Triple(dataset, kind, sd("Dataset")),
        ox.Triple(dataset, sd("defaultGraph"), graph),
        ox.Triple(dataset, ox.NamedNode(PREFIXES["dcterms"] + "identifier"), ox.Literal(release)),
        ox.Triple(graph, kind, sd("Graph")),
    ]
    triples += [
        ox.Triple(service, sd("resultFormat"), ox.NamedNode(FORMATS + name)) for name in _RESULTS
    ]
    form = ox.RdfFormat.from_media_type(media_type)
    prefixes = {"sd": SD, "formats": FORMATS, "dcterms": PREFIXES["dcterms"]}
    return ox.serialize(triples, format=form, prefixes=prefixes) or b""

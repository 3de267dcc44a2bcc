"""`/.well-known/void`: what the served release holds, counted, in the VoID vocabulary."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import pyoxigraph as ox
from fastapi import APIRouter, Request
from starlette.responses import Response

from clusterloom.api.catalog import CATALOG, at_server
from clusterloom.api.gate import GraphInfo, graph_infos
from clusterloom.api.serving import Served, served_now
from clusterloom.api.triples import WRITERS, chosen_format, sent, written
from clusterloom.namespaces import BASE, ID, ONTOLOGY, PREFIXES, expand
from clusterloom.settings import Settings

LICENCE = "https://creativecommons.org/licenses/by/4.0/"
_HERE = BASE + ".well-known/void"
_XSD = PREFIXES["xsd"]
_EXAMPLES = ("ClusterOrganisation", "Region", "ThematicArea", "ValueChain", "Partnership")
_FORMATS = ("N-Triples", "Turtle", "RDF_XML", "JSON-LD", "N-Quads")


def void_router(settings: Settings) -> APIRouter:
    """The route of the description."""
    router = APIRouter(tags=["Dumps"])

    @router.get(
        "/.well-known/void",
        summary="The dataset in numbers (VoID)",
        description="Triples, things, classes and properties of the served release, its sources "
        "and rules as subsets, where it can be queried and downloaded, what it links to. What may "
        "not be redistributed is not counted.",
        response_class=Response,
        responses={200: {"description": "The description", "content": {t: {} for t in WRITERS}},
                   406: {"description": "No format fits the Accept header"}},
    )  # fmt: skip
    async def void(request: Request) -> Response:
        served = served_now()
        media_type = chosen_format(request)
        triples = await served.once(
            ("void", settings.public_url), lambda s: _description(s, settings.public_url)
        )
        used = {p: PREFIXES[p] for p in ("void", "dcterms", "foaf", "rdfs", "owl", "xsd")}
        body = written(triples, media_type, used)
        return sent(body, media_type, {"Link": f'<{BASE}release/{served.release.id}>; '
                                               'rel="describes"'})  # fmt: skip

    return router


async def _description(served: Served, public_url: str) -> list[ox.Triple]:
    infos = await graph_infos(served)
    return at_server(describe_release(served, infos), public_url)


def describe_release(served: Served, infos: Mapping[str, GraphInfo]) -> list[ox.Triple]:
    """The VoID description of a release from the counts in its report.

    A release built without counts is described with what its report has.
    """
    out = _Facts()
    report, counts = served.report, served.report.get("void", {})
    release = f"{BASE}release/{served.release.id}"
    out.link(_HERE, "rdf:type", expand("void:DatasetDescription"))
    out.text(_HERE, "dcterms:title", "Clusterloom in numbers", "en")
    out.link(_HERE, "foaf:primaryTopic", release)
    out.link(release, "rdf:type", expand("void:Dataset"))
    out.text(release, "dcterms:title", f"Clusterloom, release {served.release.id}", "en")
    out.link(release, "dcterms:license", LICENCE)
    out.link(release, "foaf:homepage", BASE)
    out.link(release, "dcterms:isPartOf", CATALOG)
    out.link(release, "void:sparqlEndpoint", BASE + "sparql")
    out.text(release, "void:uriSpace", ID)
    out.link(release, "void:rootResource", CATALOG)
    for name in _FORMATS:
        out.link(release, "void:feature", f"http://www.w3.org/ns/formats/{name}")
    _dumps(out, report, release, ("dump.nq.zst", "kind/"))
    out.count(release, "void:triples", counts.get("triples", report["triples"]))
    if counts:
        _counted(out, release, counts)
        _subsets(out, release, report, counts, infos)
        _linksets(out, release, counts)
    return out.triples


def _counted(out: _Facts, release: str, counts: Mapping[str, Any]) -> None:
    out.count(release, "void:entities", counts["entities"])
    out.count(release, "void:distinctSubjects", counts["subjects"])
    out.count(release, "void:properties", len(counts["properties"]))
    out.count(release, "void:classes", len(counts["classes"]))
    for name in _EXAMPLES:
        if example := counts["examples"].get(f"{ONTOLOGY}#{name}"):
            out.link(release, "void:exampleResource", example)
    for space in sorted({_space(iri) for iri in (*counts["properties"], *counts["classes"])}):
        out.link(release, "void:vocabulary", space)
    for number, (cls, entities) in enumerate(counts["classes"].items()):
        part = f"{_HERE}#class-{number}"
        out.link(release, "void:classPartition", part)
        out.link(part, "void:class", cls)
        out.count(part, "void:entities", entities)
    for number, (name, triples) in enumerate(counts["properties"].items()):
        part = f"{_HERE}#property-{number}"
        out.link(release, "void:propertyPartition", part)
        out.link(part, "void:property", name)
        out.count(part, "void:triples", triples)


def _subsets(
    out: _Facts,
    release: str,
    report: Mapping[str, Any],
    counts: Mapping[str, Any],
    infos: Mapping[str, GraphInfo],
) -> None:
    """Each source and rule as a subset, and within it each of its graphs."""
    of_dataset: dict[str, list[str]] = defaultdict(list)
    for graph in counts["graphs"]:
        if graph in infos and infos[graph].redistribute:
            of_dataset[infos[graph].dataset].append(graph)
    for dataset, graphs in sorted(of_dataset.items()):
        info = infos[graphs[0]]
        out.link(release, "void:subset", dataset)
        out.link(dataset, "rdf:type", expand("void:Dataset"))
        out.text(dataset, "dcterms:title", info.title, "en")
        out.link(dataset, "dcterms:license", info.licence)
        # a triple of two kinds counts once for each of them
        out.count(dataset, "void:triples", sum(counts["graphs"][g]["triples"] for g in graphs))
        name = dataset.rpartition("/")[2]
        _dumps(out, report, dataset, (f"turtle/{name}.ttl.gz", f"families/{name}.nq.gz"))
        for graph in sorted(graphs):
            held = counts["graphs"][graph]
            out.link(dataset, "void:subset", graph)
            out.link(graph, "rdf:type", expand("void:Dataset"))
            out.text(graph, "rdfs:label", f"{infos[graph].kind} statements", "en")
            out.count(graph, "void:triples", held["triples"])
            out.count(graph, "void:distinctSubjects", held["subjects"])
            out.count(graph, "void:properties", held["properties"])


def _linksets(out: _Facts, release: str, counts: Mapping[str, Any]) -> None:
    for number, found in enumerate(counts["links"]):
        linkset, target = f"{_HERE}#links-{number}", f"{_HERE}#target-{number}"
        out.link(release, "void:subset", linkset)
        out.link(linkset, "rdf:type", expand("void:Linkset"))
        out.link(linkset, "void:linkPredicate", found["property"])
        out.link(linkset, "void:subjectsTarget", release)
        out.link(linkset, "void:objectsTarget", target)
        out.count(linkset, "void:triples", found["triples"])
        out.link(target, "rdf:type", expand("void:Dataset"))
        out.text(target, "void:uriSpace", found["to"])


def _dumps(out: _Facts, report: Mapping[str, Any], dataset: str, wanted: tuple[str, ...]) -> None:
    for file in report.get("dumps", {}):
        if file.startswith(wanted):
            out.link(dataset, "void:dataDump", f"{BASE}dumps/{report['id']}/{file}")


def _space(iri: str) -> str:
    """The vocabulary of a term: its IRI up to the last `#` or `/`."""
    end = max(iri.rfind("#"), iri.rfind("/"))
    return ONTOLOGY if iri.startswith(f"{ONTOLOGY}#") else iri[: end + 1]


class _Facts:
    def __init__(self) -> None:
        self._held: dict[ox.Triple, None] = {}

    @property
    def triples(self) -> list[ox.Triple]:
        return list(self._held)

    def link(self, subject: str, name: str, target: str) -> None:
        if target:
            self._add(subject, name, ox.NamedNode(target))

    def text(self, subject: str, name: str, value: str, language: str = "") -> None:
        literal = ox.Literal(value, language=language) if language else ox.Literal(value)
        self._add(subject, name, literal)

    def count(self, subject: str, name: str, value: int) -> None:
        self._add(subject, name, ox.Literal(str(value), datatype=ox.NamedNode(_XSD + "integer")))

    def _add(self, subject: str, name: str, value: ox.NamedNode | ox.Literal) -> None:
        triple = ox.Triple(ox.NamedNode(subject), ox.NamedNode(expand(name)), value)
        self._held[triple] = None

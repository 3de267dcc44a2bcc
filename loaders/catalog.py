"""The DCAT catalogue of a release, made from the metadata files and the build report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyoxigraph as ox

from clusterloom import namespaces as ns
from clusterloom import terms
from clusterloom.loaders.metadata import Metadata
from clusterloom.loaders.node import Node
from clusterloom.loaders.provenance import OUR_LICENCE, dataset_iri


def write_catalog(path: Path, report: Mapping[str, Any], metadata: Mapping[str, Metadata]) -> None:
    """Writes `catalog.ttl`: the catalogue, a dataset for the release and one for each source,
    with a distribution for each dump that may be given away."""
    catalog = Node(ns.BASE + "catalog").link("rdf:type", ns.expand("dcat:Catalog"))
    catalog.text("dcterms:title", "Clusterloom", "en")
    catalog.text("dcterms:publisher", "Clusterloom contributors")
    catalog.link("dcterms:license", OUR_LICENCE)
    release = catalog.about(f"{ns.BASE}release/{report['id']}")
    release.link("rdf:type", ns.expand("dcat:Dataset"))
    release.text("dcterms:title", f"Clusterloom, release {report['id']}", "en")
    release.text("dcterms:identifier", report["id"])
    release.integer("void:triples", report["triples"])
    catalog.link("dcat:dataset", release.iri)
    _distribution(release, f"{report['id']}/dump.nq.zst", "application/n-quads")
    for name, source in metadata.items():
        dataset = catalog.about(dataset_iri(name)).link("rdf:type", ns.expand("dcat:Dataset"))
        dataset.text("dcterms:title", source.title, "en")
        dataset.text("dcterms:description", source.description, "en")
        dataset.text("dcterms:publisher", source.publisher)
        dataset.link("dcterms:license", source.licence)
        dataset.add("dcterms:modified", terms.day(source.retrieved.isoformat()))
        dataset.link("dcterms:isPartOf", release.iri)
        catalog.link("dcat:dataset", dataset.iri)
        if source.redistribute:
            _distribution(dataset, f"{report['id']}/turtle/{name}.ttl.gz", "text/turtle")
    lines = "".join(f"{s} {p} {o} .\n" for _, s, p, o in catalog)
    triples = (q.triple for q in ox.parse(lines, format=ox.RdfFormat.N_TRIPLES))
    prefixes = {p: iri for p, iri in ns.PREFIXES.items() if p in {"dcat", "dcterms", "void"}}
    with open(path, "wb") as out:
        ox.serialize(triples, out, ox.RdfFormat.TURTLE, prefixes=prefixes)


def _distribution(dataset: Node, file: str, media_type: str) -> None:
    iri = f"{ns.BASE}dumps/{file}"
    distribution = dataset.about(iri).link("rdf:type", ns.expand("dcat:Distribution"))
    distribution.link("dcat:downloadURL", iri).text("dcterms:format", media_type)
    dataset.link("dcat:distribution", iri)

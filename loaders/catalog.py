"""The DCAT-AP 3.0.1 catalogue of a release, made from the metadata files and the build report.

Everything is named by our permanent IRIs; a server puts its own addresses in when it sends the
catalogue. What is neither a thing nor a file has a name of the form `catalog#<name>`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyoxigraph as ox

from clusterloom import namespaces as ns
from clusterloom.loaders.metadata import Metadata
from clusterloom.loaders.provenance import OUR_LICENCE, dataset_iri

CATALOG = ns.BASE + "catalog"
_EU = "http://publications.europa.eu/resource/authority/"
_IANA = "https://www.iana.org/assignments/media-types/"
_PREFIXES = {p: ns.PREFIXES[p] for p in ("dcat", "dcterms", "foaf", "prov", "rdfs", "skos", "void")}
_PREFIXES |= {"spdx": "http://spdx.org/rdf/terms#", "xsd": ns.PREFIXES["xsd"]}
_SUMMARY = (
    "Cluster organisations, regions, smart-specialisation areas, value chains, partnerships and "
    "programmes of Europe as linked data, each statement with its source and with whether it was "
    "asserted, curated, derived or estimated."
)
_KEYWORDS = ("clusters", "smart specialisation", "value chains", "regions", "SMEs", "NACE")
_TYPES = {
    "nq": ("application/n-quads", "RDF_N_QUADS", "N-Quads"),
    "ttl": ("text/turtle", "RDF_TURTLE", "Turtle"),
}
_PACKED = {"zst": "application/zstd", "gz": "application/gzip"}


def write_catalog(path: Path, report: Mapping[str, Any], metadata: Mapping[str, Metadata]) -> None:
    """Writes `catalog.ttl`: the catalogue, its services, the dataset and this release of it, a
    dataset for each source, and a distribution for each dump that may be given away."""
    out = _Triples()
    _catalogue(out, report)
    _release(out, report)
    for name, source in metadata.items():
        _source(out, report, name, source)
    _services(out, report)
    with open(path, "wb") as file:
        ox.serialize(out.triples, file, ox.RdfFormat.TURTLE, prefixes=_PREFIXES)


def years(period: str) -> tuple[str, str]:
    """First and last year that a period in words names, blank where it names none.

    >>> years("as of the cited pages, 2009 to 2025"), years("2018, 2021 and 2024")
    (('2009', '2025'), ('2018', '2024'))
    >>> years("2008 onwards"), years("as published in December 2025")
    (('2008', ''), ('', ''))
    """
    if found := re.search(r"\b(\d{4}) to (\d{4})\b", period):
        return found[1], found[2]
    if re.fullmatch(r"\d{4}(, \d{4})*( and \d{4})?", period):
        named = re.findall(r"\d{4}", period)
        return min(named), max(named)
    found = re.fullmatch(r"(\d{4}) onwards", period)
    return (found[1], "") if found else ("", "")


def _catalogue(out: _Triples, report: Mapping[str, Any]) -> None:
    out.typed(CATALOG, "dcat:Catalog")
    _described(out, CATALOG, "Clusterloom", _SUMMARY)
    _ours(out, CATALOG)
    out.text(CATALOG, "dcterms:issued", report["built"], "dateTime")
    out.link(CATALOG, "foaf:homepage", ns.BASE, "foaf:Document")
    scheme = _EU + "data-theme"
    out.link(CATALOG, "dcat:themeTaxonomy", scheme, "skos:ConceptScheme")
    out.text(scheme, "dcterms:title", "Data theme", lang="en")


def _release(out: _Triples, report: Mapping[str, Any]) -> None:
    """The dataset for ever, and this release as a version of it."""
    whole, release = CATALOG + "#dataset", f"{ns.BASE}release/{report['id']}"
    for iri, title in ((whole, "Clusterloom"), (release, f"Clusterloom, release {report['id']}")):
        out.typed(iri, "dcat:Dataset")
        out.link(CATALOG, "dcat:dataset", iri)
        _described(out, iri, title, _SUMMARY)
        _ours(out, iri)
        for theme, label in (("ECON", "Economy and finance"), ("REGI", "Regions and cities")):
            out.link(iri, "dcat:theme", f"{_EU}data-theme/{theme}", "skos:Concept")
            out.text(f"{_EU}data-theme/{theme}", "skos:prefLabel", label, lang="en")
            out.link(f"{_EU}data-theme/{theme}", "skos:inScheme", _EU + "data-theme")
        out.link(iri, "dcterms:spatial", _EU + "continent/EUROPE", "dcterms:Location")
        out.link(iri, "dcat:landingPage", ns.BASE, "foaf:Document")
        for word in _KEYWORDS:
            out.text(iri, "dcat:keyword", word, lang="en")
    out.link(whole, "dcat:hasVersion", release)
    out.typed(release, "prov:Entity")
    out.text(release, "dcterms:identifier", report["id"])
    out.text(release, "dcat:version", report["id"])
    out.text(release, "dcterms:issued", report["built"], "dateTime")
    out.text(release, "void:triples", str(report["triples"]), "integer")
    if previous := report.get("previous"):
        before = f"{ns.BASE}release/{previous}"
        out.link(release, "prov:wasRevisionOf", before, "dcat:Dataset")
        out.link(release, "dcat:previousVersion", before, "prov:Entity")
        _described(out, before, f"Clusterloom, release {previous}", _SUMMARY)
    for file in report["dumps"]:
        if "/" not in file or file.startswith("kind/"):
            what = "all statements"
            if file.startswith("kind/"):
                what = f"{file.removeprefix('kind/').partition('.')[0]} statements"
            _distribution(out, release, report, file, what, OUR_LICENCE)


def _source(out: _Triples, report: Mapping[str, Any], name: str, source: Metadata) -> None:
    iri = dataset_iri(name)
    out.typed(iri, "dcat:Dataset")
    out.link(CATALOG, "dcat:dataset", iri)
    _described(out, iri, source.title, source.description)
    agent = f"{CATALOG}#publisher-{ns.short_hash(source.publisher)}"
    out.link(iri, "dcterms:publisher", agent, "foaf:Agent")
    out.text(agent, "foaf:name", source.publisher, lang="en")
    out.link(iri, "dcterms:license", source.licence, "dcterms:LicenseDocument")
    out.link(iri, "dcterms:language", _EU + "language/ENG", "dcterms:LinguisticSystem")
    out.text(iri, "dcterms:identifier", name)
    out.text(iri, "dcterms:modified", source.retrieved.isoformat(), "date")
    out.link(iri, "dcterms:isPartOf", f"{ns.BASE}release/{report['id']}")
    if source.homepage:
        out.link(iri, "foaf:page", source.homepage, "foaf:Document")
    first, last = years(source.period)
    if first:
        period = f"{CATALOG}#period-{name}"
        out.link(iri, "dcterms:temporal", period, "dcterms:PeriodOfTime")
        out.text(period, "rdfs:label", source.period, lang="en")
        out.text(period, "dcat:startDate", first, "gYear")
        if last:
            out.text(period, "dcat:endDate", last, "gYear")
    if not source.redistribute:
        rights = _EU + "access-right/NON_PUBLIC"
        out.link(iri, "dcterms:accessRights", rights, "dcterms:RightsStatement")
    for file in (f"turtle/{name}.ttl.gz", f"families/{name}.nq.gz"):
        if file in report["dumps"]:
            _distribution(out, iri, report, file, source.title, source.licence)


def _distribution(
    out: _Triples, dataset: str, report: Mapping[str, Any], file: str, what: str, licence: str
) -> None:
    folder = f"{ns.BASE}dumps/{report['id']}/"
    iri, entry = folder + file, report["dumps"][file]
    _, form, packed = file.rsplit(".", 2)
    media_type, file_type, words = _TYPES[form]
    out.link(dataset, "dcat:distribution", iri, "dcat:Distribution")
    out.text(iri, "dcterms:title", f"{what}, {words}", lang="en")
    out.link(iri, "dcat:accessURL", folder)
    out.link(iri, "dcat:downloadURL", iri)
    out.link(iri, "dcat:mediaType", _IANA + media_type, "dcterms:MediaType")
    out.link(iri, "dcat:compressFormat", _IANA + _PACKED[packed], "dcterms:MediaType")
    form_iri = f"{_EU}file-type/{file_type}"
    out.link(iri, "dcterms:format", form_iri, "dcterms:MediaTypeOrExtent")
    out.link(iri, "dcterms:license", licence, "dcterms:LicenseDocument")
    out.text(iri, "dcat:byteSize", str(entry["bytes"]), "nonNegativeInteger")
    checksum = iri + "#sha256"
    out.link(iri, "spdx:checksum", checksum, "spdx:Checksum")
    algorithm = _PREFIXES["spdx"] + "checksumAlgorithm_sha256"
    out.link(checksum, "spdx:algorithm", algorithm, "spdx:ChecksumAlgorithm")
    out.text(checksum, "spdx:checksumValue", entry["sha256"], "hexBinary")


def _services(out: _Triples, report: Mapping[str, Any]) -> None:
    release = f"{ns.BASE}release/{report['id']}"
    for name, title, endpoint, described, standard in (
        ("sparql", "SPARQL endpoint of Clusterloom", "sparql", "sparql",
         "https://www.w3.org/TR/sparql11-protocol/"),
        ("rest", "REST API of Clusterloom", "api/v1", "openapi.json",
         "https://spec.openapis.org/oas/v3.1.0"),
    ):  # fmt: skip
        iri = f"{CATALOG}#{name}"
        out.typed(iri, "dcat:DataService")
        out.link(CATALOG, "dcat:service", iri)
        out.text(iri, "dcterms:title", title, lang="en")
        out.link(iri, "dcat:endpointURL", ns.BASE + endpoint, "rdfs:Resource")
        out.link(iri, "dcat:endpointDescription", ns.BASE + described, "rdfs:Resource")
        out.link(iri, "dcterms:conformsTo", standard, "dcterms:Standard")
        out.link(iri, "dcat:servesDataset", release)
        out.link(iri, "dcat:servesDataset", CATALOG + "#dataset")
        _ours(out, iri, language=False)


def _described(out: _Triples, iri: str, title: str, description: str) -> None:
    out.text(iri, "dcterms:title", title, lang="en")
    out.text(iri, "dcterms:description", description, lang="en")


def _ours(out: _Triples, iri: str, language: bool = True) -> None:
    publisher = CATALOG + "#publisher"
    out.link(iri, "dcterms:publisher", publisher, "foaf:Agent")
    out.text(publisher, "foaf:name", "Clusterloom contributors", lang="en")
    out.link(iri, "dcterms:license", OUR_LICENCE, "dcterms:LicenseDocument")
    if language:
        out.link(iri, "dcterms:language", _EU + "language/ENG", "dcterms:LinguisticSystem")


class _Triples:
    """Triples in the order they are added, each once; a blank text adds none."""

    def __init__(self) -> None:
        self._held: dict[ox.Triple, None] = {}

    @property
    def triples(self) -> list[ox.Triple]:
        return list(self._held)

    def typed(self, subject: str, name: str) -> None:
        self._add(subject, ns.PREFIXES["rdf"] + "type", ox.NamedNode(_expand(name)))

    def link(self, subject: str, name: str, target: str, of_class: str = "") -> None:
        """A link, and with `of_class` the class of what it leads to, which shapes ask for."""
        self._add(subject, _expand(name), ox.NamedNode(target))
        if of_class:
            self.typed(target, of_class)

    def text(self, subject: str, name: str, value: str, of_type: str = "", lang: str = "") -> None:
        if not value:
            return
        if lang:
            literal = ox.Literal(value, language=lang)
        elif of_type:
            literal = ox.Literal(value, datatype=ox.NamedNode(_PREFIXES["xsd"] + of_type))
        else:
            literal = ox.Literal(value)
        self._add(subject, _expand(name), literal)

    def _add(self, subject: str, predicate: str, value: ox.NamedNode | ox.Literal) -> None:
        triple = ox.Triple(ox.NamedNode(subject), ox.NamedNode(predicate), value)
        self._held[triple] = None


def _expand(name: str) -> str:
    prefix, _, local = name.partition(":")
    return _PREFIXES[prefix] + local

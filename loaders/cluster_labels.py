"""Management and national labels of cluster organisations (`cluster_labels.csv`)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from clusterloom import namespaces as ns
from clusterloom.loaders.contract import Confidence, Reject, Required, Row, Skip, Source, Year
from clusterloom.loaders.node import Node
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.tabular import csv_of
from clusterloom.terms import Statement, day, iri

SCHEMES = ns.thing("scheme", "label-schemes")
READING = "Clusterloom, reading of the labels as the sources write them, November 2026"
GOLD_TOTAL = (
    "https://www.it-logistik-bayern.de/news-events/rueckblicke/detail/10/12/2019/"
    "meeting-of-50-gold-label-clusters (4 December 2019: 50 managers, about half of all)"
)
_UNTIL = re.compile(r"valid until (\d{4}-\d{2}-\d{2})")


class Scheme(NamedTuple):
    """A label scheme: its key and English name."""

    key: str
    label: str


ESCA = Scheme("esca", "Cluster management excellence label of ESCA (bronze, silver, gold)")
NATIONAL = {
    "Walloon competitiveness cluster (regional)": Scheme(
        "walloon-competitiveness-cluster", "Competitiveness cluster of Wallonia"
    ),
    "BMBF Spitzencluster (national)": Scheme(
        "spitzencluster", "Leading-edge cluster of Germany (Spitzencluster)"
    ),
    "DK national cluster (national)": Scheme(
        "danish-national-cluster", "National cluster, Denmark"
    ),
    "pôle de compétitivité (national)": Scheme(
        "pole-de-competitivite", "Competitiveness cluster of France (pôle de compétitivité)"
    ),
    "pôle de compétitivité, phase V 2023-2026 (national)": Scheme(
        "pole-de-competitivite", "Competitiveness cluster of France (pôle de compétitivité)"
    ),
    "Arena (national)": Scheme("norwegian-arena", "Arena cluster, Norway"),
    "NCE (national)": Scheme("norwegian-nce", "Norwegian Centre of Expertise (NCE)"),
    "GCE (national)": Scheme("norwegian-gce", "Global Centre of Expertise, Norway (GCE)"),
    "PL key national cluster (national)": Scheme(
        "polish-key-cluster", "Key national cluster, Poland"
    ),
    "PT competitiveness cluster (national)": Scheme(
        "portuguese-competitiveness-cluster", "Competitiveness cluster of Portugal"
    ),
}
"""The schemes other than ESCA by the words of the column `label`."""


class LabelRow(Row):
    """One label that a source says a cluster holds or held."""

    cluster: Required
    label: Required
    esca_level: str
    year: Year
    source: Required
    confidence: Confidence


def statements(row: LabelRow, reference: Reference) -> Iterable[Statement]:
    """A dated `ManagementLabel` with scheme, level, year and the words of the source."""
    if row.confidence == "low":
        raise Skip("confidence low")
    if row.esca_level not in {"", "bronze", "silver", "gold"}:
        raise Reject("esca_level", f"{row.esca_level!r}: bronze, silver, gold or blank expected")
    scheme = ESCA if row.esca_level else NATIONAL.get(row.label)
    if scheme is None:
        raise Reject("label", f"{row.label!r} is of no label scheme known here")
    holder = reference.cluster(row.cluster, "cluster")
    key = "-".join(filter(None, (ns.slug(row.cluster), ns.slug(row.label), row.year)))
    node = Node(ns.thing("label", key)).a("ManagementLabel")
    node.label(f"{row.cluster}: {row.label}" + (f", {row.year}" if row.year else ""))
    node.link("awardedTo", holder).link("labelScheme", ns.thing("label-scheme", scheme.key))
    node.text("level", row.esca_level).integer("year", row.year).text("sourceText", row.label)
    if found := _UNTIL.search(row.label):
        node.add("validUntil", day(found[1]))
    node.cite(row.source, row.confidence)
    node.about(holder).link("label", node.iri).cite(row.source)
    _scheme(node, scheme)
    if row.esca_level == "gold":
        _gold(node)
    return node


def _scheme(node: Node, scheme: Scheme) -> None:
    concept = node.other("curated").about(ns.thing("label-scheme", scheme.key)).a("LabelScheme")
    concept.label(scheme.label).text("skos:prefLabel", scheme.label, "en")
    concept.link("skos:inScheme", SCHEMES).cite(READING)
    top = concept.about(SCHEMES).label("Label schemes")
    top.add("rdf:type", iri(ns.expand("skos:ConceptScheme")))


def _gold(node: Node) -> None:
    """The gold labels as a list: how many there are; a rule counts how many are known here."""
    gold = node.other("curated").about(ns.thing("label-scheme", "esca-gold")).a("LabelScheme")
    gold.label("Gold label of ESCA").text("skos:prefLabel", "Gold label of ESCA", "en")
    gold.link("skos:inScheme", SCHEMES).link("skos:broader", ns.thing("label-scheme", ESCA.key))
    gold.cite(READING)
    node.about(gold.iri).link("awards", node.iri).cite(GOLD_TOTAL)
    coverage = node.about(ns.thing("coverage", "esca-gold-labels")).a("Coverage")
    coverage.label("Gold labels of ESCA held in this graph")
    coverage.link("ofSubject", gold.iri).link("ofProperty", ns.term("awards"))
    coverage.text("totalText", "about 100 cluster organisations had a gold label in December 2019")
    coverage.boolean("complete", "no").cite(GOLD_TOTAL)


SOURCE = Source("cluster-labels", LabelRow, csv_of(LabelRow), statements)

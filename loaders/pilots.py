"""The pilot regions in industrial transition (`pilot_regions_industrial_transition.csv`)."""

from __future__ import annotations

from collections.abc import Iterable

from clusterloom import namespaces as ns
from clusterloom.loaders.contract import (
    Confidence,
    Country,
    Number,
    PartialDate,
    Required,
    Row,
    Skip,
    Source,
)
from clusterloom.loaders.node import Node
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.tabular import csv_of
from clusterloom.terms import Statement

INITIATIVE = ns.thing("initiative", "regions-in-industrial-transition")
TOTAL = 12


class PilotRow(Row):
    """One region or Member State chosen for the pilot action."""

    name: Required
    country: Country
    kind: Required
    nuts_code: Required
    nuts_label: str
    nuts_level: str
    selected: PartialDate
    erdf_pilot_grant_eur: Number
    source: Required
    nuts_source: str
    confidence: Confidence


def statements(row: PilotRow, reference: Reference) -> Iterable[Statement]:
    """The region as a `cloom:PilotRegion` with day and grant, taking part in the initiative."""
    if row.confidence == "low":
        raise Skip("confidence low")
    region = Node(reference.region(row.nuts_code)).a("PilotRegion")
    if row.name != row.nuts_label:
        region.text("skos:altLabel", row.name, "en")
    region.when("pilotSelected", row.selected).money("pilotGrant", row.erdf_pilot_grant_eur)
    if row.kind != "region":
        region.text("note", f"takes part in the pilot action as a whole {row.kind}")
    region.cite(row.source, row.confidence)
    initiative = region.about(INITIATIVE).a("Initiative")
    initiative.label("Regions in industrial transition pilot action")
    initiative.link("participatingRegion", region.iri).cite(row.source)
    coverage = region.about(ns.thing("coverage", "pilot-regions")).a("Coverage")
    coverage.label("Regions of the pilot action on industrial transition: all known")
    coverage.link("ofSubject", INITIATIVE)
    coverage.link("ofProperty", ns.term("participatingRegion"))
    coverage.integer("total", TOTAL).boolean("complete", "yes").cite(row.source)
    return region


SOURCE = Source("pilot-regions", PilotRow, csv_of(PilotRow), statements)

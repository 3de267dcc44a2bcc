"""Cluster organisations of Europe (`clusters.csv`): names, places, identifiers, sector words."""

from __future__ import annotations

from collections.abc import Iterable

from clusterloom import namespaces as ns
from clusterloom.loaders.contract import (
    Confidence,
    Country,
    Digits,
    Number,
    Required,
    Row,
    Skip,
    Source,
    Web,
    parts,
)
from clusterloom.loaders.joint import look_up
from clusterloom.loaders.node import Node
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.tabular import csv_of
from clusterloom.terms import Statement

_CORDIS = "CORDIS organisation record"
_LEGAL_NAME = "legal name "
_CITY_POINT = "lat/lon are those of the city"
_GEONAMES = "City coordinates: GeoNames (CC BY 4.0)"

REGION_NAMES = {
    "Aragon": "ES24",
    "Auvergne-Rhône-Alpes": "FRK",
    "Baden-Württemberg": "DE1",
    "Basilicata": "ITF5",
    "Basque Country": "ES21",
    "Castilla y León": "ES41",
    "Castilla-La Mancha": "ES42",
    "Catalonia": "ES51",
    "Emilia-Romagna": "ITH5",
    "Flanders": "BE2",
    "La Rioja": "ES23",
    "Liguria": "ITC3",
    "Lombardy": "ITC4",
    "Murcia": "ES62",
    "North West England": "UKD",
    "Nouvelle-Aquitaine": "FRI",
    "Provence-Alpes-Côte d'Azur": "FRL",
    "Saxony": "DED",
    "Scotland": "UKM",
    "Southwest Finland": "FI1C1",
    "Veneto": "ITH3",
    "Wallonia": "BE3",
}
"""Names in rows without a NUTS 2 code that are those of one region of any level."""


class ClusterRow(Row):
    """One cluster organisation."""

    name: Required
    acronym: str
    country: Country
    city: str
    region: str
    nuts2_code: str
    sectors: str
    website: Web
    lat: Number
    lon: Number
    source: Required
    location_source: str
    location_confidence: Confidence
    confidence: Confidence
    note: str
    pic: Digits
    vat_number: str
    nuts3_code: str
    address_lat: Number
    address_lon: Number
    identity_source: str


def statements(row: ClusterRow, reference: Reference) -> Iterable[Statement]:
    """A `ClusterOrganisation`. What the source or CORDIS says of it is asserted; a region found
    by its name, the centre of its town and its sector words are ours: kind `curated`. One that
    CORDIS flags as an SME gets neither VAT number nor point, as no SME does.
    """
    if row.confidence == "low":
        raise Skip("confidence low")
    iri = reference.organisation(row.name, row.country, row.pic, row.vat_number)
    node = Node(iri).a("ClusterOrganisation").text("name", row.name).text("acronym", row.acronym)
    node.link("inCountry", reference.country(row.country)).text("city", row.city)
    node.link("website", row.website).text("pic", row.pic)
    node.text("note", "; ".join(n for n in parts(row.note) if not n.startswith(_CITY_POINT)))
    legal = row.identity_source.partition(_LEGAL_NAME)[2].removesuffix("(same website)").strip()
    node.text("fullName", legal)
    node.cite(row.source, row.confidence).cite(row.identity_source)
    ours = node.other("curated")
    node.link("locatedIn", reference.region(row.nuts3_code, "nuts3_code"))
    place = node if row.location_source == _CORDIS else ours
    code = row.nuts2_code or REGION_NAMES.get(row.region, "")
    place.link("locatedIn", reference.region(code, "nuts2_code"))
    place.text("regionText", row.region).text("locationSource", row.location_source)
    kinds = look_up(reference.folder, "horizon_participations.csv", "pic", "kind")
    if kinds.get(row.pic) != "sme":
        node.text("vatNumber", row.vat_number)
        _point(node, ours, row)
    for tag in parts(row.sectors):
        ours.link("sectorTag", ns.thing("sector", ns.slug(tag)))
    return ours.cite(row.source) if any(s.kind == "curated" for s in node) else node


def _point(node: Node, ours: Node, row: ClusterRow) -> None:
    """One point at most: the address where it is known (also from CORDIS, by the same PIC)."""
    if row.address_lat:
        node.decimal("latitude", row.address_lat).decimal("longitude", row.address_lon)
        node.text("coordinateBasis", "address")
    elif row.lat and "/org/pic-" not in node.iri:
        ours.decimal("latitude", row.lat).decimal("longitude", row.lon)
        ours.text("coordinateBasis", "city centre").cite(_GEONAMES)


SOURCE = Source("clusters", ClusterRow, csv_of(ClusterRow), statements)

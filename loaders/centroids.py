"""Centre points of regions and countries (`nuts_centroids.csv`)."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from clusterloom import namespaces as ns
from clusterloom import terms
from clusterloom.loaders.contract import Required, Row, Skip, Source, region_iri
from clusterloom.loaders.node import Node
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.tabular import csv_of
from clusterloom.terms import Statement

BASIS = "area centroid of the largest polygon of the place"
UNKNOWN = "code of no list of regions"
_WKT = "^^" + terms.iri(ns.expand("geo:wktLiteral"))


class CentroidRow(Row):
    """One place; level 0 is a country."""

    nuts_code: Required
    level: int = Field(ge=0, le=3)
    latitude: Annotated[Decimal, Field(ge=-90, le=90)]
    longitude: Annotated[Decimal, Field(ge=-180, le=180)]


def statements(row: CentroidRow, reference: Reference) -> Iterable[Statement]:
    """Latitude and longitude of the place, and the same point as a GeoSPARQL geometry."""
    if row.level == 0:
        iri = reference.country(row.nuts_code, "nuts_code")
    elif row.nuts_code in reference.nuts:
        iri = region_iri(row.nuts_code)
    else:
        raise Skip(UNKNOWN)
    place = Node(iri, "derived")
    place.decimal("latitude", row.latitude).decimal("longitude", row.longitude)
    place.text("coordinateBasis", BASIS)
    point = place.about(ns.thing("geometry", row.nuts_code))
    place.link("geo:hasCentroid", point.iri)
    point.link("rdf:type", ns.expand("geo:Geometry"))
    point.label(f"Centre of {row.nuts_code}")
    wkt = f"POINT({row.longitude} {row.latitude})"
    point.add("geo:asWKT", terms.text(wkt) + _WKT)
    return place


SOURCE = Source("nuts-centroids", CentroidRow, csv_of(CentroidRow), statements)

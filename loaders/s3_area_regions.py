"""Regions that lead the thematic areas or take part in them (`s3_area_regions.csv`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from clusterloom import namespaces as ns
from clusterloom.loaders.areas import AREA_SLUGS, area_iri, area_partnership_iri
from clusterloom.loaders.contract import (
    Confidence,
    Country,
    Digits,
    Reject,
    Required,
    Row,
    Skip,
    Source,
)
from clusterloom.loaders.node import Node
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.tabular import csv_of
from clusterloom.terms import Statement


class AreaRegionRow(Row):
    """One region in one area."""

    area_no: Digits
    role: Literal["lead", "co-lead", "participant"]
    region: Required
    country: Country
    nuts_code: Required
    nuts_label: str
    nuts_level: Digits
    note: str
    source: Required
    nuts_source: str
    confidence: Confidence


def statements(row: AreaRegionRow, reference: Reference) -> Iterable[Statement]:
    """A `Participation` with role, and the direct links of area and partnership to the region.

    Leading regions (leads and co-leads) are participating regions too.
    """
    if row.confidence == "low":
        raise Skip("confidence low")
    number = int(row.area_no or 0)
    if number not in AREA_SLUGS:
        raise Reject("area_no", f"{row.area_no!r} is no area; 1 to {max(AREA_SLUGS)} expected")
    region = reference.region(row.nuts_code)
    slug = AREA_SLUGS[number]
    key = f"s3-{slug}-{row.nuts_code}"
    node = Node(ns.thing("participation", key)).a("Participation")
    node.label(f"{row.region}, {row.role} in the S3 partnership {slug.replace('-', ' ')}")
    node.link("participant", region).link("inPartnership", area_partnership_iri(number))
    node.text("role", row.role).text("matchedName", row.region).text("note", row.note)
    node.cite(row.source, row.confidence)

    for subject in (area_iri(number), area_partnership_iri(number)):
        direct = node.about(subject).link("participatingRegion", region)
        if row.role != "participant":
            direct.link("leadRegion", region)
        direct.cite(row.source)
    node.about(area_partnership_iri(number)).link("participant", region)
    node.about(region).link("inPartnership", area_partnership_iri(number)).cite(row.source)
    return node


SOURCE = Source("s3-area-regions", AreaRegionRow, csv_of(AreaRegionRow), statements)

"""The 21 thematic areas and the partnership of regions in each (`s3_thematic_areas.csv`)."""

from __future__ import annotations

from collections.abc import Iterable

from clusterloom import namespaces as ns
from clusterloom.loaders.areas import AREA_SLUGS, area_partnership_iri
from clusterloom.loaders.concepts import Scheme, concept
from clusterloom.loaders.contract import (
    Confidence,
    Digits,
    Reject,
    Required,
    Row,
    Skip,
    Source,
    Year,
)
from clusterloom.loaders.platforms import platform_iri
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.tabular import csv_of
from clusterloom.terms import Statement

AREAS = Scheme("s3-areas", "S3 thematic areas for industrial modernisation", "ThematicArea", "area")
FULL_LISTS = frozenset({4, 7, 9, 10, 11, 13, 14, 16})
"""Areas of which `s3_area_regions.csv` names every region that the sources count."""


class AreaRow(Row):
    """One thematic area with what is known of its partnership."""

    area_no: Digits
    deck_label: Required
    official_name: Required
    acronym: str
    s3_platform: str
    start_year: Year
    start_year_note: str
    lead_regions: str
    n_regions_note: str
    n_regions: Digits
    source: Required
    confidence: Confidence


def statements(row: AreaRow, reference: Reference) -> Iterable[Statement]:
    """A `ThematicArea` (concept), an `S3Partnership` in it, and the `Coverage` of the regions of
    each; both the official name and the name on the Commission's slide stay searchable."""
    if row.confidence == "low":
        raise Skip("confidence low")
    number = int(row.area_no or 0)
    if number not in AREA_SLUGS:
        raise Reject("area_no", f"{row.area_no!r} is no area; 1 to {max(AREA_SLUGS)} expected")
    area = concept(AREAS, AREA_SLUGS[number], row.official_name, row.area_no)
    area.text("acronym", row.acronym)
    if row.deck_label != row.official_name:
        area.text("skos:altLabel", row.deck_label, "en")
    area.text("skos:altLabel", row.acronym)
    area.link("onPlatform", platform_iri("s3p-industry") if row.s3_platform else "")
    area.cite(row.source, row.confidence)

    partnership = area.about(area_partnership_iri(number)).a("S3Partnership")
    partnership.label(f"S3 partnership: {row.official_name}").text("acronym", row.acronym)
    partnership.link("inArea", area.iri).integer("startYear", row.start_year)
    partnership.text("startText", row.start_year_note).text("sourceText", row.n_regions_note)
    if row.lead_regions:
        partnership.text("note", f"Lead regions as named by the sources: {row.lead_regions}")
    partnership.link("onPlatform", platform_iri("s3p-industry") if row.s3_platform else "")
    partnership.cite(row.source, row.confidence)

    slug = AREA_SLUGS[number]
    for subject, key in ((partnership, f"s3-{slug}-regions"), (area, f"area-{slug}-regions")):
        coverage = subject.about(ns.thing("coverage", key)).a("Coverage")
        what = "partnership" if subject is partnership else "area"
        coverage.label(f"Known regions of the S3 {what} {row.official_name}")
        coverage.link("ofSubject", subject.iri)
        coverage.link("ofProperty", ns.term("participatingRegion"))
        coverage.integer("total", row.n_regions).text("totalText", row.n_regions_note)
        coverage.boolean("complete", "yes" if number in FULL_LISTS else "")
        coverage.cite(row.source, row.confidence)
    return area


SOURCE = Source("s3-areas", AreaRow, csv_of(AreaRow), statements)

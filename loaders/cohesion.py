"""Categories of regions under cohesion policy (`region_cohesion_category.csv`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from clusterloom import namespaces as ns
from clusterloom.loaders.contract import Confidence, Required, Row, Skip, Source
from clusterloom.loaders.node import Node
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.tabular import csv_of
from clusterloom.terms import Statement


class CohesionRow(Row):
    """One region in one programming period."""

    nuts_code: Required
    nuts_version: str
    category: Annotated[str, Field(pattern=r"^(less developed|transition|more developed)$")]
    period: Annotated[str, Field(pattern=r"^\d{4}-\d{4}$")]
    source: Required
    confidence: Confidence


def statements(row: CohesionRow, reference: Reference) -> Iterable[Statement]:
    """A `cloom:CohesionStatus` of the region, the category on the region itself, and coverage.

    A region has one category in a period: where it is stated, it is all there is.
    """
    if row.confidence == "low":
        raise Skip("confidence low")
    region = Node(reference.region(row.nuts_code))
    region.text("cohesionCategory", row.category).cite(row.source)
    start, _, end = row.period.partition("-")
    key = f"{row.nuts_code}-{row.period}"
    status = region.about(ns.thing("cohesion", key)).a("CohesionStatus")
    status.label(f"{row.nuts_code}, {row.period}: {row.category}")
    region.link("hasCohesionStatus", status.iri)
    status.link("ofRegion", region.iri).text("cohesionCategory", row.category)
    status.integer("startYear", start).integer("endYear", end).text("periodText", row.period)
    status.cite(row.source, row.confidence)
    coverage = region.about(ns.thing("coverage", f"cohesion-{key}")).a("Coverage")
    coverage.label(f"Cohesion category of {row.nuts_code} in {row.period}: known")
    coverage.link("ofSubject", region.iri)
    coverage.link("ofProperty", ns.term("hasCohesionStatus"))
    coverage.integer("total", 1).boolean("complete", "yes").cite(row.source)
    return region


SOURCE = Source("region-cohesion-category", CohesionRow, csv_of(CohesionRow), statements)

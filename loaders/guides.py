"""Guides and reports on clusters and regional policy (`guides.csv`)."""

from __future__ import annotations

from collections.abc import Iterable

from clusterloom import namespaces as ns
from clusterloom.loaders.contract import Confidence, Required, Row, Skip, Source, Web, Year
from clusterloom.loaders.node import Node
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.tabular import csv_of
from clusterloom.terms import Statement


class GuideRow(Row):
    """One document."""

    title: Required
    year: Year
    publisher: str
    url: Web
    source: Required
    confidence: Confidence


def statements(row: GuideRow, reference: Reference) -> Iterable[Statement]:
    """A `Guide` with title, year, publisher and address."""
    if row.confidence == "low":
        raise Skip("confidence low")
    guide = Node(ns.thing("guide", ns.slug(row.title))).a("Guide").label(row.title, "")
    guide.text("title", row.title).integer("year", row.year)
    guide.text("publisher", row.publisher).link("url", row.url)
    return guide.cite(row.source, row.confidence)


SOURCE = Source("guides", GuideRow, csv_of(GuideRow), statements)

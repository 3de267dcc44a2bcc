"""Published visits under an exchange scheme (`exchange_visits.csv`)."""

from __future__ import annotations

from collections.abc import Iterable

from clusterloom import namespaces as ns
from clusterloom.loaders.contract import Country, Digits, PartialDate, Required, Source, Year
from clusterloom.loaders.exchange_schemes import scheme_iri
from clusterloom.loaders.node import Node
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.researched import ResearchedRow, cite_researched
from clusterloom.loaders.tabular import csv_of
from clusterloom.terms import Statement


class ExchangeVisitRow(ResearchedRow):
    """One visit of which the source says who travelled and who was host."""

    key: Required
    scheme: Required
    label: Required
    visitor: Required
    visitor_country: Country
    visitor_pic: Digits
    host: Required
    host_country: Country
    host_pic: Digits
    start: PartialDate
    end: PartialDate
    as_of: Year
    note: str


def statements(row: ExchangeVisitRow, reference: Reference) -> Iterable[Statement]:
    """An `ExchangeVisit` from the visiting to the host organisation; kind `curated`."""
    node = Node(ns.thing("visit", row.key), "curated").a("ExchangeVisit").label(row.label, "")
    node.link("underScheme", scheme_iri(row.scheme))
    for link, name, country, pic in (
        ("visitFrom", row.visitor, row.visitor_country, row.visitor_pic),
        ("visitTo", row.host, row.host_country, row.host_pic),
    ):
        organisation = node.about(reference.organisation(name, country, pic))
        organisation.a("Organisation").text("name", name).text("pic", pic)
        organisation.link("inCountry", reference.country(country)).cite(row.source)
        node.link(link, organisation.iri)
    node.when("start", row.start).when("end", row.end).integer("asOf", row.as_of)
    node.text("note", row.note).text("sourceText", row.quoted)
    return cite_researched(node, row)


SOURCE = Source("exchange-visits", ExchangeVisitRow, csv_of(ExchangeVisitRow), statements)

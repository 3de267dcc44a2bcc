"""Schemes that pay for visits between clusters (`exchange_schemes.csv`)."""

from __future__ import annotations

from collections.abc import Iterable

from clusterloom import namespaces as ns
from clusterloom.loaders.contract import Digits, Reject, Required, Source, Web, Year
from clusterloom.loaders.funding import PROGRAMME_KEYS, programme_iri
from clusterloom.loaders.node import Node
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.researched import ResearchedRow, cite_researched
from clusterloom.loaders.tabular import csv_of
from clusterloom.terms import Statement


class ExchangeSchemeRow(ResearchedRow):
    """One scheme."""

    key: Required
    label: Required
    programme: str
    start_year: Year
    lump_sum_max_eur: Digits
    responsible_body: str
    definition: str
    note: str
    page: Web


def statements(row: ExchangeSchemeRow, reference: Reference) -> Iterable[Statement]:
    """An `ExchangeScheme` with its programme and greatest lump sum; kind `curated`."""
    if row.programme and row.programme not in PROGRAMME_KEYS:
        known = ", ".join(sorted(PROGRAMME_KEYS))
        raise Reject("programme", f"{row.programme!r} is none of {known}")
    node = Node(scheme_iri(row.key), "curated").a("ExchangeScheme").label(row.label, "")
    node.link("underProgramme", programme_iri(row.programme))
    node.link("fundedBy", programme_iri(row.programme))
    node.integer("startYear", row.start_year).decimal("lumpSumMaxEur", row.lump_sum_max_eur)
    node.text("responsibleBody", row.responsible_body)
    node.text("skos:definition", row.definition, "en").text("note", row.note)
    node.text("sourceText", row.quoted).link("foaf:page", row.page)
    return cite_researched(node, row)


def scheme_iri(key: str) -> str:
    """IRI of an exchange scheme by its key in the table."""
    return ns.thing("exchange-scheme", key)


SOURCE = Source("exchange-schemes", ExchangeSchemeRow, csv_of(ExchangeSchemeRow), statements)

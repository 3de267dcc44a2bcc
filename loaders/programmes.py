"""The spending programmes that calls, projects and partnerships belong to (`programmes.csv`)."""

from __future__ import annotations

from collections.abc import Iterable

from clusterloom import namespaces as ns
from clusterloom.loaders.contract import Required, Source, Year
from clusterloom.loaders.node import Node
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.researched import ResearchedRow, cite_researched
from clusterloom.loaders.tabular import csv_of
from clusterloom.terms import Statement


class ProgrammeRow(ResearchedRow):
    """One programme with its period."""

    key: Required
    label: Required
    acronym: str
    full_name: str
    start_year: Year
    end_year: Year


def statements(row: ProgrammeRow, reference: Reference) -> Iterable[Statement]:
    """A `Programme` with its full name and the years it runs; kind `curated`."""
    node = Node(ns.thing("programme", row.key), "curated").a("Programme").label(row.label, "")
    node.text("acronym", row.acronym).text("fullName", row.full_name)
    node.integer("startYear", row.start_year).integer("endYear", row.end_year)
    node.text("sourceText", row.quoted)
    return cite_researched(node, row)


SOURCE = Source("programmes", ProgrammeRow, csv_of(ProgrammeRow), statements)

"""Platforms for the cluster community and the tools they offer (`platform_tools.csv`)."""

from __future__ import annotations

from collections.abc import Iterable

from clusterloom import namespaces as ns
from clusterloom.loaders.contract import Required, Source, Web, Year
from clusterloom.loaders.node import Node
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.researched import ResearchedRow, cite_researched
from clusterloom.loaders.tabular import csv_of
from clusterloom.terms import Statement


class PlatformRow(ResearchedRow):
    """One platform, or one tool of a platform."""

    platform: Required
    tool: str
    label: Required
    acronym: str
    definition: str
    responsible_body: str
    start_year: Year
    url: Web


def platform_iri(key: str) -> str:
    """IRI of a platform by its key in the table: `eccp`, `s3-platform`, `s3p-industry`."""
    return ns.thing("platform", key)


def statements(row: PlatformRow, reference: Reference) -> Iterable[Statement]:
    """A `Platform`, or a `PlatformTool` linked both ways with its platform; kind `curated`."""
    platform = Node(platform_iri(row.platform), "curated")
    if row.tool:
        node = platform.about(ns.thing("tool", f"{row.platform}-{row.tool}")).a("PlatformTool")
        node.link("offeredBy", platform.iri)
        platform.link("hasTool", node.iri).cite(row.source)
    else:
        node = platform.a("Platform").text("responsibleBody", row.responsible_body)
        node.link("website", row.url)
    node.label(row.label, "").text("acronym", row.acronym).link("url", row.url)
    node.text("skos:definition", row.definition, "en").text("sourceText", row.quoted)
    node.integer("startYear", row.start_year)
    cite_researched(node, row)
    return node


SOURCE = Source("platform-tools", PlatformRow, csv_of(PlatformRow), statements)

"""What the tables researched by this project share: who says so, when, in which words, and
whether the text itself was seen."""

from __future__ import annotations

from clusterloom import namespaces as ns
from clusterloom.loaders.contract import Read, Required, Row
from clusterloom.loaders.node import Node


class ResearchedRow(Row):
    """The four columns that every table of ours has about its source."""

    source: Required
    source_date: str
    quoted: str
    read: Read


def cite_researched(node: Node, row: ResearchedRow) -> Node:
    """Cites the source of the row; date and whether it was read are said of the source itself."""
    node.cite(row.source)
    citation = node.about(ns.thing("source", ns.short_hash(row.source, 10)))
    citation.text("sourceDate", row.source_date)
    citation.boolean("wasRead", "yes" if row.read == "yes" else "no")
    return node

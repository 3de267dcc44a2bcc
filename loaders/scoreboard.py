"""The make-up of the Regional Ecosystem Scoreboard (`scoreboard_structure.csv`)."""

from __future__ import annotations

from collections.abc import Iterable

from clusterloom import namespaces as ns
from clusterloom.loaders.contract import Confidence, Required, Row, Skip, Source
from clusterloom.loaders.node import Node
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.tabular import csv_of
from clusterloom.terms import Statement

_UNCONFIRMED = (
    "Named in the description of the dimension; not confirmed as an official sub-dimension."
)


class ScoreboardRow(Row):
    """One dimension, or one element named in the description of a dimension."""

    dimension: Required
    sub_dimension: str
    source: Required
    confidence: Confidence


def statements(row: ScoreboardRow, reference: Reference) -> Iterable[Statement]:
    """A `ScoreboardDimension` with a `Coverage` saying that no value of it is at hand, or an
    element of a dimension, marked as not confirmed unless the source confirms it."""
    if row.confidence == "low":
        raise Skip("confidence low")
    dimension = ns.thing("scoreboard-dimension", ns.slug(row.dimension))
    if row.sub_dimension:
        key = f"{ns.slug(row.dimension)}-{ns.slug(row.sub_dimension)}"
        element = Node(ns.thing("scoreboard-dimension", key)).a("ScoreboardDimension")
        element.label(row.sub_dimension).link("inDimension", dimension)
        element.text("note", "" if row.confidence == "high" else _UNCONFIRMED)
        return element.cite(row.source, row.confidence)
    node = Node(dimension).a("ScoreboardDimension").label(row.dimension)
    node.cite(row.source, row.confidence)
    coverage = node.about(ns.thing("coverage", f"scoreboard-{ns.slug(row.dimension)}-values"))
    coverage.a("Coverage").label(f"Known values of regions for {row.dimension}")
    coverage.link("ofSubject", dimension).link("ofProperty", ns.term("value"))
    coverage.boolean("complete", "no")
    coverage.text("totalText", "The scoreboard gives scores of regions; none is at hand here.")
    coverage.cite(row.source)
    return node


SOURCE = Source("scoreboard-structure", ScoreboardRow, csv_of(ScoreboardRow), statements)

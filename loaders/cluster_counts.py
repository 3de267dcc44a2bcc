"""How many members or firms cluster organisations say they have (`cluster_counts.csv`)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from clusterloom import namespaces as ns
from clusterloom.loaders.contract import Confidence, PartialDate, Required, Row, Skip, Source
from clusterloom.loaders.node import Node
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.tabular import csv_of
from clusterloom.terms import Statement, day, year

_OTHER_TABLE = "lat/lon are those of the city"


class CountRow(Row):
    """One figure of one source."""

    cluster: Required
    what: Required
    count_text: Required
    as_of: PartialDate
    note: str
    source: Required
    confidence: Confidence


def statements(row: CountRow, reference: Reference) -> Iterable[Statement]:
    """A `CountStatement`: the words of the source, and the value where it states one.

    `more than 600`, `about 350` and `90+` bound or round a number: they give no value.
    """
    if row.confidence == "low":
        raise Skip("confidence low")
    whose = reference.cluster(row.cluster, "cluster")
    note = "" if row.note.startswith(_OTHER_TABLE) else row.note
    words = bound(row.count_text, note)
    mark = ns.short_hash(row.count_text + row.as_of + row.source)
    key = f"{ns.slug(row.cluster)}-{ns.slug(row.what)}-{mark}"
    node = Node(ns.thing("count", key)).a("CountStatement")
    when = f", {row.as_of}" if row.as_of else ""
    node.label(f"{row.cluster}: {words or row.count_text} {row.what}{when}")
    node.link("countedAt", whose).text("countOf", row.what)
    node.text("sourceText", words or row.count_text).text("note", note)
    if not words and row.count_text.isdecimal():
        node.decimal("value", row.count_text)
    if row.as_of:
        node.add("asOf", day(row.as_of) if len(row.as_of) == 10 else year(row.as_of[:4]))
        node.text("asOfText", row.as_of if len(row.as_of) == 7 else "")
    node.cite(row.source, row.confidence)
    node.about(whose).link("hasCount", node.iri).cite(row.source)
    return node


def bound(figure: str, note: str) -> str:
    """The words of a note that make a bound or a round number of this figure, or blank.

    >>> bound("600", '"more than 600 members"')
    'more than 600'
    >>> bound("220", "date not in the copy; more than 170 members in February 2009")
    ''
    """
    number = re.escape(figure)
    found = re.search(rf"\b(?:more than|about|around) {number}\b|\b{number}\+", note)
    return found[0] if found else ""


SOURCE = Source("cluster-counts", CountRow, csv_of(CountRow), statements)

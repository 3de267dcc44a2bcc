"""Priorities that regions declare in their strategies (`region_priorities.csv`)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from clusterloom import namespaces as ns
from clusterloom.loaders.contract import Confidence, Country, Required, Row, Skip, Source
from clusterloom.loaders.node import Node
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.tabular import csv_of
from clusterloom.loaders.vintages import regions
from clusterloom.terms import Statement

_PERIOD = re.compile(r"(?:(?P<start>\d{4})-|from (?P<since>\d{4})$|to )(?P<end>\d{4})?")


class PriorityRow(Row):
    """One priority in the words and the language of its source."""

    nuts_code: Required
    region: Required
    country: Country
    priority: Required
    period: str
    source: Required
    confidence: Confidence


def years(period: str) -> tuple[str, str]:
    """First and last year of a period of a known form, blank where it names none.

    >>> years("2021-2027"), years("from 2019"), years("to 2030"), years("updated March 2023")
    (('2021', '2027'), ('2019', ''), ('', '2030'), ('', ''))
    """
    found = _PERIOD.fullmatch(period)
    if not found:
        return "", ""
    return found["start"] or found["since"] or "", found["end"] or ""


def statements(row: PriorityRow, reference: Reference) -> Iterable[Statement]:
    """A `cloom:DeclaredPriority` of the region; how many others it declares is not known."""
    if row.confidence == "low":
        raise Skip("confidence low")
    region = Node(reference.region(row.nuts_code))
    words = (row.nuts_code.lower(), ns.slug(row.priority), ns.slug(row.period))
    key = "-".join(word for word in words if word)
    priority = region.about(ns.thing("priority", key)).a("DeclaredPriority")
    priority.label(row.priority, "")
    priority.link("declaredBy", region.iri)
    start, end = years(row.period)
    priority.integer("startYear", start).integer("endYear", end)
    priority.text("periodText", row.period).cite(row.source, row.confidence)
    region.link("declares", priority.iri).cite(row.source)
    name = row.region.partition(" (")[0]
    if row.nuts_code not in regions() or name != regions()[row.nuts_code].label:
        region.text("skos:altLabel", name)
    coverage = region.about(ns.thing("coverage", f"priorities-{row.nuts_code}")).a("Coverage")
    coverage.label(f"Declared priorities of {row.nuts_code}: as listed by the sources read")
    coverage.link("ofSubject", region.iri).link("ofProperty", ns.term("declares"))
    coverage.text("totalText", "priorities listed by the sources read; the total is not stated")
    coverage.cite(row.source)
    return region


SOURCE = Source("region-priorities", PriorityRow, csv_of(PriorityRow), statements)

"""Matchmaking events, conferences and low carbon business actions (`events.csv`)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from clusterloom import namespaces as ns
from clusterloom.loaders.contract import (
    Confidence,
    PartialDate,
    Required,
    Row,
    Skip,
    Source,
    parts,
)
from clusterloom.loaders.node import Node
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.tabular import csv_of
from clusterloom.terms import Statement

ONLINE = "virtual"
"""What the column `city` says of an event without a place."""
AS_OF = 2019
"""The year to which the column `status_2019` refers (slides of 4 December 2019)."""

_CLASSES = (
    ("low carbon business action", "BusinessAction"),
    ("matchmaking", "MatchmakingEvent"),
    ("conference", "Conference"),
)
_STATUS = re.compile(r"\b(planned|possibly|held|cancelled)\b")


class EventRow(Row):
    """One event, or one business action that is a series of them."""

    event: Required
    start: PartialDate
    end: PartialDate
    city: str
    country: str
    third_country: str
    status_2019: str
    participants: str
    meetings: str
    source: Required
    confidence: Confidence


def statements(row: EventRow, reference: Reference) -> Iterable[Statement]:
    """An `Event` with a dated `EventStatus` for each thing said of it, or a `BusinessAction`."""
    if row.confidence == "low":
        raise Skip("confidence low")
    name = row.event.lower()
    kind = next((c for words, c in _CLASSES if words in name), "Event")
    action = kind == "BusinessAction"
    key = ns.slug(row.event)
    node = Node(ns.thing("initiative" if action else "event", key)).a(kind).label(row.event, "")
    node.when("start", row.start).when("end", row.end)
    if row.city == ONLINE:
        node.text("note", "held online")
    else:
        node.text("city", row.city)
    for code in [] if action else parts(row.country):
        node.link("inCountry", reference.country(code))
    for name in parts(row.third_country):
        place = _third_country(node, name, reference)
        place.cite(row.source)
        node.link("thirdCountry", place.iri).link("targetCountry", place.iri if action else "")
    node.text("participantsText", row.participants).figure("meetings", row.meetings)
    node.cite(row.source, row.confidence)
    if action:
        # an initiative takes no event status: its cell holds results, or that it was planned
        if row.status_2019 == "planned":
            node.text("note", f"Planned as of {AS_OF}")
        else:
            node.text("outcome", row.status_2019)
    else:
        _add_statuses(node, key, row)
    return node


def _third_country(node: Node, name: str, reference: Reference) -> Node:
    if iri := reference.country_by_name(name):
        return node.about(iri).a("ThirdCountry")
    group = node.about(ns.thing("third-country", ns.slug(name)))
    return group.a("RegionGroup").label(name, "")


def _add_statuses(event: Node, key: str, row: EventRow) -> None:
    said = [(found[1], text) for text in parts(row.status_2019) if (found := _STATUS.search(text))]
    for word, text in said:
        status = "planned" if word == "possibly" else word
        node = _status(event, key, status, row).text("statusText", text)
        if status == "cancelled":
            # no source dates the cancellation; it was before the day for which it was planned
            guess = node.other("estimated").integer("asOf", row.start[:4])
            guess.cite(row.source)
        else:
            node.integer("asOf", AS_OF)
    if not said and (row.participants or row.meetings):
        # who came and how often they met is told only of what took place
        _status(event.other("derived"), key, "held", row).integer("asOf", row.end[:4])


def _status(event: Node, key: str, status: str, row: EventRow) -> Node:
    node = event.about(ns.thing("status", f"{key}-{status}")).a("EventStatus")
    node.label(f"{row.event}: {status}").link("ofEvent", event.iri).text("status", status)
    event.link("hasStatus", node.iri)
    if event.kind != "asserted":
        event.cite(row.source)
    return node.cite(row.source, row.confidence)


SOURCE = Source("events", EventRow, csv_of(EventRow), statements)

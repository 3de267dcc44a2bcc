"""Calls for proposals with stages, budget and outcome (`calls.csv`)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from clusterloom import namespaces as ns
from clusterloom.loaders.contract import (
    Confidence,
    Day,
    PartialDate,
    Reject,
    Required,
    Row,
    Skip,
    Source,
)
from clusterloom.loaders.funding import PROGRAMME_KEYS, call_iri, call_key, programme_iri
from clusterloom.loaders.node import Node
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.tabular import csv_of
from clusterloom.terms import Statement, day

_RANGE = re.compile(r"(\d+)(?:-(\d+))?")
_AT_MOST = re.compile(r"(\d+) max")


class CallRow(Row):
    """One call; a round of a call that was opened several times is a call of its own."""

    identifier: Required
    title: Required
    programme: str
    published: PartialDate
    opens: Day
    deadline_stage1: Day
    deadline_stage2: Day
    budget_eur: str
    per_project_eur: str
    expected_projects: str
    outcome: str
    source: Required
    confidence: Confidence


def statements(row: CallRow, reference: Reference) -> Iterable[Statement]:
    """A `Call` with a `CallStage` per deadline; whether it is open follows from the dates.

    The `deadline` of the call itself is that of its first stage: the last day on which a
    proposal that is not in yet can be handed in. Bounds and ranges are values only where the
    cell is nothing but numbers; words stay text.
    """
    if row.confidence == "low":
        raise Skip("confidence low")
    if row.programme and row.programme not in PROGRAMME_KEYS:
        known = ", ".join(sorted(PROGRAMME_KEYS))
        raise Reject("programme", f"{row.programme!r} is none of {known}")
    call = Node(call_iri(row.identifier)).a("Call").label(f"{row.title} ({row.identifier})")
    call.text("identifier", row.identifier).text("title", row.title)
    call.link("underProgramme", programme_iri(row.programme))
    call.link("fundedBy", programme_iri(row.programme))
    if row.published:
        call.integer("year", row.published[:4])
    for term, value in (
        ("published", row.published if len(row.published) == 10 else ""),
        ("opens", row.opens),
        ("deadline", row.deadline_stage1),
    ):
        if value:
            call.add(term, day(value))
    call.money("budget", row.budget_eur).text("outcome", row.outcome)
    _bounds(call, "perProject", "Eur", row.per_project_eur)
    call.text("perProjectText", row.per_project_eur)
    _bounds(call, "expectedProjects", "", row.expected_projects)
    call.text("expectedProjects", row.expected_projects)
    for position, deadline in enumerate((row.deadline_stage1, row.deadline_stage2), 1):
        if deadline:
            stage = call.about(ns.thing("call-stage", f"{call_key(row.identifier)}-{position}"))
            stage.a("CallStage").label(f"Stage {position} of {row.identifier}")
            stage.link("ofCall", call.iri).integer("position", position)
            stage.add("deadline", day(deadline)).cite(row.source, row.confidence)
    return call.cite(row.source, row.confidence)


def _bounds(node: Node, name: str, unit: str, cell: str) -> None:
    """`<name>Min<unit>` and `<name>Max<unit>` of `n`, `n-m` (in euro also `n max`)."""
    if found := _RANGE.fullmatch(cell):
        low, high = found[1], found[2] or found[1]
    elif unit and (found := _AT_MOST.fullmatch(cell)):
        low, high = "", found[1]
    else:
        return
    for end, value in (("Min", low), ("Max", high)):
        if unit:
            node.decimal(f"{name}{end}{unit}", value)
        else:
            node.integer(f"{name}{end}", value)


SOURCE = Source("calls", CallRow, csv_of(CallRow), statements)

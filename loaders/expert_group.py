"""The Commission's expert groups on clusters, tasks and working groups (`expert_group.csv`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from clusterloom import namespaces as ns
from clusterloom.loaders.contract import Digits, PartialDate, Reject, Required, Source
from clusterloom.loaders.node import Node
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.researched import ResearchedRow, cite_researched
from clusterloom.loaders.tabular import csv_of
from clusterloom.terms import Statement


class ExpertGroupRow(ResearchedRow):
    """A group, or a task or a working group of the group named in `group`."""

    key: Required
    type: Literal["group", "task", "working-group"]
    group: str
    label: Required
    alt_label: str
    position: Digits
    start_date: PartialDate
    responsible_body: str
    note: str


def statements(row: ExpertGroupRow, reference: Reference) -> Iterable[Statement]:
    """An `ExpertGroup`, `ExpertGroupTask` or `WorkingGroup`, linked both ways; kind `curated`."""
    if (row.type == "group" and row.group) or (row.type == "task" and not row.group):
        raise Reject("group", "stated for a task, may be stated for a working group, else blank")
    group = ns.thing("expert-group", row.group) if row.group else ""
    if row.type == "group":
        node = Node(ns.thing("expert-group", row.key), "curated").a("ExpertGroup")
        _group_coverage(node, row)
    elif row.type == "task":
        node = Node(ns.thing("task", row.key), "curated").a("ExpertGroupTask")
        node.integer("position", row.position).link("taskOf", group)
    else:
        node = Node(ns.thing("working-group", row.key), "curated").a("WorkingGroup")
        node.link("workingGroupOf", group)
    if group:
        link = "hasTask" if row.type == "task" else "hasWorkingGroup"
        node.about(group).link(link, node.iri).cite(row.source)
    node.label(row.label).text("skos:altLabel", row.alt_label, "en")
    node.when("start", row.start_date).text("responsibleBody", row.responsible_body)
    node.text("note", row.note).text("sourceText", row.quoted)
    return cite_researched(node, row)


def _group_coverage(group: Node, row: ExpertGroupRow) -> None:
    for name, what in (("hasTask", "tasks"), ("hasWorkingGroup", "working groups")):
        coverage = group.about(ns.thing("coverage", f"{row.key}-{what.replace(' ', '-')}"))
        coverage.a("Coverage").label(f"Known {what} of the {row.label}")
        coverage.link("ofSubject", group.iri).link("ofProperty", ns.term(name))
        coverage.text("totalText", f"No list of the {what} was found, only pages that name some.")
        coverage.cite(row.source)


SOURCE = Source("expert-group", ExpertGroupRow, csv_of(ExpertGroupRow), statements)

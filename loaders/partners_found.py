"""Partners of partnerships and INNOSUP-1 projects that were found later (`partners_found.csv`)."""

from __future__ import annotations

from collections.abc import Iterable

from clusterloom import namespaces as ns
from clusterloom.loaders.contract import Country, Reject, Required, Skip, Source
from clusterloom.loaders.escp_partnerships import partnership_iri, partnership_key
from clusterloom.loaders.innosup_projects import key_of
from clusterloom.loaders.joint import look_up, organisation, take_part
from clusterloom.loaders.node import Node
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.researched import ResearchedRow, cite_researched
from clusterloom.loaders.tabular import csv_of
from clusterloom.terms import Statement


class FoundRow(ResearchedRow):
    """One partner of one partnership or one project; exactly one of the two is named."""

    partnership: str
    project: str
    member: Required
    cluster_name: str
    country: Country
    role: str


def statements(row: FoundRow, reference: Reference) -> Iterable[Statement]:
    """A `Participation` and the direct links, as for the members and partners known before."""
    if row.read != "yes":
        raise Skip("source not read")
    if bool(row.partnership) == bool(row.project):
        raise Reject("partnership", "name either a partnership or a project")
    if row.project:
        key = key_of(row.project, reference)
        node = Node(ns.thing("project", key))
        project = node.iri
    else:
        known = look_up(reference.folder, "escp_partnerships.csv", "acronym", "name")
        if row.partnership not in known:
            raise Reject("partnership", f"no {row.partnership!r} in escp_partnerships.csv")
        key, project = partnership_key(row.partnership), ""
        node = Node(partnership_iri(row.partnership))
    if row.cluster_name:
        who = reference.cluster(row.cluster_name, "cluster_name")
    else:
        who = reference.organisation(row.member, row.country)
        body = organisation(node, who, row.member)
        body.link("inCountry", reference.country(row.country))
    joint = row.partnership or row.project
    part = take_part(
        node,
        f"{key}-{ns.slug(row.member)}",
        f"{row.member} in {joint}",
        who,
        row.role,
        project=project,
        partnership=node.iri,
    )
    part.text("matchedName", row.member if row.cluster_name not in {"", row.member} else "")
    part.text("sourceText", row.quoted)
    for subject in dict.fromkeys((part.iri, node.iri, who)):
        cite_researched(node.about(subject), row)
    return node


SOURCE = Source("partners-found", FoundRow, csv_of(FoundRow), statements)

"""Who takes part in INNOSUP-1 projects (`innosup_partners.csv`)."""

from __future__ import annotations

from collections.abc import Iterable

from clusterloom import namespaces as ns
from clusterloom.loaders.contract import Confidence, Country, Required, Row, Skip, Source, YesNo
from clusterloom.loaders.innosup_projects import key_of
from clusterloom.loaders.joint import cite_all, organisation, take_part
from clusterloom.loaders.node import Node
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.tabular import csv_of
from clusterloom.terms import Statement


class PartnerRow(Row):
    """One partner of a project as a source names it."""

    project: Required
    organisation: Required
    cluster_name: str
    country: Country
    role: str
    is_cluster_org: YesNo
    source: Required
    confidence: Confidence


def statements(row: PartnerRow, reference: Reference) -> Iterable[Statement]:
    """A `Participation` and the direct links. A partner that is no row of `clusters.csv` is an
    organisation of its own; `is_cluster_org` types it."""
    if row.confidence == "low":
        raise Skip("confidence low")
    key = key_of(row.project, reference)
    node = Node(ns.thing("project", key))
    if row.cluster_name:
        who = reference.cluster(row.cluster_name, "cluster_name")
    else:
        who = reference.organisation(row.organisation, row.country)
        body = organisation(node, who, row.organisation)
        body.link("inCountry", reference.country(row.country))
    if row.is_cluster_org == "yes":
        node.about(who).a("ClusterOrganisation")
    part = take_part(
        node,
        f"{key}-{ns.slug(row.organisation)}",
        f"{row.organisation} in {row.project}",
        who,
        row.role,
        project=node.iri,
        partnership=node.iri,
    )
    part.text(
        "matchedName", row.organisation if row.cluster_name not in {"", row.organisation} else ""
    )
    part.text("confidence", row.confidence)
    return cite_all(node, row.source)


SOURCE = Source("innosup-partners", PartnerRow, csv_of(PartnerRow), statements)

"""Who takes part in the partnerships of `escp_partnerships.csv` (`escp_members.csv`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from clusterloom import namespaces as ns
from clusterloom.loaders.contract import Confidence, Reject, Required, Row, Skip, Source
from clusterloom.loaders.escp_partnerships import partnership_iri, partnership_key
from clusterloom.loaders.joint import cite_all, look_up, organisation, take_part
from clusterloom.loaders.node import Node
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.tabular import csv_of
from clusterloom.terms import Statement


class MemberRow(Row):
    """One member of a partnership as a source names it."""

    partnership: Required
    member: Required
    cluster_name: str
    role: Literal["", "coordinator"]
    kind: Literal["asserted", "estimated"]
    source: Required
    confidence: Confidence


def statements(row: MemberRow, reference: Reference) -> Iterable[Statement]:
    """A `Participation` and the direct links, of the kind the row says.

    A member that is no row of `clusters.csv` is an organisation of its own, keyed by its name,
    whose country is unknown.
    """
    if row.confidence == "low":
        raise Skip("confidence low")
    if row.partnership not in look_up(reference.folder, "escp_partnerships.csv", "acronym", "name"):
        raise Reject("partnership", f"no partnership {row.partnership!r} in escp_partnerships.csv")
    node = Node(partnership_iri(row.partnership), row.kind)
    if row.cluster_name:
        who = reference.cluster(row.cluster_name, "cluster_name")
    else:
        who = reference.organisation(row.member, "")
        organisation(node, who, row.member)
    key = f"{partnership_key(row.partnership)}-{ns.slug(row.member)}"
    part = take_part(
        node, key, f"{row.member} in {row.partnership}", who, row.role, partnership=node.iri
    )
    part.text("matchedName", row.member if row.member != row.cluster_name else "")
    part.text("confidence", row.confidence)
    return cite_all(node, row.source)


SOURCE = Source("escp-members", MemberRow, csv_of(MemberRow), statements)

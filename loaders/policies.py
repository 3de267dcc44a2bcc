"""Cluster policies and programmes of countries and regions (`cluster_policies.csv`)."""

from __future__ import annotations

from collections.abc import Iterable

from clusterloom import namespaces as ns
from clusterloom.loaders.contract import Confidence, Country, Required, Row, Skip, Source, Year
from clusterloom.loaders.node import Node
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.tabular import csv_of
from clusterloom.terms import Statement


class PolicyRow(Row):
    """One policy or programme of a country."""

    country: Country
    name: Required
    since: Year
    responsible_body: str
    instrument: str
    note: str
    source: Required
    confidence: Confidence


def statements(row: PolicyRow, reference: Reference) -> Iterable[Statement]:
    """A `cloom:Policy` with country, first year, body and instrument in the source's words."""
    if row.confidence == "low":
        raise Skip("confidence low")
    key = f"{ns.iso_country(row.country).lower()}-{ns.slug(row.name)}"
    policy = Node(reference.thing("policy", key)).a("Policy").label(row.name, "")
    policy.link("inCountry", reference.country(row.country))
    policy.integer("startYear", row.since)
    policy.text("responsibleBody", row.responsible_body)
    policy.text("instrument", row.instrument)
    policy.text("note", row.note)
    return policy.cite(row.source, row.confidence)


SOURCE = Source("cluster-policies", PolicyRow, csv_of(PolicyRow), statements)

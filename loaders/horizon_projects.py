"""Horizon Europe projects with cluster organisations or SMEs (`horizon_projects.csv`)."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable
from functools import cache

from clusterloom import namespaces as ns
from clusterloom.loaders.contract import Day, Digits, Number, Required, Row, Source
from clusterloom.loaders.funding import programme_iri
from clusterloom.loaders.joint import cite_all
from clusterloom.loaders.node import Node
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.tabular import csv_of
from clusterloom.terms import Statement


class HorizonRow(Row):
    """One project."""

    grant_number: Digits
    acronym: Required
    title: Required
    start: Day
    end: Day
    ec_max_contribution_eur: Number
    topic: str
    legal_basis: str
    funding_scheme: str
    participants_kept: Digits
    cluster_participants: Digits


CITATION = "European Union, CORDIS, Horizon Europe projects, December 2025"


def project_iri(grant_number: str) -> str:
    """IRI of a project by its grant number."""
    return ns.thing("project", grant_number)


@cache
def partnerships(reference: Reference) -> frozenset[str]:
    """Grant numbers of the projects in which two or more organisations that we keep take part.

    Counted over the rows of `horizon_participations.csv`, the same organisation once whatever
    its roles. Participants that were left out of that table do not count.
    """
    takes_part: dict[str, set[str]] = defaultdict(set)
    path = reference.folder / "horizon_participations.csv"
    with open(path, encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle):
            who = reference.organisation(row["name"], row["country"], row["pic"])
            takes_part[row["grant_number"]].add(who)
    return frozenset(grant for grant, who in takes_part.items() if len(who) > 1)


def statements(row: HorizonRow, reference: Reference) -> Iterable[Statement]:
    """A `HorizonProject`; a `Partnership` too (kind `derived`) when two organisations or more of
    the table of participations take part."""
    node = Node(project_iri(row.grant_number)).a("HorizonProject")
    if row.grant_number in partnerships(reference):
        node.other("derived").a("Partnership")
    node.label(row.acronym, "").text("acronym", row.acronym)
    node.text("title", " ".join(row.title.split())).text("grantNumber", row.grant_number)
    node.when("start", row.start).when("end", row.end)
    node.decimal("euContributionEur", row.ec_max_contribution_eur)
    node.link("fundedBy", programme_iri("Horizon Europe"))
    node.text("topic", row.topic).text("legalBasis", row.legal_basis)
    node.text("fundingScheme", row.funding_scheme)
    coverage = node.about(ns.thing("coverage", f"{row.grant_number}-participants")).a("Coverage")
    coverage.label(f"Participants of {row.acronym} ({row.grant_number})")
    coverage.link("ofSubject", node.iri).link("ofProperty", ns.term("participant"))
    coverage.text("totalText", "cluster organisations and SMEs only; other participants left out")
    node.link("foaf:page", f"https://cordis.europa.eu/project/id/{row.grant_number}")
    return cite_all(node, CITATION)


SOURCE = Source("horizon-projects", HorizonRow, csv_of(HorizonRow), statements)

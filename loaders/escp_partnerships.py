"""European Strategic Cluster Partnerships, Excellence partnerships and Euroclusters
(`escp_partnerships.csv`)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from clusterloom import namespaces as ns
from clusterloom.loaders.contract import (
    Confidence,
    PartialDate,
    Reject,
    Required,
    Row,
    Skip,
    Source,
    YesNo,
    parts,
)
from clusterloom.loaders.funding import call_iri, programme_iri
from clusterloom.loaders.joint import cite_all, countries, inferred, sectors
from clusterloom.loaders.node import Node
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.tabular import csv_of
from clusterloom.terms import Statement

KEYS = {
    "ELCA (action under COS-CLUSINT-2019-3-01)": "elca-lightweight",
    "ELCA4i": "elca-lighting",
    "PIMAP+": "pimap-plus",
}
"""Keys that a slug of the acronym would make equal or unclear: ELCA is the acronym of the
European Lighting and of the European Lightweight Cluster Alliance."""


class Scheme(NamedTuple):
    """What a word of the column `programme` stands for: our class and the paying programme."""

    cls: str
    programme: str


SCHEMES = {
    "ESCP-4i": Scheme("ESCP4iPartnership", "COSME"),
    "ESCP-S3": Scheme("ESCPS3Partnership", "COSME"),
    "ESCP-4x (Excellence)": Scheme("ClusterExcellencePartnership", "COSME"),
    "Cluster Partnerships Excellence": Scheme("ClusterExcellencePartnership", "COSME"),
    "Cluster Excellence 2015-16": Scheme("ClusterExcellencePartnership", "COSME"),
    "Eurocluster": Scheme("JointClusterInitiative", "SMP"),
    "ESCP (2013 first wave)": Scheme("ESCPPartnership", ""),
    "COSME (label not stated)": Scheme("Partnership", "COSME"),
    "CIP (before COSME)": Scheme("Partnership", "CIP"),
}
"""The first wave of 2013 had one kind only; without a stated label it is a plain partnership."""

WORDS = {
    "acronym": r"\bacronym\b",
    "name": r"\b(?<!full )name\b|\bfull name\b",
    "programme": r"\bprogramme\b|\bESCP-4i\b|\blabel\b",
    "generation": r"\bgeneration\b|\bwave\b|\bcall\b",
    "strand": r"\bstrand\b",
    "start": r"\bstart\b|\bdates\b",
    "end": r"\bend\b|\bdates\b",
    "countries": r"\bcountr(y|ies)\b",
    "target_third_countries": r"\btargets?\b",
    "n_smes": r"\bn_smes\b|\bSMEs\b",
    "total_budget_eur": r"\btotal_budget\b|\bbudget\b",
    "eu_contribution_eur": r"\beu_contribution\b",
    "sectors": r"\bsectors\b|\becosystem\b",
    "grant": r"\bgrant\b",
    "members": r"\bmember_clusters\b",
}
"""Which words of `inferred_fields` mean which column; whatever is unclear counts as inferred."""

EUROCLUSTER_CALL = "SMP-COSME-2021-CLUSTER-01"
"""The one call that the column `generation` names and `calls.csv` holds."""

_UNFUNDED = "funding not confirmed"
_PARTIAL = "member_clusters may be partial"
_GRANT = re.compile(r"\bgrant (\d{6,9})\b")
_EU = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"


class PartnershipRow(Row):
    """One partnership."""

    acronym: Required
    name: Required
    programme: Required
    generation: str
    strand: str
    start: PartialDate
    end: PartialDate
    countries: str
    target_third_countries: str
    n_smes: str
    total_budget_eur: str
    eu_contribution_eur: str
    sectors: str
    inferred_fields: str
    source: Required
    confidence: Confidence
    member_list_complete: YesNo


def partnership_key(acronym: str) -> str:
    """Key of a partnership by its acronym.

    >>> partnership_key("AdPack²"), partnership_key("AdPack"), partnership_key("ELCA4i")
    ('adpack2', 'adpack', 'elca-lighting')
    """
    return KEYS.get(acronym) or ns.slug(acronym)


def partnership_iri(acronym: str) -> str:
    """IRI of a partnership by its acronym."""
    return ns.thing("partnership", partnership_key(acronym))


def statements(row: PartnershipRow, reference: Reference) -> Iterable[Statement]:
    """A partnership of the class of its scheme; cells named as inferred go to kind `estimated`.

    What the researcher wrote about inferred and corrected cells stays as a note (`curated`).
    """
    if row.confidence == "low":
        raise Skip("confidence low")
    scheme = SCHEMES.get(row.programme)
    if scheme is None:
        raise Reject("programme", f"{row.programme!r} is none of {', '.join(SCHEMES)}")
    guessed = inferred(row.inferred_fields, WORDS)
    sure = Node(partnership_iri(row.acronym)).a("Partnership")
    guess = sure.other("estimated")

    def of(column: str) -> Node:
        return guess if column in guessed else sure

    of("acronym").label(row.acronym, "").text("acronym", row.acronym)
    of("name").text("fullName", row.name if row.name != row.acronym else "")
    of("programme").a(scheme.cls)
    if _UNFUNDED not in row.generation:
        paid = guess if "programme" in guessed else sure.other("curated")
        paid.link("fundedBy", programme_iri(scheme.programme))
    for grant in _GRANT.findall(f"{row.generation}; {row.inferred_fields}"):
        of("grant").text("grantNumber", grant)
    sure.other("curated").text("note", row.inferred_fields)
    of("generation").text("generation", row.generation)
    if EUROCLUSTER_CALL in row.generation:
        of("generation").link("underCall", call_iri(EUROCLUSTER_CALL))
    of("strand").text("strand", row.strand)
    of("start").when("start", row.start)
    of("end").when("end", row.end)
    countries(of("countries"), row.countries, reference)
    _targets(of("target_third_countries"), row.target_third_countries, reference)
    of("n_smes").figure("nSmes", row.n_smes)
    of("total_budget_eur").money("budget", row.total_budget_eur)
    of("eu_contribution_eur").money("euContribution", row.eu_contribution_eur)
    sectors(of("sectors"), row.sectors, reference)
    _coverage(sure, of("members"), row)
    return cite_all(sure, row.source, row.confidence)


def _targets(node: Node, cell: str, reference: Reference) -> None:
    """A country by its name becomes a link; whatever is more than a country's name stays text."""
    for part in parts(cell):
        name = part.partition("(")[0].strip()
        country = "" if "(region" in part else reference.country_by_name(name)
        node.link("targetCountry", country)
        if country and country.rpartition("/")[2] not in _EU.split():
            node.about(country).a("ThirdCountry")
        if not country or name != part:
            node.text("targetText", part)


def _coverage(node: Node, members: Node, row: PartnershipRow) -> None:
    """Whether the list of participants is known to be whole; its length is not.

    That a list is whole is no surer than the list: `members` is of kind `estimated` where the
    members were inferred, and nothing is said where they may be partial.
    """
    key = f"{partnership_key(row.acronym)}-participants"
    coverage = node.about(ns.thing("coverage", key)).a("Coverage")
    coverage.label(f"Participants of {row.acronym}")
    coverage.link("ofSubject", node.iri).link("ofProperty", ns.term("participant"))
    whole = row.member_list_complete == "yes" and _PARTIAL not in row.inferred_fields
    coverage.other(members.kind).boolean("complete", "yes" if whole else "")


SOURCE = Source("escp-partnerships", PartnershipRow, csv_of(PartnershipRow), statements)

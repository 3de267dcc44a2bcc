"""INNOSUP-1 projects: cluster facilitated projects for new value chains (`innosup_projects.csv`).

The column `coordinator` is not loaded: every organisation it names is a row of
`innosup_partners.csv`, and in places it names a person.
"""

from __future__ import annotations

from collections.abc import Iterable

from clusterloom import namespaces as ns
from clusterloom.loaders.contract import (
    Confidence,
    Digits,
    PartialDate,
    Reject,
    Required,
    Row,
    Skip,
    Source,
)
from clusterloom.loaders.escp_partnerships import WORDS
from clusterloom.loaders.funding import call_iri, programme_iri
from clusterloom.loaders.joint import cite_all, countries, inferred, look_up, sectors
from clusterloom.loaders.node import Node
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.tabular import csv_of
from clusterloom.terms import Statement

_WORDS = {column: WORDS[column] for column in ("start", "end")} | {
    "call": r"\bcall\b",
    "total_budget_eur": r"\bbudget\b|\btotal_budget\b|\bcost\b",
    "eu_contribution_eur": r"\beu_contribution\b",
}


class InnosupRow(Row):
    """One project."""

    acronym: Required
    title: Required
    grant_number: Digits
    programme: Required
    call: str
    start: PartialDate
    end: PartialDate
    total_budget_eur: str
    eu_contribution_eur: str
    coordinator: str
    countries: str
    sectors: str
    key_results: str
    inferred_fields: str
    source: Required
    confidence: Confidence


def innosup_key(acronym: str, grant_number: str) -> str:
    """Key of an INNOSUP-1 project: its grant number, else a slug of its acronym.

    >>> innosup_key("SUPERBIO", "691555"), innosup_key("KATANA", "")
    ('691555', 'katana')
    """
    return grant_number or ns.slug(acronym)


def key_of(acronym: str, reference: Reference) -> str:
    """Key of the project of that acronym; Reject when the table of projects has none."""
    grants = look_up(reference.folder, "innosup_projects.csv", "acronym", "grant_number")
    if acronym not in grants:
        raise Reject("project", f"no project {acronym!r} in innosup_projects.csv")
    return innosup_key(acronym, grants[acronym])


def statements(row: InnosupRow, reference: Reference) -> Iterable[Statement]:
    """An `InnosupProject`, which is a `Partnership` too; inferred cells are `estimated`.

    Its `Coverage` leaves open whether all partners are known: no source of the table says so.
    """
    if row.confidence == "low":
        raise Skip("confidence low")
    guessed = inferred(row.inferred_fields, _WORDS)
    key = innosup_key(row.acronym, row.grant_number)
    sure = Node(ns.thing("project", key)).a("InnosupProject", "Partnership")
    guess = sure.other("estimated")

    def of(column: str) -> Node:
        return guess if column in guessed else sure

    sure.label(row.acronym, "").text("acronym", row.acronym).text("title", row.title)
    sure.text("grantNumber", row.grant_number)
    sure.link("fundedBy", programme_iri(row.programme))
    of("call").link("underCall", call_iri(row.call))
    of("start").when("start", row.start)
    of("end").when("end", row.end)
    of("total_budget_eur").money("budget", row.total_budget_eur)
    of("eu_contribution_eur").money("euContribution", row.eu_contribution_eur)
    countries(sure, row.countries, reference)
    sectors(sure, row.sectors, reference)
    sure.text("keyResults", row.key_results)
    sure.other("curated").text("note", row.inferred_fields)
    coverage = sure.about(ns.thing("coverage", f"{key}-participants")).a("Coverage")
    coverage.label(f"Participants of {row.acronym}")
    coverage.link("ofSubject", sure.iri).link("ofProperty", ns.term("participant"))
    return cite_all(sure, row.source, row.confidence)


SOURCE = Source("innosup-projects", InnosupRow, csv_of(InnosupRow), statements)

"""Conditions that a consortium must meet under a call (`call_profiles.csv`)."""

from __future__ import annotations

from collections.abc import Iterable

from clusterloom import namespaces as ns
from clusterloom.loaders.contract import Confidence, Digits, Required, Row, Skip, Source
from clusterloom.loaders.funding import call_iri, call_key, rounds
from clusterloom.loaders.node import Node
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.tabular import csv_of
from clusterloom.terms import Statement


class CallProfileRow(Row):
    """The conditions of one call, or of all rounds of one."""

    call_identifier: Required
    min_entities: Digits
    min_countries: Digits
    country_scope: str
    sme_share_min_pct: Digits
    sme_share_of: str
    min_target_third_countries: Digits
    max_target_third_countries_advised: Digits
    region_condition: str
    applicant_condition: str
    max_grant_eur: Digits
    funding_rate_pct: Digits
    max_months: Digits
    note: str
    source: Required
    confidence: Confidence


def statements(row: CallProfileRow, reference: Reference) -> Iterable[Statement]:
    """A `CallProfile` for each round of the call; a condition without a cell is not known."""
    if row.confidence == "low":
        raise Skip("confidence low")
    out: list[Statement] = []
    for identifier in rounds(row.call_identifier):
        node = Node(ns.thing("call-profile", call_key(identifier))).a("CallProfile")
        node.label(f"Conditions of {identifier}").link("ofCall", call_iri(identifier))
        node.integer("minEntities", row.min_entities)
        node.integer("minCountries", row.min_countries)
        node.text("countryScope", row.country_scope)
        node.decimal("smeSharePct", row.sme_share_min_pct)
        node.text("smeShareOf", row.sme_share_of)
        node.integer("minTargetThirdCountries", row.min_target_third_countries)
        node.integer("maxTargetThirdCountriesAdvised", row.max_target_third_countries_advised)
        node.text("regionCondition", row.region_condition)
        node.text("applicantCondition", row.applicant_condition)
        node.decimal("maxGrantEur", row.max_grant_eur)
        node.decimal("fundingRatePct", row.funding_rate_pct)
        node.integer("maxMonths", row.max_months).text("note", row.note)
        out.extend(node.cite(row.source, row.confidence))
    return out


SOURCE = Source("call-profiles", CallProfileRow, csv_of(CallProfileRow), statements)

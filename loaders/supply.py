"""Flows between product groups and their output in one economy, here Czechia in 2015
(`supply_table_cz_2015.csv`, `supply_output_cz_2015.csv`). Coefficients are left to a rule.

The tables count in groups of CPA products (`C10-12`), each of which is the output of one or more
NACE Rev. 2 activities. A group that is exactly one activity is also named by that activity.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from clusterloom import namespaces as ns
from clusterloom.loaders.concepts import Scheme, concept
from clusterloom.loaders.contract import Number, Reject, Required, Row, Source
from clusterloom.loaders.node import Node
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.tabular import csv_of
from clusterloom.terms import Statement

GROUPS = Scheme(
    "cpa-2015-groups", "Product groups of the supply table 2015", "ProductGroup", "product-group"
)
COUNTRY, NAME, YEAR = "CZ", "Czechia", 2015
UNIT = "million CZK"
CITATION = "Eurostat, table naio_10_cp1700, Czechia, 2015"
ALL_OF_68 = "The table has no group L68A, so this one is taken for the whole of division 68."
_GROUP = re.compile(r"(?P<section>[A-U])(?:(?P<first>\d\d)(?:(?P<mark>[-_])(?P<last>\d\d)|B)?)?")


class FlowRow(Row):
    """Use of one product group, domestic or imported, in the making of another."""

    from_cpa: Required
    to_cpa: Required
    flow_million_czk: Number


class OutputRow(Row):
    """Output and total use of one product group."""

    cpa: Required
    output_million_czk: Number
    total_use_million_czk: Number


def activities(group: str, nace: Mapping[str, str]) -> list[str]:
    """Codes of the NACE activities whose output a group is; empty for a code not understood.

    >>> nace = dict.fromkeys(["B", "10", "11", "12", "31", "32", "68"], "")
    >>> [activities(g, nace) for g in ("B", "C10-12", "C31_32", "L68B", "X1")]
    [['B'], ['10', '11', '12'], ['31', '32'], ['68'], []]
    """
    found = _GROUP.fullmatch(group)
    if not found:
        return []
    if not found["first"]:
        codes = [found["section"]]
    else:
        first, last = int(found["first"]), int(found["last"] or found["first"])
        codes = [f"{number:02}" for number in range(first, last + 1)]
    return [code for code in codes if code in nace]


def _activities(group: str, column: str, reference: Reference) -> list[str]:
    codes = activities(group, reference.nace2)
    if not codes:
        raise Reject(column, f"{group!r} is no group of CPA products")
    return codes


def flow(row: FlowRow, reference: Reference) -> Iterable[Statement]:
    """A `cloom:SupplyLink` between two product groups with the flow between them."""
    key = f"{COUNTRY.lower()}-{YEAR}-{row.from_cpa}-{row.to_cpa}"
    link = Node(ns.thing("supply-link", key)).a("SupplyLink")
    link.label(f"{row.from_cpa} to {row.to_cpa}, {NAME} {YEAR}")
    for end, group in (("from", row.from_cpa), ("to", row.to_cpa)):
        codes = _activities(group, f"{end}_cpa", reference)
        link.link(f"{end}Product", GROUPS.concept_iri(group))
        if len(codes) == 1:
            link.link(f"{end}Capability", ns.thing("nace2", codes[0]))
    link.decimal("flow", row.flow_million_czk).text("unit", UNIT)
    link.link("economy", reference.country(COUNTRY)).integer("year", YEAR)
    return link.cite(CITATION)


def output(row: OutputRow, reference: Reference) -> Iterable[Statement]:
    """A `cloom:ProductGroup` with its activities, and an observation of its output and use."""
    codes = _activities(row.cpa, "cpa", reference)
    title = reference.nace2[codes[0]] if len(codes) == 1 else f"divisions {', '.join(codes)}"
    group = concept(GROUPS, row.cpa, f"Products of {row.cpa}: {title}", row.cpa)
    for code in codes:
        group.link("comprises", ns.thing("nace2", code))
    if row.cpa == "L68B":
        group.text("note", ALL_OF_68)
    group.cite(CITATION)
    key = f"output-{COUNTRY.lower()}-{YEAR}-{row.cpa}"
    seen = group.about(ns.thing("observation", key)).a("Observation")
    seen.label(f"Output of {row.cpa}, {NAME} {YEAR}")
    seen.link("ofProduct", group.iri)
    seen.decimal("output", row.output_million_czk)
    seen.decimal("totalUse", row.total_use_million_czk).text("unit", UNIT)
    seen.link("economy", reference.country(COUNTRY)).integer("year", YEAR)
    seen.cite(CITATION)
    return group


SOURCES = (
    Source("supply-table-cz", FlowRow, csv_of(FlowRow), flow),
    Source("supply-output-cz", OutputRow, csv_of(OutputRow), output),
)

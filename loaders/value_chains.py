"""Value chains with the area and the strategic value chain they belong to (`value_chains.csv`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from clusterloom import namespaces as ns
from clusterloom.loaders.areas import AREA_SLUGS, area_iri
from clusterloom.loaders.contract import Digits, Reject, Required, Source
from clusterloom.loaders.node import Node
from clusterloom.loaders.policy_schemes import CHAINS
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.researched import ResearchedRow
from clusterloom.loaders.tabular import csv_of
from clusterloom.terms import Statement

STRATEGIC_SLUGS: dict[int, str] = {
    1: "connected-clean-and-autonomous-vehicles",
    2: "hydrogen-technologies-and-systems",
    3: "smart-health",
    4: "industrial-internet-of-things",
    5: "low-carbon-industry",
    6: "cybersecurity",
    7: "batteries",
    8: "high-performance-computing",
    9: "microelectronics",
}
"""Number of a strategic value chain -> its key; a test holds it against the table."""


class ValueChainRow(ResearchedRow):
    """One value chain."""

    chain: Required
    label: Required
    definition: Required
    area_no: Digits
    strategic_no: Digits
    match: Literal["", "exact", "broad", "narrow"]
    """How near the chain is to its area or strategic value chain; blank where it has neither."""
    rationale: Required


def chain_iri(key: str) -> str:
    """IRI of a value chain by its key in the table."""
    return ns.thing("value-chain", key)


def researched(node: Node, row: ResearchedRow, rationale: str) -> Node:
    """The source of a judgement of ours: words, date, whether it was read, and the reason."""
    node.text("quoted", row.quoted).text("sourceDate", row.source_date)
    node.boolean("wasRead", "yes" if row.read == "yes" else "no")
    return node.text("rationale", rationale).cite(row.source)


def statements(row: ValueChainRow, reference: Reference) -> Iterable[Statement]:
    """A `ValueChain`, `inArea` and `aboutStrategicChain` where it has one; kind `curated`."""
    node = Node(chain_iri(row.chain), "curated").a("ValueChain").label(row.label)
    node.text("skos:definition", row.definition, "en")
    if bool(row.match) != bool(row.area_no or row.strategic_no):
        raise Reject("match", "stated where the chain has an area or strategic value chain, only")
    if row.area_no:
        if int(row.area_no) not in AREA_SLUGS:
            raise Reject("area_no", f"{row.area_no!r} is no area; 1 to 21 expected")
        node.link("inArea", area_iri(int(row.area_no)))
    if row.strategic_no:
        if int(row.strategic_no) not in STRATEGIC_SLUGS:
            raise Reject("strategic_no", f"{row.strategic_no!r}: 1 to 9 expected")
        node.link("aboutStrategicChain", CHAINS.concept_iri(STRATEGIC_SLUGS[int(row.strategic_no)]))
    if row.match:
        node.text("note", f"Match with the area or strategic value chain: {row.match}")
    return researched(node, row, row.rationale)


SOURCE = Source("value-chains", ValueChainRow, csv_of(ValueChainRow), statements)

"""Capabilities that the stages of value chains require (`stage_capabilities.csv`)."""

from __future__ import annotations

from collections.abc import Iterable

from clusterloom import namespaces as ns
from clusterloom.loaders.contract import Match, Required, Source
from clusterloom.loaders.node import Node
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.researched import ResearchedRow
from clusterloom.loaders.tabular import csv_of
from clusterloom.loaders.value_chain_stages import stage_iri
from clusterloom.loaders.value_chains import researched
from clusterloom.terms import Statement


class StageCapabilityRow(ResearchedRow):
    """One capability that a stage requires."""

    stage: Required
    scheme: Required
    code: Required
    code_label: Required
    match: Match
    rationale: Required


def statements(row: StageCapabilityRow, reference: Reference) -> Iterable[Statement]:
    """`requires` from the stage to the capability, and the `CapabilityMapping` with the reason."""
    capability = reference.capability(row.scheme, row.code)
    key = f"{row.stage}-{row.scheme}-{row.code.strip('/').replace('/', '-')}"
    node = Node(ns.thing("mapping", key), "curated").a("CapabilityMapping")
    node.label(f"{row.stage.replace('-', ' ')} requires {row.code_label}")
    node.link("mapsFrom", stage_iri(row.stage)).link("mapsTo", capability)
    node.text("match", row.match)
    researched(node, row, row.rationale)
    return node.about(stage_iri(row.stage)).link("requires", capability).cite(row.source)


SOURCE = Source("stage-capabilities", StageCapabilityRow, csv_of(StageCapabilityRow), statements)

"""Stages of value chains in their order (`value_chain_stages.csv`)."""

from __future__ import annotations

from collections.abc import Iterable

from clusterloom import namespaces as ns
from clusterloom.loaders.contract import Digits, Reject, Required, Source, parts
from clusterloom.loaders.node import Node
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.researched import ResearchedRow
from clusterloom.loaders.tabular import csv_of
from clusterloom.loaders.value_chains import chain_iri, researched
from clusterloom.terms import Statement


class StageRow(ResearchedRow):
    """One stage; `after` names the stages that feed it, of which a branch has several."""

    stage: Required
    chain: Required
    label: Required
    position: Digits
    after: str
    definition: Required
    rationale: Required


def stage_iri(key: str) -> str:
    """IRI of a stage by its key in the table, which begins with that of its chain."""
    return ns.thing("stage", key)


def statements(row: StageRow, reference: Reference) -> Iterable[Statement]:
    """A `Stage` linked both ways with its chain, and `precedes` from each stage before it."""
    node = Node(stage_iri(row.stage), "curated").a("Stage").label(row.label)
    chain = node.about(chain_iri(row.chain)).link("hasStage", node.iri)
    chain.cite(row.source)
    node.link("inChain", chain.iri).integer("position", row.position)
    node.text("skos:definition", row.definition, "en")
    for before in parts(row.after):
        if before == row.stage or not before.startswith(row.chain + "-"):
            raise Reject("after", f"{before!r} is not another stage of {row.chain!r}")
        node.about(stage_iri(before)).link("precedes", node.iri)
    return researched(node, row, row.rationale)


SOURCE = Source("value-chain-stages", StageRow, csv_of(StageRow), statements)

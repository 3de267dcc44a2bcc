"""Doubtful pairs of organisations, with what was decided of them (`match_candidates.csv`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field

from clusterloom import namespaces as ns
from clusterloom.loaders.contract import Number, Required, Row, Source
from clusterloom.loaders.node import Node
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.tabular import csv_of
from clusterloom.terms import Statement

CITATION = "Clusterloom, comparison of names, places and websites across the tables, November 2026"

Key = Annotated[str, Field(pattern=r"^org/[a-z0-9-]+$")]


class CandidateRow(Row):
    """One pair."""

    a: Key
    b: Key
    score: Number
    method: Required
    decision: Literal["open", "different"]
    reason: Required


def statements(row: CandidateRow, reference: Reference) -> Iterable[Statement]:
    """A `MatchCandidate` of kind `estimated`; a pair found to be the same is in `aliases.csv`."""
    node = Node(ns.thing("match", ns.short_hash(f"{row.a} {row.b}", 10)), "estimated")
    node.a("MatchCandidate")
    first, second = (key.removeprefix("org/") for key in (row.a, row.b))
    node.label(f"Same organisation? {first} and {second}")
    node.link("candidateA", reference.thing("org", first))
    node.link("candidateB", reference.thing("org", second))
    node.decimal("score", row.score).text("method", row.method).text("decision", row.decision)
    return node.text("rationale", row.reason).cite(CITATION)


SOURCE = Source("match-candidates", CandidateRow, csv_of(CandidateRow), statements)

"""Everything a release says about one thing, with the graph each statement stands in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from clusterloom import terms
from clusterloom.api.gate import GraphInfo, closed_graphs, graph_infos
from clusterloom.api.guarded import open_only
from clusterloom.api.items import PRIVATE, SME
from clusterloom.api.labels import labels_of
from clusterloom.api.rows import Cell, Row, compact
from clusterloom.api.serving import Served
from clusterloom.namespaces import PREFIXES

INCOMING_LIMIT = 100
"""Links into a thing that a description lists for each property; the count is always whole."""

_TYPE = PREFIXES["rdf"] + "type"


@dataclass(frozen=True)
class Statement:
    """One statement about the thing and every graph that holds it."""

    predicate: str
    value: Cell
    graphs: tuple[str, ...]


@dataclass(frozen=True)
class Incoming:
    """The things that point here by one property: how many, and the first of them."""

    predicate: str
    count: int
    subjects: tuple[str, ...]

    @property
    def cut(self) -> bool:
        """Whether more things point here than are listed."""
        return self.count > len(self.subjects)


@dataclass(frozen=True)
class Description:
    """A thing: its statements, the labels of what it touches, and the links into it."""

    iri: str
    statements: tuple[Statement, ...]
    incoming: tuple[Incoming, ...]
    labels: dict[str, Cell]
    graphs: dict[str, GraphInfo]

    def values(self, predicate: str) -> list[Cell]:
        """The values of a property, given by its whole IRI."""
        return [s.value for s in self.statements if s.predicate == predicate]

    @property
    def label(self) -> str:
        """The label of the thing, or the last part of its IRI."""
        found = self.values(PREFIXES["rdfs"] + "label")
        return found[0].value if found else self.iri.rpartition("/")[2]

    @property
    def datasets(self) -> dict[str, str]:
        """The datasets the statements come from, with their titles."""
        used = {g for s in self.statements for g in s.graphs if g in self.graphs}
        return dict(sorted((self.graphs[g].dataset, self.graphs[g].title) for g in used))

    @property
    def licences(self) -> frozenset[str]:
        """The licences of those datasets."""
        used = {g for s in self.statements for g in s.graphs if g in self.graphs}
        return frozenset(self.graphs[g].licence for g in used if self.graphs[g].licence)

    @property
    def types(self) -> frozenset[str]:
        """The classes of the thing, ours by local name."""
        return frozenset(compact(cell.value) for cell in self.values(_TYPE))

    @property
    def cut(self) -> str:
        """Where links into the thing were left out, in words; blank when all are there."""
        left = [f"{len(i.subjects)} of {i.count} by {i.predicate}" for i in self.incoming if i.cut]
        return f"links into the thing: {'; '.join(left)}" if left else ""


async def describe(served: Served, iri: str) -> Description | None:
    """What may be given away about the thing; None when the release says nothing of it.

    Statements of datasets that may not be redistributed are left out, and of SMEs the VAT number
    and coordinates.
    """
    thing = terms.iri(iri)
    infos = await graph_infos(served)
    closed = await closed_graphs(served)
    rows, counts = await asyncio.gather(
        served.select(f"SELECT ?g ?p ?o WHERE {{ GRAPH ?g {{ {thing} ?p ?o }} }}"),
        served.select(_counts(thing, closed)),
    )
    statements = _statements(rows, closed)
    if not statements:
        return None
    counted = {row["p"].value: int(row["n"].value) for row in counts if "p" in row}
    incoming = await _incoming(served, thing, counted, closed)
    touched = [s.value.value for s in statements if s.value.is_iri]
    touched += [subject for found in incoming for subject in found.subjects]
    labels = await labels_of(served, touched)
    return Description(iri, statements, incoming, labels, infos)


def _statements(rows: Iterable[Row], closed: frozenset[str]) -> tuple[Statement, ...]:
    graphs: dict[tuple[str, Cell], set[str]] = {}
    for row in rows:
        if row["g"].value not in closed:
            graphs.setdefault((row["p"].value, row["o"]), set()).add(row["g"].value)
    if (_TYPE, Cell("uri", SME)) in graphs:
        graphs = {key: held for key, held in graphs.items() if compact(key[0]) not in PRIVATE}
    return tuple(Statement(p, o, tuple(sorted(held))) for (p, o), held in sorted(graphs.items()))


def _into(thing: str, predicate: str, closed: frozenset[str]) -> str:
    # the default graph holds each statement once; only closed graphs force a look at all graphs
    if not closed:
        return f"?s {predicate} {thing} ."
    return f"GRAPH ?g {{ ?s {predicate} {thing} }} {open_only(closed)}"


def _counts(thing: str, closed: frozenset[str]) -> str:
    return (
        f"SELECT ?p (COUNT(DISTINCT ?s) AS ?n) WHERE {{ {_into(thing, '?p', closed)} }} GROUP BY ?p"
    )


async def _incoming(
    served: Served, thing: str, counted: dict[str, int], closed: frozenset[str]
) -> tuple[Incoming, ...]:
    """The first things that point here by each property, all read by one query."""
    if not counted:
        return ()
    branches = []
    for predicate, count in sorted(counted.items()):
        order = "ORDER BY ?s" if count > INCOMING_LIMIT else ""
        branches.append(
            f"{{ SELECT DISTINCT ?s ?p WHERE {{ {_into(thing, terms.iri(predicate), closed)} "
            f"BIND ({terms.text(predicate)} AS ?p) }} {order} LIMIT {INCOMING_LIMIT} }}"
        )
    subjects: dict[str, list[str]] = {predicate: [] for predicate in sorted(counted)}
    for row in await served.select(f"SELECT ?s ?p WHERE {{ {' UNION '.join(branches)} }}"):
        subjects[row["p"].value].append(row["s"].value)
    return tuple(Incoming(p, counted[p], tuple(sorted(s))) for p, s in subjects.items())

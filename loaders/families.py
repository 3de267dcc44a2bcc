"""Families that are not loaded from tables: the ontology and its shapes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pyoxigraph as ox

from clusterloom import namespaces as ns
from clusterloom.ontology import vocabulary


def ontology_lines() -> Iterator[bytes]:
    """N-Quads lines of the ontology modules and of the shapes, each in a graph of its own.

    Blank nodes are named by RDFC-1.0, so that the same files always give the same lines.
    """
    yield from _lines("ontology", vocabulary.ontology_quads())
    folder = vocabulary.modules()["clusterloom"].parent / "shapes"
    yield from _lines("shapes", canonical(sorted(folder.glob("*.ttl"))))


def canonical(files: Iterable[Path]) -> list[ox.Quad]:
    """The triples of Turtle files, blank nodes kept apart by file and named by RDFC-1.0."""
    dataset = ox.Dataset()
    for number, path in enumerate(files):
        for quad in ox.parse(path=str(path), format=ox.RdfFormat.TURTLE):
            ends = [_marked(end, f"f{number}x") for end in (quad.subject, quad.object)]
            dataset.add(ox.Quad(ends[0], quad.predicate, ends[1]))  # type: ignore[arg-type]
    dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    return list(dataset)


def _lines(family: str, quads: Iterable[ox.Quad]) -> Iterator[bytes]:
    # the two graphs share one file, so their blank nodes must not share names
    graph = ns.graph(family, "asserted")
    for quad in quads:
        subject, value = _marked(quad.subject, family), _marked(quad.object, family)
        yield f"{subject} {quad.predicate} {value} <{graph}> .\n".encode()


def _marked(end: object, mark: str) -> object:
    return ox.BlankNode(mark + end.value) if isinstance(end, ox.BlankNode) else end

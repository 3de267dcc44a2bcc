"""The Turtle modules of the ontology: where they lie and what triples they hold."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

import pyoxigraph as ox

MODULES = (
    "actors",
    "places",
    "capabilities",
    "value-chains",
    "partnerships",
    "programmes",
    "evidence",
)


def room() -> Path:
    """The folder of this room, in the repository or where the package is installed."""
    return Path(str(files("clusterloom.ontology")))


@cache
def modules() -> dict[str, Path]:
    """The Turtle file of each module by its name; `clusterloom`, which imports all, is first."""
    return {name: room() / f"{name}.ttl" for name in ("clusterloom", *MODULES)}


Node = TypeVar("Node", bound=ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple)


def read_turtle(path: Path, mark: str) -> list[ox.Triple]:
    """The triples of a file; its blank nodes carry the mark, so that no two files share one."""

    def apart(term: Node) -> Node | ox.BlankNode:
        return ox.BlankNode(f"{mark}x{term.value}") if isinstance(term, ox.BlankNode) else term

    return [
        ox.Triple(apart(quad.subject), quad.predicate, apart(quad.object))
        for quad in ox.parse(path=path, format=ox.RdfFormat.TURTLE)
    ]


@cache
def ontology_quads() -> tuple[ox.Quad, ...]:
    """Every triple of the modules in the default graph, sorted, blank nodes named by RDFC-1.0."""
    dataset = ox.Dataset()
    for number, path in enumerate(modules().values()):
        for triple in read_turtle(path, f"m{number}"):
            dataset.add(ox.Quad(triple.subject, triple.predicate, triple.object))
    dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    return tuple(sorted(dataset, key=str))

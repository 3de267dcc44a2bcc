"""One label for each organisation, chosen among the names its sources give."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import pyoxigraph as ox

from clusterloom import namespaces as ns
from clusterloom.loaders.node import Node
from clusterloom.loaders.select import select
from clusterloom.terms import Statement

VERSION = "1"
DESCRIPTION = (
    "An organisation's label is its name in the first source of clusters, escp-members, "
    "innosup-partners, horizon-participations that names it; of several names there, and among "
    "other sources, the first in alphabetical order. The other names are alternative labels. "
    "What a source has labelled itself is left alone."
)

_PRIORITY = (
    "clusters",
    "escp-members",
    "innosup-partners",
    "innosup-projects",
    "horizon-participations",
)
_QUERY = """SELECT ?organisation ?name ?graph WHERE {
  GRAPH ?graph { ?organisation cloom:name ?name }
}"""


_LABELLED = "SELECT ?organisation { ?organisation cloom:name ?name ; rdfs:label ?label }"


def derive(store: ox.Store) -> Iterator[Statement]:
    """`rdfs:label` and `skos:altLabel` of every thing that has a `cloom:name`."""
    names: dict[str, set[tuple[int, str]]] = defaultdict(set)
    labelled = {thing for (thing,) in select(store, _LABELLED)}
    for organisation, name, graph in select(store, _QUERY):
        if organisation in labelled:
            continue
        source = graph.removeprefix(ns.GRAPH).partition("/")[0]
        rank = _PRIORITY.index(source) if source in _PRIORITY else len(_PRIORITY)
        names[organisation].add((rank, name))
    for iri, found in names.items():
        label = min(found)[1]
        node = Node(iri, "derived").label(label, "")
        for other in sorted({name for _, name in found} - {label}):
            node.text("skos:altLabel", other)
        yield from node

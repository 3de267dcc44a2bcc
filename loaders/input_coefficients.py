"""Technical coefficients of every supply link whose using product has a known output."""

from __future__ import annotations

from collections.abc import Iterator

import pyoxigraph as ox

from clusterloom import terms
from clusterloom.loaders.coefficients import coefficients
from clusterloom.loaders.node import Node
from clusterloom.loaders.select import select
from clusterloom.terms import Statement

VERSION = "1"
DESCRIPTION = (
    "Technical coefficient (Leontief 1936): value of the delivered product, domestic or imported, "
    "in one unit of output of the using product. None where that output is unknown or zero."
)

_FLOWS = """SELECT ?link ?economy ?year ?from ?to ?flow WHERE {
  ?link a cloom:SupplyLink ; cloom:fromProduct ?from ; cloom:toProduct ?to ;
    cloom:flow ?flow ; cloom:economy ?economy ; cloom:year ?year }"""
_OUTPUTS = """SELECT ?economy ?year ?product ?output WHERE {
  ?seen cloom:ofProduct ?product ; cloom:output ?output ;
    cloom:economy ?economy ; cloom:year ?year }"""


def derive(store: ox.Store) -> Iterator[Statement]:
    """`cloom:coefficient` of the links of each economy and year."""
    outputs: dict[tuple[str, str], dict[str, float]] = {}
    for economy, year, product, output in select(store, _OUTPUTS):
        outputs.setdefault((economy, year), {})[product] = float(output)
    flows: dict[tuple[str, str], dict[tuple[str, str], float]] = {}
    links: dict[tuple[str, str, str, str], str] = {}
    for link, economy, year, start, end, flow in select(store, _FLOWS):
        flows.setdefault((economy, year), {})[start, end] = float(flow)
        links[economy, year, start, end] = link
    for (economy, year), table in flows.items():
        found = coefficients(table, outputs.get((economy, year), {}))
        for (start, end), value in found.items():
            node = Node(links[economy, year, start, end], "derived")
            node.add("coefficient", terms.number(value, 8))
            yield from node.text("ruleVersion", f"input-coefficient {VERSION}")

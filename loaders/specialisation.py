"""Location quotients and the specialisation status of regions, from tables with unknown cells.

The location quotient (Balassa 1965) compares a region's share of employment in an activity with
the same share in the reference economy. Cells are missing in most regions (withheld or not
published), so both shares are taken over the activities known in that region: nothing is
imputed and nothing missing counts as zero.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

import pyoxigraph as ox

from clusterloom import namespaces as ns
from clusterloom import terms
from clusterloom.loaders.node import Node
from clusterloom.loaders.select import select
from clusterloom.terms import Statement

VERSION = "1"
SIZE_FLOOR = 100
BAND = (0.9, 1.1)
MIN_BASE = 0.5
DESCRIPTION = (
    "Location quotient (Balassa 1965) of persons employed by NACE Rev. 2 division. A NUTS 1 "
    "region takes its own published figure, else the sum of its NUTS 2 regions when all are "
    "known; so does one of NUTS 2021 that the table lacks. Reference shares are those of the "
    "NUTS 1 regions in which the division is known; both shares are taken over the divisions "
    "known in the region. Status: specialised from "
    f"{BAND[1]} with at least {SIZE_FLOOR} persons employed, not below {BAND[0]}, borderline "
    "between or under the size floor; unknown where the figure is unknown or fewer than half of "
    "the divisions are known in the region."
)

Employment = Mapping[str, Mapping[str, int | None]]
"""Region code -> division -> persons employed, None for unknown."""

_CELLS = f"""
SELECT ?observation ?code ?activity ?division ?year ?employment WHERE {{
  GRAPH <{ns.graph("employment", "asserted")}> {{
    ?observation cloom:ofRegion ?region ; cloom:ofCapability ?activity ; cloom:year ?year .
    OPTIONAL {{ ?observation cloom:employment ?employment }}
  }}
  ?region cloom:nutsCode ?code . ?activity cloom:naceCode ?division
}}"""
_RECODED = f"""
SELECT DISTINCT ?newer ?code WHERE {{
  GRAPH <{ns.graph("employment", "derived")}> {{ ?observation cloom:ofRegion ?to }}
  GRAPH <{ns.graph("employment", "asserted")}> {{ ?observation cloom:ofRegion ?from }}
  ?to cloom:nutsCode ?newer . ?from cloom:nutsCode ?code
}}"""
_CHILDREN = """
SELECT ?above ?below WHERE {
  ?region cloom:level 1 ; cloom:vintage "2021" ; cloom:nutsCode ?above .
  ?child cloom:partOf ?region ; cloom:level 2 ; cloom:vintage "2021" ; cloom:nutsCode ?below
}"""


def completed(employment: Employment) -> dict[str, dict[str, int | None]]:
    """The table with unknown NUTS 1 cells filled by the sum of complete NUTS 2 children.

    >>> completed({"AA1": {"10": None}, "AA11": {"10": 3}, "AA12": {"10": 4}})["AA1"]
    {'10': 7}
    """
    children: dict[str, list[str]] = defaultdict(list)
    for code in employment:
        if len(code) == 4:
            children[code[:3]].append(code)
    filled = {code: dict(row) for code, row in employment.items()}
    for code, row in filled.items():
        below = children.get(code, [])
        for division, value in row.items():
            parts = [employment[child].get(division) for child in below]
            if value is None and parts and all(p is not None for p in parts):
                row[division] = sum(p for p in parts if p is not None)
    return filled


def reference_shares(employment: Employment) -> dict[str, float]:
    """Division -> its share of the employment of the NUTS 1 regions in which it is known.

    A region's employment is the sum of its known divisions; a division known nowhere, or only
    where nothing is employed, has no share.
    """
    inside: dict[str, float] = defaultdict(float)
    around: dict[str, float] = defaultdict(float)
    for code, row in employment.items():
        if len(code) != 3:
            continue
        total = sum(v for v in row.values() if v is not None)
        for division, value in row.items():
            if value is not None:
                inside[division] += value
                around[division] += total
    return {d: inside[d] / around[d] for d in inside if around[d] > 0}


def location_quotients(
    row: Mapping[str, int | None], shares: Mapping[str, float]
) -> dict[str, float | None]:
    """Location quotient of each division of one region; None where it is unknown or undefined.

    The region's and the reference's shares are both taken over the divisions that are known in
    the region and have a reference share.

    >>> location_quotients({"10": 30, "13": 10, "14": None}, {"10": 0.25, "13": 0.25, "14": 0.5})
    {'10': 1.5, '13': 0.5, '14': None}
    """
    base = {d: v for d, v in row.items() if v is not None and d in shares}
    total, expected = sum(base.values()), sum(shares[d] for d in base)
    found: dict[str, float | None] = {}
    for division in row:
        defined = division in base and total > 0 and shares.get(division, 0) > 0
        share = shares.get(division, 0.0)
        found[division] = (base[division] / total) / (share / expected) if defined else None
    return found


def status(quotient: float | None, employment: int | None, base: float) -> str:
    """specialised, borderline, not or unknown; `base` is the share of divisions known.

    >>> status(1.5, 5000, 0.9), status(1.5, 20, 0.9), status(0.3, 0, 0.9), status(1.5, 900, 0.2)
    ('specialised', 'borderline', 'not', 'unknown')
    """
    if quotient is None or employment is None or base < MIN_BASE:
        return "unknown"
    if quotient < BAND[0]:
        return "not"
    if quotient < BAND[1] or employment < SIZE_FLOOR:
        return "borderline"
    return "specialised"


def of_newer_regions(employment: Employment, children: Mapping[str, set[str]]) -> Employment:
    """Rows for the NUTS 1 regions that the table has not, all of whose NUTS 2 regions it has.

    >>> of_newer_regions({"FRB0": {"10": 5, "11": None}}, {"FRB": {"FRB0"}, "FRE": {"FRE1"}})
    {'FRB': {'10': 5, '11': None}}
    """
    found: dict[str, dict[str, int | None]] = {}
    for code, below in children.items():
        if code in employment or not below <= employment.keys():
            continue
        divisions = set().union(*(employment[child] for child in below))
        cells = {d: [employment[child].get(d) for child in below] for d in sorted(divisions)}
        found[code] = {
            d: None if None in parts else sum(p for p in parts if p is not None)
            for d, parts in cells.items()
        }
    return found


def derive(store: ox.Store) -> Iterator[Statement]:
    """Quotient, status, base and filled employment of every observation of the table, and
    observations of the NUTS 1 regions of 2021 that are sums of the table's regions."""
    table: dict[str, dict[str, int | None]] = defaultdict(dict)
    iris: dict[tuple[str, str], str] = {}
    concepts: dict[str, tuple[str, str]] = {}
    for observation, code, activity, division, year, employment in select(store, _CELLS):
        iris[code, division] = observation
        concepts[division] = activity, year
        table[code][division] = int(employment) if employment else None
    filled = completed(table)
    shares = reference_shares(filled)
    recoded = {newer: filled[code] for newer, code in select(store, _RECODED)}
    children: dict[str, set[str]] = defaultdict(set)
    for above, below in select(store, _CHILDREN):
        children[above].add(below)
    newer = of_newer_regions({**filled, **recoded}, children)
    for region, row in {**filled, **newer}.items():
        base = sum(v is not None for v in row.values()) / len(row)
        for division, quotient in location_quotients(row, shares).items():
            if region in newer:
                node = _sum_of_parts(region, division, *concepts[division])
            else:
                node = Node(iris[region, division], "derived")
            value = row[division]
            if value is not None and table.get(region, {}).get(division) is None:
                node.integer("employmentFromParts", value)
            if quotient is not None:
                node.add("locationQuotient", terms.number(quotient, 4))
            node.text("specialisationStatus", status(quotient, value, base))
            node.add("knownShare", terms.number(base, 4))
            yield from node.text("ruleVersion", f"location-quotient {VERSION}")


def _sum_of_parts(region: str, division: str, activity: str, year: str) -> Node:
    node = Node(ns.thing("specialisation", f"{region}-{division}-{year}"), "derived")
    node.a("Specialisation").label(f"{region}, division {division}, {year}")
    node.link("ofRegion", ns.thing("region", region)).link("ofCapability", activity)
    return node.integer("year", year).text("employmentStatus", "unknown")

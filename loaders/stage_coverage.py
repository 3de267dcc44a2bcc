"""Which stages of a value chain a region or a partnership covers, and how well that is known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyoxigraph as ox

from clusterloom import namespaces as ns
from clusterloom.loaders.node import Node
from clusterloom.terms import Statement

VERSION = "1"
DESCRIPTION = (
    "covered: an organisation located in the region (a participant of the partnership) is known "
    "to have a required capability or a part of one, or the region is measured as specialised in "
    "a division that the stage requires as a whole. weak: nothing covers it, but an organisation "
    "has a wider capability, or the region is specialised in the wider division, or borderline "
    "in one. missing (regions only): no organisation is known and employment is measured, and "
    "neither specialised nor borderline, in the division of every required capability; it speaks "
    "of measured employment, not of organisations nobody has listed. unknown: anything else."
)

_PREFIX = f"PREFIX cloom: <{ns.CLOOM}> PREFIX skos: <{ns.PREFIXES['skos']}> "
_REQUIRES = (
    _PREFIX + "SELECT ?stage ?capability WHERE { ?stage a cloom:Stage ; cloom:requires ?capability }"
)
_WITHIN = _PREFIX + "SELECT ?narrow ?wide WHERE { ?narrow cloom:within ?wide }"
_HAS = _PREFIX + "SELECT ?organisation ?capability WHERE { ?organisation cloom:hasCapability ?capability }"
_LOCATED = _PREFIX + (
    "SELECT ?organisation ?region WHERE { ?organisation cloom:locatedIn ?region ;"
    " cloom:hasCapability ?any . ?region cloom:level ?level . FILTER (?level < 3) }"
)
_MEMBERS = _PREFIX + (
    "SELECT ?organisation ?partnership WHERE { ?partnership a cloom:Partnership ;"
    " cloom:participant ?organisation . ?organisation cloom:hasCapability ?any }"
)
_MEASURED = _PREFIX + (
    "SELECT ?region ?capability ?status WHERE { ?observation cloom:ofRegion ?region ;"
    " cloom:ofCapability ?capability ; cloom:specialisationStatus ?status ."
    ' ?region cloom:vintage ?vintage . FILTER (?vintage != "2013") }'
)
_DIVISION = _PREFIX + (
    "SELECT ?capability ?division WHERE { ?capability cloom:within ?division ."
    " ?division cloom:level 2 . ?division a cloom:NaceActivity }"
)
_LABELS = _PREFIX + (
    "SELECT ?thing ?label WHERE { { ?thing a cloom:Stage } UNION { ?thing a cloom:Region } UNION"
    " { ?thing a cloom:Partnership } "
    f"?thing <{ns.PREFIXES['rdfs']}label> ?label }}"
)


@dataclass(frozen=True)
class Needs:
    """What a stage requires, prepared: capabilities that cover it, that are wider, divisions."""

    required: frozenset[str]
    covering: frozenset[str]
    wider: frozenset[str]
    divisions: frozenset[str | None]


def assess(
    needs: Needs, capabilities: Iterable[str], measured: dict[str, str] | None
) -> tuple[str, str]:
    """Status and basis (organisation, employment or blank) of one stage for one subject.

    `capabilities` are those of the organisations known; `measured` maps divisions to their
    specialisation status, or is None where nothing is measured (partnerships).

    >>> needs = Needs(frozenset({"26.1"}), frozenset({"26.1", "26.11"}), frozenset({"26", "C"}),
    ...               frozenset({"26"}))
    >>> assess(needs, ["26.11"], {"26": "not"})
    ('covered', 'organisation')
    >>> assess(needs, ["26"], {})
    ('weak', 'organisation')
    >>> assess(needs, [], {"26": "not"})
    ('missing', 'employment')
    >>> assess(needs, [], {"26": "unknown"})
    ('unknown', '')
    """
    known = set(capabilities)
    statuses = {d: (measured or {}).get(d or "", "unknown") for d in needs.divisions}
    if known & needs.covering:
        return "covered", "organisation"
    if any(s == "specialised" and d in needs.required for d, s in statuses.items()):
        return "covered", "employment"
    if known & needs.wider:
        return "weak", "organisation"
    if any(s in {"specialised", "borderline"} for s in statuses.values()):
        return "weak", "employment"
    if statuses and set(statuses.values()) == {"not"}:
        return "missing", "employment"
    return "unknown", ""


def derive(store: ox.Store) -> Iterator[Statement]:
    """A StageCoverage for each stage and region measured or with an actor, and each partnership
    with covered or weak stages (its member list is never taken as complete)."""
    wider = _groups(store, _WITHIN)
    narrower: dict[str, set[str]] = defaultdict(set)
    for narrow, wides in wider.items():
        for wide in wides:
            narrower[wide].add(narrow)
    division = {c: next(iter(d)) for c, d in _groups(store, _DIVISION).items()}
    stages = {
        stage: _needs(required, narrower, wider, division)
        for stage, required in _groups(store, _REQUIRES).items()
    }
    has = _groups(store, _HAS)
    measured: dict[str, dict[str, str]] = defaultdict(dict)
    for region, capability, status in _rows(store, _MEASURED):
        measured[region][capability] = status
    label = {thing: text for thing, text in _rows(store, _LABELS)}
    regions = _capabilities(_rows(store, _LOCATED), has)
    partnerships = _capabilities(_rows(store, _MEMBERS), has)
    for stage, needs in stages.items():
        for region in set(regions) | set(measured):
            found = assess(needs, regions.get(region, ()), measured.get(region, {}))
            yield from _statements(stage, region, "ofRegion", found, label)
        for partnership, capabilities in partnerships.items():
            found = assess(needs, capabilities, None)
            if found[0] in {"covered", "weak"}:
                yield from _statements(stage, partnership, "ofPartnership", found, label)


def _needs(
    required: set[str],
    narrower: dict[str, set[str]],
    wider: dict[str, set[str]],
    division: dict[str, str],
) -> Needs:
    covering = set(required).union(*(narrower.get(c, set()) for c in required))
    above = set().union(*(wider.get(c, set()) for c in required)) - covering
    return Needs(
        frozenset(required),
        frozenset(covering),
        frozenset(above),
        frozenset(division.get(c, c if c.startswith(ns.ID + "nace2/") else None) for c in required),
    )


def _statements(
    stage: str, subject: str, link: str, found: tuple[str, str], label: dict[str, str]
) -> Node:
    key = f"{stage.rsplit('/', 1)[1]}--{subject.rsplit('/', 1)[1]}"
    node = Node(ns.thing("stage-coverage", key), "derived").a("StageCoverage")
    node.label(f"{label.get(stage, stage)} in {label.get(subject, subject)}")
    node.link("ofStage", stage).link(link, subject)
    node.text("coverageStatus", found[0]).text("coverageBasis", found[1])
    return node.text("ruleVersion", f"stage-coverage {VERSION}")


def _capabilities(
    places: Iterable[tuple[str, ...]], has: dict[str, set[str]]
) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for organisation, place in places:
        found[place] |= has.get(organisation, set())
    return found


def _groups(store: ox.Store, query: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for key, value in _rows(store, query):
        found[key].add(value)
    return found


def _rows(store: ox.Store, query: str) -> Iterator[tuple[str, ...]]:
    solutions = store.query(query)
    assert isinstance(solutions, ox.QuerySolutions)
    for solution in solutions:
        yield tuple(term.value for term in solution)

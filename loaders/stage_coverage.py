"""Which stages of a value chain a region or a partnership covers, and how well that is known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import cast

import pyoxigraph as ox

from clusterloom import namespaces as ns
from clusterloom.loaders.node import Node
from clusterloom.loaders.select import select
from clusterloom.loaders.stage_matching import Actors, Answer, Codes, Match, best
from clusterloom.terms import Statement

VERSION = "1"
DESCRIPTION = (
    "An organisation covers a stage when its sector tags map to a required capability, or a part "
    "of one, closely enough: not when tag and stage are both mere parts of the same code. A "
    "region or partnership has a stage covered by an organisation that is located there or takes "
    "part; a region also when it is specialised in a division that is the stage or a part of it. "
    "weak: only wider or partly matching capabilities, or specialisation (or borderline) in the "
    "wider division. missing (regions only): no organisation is known, and employment in the "
    "division of every required capability is measured, neither specialised nor borderline; it "
    "speaks of measured employment, not of organisations that nobody has listed. unknown: "
    "anything else."
)

_REQUIRES = """SELECT ?stage ?code ?match WHERE { ?stage a cloom:Stage .
  ?mapping cloom:mapsFrom ?stage ; cloom:mapsTo ?code ; cloom:match ?match }"""
_HAS = """SELECT ?organisation ?code ?match WHERE {
  ?organisation cloom:sectorTag ?tag ; a cloom:Organisation .
  ?mapping cloom:mapsFrom ?tag ; cloom:mapsTo ?code ; cloom:match ?match }"""
_WITHIN = "SELECT ?narrow ?wide WHERE { ?narrow cloom:within ?wide }"
_LOCATED = """SELECT ?organisation ?region WHERE {
  ?organisation cloom:sectorTag ?tag ; a cloom:Organisation ; cloom:locatedIn ?region .
  ?region cloom:level ?level . FILTER (?level < 3) }"""
_MEMBERS = """SELECT ?organisation ?partnership WHERE { ?partnership a cloom:Partnership ;
  cloom:participant ?organisation . ?organisation cloom:sectorTag ?tag }"""
_MEASURED = """SELECT ?region ?code ?status WHERE { ?observation cloom:ofRegion ?region ;
  cloom:ofCapability ?code ; cloom:specialisationStatus ?status .
  ?region cloom:vintage ?vintage . FILTER (?vintage != "2013") }"""
_DIVISIONS = "SELECT ?code WHERE { ?observation cloom:ofCapability ?code } GROUP BY ?code"
_LABELS = """SELECT ?thing ?label WHERE {
  VALUES ?class { cloom:Stage cloom:Region cloom:Partnership }
  ?thing a ?class ; rdfs:label ?label }"""

Measured = Mapping[str, str]
"""Division -> specialisation status in a region."""

Status = tuple[str, str]
"""Coverage status and its basis: organisation, employment or blank."""


def assess(
    answer: Answer | None, required: Codes, division: Mapping[str, str], measured: Measured
) -> Status:
    """Status of one stage in one region from the best answer of its organisations and from the
    specialisation status of the divisions measured there.

    >>> required: Codes = {"26.1": "broad", "27": "exact"}
    >>> division = {"26.1": "26", "27": "27", "26": "26"}
    >>> assess("covered", required, division, {})
    ('covered', 'organisation')
    >>> assess(None, required, division, {"27": "specialised", "26": "not"})
    ('covered', 'employment')
    >>> assess(None, required, division, {"27": "not", "26": "specialised"})
    ('weak', 'employment')
    >>> assess(None, required, division, {"27": "not", "26": "not"})
    ('missing', 'employment')
    >>> assess(None, required, division, {"27": "not"})
    ('unknown', '')
    """
    statuses = {code: measured.get(division.get(code, ""), "unknown") for code in required}
    whole = {
        code for code, match in required.items() if match != "broad" and division.get(code) == code
    }
    if answer == "covered":
        return "covered", "organisation"
    if any(statuses[code] == "specialised" for code in whole):
        return "covered", "employment"
    if answer == "weak":
        return "weak", "organisation"
    if any(status in {"specialised", "borderline"} for status in statuses.values()):
        return "weak", "employment"
    if set(statuses.values()) == {"not"}:
        return "missing", "employment"
    return "unknown", ""


def derive(store: ox.Store) -> Iterator[Statement]:
    """A StageCoverage for each stage and region that is measured or has an actor, one for each
    partnership with covered or weak stages (a list of members is never taken as complete), and
    a direct `cloom:covers` from whatever covers a stage."""
    wider, narrower = _groups(store, _WITHIN), defaultdict(set)
    for narrow, wides in wider.items():
        for wide in wides:
            narrower[wide].add(narrow)
    actors = Actors(wider, narrower)
    for organisation, code, match in select(store, _HAS):
        actors.add(organisation, code, cast(Match, match))
    stages: dict[str, dict[str, Match]] = defaultdict(dict)
    for stage, code, match in select(store, _REQUIRES):
        stages[stage][code] = best([cast(Match, match), stages[stage].get(code, "broad")])
    divisions = {code for (code,) in select(store, _DIVISIONS)}
    division = {d: d for d in divisions}
    division |= {c: d for c, wides in wider.items() for d in wides & divisions}
    measured: dict[str, dict[str, str]] = defaultdict(dict)
    for region, code, status in select(store, _MEASURED):
        measured[region][code] = status
    label: dict[str, str] = {}
    for thing, text in select(store, _LABELS):
        label[thing] = text
    regions = _groups(store, _LOCATED)
    partnerships = _groups(store, _MEMBERS)
    everywhere = sorted(set().union(*regions.values()) | set(measured))
    for stage, required in stages.items():
        organisations = actors.of_stage(required)
        for organisation, answer in organisations.items():
            if answer == "covered":
                yield from Node(organisation, "derived").link("covers", stage)
        in_region, in_partnership = (
            _spread(organisations, regions),
            _spread(organisations, partnerships),
        )
        for region in everywhere:
            found = assess(in_region.get(region), required, division, measured.get(region, {}))
            yield from _statements(stage, region, "ofRegion", found, label)
        for partnership, answer in in_partnership.items():
            found = answer, "organisation"
            yield from _statements(stage, partnership, "ofPartnership", found, label)


def _spread(
    organisations: Mapping[str, Answer], places: Mapping[str, set[str]]
) -> dict[str, Answer]:
    found: dict[str, Answer] = {}
    for organisation, answer in organisations.items():
        for place in places.get(organisation, ()):
            if found.get(place) != "covered":
                found[place] = answer
    return found


def _statements(
    stage: str, subject: str, link: str, found: Status, label: Mapping[str, str]
) -> Node:
    key = f"{stage.rsplit('/', 1)[1]}--{subject.rsplit('/', 1)[1]}"
    node = Node(ns.thing("stage-coverage", key), "derived").a("StageCoverage")
    node.label(f"{label.get(stage, stage)} in {label.get(subject, subject)}")
    node.link("ofStage", stage).link(link, subject)
    node.text("coverageStatus", found[0]).text("coverageBasis", found[1])
    if found[0] == "covered":
        node.about(subject).link("covers", stage)
    return node.text("ruleVersion", f"stage-coverage {VERSION}")


def _groups(store: ox.Store, query: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for key, value in select(store, query):
        found[key].add(value)
    return found

"""Benchmark `statements`: writing N-Quads through terms and Node against pyoxigraph's objects.

The same rows are written as the same statements three ways; the peer is given what a careful
user of pyoxigraph would do: constant nodes are made once. All
of them stream, so that no list of statements weighs on one of them.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from typing import NamedTuple

import pyoxigraph as ox

from clusterloom import namespaces as ns
from clusterloom import terms
from clusterloom.loaders import registry
from clusterloom.loaders.node import Node
from clusterloom.loaders.runner import quad
from clusterloom.ontology import vocabulary
from clusterloom.terms import Statement

from .measure import OURS, Measurement, Outcome, medians

PEER = "pyoxigraph objects"
FAMILY = "bench"
KIND = "asserted"
CLASS = "ClusterOrganisation"


class Organisation(NamedTuple):
    """The values of one row; every one is given."""

    iri: str
    name: str
    country: str
    region: str
    website: str
    year: str


def run(statements: int, repetitions: int) -> Outcome:
    """Measures about that many statements made of the rows of the cluster table, repeated."""
    per_row = len(vocabulary.superclasses(CLASS)) + 5
    table = list(islice(organisations(), max(1, statements // per_row)))
    peer = _writing(by_objects, table)
    expected = _parsed(peer())
    measurements = []
    for name, write in (("terms", by_terms), ("terms and Node", by_node)):
        ours = _writing(write, table)
        seconds = medians({OURS: ours, PEER: peer}, repetitions)
        agree = _parsed(ours()) == expected
        measurements.append(Measurement(name, "", per_row * len(table), agree, seconds))
    return Outcome("statements", "Writing N-Quads from rows", "statements", measurements)


def organisations() -> Iterator[Organisation]:
    """The rows of the cluster table that have every value, over and over."""
    with open(registry.data_folder() / "clusters.csv", encoding="utf-8", newline="") as table:
        full = [
            Organisation(
                ns.thing("org", ns.short_hash(row["name"], 10)),
                row["name"],
                ns.thing("country", ns.iso_country(row["country"])),
                ns.thing("region", row["nuts2_code"]),
                row["website"],
                str(1990 + number % 30),
            )
            for number, row in enumerate(csv.DictReader(table))
            if row["country"] and row["nuts2_code"] and row["website"]
        ]
    return cycle(full)


def by_terms(table: list[Organisation]) -> bytes:
    """Serialised terms of the kernel, put into statements and lines."""
    types = [terms.iri(ns.term(name)) for name in vocabulary.superclasses(CLASS)]
    a, name, country, region, website, year = (f"<{iri}>" for iri in _PREDICATES)

    def made() -> Iterator[Statement]:
        for row in table:
            subject = terms.iri(row.iri)
            for term in types:
                yield Statement(KIND, subject, a, term)
            yield Statement(KIND, subject, name, terms.text(row.name))
            yield Statement(KIND, subject, country, terms.iri(row.country))
            yield Statement(KIND, subject, region, terms.iri(row.region))
            yield Statement(KIND, subject, website, terms.iri(row.website))
            yield Statement(KIND, subject, year, terms.year(row.year))

    return b"".join(quad(FAMILY, statement) for statement in made())


def by_node(table: list[Organisation]) -> bytes:
    """As every loader does it."""

    def made() -> Iterator[Statement]:
        for row in table:
            node = Node(row.iri, KIND).a(CLASS).text("name", row.name)
            node.link("inCountry", row.country).link("locatedIn", row.region)
            yield from node.link("website", row.website).when("start", row.year)

    return b"".join(quad(FAMILY, statement) for statement in made())


def by_objects(table: list[Organisation]) -> bytes:
    """Quad objects and the serialiser of pyoxigraph."""
    types = [ox.NamedNode(ns.term(name)) for name in vocabulary.superclasses(CLASS)]
    a, name, country, region, website, year = (ox.NamedNode(iri) for iri in _PREDICATES)
    integer = ox.NamedNode(ns.PREFIXES["xsd"] + "integer")
    graph = ox.NamedNode(ns.graph(FAMILY, KIND))

    def made() -> Iterator[ox.Quad]:
        for row in table:
            subject = ox.NamedNode(row.iri)
            for term in types:
                yield ox.Quad(subject, a, term, graph)
            yield ox.Quad(subject, name, ox.Literal(row.name), graph)
            yield ox.Quad(subject, country, ox.NamedNode(row.country), graph)
            yield ox.Quad(subject, region, ox.NamedNode(row.region), graph)
            yield ox.Quad(subject, website, ox.NamedNode(row.website), graph)
            yield ox.Quad(subject, year, ox.Literal(row.year, datatype=integer), graph)

    return ox.serialize(made(), format=ox.RdfFormat.N_QUADS) or b""


_PREDICATES = [
    ns.expand(name)
    for name in ("rdf:type", "name", "inCountry", "locatedIn", "website", "startYear")
]


def _writing(
    write: Callable[[list[Organisation]], bytes], table: list[Organisation]
) -> Callable[[], bytes]:
    return lambda: write(table)


def _parsed(nquads: bytes) -> list[str]:
    return sorted(str(q) for q in ox.parse(nquads, format=ox.RdfFormat.N_QUADS))

"""`/catalog`: the DCAT-AP catalogue of the served release, with the addresses of this server.

The catalogue that lies beside a release names everything by our permanent IRIs. What is sent
leads to this server instead wherever something can be fetched, and lists the releases kept here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import pyoxigraph as ox

from clusterloom.api.serving import Served
from clusterloom.errors import NotFound
from clusterloom.namespaces import BASE, PREFIXES, expand
from clusterloom.store.release import Release, releases

CATALOG = BASE + "catalog"
DATASET = CATALOG + "#dataset"
"""The dataset for ever; each release is a version of it."""

SPDX = "http://spdx.org/rdf/terms#"

_TYPE = ox.NamedNode(expand("rdf:type"))
_FETCHED = frozenset(
    ox.NamedNode(expand(name))
    for name in (
        "dcat:accessURL",
        "dcat:downloadURL",
        "dcat:endpointURL",
        "dcat:endpointDescription",
        "dcat:landingPage",
        "foaf:homepage",
        "void:dataDump",
        "void:sparqlEndpoint",
    )
)
"""Properties whose values are addresses, where a name would not do."""
_PLACES = frozenset(ox.NamedNode(expand(name)) for name in ("rdfs:Resource", "foaf:Document"))
"""Classes of what such a property leads to: an address is one as well."""


def catalog_of(release: Release) -> tuple[ox.Triple, ...]:
    """The triples of the catalogue beside a release; none where a release has no catalogue."""
    path = release.path / "catalog.ttl"
    return _read(path) if path.is_file() else ()


@lru_cache(maxsize=4)
def _read(path: Path) -> tuple[ox.Triple, ...]:
    return tuple(quad.triple for quad in ox.parse(path=path, format=ox.RdfFormat.TURTLE))


def catalogue(served: Served, public_url: str) -> list[ox.Triple]:
    """The catalogue as this server gives it out."""
    triples = catalog_of(served.release)
    if not triples:
        raise NotFound(f"release {served.release.id} was built without a catalogue")
    return at_server([*triples, *_versions(served.release)], public_url)


def at_server(triples: Iterable[ox.Triple], public_url: str) -> list[ox.Triple]:
    """The triples with our permanent IRIs turned into addresses of this server wherever the
    property wants something to fetch; names stay as they are."""
    held = list(triples)
    fetched = {_name(t.object) for t in held if _is_fetched(t)}
    out: dict[ox.Triple, None] = {}
    for triple in held:
        subject, value = triple.subject, triple.object
        if _is_fetched(triple):
            value = _address(value, public_url)
        elif triple.predicate == _TYPE and value in _PLACES and _name(subject) in fetched:
            subject = _address(subject, public_url)
        out[ox.Triple(subject, triple.predicate, value)] = None
    return list(out)


def _is_fetched(triple: ox.Triple) -> bool:
    return triple.predicate in _FETCHED and isinstance(triple.object, ox.NamedNode)


def _name(term: object) -> str:
    return term.value if isinstance(term, ox.NamedNode) else ""


def _address(term: object, public_url: str) -> ox.NamedNode:
    iri = _name(term)
    inside = iri.startswith(BASE)
    return ox.NamedNode(f"{public_url}/{iri.removeprefix(BASE)}" if inside else iri)


def _versions(served: Release) -> Iterable[ox.Triple]:
    """Every release kept here as a version of the dataset."""
    whole = ox.NamedNode(DATASET)
    for release in releases(served.path.parent):
        version = ox.NamedNode(f"{BASE}release/{release.id}")
        title = ox.Literal(f"Clusterloom, release {release.id}", language="en")
        yield ox.Triple(whole, _node("dcat:hasVersion"), version)
        if release.id != served.id:
            yield ox.Triple(version, _TYPE, _node("dcat:Dataset"))
            yield ox.Triple(version, _node("dcterms:title"), title)
            yield ox.Triple(version, _node("dcterms:description"), title)
            yield ox.Triple(version, _node("dcterms:identifier"), ox.Literal(release.id))


def _node(name: str) -> ox.NamedNode:
    return ox.NamedNode(expand(name))


def prefixes(triples: Sequence[ox.Triple]) -> dict[str, str]:
    """The prefixes that a document of these triples is written with."""
    used = {t.predicate.value for t in triples}
    used |= {_name(t.object) for t in triples if t.predicate == _TYPE}
    known = {**PREFIXES, "spdx": SPDX}
    return {p: iri for p, iri in known.items() if any(u.startswith(iri) for u in used)}

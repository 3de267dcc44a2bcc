"""What stands beside the things: named graphs, releases and error types, as descriptions.

Their IRIs are `graph/<source>/<kind>`, `release/<id>` and `problems/<slug>` under our base.
"""

from __future__ import annotations

import http
import inspect
from collections.abc import Iterable

import pyoxigraph as ox

from clusterloom import terms
from clusterloom.api.catalog import catalog_of
from clusterloom.api.describe import Description, Statement, describe
from clusterloom.api.gate import closed_graphs
from clusterloom.api.labels import labels_of
from clusterloom.api.rows import XSD, Cell
from clusterloom.api.serving import Served
from clusterloom.api.signposting import iri_at
from clusterloom.errors import ClusterloomError, NotFound
from clusterloom.namespaces import BASE, META_GRAPH, PREFIXES, expand
from clusterloom.nearest import hint
from clusterloom.store.release import open_release

_HTTP = (404, 405, 406, 413, 415, 500)
"""Statuses that the framework itself answers with, named by their phrase."""


async def named(served: Served, kind: str, key: str) -> Description:
    """The description of a graph, a release or an error type; NotFound (or Gone) else."""
    iri = iri_at(kind, key)
    try:
        terms.iri(iri)
    except terms.BadTerm:
        raise NotFound(f"there is no {kind}/{key}", kind=kind, key=key) from None
    if kind == "graph":
        return await _graph(served, iri, key)
    if kind == "release":
        return await _release(served, iri, key)
    return _problem(iri, key)


def graph_data(iri: str) -> str:
    """The query that gives all triples of a graph; `/sparql?query=` answers it in any format."""
    return f"CONSTRUCT {{ ?s ?p ?o }} WHERE {{ GRAPH {terms.iri(iri)} {{ ?s ?p ?o }} }}"


async def is_open_graph(served: Served, iri: str) -> bool:
    """Whether the triples of the graph may be given away."""
    return iri not in await closed_graphs(served)


async def _graph(served: Served, iri: str, key: str) -> Description:
    found = await describe(served, iri)
    if found is None and iri != META_GRAPH:
        rows = await served.select(f"ASK {{ GRAPH {terms.iri(iri)} {{ ?s ?p ?o }} }}")
        if not rows:
            raise NotFound(f"this release has no graph {key!r}", kind="graph", key=key)
    facts: list[tuple[str, Cell]] = []
    if found is None:
        what = "what each source, rule and graph is" if iri == META_GRAPH else key
        facts.append(("rdf:type", Cell("uri", expand("prov:Entity"))))
        facts.append(("rdfs:label", Cell("literal", f"Graph {key}: {what}", "", "en")))
    counts = served.report.get("void", {}).get("graphs", {})
    if iri in counts:
        facts.append(("void:triples", _integer(counts[iri]["triples"])))
    facts.append(("dcterms:isPartOf", Cell("uri", f"{BASE}release/{served.release.id}")))
    extra = _statements(facts)
    if found is None:
        return Description(iri, extra, (), {}, {})
    statements = tuple(sorted((*found.statements, *extra), key=lambda s: (s.predicate, s.value)))
    return Description(iri, statements, found.incoming, found.labels, found.graphs)


async def _release(served: Served, iri: str, key: str) -> Description:
    release = open_release(served.release.path.parent, key)
    if release.id != served.release.id:
        # its own catalogue may be older than this software; the report always says enough
        report = release.report()
        facts = [
            ("rdf:type", Cell("uri", expand("dcat:Dataset"))),
            ("rdfs:label", Cell("literal", f"Clusterloom, release {key}", "", "en")),
            ("dcterms:identifier", Cell("literal", key)),
            ("void:triples", _integer(report["triples"])),
        ]
        if previous := report.get("previous"):
            facts.append(("prov:wasRevisionOf", Cell("uri", f"{BASE}release/{previous}")))
        return Description(iri, _statements(facts), (), {}, {})
    name = ox.NamedNode(iri)
    cells = [
        (triple.predicate.value, cell)
        for triple in catalog_of(release)
        if triple.subject == name and (cell := _cell(triple.object)) is not None
    ]
    label = Cell("literal", f"Clusterloom, release {key}", "", "en")
    facts = [("rdfs:label", label), ("void:triples", _integer(served.report["triples"]))]
    every = {*_statements(facts), *(Statement(p, cell, ()) for p, cell in cells)}
    linked = [cell.value for _, cell in cells if cell.is_iri]
    statements = tuple(sorted(every, key=lambda s: (s.predicate, s.value)))
    return Description(iri, statements, (), await labels_of(served, linked), {})


def problems() -> dict[str, tuple[str, int, str]]:
    """Every error type by its slug: title, status and what it means."""
    found = {}
    for status in _HTTP:
        phrase = http.HTTPStatus(status)
        slug = phrase.phrase.lower().replace(" ", "-").replace("'", "")
        found[slug] = phrase.phrase.capitalize(), status, phrase.description or phrase.phrase
    for kind in _classes(ClusterloomError):
        said = inspect.cleandoc(kind.__doc__ or "").partition("\n\n")[0].replace("\n", " ")
        found[kind.slug] = kind.title, kind.status, said
    return dict(sorted(found.items()))


def _problem(iri: str, slug: str) -> Description:
    known = problems()
    if slug not in known:
        raise NotFound(f"there is no error type {slug!r}{hint(slug, list(known))}", kind="problems")
    title, status, meaning = known[slug]
    facts = [
        ("rdf:type", Cell("uri", expand("skos:Concept"))),
        ("rdfs:label", Cell("literal", title, "", "en")),
        ("skos:definition", Cell("literal", meaning, "", "en")),
        ("skos:notation", Cell("literal", slug)),
        ("skos:note", Cell("literal", f"HTTP status {status}", "", "en")),
    ]
    return Description(iri, _statements(facts), (), {}, {})


def _classes(base: type[ClusterloomError]) -> Iterable[type[ClusterloomError]]:
    if base is not ClusterloomError:
        yield base
    for child in base.__subclasses__():
        yield from _classes(child)


def _statements(facts: Iterable[tuple[str, Cell]]) -> tuple[Statement, ...]:
    return tuple(Statement(expand(name), cell, ()) for name, cell in facts)


def _integer(value: int) -> Cell:
    return Cell("literal", str(value), XSD + "integer")


def _cell(term: object) -> Cell | None:
    """A term of the catalogue; None for a blank node, which has no name to be asked by."""
    if isinstance(term, ox.NamedNode):
        return Cell("uri", term.value)
    if not isinstance(term, ox.Literal):
        return None
    plain = term.datatype.value in {XSD + "string", PREFIXES["rdf"] + "langString"}
    return Cell("literal", term.value, "" if plain else term.datatype.value, term.language or "")

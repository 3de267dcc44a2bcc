"""A description as RDF: Turtle, N-Triples, RDF/XML, JSON-LD and plain nested JSON."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import orjson
import pyoxigraph as ox

from clusterloom.api import jsonld
from clusterloom.api.describe import Description
from clusterloom.api.rows import Cell, compact, key_of
from clusterloom.namespaces import PREFIXES
from clusterloom.ontology import vocabulary

TYPES = {
    "ttl": "text/turtle",
    "jsonld": "application/ld+json",
    "nt": "application/n-triples",
    "rdf": "application/rdf+xml",
    "json": "application/json",
}
"""Suffix -> media type of the data of a thing; the first one is for clients without a wish."""

_FORMATS = {
    "ttl": ox.RdfFormat.TURTLE,
    "nt": ox.RdfFormat.N_TRIPLES,
    "rdf": ox.RdfFormat.RDF_XML,
}
_LABEL = PREFIXES["rdfs"] + "label"
_XML_NAME = re.compile(r"[^\W\d][\w.\-]*$")


@dataclass(frozen=True)
class Written:
    """A document, and in words what was left out of it; blank when it is whole."""

    body: bytes
    cut: str


def write(
    description: Description, suffix: str, address: str, release: str, public_url: str = ""
) -> Written:
    """The description in the format of that suffix; `address` is where it is served.

    RDF/XML has no way to write a predicate that does not end in an XML name: such statements are
    left out of it, and the document says so. JSON-LD refers to the context at the `public_url`
    where one is given.
    """
    left = unnameable(description) if suffix == "rdf" else []
    said = [description.cut] if description.cut else []
    if left:
        said.append(f"RDF/XML cannot write {', '.join(f'<{p}>' for p in left)}; see another format")
        description = _without(description, left)
    cut = "; ".join(said)
    about = list(_about(description, release, cut))
    if suffix == "json":
        body = orjson.dumps(nested(description, release), option=orjson.OPT_INDENT_2)
        return Written(body, cut)
    if suffix == "jsonld":
        document = jsonld.document(description, about, address, public_url)
        return Written(orjson.dumps(document, option=orjson.OPT_INDENT_2), cut)
    triples = "".join(sorted(set(_lines(description, about, address))))
    parsed = [quad.triple for quad in ox.parse(triples, format=ox.RdfFormat.N_TRIPLES)]
    used = {p: iri for p, iri in PREFIXES.items() if f"<{iri}" in triples}
    written = ox.serialize(parsed, format=_FORMATS[suffix], prefixes=used)
    assert written is not None
    return Written(written, cut)


def unnameable(description: Description) -> list[str]:
    """The predicates of the description that RDF/XML cannot write, in alphabetical order."""
    predicates = {s.predicate for s in description.statements}
    predicates |= {found.predicate for found in description.incoming}
    return sorted(p for p in predicates if not xml_nameable(p))


def xml_nameable(predicate: str) -> bool:
    """Whether the IRI ends in an XML name, which RDF/XML needs of a predicate.

    >>> xml_nameable("http://example.org/p"), xml_nameable("http://example.org/1")
    (True, False)
    """
    return bool(_XML_NAME.search(predicate))


def _without(description: Description, predicates: list[str]) -> Description:
    return replace(
        description,
        statements=tuple(s for s in description.statements if s.predicate not in predicates),
        incoming=tuple(i for i in description.incoming if i.predicate not in predicates),
    )


def _about(description: Description, release: str, cut: str) -> Iterator[tuple[str, Cell]]:
    """What is said of the document: its release, the datasets it draws on, where it was cut."""
    yield PREFIXES["owl"] + "versionInfo", Cell("literal", release)
    for dataset in description.datasets:
        yield PREFIXES["dcterms"] + "source", Cell("uri", dataset)
    if cut:
        yield PREFIXES["rdfs"] + "comment", Cell("literal", cut, "", "en")


def _lines(description: Description, about: list[tuple[str, Cell]], address: str) -> Iterator[str]:
    thing, page = Cell("uri", description.iri), Cell("uri", address)

    def line(subject: Cell, predicate: str, value: Cell) -> str:
        return f"{subject.written()} <{predicate}> {value.written()} .\n"

    for statement in description.statements:
        yield line(thing, statement.predicate, statement.value)
        if statement.value.is_iri and statement.value.value in description.labels:
            label = description.labels[statement.value.value]
            # classes are named in the ontology; their labels are no part of a thing
            if statement.predicate != PREFIXES["rdf"] + "type":
                yield line(statement.value, _LABEL, label)
    for incoming in description.incoming:
        for subject in incoming.subjects:
            yield line(Cell("uri", subject), incoming.predicate, thing)
            if subject in description.labels:
                yield line(Cell("uri", subject), _LABEL, description.labels[subject])
    yield line(thing, PREFIXES["foaf"] + "isPrimaryTopicOf", page)
    yield line(page, PREFIXES["rdf"] + "type", Cell("uri", PREFIXES["foaf"] + "Document"))
    for predicate, value in about:
        yield line(page, predicate, value)


def nested(description: Description, release: str) -> dict[str, Any]:
    """The thing as plain JSON: facts by property name, links with labels, links in with counts."""
    facts: dict[str, list[Any]] = defaultdict(list)
    for statement in description.statements:
        name = compact(statement.predicate)
        if name not in {"rdf:type", "rdfs:label"}:
            facts[name].append(_plain(statement.value, description))
    return {
        "id": key_of(description.iri),
        "iri": description.iri,
        "label": description.label,
        "types": types_of(description),
        "facts": dict(sorted(facts.items())),
        "incoming": {
            compact(found.predicate): {
                "total": found.count,
                "items": [link(s, description) for s in found.subjects],
            }
            for found in description.incoming
        },
        "sources": [
            {"id": key_of(iri), "iri": iri, "label": title}
            for iri, title in description.datasets.items()
        ],
        "complete": not description.cut,
        "release": release,
    }


def types_of(description: Description) -> list[str]:
    """The classes of the thing, the most special first."""
    names = {compact(cell.value) for cell in description.values(PREFIXES["rdf"] + "type")}
    return sorted(names, key=lambda n: (-_depth(n), n))


def _depth(name: str) -> int:
    return len(vocabulary.superclasses(name)) if name in vocabulary.classes() else 0


def _plain(value: Cell, description: Description) -> Any:
    return link(value.value, description) if value.is_iri else value.plain()


def link(iri: str, description: Description) -> dict[str, Any]:
    """A linked thing with its id, IRI and label."""
    label = description.labels.get(iri)
    return {"id": key_of(iri), "iri": iri, "label": label.value if label else None}

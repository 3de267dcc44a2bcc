"""The JSON-LD 1.1 context, made from the vocabulary; run with `--write` to renew the file.

Every term stands under its local name. Values of object properties are IRIs; values of data
properties with one datatype other than xsd:string carry it, so that a plain JSON string or number
is read as that type. A property that may repeat is always an array (`@container: @set`), a single
value stands plain: single is what the ontology declares functional, and a data property of which
some shape allows one value at most. Write decimals as JSON strings: JSON-LD turns a JSON number
with a fraction into exponent notation, which xsd:decimal does not allow.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pyoxigraph as ox

from clusterloom.namespaces import CLOOM, PREFIXES
from clusterloom.ontology import vocabulary
from clusterloom.ontology.modules import room

_XSD = PREFIXES["xsd"]
_LINKS = (
    "dcterms:source",
    "dcterms:license",
    "foaf:page",
    "geo:hasCentroid",
    "owl:sameAs",
    "qb:dataSet",
    "rdfs:isDefinedBy",
    "rdfs:seeAlso",
    "skos:broader",
    "skos:broadMatch",
    "skos:closeMatch",
    "skos:exactMatch",
    "skos:inScheme",
    "skos:narrowMatch",
    "skos:relatedMatch",
    "skos:topConceptOf",
)


_TEXTS = (
    "dcterms:description",
    "dcterms:publisher",
    "skos:altLabel",
    "skos:definition",
    "skos:notation",
    "skos:prefLabel",
)
_ONE = frozenset({"geo:hasCentroid", "geo:asWKT", "rdfs:label", "rdfs:isDefinedBy"})
"""Terms of others of which a thing of ours has one value."""


def single_valued() -> frozenset[str]:
    """The properties of ours that a thing has once at most, by local name."""
    sh = PREFIXES["sh"]
    path, most = ox.NamedNode(sh + "path"), ox.NamedNode(sh + "maxCount")
    shapes = ox.Dataset(
        quad
        for file in sorted((room() / "shapes").glob("*.ttl"))
        for quad in ox.parse(path=file, format=ox.RdfFormat.TURTLE)
    )
    once = {
        value.object
        for limit in shapes.quads_for_predicate(most)
        if limit.object.value == "1"  # type: ignore[union-attr]
        for value in shapes.quads_for_subject(limit.subject)
        if value.predicate == path
    }
    bounded = {
        name
        for name in vocabulary.properties()
        if vocabulary.property_kind(name) == "data" and ox.NamedNode(CLOOM + name) in once
    }
    functional = ox.NamedNode(PREFIXES["owl"] + "FunctionalProperty")
    declared = {
        quad.subject.value.removeprefix(CLOOM)
        for quad in vocabulary.ontology_quads()
        if quad.object == functional and isinstance(quad.subject, ox.NamedNode)
    }
    return frozenset(bounded | (declared & vocabulary.properties()))


def context() -> dict[str, Any]:
    """The context as a JSON object, prefixes first, then terms in alphabetical order."""
    entries: dict[str, Any] = {"@version": 1.1, "id": "@id", "type": "@type"}
    entries |= PREFIXES
    entries |= {name: {"@id": name, "@type": "@id"} | _array(name in _ONE) for name in _LINKS}
    entries |= {name: {"@id": name} | _array(single=False) for name in _TEXTS}
    entries["geo:asWKT"] = {"@id": "geo:asWKT", "@type": "geo:wktLiteral"}
    once = single_valued()
    for name, term in vocabulary.terms().items():
        if term.kind == "class":
            entries[name] = CLOOM + name
        else:
            datatype = _coercion(term)
            coerced = {"@type": datatype} if datatype else {}
            entries[name] = {"@id": CLOOM + name} | coerced | _array(name in once)
    return {"@context": entries}


def _array(single: bool) -> dict[str, str]:
    return {} if single else {"@container": "@set"}


def _coercion(term: vocabulary.Term) -> str:
    """The `@type` of a property, or nothing where values speak for themselves."""
    if term.kind == "object":
        return "@id"
    types = [iri for iri in term.ranges if iri.startswith(_XSD) and iri != _XSD + "string"]
    return f"xsd:{types[0].removeprefix(_XSD)}" if types else ""


def rendered() -> str:
    """The text of `context.jsonld`."""
    return json.dumps(context(), indent=2, ensure_ascii=False) + "\n"


def path() -> Path:
    """Where the committed context lies."""
    return room() / "context.jsonld"


def main(arguments: list[str]) -> int:
    """Prints the context, or writes it with `--write`; 2 for any other argument."""
    if arguments == ["--write"]:
        path().write_text(rendered(), encoding="utf-8")
    elif arguments:
        print("usage: python -m clusterloom.ontology.context [--write]", file=sys.stderr)
        return 2
    else:
        print(rendered(), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

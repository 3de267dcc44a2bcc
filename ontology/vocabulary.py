"""What the ontology declares, read once from the Turtle modules and answered from memory.

Names are local names: `SME` stands for `https://w3id.org/clusterloom/ontology#SME`. A name that
the ontology does not declare raises `UnknownTerm` (a KeyError) that names the nearest valid one.
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from typing import Literal, NamedTuple

import pyoxigraph as ox

from clusterloom.namespaces import CLOOM, PREFIXES
from clusterloom.ontology import modules as _modules

modules = _modules.modules
ontology_quads = _modules.ontology_quads

Kind = Literal["object", "data", "annotation"]

_RDF, _RDFS, _OWL, _SKOS = (PREFIXES[p] for p in ("rdf", "rdfs", "owl", "skos"))
_TYPE = ox.NamedNode(_RDF + "type")
_KINDS: dict[str, Kind | Literal["class"]] = {
    _OWL + "Class": "class",
    _OWL + "ObjectProperty": "object",
    _OWL + "DatatypeProperty": "data",
    _OWL + "AnnotationProperty": "annotation",
}


class UnknownTerm(KeyError):
    """The name is not declared in the ontology; the message names the nearest one that is."""

    def __str__(self) -> str:
        return str(self.args[0])


class Term(NamedTuple):
    """One declared class or property."""

    kind: Kind | Literal["class"]
    label: str
    definition: str
    supers: frozenset[str]
    ranges: tuple[str, ...]


@cache
def terms() -> dict[str, Term]:
    """Every declared class and property by local name, in alphabetical order."""
    kinds: dict[str, Kind | Literal["class"]] = {}
    values: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for quad in ontology_quads():
        subject, value = quad.subject, quad.object
        if not isinstance(subject, ox.NamedNode) or not isinstance(
            value, ox.NamedNode | ox.Literal
        ):
            continue
        name = subject.value.removeprefix(CLOOM)
        if quad.predicate == _TYPE and value.value in _KINDS and name != subject.value:
            kinds[name] = _KINDS[value.value]
        values[name, quad.predicate.value].append(value.value)
    return {
        name: Term(
            kind=kinds[name],
            label="".join(values[name, _RDFS + "label"]),
            definition="".join(values[name, _SKOS + "definition"]),
            supers=frozenset(
                iri.removeprefix(CLOOM)
                for iri in values[name, _RDFS + "subClassOf"]
                if iri.startswith(CLOOM)
            ),
            ranges=tuple(values[name, _RDFS + "range"]),
        )
        for name in sorted(kinds)
    }


def nearest(name: str, pool: Iterable[str]) -> str | None:
    """The member of the pool that looks most like the name; None when none is near.

    >>> nearest("locatedin", ["locatedIn", "pic"])
    'locatedIn'
    """
    by_fold = {candidate.lower(): candidate for candidate in sorted(pool, reverse=True)}
    close = difflib.get_close_matches(name.lower(), list(by_fold), n=1, cutoff=0.6)
    return by_fold[close[0]] if close else None


def _unknown(name: str, what: str, pool: Iterable[str]) -> UnknownTerm:
    near = nearest(name, pool)
    hint = f"; the nearest declared {what} is {near!r}" if near else ""
    return UnknownTerm(f"the ontology declares no {what} {name!r}{hint}")


def term_of(name: str) -> Term:
    """What is declared of a class or property; raises UnknownTerm."""
    if name not in terms():
        raise _unknown(name, "term", terms())
    return terms()[name]


@cache
def classes() -> frozenset[str]:
    """Local names of all classes."""
    return frozenset(name for name, term in terms().items() if term.kind == "class")


@cache
def properties() -> frozenset[str]:
    """Local names of all properties of every kind."""
    return frozenset(terms()) - classes()


@cache
def superclasses(name: str) -> tuple[str, ...]:
    """The class and all its superclasses in our namespace, sorted; raises UnknownTerm.

    >>> superclasses("ESCP4iPartnership")
    ('ESCP4iPartnership', 'ESCPPartnership', 'Partnership')
    """
    if name not in classes():
        raise _unknown(name, "class", classes())
    above = {name}
    for parent in terms()[name].supers:
        above.update(superclasses(parent))
    return tuple(sorted(above))


def property_kind(name: str) -> Kind:
    """Whether the property takes things, literals or anything; raises UnknownTerm.

    >>> property_kind("inChain"), property_kind("pic")
    ('object', 'data')
    """
    if name not in properties():
        raise _unknown(name, "property", properties())
    kind = terms()[name].kind
    assert kind != "class"
    return kind


def definition(name: str) -> str:
    """The one-sentence definition of a class or property; raises UnknownTerm."""
    return term_of(name).definition


def label(name: str) -> str:
    """The English label of a class or property; raises UnknownTerm."""
    return term_of(name).label

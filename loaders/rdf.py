"""RDF files that the operator adds (`--add rdf=FILE|FOLDER`); they need no vocabulary of ours.

They do not fit the contract of rows, so `run_rdf` stands beside `runner.run_source` and gives
the same: `<folder>/rdf.nq.gz` and a `Loaded`, in which a row is a statement of a file.
"""

from __future__ import annotations

import gzip
import time
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, cast

import pyoxigraph as ox

from clusterloom import namespaces as ns
from clusterloom.errors import DataRefused
from clusterloom.loaders.runner import Loaded, sha256_of, write_family
from clusterloom.loaders.skolem import Skolemiser, blank_nodes

FORMATS = {
    ".ttl": ox.RdfFormat.TURTLE,
    ".nt": ox.RdfFormat.N_TRIPLES,
    ".nq": ox.RdfFormat.N_QUADS,
    ".trig": ox.RdfFormat.TRIG,
    ".rdf": ox.RdfFormat.RDF_XML,
    ".owl": ox.RdfFormat.RDF_XML,
    ".jsonld": ox.RdfFormat.JSON_LD,
}
"""File name extension -> format; `.gz` may follow."""

DEFAULT_GRAPH = ox.NamedNode(ns.graph("rdf", "asserted"))
_CHUNK = 5000


def run_rdf(path: Path, folder: Path) -> Loaded:
    """Loads a file, or every RDF file below a folder (files of other kinds are left alone).

    Named graphs keep their IRI, the default graph becomes `graph/rdf/asserted`, blank nodes get
    stable IRIs under `.well-known/genid/`. Statements without blank nodes are streamed; those
    with them are held for one file at a time. Raises DataRefused, naming file and line, for a
    file that does not parse, a JSON-LD context at a web address (nothing is ever fetched),
    triple terms, and for a named graph that belongs to this build.
    """
    began = time.monotonic()
    loaded = Loaded("rdf", input_sha256=sha256_of(path), kinds={"asserted"})
    lines = _lines(path, loaded)
    loaded.family_sha256 = write_family(folder / "rdf.nq.gz", lines, loaded)
    loaded.mapped = loaded.read
    loaded.seconds = time.monotonic() - began
    return loaded


def format_of(path: Path) -> ox.RdfFormat | None:
    """The format by extension, None when it is none of ours.

    >>> format_of(Path("a.ttl.gz"))
    <RdfFormat Turtle>
    """
    suffixes = path.suffixes
    if suffixes and suffixes[-1].lower() == ".gz":
        suffixes.pop()
    return FORMATS.get(suffixes[-1].lower()) if suffixes else None


def _files(path: Path) -> list[tuple[str, Path]]:
    """(name to show, file) in order of name."""
    known = ", ".join(FORMATS)
    if path.is_dir():
        found = [p for p in path.rglob("*") if p.is_file() and format_of(p)]
        if not found:
            raise DataRefused(f"{path.name}: no RDF file in this folder ({known}, each also .gz)")
        return sorted((p.relative_to(path).as_posix(), p) for p in found)
    if not path.exists():
        raise DataRefused(f"{path}: no such file")
    if not format_of(path):
        raise DataRefused(f"{path.name}: not an RDF file by its extension ({known}, each also .gz)")
    return [(path.name, path)]


def _lines(path: Path, loaded: Loaded) -> Iterator[bytes]:
    skolemiser = Skolemiser()
    for name, file in _files(path):
        quads = _quads(name, file, loaded)
        held: list[ox.Quad] = []
        while chunk := list(islice(quads, _CHUNK)):
            held.extend(q for q in chunk if blank_nodes(q))
            yield from _serialised(q for q in chunk if not blank_nodes(q))
        named = skolemiser.quads(held, sha256_of(file) if held else "")
        while chunk := list(islice(named, _CHUNK)):
            yield from _serialised(chunk)


def _serialised(quads: Iterator[ox.Quad] | list[ox.Quad]) -> list[bytes]:
    text = ox.serialize(quads, format=ox.RdfFormat.N_QUADS)
    return text.splitlines(keepends=True) if text else []


def _quads(name: str, file: Path, loaded: Loaded) -> Iterator[ox.Quad]:
    """Every quad of a file, in `graph/rdf/asserted` where the file names no graph."""
    try:
        with _opened(file) as handle:
            parsed = ox.parse(handle, format=format_of(file), rename_blank_nodes=False)
            for quad in parsed:
                loaded.read += 1
                placed = _placed(quad, name)
                graph = placed.graph_name
                if isinstance(graph, ox.NamedNode) and graph != DEFAULT_GRAPH:
                    loaded.graphs.add(graph.value)
                yield placed
    except SyntaxError as error:
        raise DataRefused(_explained(name, error)) from None
    except (OSError, EOFError, zlib.error) as error:
        raise DataRefused(f"{name}: cannot be read: {error}") from None


def _opened(file: Path) -> IO[bytes]:
    if file.suffix.lower() == ".gz":
        return cast("IO[bytes]", gzip.open(file, "rb"))
    return open(file, "rb")


def _placed(quad: ox.Quad, name: str) -> ox.Quad:
    if isinstance(quad.object, ox.Triple) or isinstance(quad.subject, ox.Triple):
        raise DataRefused(f"{name}: triple terms of RDF 1.2 are not taken: {quad.predicate}")
    graph = quad.graph_name
    if isinstance(graph, ox.DefaultGraph):
        return ox.Quad(quad.subject, quad.predicate, quad.object, DEFAULT_GRAPH)
    ours = isinstance(graph, ox.NamedNode) and graph.value.startswith(ns.GRAPH)
    if ours and graph != DEFAULT_GRAPH:
        raise DataRefused(
            f"{name}: the graph {graph} belongs to a source of this build; "
            "give the statements a graph of your own, or none"
        )
    return quad


def _explained(name: str, error: SyntaxError) -> str:
    message = str(error.msg)
    if "LoadDocumentCallback" in message:
        return (
            f"{name}: the JSON-LD context stands at a web address, and nothing is fetched; "
            "write the context into the file"
        )
    if "No scheme found" in message:
        message += "; relative IRIs need a base in the file itself"
    if error.lineno is None:
        return f"{name}: {message}"
    return f"{name}, line {error.lineno}: {message}"

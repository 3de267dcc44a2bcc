"""Alignments name only foreign terms that stand in a published file."""

from __future__ import annotations

from pathlib import Path

import pyoxigraph as ox
import pytest

from clusterloom.namespaces import CLOOM, ONTOLOGY, PREFIXES
from clusterloom.ontology.modules import read_turtle, room

SHARED = Path(__file__).resolve().parents[2] / "shared" / "ontologies"
ALIGNMENTS = sorted((room() / "alignments").glob("*.ttl"))
EXTRACTS = sorted((room() / "imports").glob("*.ttl"))
LANGUAGE = tuple(PREFIXES[p] for p in ("rdf", "rdfs", "owl", "xsd", "dcterms"))
MATCHES = {PREFIXES["skos"] + f"{name}Match" for name in ("close", "exact", "broad", "narrow")}
SEEN_ON_PAGES = PREFIXES["schema"]
"""schema.org is in no file of the shared folder; its terms are declared in the alignment."""

needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="needs the published vocabularies in ../shared/ontologies"
)


def iris(path: Path) -> set[str]:
    """Every IRI in subject, predicate or object place of a Turtle file."""
    return {
        node.value
        for triple in read_turtle(path, "b")
        for node in (triple.subject, triple.predicate, triple.object)
        if isinstance(node, ox.NamedNode)
    }


def foreign(path: Path) -> set[str]:
    """The IRIs of a file that are terms of other people's vocabularies."""
    links = {"https://creativecommons.org/licenses/by/4.0/"}
    return {
        iri
        for iri in iris(path) - links - MATCHES
        if not iri.startswith((CLOOM, ONTOLOGY, *LANGUAGE))
    }


@pytest.fixture(scope="module")
def published() -> set[str]:
    """Every IRI described in a published vocabulary file."""
    found: set[str] = set()
    for path in sorted(SHARED.iterdir()):
        if path.suffix not in {".nq", ".ttl", ".rdf"}:
            continue
        kind = ox.RdfFormat.RDF_XML if path.suffix == ".rdf" else None
        found |= {
            q.subject.value
            for q in ox.parse(path=path, format=kind)
            if isinstance(q.subject, ox.NamedNode)
        }
    return found


def test_all_alignments_are_there() -> None:
    assert [path.stem for path in ALIGNMENTS] == [
        "cmisa", "cpov", "dcat", "eurio", "geosparql-locn", "org", "prov", "qb", "regorg",
        "schema-org", "skos", "xkos",
    ]  # fmt: skip


@needs_shared
@pytest.mark.parametrize("path", ALIGNMENTS, ids=lambda p: p.stem)
def test_foreign_terms_are_published(path: Path, published: set[str]) -> None:
    checked = {iri for iri in foreign(path) if not iri.startswith(SEEN_ON_PAGES)}
    assert checked or path.stem in {"cmisa", "schema-org"}
    assert sorted(checked - published) == []


@pytest.mark.parametrize("path", ALIGNMENTS, ids=lambda p: p.stem)
def test_foreign_terms_are_declared(path: Path) -> None:
    declared = {
        t.subject.value
        for source in [path, *EXTRACTS]
        for t in read_turtle(source, "b")
        if isinstance(t.subject, ox.NamedNode)
        and t.predicate.value == PREFIXES["rdf"] + "type"
        and isinstance(t.object, ox.NamedNode)
        and t.object.value.startswith(PREFIXES["owl"])
    }
    assert sorted(foreign(path) - declared) == []


@pytest.mark.parametrize("path", ALIGNMENTS, ids=lambda p: p.stem)
def test_our_terms_are_declared(path: Path) -> None:
    from clusterloom.ontology import vocabulary

    ours = {iri.removeprefix(CLOOM) for iri in iris(path) if iri.startswith(CLOOM)}
    assert sorted(ours - set(vocabulary.terms())) == []


@needs_shared
@pytest.mark.parametrize("path", EXTRACTS, ids=lambda p: p.stem)
def test_extract_terms_are_published(path: Path, published: set[str]) -> None:
    terms = {
        t.subject.value
        for t in read_turtle(path, "b")
        if isinstance(t.subject, ox.NamedNode) and not t.subject.value.startswith(ONTOLOGY)
    }
    assert terms
    assert sorted(terms - published) == []


@pytest.mark.parametrize("path", EXTRACTS, ids=lambda p: p.stem)
def test_extract_states_origin_version_and_licence(path: Path) -> None:
    header = "".join(
        line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")
    )
    assert all(word in header for word in ("Extract of <", "Origin: file", "version:", "licence:"))


@needs_shared
def test_extracts_are_up_to_date(tmp_path: Path) -> None:
    import importlib.util

    script = Path(__file__).resolve().parents[1] / "ontology" / "imports" / "extract.py"
    spec = importlib.util.spec_from_file_location("extract", script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert sorted(module.EXTRACTS) == [path.stem for path in EXTRACTS]
    for path in EXTRACTS:
        module.write(path.stem, SHARED, tmp_path)
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), (
            "run: python ontology/imports/extract.py"
        )

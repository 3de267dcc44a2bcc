"""The source `rdf`: every format, graphs kept, blank nodes named for good, bad files refused."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyoxigraph as ox
import pytest

from clusterloom.errors import DataRefused
from clusterloom.loaders.rdf import DEFAULT_GRAPH, FORMATS, run_rdf
from clusterloom.loaders.skolem import GENID

TURTLE = b"""@prefix : <http://example.org/> .
:a :knows [ :name "Zo\\u00eb"@en ; :age 41 ] , _:b .
_:b :likes ( :tea "milk" ) .
:a :note "two\\nlines" .
"""
CLIQUE = "".join(
    f"_:n{a} <http://p> _:n{b} .\n" for a in range(12) for b in range(12) if a != b
).encode()


def load(path: Path, tmp_path: Path) -> list[ox.Quad]:
    run_rdf(path, tmp_path / "out")
    written = gzip.decompress((tmp_path / "out" / "rdf.nq.gz").read_bytes())
    return list(ox.parse(written, format=ox.RdfFormat.N_QUADS))


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


@pytest.mark.parametrize("packed", ["", ".gz"])
@pytest.mark.parametrize("extension", FORMATS)
def test_every_format_gives_the_same_statements(
    extension: str, packed: str, tmp_path: Path
) -> None:
    wanted = run_rdf(write(tmp_path / "first.ttl", TURTLE), tmp_path / "wanted")
    quads = list(ox.parse(TURTLE, format=ox.RdfFormat.TURTLE))
    triples = [q.triple for q in quads]
    content = ox.serialize(triples, format=FORMATS[extension])
    assert content is not None
    path = write(tmp_path / "elsewhere" / f"other{extension}{packed}", content)
    loaded = run_rdf(path, tmp_path / "found")
    assert loaded.family_sha256 == wanted.family_sha256
    assert (loaded.read, loaded.mapped, loaded.statements) == (10, 10, 10)
    assert loaded.kinds == {"asserted"}
    assert loaded.summary()["rejected"] == 0


def test_named_graphs_keep_their_iri_and_the_rest_is_ours(tmp_path: Path) -> None:
    trig = b"<http://s> <http://p> <http://o> . <http://g> { <http://s> <http://p> <http://o> }"
    graphs = {q.graph_name for q in load(write(tmp_path / "a.trig", trig), tmp_path)}
    assert graphs == {DEFAULT_GRAPH, ox.NamedNode("http://g")}


def test_no_blank_node_is_left(tmp_path: Path) -> None:
    trig = b"_:g { _:s <http://p> [] }"
    (quad,) = load(write(tmp_path / "a.trig", trig), tmp_path)
    for term in (quad.subject, quad.object, quad.graph_name):
        assert isinstance(term, ox.NamedNode)
        assert term.value.startswith(GENID)
    assert len({quad.subject, quad.object, quad.graph_name}) == 3


def test_a_change_elsewhere_leaves_the_names_of_blank_nodes(tmp_path: Path) -> None:
    before = set(load(write(tmp_path / "a.ttl", TURTLE), tmp_path))
    more = TURTLE + b":c :knows [ :name 'Ada' ] .\n"
    assert before < set(load(write(tmp_path / "a.ttl", more), tmp_path))


def test_alike_blank_nodes_stay_apart_in_a_file_and_between_files(tmp_path: Path) -> None:
    one = b'_:x <http://value> "5" . _:y <http://value> "5" .'
    assert len(load(write(tmp_path / "in" / "a.ttl", one), tmp_path)) == 2
    write(tmp_path / "in" / "b.ttl", one)
    assert len(load(tmp_path / "in", tmp_path)) == 4


def test_a_dense_symmetric_web_is_named_by_content_and_order(tmp_path: Path) -> None:
    first = run_rdf(write(tmp_path / "a.nt", CLIQUE), tmp_path / "1")
    again = run_rdf(write(tmp_path / "x" / "b.nt", CLIQUE), tmp_path / "2")
    assert first.statements == 132
    assert first.family_sha256 == again.family_sha256


def test_a_folder_is_read_and_files_of_other_kinds_are_left_alone(tmp_path: Path) -> None:
    write(tmp_path / "in" / "a.nt", b"<http://s> <http://p> <http://o> .\n")
    write(tmp_path / "in" / "deep" / "b.nt.gz", b"<http://s> <http://p> <http://o> .\n")
    write(tmp_path / "in" / "README.md", b"no RDF")
    loaded = run_rdf(tmp_path / "in", tmp_path / "out")
    assert (loaded.read, loaded.statements) == (2, 1)


def test_classes_of_ours_are_counted(tmp_path: Path) -> None:
    ttl = b"<http://x> a <https://w3id.org/clusterloom/ontology#SME> ."
    loaded = run_rdf(write(tmp_path / "a.ttl", ttl), tmp_path / "out")
    assert loaded.entities == {"SME": 1}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("bad.ttl", b"@prefix a: <http://a/> .\na:b a:c\n d:e .", "bad.ttl, line 3: .*prefix d:"),
        ("bad.nq", b"<http://a> <http://b> .\n", "bad.nq, line 1: "),
        ("bad.rdf", b"<rdf:RDF", "bad.rdf: |bad.rdf, line 1: "),
        ("bad.jsonld", b'{\n"@id": "http://a",\n', "bad.jsonld, line 3: "),
        ("latin1.nt", b'<http://a> <http://b> "\xff" .', "latin1.nt, line 1: .*UTF-8"),
        ("relative.ttl", b"<a> <b> <c> .", "relative.ttl, line 1: .*need a base in the file"),
        ("terms.ttl", b"<x:a> <x:b> <<( <x:a> <x:b> <x:c> )>> .", "triple terms of RDF 1.2"),
        ("a.csv", b"a,b\n", "not an RDF file by its extension"),
        (
            "context.jsonld",
            b'{"@context": "https://schema.org/", "@id": "http://x/a", "name": "q"}',
            "context.jsonld: the JSON-LD context stands at a web address, and nothing is fetched",
        ),
        (
            "ours.nq",
            b"<x:a> <x:b> <x:c> <https://w3id.org/clusterloom/graph/meta> .",
            "ours.nq: the graph <.*graph/meta> belongs to a source of this build",
        ),
    ],
)
def test_a_bad_file_is_refused(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataRefused, match=message):
        run_rdf(write(tmp_path / name, content), tmp_path / "out")


@pytest.mark.parametrize("keep", [10, -4])
def test_a_damaged_archive_is_refused(keep: int, tmp_path: Path) -> None:
    path = tmp_path / "a.nt.gz"
    path.write_bytes(gzip.compress(b"<x:a> <x:b> <x:c> .\n" * 1000)[:keep])
    with pytest.raises(DataRefused, match=r"a\.nt\.gz: cannot be read"):
        run_rdf(path, tmp_path / "out")


def test_a_missing_file_and_an_empty_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataRefused, match="no such file"):
        run_rdf(tmp_path / "absent.ttl", tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataRefused, match="empty: no RDF file in this folder"):
        run_rdf(tmp_path / "empty", tmp_path / "out")

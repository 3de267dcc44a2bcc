"""The table of subjects: pieces that join to what the library writes, whole or not read at all."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pyoxigraph as ox
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clusterloom.store import subjects
from clusterloom.store.direct import ROWS, DirectStore, read
from clusterloom.store.engine import JSON
from clusterloom.store.release import Release
from clusterloom.store.subjects import FILE, Subjects, whole, write

EX = "http://example.org/"
Term = ox.NamedNode | ox.BlankNode | ox.Literal
HEAD = 32
"""Bytes before the first column."""

_NAMES = st.sampled_from(["a", "b", "é", "long/er#name", "%C3%A9"])
_IRIS = _NAMES.map(lambda name: ox.NamedNode(EX + name))
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_OBJECTS = st.one_of(
    _IRIS,
    st.just(ox.BlankNode("b1")),
    _TEXT.map(ox.Literal),
    _TEXT.map(lambda text: ox.Literal(text, language="en-gb")),
    st.integers(-5, 5).map(ox.Literal),
    st.booleans().map(ox.Literal),
    _TEXT.map(lambda text: ox.Literal(text, datatype=ox.NamedNode(EX + "type"))),
)
_TRIPLES = st.lists(st.tuples(_IRIS, _IRIS, _OBJECTS), max_size=30)


def filled(triples: list[tuple[ox.NamedNode, ox.NamedNode, Term]]) -> ox.Store:
    store = ox.Store()
    store.extend([ox.Quad(s, p, o, ox.DefaultGraph()) for s, p, o in triples])
    return store


def grouped(store: ox.Store) -> list[ox.Quad]:
    """Its statements, those of a subject together, as a store on disk gives them."""
    every = store.quads_for_pattern(None, None, None, ox.DefaultGraph())
    return sorted(every, key=lambda quad: str(quad.subject))


def solutions(store: ox.Store, query: str) -> ox.QuerySolutions:
    return cast(ox.QuerySolutions, store.query(query))


def rows_of(store: ox.Store, iri: str) -> set[bytes]:
    """Each row alone, as the library writes it."""
    found = set()
    for row in solutions(store, f"SELECT ?p ?o {{ <{iri}> ?p ?o }}"):
        line = f"?p\t?o\n{row[0]}\t{row[1]}\n".encode()
        one = cast(ox.QuerySolutions, ox.parse_query_results(line, ox.QueryResultsFormat.TSV))
        body = one.serialize(format=ox.QueryResultsFormat.JSON) or b""
        found.add(body.partition(b'"bindings":[')[2].removesuffix(b"]}}"))
    return found


@given(_TRIPLES)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_pieces_are_what_the_library_writes(
    tmp_path: Path, triples: list[tuple[ox.NamedNode, ox.NamedNode, Term]]
) -> None:
    store = filled(triples)
    count = write(grouped(store), tmp_path / FILE)
    assert count == len(store)
    table = Subjects(tmp_path / FILE)
    assert table.statements == count
    for name in {str(quad.subject)[1:-1] for quad in store} | {EX + "nobody"}:
        pairs = table.pairs(name, 1000)
        assert pairs is not None
        assert {b'{"p":%b,"o":%b}' % pair for pair in pairs} == rows_of(store, name)


def test_equal_hashes_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subjects, "_hashed", lambda _text: 7)
    one, two, p = (ox.NamedNode(EX + name) for name in ("one", "two", "p"))
    write(grouped(filled([(one, p, two), (two, p, one), (two, p, p)])), tmp_path / FILE)
    table = Subjects(tmp_path / FILE)
    assert [len(table.pairs(EX + name, 9) or ()) for name in ("one", "two", "three")] == [1, 2, 0]


def test_more_statements_than_wanted_are_not_given(tmp_path: Path) -> None:
    s, p = ox.NamedNode(EX + "s"), ox.NamedNode(EX + "p")
    write(grouped(filled([(s, p, ox.Literal(n)) for n in range(10)])), tmp_path / FILE)
    table = Subjects(tmp_path / FILE)
    assert table.pairs(s.value, 9) is None
    assert len(table.pairs(s.value, 10) or ()) == 10


@pytest.mark.parametrize("left", [0, 4, HEAD - 1, HEAD, HEAD + 30, -1])
def test_a_cut_file_is_not_read(tmp_path: Path, left: int) -> None:
    s = ox.NamedNode(EX + "s")
    write(grouped(filled([(s, s, s)])), tmp_path / FILE)
    assert whole(tmp_path, 1)
    assert not whole(tmp_path, 2)
    data = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(data[:left])
    assert Subjects.of(tmp_path) is None
    assert not whole(tmp_path, 1)


def test_another_file_or_none_is_no_table(tmp_path: Path) -> None:
    assert Subjects.of(tmp_path) is None
    (tmp_path / FILE).write_bytes(b"x" * 500)
    assert Subjects.of(tmp_path) is None


def test_large_graphs_are_only_counted(tmp_path: Path) -> None:
    s = ox.NamedNode(EX + "s")
    quads = grouped(filled([(s, s, ox.Literal(n)) for n in range(10)]))
    assert write(quads, tmp_path / FILE, most=9) == 10
    assert not (tmp_path / FILE).exists()


def test_every_look_up_of_the_default_release_is_byte_for_byte_the_stores(
    default_release: Release,
) -> None:
    direct = DirectStore(default_release.store_path)
    assert whole(default_release.path, default_release.report()["triples"])
    store = ox.Store.read_only(str(default_release.store_path))
    names = [row[0] for row in solutions(store, "SELECT DISTINCT ?s { ?s a ?c } ORDER BY ?s")]
    taken = 0
    for name in names[::397]:
        if not isinstance(name, ox.NamedNode):
            continue
        for wanted in ("?p ?o", "?o ?p"):
            lookup = read(f"SELECT {wanted} {{ <{name.value}> ?p ?o }}")
            assert lookup is not None
            answer = direct.answer(lookup, None, JSON)
            assert lookup.subject is not None
            theirs = (
                solutions(store, lookup.text).serialize(format=ox.QueryResultsFormat.JSON) or b""
            )
            assert answer == theirs or (answer is None and theirs.count(b"}},{") >= ROWS)
            taken += answer is not None
    assert taken > 500


@pytest.mark.parametrize(
    "query",
    [
        "SELECT ?p { <http://x/s> ?p ?o }",
        "SELECT * { <relative> ?p ?o }",
        "SELECT * { <http://x/a/../b> ?p ?o }",
        "SELECT * { <http://x/s> <http://x/p> ?o }",
        "SELECT * { ?s <http://x/p> ?o }",
        "ASK { <http://x/s> ?p ?o }",
    ],
)
def test_other_look_ups_are_the_stores(query: str) -> None:
    lookup = read(query)
    assert lookup is not None
    assert lookup.subject is None

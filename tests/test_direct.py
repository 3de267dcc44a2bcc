"""Look-ups in the server's own process: which queries they are, and that they answer the same."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusterloom.store import direct
from clusterloom.store.direct import ROWS, DirectStore, read
from clusterloom.store.embedded import EmbeddedSession
from clusterloom.store.engine import CSV, JSON, TABLE_TYPES, TSV, Limits, Query
from engine_help import EX, make_release, with_session

S0 = f"<{EX}s0>"

LOOKUPS = [
    f"SELECT * {{ {S0} ?p ?o }}",
    f"SELECT ?o ?p WHERE {{ {S0} ?p ?o . }}",
    f"select $o where {{ {S0} <{EX}p> $o }}",
    f"PREFIX ex: <{EX}>\nSELECT ?o {{ ex:s0 ex:p ?o }}",
    f"PREFIX ex: <{EX}> PREFIX o: <http://o/> SELECT ?s {{ ?s a ex:Thing }}",
    'SELECT ?s { ?s ?p "a name"@en }',
    'SELECT ?s { ?s ?p "1"^^<http://www.w3.org/2001/XMLSchema#integer> }',
    f"ASK {{ {S0} ?p ?o }}",
    f"ASK WHERE {{ {S0} <{EX}p> <{EX}o> }}",
    "SELECT * { ?s ?p ?o }",
    "SELECT ?s { <#here> ?p ?s }",
]

OTHERS = [
    "SELECT ?x { ?x ?x ?o }",
    "SELECT ?x { ?s ?p ?o }",
    "SELECT ?s ?s { ?s ?p ?o }",
    "SELECT * { <a> <b> <c> }",
    "SELECT DISTINCT ?p { ?s ?p ?o }",
    "SELECT REDUCED ?p { ?s ?p ?o }",
    "SELECT ?p { ?s ?p ?o } ORDER BY ?p",
    "SELECT ?p { ?s ?p ?o } LIMIT 5",
    "SELECT ?p { ?s ?p ?o } VALUES ?p { <b> }",
    "SELECT ?p { ?s ?p ?o ; ?q ?r }",
    "SELECT ?p { ?s ?p ?o . ?o ?q ?r }",
    "SELECT ?p { ?s ?p ?o , ?r }",
    "SELECT ?p { ?s <b>* ?o }",
    "SELECT ?p { ?s <b>+ ?o }",
    "SELECT ?p { ?s ^<b> ?p }",
    "SELECT ?p { ?s <b>/<c> ?p }",
    "SELECT ?p { ?s (<b>|<c>) ?p }",
    "SELECT ?p { GRAPH ?g { ?s ?p ?o } }",
    "SELECT ?p FROM <g> { ?s ?p ?o }",
    "SELECT ?p { SERVICE <http://x/> { ?s ?p ?o } }",
    "SELECT ?p { ?s ?p [] }",
    "SELECT ?p { _:b ?p ?o }",
    "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }",
    "SELECT ?p { ?s ?p ?o FILTER(?o > 1) }",
    "SELECT ?p { { ?s ?p ?o } }",
    "SELECT ?p { ?s ?p ?o # comment\n }",
    "SELECT ?p { ?s ?p \"a\\u0022\" }",
    "SELECT ?p { ?s ?p '''x''' }",
    "SELECT ?p { ?s A ?p }",
    "ASK { ?s ?p ?o } LIMIT 1",
    "CONSTRUCT { ?s ?p ?o } { ?s ?p ?o }",
    "DESCRIBE <a>",
    "BASE <http://x/> SELECT ?p { <a> ?p ?o }",
    "SELECT ?p { ?s ?p ?o }" + " " * direct.LONGEST,
]  # fmt: skip


@pytest.mark.parametrize("query", LOOKUPS)
def test_a_look_up_is_known(query: str) -> None:
    assert read(query) is not None


@pytest.mark.parametrize("query", OTHERS)
def test_anything_else_is_not(query: str) -> None:
    assert read(query) is None


@pytest.mark.parametrize("media_type", TABLE_TYPES.values())
@pytest.mark.parametrize("query", LOOKUPS)
def test_it_answers_as_a_worker_does(tmp_path: Path, query: str, media_type: str) -> None:
    release = make_release(tmp_path, rows=20)
    lookup = read(query)
    assert lookup is not None
    # a worker answers the same text once it is no look-up any more
    same = f"{query} #"
    assert read(same) is None

    async def ask(session: EmbeddedSession) -> None:
        asked = Query(same, base=EX)
        worker = await (await session.run(asked, Limits(), media_type)).read()
        ours = DirectStore(release.store_path).answer(lookup, EX, media_type)
        assert ours == worker

    with_session(release, ask)


def test_long_answers_are_left_to_workers(tmp_path: Path) -> None:
    store = DirectStore(make_release(tmp_path, rows=ROWS + 1).store_path)
    (tmp_path / "b").mkdir()
    whole = DirectStore(make_release(tmp_path / "b", rows=ROWS - 2).store_path)
    lookup = read("SELECT ?s { ?s <http://example.org/p> ?o }")
    assert lookup is not None
    for media_type in TABLE_TYPES.values():
        assert store.answer(lookup, None, media_type) is None, media_type
        assert whole.answer(lookup, None, media_type) is not None, media_type


def test_text_that_looks_like_rows_costs_a_worker_at_most(tmp_path: Path) -> None:
    path = tmp_path / "store"
    store = ox.Store(str(path))
    store.add(ox.Quad(ox.NamedNode(EX + "s"), ox.NamedNode(EX + "p"),
                      ox.Literal("}},{<result>\n" * ROWS), ox.DefaultGraph()))  # fmt: skip
    store.flush()
    del store
    lookup = read(f"SELECT ?o {{ <{EX}s> ?p ?o }}")
    assert lookup is not None
    assert DirectStore(path).answer(lookup, None, CSV) is None


def test_what_does_not_parse_is_left_to_workers(tmp_path: Path) -> None:
    store = DirectStore(make_release(tmp_path, rows=3).store_path)
    for query in ("SELECT ?o { nope:s ?p ?o }", "SELECT ?o { <relative> ?p ?o }"):
        lookup = read(query)
        assert lookup is not None
        assert store.answer(lookup, None, JSON) is None


def test_a_session_answers_look_ups_itself(tmp_path: Path) -> None:
    async def ask(session: EmbeddedSession) -> None:
        query = Query(f"SELECT * {{ {S0} ?p ?o }}")
        results = await asyncio.gather(*[session.run(query, Limits(), TSV) for _ in range(50)])
        answers = [await result.read() for result in results]
        assert set(answers) == {f"?p\t?o\n<{EX}p>\t0\n".encode()}
        assert results[0].variables == ("p", "o")
        assert results[0].variant == session.variant(query) == "disk"
        assert session.state().started <= 3
        busy_only = await session.run(Query(query.text), Limits(rows=1), TSV)
        assert await busy_only.read() == answers[0]

    with_session(make_release(tmp_path), ask, workers=3)


_WORDS = st.sampled_from(
    ["SELECT", "ASK", "WHERE", "{", "}", "?s", "?p", "?o", "*", "a", f"<{EX}p>", ".", ";", "FROM",
     "GRAPH", "ORDER BY", "LIMIT 1", '"x"', "ex:p", "PREFIX ex: <http://e/>", "(", ")", "+", "^"]
)  # fmt: skip


@given(st.lists(_WORDS, min_size=4, max_size=12))
def test_whatever_is_read_as_a_look_up_is_one_pattern(words: list[str]) -> None:
    lookup = read(" ".join(words))
    if lookup is not None:
        body = lookup.text.partition("{")[2].partition("}")[0].split()
        assert len([word for word in body if word != "."]) == 3

"""What the embedded engine refuses, with place and hint, and that its workers outlive it."""

from __future__ import annotations

import asyncio

import pytest

from clusterloom.errors import (
    ClusterloomError,
    NotAcceptable,
    QueryRefused,
    QuerySyntaxError,
)
from clusterloom.store.embedded import EmbeddedSession
from clusterloom.store.engine import JSON, TURTLE, XML, Limits, Query
from clusterloom.store.release import Release
from engine_help import (
    make_release,
    rows,
    with_session,
)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return make_release(tmp_path_factory.mktemp("engine"))


@pytest.mark.parametrize(
    ("text", "line", "column", "hint"),
    [
        ("SELECT * {\n  ?x a cloom:SME\n}", 2, 8, "PREFIX cloom: <https://w3id.org/"),
        ("SELECT * { ?x a skoss:Concept }", 1, 17, "Did you mean skos"),
        ("SELECT * { ?x a ?y\n", 2, 1, "'{' of line 1, column 10 is never closed"),
        ("SELECT * { ?x a ?y }}", 1, 21, "Nothing is open"),
        ("SELCT * { ?x a ?y }", 1, 1, "Did you mean SELECT?"),
        ("SELECT * { ?x a ?y . OPTINAL { ?x ?p ?o } }", 1, 22, "OPTIONAL"),
        ("SELECT ?x { ?x a ?y } GROUP BY ?y", 1, 8, "grouped by"),
        ("PREFIX e: <e> SELECT * { ?x a e:y }", 1, 11, "absolute IRI"),
        ("SELECT * { ?x a ?y } LIMIT many", 1, 28, ""),
        ("", 1, 1, "empty"),
    ],
)
def test_syntax_errors_show_the_place(
    release: Release, text: str, line: int, column: int, hint: str
) -> None:
    async def test(session: EmbeddedSession) -> None:
        with pytest.raises(QuerySyntaxError) as caught:
            await session.run(Query(text), Limits(), JSON)
        extra = caught.value.extra
        assert (extra["line"], extra["column"]) == (line, column)
        shown, mark = str(extra["caret"]).split("\n")
        assert shown == text.split("\n")[line - 1]
        assert mark == " " * (column - 1) + "^"
        assert hint in str(extra.get("hint", ""))
        assert f"Line {line}, column {column}" in caught.value.detail

    with_session(release, test)


def test_refusals_keep_the_worker(release: Release) -> None:
    async def test(session: EmbeddedSession) -> None:
        await rows(session, "ASK {}")
        started = session.pool.started
        for text in ("SELECT * {", "SELECT (<http://e/f>(1) AS ?x) {}"):
            with pytest.raises(ClusterloomError) as caught:
                await session.run(Query(text), Limits(), JSON)
            assert caught.value.status == 400
        with pytest.raises(QueryRefused):
            await session.run(Query("SELECT * { SERVICE <http://e/> {} }"), Limits(), JSON)
        with pytest.raises(NotAcceptable):
            await session.run(Query("ASK {}"), Limits(), TURTLE)
        with pytest.raises(NotAcceptable):
            await session.run(Query("CONSTRUCT WHERE { ?s ?p ?o }"), Limits(), XML)
        await asyncio.sleep(0.3)
        assert session.pool.started <= max(started, 1 + session.pool.spares)

    with_session(release, test)

"""Errors of a broken query: the place, and what to write instead."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clusterloom.errors import QueryRefused, QuerySyntaxError
from clusterloom.queries.library import library
from clusterloom.store import syntax
from clusterloom.store.token_reader import Misread
from clusterloom.store.tokens import Unclosed

EMPTY = ox.Store()

CASES = Path(__file__).parent / "cases" / "syntax" / "broken.json"
"""Each query that does not parse, with line, column and hint of its error."""

BROKEN: list[dict[str, Any]] = json.loads(CASES.read_text("utf-8"))


def broken(query: str) -> QuerySyntaxError:
    """What the writer of the query is told; the engine's parser must refuse it."""
    with pytest.raises(SyntaxError) as caught:
        EMPTY.query(query)
    return syntax.explain(query, str(caught.value))


@pytest.mark.parametrize("case", BROKEN, ids=[case["query"] for case in BROKEN])
def test_broken_queries_say_where_and_what_to_write(case: dict[str, Any]) -> None:
    query, line, column, hint = (case[name] for name in ("query", "line", "column", "hint"))
    error = broken(query)
    assert (error.extra["line"], error.extra["column"]) == (line, column)
    assert error.extra["hint"] == hint
    shown, mark = str(error.extra["caret"]).split("\n")
    at = query.split("\n")[line - 1][column - 1 :]
    assert shown[mark.index("^") :] == at[: len(shown) - mark.index("^")]
    assert bool(at) == (len(shown) > mark.index("^"))
    assert f"Line {line}, column {column}" in error.detail


def test_the_table_is_long_enough() -> None:
    assert len(BROKEN) >= 60
    assert all(case["hint"] for case in BROKEN)


def test_the_deepest_sub_query_is_named() -> None:
    error = broken(
        "SELECT ?s {\n  { SELECT ?s ?o (COUNT(*) AS ?n)\n    { ?s ?p ?o } GROUP BY ?s }\n}"
    )
    assert (error.extra["line"], error.extra["column"]) == (2, 15)
    assert "write GROUP BY ?s ?o" in str(error.extra["hint"])


@pytest.mark.parametrize("case", BROKEN, ids=[case["query"] for case in BROKEN])
def test_what_is_seen_without_the_engine_is_told_alike(case: dict[str, Any]) -> None:
    """IRIs and characters need the tokens alone; all else is seen by reading the parts."""
    try:
        syntax.check(case["query"])
    except QuerySyntaxError as error:
        told = (error.extra["line"], error.extra["column"], error.extra["hint"])
    except Unclosed:
        return
    else:
        pytest.fail("the fault was not seen")
    if "character" not in case["hint"] and "IRI" not in case["hint"]:
        assert told == (case["line"], case["column"], case["hint"])


@pytest.mark.parametrize("name", sorted(library()))
def test_check_passes_the_library(name: str) -> None:
    assert syntax.check(library()[name].sparql).select.columns == library()[name].columns


def test_what_may_be_right_is_no_fault() -> None:
    with pytest.raises(Misread) as caught:
        syntax.check("SELECT * { << ?s ?p ?o >> ?q ?r }")
    assert not caught.value.fault


def test_unknown_functions_say_where_and_what_is_near() -> None:
    query = "PREFIX x: <http://www.w3.org/2001/XMLSchema#>\nSELECT (x:integre('1') AS ?n) {}"
    with pytest.raises(RuntimeError) as caught:
        list(EMPTY.query(query))  # type: ignore[arg-type]
    error = syntax.unsupported(query, str(caught.value))
    assert isinstance(error, QueryRefused)
    assert (error.extra["line"], error.extra["column"]) == (2, 9)
    assert "XMLSchema#integer>" in str(error.extra["hint"])
    assert syntax.unsupported("ASK {}", "out of luck").detail == "out of luck"


WORDS = st.sampled_from(
    [
        *("SELECT", "?s", "?p", "{", "}", "(", ")", "[", "]", ".", ";", ",", "a", "FILTER"),
        *("OPTIONAL", "UNION", "GROUP", "BY", "HAVING", "<", ">", "=", "<a:b>", "rdfs:x", "'x'"),
        *("1.", "2", "VALUES", "UNDEF", "MINUS", "COUNT", "AS", "LIMIT", "ORDER", "^", "/", "*"),
        *("|", "!", "?", "<<(", ")>>", "{|", "|}", "~", "BIND", "EXISTS", "GRAPH"),
    ]
)


@given(st.lists(WORDS, max_size=25))
@settings(max_examples=400, deadline=None)
def test_any_words_get_an_error_with_a_place(words: list[str]) -> None:
    query = " ".join(["SELECT * {", *words, "}"])
    try:
        EMPTY.query(query)
    except SyntaxError as error:
        told = syntax.explain(query, str(error))
        assert str(told.extra["caret"]).count("\n") == 1
        assert 1 <= int(str(told.extra["column"])) <= len(query) + 1


@given(st.lists(WORDS, max_size=12))
@settings(max_examples=600, deadline=None)
def test_what_the_engine_reads_is_never_called_a_fault(words: list[str]) -> None:
    query = " ".join(["SELECT * {", *words, "}"])
    try:
        EMPTY.query(query)
    except SyntaxError:
        return
    except RuntimeError:
        pass
    with contextlib.suppress(Misread):
        syntax.check(query)

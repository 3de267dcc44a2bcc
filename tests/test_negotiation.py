"""Accept headers against what can be written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusterloom.api.negotiation import choose, negotiate, ranges, wants_html
from clusterloom.errors import NotAcceptable, UsageError
from clusterloom.store.engine import CSV, GRAPH_TYPES, JSON, TABLE_TYPES, TURTLE, XML

OFFERS = [JSON, XML, CSV]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("text/*", CSV),
        ("text/csv", CSV),
        ("TEXT/CSV; Charset=UTF-8", CSV),
        ("text/csv;q=0.2, application/sparql-results+xml;q=0.3", XML),
        ("application/sparql-results+json;q=0, */*", XML),
        ("application/*;q=0.1, text/csv;q=0.09", JSON),
        ("*/*, text/csv", CSV),
        ("*/*;q=0.1, application/*;q=0", CSV),
        ("image/png", None),
        ("text/csv;q=0", None),
        ("text/csv;q=high", None),
        ("nonsense", None),
        ('text/csv;note="a,b;q=0", image/png', CSV),
        ("image/png, */*;q=0.01", JSON),
    ],
)
def test_negotiate(accept: str | None, expected: str | None) -> None:
    assert negotiate(accept, OFFERS) == expected


@given(st.text(max_size=80))
def test_any_header_is_read(accept: str) -> None:
    for found in ranges(accept):
        assert 0 <= found.quality <= 1
    assert negotiate(accept, OFFERS) in {*OFFERS, None}


def test_html_only_on_top() -> None:
    firefox = "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"
    assert wants_html(firefox)
    assert wants_html("text/html")
    assert wants_html("text/html, */*")
    assert wants_html("application/xhtml+xml")
    assert not wants_html("text/html;q=0.9, text/csv")
    assert not wants_html("text/html, text/turtle")
    for accept in (None, "", "*/*", "application/sparql-results+json", "image/png"):
        assert not wants_html(accept)


def test_choose() -> None:
    assert choose(None, graph=False).media_type == JSON
    assert choose(None, graph=True).content_type == "text/turtle; charset=utf-8"
    assert choose("application/json", graph=False).media_type == JSON
    assert choose("application/json", graph=False).content_type == "application/json"
    assert choose("application/json", graph=True).media_type == GRAPH_TYPES["jsonld"]
    assert choose("text/plain", graph=True).media_type == GRAPH_TYPES["nt"]


@pytest.mark.parametrize(
    ("name", "graph", "expected"),
    [
        ("json", False, JSON),
        ("json", True, GRAPH_TYPES["jsonld"]),
        ("xml", False, XML),
        ("xml", True, GRAPH_TYPES["rdf"]),
        ("turtle", True, TURTLE),
        ("RDF+XML", True, GRAPH_TYPES["rdf"]),
        ("rdf xml", True, GRAPH_TYPES["rdf"]),
        ("application/sparql-results json", False, JSON),
        ("text/csv; charset=utf-8", False, CSV),
    ],
)
def test_format_parameter(name: str, graph: bool, expected: str) -> None:
    assert choose("image/png", graph, name).media_type == expected


def test_every_short_name_is_a_format() -> None:
    for names, graph in ((TABLE_TYPES, False), (GRAPH_TYPES, True)):
        for name, media_type in names.items():
            assert choose(None, graph, name).media_type == media_type


def test_refusals_name_what_there_is() -> None:
    with pytest.raises(NotAcceptable) as caught:
        choose("image/png", graph=True)
    assert caught.value.extra["available"] == [*GRAPH_TYPES.values()]
    with pytest.raises(NotAcceptable):
        choose(None, graph=True, format_name="csv")
    with pytest.raises(UsageError, match="jsonld"):
        choose(None, graph=True, format_name="docx")

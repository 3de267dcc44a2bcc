"""Empty answers of `/sparql` lead to the reason."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest

from engine_help import EX
from sparql_help import get, sparql_server


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with (
        sparql_server(tmp_path_factory) as running,
        httpx.Client(base_url=running.url, timeout=30) as opened,
    ):
        yield opened


@pytest.mark.parametrize(
    ("query", "accept"),
    [
        (f"SELECT ?s {{ ?s <{EX}nothing> ?o }}", "application/sparql-results+json"),
        (f"SELECT ?s {{ ?s <{EX}nothing> ?o }}", "application/sparql-results+xml"),
        (f"SELECT ?s {{ ?s <{EX}nothing> ?o }}", "text/csv"),
        (f"SELECT * {{ ?s <{EX}nothing> ?o }}", "text/tab-separated-values"),
        (f"CONSTRUCT WHERE {{ ?s <{EX}nothing> ?o }}", "text/turtle"),
        (f"CONSTRUCT WHERE {{ ?s <{EX}nothing> ?o }}", "application/n-triples"),
        (f"CONSTRUCT WHERE {{ ?s <{EX}nothing> ?o }}", "application/rdf+xml"),
        (f"CONSTRUCT WHERE {{ ?s <{EX}nothing> ?o }}", "application/ld+json"),
        (f"CONSTRUCT WHERE {{ ?s <{EX}nothing> ?o }}", "application/trig"),
        (f"CONSTRUCT WHERE {{ ?s <{EX}nothing> ?o }}", "application/n-quads"),
    ],
)
def test_an_empty_answer_says_where_to_ask_why(
    client: httpx.Client, query: str, accept: str
) -> None:
    answer = get(client, query, accept)
    assert answer.headers["link"] == f'</sparql/why?query={quote(query, safe="")}>; rel="help"'
    full = get(client, query.replace("nothing", "p") + " LIMIT 1", accept)
    assert full.status_code == 200
    assert "link" not in full.headers


@pytest.mark.parametrize("accept", ["text/csv", "text/tab-separated-values", "*/*"])
def test_an_answer_of_no_is_not_empty(client: httpx.Client, accept: str) -> None:
    assert "link" not in get(client, "ASK { <e:x> <e:y> <e:z> }", accept).headers

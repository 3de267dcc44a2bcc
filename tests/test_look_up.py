"""Look-ups answered before the framework: the same status, headers and body as the long way's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlencode

import httpx
import pytest

from clusterloom.namespaces import BASE
from fixtures_api import serving, small_settings

AREA = f"{BASE}id/area/photonics"

PLAIN = f"SELECT ?p ?o {{ <{AREA}> ?p ?o }}"
ACCEPT = "application/sparql-results+json"
PASSING = {"date", "x-request-id", "x-clusterloom-cache"}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with small_settings(tmp_path_factory.mktemp("look-up")) as settings, serving(settings) as one:
        yield one


def told(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in PASSING}


def short(client: httpx.Client, query: str, **headers: str) -> httpx.Response:
    """By the short way: nothing but the query is said."""
    return client.get(f"/sparql?{urlencode({'query': query})}", headers=headers)


def long(client: httpx.Client, query: str, **headers: str) -> httpx.Response:
    """By the long way, and not from the cache."""
    no = {"Cache-Control": "no-cache"}
    return client.get(f"/sparql?{urlencode({'query': query})}", headers={**headers, **no})


@pytest.mark.parametrize("accept", [ACCEPT, "*/*", "text/csv", "application/sparql-results+xml",
                                    "text/tab-separated-values", "text/*;q=0.5"])  # fmt: skip
@pytest.mark.parametrize("coding", ["identity", "gzip", "br, gzip", "zstd"])
def test_it_is_what_the_long_way_gives(client: httpx.Client, accept: str, coding: str) -> None:
    asked = {"Accept": accept, "Accept-Encoding": coding}
    ours, theirs = short(client, PLAIN, **asked), long(client, PLAIN, **asked)
    assert ours.status_code == theirs.status_code == 200
    assert ours.content == theirs.content
    assert told(ours) == told(theirs)
    assert len(ours.headers["x-request-id"]) == 16
    again = short(client, PLAIN, **asked)
    assert again.headers["x-clusterloom-cache"] == "hit"
    assert again.content == ours.content


@pytest.mark.parametrize(
    ("query", "accept", "status"),
    [
        ("SELECT ?p ?o { <http://nobody.example/> ?p ?o }", ACCEPT, 200),
        ("SELECT * { ?s a ?c }", ACCEPT, 200),
        ("ASK { <http://nobody.example/> ?p ?o }", ACCEPT, 200),
        ("SELECT ?p ?o { <http://not an iri/> ?p ?o }", ACCEPT, 400),
        ("SELECT ?p { nope:x ?p ?o }", ACCEPT, 400),
        (PLAIN, "image/png", 406),
        (PLAIN, "text/html", 200),
    ],
)
def test_what_it_cannot_answer_is_left(
    client: httpx.Client, query: str, accept: str, status: int
) -> None:
    ours, theirs = short(client, query, Accept=accept), long(client, query, Accept=accept)
    assert ours.status_code == theirs.status_code == status
    assert ours.headers["content-type"] == theirs.headers["content-type"]
    if accept == ACCEPT:
        assert ours.json() == theirs.json()


def test_an_empty_answer_leads_to_its_reason(client: httpx.Client) -> None:
    answer = short(client, "SELECT ?p ?o { <http://nobody.example/> ?p ?o }", Accept=ACCEPT)
    assert 'rel="help"' in answer.headers["link"]


def test_a_client_that_has_it_is_told_so(client: httpx.Client) -> None:
    tag = short(client, PLAIN, Accept=ACCEPT).headers["etag"]
    same = short(client, PLAIN, Accept=ACCEPT, **{"If-None-Match": tag})
    assert (same.status_code, same.content) == (304, b"")


def test_another_spelling_finds_the_answer_that_was_kept(client: httpx.Client) -> None:
    query = "SELECT ?o ?p { <" + AREA + "> ?p ?o }"
    assert "x-clusterloom-cache" not in short(client, query, Accept=ACCEPT).headers
    other = client.get(f"/sparql?query={quote(query)}", headers={"Accept": ACCEPT})
    assert other.headers["x-clusterloom-cache"] == "hit"


def test_bytes_that_are_no_text_are_refused(client: httpx.Client) -> None:
    answer = client.get("/sparql?query=SELECT%20*%20%7B%20%3Fs%20%3Fp%20%22%ff%22%20%7D")
    assert answer.status_code == 400


def test_it_is_counted(client: httpx.Client, tmp_path: Path) -> None:
    def answered() -> float:
        lines = client.get("/metrics").text.splitlines()
        line = next(
            (x for x in lines if x.startswith('clusterloom_queries_total{outcome="ans')), ""
        )
        return float(line.split()[-1]) if line else 0.0

    before = answered()
    short(client, f"SELECT ?x ?y {{ <{AREA}> ?x ?y }}", Accept=ACCEPT)
    assert answered() == before + 1

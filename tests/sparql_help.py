"""What the tests of `/sparql` share: a server over the numbered things, and how to read answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from clusterloom.settings import Settings
from engine_help import EX, Served, make_release, served

SEVEN = f"SELECT ?s ?n {{ ?s <{EX}p> ?n FILTER(?n = 7) }}"
DIRECT = {"Content-Type": "application/sparql-query"}


@contextmanager
def sparql_server(folders: pytest.TempPathFactory, **chosen: object) -> Iterator[Served]:
    """A server with short limits; `chosen` are settings in place of them."""
    limits = {"query_timeout": 2.0, "query_memory": 400, "workers": 4, "max_body": 20_000}
    settings = Settings.model_validate({"data_dir": folders.mktemp("data"), **limits, **chosen})
    release = make_release(folders.mktemp("protocol"))
    with served(release, settings, page=True) as running:
        yield running


def get(client: httpx.Client, query: str, accept: str = "*/*", **params: str) -> httpx.Response:
    """Asks the query by GET."""
    return client.get("/sparql", params={"query": query, **params}, headers={"Accept": accept})


def problem(answer: httpx.Response, status: int, slug: str) -> dict[str, object]:
    """The problem JSON of an error answer, its fixed members checked."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["access-control-allow-origin"] == "*"
    body: dict[str, object] = answer.json()
    assert body["type"] == f"https://w3id.org/clusterloom/problems/{slug}"
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    return body

"""Every error is RFC 9457 problem JSON with CORS, and tells no secrets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from clusterloom import errors
from clusterloom.api.problems import PROBLEMS, from_error
from clusterloom.settings import Settings
from engine_help import Served, make_release, served


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder: Path = tmp_path_factory.mktemp("problems")
    settings = Settings(data_dir=folder, workers=3, query_memory=400)
    with served(make_release(folder, rows=5), settings) as running:
        yield running


@pytest.mark.parametrize(
    ("method", "path", "status", "slug"),
    [
        ("GET", "/nothing", 404, "not-found"),
        ("POST", "/number", 405, "method-not-allowed"),
        ("GET", "/number?n=x", 400, "bad-request"),
        ("GET", "/number", 400, "bad-request"),
        ("GET", "/broken", 500, "failed"),
        ("GET", "/sparql?query=SELECT", 400, "sparql-syntax"),
        ("PUT", "/sparql", 405, "method-not-allowed"),
    ],
)
def test_errors_have_one_shape(
    server: Served, method: str, path: str, status: int, slug: str
) -> None:
    answer = httpx.request(method, server.url + path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert list(body)[:4] == ["type", "title", "status", "detail"]
    assert body["type"] == PROBLEMS + slug
    assert body["status"] == status
    for secret in ("Traceback", "secret", "ZeroDivision", "/work", ".py"):
        assert secret not in answer.text
    if status == 405:
        assert answer.headers["allow"]


def test_validation_names_the_parameter(server: Served) -> None:
    body = httpx.get(server.url + "/number?n=x").json()
    assert body["errors"][0]["parameter"] == "n"
    assert body["detail"].startswith("n: ")


def _classes(base: type[errors.ClusterloomError]) -> list[type[errors.ClusterloomError]]:
    return [base, *(c for child in base.__subclasses__() for c in _classes(child))]


def test_every_error_class_has_its_own_slug_and_a_status() -> None:
    kinds = [c for c in _classes(errors.ClusterloomError) if c.__module__ == errors.__name__]
    assert len({c.slug for c in kinds}) == len(kinds)
    for kind in kinds:
        answer = from_error(kind("why", retry_after=3, hint=None, line=2))
        assert answer.status_code == kind.status
        assert 400 <= kind.status < 600
        assert answer.headers["retry-after"] == "3"
        assert b'"line":2' in answer.body
        assert b"hint" not in answer.body

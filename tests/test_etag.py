"""Conditional requests on every kind of route: a tag, its 304, and what never has one."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

import fixtures_api as small
from clusterloom import __version__
from clusterloom.api.compression import CODINGS, PLAIN, wanted
from clusterloom.api.etag import etag, matched
from clusterloom.settings import Settings

ADDRESSES = [
    "/sparql",
    "/sparql?query=SELECT%20*%20{%20?s%20a%20?o%20}",
    "/api/v1",
    "/api/v1/queries",
    "/api/v1/queries/areas",
    "/api/v1/queries/areas?format=csv",
    "/api/v1/queries/areas?format=srx",
    "/api/v1/clusters",
    "/api/v1/clusters?limit=1&format=csv",
    "/api/v1/clusters?format=geojson",
    "/api/v1/clusters/pic-1",
    "/api/v1/calls",
    "/api/v1/queries/gold-label-clusters",
    "/api/v1/areas/sport",
    "/api/v1/search?q=photonics",
    "/api/v1/suggest?prefix=pho",
    "/reconcile",
    "/data/area/photonics.ttl",
    "/data/area/photonics.jsonld",
    "/data/area/photonics",
    "/ontology",
    "/ontology/actors",
    "/shapes",
    "/context.jsonld",
    f"/context/{__version__}.jsonld",
    "/openapi.json",
    "/.well-known/void",
    "/",
    "/areas",
    "/page/area/photonics",
    "/queries",
]
EXEMPT = {
    "/catalog", "/api/v1/releases", "/api/v1/releases/{id}", "/api/v1/releases/{before}..{after}",
    "/release/{id}", "/dumps/", "/dumps/{release}/", "/dumps/{release}/{file}",
    "/health", "/ready", "/metrics", "/sparql/why",
}  # fmt: skip
"""Documented routes that depend on more than release and request, tag themselves, or need a
whole build."""

LIVE = ["/health", "/ready"]
"""Routes that tell of the moment, so that their answers have no tag."""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with small.small_settings(tmp_path_factory.mktemp("etag")) as made:
        yield made


@pytest.fixture(scope="module")
def client(settings: Settings) -> Iterator[httpx.Client]:
    with small.serving(settings) as client:
        client.headers["accept-encoding"] = "identity"
        yield client


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_route_has_a_tag_and_a_304(client: httpx.Client, address: str) -> None:
    first = client.get(address)
    assert first.status_code == 200, first.text
    tag = first.headers["etag"]
    assert re.fullmatch(r'"[^"]+"', tag)
    assert {"Accept", "Accept-Encoding"} <= set(first.headers["vary"].split(", "))
    assert "no-store" not in first.headers["cache-control"]
    again = client.get(address)
    assert (again.headers["etag"], again.content) == (tag, first.content)
    for sent in (tag, f'"other", W/{tag}', "*"):
        same = client.get(address, headers={"If-None-Match": sent})
        assert same.status_code == 304
        assert same.content == b""
        assert same.headers["etag"] == tag
        assert same.headers["vary"] == first.headers["vary"]
        assert same.headers["access-control-allow-origin"] == "*"
        assert same.headers["x-clusterloom-release"] == small.RELEASE
        assert "content-type" not in same.headers
    assert client.get(address, headers={"If-None-Match": '"other"'}).content == first.content
    head = client.head(address)
    assert head.headers["etag"] == tag
    assert head.headers.get("content-length") == first.headers.get("content-length")
    assert client.head(address, headers={"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("coding", CODINGS)
def test_each_coding_gives_the_same_answer(client: httpx.Client, address: str, coding: str) -> None:
    plain = client.get(address)
    coded = client.get(address, headers={"Accept-Encoding": coding})
    assert coded.content == plain.content
    if coded.headers.get("content-encoding") is None:
        assert len(plain.content) < 1000
        return
    assert coded.headers["content-encoding"] == coding
    streamed = "content-length" not in plain.headers
    tag = f'{plain.headers["etag"][:-1]}-{coding}"'
    assert coded.headers["etag"] == (f"W/{tag}" if streamed else tag)
    head = client.head(address, headers={"Accept-Encoding": coding})
    assert head.headers.get("content-length") == coded.headers.get("content-length")
    assert head.headers["etag"] == coded.headers["etag"]
    asked = {"Accept-Encoding": coding, "If-None-Match": coded.headers["etag"]}
    assert client.get(address, headers=asked).status_code == 304
    # a copy in a coding that the client no longer takes is no answer to it
    asked["Accept-Encoding"] = "identity"
    assert client.get(address, headers=asked).status_code == 200


def test_every_kind_of_documented_route_is_among_them(client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    asked = {address.partition("?")[0].split("/")[1] for address in ADDRESSES}
    for path, operations in paths.items():
        sent = operations.get("get", {}).get("responses", {})
        if "200" in sent and path not in EXEMPT:
            first = path.split("/")[1]
            assert first in asked, f"{path}: add an address of it to ADDRESSES, or it to EXEMPT"


@pytest.mark.parametrize("address", LIVE)
def test_what_tells_of_the_moment_has_no_tag(client: httpx.Client, address: str) -> None:
    answer = client.get(address, headers={"If-None-Match": "*"})
    assert answer.status_code == 200
    assert "etag" not in answer.headers


def test_errors_have_no_tag_and_are_never_a_304(client: httpx.Client) -> None:
    for address in ("/api/v1/areas/nothing", "/nothing", "/api/v1/areas?limit=0"):
        answer = client.get(address, headers={"If-None-Match": "*"})
        assert answer.status_code in {400, 404}
        assert "etag" not in answer.headers
        assert answer.headers["cache-control"] == "no-store"


def test_errors_are_compressed_too(client: httpx.Client) -> None:
    for coding in CODINGS:
        for address in ("/sparql?query=x", "/api/v1/areas?limit=0"):
            answer = client.get(address, headers={"Accept-Encoding": f"identity;q=0, {coding}"})
            small.is_problem(answer, 400)
            assert answer.headers["content-encoding"] == coding


def test_other_requests_have_other_tags(client: httpx.Client) -> None:
    addresses = ["/api/v1/areas", "/api/v1/areas?limit=1", "/api/v1/areas?format=csv", "/areas"]
    tags = {client.get(address).headers["etag"] for address in addresses}
    csv = client.get("/api/v1/areas", headers={"Accept": "text/csv"})
    assert len(tags | {csv.headers["etag"]}) == 5
    same = client.get("/api/v1/areas?%6cimit=1").headers["etag"]
    assert same == client.get("/api/v1/areas?limit=1").headers["etag"]


def test_a_range_is_for_dumps_only(client: httpx.Client) -> None:
    asked = {"Range": "bytes=0-9"}
    for address in ("/ontology", "/api/v1/areas", "/.well-known/void"):
        answer = client.get(address, headers=asked)
        assert answer.status_code == 200
        assert "accept-ranges" not in answer.headers


def test_another_release_has_other_tags_and_answers(settings: Settings) -> None:
    with small.serving(settings) as client:
        address = "/sparql?query=SELECT%20(COUNT(*)%20AS%20?n)%20{%20?s%20?p%20?o%20}"
        before = {path: client.get(path) for path in ("/api/v1/clusters", address)}
        client.get(address)
        graphs = {("s3-areas", "asserted"): small.GRAPHS["s3-areas", "asserted"]}
        small.make_release(settings.releases, graphs, small.NEXT_RELEASE)
        for path, old in before.items():
            new = client.get(path, headers={"If-None-Match": old.headers["etag"]})
            assert new.status_code == 200
            assert new.headers["x-clusterloom-release"] == small.NEXT_RELEASE
            assert new.content != old.content


def test_matching() -> None:
    tag = '"abc"'
    gzip = wanted("gzip")
    assert matched('"abc"', tag, PLAIN) == '"abc"'
    assert matched('W/"x", W/"abc"', tag, gzip) == '"abc"'
    assert matched('"abc-br"', tag, wanted("gzip, br")) == '"abc-br"'
    assert matched('W/"abc-gzip"', tag, gzip) == '"abc-gzip"'
    for other in ("", '"abcd"', '"abc-gzip"', '"abc-lzma"', "abc"):
        assert matched(other, tag, PLAIN) is None


def test_a_tag_changes_with_whatever_decides_the_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    before = etag("a", ("b",))
    assert etag("a", ("b",)) == before
    assert etag("a", ("c",)) != before
    monkeypatch.setattr("clusterloom.api.etag.__version__", "another")
    assert etag("a", ("b",)) != before

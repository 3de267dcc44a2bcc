"""Discovery answered before the framework: the same status, headers and body as the long way's."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from clusterloom.api import discovery_operations
from clusterloom.api.discovery_operations import OPERATIONS
from clusterloom.api.discovery_short import asked_of
from clusterloom.settings import Settings
from clusterloom.store.release import Release
from fixtures_api import is_problem, serving

PASSING = {"date", "x-request-id", "x-clusterloom-cache"}
CLUSTER = "/api/v1/clusters/be-greenwin-40ab75/partners"
QUESTIONS = (
    CLUSTER,
    f"{CLUSTER}?axis=similarity&limit=25&elsewhere=country",
    f"{CLUSTER}?axis=network&rank_by=pagerank",
    f"{CLUSTER}?axis=borda&country=FR&country=ES",
    f"{CLUSTER}?axis=supply&why_not=fr-axelera-1d9d1d",
    "/api/v1/regions/ES61/partners?area=photonics",
    "/api/v1/value-chains/batteries/completion?region=ES13",
)


@pytest.fixture(scope="module")
def client(settings: Settings, default_release: Release) -> Iterator[httpx.Client]:
    with serving(settings) as one:
        one.get(f"{CLUSTER}?limit=1")  # the index is ready from then on
        yield one


def told(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in PASSING}


def long(client: httpx.Client, address: str, **headers: str) -> httpx.Response:
    """By the long way, and not from the cache."""
    return client.get(address, headers={**headers, "Cache-Control": "no-cache"})


@pytest.mark.parametrize("coding", ["identity", "gzip", "br, gzip", "zstd", "gzip, identity;q=0"])
@pytest.mark.parametrize("accept", ["*/*", "application/json"])
def test_it_is_what_the_long_way_gives(client: httpx.Client, accept: str, coding: str) -> None:
    for address in QUESTIONS:
        asked = {"Accept": accept, "Accept-Encoding": coding}
        ours, theirs = client.get(address, headers=asked), long(client, address, **asked)
        assert ours.status_code == theirs.status_code, ours.text
        assert ours.content == theirs.content
        assert told(ours) == told(theirs)
        assert len(ours.headers["x-request-id"]) == 16
        again = client.get(address, headers=asked)
        assert ("x-clusterloom-cache" in again.headers) == (again.status_code == 200)
        assert again.content == ours.content
        assert told(again) == told(ours)


@pytest.mark.parametrize(
    ("address", "accept", "status"),
    [
        (CLUSTER, "text/csv", 200),
        (CLUSTER, "text/turtle", 200),
        (CLUSTER, "image/png", 406),
        (f"{CLUSTER}?format=csv", "*/*", 200),
        (f"{CLUSTER}?format=odd", "*/*", 400),
        (f"{CLUSTER}?axis=odd", "*/*", 400),
        (f"{CLUSTER}?limit=0", "*/*", 400),
        (f"{CLUSTER}?country=%ff", "*/*", 400),
        (f"{CLUSTER}?limit=5&limit=6", "*/*", 400),
        ("/api/v1/clusters/be-greenwin/partners", "*/*", 404),
        ("/api/v1/clusters/%2e%2e/partners", "*/*", 404),
        ("/api/v1/regions/ES61/partners", "*/*", 400),
        ("/api/v1/regions/XX99/partners?area=photonics", "*/*", 404),
    ],
)
def test_what_it_does_not_answer_is_left(
    client: httpx.Client, address: str, accept: str, status: int
) -> None:
    ours, theirs = client.get(address, headers={"Accept": accept}), long(client, address,
                                                                         Accept=accept)  # fmt: skip
    assert ours.status_code == theirs.status_code == status
    assert ours.headers["content-type"] == theirs.headers["content-type"]
    if status >= 400:
        is_problem(ours, status)
        assert ours.json()["detail"] == theirs.json()["detail"]
    else:
        assert ours.content == theirs.content


def test_other_methods_and_pinned_releases_go_the_long_way(
    client: httpx.Client, default_release: Release
) -> None:
    head = client.head(CLUSTER)
    assert (head.status_code, head.content) == (200, b"")
    assert client.post(CLUSTER).status_code == 405
    assert client.options(CLUSTER).status_code == 204
    pinned = client.get(f"{CLUSTER}?release={default_release.id}")
    assert pinned.json() == client.get(CLUSTER).json()
    assert "x-clusterloom-cache" not in client.get(f"{CLUSTER}?release=current").headers


def test_a_client_that_has_it_is_told_so(client: httpx.Client) -> None:
    tag = client.get(CLUSTER).headers["etag"]
    same = client.get(CLUSTER, headers={"If-None-Match": tag})
    assert (same.status_code, same.content) == (304, b"")


def test_it_is_counted_under_its_route(client: httpx.Client) -> None:
    def counted() -> float:
        lines = client.get("/metrics").text.splitlines()
        told = ('route="/api/v1/clusters/{id}/partners"', 'status="200"', "_requests_total")
        kept = [line for line in lines if all(text in line for text in told)]
        return sum(float(line.split()[-1]) for line in kept)

    before = counted()
    client.get(f"{CLUSTER}?limit=3")
    client.get(f"{CLUSTER}?limit=3")
    assert counted() == before + 2


def test_which_operations_it_answers() -> None:
    light = {o.id for o in OPERATIONS if not o.heavy and o.path.count("{") == 1}
    assert light == {"cluster_partners", "region_partners", "chain_completion"}
    for operation in OPERATIONS:
        path = "/api/v1/" + re.sub(r"\{id\}", "a-b", operation.path)
        found = asked_of(path)
        assert (found is not None) == (operation.id in light)
        assert found is None or found[0] is operation
    assert asked_of("/api/v1/clusters/a/b/partners") is None
    assert asked_of("/api/v1/clusters/a/partners/") is None


def test_what_takes_long_in_a_large_graph_is_left(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    dear = f"{CLUSTER}?axis=borda&limit=7", f"{CLUSTER}?axis=network&rank_by=pagerank&limit=7"
    usual = [client.get(address).json() for address in dear]
    monkeypatch.setattr(discovery_operations, "FEW", 100)
    for address, before in zip(dear, usual, strict=True):
        other = address.replace("limit=7", "limit=6")
        assert client.get(other).json()["items"] == before["items"][:6]
        assert "x-clusterloom-cache" not in client.get(other).headers
    light = f"{CLUSTER}?axis=network&limit=6"
    assert client.get(light).content == client.get(light).content
    assert "x-clusterloom-cache" in client.get(light).headers

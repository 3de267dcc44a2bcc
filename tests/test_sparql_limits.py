"""`/sparql` over a real server: limits, and clients that are slow, leave or come in crowds."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from clusterloom.settings import Settings
from clusterloom.store.release import Release
from engine_help import (
    COUNT,
    CROSS,
    EX,
    SORT,
    Served,
    eventually,
    make_release,
    served,
)

SEVEN = f"SELECT ?s ?n {{ ?s <{EX}p> ?n FILTER(?n = 7) }}"


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return make_release(tmp_path_factory.mktemp("protocol"))


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("data")
    return Settings(
        data_dir=folder, query_timeout=2.0, query_memory=400, workers=4, max_body=20_000
    )


@pytest.fixture(scope="module")
def server(release: Release, settings: Settings) -> Iterator[Served]:
    with served(release, settings, page=True) as running:
        yield running


@pytest.fixture
def client(server: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=30) as opened:
        yield opened


def get(client: httpx.Client, query: str, accept: str = "*/*", **params: str) -> httpx.Response:
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


@pytest.mark.parametrize("query", [COUNT, CROSS + " ORDER BY ?a ?d"])
def test_a_deadline_is_a_504(client: httpx.Client, query: str) -> None:
    began = time.monotonic()
    answer = get(client, query)
    took = time.monotonic() - began
    assert answer.status_code in {504, 507}  # the sort may meet the memory limit first
    assert took < 2.0 + 0.5
    problem(
        answer,
        answer.status_code,
        {504: "query-timeout", 507: "query-out-of-memory"}[answer.status_code],
    )


def test_memory_is_a_507(client: httpx.Client) -> None:
    problem(get(client, SORT), 507, "query-out-of-memory")
    assert get(client, "ASK {}").json()["boolean"] is True


def test_a_late_failure_never_ends_cleanly(client: httpx.Client) -> None:
    with client.stream("GET", "/sparql", params={"query": CROSS, "format": "csv"}) as answer:
        assert answer.status_code == 200
        assert "content-length" not in answer.headers
        chunks = answer.iter_raw()
        assert next(chunks)
        with pytest.raises(httpx.RemoteProtocolError):
            _drain(chunks)


@pytest.mark.parametrize(
    ("query", "statuses"),
    [(SEVEN, {b"200"}), (CROSS, {b"400", b"504"}), (COUNT, {b"504"})],  # too large or too long
)
def test_http_1_0_gets_a_whole_answer_or_an_error(
    server: Served, query: str, statuses: set[bytes]
) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        target = "/sparql?" + urlencode({"query": query})
        connection.sendall(f"GET {target} HTTP/1.0\r\nHost: x\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.split()[1] in statuses
    assert f"content-length: {len(body)}".encode() in head.lower()


def _drain(chunks: Iterator[bytes]) -> None:
    for _ in chunks:
        pass


def test_a_client_that_leaves_frees_its_worker(server: Served) -> None:
    for query in (COUNT, CROSS):
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        connection.request("GET", "/sparql?" + urlencode({"query": query}))
        assert eventually(lambda: server.busy() == 1, 1)
        connection.close()
        assert eventually(lambda: server.busy() == 0, 1.5)  # before its deadline


def test_a_slow_reader_costs_no_memory(server: Served) -> None:
    def memory() -> int:
        lines = Path("/proc/self/status").read_text("ascii").splitlines()
        return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])

    before = memory()
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        target = "/sparql?" + urlencode({"query": CROSS, "format": "csv"})
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert connection.recv(200).startswith(b"HTTP/1.1 200")
        time.sleep(2.5)  # past the deadline: the worker waits, it does not work
        assert server.busy() == 1
        assert memory() - before < 30_000
        assert connection.recv(200)
    assert eventually(lambda: server.busy() == 0)


def test_lookups_go_on_beside_killers(client: httpx.Client, server: Served) -> None:
    with ThreadPoolExecutor(10) as pool:
        killers = [pool.submit(get, client, COUNT) for _ in range(3)]
        lookups = [pool.submit(get, client, SEVEN) for _ in range(100)]
        assert {answer.result().status_code for answer in lookups} == {200}
        assert {answer.result().status_code for answer in killers} == {504}


def test_too_many_is_a_503(release: Release, tmp_path: Path) -> None:
    few = Settings(data_dir=tmp_path, query_timeout=0.5, query_memory=400, workers=3)
    with served(release, few) as running, ThreadPoolExecutor(30) as pool:
        url = f"{running.url}/sparql"

        def ask(_: int) -> httpx.Response:
            return httpx.get(url, params={"query": COUNT}, timeout=30)

        answers = list(pool.map(ask, range(30)))
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {503, 504}
    for answer in answers:
        if answer.status_code == 503:
            problem(answer, 503, "busy")
            assert int(answer.headers["retry-after"]) >= 1

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

import fixtures_api as small
from clusterloom.api import server as api_server
from engine_help import COUNT, CROSS, SORT, Served, eventually
from sparql_help import SEVEN, get, problem, sparql_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with sparql_server(tmp_path_factory) as running:
        yield running


@pytest.fixture
def client(server: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=30) as opened:
        yield opened


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
        killers = [pool.submit(get, client, f"{COUNT} LIMIT {n}") for n in (1, 2, 3)]
        lookups = [pool.submit(get, client, f"{SEVEN} LIMIT {n}") for n in range(1, 101)]
        assert {answer.result().status_code for answer in lookups} == {200}
        assert {answer.result().status_code for answer in killers} == {503, 504}  # two may go on


def test_too_many_is_a_503(tmp_path_factory: pytest.TempPathFactory) -> None:
    few = {"query_timeout": 0.5, "workers": 3}
    with sparql_server(tmp_path_factory, **few) as running, ThreadPoolExecutor(30) as pool:
        url = f"{running.url}/sparql"

        def ask(number: int) -> httpx.Response:
            return httpx.get(url, params={"query": f"{COUNT} LIMIT {number + 1}"}, timeout=30)

        answers = list(pool.map(ask, range(30)))
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {503, 504}
    for answer in answers:
        if answer.status_code == 503:
            problem(answer, 503, "busy")
            assert int(answer.headers["retry-after"]) >= 1


def test_a_query_that_runs_when_the_server_ends_is_a_503(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_server, "GRACE", 1)
    silent = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l }"
    with small.small_settings(tmp_path) as settings, ThreadPoolExecutor(2) as pool:
        with small.serving(settings) as client:
            url = f"{client.base_url}/sparql"
            asked = [
                pool.submit(httpx.get, url, params={"query": query}, timeout=30)
                for query in (silent, silent + " LIMIT 1")
            ]
            time.sleep(0.7)
            assert not any(future.done() for future in asked)
        for future in asked:
            answer = future.result()
            problem(answer, 503, "busy")
            assert int(answer.headers["retry-after"]) >= 1

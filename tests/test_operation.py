"""What an operator sees: request ids, figures, log lines, and nothing about a person in them."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from clusterloom.api.metrics import Metrics
from clusterloom.api.operation import Operation, OperationMiddleware, log_to
from clusterloom.api.stream import AnswerCut
from fixtures_api import serving, small_settings


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(list)


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """The log of the process as it is written during a test."""
    root, requests = logging.getLogger(), logging.getLogger("clusterloom.requests")
    before = root.handlers[:], root.level, requests.level
    stream = io.StringIO()
    log_to(stream, requests=True)
    yield stream
    root.handlers[:], level, requests_level = before
    root.setLevel(level)
    requests.setLevel(requests_level)


async def _answer(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["path"] == "/sparql/cut":
        scope["path"] = "/sparql"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise AnswerCut("out of memory")
    if scope["path"] == "/gone":
        return
    logging.getLogger("clusterloom.test").warning("something to know")
    headers = [(b"x-clusterloom-release", b"00000000000000ab")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"whole"})


def _ask(metrics: Metrics, path: str, headers: dict[str, str] | None = None) -> list[Message]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    scope: Scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": b"query=SELECT+secret",
        "client": ("192.0.2.7", 5),
        "headers": [(k.lower().encode(), v.encode()) for k, v in (headers or {}).items()],
    }
    asyncio.run(OperationMiddleware(_answer, Operation(metrics))(scope, receive, send))
    return sent


def _figure(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def _request_id(sent: list[Message]) -> str:
    found: bytes = dict(sent[0]["headers"])[b"x-request-id"]
    return found.decode("ascii")


def test_each_request_is_counted_and_timed(metrics: Metrics) -> None:
    _ask(metrics, "/sparql")
    _ask(metrics, "/sparql")
    labels = {"route": "/sparql", "method": "GET", "status": "200"}
    assert _figure(metrics, "clusterloom_requests_total", **labels) == 2
    assert _figure(metrics, "clusterloom_queries_total", outcome="answered") == 2
    assert _figure(metrics, "clusterloom_request_seconds_count", route="/sparql") == 2


def test_a_cut_answer_is_no_answered_query(metrics: Metrics) -> None:
    with pytest.raises(AnswerCut):
        _ask(metrics, "/sparql/cut")
    assert _figure(metrics, "clusterloom_queries_total", outcome="cut") == 1
    assert _figure(metrics, "clusterloom_queries_total", outcome="answered") is None


def test_a_client_that_left_is_499(metrics: Metrics) -> None:
    _ask(metrics, "/gone")
    labels = {"route": "other", "method": "GET", "status": "499"}
    assert _figure(metrics, "clusterloom_requests_total", **labels) == 1


def test_paths_of_clients_are_no_label(metrics: Metrics) -> None:
    for number in range(5):
        _ask(metrics, f"/made-up/{number}")
    labels = {"route": "other", "method": "GET", "status": "200"}
    assert _figure(metrics, "clusterloom_requests_total", **labels) == 5


def test_the_id_of_a_proxy_is_kept(metrics: Metrics) -> None:
    assert _request_id(_ask(metrics, "/x", {"X-Request-Id": "abc-123"})) == "abc-123"


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "a\r\nb", "<script>"])
def test_an_odd_id_is_replaced(metrics: Metrics, given: str) -> None:
    made = _request_id(_ask(metrics, "/x", {"X-Request-Id": given}))
    assert len(made) == 16
    assert made != _request_id(_ask(metrics, "/x", {"X-Request-Id": given}))


def test_log_lines_are_json_with_the_id_and_no_person(metrics: Metrics, lines: io.StringIO) -> None:
    _ask(metrics, "/sparql", {"X-Request-Id": "id-1", "User-Agent": "browser of Jane"})
    warning, request = (json.loads(line) for line in lines.getvalue().splitlines())
    assert warning["request_id"] == request["request_id"] == "id-1"
    assert warning["event"] == "something to know"
    assert warning["level"] == "warning"
    assert request["route"] == "/sparql"
    assert request["status"] == 200
    assert request["bytes"] == 5
    assert request["release"] == "00000000000000ab"
    assert request["milliseconds"] >= 0
    for private in ("192.0.2.7", "secret", "Jane"):
        assert private not in lines.getvalue()


def test_a_trace_is_one_json_line(lines: io.StringIO) -> None:
    try:
        raise ZeroDivisionError("by zero")
    except ZeroDivisionError:
        logging.getLogger("clusterloom.test").exception("it failed")
    (line,) = lines.getvalue().splitlines()
    assert "ZeroDivisionError: by zero" in json.loads(line)["exception"]


@pytest.fixture
def service(tmp_path: Path) -> Iterator[httpx.Client]:
    with small_settings(tmp_path) as settings, serving(settings) as client:
        yield client


def _metrics(client: httpx.Client) -> dict[str, float]:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_the_figures_of_a_running_service(service: httpx.Client) -> None:
    query = {"query": "SELECT ?s { ?s a <http://nowhere/> }"}
    ids = [service.get("/sparql", params=query).headers["x-request-id"] for _ in range(3)]
    assert len(set(ids)) == 3, "answers at hand have an id of their own too"
    assert service.get("/sparql", params={"query": "SELECT"}).status_code == 400
    assert service.get("/api/v1/clusters").status_code == 200
    assert service.get("/no-such-page").status_code == 404
    found = _metrics(service)
    assert found['clusterloom_queries_total{outcome="answered"}'] == 3
    assert found['clusterloom_queries_total{outcome="refused"}'] == 1
    listed = 'clusterloom_requests_total{method="GET",route="/api/v1/clusters",status="200"}'
    assert found[listed] == 1
    assert found['clusterloom_requests_total{method="GET",route="other",status="404"}'] == 1
    release = service.get("/health").json()["release"]
    assert found[f'clusterloom_workers_started_total{{release="{release}"}}'] >= 1
    assert found["clusterloom_workers"] == 4
    served = [name for name in found if name.startswith("clusterloom_release{")]
    assert len(served) == 1
    assert found[served[0]] == 1


def test_health_tells_the_state_of_the_engine(service: httpx.Client) -> None:
    answer = service.get("/health")
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert body["status"] == "ok"
    assert body["store"] in {"disk", "loading", "memory"}
    assert body["isolated"] in {True, False}
    assert body["workers"] == 4
    assert service.get("/ready").json() == {"status": "ready", "release": body["release"]}


def test_serve_logs_requests_as_json(tmp_path: Path) -> None:
    with small_settings(tmp_path) as settings:
        environment = os.environ | {
            "CLUSTERLOOM_DATA_DIR": str(settings.data_dir),
            "CLUSTERLOOM_LOG": "requests",
        }
        command = [sys.executable, "-m", "clusterloom.cli", "serve", "--port", "0"]
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            address = process.stdout.readline().split()[3].rstrip("/")
            try:
                httpx.get(address + "/health", headers={"X-Request-Id": "mine"}, timeout=20)
                process.terminate()
                _, errors = process.communicate(timeout=30)
            finally:
                process.kill()
    (line,) = [json.loads(text) for text in errors.splitlines() if '"mine"' in text]
    assert line["route"] == "/health"
    assert line["status"] == 200

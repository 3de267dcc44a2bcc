"""What an operator sees: request ids, figures, log lines, and nothing about a person in them."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator

import pytest
from starlette.types import Message, Receive, Scope, Send

from clusterloom.api.metrics import Metrics
from clusterloom.api.operation import OperationMiddleware, log_to
from clusterloom.api.stream import AnswerCut


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
    asyncio.run(OperationMiddleware(_answer, metrics)(scope, receive, send))
    return sent


def _figure(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def _request_id(sent: list[Message]) -> str:
    return next(v.decode() for k, v in sent[0]["headers"] if k == b"x-request-id")


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

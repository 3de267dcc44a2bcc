"""How the service is run: limits of heads, bodies and connections, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from clusterloom.api import server
from clusterloom.api.stream import AnswerCut
from clusterloom.settings import Settings
from engine_help import eventually

BIG = 30_000_000


class Running:
    """A server of a small app: its port, and what the app has seen."""

    def __init__(self) -> None:
        self.port = 0
        self.told: list[int] = []
        self.uvicorn: uvicorn.Server

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def small(folder: Path, **chosen: object) -> Iterator[Running]:
    """The protocol under an app that says the length of what it is sent."""
    running = Running()

    async def length(request: Request) -> PlainTextResponse:
        body = await request.body()
        running.told.append(len(body))
        return PlainTextResponse(f"{len(body)} {request.url}")

    async def large(request: Request) -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            for _ in range(BIG // 10_000):
                yield b"x" * 10_000

        return StreamingResponse(parts())

    async def refused(request: Request) -> PlainTextResponse:
        return PlainTextResponse("no", 413)

    routes = [
        Route("/large", large),
        Route("/refused", refused, methods=["POST"]),
        Route("/{path:path}", length, methods=["GET", "POST"]),
    ]
    settings = Settings.model_validate({"data_dir": folder, **chosen})
    options = {"host": "127.0.0.1", "port": 0, "log_level": "critical"}
    running.uvicorn = uvicorn.Server(server.config(Starlette(routes=routes), settings, **options))
    thread = threading.Thread(target=running.uvicorn.run, daemon=True)
    thread.start()
    assert eventually(lambda: running.uvicorn.started, 20)
    running.port = running.uvicorn.servers[0].sockets[0].getsockname()[1]
    try:
        yield running
    finally:
        running.uvicorn.should_exit = True
        thread.join(20)
    assert not thread.is_alive()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with small(tmp_path_factory.mktemp("server")) as served:
        yield served


def said(connection: socket.socket, seconds: float = 10.0) -> bytes:
    """Everything the server says until it closes."""
    connection.settimeout(seconds)
    got = b""
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(65536):
            got += part
    return got


def talk(running: Running, *parts: bytes) -> bytes:
    """What the server says to these bytes until it closes."""
    with socket.create_connection(("127.0.0.1", running.port)) as connection:
        for part in parts:
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                connection.sendall(part)
        return said(connection)


def problem(answer: bytes, status: int) -> None:
    """Asserts that the answer is problem JSON of that status and the last of its connection."""
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    assert lines[0].startswith(b"http/1.1 %d " % status), answer[:300]
    assert b"content-type: application/problem+json" in lines
    assert b"connection: close" in lines
    assert b"access-control-allow-origin: *" in lines
    assert json.loads(body)["status"] == status


LINE = b"X-Pad: " + b"y" * 990 + b"\r\n"
HOST = b"Host: x\r\n"


@pytest.mark.parametrize(
    "parts",
    [
        [b"GET /?" + b"a" * 70_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n"],
        [b"GET / HTTP/1.1\r\n" + HOST + LINE * 70 + b"\r\n"],
        [b"GET / HTTP/1.1\r\n" + HOST + b"A: b\r\n" * 100 + b"\r\n"],
        [b"GET / HTTP/1.1\r\n" + HOST, *[LINE] * 2000],  # it never ends
        [b"GET / HTTP/1.1\r\nX: ", *[b"z" * 60_000] * 100],
        [b"G" * 200_000],
    ],
    ids=["address", "headers", "many", "endless", "one endless", "no request"],
)
def test_a_head_has_its_bounds(running: Running, parts: list[bytes]) -> None:
    before = len(running.told)
    answer = talk(running, *parts)
    problem(answer, 400 if parts[0].startswith(b"GGG") else 431)
    assert len(running.told) == before
    assert httpx.get(running.url).status_code == 200


def test_a_head_of_the_allowed_size_is_read(running: Running) -> None:
    head = b"GET /?" + b"a" * 60_000 + b" HTTP/1.1\r\n" + HOST + b"A: b\r\n" * 97
    answer = talk(running, head + b"Connection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")


def test_pipelined_requests_are_counted_one_by_one(running: Running) -> None:
    one = b"GET /?" + b"a" * 30_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n"
    last = b"GET / HTTP/1.1\r\nConnection: close\r\n" + HOST + b"\r\n"
    assert talk(running, one * 5 + last).count(b"HTTP/1.1 200 OK") == 6


@pytest.mark.parametrize("line", [b"GARBAGE\r\n\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n"])
def test_what_is_no_request_is_a_400(running: Running, line: bytes) -> None:
    problem(talk(running, line), 400)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Running]:
    """A server with little patience."""
    for name in ("HEAD_SECONDS", "BODY_SECONDS", "STALL_SECONDS"):
        monkeypatch.setattr(server, name, 0.4)
    with small(tmp_path, connections=10) as served:
        yield served


def test_a_slow_head_is_a_408(hasty: Running) -> None:
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", hasty.port)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        problem(said(connection), 408)
    assert talk(hasty) == b""  # it never asked
    with socket.create_connection(("127.0.0.1", hasty.port)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
        answer = b""
        while b"http://x/" not in answer:
            answer += connection.recv(65536)
        connection.sendall(b"GET /")  # the second request of a connection
        problem(said(connection), 408)
    assert time.monotonic() - began < 6


def test_a_slow_body_is_a_408(hasty: Running) -> None:
    head = b"POST / HTTP/1.1\r\nContent-Length: 1000\r\n" + HOST + b"\r\n"
    with socket.create_connection(("127.0.0.1", hasty.port)) as connection:
        connection.sendall(head + b"a few")
        problem(said(connection), 408)
    assert hasty.told == []
    fast = httpx.post(hasty.url, content=b"x" * 500_000)
    assert fast.text.startswith("500000 ")


def test_a_body_that_goes_on_after_its_answer_ends_the_connection(hasty: Running) -> None:
    head = b"POST /refused HTTP/1.1\r\nContent-Length: 1000\r\n" + HOST + b"\r\n"
    with socket.create_connection(("127.0.0.1", hasty.port)) as connection:
        connection.sendall(head + b"a few")
        assert said(connection).count(b"HTTP/1.1 ") == 1


def test_who_never_reads_is_let_go(hasty: Running) -> None:
    with socket.create_connection(("127.0.0.1", hasty.port)) as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\n" + HOST + b"\r\n")
        assert eventually(lambda: len(hasty.uvicorn.server_state.connections) == 1)
        assert eventually(lambda: not hasty.uvicorn.server_state.connections, 5)
        assert len(said(connection)) < BIG
    whole = httpx.get(hasty.url + "/large")
    assert len(whole.content) == BIG


def test_connections_are_limited(hasty: Running) -> None:
    with contextlib.ExitStack() as stack:
        held = [
            stack.enter_context(socket.create_connection(("127.0.0.1", hasty.port)))
            for _ in range(40)
        ]
        request = b"GET / HTTP/1.1\r\nConnection: close\r\n" + HOST + b"\r\n"
        held[-1].settimeout(5)
        # the last ones are refused outright, those before them are told why
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            held[-1].sendall(request)
            assert held[-1].recv(1000) == b""
        held[15].sendall(request)
        problem(said(held[15]), 503)
        held[5].sendall(request)
        assert said(held[5]).startswith(b"HTTP/1.1 200 ")
    assert eventually(lambda: not hasty.uvicorn.server_state.connections)
    assert httpx.get(hasty.url).status_code == 200


FORWARDED = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "kg.example.org"}


@pytest.mark.parametrize(
    ("trusted", "headers", "expected"),
    [
        ("", FORWARDED, "http://127.0.0.1"),
        ("10.0.0.0/8", FORWARDED, "http://127.0.0.1"),
        ("10.1.1.1, 127.0.0.1", FORWARDED, "https://kg.example.org/x"),
        ("127.0.0.0/8", {"Forwarded": 'for=1.2.3.4;proto=https;host="a.org:8443"'},
         "https://a.org:8443/x"),
        ("*", {"X-Forwarded-Host": "evil.org, good.org"}, "http://good.org/x"),
        ("*", {"X-Forwarded-Host": "a b<script>", "X-Forwarded-Proto": "ftp"}, "http://127.0.0.1"),
    ],
)  # fmt: skip
def test_a_proxy_is_believed_where_the_operator_trusts_it(
    tmp_path: Path, trusted: str, headers: dict[str, str], expected: str
) -> None:
    with small(tmp_path, trusted_proxies=trusted) as served:
        said = httpx.get(served.url + "/x", headers=headers).text
    assert said.partition(" ")[2].startswith(expected)


class _Transport:
    """A transport that has been closed and does not know of its client's end yet."""

    def __init__(self, closing: bool) -> None:
        self.closing = closing
        self.closed = 0

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closed += 1


class _Cycle:
    def __init__(self, closing: bool) -> None:
        self.transport = _Transport(closing)
        self.disconnected = False
        self.sent: list[Message] = []

    async def send(self, message: Message) -> None:
        if not self.disconnected:
            self.sent.append(message)


async def _receive() -> Message:
    return {"type": "http.disconnect"}


START: Message = {"type": "http.response.start", "status": 200, "headers": []}


@pytest.mark.parametrize("closing", [True, False])
def test_nothing_is_written_to_a_closed_connection(closing: bool) -> None:
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(START)

    cycle: Any = _Cycle(closing)
    asyncio.run(server._Calm(cycle, app)({}, _receive, cycle.send))
    assert cycle.disconnected is closing
    assert cycle.sent == ([] if closing else [START])


def test_an_answer_that_is_cut_is_one_line_of_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(START)
        await send({"type": "http.response.body", "body": b"the first part", "more_body": True})
        raise AnswerCut("QueryTimeout: it took too long")

    settings = Settings(data_dir=tmp_path)
    options = {"host": "127.0.0.1", "port": 0, "lifespan": "off"}
    running = uvicorn.Server(server.config(app, settings, **options))
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    assert eventually(lambda: running.started, 20)
    port = running.servers[0].sockets[0].getsockname()[1]
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
        answer = said(connection)
    running.should_exit = True
    thread.join(20)
    assert b"the first part" in answer
    assert not answer.endswith(b"0\r\n\r\n")
    told = [(r.name, r.getMessage(), r.exc_info) for r in caplog.records]
    cut = "answer cut: QueryTimeout: it took too long"
    assert told == [("clusterloom.api.server", cut, None)]

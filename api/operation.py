"""Around every request: an id, a count, and a line of the log. None of them names a person.

A log line has neither the client's address nor the text of a query nor its parameters.
"""

from __future__ import annotations

import logging
import random
import re
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TextIO

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, reset_contextvars

from clusterloom.api.answer_cache import Stored
from clusterloom.api.lane import Header
from clusterloom.api.metrics import Metrics
from clusterloom.api.stream import AnswerCut

REQUEST_ID = "X-Request-Id"
_HEADER = REQUEST_ID.lower().encode("ascii")
_RELEASE = b"x-clusterloom-release"
_GIVEN = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_METHODS = frozenset(("GET", "HEAD", "POST", "QUERY", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE"))

_log = logging.getLogger("clusterloom.requests")


@dataclass
class Done:
    """How a request went: its status is 499 until there is one."""

    request_id: str
    status: int = 499
    seconds: float = 0.0
    sent: int = 0
    release: str = ""
    route: str = ""
    cut: bool = False


class Operation:
    """Records how requests went."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def record(self, scope: Scope, done: Done) -> None:
        """Counts a request that has ended, and writes its line where the log takes lines."""
        method = scope["method"] if scope["method"] in _METHODS else "other"
        route = _route(scope, done)
        self._metrics.record(route, method, done.status, done.seconds, done.cut)
        if _log.isEnabledFor(logging.INFO):
            facts = {
                "request_id": done.request_id,
                "method": method,
                "route": route,
                "status": done.status,
                "milliseconds": round(done.seconds * 1000, 2),
                "bytes": done.sent,
                "release": done.release,
                "cut": done.cut,
            }
            _log.info("request", extra=facts)

    def seen(self, scope: Scope, stored: Stored, seconds: float) -> Iterable[Header]:
        """Records an answer that no middleware saw, and what it took."""
        request_id = _request_id(scope)
        headers = dict(stored.headers)
        release = headers.get(b"x-clusterloom-release", b"").decode("ascii")
        self.record(scope, Done(request_id, 200, seconds, len(stored.body), release))
        return ((_HEADER, request_id.encode("ascii")),)


class OperationMiddleware:
    """Gives each request an id, which answer and log lines carry, and records how it went."""

    def __init__(self, app: ASGIApp, operation: Operation) -> None:
        self._app = app
        self._operation = operation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes everything but HTTP on as it is."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        done = scope["clusterloom.done"] = Done(_request_id(scope))
        own = (_HEADER, done.request_id.encode("ascii"))
        ended = False

        async def send_counted(message: Message) -> None:
            nonlocal ended
            if message["type"] == "http.response.start":
                done.status = message["status"]
                headers = message["headers"] = [*message["headers"], own]
                done.release = next((v for n, v in headers if n == _RELEASE), b"").decode("ascii")
            elif message["type"] == "http.response.body":
                done.sent += len(message.get("body", b""))
                ended = not message.get("more_body", False)
            await send(message)

        token = bind_contextvars(request_id=done.request_id)
        try:
            await self._app(scope, receive, send_counted)
        except AnswerCut:
            done.cut = True
            raise
        finally:
            reset_contextvars(**token)
            if not ended and not done.cut:
                done.status = 499
            done.seconds = time.perf_counter() - began
            self._operation.record(scope, done)


def _request_id(scope: Scope) -> str:
    """The id that a proxy gave where it is a plain word, else a new one."""
    for name, value in scope["headers"]:
        if name == _HEADER and _GIVEN.fullmatch(value):
            return str(value.decode("ascii"))
    return f"{random.getrandbits(64):016x}"


class RouteMiddleware:
    """Tells OperationMiddleware which route answered; it stands next to the router, which says so
    in a copy of the scope only."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes everything on as it is."""
        try:
            await self._app(scope, receive, send)
        finally:
            if "clusterloom.done" in scope:
                scope["clusterloom.done"].route = getattr(scope.get("route"), "path", "")


def _route(scope: Scope, done: Done) -> str:
    """The route as declared, so that its values are few whatever clients ask for."""
    if scope["path"] == "/sparql":
        return "/sparql"
    if scope["path"].startswith("/static/"):
        return "/static"
    return done.route or scope.get("clusterloom.route") or "other"


def log_to(stream: TextIO = sys.stderr, requests: bool = False) -> None:
    """Sends every log line of this process there: as JSON, or readable on a terminal.

    With `requests` there is a line for each request, else only warnings and errors.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[structlog.typing.Processor] = (
        [structlog.dev.ConsoleRenderer()]
        if stream.isatty()
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    _log.setLevel(logging.INFO if requests else logging.WARNING)

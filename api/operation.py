"""Around every request: an id, a count, and a line of the log. None of them names a person.

A log line has neither the client's address nor the text of a query nor its parameters.
"""

from __future__ import annotations

import logging
import re
import secrets
import sys
import time
from typing import TextIO

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clusterloom.api.metrics import Metrics
from clusterloom.api.stream import AnswerCut

REQUEST_ID = "X-Request-Id"
_GIVEN = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_METHODS = frozenset(("GET", "HEAD", "POST", "QUERY", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE"))

_log = logging.getLogger("clusterloom.requests")


class OperationMiddleware:
    """Gives each request an id, which answer and log lines carry, and records how it went."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes everything but HTTP on as it is."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        request_id = _request_id(scope)
        status, sent, ended, release = 499, 0, False, ""

        async def send_counted(message: Message) -> None:
            nonlocal status, sent, ended, release
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = request_id
                release = headers.get("X-Clusterloom-Release", "")
            elif message["type"] == "http.response.body":
                sent += len(message.get("body", b""))
                ended = not message.get("more_body", False)
            await send(message)

        cut = False
        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            await self._app(scope, receive, send_counted)
        except AnswerCut:
            cut = True
            raise
        finally:
            structlog.contextvars.unbind_contextvars("request_id")
            if not ended and not cut:
                status = 499
            seconds = time.perf_counter() - began
            method = scope["method"] if scope["method"] in _METHODS else "other"
            route = _route(scope)
            self._metrics.record(route, method, status, seconds, cut)
            if _log.isEnabledFor(logging.INFO):
                facts = {
                    "request_id": request_id,
                    "method": method,
                    "route": route,
                    "status": status,
                    "milliseconds": round(seconds * 1000, 2),
                    "bytes": sent,
                    "release": release,
                    "cut": cut,
                }
                _log.info("request", extra=facts)


def _request_id(scope: Scope) -> str:
    """The id that a proxy gave where it is a plain word, else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _GIVEN.fullmatch(value):
            return str(value.decode("ascii"))
    return secrets.token_hex(8)


def _route(scope: Scope) -> str:
    """The route as declared, so that its values are few whatever clients ask for."""
    if scope["path"] == "/sparql":
        return "/sparql"
    if scope["path"].startswith("/static/"):
        return "/static"
    route = scope.get("route")
    return str(getattr(route, "path", "other"))


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

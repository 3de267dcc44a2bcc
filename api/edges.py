"""What every route shares at its edge: CORS, HEAD, OPTIONS, and the end of the server."""

from __future__ import annotations

import asyncio

from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clusterloom.api.problems import CORS, failed, from_error
from clusterloom.errors import Busy

_OWN = "/sparql"
"""The route that answers HEAD and OPTIONS itself."""

CORS_LINES = tuple((k.lower().encode("ascii"), v.encode("ascii")) for k, v in CORS.items())
_METHODS = ("GET", "POST", "QUERY", "PUT", "DELETE", "PATCH")
ALLOWED_HEADERS = "Accept, Accept-Encoding, Cache-Control, Content-Type, If-None-Match"
"""What a page of another origin may send."""


class HeadDone(Exception):
    """The answer to HEAD has been sent: no more of the body need be made."""


class HeadSend:
    """A `send` that passes the headers of an answer on and none of its body."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def __call__(self, message: Message) -> None:
        """Raises HeadDone where a longer body would follow."""
        if message["type"] != "http.response.body":
            await self._send(message)
            return
        await self._send({"type": "http.response.body", "body": b""})
        if message.get("more_body", False):
            raise HeadDone


class EdgeMiddleware:
    """Lets any page read any answer, and answers HEAD as GET without a body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes everything but HTTP on as it is."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_open(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message = {**message, "headers": _opened(message["headers"], scope)}
            await send(message)

        inner: Send = send_open
        own = scope["path"] == _OWN
        try:
            if scope["method"] == "OPTIONS" and not own:
                if allowed := methods(scope):
                    await preflight(allowed)(scope, receive, send)
                    return
            elif scope["method"] == "HEAD" and not own:
                await self._app({**scope, "method": "GET"}, receive, HeadSend(send_open))
                return
            await self._app(scope, receive, inner)
        except HeadDone:
            return
        except Exception:
            if not started:
                await failed()(scope, receive, send_open)
            raise  # for the log
        except asyncio.CancelledError:
            # the server ends and its patience with running requests is over
            if started:
                raise
            await from_error(
                Busy("The server is shutting down; ask again.", retry_after=5)
            )(scope, receive, send_open)  # fmt: skip


def _opened(headers: list[tuple[bytes, bytes]], scope: Scope) -> list[tuple[bytes, bytes]]:
    names = {name for name, _ in headers}
    found = [pair for pair in CORS_LINES if pair[0] not in names]
    if b"allow" in names and scope["path"] != _OWN:
        allow = (b"allow", ", ".join(methods(scope)).encode("ascii"))
        headers = [allow if pair[0] == b"allow" else pair for pair in headers]
    return [*headers, *found] if found else headers


def methods(scope: Scope) -> list[str]:
    """The methods that some route takes at this path, HEAD and OPTIONS among them; none for 404."""
    plain = {key: scope[key] for key in ("type", "path", "root_path", "headers", "app")}
    routes = scope["app"].routes

    def taken(method: str) -> bool:
        return any(r.matches({**plain, "method": method})[0] is Match.FULL for r in routes)

    if scope["path"].startswith("/static/"):
        return ["GET", "HEAD", "OPTIONS"]
    known = [method for method in _METHODS if taken(method)]
    if "GET" in known:
        known.insert(1, "HEAD")
    return [*known, "OPTIONS"] if known else []


def preflight(allowed: list[str]) -> Response:
    """The answer to OPTIONS: what a client, or a page of another origin, may send."""
    headers = {
        **CORS,
        "Allow": ", ".join(allowed),
        "Access-Control-Allow-Methods": ", ".join(allowed),
        "Access-Control-Allow-Headers": ALLOWED_HEADERS,
        "Access-Control-Max-Age": "86400",
    }
    return Response(status_code=204, headers=headers)

"""What every route shares at its edge: CORS, HEAD and OPTIONS."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clusterloom.api.problems import CORS

ALLOW = "GET, HEAD, OPTIONS"
_OWN = "/sparql"
"""The route that answers HEAD and OPTIONS itself."""


class EdgeMiddleware:
    """Lets any page read any answer, and answers HEAD as GET without a body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes everything but HTTP on as it is."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        own = scope["path"] == _OWN
        if scope["method"] == "OPTIONS" and not own:
            headers = {**CORS, "Allow": ALLOW, "Access-Control-Allow-Methods": ALLOW,
                       "Access-Control-Allow-Headers": "Accept"}  # fmt: skip
            await Response(status_code=204, headers=headers)(scope, receive, send)
            return
        head = scope["method"] == "HEAD" and not own
        if head:
            scope = {**scope, "method": "GET"}

        async def send_open(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in CORS.items():
                    headers.setdefault(name, value)
                if headers.get("Allow") == "GET":
                    headers["Allow"] = ALLOW  # HEAD and OPTIONS are answered here
            elif head and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self._app(scope, receive, send_open)

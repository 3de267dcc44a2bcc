"""Entity tags and conditional requests: a 304 costs no query where the request decides the answer.

The tag of an answer is a hash of what decides its bytes: release, software version, address of the
service, request, and the kind of store. In a content coding it gets a suffix (`"…-br"`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clusterloom import __version__
from clusterloom.api.compression import CODINGS, Wanted, coding_wanted
from clusterloom.api.problems import CORS

VARY = "Accept, Accept-Encoding"

_LIVE = (
    "/health",
    "/ready",
    "/metrics",
    "/sparql",
    "/dumps/",
    "/static/",
    "/id/",
    "/api/v1/releases",
)
"""Paths whose answers depend on more than request and release, or have tags of their own."""

_KEPT = (b"vary", b"cache-control", b"x-clusterloom-release", b"etag", b"link", b"content-location")
"""Headers of an answer that its 304 has too."""


def etag(*parts: object) -> str:
    """A strong entity tag of this software version and whatever decides the bytes."""
    text = repr((__version__, parts))
    return f'"{hashlib.blake2b(text.encode("utf-8"), digest_size=16).hexdigest()}"'


def matched(if_none_match: str, tag: str, want: Wanted) -> str | None:
    """The tag of the client's copy where that copy is the answer still, in a coding it takes.

    A `*` is for the caller: it matches whatever exists.
    """
    stem = tag.removeprefix("W/")[:-1]
    tags = [f'{stem}-{coding}"' for coding in CODINGS if want.coding] + [f'{stem}"']
    for item in if_none_match.split(","):
        bare = item.strip().removeprefix("W/")
        if bare in tags:
            return bare
    return None


def today() -> str:
    """The day, which the state of a call depends on."""
    return datetime.now(UTC).date().isoformat()


def request_key(scope: Scope) -> tuple[object, ...]:
    """What a GET request asks for: order of parameters and spelling of escapes do not count."""
    text = scope["query_string"].decode("latin-1")
    try:
        pairs: object = sorted(parse_qsl(text, keep_blank_values=True), key=lambda pair: pair[0])
    except ValueError:
        pairs = text
    accept = [value for name, value in scope["headers"] if name in {b"accept", b"host"}]
    return scope["path"], pairs, accept


class ConditionalMiddleware:
    """Gives answers to GET their tag and `Vary`, and answers 304 to who has them.

    `about()` says what an answer depends on beside the request, None while nothing is served. An
    answer with `no-store` gets no tag; one with a tag of its own keeps it.
    """

    def __init__(self, app: ASGIApp, about: Callable[[], tuple[object, ...] | None]) -> None:
        self._app = app
        self._about = about

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes everything but GET of HTTP on as it is."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        asked = b",".join(v for n, v in scope["headers"] if n == b"if-none-match").decode("latin-1")
        want = coding_wanted(scope)
        about = None if scope["path"].startswith(_LIVE) else self._about()
        tag = etag(about, today(), request_key(scope)) if about is not None else None
        if tag is not None and (known := matched(asked, tag, want)):
            headers = {**CORS, "Vary": VARY, "Cache-Control": "no-cache", "ETag": known}
            await _unchanged(send, [(k.lower().encode(), v.encode()) for k, v in headers.items()])
            return
        if not scope["path"].startswith("/dumps/"):
            plain = [pair for pair in scope["headers"] if pair[0] not in {b"range", b"if-range"}]
            scope = {**scope, "headers": plain}
        dropped = False

        async def send_tagged(message: Message) -> None:
            nonlocal dropped
            if message["type"] == "http.response.start":
                # the store may have moved from disk to memory on the way
                headers = _tagged(scope, message, tag if self._about() == about else None)
                own = next((v.decode("latin-1") for n, v in headers if n == b"etag"), None)
                same = own and message["status"] == 200 and asked
                if same and own and (asked.strip() == "*" or matched(asked, own, want)):
                    dropped = True
                    await _unchanged(send, [pair for pair in headers if _keeps(pair[0])])
                    return
                message = {**message, "headers": headers}
            if not dropped:
                await send(message)

        await self._app(scope, receive, send_tagged)


def _keeps(name: bytes) -> bool:
    return name in _KEPT or name.startswith(b"access-control-")


def _tagged(scope: Scope, start: Message, tag: str | None) -> list[tuple[bytes, bytes]]:
    """The headers of an answer with its tag and with `Vary`."""
    headers = [pair for pair in start["headers"] if pair[0] != b"vary"]
    own = {value.lower() for name, value in start["headers"] if name == b"vary"}
    files = scope["path"].startswith(("/dumps/", "/static/"))
    headers.append((b"vary", b"Accept-Encoding" if files and not own else VARY.encode("ascii")))
    if not files:
        headers = [pair for pair in headers if pair[0] != b"accept-ranges"]
    names = {name for name, _ in headers}
    stored = next((v for n, v in headers if n == b"cache-control"), b"no-cache")
    if start["status"] == 200 and tag and b"no-store" not in stored:
        if b"etag" not in names:
            headers.append((b"etag", tag.encode("ascii")))
        if b"cache-control" not in names:
            headers.append((b"cache-control", b"no-cache"))
    return headers


async def _unchanged(send: Send, headers: list[tuple[bytes, bytes]]) -> None:
    await send({"type": "http.response.start", "status": 304, "headers": headers})
    await send({"type": "http.response.body", "body": b""})

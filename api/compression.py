"""Content codings: which one a client gets, and bodies written in it, whole or as they come.

A whole body is compressed at once, so its bytes and its strong ETag are the same each time. A body
that comes in parts is flushed after each part, so that nothing is held back; where the parts end
depends on the clock, so its ETag is weak.
"""

from __future__ import annotations

import asyncio
import re
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import brotli
import zstandard
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clusterloom.api.problems import from_error
from clusterloom.errors import NotAcceptable

CODINGS = ("zstd", "br", "gzip")
"""What bodies can be written in; the first of those that a client likes equally is taken."""

SMALL = 1000
"""Bytes below which a body stays as it is."""
LARGE = 256 * 1024
"""Bytes above which a body is compressed off the event loop."""

_ITEM = re.compile(r"([a-z0-9*!#$%&'+.^_`|~-]+)\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?|\.\d{1,3}))?")
_DENSE = re.compile(
    rb"image/(?!svg)|video/|audio/|font/woff|application/(zstd|gzip|zip|x-gzip|vnd\.)"
)
"""Media types whose bytes are compressed already."""


@dataclass(frozen=True)
class Wanted:
    """The coding a client gets ("" for none), and whether it takes a body without one."""

    coding: str
    plain: bool

    @property
    def possible(self) -> bool:
        """Whether there is any way to send a body."""
        return self.plain or bool(self.coding)


PLAIN = Wanted("", True)


@lru_cache(maxsize=256)
def wanted(accept_encoding: str) -> Wanted:
    """What an Accept-Encoding header asks for; what cannot be read in it is left out.

    >>> wanted("gzip, br;q=0.5").coding, wanted("identity, gzip;q=0.5").coding
    ('gzip', '')
    """
    weights: dict[str, float] = {}
    for part in accept_encoding.lower().split(","):
        if match := _ITEM.fullmatch(part.strip()):
            name = {"x-gzip": "gzip"}.get(match[1], match[1])
            weights[name] = min(1.0, float(match[2] or 1))
    others = weights.get("*", 0.0)
    best = max(CODINGS, key=lambda name: weights.get(name, others))
    weight = weights.get(best, others)
    plain = weights.get("identity", weights.get("*", 1.0)) > 0
    if weight <= 0 or weights.get("identity", 0.0) > weight:
        best = ""
    return Wanted(best, plain)


class Encoder(Protocol):
    """Compresses one body."""

    def part(self, data: bytes) -> bytes:
        """Everything that can be read of the body so far."""
        ...

    def end(self) -> bytes:
        """What ends the body."""
        ...


class _Gzip:
    def __init__(self) -> None:
        self._one = zlib.compressobj(5, zlib.DEFLATED, 31)

    def part(self, data: bytes) -> bytes:
        return self._one.compress(data) + self._one.flush(zlib.Z_SYNC_FLUSH)

    def end(self) -> bytes:
        return self._one.flush()


class _Brotli:
    def __init__(self) -> None:
        self._one = brotli.Compressor(quality=4)

    def part(self, data: bytes) -> bytes:
        return bytes(self._one.process(data) + self._one.flush())

    def end(self) -> bytes:
        return bytes(self._one.finish())


class _Zstd:
    def __init__(self) -> None:
        self._one = zstandard.ZstdCompressor(level=3).compressobj()

    def part(self, data: bytes) -> bytes:
        return self._one.compress(data) + self._one.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)

    def end(self) -> bytes:
        return self._one.flush()


_ENCODERS: dict[str, type[Encoder]] = {"gzip": _Gzip, "br": _Brotli, "zstd": _Zstd}


def encoder(coding: str) -> Encoder:
    """A new encoder."""
    return _ENCODERS[coding]()


async def compressed(coding: str, body: bytes) -> bytes:
    """The whole body in that coding."""
    if len(body) > LARGE:
        return await asyncio.to_thread(compressed_now, coding, body)
    return compressed_now(coding, body)


def compressed_now(coding: str, body: bytes) -> bytes:
    """The same in this thread; a megabyte takes some ten milliseconds."""
    if coding == "gzip":
        one = zlib.compressobj(5, zlib.DEFLATED, 31)
        return one.compress(body) + one.flush()
    if coding == "br":
        return bytes(brotli.compress(body, quality=4))
    return zstandard.ZstdCompressor(level=3).compress(body)


def coded_tag(tag: str, coding: str, weak: bool = False) -> str:
    """The entity tag of the same answer in a coding.

    >>> coded_tag('"abc"', "br"), coded_tag('"abc"', "zstd", weak=True), coded_tag('"abc"', "")
    ('"abc-br"', 'W/"abc-zstd"', '"abc"')
    """
    if not coding:
        return tag
    coded = f'{tag[:-1]}-{coding}"'
    return f"W/{coded}" if weak and not coded.startswith("W/") else coded


class CodedSend:
    """A `send` that writes the body in the coding a client wants."""

    def __init__(self, send: Send, want: Wanted) -> None:
        self._send = send
        self._want = want
        self._start: Message | None = None
        self._encoder: Encoder | None = None

    async def __call__(self, message: Message) -> None:
        """Takes the messages of one answer."""
        if message["type"] == "http.response.start":
            if _fixed(message):
                await self._send(message)
            else:
                self._start = message  # until it is known whether the body is small
            return
        if message["type"] != "http.response.body":
            await self._send(message)
            return
        start, self._start = self._start, None
        body, more = message.get("body", b""), message.get("more_body", False)
        if start is not None:
            if not more:
                await self._send_whole(start, body)
                return
            self._encoder = encoder(self._want.coding)
            await self._send(_recoded(start, self._want.coding, None))
        if self._encoder is None:
            await self._send(message)
            return
        coded = self._encoder.part(body) if body else b""
        if not more:
            coded += self._encoder.end()
        await self._send({"type": "http.response.body", "body": coded, "more_body": more})

    async def _send_whole(self, start: Message, body: bytes) -> None:
        if len(body) >= SMALL or (body and not self._want.plain):
            body = await compressed(self._want.coding, body)
            start = _recoded(start, self._want.coding, len(body))
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})


def _fixed(start: Message) -> bool:
    """Whether the body must stay as it is."""
    if start["status"] in {204, 206, 304}:
        return True
    return any(
        name == b"content-encoding" or (name == b"content-type" and _DENSE.match(value))
        for name, value in start["headers"]
    )


def _recoded(start: Message, coding: str, length: int | None) -> Message:
    """The start of the same answer with a coded body; of unknown length where it is streamed."""
    headers = []
    for name, value in start["headers"]:
        if name == b"etag":
            tag = coded_tag(value.decode("latin-1"), coding, weak=length is None)
            headers.append((name, tag.encode("latin-1")))
        elif name not in {b"content-length", b"accept-ranges"}:
            headers.append((name, value))
    headers.append((b"content-encoding", coding.encode("ascii")))
    if length is not None:
        headers.append((b"content-length", str(length).encode("ascii")))
    return {**start, "headers": headers}


def coding_wanted(scope: Scope) -> Wanted:
    """What the Accept-Encoding lines of a request ask for; without one, no coding."""
    lines = [value for name, value in scope["headers"] if name == b"accept-encoding"]
    return wanted(b",".join(lines).decode("latin-1")) if lines else PLAIN


def not_codable() -> NotAcceptable:
    """The error for a client that takes no coding we have, nor a body without one."""
    return NotAcceptable(
        f"A body can be sent as identity, {', '.join(CODINGS)}; Accept-Encoding refuses them all.",
        available=["identity", *CODINGS],
    )


class CompressionMiddleware:
    """Compresses what the routes send, dumps excepted."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes everything but HTTP on as it is."""
        if scope["type"] != "http" or scope["path"].startswith("/dumps/"):
            await self._app(scope, receive, send)
            return
        want = coding_wanted(scope)
        if not want.possible:
            await from_error(not_codable())(scope, receive, send)
            return
        await self._app(scope, receive, CodedSend(send, want) if want.coding else send)

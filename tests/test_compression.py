"""Content codings: which one is chosen, and that each gives the same bytes back."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

from clusterloom.api.compression import CODINGS, CompressionMiddleware, encoder, wanted

LONG = b"".join(b"line %d of a body\n" % number for number in range(5000))


def decoded(coding: str, data: bytes) -> bytes:
    """The body again."""
    if coding == "gzip":
        return gzip.decompress(data)
    if coding == "br":
        return bytes(brotli.decompress(data))
    if coding == "zstd":
        return zstandard.ZstdDecompressor().decompressobj().decompress(data)
    return data


@pytest.mark.parametrize(
    ("accept", "coding", "plain"),
    [
        ("gzip", "gzip", True),
        ("x-gzip", "gzip", True),
        ("gzip, deflate, br", "br", True),
        ("gzip, deflate, br, zstd", "zstd", True),
        ("GZIP;Q=1, br;q=0.9", "gzip", True),
        ("br;q=0.5, gzip;q=0.6", "gzip", True),
        ("identity", "", True),
        ("identity, gzip;q=0.5", "", True),
        ("identity;q=0.5, gzip;q=0.5", "gzip", True),
        ("", "", True),
        ("deflate", "", True),
        ("*", "zstd", True),
        ("*;q=0", "", False),
        ("gzip;q=0, *", "zstd", True),
        ("identity;q=0", "", False),
        ("identity;q=0, gzip;q=0.1", "gzip", False),
        ("*;q=0, br", "br", False),
        ("*;q=0, identity", "", True),
        ("gzip;q=0", "", True),
        ("gzip;q=oops", "", True),
    ],
)
def test_which_coding(accept: str, coding: str, plain: bool) -> None:
    assert (wanted(accept).coding, wanted(accept).plain) == (coding, plain)


@given(st.text(max_size=60))
def test_any_header_is_read(accept: str) -> None:
    assert wanted(accept).coding in {"", *CODINGS}


def whole_parts(read: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """Brotli's reader gives 32 kB at a time."""

    def all_of(data: bytes) -> bytes:
        got = read(data)
        while more := read(b""):
            got += more
        return got

    return all_of


@pytest.mark.parametrize("coding", CODINGS)
def test_each_part_can_be_read_when_it_is_sent(coding: str) -> None:
    made = encoder(coding)
    sent = b""
    readers = {
        "gzip": zlib.decompressobj(31).decompress,
        "br": whole_parts(brotli.Decompressor().process),
        "zstd": zstandard.ZstdDecompressor().decompressobj().decompress,
    }
    for part in (b"first ", b"second ", LONG):
        coded = made.part(part)
        sent += coded
        assert readers[coding](coded) == part
    assert decoded(coding, sent + made.end()) == b"first second " + LONG


def answered(
    accept: str | None,
    parts: list[bytes],
    content_type: str = "text/csv",
    path: str = "/",
    **more: str,
) -> tuple[int, dict[str, str], bytes]:
    """What a client gets of these parts: status, headers, body."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", content_type.encode()), (b"etag", b'"tag"')]
        headers += [(name.replace("_", "-").encode(), v.encode()) for name, v in more.items()]
        if len(parts) == 1:
            headers.append((b"content-length", b"%d" % len(parts[0])))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for number, part in enumerate(parts):
            last = number == len(parts) - 1
            await send({"type": "http.response.body", "body": part, "more_body": not last})

    got: list[Message] = []

    async def send(message: Message) -> None:
        got.append(message)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    lines = [] if accept is None else [(b"accept-encoding", accept.encode())]
    scope: Scope = {"type": "http", "path": path, "method": "GET", "headers": lines}
    asyncio.run(CompressionMiddleware(app)(scope, receive, send))
    headers = {name.decode(): value.decode() for name, value in got[0]["headers"]}
    return got[0]["status"], headers, b"".join(m.get("body", b"") for m in got[1:])


@pytest.mark.parametrize("coding", CODINGS)
def test_a_whole_body_has_its_length_and_a_strong_tag(coding: str) -> None:
    _, headers, body = answered(coding, [LONG])
    assert headers["content-encoding"] == coding
    assert headers["content-length"] == str(len(body))
    assert headers["etag"] == f'"tag-{coding}"'
    assert len(body) < len(LONG) // 2
    assert decoded(coding, body) == LONG
    assert answered(coding, [LONG])[2] == body


@pytest.mark.parametrize("coding", CODINGS)
def test_a_body_in_parts_has_a_weak_tag(coding: str) -> None:
    _, headers, body = answered(coding, [LONG, b"", LONG, b""])
    assert "content-length" not in headers
    assert headers["etag"] == f'W/"tag-{coding}"'
    assert decoded(coding, body) == LONG + LONG


@pytest.mark.parametrize(
    ("accept", "parts", "more"),
    [
        (None, [LONG], {}),
        ("identity", [LONG], {}),
        ("gzip", [b"small"], {}),
        ("gzip", [b""], {}),
        ("gzip", [LONG], {"content_type": "application/gzip"}),
        ("gzip", [LONG], {"content_type": "image/png"}),
        ("gzip", [LONG], {"content_type": "application/vnd.openxmlformats-officedocument.x"}),
        ("gzip", [LONG], {"content_encoding": "br"}),
        ("gzip", [LONG], {"path": "/dumps/x/dump.nq"}),
    ],
)
def test_what_stays_as_it_is(accept: str | None, parts: list[bytes], more: dict[str, str]) -> None:
    _, headers, body = answered(accept, parts, **more)
    assert body == b"".join(parts)
    assert headers["etag"] == '"tag"'
    assert headers["content-length"] == str(len(body))
    assert headers.get("content-encoding") == more.get("content_encoding")


def test_who_refuses_plain_bodies_gets_none() -> None:
    _, headers, body = answered("identity;q=0, gzip", [b"small"])
    assert headers["content-encoding"] == "gzip"
    assert gzip.decompress(body) == b"small"
    status, headers, _ = answered("identity;q=0", [b"small"])
    assert status == 406
    assert headers["content-type"] == "application/problem+json"


def test_text_of_pages_and_pictures_of_text_are_compressed() -> None:
    for content_type in ("text/html; charset=utf-8", "image/svg+xml", "application/ld+json"):
        assert answered("br", [LONG], content_type)[1]["content-encoding"] == "br"

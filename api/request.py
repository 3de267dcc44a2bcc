"""What a request to `/sparql` asks for: parameters of the SPARQL Protocol, read and checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.requests import Request

from clusterloom.errors import QueryRefused, TooLarge, UnsupportedMediaType, UsageError

FORM = "application/x-www-form-urlencoded"
DIRECT = "application/sparql-query"


@dataclass(frozen=True)
class Asked:
    """What a request asks for, its parameters read and checked."""

    query: str | None
    default_graphs: tuple[str, ...]
    named_graphs: tuple[str, ...]
    max_rows: int | None
    format: str | None


async def read_request(request: Request, max_body: int) -> Asked:
    """Reads the query string and, where the method has one, the body."""
    pairs = _pairs(request.scope["query_string"], "query string")
    if request.method in {"POST", "QUERY"}:
        media_type, _, parameters = request.headers.get("content-type", "").partition(";")
        media_type = media_type.strip().lower()
        if media_type == "application/sparql-update":
            raise QueryRefused("This endpoint is read-only: updates are refused.")
        if media_type not in {FORM, DIRECT}:
            raise UnsupportedMediaType(
                f"A query is sent as {FORM} or {DIRECT}, not as {media_type or 'untyped body'}."
            )
        charset = parameters.lower().partition("charset=")[2].strip(' "')
        if charset not in {"", "utf-8", "utf8"} or "content-encoding" in request.headers:
            raise UnsupportedMediaType("The body must be plain UTF-8, not compressed.")
        body = await _body(request, max_body)
        pairs += [("query", _text(body))] if media_type == DIRECT else _pairs(body, "form")
    return _asked(pairs)


def _pairs(raw: bytes, where: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=1000
        )
    except ValueError:  # UnicodeDecodeError is one
        raise UsageError(f"The {where} is not percent-encoded UTF-8.") from None


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"The query is not UTF-8 (byte {error.start}).") from None


async def _body(request: Request, limit: int) -> bytes:
    too_large = TooLarge(f"The request body may have {limit} bytes.", limit=limit)
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > limit:
        raise too_large
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > limit:
            raise too_large
    return bytes(body)


def _asked(pairs: list[tuple[str, str]]) -> Asked:
    def values(name: str) -> tuple[str, ...]:
        return tuple(value for key, value in pairs if key == name)

    if values("update"):
        raise QueryRefused("This endpoint is read-only: updates are refused.")
    if len(values("query")) > 1:
        raise UsageError("The request has more than one query.")
    rows = values("max_rows")
    if rows and not re.fullmatch(r"[1-9][0-9]{0,8}", rows[0]):
        raise UsageError(
            f"max_rows must be a whole number from 1 to 999999999, not {rows[0][:20]!r}."
        )
    return Asked(
        query=next(iter(values("query")), None),
        default_graphs=values("default-graph-uri"),
        named_graphs=values("named-graph-uri"),
        max_rows=int(rows[0]) if rows else None,
        format=next(iter(values("format")), None),
    )

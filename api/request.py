"""What a request to `/sparql` asks for: parameters of the SPARQL Protocol, read and checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope

from clusterloom.errors import QueryRefused, TooLarge, UnsupportedMediaType, UsageError
from clusterloom.store.texts import beside

FORM = "application/x-www-form-urlencoded"
DIRECT = "application/sparql-query"

PARAMETERS = {
    "query": "the SPARQL query; without it the service description is sent",
    "default-graph-uri": "a graph to use as default graph; repeat it for a union",
    "named-graph-uri": "a graph that GRAPH may match; may be repeated",
    "max_rows": "cut the answer after that many rows and say so",
    "format": "json, xml, csv, tsv, xlsx, ttl, nt, rdf, jsonld, trig, nq: overrides Accept",
    "explain": "1: what the query would do, without running it, as JSON: {form, variables, "
    "volatile, warnings: [{kind, message, line, column, suggestion}], patterns in join order: "
    "[{text, line, column, matches (null beyond 100,000), at_least}], complete, release}",
}
"""Parameters of a query string or form, and what they mean."""

LONG_FORM = 50_000
"""Bytes of a form from which on it is decoded beside the event loop: about 5 ms."""
_YES = {"1", "true", "yes"}
_NO = {"", "0", "false", "no"}


class BodyEnded(Exception):
    """The client went away before its request was whole."""


@dataclass(frozen=True)
class Asked:
    """What a request asks for, its parameters read and checked."""

    query: str | None
    default_graphs: tuple[str, ...]
    named_graphs: tuple[str, ...]
    max_rows: int | None
    format: str | None
    explain: bool = False


def headers_of(scope: Scope) -> dict[bytes, str]:
    """The headers of a request by lower-case name; several lines of one are one list."""
    found: dict[bytes, str] = {}
    for name, value in scope["headers"]:
        text = value.decode("latin-1")
        found[name] = f"{found[name]}, {text}" if name in found else text
    return found


async def read_request(
    scope: Scope, receive: Receive, headers: Mapping[bytes, str], max_body: int
) -> Asked:
    """Reads the query string and, where the method has one, the body.

    Raises BodyEnded when the client goes away meanwhile, else UsageError, TooLarge ...
    """
    pairs = _pairs(scope["query_string"], "query string")
    if scope["method"] in {"POST", "QUERY"}:
        media_type = _media_type(headers)
        body = await _body(receive, headers, max_body)
        if media_type == DIRECT:
            pairs.append(("query", _text(body)))
        else:
            work = partial(_pairs, body, "form")
            form = work() if len(body) < LONG_FORM else await beside(work)
            if any(name == "release" for name, _ in form):
                raise UsageError(
                    "A release is named in the address, not in a form: /sparql?release=<id>.",
                    parameter="release",
                )
            pairs += form
    return _asked(pairs)


def _media_type(headers: Mapping[bytes, str]) -> str:
    """FORM or DIRECT, whichever the body is."""
    media_type, _, parameters = headers.get(b"content-type", "").partition(";")
    media_type = media_type.strip().lower()
    if media_type == "application/sparql-update":
        raise QueryRefused("This endpoint is read-only: updates are refused.")
    if media_type not in {FORM, DIRECT}:
        raise UnsupportedMediaType(
            f"A query is sent as {FORM} or {DIRECT}, not as {media_type or 'untyped body'}."
        )
    charset = parameters.lower().partition("charset=")[2].partition(";")[0].strip(" \"'")
    coding = headers.get(b"content-encoding", "identity").strip().lower()
    if charset not in {"", "utf-8", "utf8"} or coding != "identity":
        raise UnsupportedMediaType("The body must be plain UTF-8, not compressed.")
    return media_type


def _pairs(raw: bytes, where: str) -> list[tuple[str, str]]:
    if not raw:
        return []
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


async def _body(receive: Receive, headers: Mapping[bytes, str], limit: int) -> bytes:
    too_large = TooLarge(f"The request body may have {limit} bytes.", limit=limit)
    length = headers.get(b"content-length", "")
    if length.isdecimal() and int(length[:20]) > limit:
        raise too_large
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BodyEnded
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > limit:
            raise too_large
    return bytes(body)


def _asked(pairs: list[tuple[str, str]]) -> Asked:
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        given.setdefault(name, []).append(value)
    if "update" in given:
        raise QueryRefused("This endpoint is read-only: updates are refused.")
    query = given.get("query", [])
    if len(query) > 1:
        raise UsageError("The request has more than one query.")
    rows = given.get("max_rows")
    if rows and not re.fullmatch(r"[1-9][0-9]{0,8}", rows[0]):
        raise UsageError(
            f"max_rows must be a whole number from 1 to 999999999, not {rows[0][:20]!r}."
        )
    explain = given.get("explain", [""])[0].lower()
    if explain not in _YES | _NO:
        raise UsageError(f"explain must be 1 or 0, not {explain[:20]!r}.", parameter="explain")
    return Asked(
        query=query[0] if query else None,
        default_graphs=tuple(given.get("default-graph-uri", ())),
        named_graphs=tuple(given.get("named-graph-uri", ())),
        max_rows=int(rows[0]) if rows else None,
        format=given.get("format", [None])[0],
        explain=explain in _YES,
    )

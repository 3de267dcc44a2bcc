"""Whether an answer that is wholly there is empty, and where to ask why."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from clusterloom.api.request import Asked
from clusterloom.store.engine import CSV, JSON, TSV, XML

LONGEST = 6000
"""Bytes the address in a Link header may have."""


def is_empty(body: bytes, media_type: str) -> bool:
    """Whether a SELECT or CONSTRUCT gave nothing; never true of a truth value.

    >>> is_empty(b'{"head":{"vars":["x"]},"results":{"bindings":[]}}', JSON)
    True
    >>> is_empty(b"x\\r\\n", CSV), is_empty(b"x\\r\\n1\\r\\n", CSV)
    (True, False)
    """
    if media_type == JSON:
        return body.rstrip().endswith(b'"bindings":[]}}')
    if media_type == XML:
        return b"<results" in body and b"<result>" not in body
    if media_type in {CSV, TSV}:
        return body.count(b"\n") == 1 and body.strip() not in {b"true", b"false"}
    if media_type in {"application/n-triples", "application/n-quads"}:
        return not body.strip()
    if media_type in {"text/turtle", "application/trig"}:
        return not any(line and not line.startswith(b"@prefix ") for line in body.splitlines())
    if media_type == "application/ld+json":
        return body.strip() in {b"[]", b"{}"}
    return b"rdf:Description" not in body and b"rdf:about" not in body


def help_link(asked: Asked, body: bytes, media_type: str) -> str:
    """The Link header of an empty answer, which leads to the reason; "" for any other."""
    if len(body) > 20_000 or asked.query is None or not is_empty(body, media_type):
        return ""
    pairs = [("query", asked.query)]
    pairs += [("default-graph-uri", graph) for graph in asked.default_graphs]
    pairs += [("named-graph-uri", graph) for graph in asked.named_graphs]
    address = f"/sparql/why?{urlencode(pairs, quote_via=quote)}"
    return f'<{address}>; rel="help"' if len(address) <= LONGEST else ""

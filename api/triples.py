"""Triples as an HTTP answer: Turtle unless the client asks for another RDF format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pyoxigraph as ox
from starlette.requests import Request
from starlette.responses import Response

from clusterloom.api.negotiation import accept_of, content_type, negotiate
from clusterloom.errors import NotAcceptable
from clusterloom.namespaces import PREFIXES

WRITERS = {
    "text/turtle": ox.RdfFormat.TURTLE,
    "application/rdf+xml": ox.RdfFormat.RDF_XML,
    "application/n-triples": ox.RdfFormat.N_TRIPLES,
    "application/ld+json": ox.RdfFormat.JSON_LD,
}
"""The formats by media type; the first is for clients without a wish."""


def chosen_format(request: Request) -> str:
    """The media type of an RDF document for this request; NotAcceptable names those there are."""
    chosen = negotiate(accept_of(request.headers), [*WRITERS])
    if chosen is None:
        raise NotAcceptable(f"this can be had as {', '.join(WRITERS)}", available=[*WRITERS])
    return chosen


def written(
    triples: Iterable[ox.Triple], media_type: str, prefixes: Mapping[str, str] = PREFIXES
) -> bytes:
    """The triples in one of the formats."""
    return ox.serialize(triples, format=WRITERS[media_type], prefixes=dict(prefixes)) or b""


def sent(body: bytes, media_type: str, headers: Mapping[str, str] | None = None) -> Response:
    """The answer of a route that negotiates by Accept."""
    own = {"Content-Type": content_type(media_type), "Vary": "Accept"}
    return Response(body, headers={**own, **(headers or {})})

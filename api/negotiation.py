"""Which representation a client gets: media ranges with q-values against what we can write."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.datastructures import Headers

from clusterloom.errors import NotAcceptable, UsageError
from clusterloom.store.engine import GRAPH_TYPES, TABLE_TYPES

HTML = "text/html"
XHTML = "application/xhtml+xml"

_RANGE = re.compile(r"([^\s/;,]+)/([^\s/;,]+)")
_QUALITY = re.compile(r"[01](?:\.\d{0,3})?|\.\d{1,3}")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')

_WITH_CHARSET = {"text/csv", "text/tab-separated-values", "text/turtle", "text/plain", HTML}

_TABLE_ALIASES = {
    "application/json": TABLE_TYPES["json"],
    "application/xml": TABLE_TYPES["xml"],
    "text/xml": TABLE_TYPES["xml"],
}
_GRAPH_ALIASES = {
    "application/json": GRAPH_TYPES["jsonld"],
    "application/xml": GRAPH_TYPES["rdf"],
    "text/plain": GRAPH_TYPES["nt"],
    "application/x-turtle": GRAPH_TYPES["ttl"],
    "text/n3": GRAPH_TYPES["ttl"],
    "text/rdf+n3": GRAPH_TYPES["ttl"],
}
_NAME_ALIASES = {
    "turtle": "ttl",
    "n3": "ttl",  # SPARQLWrapper asks so; Turtle is N3 too
    "json-ld": "jsonld",
    "n-triples": "nt",
    "ntriples": "nt",
    "rdfxml": "rdf",
    "rdf+xml": "rdf",
    "n-quads": "nq",
    "nquads": "nq",
}


@dataclass(frozen=True)
class Range:
    """One media range of an Accept header."""

    type: str
    subtype: str
    quality: float

    def rank(self, media_type: str) -> int:
        """How exactly it names the media type: 3 by name, 2 `text/*`, 1 `*/*`, 0 not at all."""
        kind, _, subtype = media_type.partition("/")
        if (self.type, self.subtype) == (kind, subtype):
            return 3
        if self.type == kind and self.subtype == "*":
            return 2
        return 1 if (self.type, self.subtype) == ("*", "*") else 0


@dataclass(frozen=True)
class Choice:
    """What is written (`media_type`) and how the answer names it (`content_type`)."""

    media_type: str
    content_type: str


def accept_of(headers: Headers) -> str | None:
    """The Accept header; several lines of it are one list."""
    return ", ".join(headers.getlist("accept")) or None


def ranges(accept: str) -> list[Range]:
    """The media ranges of an Accept header; what cannot be read in it is left out."""
    found = []
    for part in _QUOTED.sub("", accept.lower()).split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        match = _RANGE.fullmatch(name)
        quality = 1.0
        for parameter in parameters:
            key, _, value = (piece.strip() for piece in parameter.partition("="))
            if key == "q":
                quality = min(1.0, float(value)) if _QUALITY.fullmatch(value) else -1.0
                break
        if match and quality >= 0:
            found.append(Range(match[1], match[2], quality))
    return found


def negotiate(accept: str | None, offers: Sequence[str]) -> str | None:
    """The offer the client likes best, None when it takes none of them.

    The most exact range decides the quality of an offer; among equals one that is named exactly
    wins, then the order of the offers.
    """
    wanted = ranges(accept or "")
    if not wanted:
        return offers[0] if not (accept or "").strip() else None
    best: tuple[float, int] = (0.0, 0)
    chosen: str | None = None
    for offer in offers:
        rank, quality = max(((r.rank(offer), r.quality) for r in wanted), default=(0, 0.0))
        if rank and quality > 0 and (quality, rank) > best:
            best, chosen = (quality, rank), offer
    return chosen


def wants_html(accept: str | None, graph: bool = False) -> bool:
    """Whether the client likes a page better than data."""
    if "html" not in (accept or "").lower():  # a range such as text/* means data
        return False
    data = [*(GRAPH_TYPES if graph else TABLE_TYPES).values()]
    both = {**_TABLE_ALIASES, **_GRAPH_ALIASES, **dict.fromkeys(GRAPH_TYPES.values(), "")}
    return negotiate(accept, [*data, *both, HTML, XHTML]) in {HTML, XHTML}


def content_type(media_type: str) -> str:
    """The Content-Type header for a media type: text with its charset."""
    return f"{media_type}; charset=utf-8" if media_type in _WITH_CHARSET else media_type


def choose(accept: str | None, graph: bool, format_name: str | None = None) -> Choice:
    """How to write rows or, with `graph`, triples; `format_name` (`?format=`) overrides Accept.

    Raises UsageError for an unknown format, NotAcceptable for one that does not fit.
    """
    types = GRAPH_TYPES if graph else TABLE_TYPES
    aliases = _GRAPH_ALIASES if graph else _TABLE_ALIASES
    if format_name:
        media_type = _by_name(format_name.strip().lower(), graph)
        if media_type in types.values():
            return Choice(media_type, content_type(media_type))
    else:
        chosen = negotiate(accept, [*types.values(), *aliases])
        if chosen is not None:
            return Choice(aliases.get(chosen, chosen), content_type(chosen))
    what = "triples (CONSTRUCT, DESCRIBE)" if graph else "rows (SELECT, ASK)"
    raise NotAcceptable(
        f"{what} can be written as {', '.join(types.values())}.",
        available=[*types.values()],
        formats=[*types],
    )


def _by_name(name: str, graph: bool) -> str:
    name = name.partition(";")[0].replace(" ", "+")  # a bare + in a query string is a space
    aliases = _GRAPH_ALIASES if graph else _TABLE_ALIASES
    if f"application/{name}" in aliases:  # json, xml: they mean another thing for triples
        return aliases[f"application/{name}"]
    names = {**TABLE_TYPES, **GRAPH_TYPES}
    known = names.get(_NAME_ALIASES.get(name, name)) or aliases.get(name)
    if known is None and name in names.values():
        known = name
    if known is None:
        formats = [*TABLE_TYPES, "xlsx", *GRAPH_TYPES]
        raise UsageError(
            f"format={name} is not known; one of {', '.join(formats)} or a media type.",
            formats=formats,
        )
    return known

"""The terms of a query as it means them: IRIs in full, literals by value."""

from __future__ import annotations

import re
from typing import NamedTuple

import pyoxigraph as ox

from clusterloom.namespaces import PREFIXES
from clusterloom.store.patterns import QueryParts
from clusterloom.store.token_reader import resolve
from clusterloom.store.tokens import Token, Unclosed, tokenise, unescape

_SAFE = re.compile(r"[^\x00-\x20<>\"{}|^`\\]*")
RDF_TYPE = PREFIXES["rdf"] + "type"


class Written(NamedTuple):
    """A literal: its text, language tag and datatype."""

    value: str
    language: str
    datatype: str


def iri_of(parts: QueryParts, text: str) -> str:
    """The IRI that a name of the query stands for; blank where it is none."""
    iri = RDF_TYPE if text in {"a", "A"} else _full(parts, text)
    return iri if _SAFE.fullmatch(iri) else ""  # an escape may stand for `>`


def _full(parts: QueryParts, text: str) -> str:
    if text.startswith("<"):
        return resolve(parts.base, unescape(text[1:-1]))
    prefix, colon, local = text.partition(":")
    if not colon or text[:1] in {'"', "'", "?", "$"} or prefix not in parts.prefixes:
        return ""
    return parts.prefixes[prefix] + re.sub(r"\\(.)", r"\1", local)


def literal_of(parts: QueryParts, text: str) -> Written | None:
    """The value of a literal of the query; None where the text is none."""
    declared = "".join(f"@prefix {name}: <{iri}> . " for name, iri in parts.prefixes.items())
    turtle = f"{declared}<a:a> <a:b> {text} ."
    try:
        found = [quad.object for quad in ox.parse(turtle, format=ox.RdfFormat.TURTLE)]
    except (SyntaxError, ValueError):
        return None
    if len(found) != 1 or not isinstance(found[0], ox.Literal):
        return None
    return Written(found[0].value, found[0].language or "", found[0].datatype.value)


def tokens_of(text: str) -> list[Token]:
    """The tokens of a part of a query; none where it is not whole."""
    try:
        return tokenise(text)
    except Unclosed:
        return []


def prologue(parts: QueryParts, body: str) -> str:
    """The PREFIX lines that the body needs, each on a line."""
    used = {t.text.partition(":")[0] for t in tokens_of(body) if t.kind == "pname"}
    lines = [f"PREFIX {name}: <{iri}>\n" for name, iri in parts.prefixes.items() if name in used]
    if parts.base:
        lines.insert(0, f"BASE <{parts.base}>\n")
    return "".join(lines)

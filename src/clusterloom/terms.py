"""Serialised RDF terms (N-Triples syntax), validated and escaped.

Loaders write strings, not term objects, so that what they give can be sorted, hashed and
compared as text. A property test holds every function here against the parser.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

import pyoxigraph as ox

from clusterloom.namespaces import PREFIXES

_XSD = PREFIXES["xsd"]
_PLAIN_IRI = re.compile(r"https?://[A-Za-z0-9.-]+(?::\d+)?(?:[/?#][A-Za-z0-9/._~:@!$&'()*+,;=-]*)?")
_LANG = re.compile(r"[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ESCAPE = re.compile(r'[\\"\n\r\t]')
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


class Statement(NamedTuple):
    """One statement: its kind and three serialised terms."""

    kind: str
    subject: str
    predicate: str
    object: str


class BadTerm(ValueError):
    """The text cannot be a term of the kind asked for; the message says why."""


def iri(value: str) -> str:
    """`<value>`; raises BadTerm when it is not an absolute IRI."""
    if not _PLAIN_IRI.fullmatch(value):
        # anything else is left to the parser's own grammar, which costs more
        try:
            ox.NamedNode(value)
        except ValueError:
            raise BadTerm(f"not an absolute IRI: {value!r}") from None
    return f"<{value}>"


def text(value: str, lang: str = "") -> str:
    """A string literal, with a language tag where one is given."""
    if bad := _FORBIDDEN.search(value):
        raise BadTerm(f"control character U+{ord(bad[0]):04X} in text: {value[:40]!r}")
    quoted = '"' + _ESCAPE.sub(lambda m: _ESCAPES[m[0]], value) + '"'
    if not lang:
        return quoted
    if not _LANG.fullmatch(lang):
        raise BadTerm(f"not a language tag: {lang!r}")
    return f"{quoted}@{lang.lower()}"


def typed(value: str, datatype: str) -> str:
    """A literal of the XSD datatype with that local name; the value is taken as it is."""
    return f"{text(value)}^^<{_XSD}{datatype}>"


def integer(value: int | str) -> str:
    """xsd:integer in canonical form; raises BadTerm for other text."""
    try:
        return typed(str(int(value)), "integer")
    except ValueError:
        raise BadTerm(f"not a whole number: {value!r}") from None


def year(value: int | str) -> str:
    """A year as xsd:integer between 1000 and 2999; raises BadTerm otherwise."""
    if not re.fullmatch(r"[12]\d{3}", str(value)):
        raise BadTerm(f"not a year: {value!r}")
    return integer(value)


def decimal(value: Decimal | str | int) -> str:
    """xsd:decimal in canonical form (no exponent, no idle zeros); raises BadTerm otherwise."""
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise BadTerm(f"not a decimal number: {value!r}") from None
    if not number.is_finite():
        raise BadTerm(f"not a finite number: {value!r}")
    plain = format(number, "f")
    if "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    return typed("0" if plain in {"-0", ""} else plain, "decimal")


def number(value: float, digits: int = 6) -> str:
    """xsd:decimal of a computed figure, rounded so that any machine writes the same text."""
    return decimal(Decimal(repr(round(value, digits))))


def day(value: str) -> str:
    """xsd:date of `YYYY-MM-DD`; raises BadTerm for a day that is not in the calendar."""
    try:
        return typed(date.fromisoformat(value).isoformat(), "date")
    except ValueError:
        raise BadTerm(f"not a day of the form YYYY-MM-DD: {value!r}") from None


def boolean(value: bool) -> str:
    """xsd:boolean as true or false."""
    return typed("true" if value else "false", "boolean")

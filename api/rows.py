"""Answers of SPARQL SELECT as Python values: what pages, REST and linked data read from."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, NamedTuple

import orjson

from clusterloom import terms
from clusterloom.namespaces import CLOOM, ID, PREFIXES

XSD = PREFIXES["xsd"]
_INTEGERS = frozenset(
    XSD + name for name in ("integer", "int", "long", "nonNegativeInteger", "positiveInteger")
)


class Cell(NamedTuple):
    """One RDF term of an answer."""

    kind: Literal["uri", "literal", "bnode"]
    value: str
    datatype: str = ""
    language: str = ""

    @property
    def is_iri(self) -> bool:
        """Whether the term is an IRI."""
        return self.kind == "uri"

    def written(self) -> str:
        """The term in N-Triples syntax."""
        if self.kind == "uri":
            return terms.iri(self.value)
        if self.kind == "bnode":
            return f"_:{self.value}"
        if self.datatype:
            return f"{terms.text(self.value)}^^{terms.iri(self.datatype)}"
        return terms.text(self.value, self.language)

    def plain(self) -> Any:
        """The value as JSON has it: a number, true or false, or a string."""
        if self.datatype in _INTEGERS:
            return int(self.value)
        if self.datatype == XSD + "decimal":
            return number(self.value)
        if self.datatype in {XSD + "double", XSD + "float"}:
            return float(self.value)
        if self.datatype == XSD + "boolean":
            return self.value in {"true", "1"}
        return self.value


Row = dict[str, Cell]
"""The bound variables of one solution."""


def number(text: str) -> int | float | str:
    """A decimal as JSON number, whole where it is whole; the text where it is no number.

    >>> number("25150000"), number("0.5")
    (25150000, 0.5)
    """
    try:
        value = Decimal(text)
    except InvalidOperation:
        return text
    return int(value) if value == value.to_integral_value() else float(value)


def read_json(answer: bytes) -> list[Row]:
    """The rows of an answer in the SPARQL 1.1 JSON format; one empty row for a true ASK."""
    document = orjson.loads(answer)
    if "boolean" in document:
        return [{}] if document["boolean"] else []
    return [
        {name: _cell(binding) for name, binding in solution.items()}
        for solution in document["results"]["bindings"]
    ]


def _cell(binding: dict[str, str]) -> Cell:
    kind: Literal["uri", "literal", "bnode"] = "literal"
    if binding["type"] in {"uri", "bnode"}:
        kind = "uri" if binding["type"] == "uri" else "bnode"
    datatype = binding.get("datatype", "")
    if datatype == XSD + "string":
        datatype = ""
    return Cell(kind, binding["value"], datatype, binding.get("xml:lang", ""))


def values(name: str, written: Iterable[str]) -> str:
    """A VALUES clause over terms that are already serialised."""
    return f"VALUES ?{name} {{ {' '.join(written)} }}"


def key_of(iri: str) -> str:
    """The id of a thing: the last segment of its IRI."""
    return iri.rstrip("/").rpartition("/")[2]


def local(iri: str) -> str:
    """`<type>/<key>` of a thing of ours, else nothing."""
    return iri.removeprefix(ID) if iri.startswith(ID) else ""


def compact(iri: str) -> str:
    """A term of ours without prefix, others with a known prefix, else the whole IRI.

    >>> compact("https://w3id.org/clusterloom/ontology#inChain")
    'inChain'
    >>> compact("http://www.w3.org/2004/02/skos/core#broader")
    'skos:broader'
    """
    if iri.startswith(CLOOM):
        return iri.removeprefix(CLOOM)
    for prefix, namespace in PREFIXES.items():
        if iri.startswith(namespace):
            return f"{prefix}:{iri.removeprefix(namespace)}"
    return iri

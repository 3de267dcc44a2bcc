"""Collects the statements about one thing, with the conventions every source follows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import cache

from clusterloom import namespaces as ns
from clusterloom import terms
from clusterloom.ontology import vocabulary
from clusterloom.terms import Statement

_ADDRESS = re.compile(r"https?://[^\s;,<>\"{}|^`\\]+")


@cache
def _predicate(curie: str) -> str:
    return terms.iri(ns.expand(curie))


@cache
def _types(name: str) -> tuple[str, ...]:
    return tuple(terms.iri(ns.term(c)) for c in vocabulary.superclasses(name))


class Node:
    """Statements about one thing; a blank value adds none, since unknown is not a value.

    Every method returns the node, so calls chain; iterating gives the statements so far,
    those of `other` kinds and of citations included.
    """

    def __init__(self, iri: str, kind: str = "asserted", _into: list[Statement] | None = None):
        self.iri = iri
        self.kind = kind
        self._subject = terms.iri(iri)
        self._out: list[Statement] = [] if _into is None else _into

    def __iter__(self) -> Iterator[Statement]:
        return iter(self._out)

    def add(self, predicate: str, term: str) -> Node:
        """Adds one statement; `predicate` is a compact name, `term` already serialised."""
        self._out.append(Statement(self.kind, self._subject, _predicate(predicate), term))
        return self

    def other(self, kind: str) -> Node:
        """The same thing, for statements of another kind (such as an inferred cell)."""
        return Node(self.iri, kind, self._out)

    def about(self, iri: str) -> Node:
        """Another thing of the same row, same kind."""
        return Node(iri, self.kind, self._out)

    def a(self, *classes: str) -> Node:
        """Types the thing with classes of ours and every superclass of them."""
        for name in classes:
            for term in _types(name):
                self.add("rdf:type", term)
        return self

    def label(self, value: str, lang: str = "en") -> Node:
        """The one label of the thing; names and acronyms take no language (`lang=""`)."""
        return self.text("rdfs:label", value, lang)

    def text(self, predicate: str, value: str, lang: str = "") -> Node:
        """A string, or nothing for a blank one."""
        return self.add(predicate, terms.text(value, lang)) if value else self

    def link(self, predicate: str, iri: str) -> Node:
        """A link to another thing, or nothing for a blank one."""
        return self.add(predicate, terms.iri(iri)) if iri else self

    def integer(self, predicate: str, value: str | int) -> Node:
        """A whole number, or nothing for a blank one."""
        return self if value == "" else self.add(predicate, terms.integer(value))

    def decimal(self, predicate: str, value: str | Decimal) -> Node:
        """A decimal number, or nothing for a blank one."""
        return self if value == "" else self.add(predicate, terms.decimal(value))

    def boolean(self, predicate: str, yes_no: str) -> Node:
        """true for `yes`, false for `no`, nothing for blank (not stated is not no)."""
        return self.add(predicate, terms.boolean(yes_no == "yes")) if yes_no else self

    def when(self, predicate: str, value: str) -> Node:
        """`YYYY[-MM[-DD]]`: the year as `<predicate>Year`, the day as xsd:date when known.

        A month without a day is kept as text in `<predicate>Text`.
        """
        if not value:
            return self
        self.add(f"{predicate}Year", terms.year(value[:4]))
        if len(value) == 10:
            return self.add(predicate, terms.day(value))
        return self.text(f"{predicate}Text", value) if len(value) == 7 else self

    def money(self, predicate: str, value: str) -> Node:
        """An amount in euro `<predicate>Eur` with the source's own words in `<predicate>Text`.

        A cell that is no plain number (`4000000-5000000`, `about 7M`) is kept as text only.
        """
        if re.fullmatch(r"\d+(\.\d+)?", value):
            self.add(f"{predicate}Eur", terms.decimal(value))
        return self.text(f"{predicate}Text", value)

    def figure(self, predicate: str, value: str) -> Node:
        """A count `<predicate>` with the source's own words in `<predicate>Text`.

        Words such as `over 19000` are kept as text only: a bound is not a value.
        """
        if re.fullmatch(r"\d+", value):
            self.add(predicate, terms.integer(value))
        return self.text(f"{predicate}Text", value)

    def cite(self, citation: str, confidence: str = "") -> Node:
        """The row's own citation as `dcterms:source`, a node with the words and addresses."""
        self.text("confidence", confidence)
        if not citation:
            return self
        node = self.about(ns.thing("source", ns.short_hash(citation, 10)))
        self.link("dcterms:source", node.iri)
        node.a("Source").label(citation, "")
        for address in _ADDRESS.findall(citation):
            if "..." not in address:  # cut short by who wrote the citation
                node.link("address", address.rstrip(".)"))
        return self

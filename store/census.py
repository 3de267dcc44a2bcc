"""Counts what a release gives out, for its VoID description, in one pass over sorted N-Quads."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from clusterloom.namespaces import BASE, ID, PREFIXES

_TYPE = f"<{PREFIXES['rdf']}type>".encode()
_OURS = f"<{BASE}".encode()
_THING = f"<{ID}".encode()
_LINKS = {
    f"<{PREFIXES[prefix]}{name}>".encode()
    for prefix, name in (
        ("owl", "sameAs"),
        ("skos", "exactMatch"),
        ("skos", "closeMatch"),
        ("skos", "broadMatch"),
        ("skos", "narrowMatch"),
        ("skos", "relatedMatch"),
    )
}
"""Properties whose values in other datasets make linksets."""


class Census:
    """Counts of triples, each once however many graphs hold it, and of each graph.

    `add` wants the lines of all families merged in byte order, so that equal triples and equal
    subjects stand together: the memory it takes grows with classes and properties only.
    """

    def __init__(self) -> None:
        self._triples = self._subjects = self._entities = 0
        self._triple = self._subject = b""
        self._classes: Counter[bytes] = Counter()
        self._properties: Counter[bytes] = Counter()
        self._links: Counter[tuple[bytes, bytes]] = Counter()
        self._examples: dict[bytes, bytes] = {}
        self._graphs: dict[bytes, _Graph] = defaultdict(_Graph)

    def add(self, triple: bytes, graph: bytes) -> None:
        """One statement: `<s> <p> <o>` and `<g>` as N-Quads write them."""
        subject, predicate, value = triple.split(b" ", 2)
        self._graphs[graph].add(subject, predicate)
        if triple == self._triple:
            return
        self._triple = triple
        self._triples += 1
        if subject != self._subject:
            self._subject = subject
            self._subjects += 1
            self._entities += subject.startswith(_THING)
        self._properties[predicate] += 1
        if predicate == _TYPE:
            self._classes[value] += 1
            self._examples.setdefault(value, subject)
        elif predicate in _LINKS and value.startswith(b"<") and not value.startswith(_OURS):
            self._links[predicate, b"/".join(value[1:-1].split(b"/", 3)[:3]) + b"/"] += 1

    def result(self) -> dict[str, Any]:
        """The counts, ready for the report; IRIs without angle brackets, sorted."""
        return {
            "triples": self._triples,
            "subjects": self._subjects,
            "entities": self._entities,
            "classes": _plain(self._classes),
            "properties": _plain(self._properties),
            "examples": {
                _iri(cls): _iri(self._examples[cls])
                for cls in sorted(self._examples)
                if cls.startswith(_OURS) and self._examples[cls].startswith(_THING)
            },
            "links": [
                {"property": _iri(predicate), "to": space.decode(), "triples": count}
                for (predicate, space), count in sorted(self._links.items())
            ],
            "graphs": {
                _iri(graph): counts.result() for graph, counts in sorted(self._graphs.items())
            },
        }


class _Graph:
    def __init__(self) -> None:
        self._triples = self._subjects = 0
        self._subject = b""
        self._properties: set[bytes] = set()

    def add(self, subject: bytes, predicate: bytes) -> None:
        self._triples += 1
        if subject != self._subject:
            self._subject = subject
            self._subjects += 1
        self._properties.add(predicate)

    def result(self) -> dict[str, int]:
        return {
            "triples": self._triples,
            "subjects": self._subjects,
            "properties": len(self._properties),
        }


def _iri(term: bytes) -> str:
    return term.decode("utf-8").strip("<>")


def _plain(counts: Counter[bytes]) -> dict[str, int]:
    named = sorted((t, n) for t, n in counts.items() if t.startswith(b"<"))
    return {_iri(term): count for term, count in named}

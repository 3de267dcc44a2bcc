"""Rewrites queries of ours so that they match open statements only.

Every triple pattern becomes `GRAPH ?gate<n> { ... }` with a filter on the graph: a statement is
open when one open graph holds it. This reads the queries that this service itself makes (groups,
OPTIONAL, UNION, MINUS, FILTER, BIND, VALUES, sub-SELECT, paths of steps), not all of SPARQL.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from clusterloom import terms

_TOKEN = re.compile(
    r"""(\s*)(<[^<>"{}|^`\\\s]*>"""
    r"""|"(?:[^"\\]|\\.)*"(?:@[A-Za-z-]+|\^\^(?:<[^>]*>|[\w-]+:[\w-]+))?"""
    r"""|[?$]\w+|[A-Za-z][\w-]*:(?:[\w.%-]*[\w%-])?|[A-Za-z_]+|\d+(?:\.\d+)?"""
    r"""|&&|\|\||[<>!]=|\S)"""
)
_VERBATIM = frozenset({"FILTER", "BIND"})
_TAIL = frozenset({"GROUP", "ORDER", "LIMIT", "HAVING", "OFFSET"})
_BRACED = frozenset({"OPTIONAL", "UNION", "MINUS", "EXISTS", "NOT"})


def open_only(closed: Iterable[str], graph: str = "g") -> str:
    """A filter on `?<graph>` that leaves the closed graphs out, where there are any."""
    shut = sorted(closed)
    return f"FILTER (?{graph} NOT IN ({', '.join(map(terms.iri, shut))}))" if shut else ""


def guarded(text: str, closed: Iterable[str]) -> str:
    """The query over the statements outside the closed graphs.

    >>> guarded("ASK { ?s a ?c }", ["http://example.org/g"])
    'ASK { GRAPH ?gate1 { ?s a ?c } FILTER (?gate1 NOT IN (<http://example.org/g>)) }'
    """
    return _Rewriter(text, sorted(closed)).run()


class _Rewriter:
    def __init__(self, text: str, closed: list[str]) -> None:
        # each with the space before it: not every space between two tokens may be added or lost
        self._tokens = [(match[1], match[2]) for match in _TOKEN.finditer(text)]
        self._at = 0
        self._closed = closed
        self._gates = self._steps = 0

    def run(self) -> str:
        return "".join(self._until_brace_then_group())

    def _until_brace_then_group(self) -> Iterator[str]:
        """Everything up to the first group, the group, and what follows it to the end."""
        while self._more() and self._peek() != "{":
            yield self._next()
        if self._more():
            yield from self._group()
        while self._more():
            yield self._next()

    def _group(self) -> Iterator[str]:
        yield self._next()  # {
        while self._peek() != "}":
            word = self._peek().upper()
            if word == "{":
                yield from self._group()
            elif word == "SELECT":
                while self._peek() != "{":
                    yield self._next()
                yield from self._group()
            elif word == "VALUES":
                while self._peek() != "}":
                    yield self._next()
                yield self._next()
            elif word in _VERBATIM:
                yield self._next()
                yield from self._condition()
            elif word in _TAIL:
                while self._peek() != "}":
                    yield self._next()
            elif word in _BRACED or word == ".":
                yield self._next()
            else:
                yield from self._triples()
        yield self._next()  # }

    def _condition(self) -> Iterator[str]:
        """What stands in brackets after FILTER or BIND; groups of EXISTS are rewritten."""
        while self._peek().upper() in _BRACED:
            yield self._next()
        if self._peek() == "{":
            yield from self._group()
            return
        depth = 0
        while True:
            depth += {"(": 1, ")": -1}.get(self._peek(), 0)
            yield self._next()
            if depth == 0:
                return

    def _triples(self) -> Iterator[str]:
        """One subject with its properties, each step of each path in a graph of its own."""
        subject = self._term()
        while True:
            steps = self._path()
            value = self._term()
            start = subject
            for number, step in enumerate(steps):
                end = value if number == len(steps) - 1 else self._fresh()
                yield self._gated(start, step, end)
                start = end
            if self._peek() != ";":
                return
            self._next()

    def _path(self) -> list[str]:
        """The steps of a path; alternatives stay together in one step."""
        steps = [""]
        while True:
            if self._peek() == "^":
                steps[-1] += self._term()
            steps[-1] += self._term()
            if self._peek() == "/":
                self._next()
                steps.append("")
            elif self._peek() == "|":
                steps[-1] += self._term()
            else:
                return steps

    def _gated(self, subject: str, step: str, value: str) -> str:
        self._gates += 1
        name = f"gate{self._gates}"
        return f" GRAPH ?{name} {{ {subject} {step} {value} }} {open_only(self._closed, name)}"

    def _fresh(self) -> str:
        self._steps += 1
        return f"?step{self._steps}"

    def _more(self) -> bool:
        return self._at < len(self._tokens)

    def _peek(self) -> str:
        return self._tokens[self._at][1]

    def _term(self) -> str:
        self._at += 1
        return self._tokens[self._at - 1][1]

    def _next(self) -> str:
        space, token = self._tokens[self._at]
        self._at += 1
        return space + token

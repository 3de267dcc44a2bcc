"""Where another SPARQL engine leaves the standard: what is put right, before and after it answers.

`docs/remote.md` lists what is put right here and what cannot be. A dialect is known by the
`Server` header of the endpoint.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

import pyoxigraph as ox

from clusterloom.errors import QueryRefused
from clusterloom.namespaces import GRAPH, PREFIXES
from clusterloom.store.engine import Query
from clusterloom.store.guard import Inspection
from clusterloom.store.tokens import Token, unescape

XSD = PREFIXES["xsd"]
DEFAULT_COPY = GRAPH + "default"
"""The graph that holds the default graph where an engine's own is the union of all graphs."""
NOWHERE = GRAPH + "none"
"""A graph that is never there: a default graph of nothing."""

_BOOLEAN = XSD + "boolean"
_FLOATS = frozenset({XSD + "double", XSD + "float"})
_DATE_TIME = XSD + "dateTime"
_FRACTION = re.compile(r"(\.[0-9]*?[1-9])0+(?=[^0-9]|$)")
_TRUTHS = {"0": "false", "1": "true"}
_LABEL = re.compile(rb'("type":\s*"bnode",\s*"value":\s*")nodeID://')
_ABSOLUTE = re.compile(r"<[A-Za-z][A-Za-z0-9+.-]*:")
_COMPARES = frozenset({"=", "!=", "<", ">", "<=", ">=", "&&", "||"})
_TRUTH_WORDS = frozenset({"IN", "EXISTS", "NOT"})
_TRUTH_CALLS = frozenset(
    {"BOUND", "CONTAINS", "STRSTARTS", "STRENDS", "REGEX", "ISIRI", "ISURI", "ISBLANK"}
    | {"ISLITERAL", "ISNUMERIC", "SAMETERM", "LANGMATCHES"}
)

Term = ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple


@dataclass(frozen=True)
class Dialect:
    """One engine family. `own_default`: it has a default graph of its own that can be filled."""

    name: str
    own_default: bool = True
    rows: str = "application/sparql-results+json"
    triples: str = "application/n-triples"

    def tidy(self, line: bytes) -> bytes:
        """A line of its JSON as the standard has it."""
        return line

    def truth(self, found: object) -> object:
        """The boolean of its JSON answer to an ASK query."""
        return found.get("boolean") if isinstance(found, dict) else None

    def term(self, truth: bool, value: Term) -> Term:  # noqa: ARG002
        """A term of its answer; `truth` where the query computes a truth value there."""
        return value

    @property
    def tidies(self) -> bool:
        """Whether its rows have to be looked at one by one."""
        return False


class Virtuoso(Dialect):
    """OpenLink Virtuoso 7: blank nodes as `nodeID://`, computed truth values as 1 and 0."""

    def tidy(self, line: bytes) -> bytes:
        """Blank node labels without their scheme; inside a string each quote has a backslash."""
        return _LABEL.sub(rb"\1", line)

    def truth(self, found: object) -> object:
        """Also where it answers with rows, as it does unless `CaseMode` is 2."""
        if isinstance(found, dict) and found.get("head", {}).get("vars") == ["__ASK_RETVAL"]:
            return bool(found["results"]["bindings"])
        return super().truth(found)

    def term(self, truth: bool, value: Term) -> Term:
        """Truth values as true and false, floats in the form of the embedded engine."""
        if not isinstance(value, ox.Literal):
            return value
        kind = value.datatype.value
        if kind == _BOOLEAN or (truth and kind == XSD + "integer"):
            text = _TRUTHS.get(value.value, value.value)
            return ox.Literal(text, datatype=ox.NamedNode(_BOOLEAN))
        if kind == _DATE_TIME and "." in value.value:
            return ox.Literal(_FRACTION.sub(r"\1", value.value), datatype=value.datatype)
        if kind in _FLOATS:
            return ox.Literal(plain_float(value.value), datatype=value.datatype)
        return value

    @property
    def tidies(self) -> bool:
        """Always."""
        return True


STANDARD = Dialect("standard")
VIRTUOSO = Virtuoso("virtuoso", own_default=False)


def dialect_of(server: str) -> Dialect:
    """The dialect of the engine that names itself so in its `Server` header."""
    return VIRTUOSO if server.lower().startswith("virtuoso") else STANDARD


def plain_float(text: str) -> str:
    """A double without exponent or needless zeros, as the embedded engine writes it.

    >>> plain_float("1.0"), plain_float("2.5e3"), plain_float("-0.10"), plain_float("INF")
    ('1', '2500', '-0.1', 'INF')
    """
    try:
        number = Decimal(repr(float(text)))
    except (ValueError, ArithmeticError):
        return text
    if not number.is_finite():
        return text
    written = format(number, "f")
    return written.rstrip("0").rstrip(".") if "." in written else written


@dataclass(frozen=True)
class Dataset:
    """What is sent beside the query: protocol parameters, and pragmas put before its text."""

    default: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    pragmas: str = ""


def dataset(
    query: Query,
    inspection: Inspection,
    graphs: Sequence[str],
    foreign: Sequence[str],
    dialect: Dialect,
) -> Dataset:
    """The dataset of a query: that of the request, else of FROM and FROM NAMED, else the release's.

    `graphs` are the release's; `foreign` are others of the endpoint, which no pattern may match.
    """
    default, named = query.default_graphs, query.named_graphs
    if not default and not named:
        default, named = inspection.dataset.default, inspection.dataset.named
    if default or named:
        if len(set(default)) > 1:
            raise QueryRefused(
                "This engine would count a triple once for each graph that holds it, so several "
                "default graphs are not merged here. Ask without FROM and default-graph-uri: the "
                "default graph of this endpoint already holds every statement once."
            )
        if not dialect.own_default:
            _refuse_graphs(inspection.graph_names - {None, *named})
            if not named and inspection.graph_names:
                named = (NOWHERE,)  # Virtuoso takes none for all
        return Dataset(default or (NOWHERE,), named)
    if dialect.own_default:
        return Dataset()
    _refuse_graphs(inspection.graph_names & {*foreign})
    if None not in inspection.graph_names:
        return Dataset((DEFAULT_COPY,), tuple(sorted(g for g in inspection.graph_names if g)))
    if len(inspection.graph_names) > 1:
        return Dataset((DEFAULT_COPY,), tuple(graphs))
    # to name each graph of a release makes the engine's planner give up on some queries
    hidden = {*foreign, DEFAULT_COPY}
    pragmas = "".join(f"define input:named-graph-exclude <{iri}> " for iri in sorted(hidden))
    return Dataset((DEFAULT_COPY,), (), pragmas)


def _refuse_graphs(graphs: Iterable[str | None]) -> None:
    """Virtuoso takes a pattern over a graph outside of the dataset for true."""
    for iri in graphs:
        raise QueryRefused(
            f"GRAPH <{iri}> is not in the dataset of the query, so that its pattern matches "
            "nothing; this engine would answer as if it did. Add FROM NAMED or leave it out."
        )


def needs_base(inspection: Inspection) -> bool:
    """Whether the query has an IRI that is not absolute."""
    return any(t.kind == "iri" and not _ABSOLUTE.match(t.text) for t in inspection.tokens)


def refuse_extensions(inspection: Inspection) -> None:
    """Refuses functions of the engine's own host language; raises QueryRefused."""
    for token in inspection.tokens:
        if token.kind == "iri" and unescape(token.text).lower().startswith(("<bif:", "<sql:")):
            raise QueryRefused(f"{token.text[:40]} is no function of SPARQL; it is not called.")


def truth_variables(inspection: Inspection) -> frozenset[str]:
    """The variables that can only hold a truth value: `(?a = ?b AS ?v)` and the like.

    A name that is bound in any other way too is left out.
    """
    tokens = inspection.tokens
    truths: set[str] = set()
    others: set[str] = set()
    for index, (word, variable) in enumerate(pairwise(tokens)):
        if variable.kind != "var":
            continue
        name = variable.text[1:]
        if word.kind == "word" and word.text.upper() == "AS":
            (truths if _is_truth(_expression(tokens, index)) else others).add(name)
        elif _in_pattern(tokens, index + 1):
            others.add(name)
    return frozenset(truths - others)


def _expression(tokens: Sequence[Token], end: int) -> Sequence[Token]:
    """The tokens between the bracket that holds position `end` and that position."""
    depth = tokens[end].depth
    start = end
    while start > 0 and tokens[start].depth >= depth:
        start -= 1
    return tokens[start + 1 : end]


def _is_truth(expression: Sequence[Token]) -> bool:
    if not expression:
        return False
    depth = min(t.depth for t in expression)
    own = [t for t in expression if t.depth == depth]
    if any(t.text in _COMPARES or t.text.upper() in _TRUTH_WORDS for t in own):
        return True
    if own[0].text == "!":
        return True
    if own[0].text == "(" and own[-1].text == ")" and len(own) == 2:
        return _is_truth(expression[1:-1])
    return own[0].text.upper() in _TRUTH_CALLS and len(own) == 3


def _in_pattern(tokens: Sequence[Token], at: int) -> bool:
    """Whether the variable stands in a triple pattern or VALUES, not in an expression."""
    depth = tokens[at].depth
    for index in range(at - 1, -1, -1):
        token = tokens[index]
        if token.depth == depth and token.text.upper() in {"SELECT", "BY", "HAVING", "WHERE"}:
            return token.text.upper() == "WHERE"
        if token.depth < depth:
            before = tokens[index - 1].text.upper() if index else ""
            return token.text != "(" or before == "VALUES"
    return False


def rows_as_tsv(
    names: Sequence[str],
    rows: Iterable[Sequence[Term | None]],
    truths: Iterable[str],
    change: Callable[[bool, Term], Term],
) -> Iterable[bytes]:
    """Rows as SPARQL TSV, whose terms are those of N-Triples, each changed by `change`."""
    marked = frozenset(truths)
    flags = [name in marked for name in names]
    yield ("\t".join(f"?{name}" for name in names) + "\n").encode("utf-8")
    for row in rows:
        cells = (
            "" if value is None else str(change(flag, value))
            for flag, value in zip(flags, row, strict=True)
        )
        yield ("\t".join(cells) + "\n").encode("utf-8")

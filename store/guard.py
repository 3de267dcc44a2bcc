"""What a query asks for, known from its tokens before any parser or worker sees it.

Refused here: federation (SERVICE), LOAD and every update, text so deeply nested or so long that
it would take the engine down, and strings that never end. A keyword inside a string, a comment,
an IRI, a prefixed name or a variable is no reason to refuse.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from clusterloom.errors import QueryRefused, QuerySyntaxError
from clusterloom.store.once import Once
from clusterloom.store.texts import LONG, beside
from clusterloom.store.token_reader import resolve
from clusterloom.store.tokens import Token, Unclosed, place, tokenise, unescape

Form = Literal["select", "ask", "construct", "describe"]

MAX_DEPTH = 100
MAX_LENGTH = 250_000
MAX_PARTS = 10_000
"""Patterns, groups and operators, for which the engine takes square time; rows and lists are none.

With so many it takes from 1.3 s (`||`) to minutes (triple patterns) before it begins to answer.
"""
_SHORT = 4000

_FORMS: tuple[Form, ...] = ("select", "ask", "construct", "describe")
_UPDATES = ("INSERT", "DELETE", "LOAD", "CLEAR", "CREATE", "DROP", "COPY", "MOVE", "ADD", "WITH")
_VOLATILE = ("NOW", "RAND", "UUID", "BNODE")
_VALUES = frozenset({"iri", "string", "number"})
_UNARY = frozenset("!-+^")
_PARTS = frozenset((*".;{/|", "||", "&&", "BIND", "FILTER"))
_UPDATE = re.compile("|".join(_UPDATES))
_CLOSE = ("COALESCE", "CONCAT", "BNODE")
"""Functions whose `(` the engine's parser wants right behind the name; SPARQL allows a gap."""
_GAP = re.compile(rf"(?:{'|'.join(_CLOSE)})[ \t\r\n#]", re.IGNORECASE)


@dataclass(frozen=True)
class Dataset:
    """The graphs a query names by FROM and FROM NAMED, as absolute or relative IRIs."""

    default: tuple[str, ...]
    named: tuple[str, ...]


@dataclass(frozen=True)
class Inspection:
    """A query that may be run, and what its tokens tell about it."""

    text: str

    @Once
    def tokens(self) -> tuple[Token, ...]:
        """The tokens of the text."""
        return tuple(tokenise(self.text))

    def settle(self) -> None:
        """Works out the rest and forgets the tokens, which take a hundred times the text."""
        for name, found in vars(type(self)).items():
            if isinstance(found, Once):
                getattr(self, name)
        del self.__dict__["tokens"]

    @Once
    def form(self) -> Form | None:
        """The query form; None where no keyword of a form is found (the parser will say)."""
        found = _form_token(self.tokens)
        if found is None:
            return None
        word = self.tokens[found].text.lower()
        return next(form for form in _FORMS if word.startswith(form))

    @Once
    def volatile(self) -> bool:
        """Whether the same query over the same data may answer with other bytes."""
        for token, after in pairwise(self.tokens):
            if (
                token.kind == "word"
                and after.text == "("
                and token.text.upper().endswith(_VOLATILE)
            ):
                return True
        return self.form == "construct" and self._mints_blank_nodes()

    def _mints_blank_nodes(self) -> bool:
        for token in self.tokens[(_form_token(self.tokens) or 0) + 1 :]:
            if token.text == "}" and token.depth == 0:
                return False
            if token.depth > 0 and (token.kind == "bnode" or token.text in {"[", "("}):
                return True
        return False

    @Once
    def star(self) -> int | None:
        """Offset of the `*` in a top-level `SELECT *`, else None."""
        found = _form_token(self.tokens)
        if self.form != "select" or found is None:
            return None
        for token in self.tokens[found + 1 :]:
            if token.text == "*":
                return token.start
            if token.text.upper() not in {"DISTINCT", "REDUCED"}:
                return None
        return None

    @Once
    def variables(self) -> tuple[str, ...]:
        """Every variable name, without its mark, in order of first appearance."""
        return tuple(dict.fromkeys(t.text[1:] for t in self.tokens if t.kind == "var"))

    @Once
    def normal(self) -> str:
        """The text without comments, all white space between tokens made one space."""
        return " ".join(token.text for token in self.tokens)

    @Once
    def engine_text(self) -> str:
        """The text as the engine's parser takes it: no gap between a function and its bracket.

        Each gap stands behind the bracket, comments blanked: every other line and column is kept.
        """
        text = self.text
        if not _GAP.search(text):
            return text
        parts, end = [], 0
        for token, after in pairwise(self.tokens):
            name = token.start + len(token.text)
            called = token.kind == "word" and after.text == "(" and after.start > name
            if called and token.text.upper().endswith(_CLOSE):
                gap = re.sub(r"[^\r\n]", " ", text[name : after.start])
                lost = " " if "\n" in gap else ""  # of the bracket that stood on another line
                parts += [text[end:name], "(", gap, lost]
                end = after.start + 1
        return "".join([*parts, text[end:]])

    @Once
    def names_graphs(self) -> bool:
        """Whether the text asks for other graphs than the default one, by GRAPH or FROM."""
        upper = self.text.upper()
        if "GRAPH" not in upper and "FROM" not in upper:
            return False
        for token in self.tokens:
            if token.kind in {"word", "pname"}:
                # keywords may run together with what follows: `GRAPHex:g`, `FROMNAMED`
                word = token.text.partition(":")[0].upper()
                if "GRAPH" in word or "FROM" in word:
                    return True
        return False

    @Once
    def shape(self) -> int:
        """Equal for queries that differ in IRIs, strings, numbers and layout only."""
        return hash(tuple(t.kind if t.kind in _VALUES else t.text for t in self.tokens))

    @Once
    def dataset(self) -> Dataset:
        """The graphs of the FROM clauses."""
        default: list[str] = []
        named: list[str] = []
        names = _Names(self.tokens)
        for index, token in enumerate(self.tokens):
            if token.kind != "word" or token.depth or not token.text.upper().startswith("FROM"):
                continue
            rest = self.tokens[index + 1 : index + 3]
            into = default
            if token.text.upper() == "FROMNAMED" or (rest and rest[0].text.upper() == "NAMED"):
                into = named
                rest = rest if token.text.upper() == "FROMNAMED" else rest[1:]
            if rest and (iri := names.iri(rest[0])):
                into.append(iri)
        return Dataset(tuple(dict.fromkeys(default)), tuple(dict.fromkeys(named)))

    @Once
    def graph_names(self) -> frozenset[str | None]:
        """What stands after the GRAPH keywords: IRIs, and None for a variable."""
        names = _Names(self.tokens)
        return frozenset(
            names.iri(after)
            for token, after in pairwise(self.tokens)
            if token.kind == "word" and token.text.upper() == "GRAPH"
        )


class _Names:
    """The PREFIX and BASE declarations of a query."""

    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self.base = ""
        self.prefixes: dict[str, str] = {}
        for index, token in enumerate(tokens[:-1]):
            if token.depth or token.kind != "word":
                continue
            if token.text.upper() == "BASE" and tokens[index + 1].kind == "iri":
                self.base = resolve(self.base, unescape(tokens[index + 1].text[1:-1]))
            if token.text.upper() == "PREFIX" and tokens[index + 2 : index + 3]:
                iri = unescape(tokens[index + 2].text[1:-1])
                self.prefixes[tokens[index + 1].text[:-1]] = resolve(self.base, iri)

    def iri(self, token: Token) -> str | None:
        if token.kind == "iri":
            return resolve(self.base, unescape(token.text[1:-1]))
        prefix, _, local = token.text.partition(":")
        if token.kind != "pname" or prefix not in self.prefixes:
            return None
        return self.prefixes[prefix] + re.sub(r"\\(.)", r"\1", local)


def inspect(query: str) -> Inspection:
    """Reads a query; raises QueryRefused or QuerySyntaxError where it must not be run."""
    return (_inspect_short if len(query) < _SHORT else _inspect_long)(query)


def _inspect_any(query: str) -> Inspection:
    if len(query) > MAX_LENGTH:
        raise QueryRefused(
            f"The query has {len(query)} characters; the limit is {MAX_LENGTH}. "
            "Send long lists in several queries."
        )
    inspection = _inspect(query)
    if "\\" in query and (plain := unescape(query)) != query:
        # an engine may resolve \u escapes before or after it cuts the text: both must be clean
        _inspect(plain)
    return inspection


# the tokens of a text take up to a hundred times its length
_inspect_short = lru_cache(maxsize=256)(_inspect_any)


@lru_cache(maxsize=16)
def _inspect_long(query: str) -> Inspection:
    inspection = _inspect_any(query)
    if len(query) >= LONG:
        inspection.settle()
    return inspection


async def examine(query: str) -> Inspection:
    """As `inspect`, beside the event loop where the text is long."""
    return inspect(query) if len(query) < LONG else await beside(lambda: inspect(query))


def _inspect(query: str) -> Inspection:
    inspection = Inspection(query)
    try:
        tokens = inspection.tokens
    except Unclosed as error:
        line, column = place(query, error.start)
        raise QuerySyntaxError(
            f"Line {line}, column {column}: the string that starts here is never closed.",
            **position(query, error.start),
            hint="Close it with the same quotes; only ''' and \"\"\" strings may hold line breaks.",
        ) from None
    _refuse_deep(query, tokens)
    _refuse_many(query, tokens)
    _refuse_updates(query, tokens)
    _refuse_service(query, tokens)
    return inspection


def position(query: str, offset: int) -> dict[str, object]:
    """Members `line`, `column` and `caret` (the line with a mark under it) for an error."""
    line, column = place(query, offset)
    text = query.split("\n")[line - 1] if query else ""
    first = max(0, column - 61)  # long lines are shown around the place
    shown = text[first : first + 120].rstrip("\r").replace("\t", " ")
    return {"line": line, "column": column, "caret": f"{shown}\n{' ' * (column - 1 - first)}^"}


def _refuse(query: str, token: Token, why: str) -> QueryRefused:
    line, column = place(query, token.start)
    return QueryRefused(f"Line {line}, column {column}: {why}", **position(query, token.start))


def _refuse_deep(query: str, tokens: tuple[Token, ...]) -> None:
    if sum(map(query.count, "({[<!-+^")) < MAX_DEPTH:
        return
    run = 0
    for token in tokens:
        run = run + 1 if token.text in _UNARY else 0
        if token.depth + run >= MAX_DEPTH:
            why = f"brackets or operators are nested {MAX_DEPTH} deep, which is the limit."
            raise _refuse(query, token, why)


def _refuse_many(query: str, tokens: tuple[Token, ...]) -> None:
    if len(tokens) <= MAX_PARTS:
        return
    parts = 0
    for token in tokens:
        parts += token.text in _PARTS or (token.kind == "word" and token.text.upper() in _PARTS)
        if parts > MAX_PARTS:
            why = (
                f"the query has more than {MAX_PARTS} patterns, groups and operators, which is the "
                "limit. Use VALUES or IN in place of long chains, or send several queries."
            )
            raise _refuse(query, token, why)


def _refuse_updates(query: str, tokens: tuple[Token, ...]) -> None:
    if not _UPDATE.search(query.upper()):
        return
    found = _form_token(tokens)
    for token in tokens if found is None else tokens[:found]:
        if token.kind == "word" and token.depth == 0 and token.text.upper().startswith(_UPDATES):
            why = f"{token.text.upper()} is an update; this endpoint is read-only."
            raise _refuse(query, token, why)
    for token in tokens:
        if token.kind == "word" and token.text.upper() in _UPDATES[:8]:
            why = f"{token.text.upper()} is an update; this endpoint is read-only."
            raise _refuse(query, token, why)


def _refuse_service(query: str, tokens: tuple[Token, ...]) -> None:
    if "SERVICE" not in query.upper():
        return
    why = "SERVICE is not answered: this endpoint calls no other server. Ask it for its part."
    for index, token in enumerate(tokens):
        if token.kind == "word" and "SERVICE" in token.text.upper():
            raise _refuse(query, token, why)
        if token.kind == "pname" and "SERVICE" in token.text.partition(":")[0].upper():
            # `SERVICE:x {` is SERVICE with a name of the empty prefix; `GRAPH service:x {` is not
            before = tokens[index - 1].text.upper() if index else ""
            after = tokens[index + 1].text if index + 1 < len(tokens) else ""
            if token.depth and after == "{" and before != "GRAPH":
                raise _refuse(query, token, why)


def _form_token(tokens: tuple[Token, ...]) -> int | None:
    for index, token in enumerate(tokens):
        if token.kind == "word" and token.depth == 0 and token.text.lower().startswith(_FORMS):
            return index
    return None


def form(query: str) -> Form | None:
    """The form of a query: select, ask, construct, describe; None where it has none."""
    return inspect(query).form


def volatile(query: str) -> bool:
    """Whether the query uses NOW, RAND, UUID, STRUUID, BNODE or mints blank nodes."""
    return inspect(query).volatile

"""Errors of the SPARQL parser in words a query writer can use: place, caret and a hint."""

from __future__ import annotations

import difflib
import re
from itertools import pairwise

from clusterloom.errors import QueryRefused, QuerySyntaxError
from clusterloom.namespaces import PREFIXES
from clusterloom.store.guard import position
from clusterloom.store.pattern_reader import MOST_READ, read
from clusterloom.store.patterns import Bind, Group, QueryParts, Select, SubSelect, blocks_of
from clusterloom.store.texts import LONG, beside
from clusterloom.store.token_reader import Misread, prefix_hint
from clusterloom.store.tokens import Token, Unclosed, tokenise

_AT = re.compile(r"error at (\d+):(\d+): expected (?:one of )?(.*)", re.DOTALL)
_EXPECTED = re.compile(r'"(?:[^"\\]|\\.)+"|\b[A-Z]{2,}(?:_[A-Z]+)*\b')
_TOO_LONG = f"A query of more than {MOST_READ} characters is not looked at more closely."
_SPACED = re.compile(r"<[a-zA-Z][a-zA-Z0-9+.-]{0,30}:[^>\n]{0,2000}>")
_LOOKALIKES = {
    **dict.fromkeys("“”„‟«»″", 'a straight quote "'),
    **dict.fromkeys("‘’‚‛′´`", "a straight quote '"),
    **dict.fromkeys("\u00a0\u2007\u202f\u2009\u3000", "a plain space"),
    **dict.fromkeys("–—−", "a plain minus -"),
    **dict.fromkeys("\u200b\ufeff\u2060", "nothing: it is an invisible character"),
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "？": "?",
    "‹": "<",
    "›": ">",
    "…": "what it stands for",
}

_CASTS = [
    PREFIXES["xsd"] + name
    for name in ["boolean", "integer", "decimal", "float", "double", "string", "dateTime", "date"]
]

Found = tuple[int, str]
"""An offset in the query and what to do about the error there."""


def explain(query: str, message: str) -> QuerySyntaxError:
    """The error for a parser's message; `line`, `column`, `caret` and, where known, `hint`."""
    found = _AT.match(message)
    if found is None:
        return QuerySyntaxError(f"The query does not parse: {message}")
    offset = _offset(query, int(found[1]), int(found[2]))
    expected = found[3]
    whole = len(query) <= MOST_READ  # of longer texts the parser's place is given as it is
    better = _better(query, offset, expected) if whole else None
    offset, hint = better or (offset, "" if whole else _TOO_LONG)
    where = position(query, offset)
    got = _token_at(query, offset) if whole else ""
    detail = f"Line {where['line']}, column {where['column']}: "
    if got:
        detail += f"{got[:40]!r} is not expected here."
    elif not query[offset:].strip():
        detail += "the query ends too early."
    else:
        detail += "this is not SPARQL."
    wanted = dict.fromkeys(_EXPECTED.findall(re.sub(r"\[[^\]]*\]", "", expected)))
    if better is None and 0 < len(wanted) < 5:  # a longer list is every token of the language
        detail += f" The parser expected {' or '.join(wanted)}."
    return QuerySyntaxError(detail, **where, **({"hint": hint} if hint else {}))


def unsupported(query: str, message: str) -> QueryRefused:
    """The error for a function that the engine does not have; says where and what is near."""
    found = re.search(r"custom function <([^>]*)>", message)
    if found is None:
        return QueryRefused(message)
    iri = found[1]
    hint = "The functions of SPARQL 1.1, the casts xsd:integer(...) and so on, and geof: are known."
    if near := difflib.get_close_matches(iri, _CASTS, 1, 0.8):
        hint = f"Did you mean <{near[0]}>? {hint}"
    detail = f"The function <{iri}> is not known here."
    local = re.split(r"[#/:]", iri)[-1]
    at = re.search(rf"[:#/]{re.escape(local)}>?\s*\(", query) if local else None
    if at is None:
        return QueryRefused(detail, hint=hint)
    start = max((t.start for t in tokenise(query) if t.start <= at.start()), default=0)
    where = position(query, start)
    text = f"Line {where['line']}, column {where['column']}: {detail}"
    return QueryRefused(text, **where, hint=hint)


def check(query: str) -> QueryParts:
    """The parts of a query; QuerySyntaxError for a fault that can be seen without the engine.

    Raises Misread for a query that may be right but is not read here.
    """
    undeclared = _undeclared(tokenise(query))
    try:
        parts = read(query)
    except Misread as error:
        if not error.fault:
            raise
        found: Found | None = (error.offset, error.hint)
        if undeclared is not None and undeclared[0] < error.offset:
            found = undeclared
    else:
        found = undeclared or _ungrouped(parts.select) or _rebound(parts.select)
        if found is None:
            return parts
    assert found is not None
    where = position(query, found[0])
    got = _token_at(query, found[0])
    said = f"{got[:40]!r} is not expected here." if got else "the query ends too early."
    detail = f"Line {where['line']}, column {where['column']}: {said}"
    raise QuerySyntaxError(detail, **where, hint=found[1])


async def explained(query: str, message: str) -> QuerySyntaxError:
    """As `explain`, beside the event loop where the text is long."""
    if len(query) < LONG:
        return explain(query, message)
    return await beside(lambda: explain(query, message))


def _offset(query: str, line: int, column: int) -> int:
    lines = query.split("\n")
    before = sum(len(text) + 1 for text in lines[: line - 1])
    return min(before + column - 1, len(query))


def _token_at(query: str, offset: int) -> str:
    try:
        return next((t.text for t in tokenise(query) if t.start == offset), "")
    except Unclosed:
        return ""


def _better(query: str, offset: int, expected: str) -> Found | None:
    """A better place for the caret than the parser's, and the hint."""
    try:
        tokens = tokenise(query)
    except Unclosed as error:
        return error.start, "The string that starts here is never closed on its line."
    if not tokens:
        return 0, "The query is empty: it starts with SELECT, ASK, CONSTRUCT or DESCRIBE."
    found = _lookalike(tokens) or _spaced_iri(tokens, query)
    if found is None and "IRI parsing failed" in expected:
        found = _relative(tokens, offset)
    if found is not None:
        return found
    undeclared = _undeclared(tokens) if "Prefix not found" in expected else None
    try:
        parts = read(query)
    except Misread as error:
        if error.fault and (undeclared is None or error.offset < undeclared[0]):
            return error.offset, error.hint
        return undeclared
    if undeclared is not None:
        return undeclared
    return _ungrouped(parts.select) or _rebound(parts.select)


def _lookalike(tokens: list[Token]) -> Found | None:
    """A character that a word processor puts in place of the one that SPARQL knows."""
    for token in tokens:
        if token.kind == "op" and token.text in _LOOKALIKES:
            meant = _LOOKALIKES[token.text]
            return token.start, f"The character {token.text!r} is not SPARQL: write {meant}."
    return None


def _spaced_iri(tokens: list[Token], query: str) -> Found | None:
    """A `<` that should open an IRI but cannot, for what stands in it."""
    for token, after in pairwise(tokens):
        opens = token.kind == "op" and token.text == "<" and after.start == token.start + 1
        if opens and _SPACED.match(query, token.start):
            return token.start, (
                "An IRI holds no space, quote or bracket: percent-encode them (a space is %20)."
            )
    return None


def _relative(tokens: list[Token], offset: int) -> Found:
    before = [t for t in tokens if t.kind in {"iri", "pname"} and t.start < offset]
    place = before[-1].start if before else offset
    return place, "This is not an absolute IRI: write it in full or declare BASE <...>."


def _undeclared(tokens: list[Token]) -> Found | None:
    declared = {
        after.text[:-1]
        for token, after in pairwise(tokens)
        if token.kind == "word" and token.text.upper().endswith("PREFIX")
    }
    for token in tokens:
        prefix = token.text.partition(":")[0]
        if token.kind == "pname" and prefix not in declared:
            return token.start, prefix_hint(prefix)
    return None


def _selects(select: Select) -> list[Select]:
    """A query and the sub-queries in it, the innermost first."""
    found: list[Select] = []

    def visit(group: Group) -> None:
        for part in group.parts:
            if isinstance(part, SubSelect):
                found.extend(_selects(part.select))
            else:
                for inner in blocks_of(part):
                    visit(inner)

    visit(select.group)
    return [*found, select]


def _ungrouped(query: Select) -> Found | None:
    for select in _selects(query):
        if not select.aggregates:
            continue
        if select.star:
            return select.start, "SELECT * does not go with GROUP BY: name the columns."
        made = {column.variable for column in select.projected if column.expression}
        known = made.union(re.findall(r"[?$](\w+)", select.grouping))
        for column in select.projected:
            if not column.expression and column.variable not in known:
                return column.start, (
                    f"?{column.variable} must be grouped by, or stand in an aggregate such as "
                    f"(SAMPLE(?{column.variable}) AS ?one), COUNT or GROUP_CONCAT: {_how(select)}."
                )
    return None


def _how(select: Select) -> str:
    plain = [f"?{c.variable}" for c in select.projected if not c.expression]
    return f"write GROUP BY {' '.join(plain)}" if plain else "write GROUP BY"


def _rebound(query: Select) -> Found | None:
    """A BIND or column whose variable has a value already."""
    for select in _selects(query):
        if (found := _rebound_in(select.group)) is not None:
            return found
        for column in select.projected:
            if column.expression and column.variable in select.group.binds:
                return column.start, f"?{column.variable} is bound already: use a new name."
    return None


def _rebound_in(group: Group) -> Found | None:
    known: set[str] = set()
    for part in group.parts:
        if isinstance(part, Bind) and part.variable in known:
            hint = f"?{part.variable} has a value already, before this BIND: use a new name."
            return part.start, hint
        known |= part.binds
        for inner in blocks_of(part):
            if not isinstance(part, SubSelect) and (found := _rebound_in(inner)) is not None:
                return found
    return None

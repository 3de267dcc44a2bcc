"""Errors of the SPARQL parser in words a query writer can use: place, caret and a hint."""

from __future__ import annotations

import asyncio
import difflib
import re
from itertools import pairwise

from clusterloom.errors import QuerySyntaxError
from clusterloom.namespaces import PREFIXES
from clusterloom.store.guard import position
from clusterloom.store.tokens import Token, Unclosed, tokenise

_AT = re.compile(r"error at (\d+):(\d+): expected (?:one of )?(.*)", re.DOTALL)
_EXPECTED = re.compile(r'"(?:[^"\\]|\\.)+"|\b[A-Z]{2,}(?:_[A-Z]+)*\b')
_PAIRS = {"{": "}", "(": ")", "[": "]", "<<": ">>"}
_KEYWORDS = frozenset(
    re.findall(
        r"\S+",
        """SELECT CONSTRUCT DESCRIBE ASK PREFIX BASE VERSION DISTINCT REDUCED FROM NAMED WHERE
        GRAPH OPTIONAL UNION MINUS FILTER BIND VALUES UNDEF EXISTS NOT IN AS GROUP BY HAVING ORDER
        ASC DESC LIMIT OFFSET SEPARATOR A TRUE FALSE STR LANG LANGMATCHES LANGDIR HASLANG
        HASLANGDIR STRLANGDIR DATATYPE BOUND IRI URI BNODE RAND ABS CEIL FLOOR ROUND CONCAT STRLEN
        UCASE LCASE ENCODE_FOR_URI CONTAINS STRSTARTS STRENDS STRBEFORE STRAFTER YEAR MONTH DAY
        HOURS MINUTES SECONDS TIMEZONE TZ NOW UUID STRUUID MD5 SHA1 SHA256 SHA384 SHA512 COALESCE
        IF STRLANG STRDT SAMETERM ISIRI ISURI ISBLANK ISLITERAL ISNUMERIC ISTRIPLE TRIPLE SUBJECT
        PREDICATE OBJECT REGEX SUBSTR REPLACE COUNT SUM MIN MAX AVG SAMPLE GROUP_CONCAT ADJUST
        LATERAL""",
    )
)


def explain(query: str, message: str) -> QuerySyntaxError:
    """The error for a parser's message; `line`, `column`, `caret` and, where known, `hint`."""
    found = _AT.match(message)
    if found is None:
        return QuerySyntaxError(f"The query does not parse: {message}")
    offset = _offset(query, int(found[1]), int(found[2]))
    expected = found[3]
    try:
        tokens = tokenise(query)
    except Unclosed:
        tokens = []
    offset, hint = _hint(query, tokens, offset, expected)
    where = position(query, offset)
    got = next((t.text for t in tokens if t.start == offset), "")
    detail = f"Line {where['line']}, column {where['column']}: "
    if got:
        detail += f"{got[:40]!r} is not expected here."
    elif not query[offset:].strip():
        detail += "the query ends too early."
    else:
        detail += "this is not SPARQL."
    wanted = dict.fromkeys(_EXPECTED.findall(re.sub(r"\[[^\]]*\]", "", expected)))
    if 0 < len(wanted) < 5:  # a longer list is every token of the language
        detail += f" The parser expected {' or '.join(wanted)}."
    return QuerySyntaxError(detail, **where, **({"hint": hint} if hint else {}))


async def explained(query: str, message: str) -> QuerySyntaxError:
    """As `explain`, off the event loop where the text is long."""
    if len(query) < 10_000:
        return explain(query, message)
    return await asyncio.to_thread(explain, query, message)


def _offset(query: str, line: int, column: int) -> int:
    lines = query.split("\n")
    before = sum(len(text) + 1 for text in lines[: line - 1])
    return min(before + column - 1, len(query))


def _hint(query: str, tokens: list[Token], offset: int, expected: str) -> tuple[int, str]:
    """A better place for the caret where one is known, and what to do about the error."""
    if "Prefix not found" in expected:
        declared = {
            after.text[:-1]
            for token, after in pairwise(tokens)
            if token.kind == "word" and token.text.upper().endswith("PREFIX")
        }
        for token in tokens:
            prefix = token.text.partition(":")[0]
            if token.kind == "pname" and prefix not in declared:
                return token.start, _prefix_hint(prefix)
    if "IRI parsing failed" in expected:
        before = [t for t in tokens if t.kind in {"iri", "pname"} and t.start < offset]
        place = before[-1].start if before else offset
        return place, "This is not an absolute IRI: write it in full or declare BASE <...>."
    if "unbound" in expected:
        return offset, (
            "With GROUP BY or an aggregate, every variable of SELECT must be grouped by or stand "
            "in an aggregate such as COUNT, SAMPLE or GROUP_CONCAT."
        )
    if "overrides an existing variable" in expected:
        return offset, "The variable after AS is already bound in the pattern: use a new name."
    for token in tokens:
        if token.kind == "word" and token.start <= offset and token.text.upper() not in _KEYWORDS:
            near = difflib.get_close_matches(token.text.upper(), sorted(_KEYWORDS), 1)
            meant = f" Did you mean {near[0]}?" if near else ""
            return token.start, f"{token.text[:40]!r} is not a SPARQL keyword or function.{meant}"
    return _bracket_hint(query, tokens, offset)


def _prefix_hint(prefix: str) -> str:
    if prefix in PREFIXES:
        return f"Add this line on top: PREFIX {prefix}: <{PREFIXES[prefix]}>"
    near = difflib.get_close_matches(prefix, PREFIXES, 1)
    meant = f" Did you mean {near[0]}: <{PREFIXES[near[0]]}>?" if near else ""
    return f"The prefix {prefix}: is not declared. Add PREFIX {prefix}: <...> on top.{meant}"


def _bracket_hint(query: str, tokens: list[Token], offset: int) -> tuple[int, str]:
    opened: list[Token] = []
    for token in tokens:
        if token.text in _PAIRS and token.kind == "op":
            opened.append(token)
        elif token.kind == "op" and token.text in _PAIRS.values():
            if opened and _PAIRS[opened[-1].text] == token.text:
                opened.pop()
            elif token.text != ">>":
                return token.start, f"Nothing is open that this {token.text!r} could close."
    if opened and not query[offset:].strip():
        last = opened[-1]
        where = position(query, last.start)
        return offset, (
            f"The {last.text!r} of line {where['line']}, column {where['column']} is never closed: "
            f"{_PAIRS[last.text]!r} is missing."
        )
    if not tokens:
        return offset, "The query is empty: it starts with SELECT, ASK, CONSTRUCT or DESCRIBE."
    return offset, ""

"""SPARQL text cut into tokens, with strings, comments, IRIs and names told apart.

The engine's parser has no lexer of its own: it reads `SERVICESILENT<x>` and `trueSERVICE:x` as
keywords run together and decides by context whether `<` opens an IRI or means "less than". This
tokeniser follows it in both, so that no text can be a string here and a keyword there.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_BASE = (
    "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c-\u200d"
    "\u2070-\u218f\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
_NAME = _BASE + "_0-9\u00b7\u0300-\u036f\u203f-\u2040"
_ESCAPED = r"%[0-9A-Fa-f]{2}|\\[_~.\-!$&'()*+,;=/?#@%]"
_UNICODE = r"\\u[0-9A-Fa-f]{4}|\\U[0-9A-Fa-f]{8}"
_ESCAPE = re.compile(r"\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})")

_IRI = rf"<(?:[^\x00-\x20<>\"{{}}|^`\\]|{_UNICODE})*+>"
# a longer prefix than 200 characters is cut into words: it bounds the work on `a.a.a.a...`
_PREFIX = rf"[{_BASE}](?:[{_NAME}.\-]{{0,200}}[{_NAME}\-])?"
_LOCAL = (
    rf"(?:[{_BASE}_0-9:]|{_ESCAPED})"
    rf"(?:(?:[{_NAME}.:\-]|{_ESCAPED})*(?:[{_NAME}:\-]|{_ESCAPED}))?"
)
_COMMON = "|".join(
    f"(?P<{name}>{pattern})"
    for name, pattern in {
        "string": r"'''(?:'{0,2}+(?:[^'\\]|\\.))*+'''"
        r'|"""(?:"{0,2}+(?:[^"\\]|\\.))*+"""'
        r"|'(?:[^'\\\r\n]|\\.)*+'"
        r'|"(?:[^"\\\r\n]|\\.)*+"',
        "var": rf"[?$][{_BASE}_0-9][{_NAME}]*+",
        "bnode": rf"_:[{_BASE}_0-9](?:[{_NAME}.\-]{{0,200}}[{_NAME}\-])?",
        "pname": rf"(?:{_PREFIX})?:(?:{_LOCAL})?",
        "lang": r"@[A-Za-z]++(?:-[A-Za-z0-9]++)*+(?:--[A-Za-z]++)?",
        "number": r"(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?",
        "word": r"[A-Za-z_][A-Za-z0-9_]*+",
        "op": r"&&|\|\||!=|>=|\^\^|>>|.",
    }.items()
)
_SKIP = r"(?:[ \t\r\n]++|#[^\r\n]*+)*+"
_TERM_CONTEXT = re.compile(
    rf"{_SKIP}(?:(?P<iri>{_IRI})|(?P<star><<)|(?P<le><=)|{_COMMON})", re.DOTALL
)
_AFTER_OPERAND = re.compile(rf"{_SKIP}(?:(?P<le><=)|(?P<lt><)|{_COMMON})", re.DOTALL)

_OPERANDS = frozenset({"var", "string", "number", "lang", "pname", "iri", "bnode"})
_MODIFIERS = re.compile(r"ORDER|GROUP(?!_CONCAT)|HAVING")
_OPERATORS = frozenset({"op", "star", "le", "lt"})
_OPENS = frozenset({"(", "{", "[", "<<"})
_CLOSES = {")": "(", "}": "{", "]": "[", ">>": "<<"}


class Token(NamedTuple):
    """One token: kind (`word var iri pname string number lang bnode op`), text, offset, depth.

    `depth` counts the brackets open before it; a bracket has the depth outside of it.
    """

    kind: str
    text: str
    start: int
    depth: int


class Unclosed(ValueError):
    """A string starts at `start` and never ends."""

    def __init__(self, start: int) -> None:
        super().__init__(f"string not closed at offset {start}")
        self.start = start


class _Frame:
    """What an open bracket means for the `<` inside it."""

    def __init__(self, bracket: str, expression: bool) -> None:
        self.bracket = bracket
        self.expression = expression
        self.select = False
        self.modifiers = False


def tokenise(text: str) -> list[Token]:
    """The tokens of a query, without white space and comments; never fails on brackets.

    Raises Unclosed for a string without end: what follows it has no one reading.
    """
    tokens: list[Token] = []
    frame = _Frame("", expression=False)
    frame.modifiers = True  # outside of all braces every parenthesis opens an expression
    frames = [frame]
    position = 0
    new = tuple.__new__  # half the price of Token(...), which checks its arguments
    while True:
        after_operand = frame.expression and _is_operand(tokens)
        match = (_AFTER_OPERAND if after_operand else _TERM_CONTEXT).match(text, position)
        if match is None:  # the end: "op" takes any character
            return tokens
        kind = match.lastgroup or "op"
        start, position = match.span(kind)
        piece = text[start:position]
        if kind in _OPERATORS:
            kind = "op"
            if piece in {"'", '"'}:
                long = text.startswith(piece * 3, start - 2) and start > 1
                raise Unclosed(start - 2 if long else start)
            if _CLOSES.get(piece) == frame.bracket:
                frames.pop()
            tokens.append(new(Token, (kind, piece, start, len(frames) - 1)))
            if piece in _OPENS:
                frames.append(_Frame(piece, piece == "(" and _opens_expression(tokens, frame)))
                frame.select = False
            frame = frames[-1]
            continue
        if kind == "word":
            upper = piece.upper()
            frame.select = frame.select or "SELECT" in upper
            frame.modifiers = frame.modifiers or _MODIFIERS.search(upper) is not None
        tokens.append(new(Token, (kind, piece, start, len(frames) - 1)))


def _is_operand(tokens: list[Token]) -> bool:
    """Whether the last token ends an operand, after which `<` can only be "less than"."""
    if not tokens:
        return False
    last = tokens[-1]
    if last.kind == "word":
        return last.text.lower().endswith(("true", "false"))
    return last.kind in _OPERANDS or last.text in {")", "}", ">>"}


def _opens_expression(tokens: list[Token], frame: _Frame) -> bool:
    """Whether the `(` just read opens an expression, and not a list, a path or a row."""
    before = tokens[-2] if len(tokens) > 1 else None
    if before is None or before.text == "<<":
        return False
    if frame.expression or frame.modifiers:
        return True
    if frame.bracket != "{":
        return False
    if frame.select:
        return True
    if before.kind == "word":
        return before.text != "a"
    if before.kind == "pname" and before.text.upper().startswith("FILTER"):
        return True  # FILTERex:f(...) is read as FILTER ex:f(...)
    called = before.kind in {"pname", "iri"} and len(tokens) > 2
    return called and tokens[-3].kind == "word" and tokens[-3].text != "a"


def place(text: str, offset: int) -> tuple[int, int]:
    """Line and column (both from 1) of an offset."""
    line = text.count("\n", 0, offset) + 1
    return line, offset - (text.rfind("\n", 0, offset) + 1) + 1


def unescape(text: str) -> str:
    r"""The text with `\uXXXX` and `\UXXXXXXXX` replaced by their characters."""

    def character(match: re.Match[str]) -> str:
        code = int(match[1] or match[2], 16)
        return chr(code) if code < 0x110000 else match[0]

    return _ESCAPE.sub(character, text)

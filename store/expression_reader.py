"""Reads expressions, FILTER, BIND and property paths from the tokens of a query."""

from __future__ import annotations

import re
from abc import abstractmethod
from dataclasses import dataclass, field
from itertools import pairwise

from clusterloom.store.once import Once
from clusterloom.store.patterns import Bind, Conjunct, Group, Term
from clusterloom.store.token_reader import (
    AGGREGATES,
    FUNCTIONS,
    KEYWORDS,
    Misread,
    TokenReader,
    meant,
    prefix_hint,
)

_AGGREGATE = re.compile(rf"\b(?:{'|'.join(sorted(AGGREGATES))})\s*\(", re.IGNORECASE)
_BINARY = frozenset(("||", "&&", "=", "!=", "<", ">", "<=", ">=", "+", "-", "*", "/"))
_SLIPS = {
    "=>": "Write >= for greater or equal.",
    "=<": "Write <= for less or equal.",
    "==": "Equality is a single `=`.",
    "<>": "Unequal is `!=`.",
    "!==": "Unequal is `!=`.",
}


_ARGUMENTS = {
    **dict.fromkeys(("STR", "LANG", "DATATYPE", "BOUND", "ABS", "CEIL", "FLOOR", "ROUND"), (1, 1)),
    **dict.fromkeys(("STRLEN", "UCASE", "LCASE", "YEAR", "MONTH", "DAY", "ISIRI"), (1, 1)),
    **dict.fromkeys(("CONTAINS", "STRSTARTS", "STRENDS", "LANGMATCHES", "SAMETERM"), (2, 2)),
    **dict.fromkeys(("STRBEFORE", "STRAFTER", "STRLANG", "STRDT"), (2, 2)),
    **dict.fromkeys(("REGEX", "SUBSTR"), (2, 3)),
    "REPLACE": (3, 4),
    "IF": (3, 3),
}
"""How many arguments the common functions take."""


@dataclass
class Expression:
    """An expression that was read; `conjuncts` are its parts joined by && on the top level."""

    start: int
    text: str = ""
    uses: set[str] = field(default_factory=set)
    groups: list[Group] = field(default_factory=list)
    terms: list[Term] = field(default_factory=list)
    conjuncts: list[Conjunct] = field(default_factory=list)


class ExpressionReader(TokenReader):
    """Adds expressions and paths to the steps over tokens."""

    @abstractmethod
    def group(self) -> Group:
        """A group in braces."""

    def has_aggregate(self, expression: Expression) -> bool:
        """Whether an aggregate stands in the expression itself."""
        text = expression.text
        for group in expression.groups:
            text = text.replace(group.text, " ")
        return _AGGREGATE.search(text) is not None

    def starts_call(self) -> bool:
        """Whether a function call or EXISTS comes next, which needs no parentheses around it."""
        following = self.peek(1)
        if self.word() in {"NOT", "EXISTS"}:
            return True
        called = following is not None and following.text == "("
        return called and (self.kind() in {"iri", "pname"} or self.word() in FUNCTIONS | AGGREGATES)

    def constraint(self, keyword: str) -> Expression:
        """What follows FILTER or HAVING: an expression in parentheses or a call."""
        token = self.peek()
        following = self.peek(1)
        if token is None or not (self.at("(") or self.starts_call()):
            called = following is not None and following.text == "("
            if self.word() and called and self.word() not in KEYWORDS:
                self._unknown_function()
            if self.word() and not called and self.word() not in KEYWORDS:
                self.unknown_word()
            self.fail(f"The condition of {keyword} stands in parentheses: {keyword} (...).")
        assert token is not None
        if not self.at("("):
            found = self._start()
            self._operand(found)
            return self._finish(found, [])
        opened = self.take()
        inside = self.expression()
        self.expect(")", opened)
        return inside

    def bind(self, start: int) -> Bind:
        """What follows BIND."""
        if not self.at("("):
            self.fail("Write BIND (expression AS ?name), with the parentheses.")
        self.take()
        inside = self.expression()
        if self.word() != "AS":
            self.fail("AS is missing: BIND (expression AS ?name).")
        self.take()
        name = self.variable("AS is followed by a new variable: BIND (expression AS ?name).")
        self.expect(")")
        text = self.text[start : self.end]
        return Bind(text, name, frozenset(inside.uses), start, tuple(inside.groups))

    def _start(self) -> Expression:
        token = self.peek()
        return Expression(token.start if token else len(self.text))

    def _finish(self, found: Expression, cuts: list[tuple[Expression, int]]) -> Expression:
        found.text = self.text[found.start : self.end]
        found.conjuncts = [
            Conjunct(
                self.text[part.start : end], frozenset(part.uses), part.start,
                tuple(part.groups), tuple(part.terms),
            )
            for part, end in cuts or [(found, self.end)]
        ]  # fmt: skip
        return found

    def expression(self) -> Expression:
        """An expression up to the token that cannot belong to it."""
        whole = self._start()
        parts: list[tuple[Expression, int]] = []
        only_and = True
        part = self._start()
        while True:
            self._operand(part)
            token = self.peek()
            if token is None or not (token.text in _BINARY or self.word() in {"IN", "NOT"}):
                break
            if token.text == "&&":
                parts.append((part, self.end))
                self.take()
                self._merge(whole, part)
                part = self._start()
                continue
            only_and = only_and and token.text != "||"
            if self.word() in {"IN", "NOT"}:
                self.accept_word("NOT")
                if not self.accept_word("IN"):
                    self.fail("NOT is followed by IN (...) here; NOT EXISTS stands alone.")
                self._arguments(part)
                following = self.peek()
                if following is None or following.text not in _BINARY:
                    break
                if following.text == "&&":
                    parts.append((part, self.end))
                    self.take()
                    self._merge(whole, part)
                    part = self._start()
                    continue
                only_and = only_and and following.text != "||"
            self._operator()
        parts.append((part, self.end))
        self._merge(whole, part)
        token = self.peek()
        if token is not None and token.text in {"&", "|"}:
            self.fail("SPARQL writes `&&` for and, `||` for or.")
        if token is not None and self.word() and self.word() not in KEYWORDS:
            self.unknown_word()
        return self._finish(whole, parts if only_and else [])

    @staticmethod
    def _merge(whole: Expression, part: Expression) -> None:
        whole.uses |= part.uses
        whole.groups += part.groups
        whole.terms += part.terms

    def _operator(self) -> None:
        first = self.take()
        following = self.peek()
        if following is None or following.kind != "op":
            return
        run = first.text + following.text
        if following.start == first.start + len(first.text) and run in _SLIPS:
            raise Misread(first.start, _SLIPS[run])

    def _operand(self, into: Expression) -> None:
        token = self.peek()
        if token is None:
            raise Misread(len(self.text), "The query ends in the middle of an expression.")
        if token.text in {"!", "-", "+"} and token.kind == "op":
            self.take()
            self._operand(into)
        elif self.at("("):
            self.take()
            inside = self.expression()
            self._merge(into, inside)
            self.expect(")", token)
        elif token.kind == "var":
            self.take()
            into.uses |= {token.text[1:]}
        elif self.word() in {"EXISTS", "NOT"}:
            self.accept_word("NOT")
            if not self.accept_word("EXISTS"):
                self.unknown_word()
            group = self.group()
            into.groups.append(group)
            into.uses |= group.binds
        elif token.kind == "word" and self.word() not in {"TRUE", "FALSE"}:
            self._call(into)
        elif token.kind in {"iri", "pname"}:
            self.check_name(token)
            self.take()
            if self.at("("):
                prefix = token.text.partition(":")[0]
                if token.kind == "pname" and prefix not in self._declared:
                    raise Misread(token.start, prefix_hint(prefix))
                self._arguments(into)
            else:
                into.terms.append(Term(token.text, "filter", token.start))
        else:
            into.terms.append(self.constant("filter"))

    @Once
    def _declared(self) -> frozenset[str]:
        return frozenset(
            after.text.partition(":")[0]
            for token, after in pairwise(self._tokens)
            if token.kind == "word" and token.text.upper().endswith("PREFIX")
        )

    def _call(self, into: Expression) -> None:
        word = self.word()
        following = self.peek(1)
        if following is None or following.text != "(":
            if word not in FUNCTIONS | AGGREGATES:
                self.unknown_word()
            self.fail(f"{word} is a function: its arguments stand in parentheses.")
        if word not in FUNCTIONS | AGGREGATES:
            self._unknown_function()
        name = self.take()
        given = self._arguments(into)
        least, most = _ARGUMENTS.get(word, (0, 99))
        if not least <= given <= most:
            wants = str(least) if least == most else f"{least} to {most}"
            raise Misread(name.start, f"{word} takes {wants} arguments, not {given}.")

    def _unknown_function(self) -> None:
        token = self.peek()
        assert token is not None
        hint = meant(token.text, FUNCTIONS | AGGREGATES)
        raise Misread(token.start, f"SPARQL has no function {token.text}(). {hint}".strip())

    def _arguments(self, into: Expression) -> int:
        """Reads the arguments of a call; their number."""
        opened = self.expect("(")
        self.accept_word("DISTINCT")
        count = 0
        if self.at("*"):
            self.take()
            count = 1
        while not self.at(")"):
            self._merge(into, self.expression())
            count += 1
            if self.at(","):
                self.take()
            elif self.at(";"):
                self.take()
                if not self.accept_word("SEPARATOR"):
                    self.fail('Write ; SEPARATOR = "...".')
                self.expect("=")
                self.take("a string")
            elif not self.at(")"):
                if self.peek() is None:
                    self.unclosed(opened)
                self.fail("A `,` or `)` is missing in these arguments.")
        self.take()
        return count

    def path(self) -> tuple[str, bool, tuple[Term, ...]]:
        """The text of a predicate or path, whether it is a path, and the names in it."""
        token = self.peek()
        if token is None or token.text in {"}", ".", ";", ",", "]"}:
            self.fail("The predicate is missing: a triple pattern has three parts.")
        assert token is not None
        if token.kind == "var":
            self.take()
            return "?" + token.text[1:], False, ()
        terms: list[Term] = []
        self._alternatives(terms)
        text = self.text[token.start : self.end]
        return text, text != terms[0].text if terms else True, tuple(terms)

    def _alternatives(self, terms: list[Term]) -> None:
        while True:
            self._step(terms)
            if not (self.at("/") or self.at("|")):
                return
            self.take()

    def _step(self, terms: list[Term]) -> None:
        if self.at("^"):
            self.take()
        if self.at("!"):
            self.take()
            if not self.at("("):
                return self._step(terms)
        token = self.peek()
        if self.at("("):
            opened = self.take()
            if not self.at(")"):
                self._alternatives(terms)
            self.expect(")", opened)
        elif token is not None and token.kind in {"iri", "pname"}:
            self.check_name(token)
            self.take()
            terms.append(Term(token.text, "predicate", token.start))
        elif self.word() == "A":
            terms.append(Term(self.take().text, "predicate", self.end - 1))
        elif token is not None and token.kind in {"string", "number"}:
            self.fail("A literal cannot be the predicate of a triple pattern.")
        else:
            self.fail_pattern()
        # a `?` that a name follows is a variable, not a mark of the path
        while self.at("*") or self.at("+") or self.at("?"):
            self.take()
        return None

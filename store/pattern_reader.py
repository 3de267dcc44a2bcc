"""Reads a query into its parts, by its tokens.

It follows the grammar of SPARQL 1.1 with LATERAL. Where a text breaks the grammar it says at which
token and what is missing, which the engine's parser cannot: that one names the furthest place it
got to on any of its ways. What it does not read (quoted triples) it says as well.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NoReturn

from clusterloom.store.group_reader import GroupReader
from clusterloom.store.patterns import (
    Column,
    Group,
    QueryParts,
    Select,
    SubSelect,
    Term,
)
from clusterloom.store.token_reader import (
    AGGREGATES,
    FUNCTIONS,
    KEYWORDS,
    Misread,
    meant,
    resolve,
)
from clusterloom.store.tokens import Token, tokenise, unescape

_FORMS = ("SELECT", "ASK", "CONSTRUCT", "DESCRIBE")
_MODIFIERS = ("GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "VALUES")

MOST_READ = 50_000
"""Characters of a query that is read: the time grows with them, and the server waits."""


def read(query: str) -> QueryParts:
    """The parts of a query; raises Misread where it cannot be read, Unclosed for a string."""
    if len(query) > MOST_READ:
        raise Misread(0, f"It has more than {MOST_READ} characters.", fault=False)
    try:
        return PatternReader(query, tokenise(query)).query()
    except RecursionError:
        raise Misread(0, "It is nested too deeply to be read here.", fault=False) from None


class PatternReader(GroupReader):
    """One reading of one query."""

    def query(self) -> QueryParts:
        """The whole query."""
        prefixes: dict[str, str] = {}
        base = ""
        while self.word() in {"PREFIX", "BASE", "VERSION"}:
            keyword = self.take().text.upper()
            if keyword == "VERSION":
                self.take()
            elif keyword == "BASE":
                base = resolve(base, self._address("BASE is followed by an IRI: BASE <...>."))
            else:
                prefix = self.take("a prefix such as `rdfs:`")
                if prefix.kind != "pname" or not prefix.text.endswith(":"):
                    raise Misread(prefix.start, "Write PREFIX name: <...>, with a colon.")
                hint = f"The namespace stands in angle brackets: PREFIX {prefix.text} <...>."
                prefixes[prefix.text[:-1]] = resolve(base, self._address(hint))
        select, template, described, default, named = self._form()
        if self.peek() is not None:
            token = self.take()
            raise Misread(token.start, _after_end(token.text))
        return QueryParts(self.text, prefixes, base, select, default, named, template, described)

    def _address(self, hint: str) -> str:
        token = self.take(hint)
        if token.kind != "iri":
            raise Misread(token.start, hint)
        return unescape(token.text[1:-1])

    def _form(
        self,
    ) -> tuple[Select, str, tuple[Term, ...], tuple[Term, ...], tuple[Term, ...]]:
        token = self.peek()
        if token is None:
            raise Misread(len(self.text), "A query starts with SELECT, ASK, CONSTRUCT or DESCRIBE.")
        if self.word() not in _FORMS:
            self._no_form(token)
        form = self.take().text.lower()
        head = Select(form, Group((), "{}", token.start), token.start)
        template = ""
        described: tuple[Term, ...] = ()
        if form == "select":
            head = self._head(head)
        elif form == "construct" and self.at("{"):
            template = self._braces()
        elif form == "describe":
            described = self._described()
        default, named = self._dataset()
        if form == "construct" and not template:
            self.accept_word("WHERE")
            group = self.group()
            template = group.text
        elif form == "describe" and self.word() != "WHERE" and not self.at("{"):
            group = Group((), "{}", token.start)
        else:
            group = self._where()
        return self._modifiers(replace(head, group=group)), template, described, default, named

    def _no_form(self, token: Token) -> NoReturn:
        hint = "A query starts with SELECT, ASK, CONSTRUCT or DESCRIBE."
        if token.text in {"@", "@prefix", "@base"}:
            hint = "SPARQL writes PREFIX name: <...>, without `@` and without a dot at the end."
        elif token.text in {".", ";"}:
            hint = f"PREFIX lines end without `{token.text}`."
        elif self.word() and (near := meant(token.text, frozenset((*_FORMS, "PREFIX", "BASE")))):
            hint = f"{near} {hint}"
        raise Misread(token.start, hint)

    def _where(self) -> Group:
        self.accept_word("WHERE")
        if not self.at("{"):
            self.fail("The pattern stands in braces: WHERE { ... }.")
        return self.group()

    def _braces(self) -> str:
        first = self.expect("{")
        depth = 1
        while depth:
            token = self.take("'}'")
            depth += {"{": 1, "}": -1}.get(token.text, 0) if token.kind == "op" else 0
        return self.text[first.start : self.end]

    def _described(self) -> tuple[Term, ...]:
        found = []
        while self.kind() in {"var", "iri", "pname"}:
            token = self.take()
            found.append(Term(token.text, "described", token.start))
        if self.at("*"):
            self.take()
        return tuple(found)

    def _dataset(self) -> tuple[tuple[Term, ...], tuple[Term, ...]]:
        default: list[Term] = []
        named: list[Term] = []
        while self.accept_word("FROM"):
            into = named if self.accept_word("NAMED") else default
            token = self.take("the IRI of a graph")
            if token.kind not in {"iri", "pname"}:
                raise Misread(token.start, "FROM is followed by an IRI: FROM <...>.")
            self.check_name(token)
            into.append(Term(token.text, "graph", token.start))
        return tuple(default), tuple(named)

    def _head(self, head: Select) -> Select:
        distinct = self.word() == "DISTINCT"
        if self.word() in {"DISTINCT", "REDUCED"}:
            self.take()
        begin = self.end
        if self.at("*"):
            self.take()
            return replace(head, star=True, distinct=distinct, head="*")
        columns: list[Column] = []
        uses: set[str] = set()
        while self.kind() == "var" or self.at("("):
            token = self.take()
            if token.kind == "var":
                columns.append(Column(token.text[1:], "", token.start))
                uses.add(token.text[1:])
                continue
            inside = self.expression()
            if self.word() != "AS":
                self.fail("A computed column has a name: (expression AS ?name).")
            self.take()
            name = self.variable("AS is followed by a new variable: (expression AS ?name).")
            self.expect(")")
            aggregate = self.has_aggregate(inside)
            columns.append(
                Column(name, inside.text, token.start, frozenset(inside.uses), aggregate)
            )
            uses |= inside.uses
        if not columns:
            self._no_column()
        if self.at(","):
            self.fail("The columns of SELECT are parted by spaces, not by commas.")
        if self.kind() == "op" and not self.at("{"):
            self.fail("Names of variables hold letters, digits and `_` only.")
        return replace(
            head,
            projected=tuple(columns),
            distinct=distinct,
            head=self.text[begin : self.end].strip(),
            uses=frozenset(uses),
        )

    def _no_column(self) -> NoReturn:
        token = self.peek()
        word = self.word()
        hint = "SELECT is followed by `*` or by variables, which start with `?`."
        if word in AGGREGATES | FUNCTIONS:
            hint = f"A computed column stands in parentheses: ({word}(...) AS ?name)."
        elif token is not None and word and word not in KEYWORDS:
            hint = f"{meant(word, frozenset({'DISTINCT', 'REDUCED'}))} {hint}".strip()
            if len(hint) < 80 and word != "TOP":
                hint += f" If it is one, write ?{token.text}."
        self.fail(hint)

    def _modifiers(self, select: Select) -> Select:
        order = 0
        uses = set(select.uses)
        while (word := self.word()) in _MODIFIERS:
            token = self.take()
            begin = self.end
            rank = min(_MODIFIERS.index(word), 3) if word != "VALUES" else 4
            if rank < order:
                last = _MODIFIERS[order] if order < 4 else "VALUES"
                raise Misread(token.start, f"{word} stands before {last}, not after it.")
            order = rank
            select.keywords[word] = token.start
            if word in {"GROUP", "ORDER"}:
                if not self.accept_word("BY"):
                    self.fail(f"Write {word} BY.", self.end)
                uses |= self._conditions(word)
                text = self.text[token.start : self.end]
                if word == "GROUP":
                    select = replace(select, grouping=text)
                else:
                    select = replace(select, ordering=text)
            elif word == "HAVING":
                while self.at("(") or self.starts_call():
                    uses |= self.constraint("HAVING").uses
                select = replace(select, having=self.text[begin : self.end].strip())
            elif word == "VALUES":
                select = replace(select, values=self.values(token.start))
            else:
                number = self.take("a whole number")
                if number.kind != "number" or not number.text.isdecimal():
                    raise Misread(number.start, f"{word} takes a whole number.")
                if word == "LIMIT":
                    select = replace(select, limit=int(number.text))
                else:
                    select = replace(select, offset=int(number.text))
        return replace(select, uses=frozenset(uses))

    def _conditions(self, word: str) -> frozenset[str]:
        uses: set[str] = set()
        count = 0
        while True:
            direction = word == "ORDER" and self.word() in {"ASC", "DESC"}
            if direction:
                self.take()
            if self.kind() == "var":
                uses.add(self.take().text[1:])
            elif self.at("("):
                self.take()
                uses |= self.expression().uses
                if self.word() == "AS":
                    self.take()
                    self.variable("AS is followed by a variable.")
                self.expect(")")
            elif self.starts_call():
                uses |= self.constraint(word).uses
            elif direction or not count:
                self.fail(f"{word} BY is followed by variables or (expressions).")
            else:
                return frozenset(uses)
            count += 1

    def sub_select(self) -> SubSelect:
        """A SELECT inside a group, without its braces."""
        token = self.take()
        head = self._head(Select("select", Group((), "{}", token.start), token.start))
        select = self._modifiers(replace(head, group=self._where(), keywords={}))
        text = "{ " + self.text[token.start : self.end] + " }"
        return SubSelect(select, text, token.start)


def _after_end(text: str) -> str:
    if text == "}":
        return "Nothing is open that this '}' could close."
    if text == ";":
        return "A query ends without `;`."
    if text.upper() == "WHERE":
        return "The query has its pattern already: put all of it into one WHERE { ... }."
    hint = "After the pattern only GROUP BY, HAVING, ORDER BY, LIMIT, OFFSET and VALUES may follow."
    near = meant(text, frozenset(_MODIFIERS)) if text.isalpha() else ""
    return f"{near} {hint}".strip()

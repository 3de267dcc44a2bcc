"""Reads groups: triple patterns, blocks, VALUES, and what stands between two braces."""

from __future__ import annotations

import re
from abc import abstractmethod

from clusterloom.store.expression_reader import ExpressionReader
from clusterloom.store.patterns import Block, Group, Part, SubSelect, Term, Triple, Values
from clusterloom.store.token_reader import Misread, words

_GROUP_WORDS = frozenset(
    words("OPTIONAL MINUS GRAPH LATERAL FILTER BIND VALUES UNION SELECT SERVICE")
)
_TERM_KINDS = frozenset({"var", "iri", "pname", "bnode", "string", "number"})


class GroupReader(ExpressionReader):
    """Adds groups to expressions and paths."""

    @abstractmethod
    def sub_select(self) -> SubSelect:
        """A SELECT inside a group."""

    def group(self) -> Group:
        """A group from its brace to its brace."""
        first = self.expect("{")
        if self.at("|"):
            raise Misread(first.start, "Annotations of triples are not read here.", fault=False)
        if self.word() == "SELECT":
            sub = self.sub_select()
            last = self.expect("}", first)
            return Group((sub,), self.text[first.start : last.start + 1], first.start)
        parts: list[Part] = []
        while not self.at("}"):
            if self.peek() is None:
                self.unclosed(first)
            if self.word() in _GROUP_WORDS or self.at("{"):
                parts += self._element()
                if self.at("."):
                    self.take()
            else:
                parts += self._triples()
        last = self.take()
        return Group(tuple(parts), self.text[first.start : last.start + 1], first.start)

    def _element(self) -> list[Part]:
        token = self.peek()
        assert token is not None
        word = self.word() if not self.at("{") else ""
        if word in {"UNION", "SELECT", "SERVICE"}:
            hint = {"UNION": "UNION stands between two groups: { ... } UNION { ... }.",
                    "SELECT": "A sub-query stands in braces of its own: { SELECT ... }.",
                    "SERVICE": "SERVICE is not answered here."}[word]  # fmt: skip
            raise Misread(token.start, hint, fault=word != "SERVICE")
        if word:
            self.take()
        if word == "FILTER":
            return list(self.constraint("FILTER").conjuncts)
        if word == "BIND":
            return [self.bind(token.start)]
        if word == "VALUES":
            return [self.values(token.start)]
        name = ""
        if word == "GRAPH":
            named = self.take("the IRI of a graph or a variable")
            if named.kind not in {"var", "iri", "pname"}:
                raise Misread(named.start, "GRAPH is followed by an IRI or a variable.")
            self.check_name(named)
            name = named.text
        if not self.at("{"):
            self.fail(f"{word} is followed by a group in braces: {word} {{ ... }}.")
        groups = [self.group()]
        while not word and self.word() == "UNION":
            self.take()
            if not self.at("{"):
                self.fail("UNION is followed by a group in braces: { ... } UNION { ... }.")
            groups.append(self.group())
        if not word and len(groups) == 1 and isinstance(only := _only(groups[0]), SubSelect):
            return [only]
        word = "UNION" if len(groups) > 1 else word
        return [Block(word, tuple(groups), self.text[token.start : self.end], token.start, name)]

    def values(self, start: int) -> Values:
        """What follows VALUES."""
        variables: list[str] = []
        several = self.at("(")
        if several:
            self.take()
            while not self.at(")"):
                variables.append(self.variable("VALUES is followed by variables."))
            self.take()
        else:
            variables.append(self.variable("VALUES is followed by a variable or (variables)."))
        self.expect("{")
        rows: list[tuple[Term, ...]] = []
        while not self.at("}"):
            begin = self.peek()
            if several:
                self.expect("(")
            cells: list[Term] = []
            while not self.at(")") if several else not cells:
                if self.at(","):
                    self.fail("The values of VALUES are parted by spaces, not by commas.")
                if self.accept_word("UNDEF"):
                    cells.append(Term("", "value", self.end))
                else:
                    cells.append(self.constant("value"))
            if several:
                self.take()
            if len(cells) != len(variables) and begin is not None:
                raise Misread(
                    begin.start, f"The row has {len(cells)} values for {len(variables)} variables."
                )
            rows.append(tuple(cells))
        self.take()
        return Values(self.text[start : self.end], tuple(variables), tuple(rows), start)

    def _triples(self) -> list[Part]:
        found: list[Part] = []
        token = self.peek()
        assert token is not None
        node = self.at("[") or self.at("(")
        subject = self._node("subject", found)
        if not (node and (self.at(".") or self.at("}"))):
            self._properties(subject, token.start, found)
        if self.at("."):
            self.take()
        elif self._starts_term():
            self.fail("A `.` is missing before this: it parts two triple patterns.")
        elif self.word() and self.word() not in _GROUP_WORDS:
            self.unknown_word()
        elif not self.at("}") and not self.at("{") and self.peek() and not self.word():
            self.fail_pattern()
        return found

    def _properties(self, subject: Term, start: int, found: list[Part]) -> None:
        while True:
            predicate, path, terms = self.path()
            while True:
                obj = self._node("object", found, predicate)
                constants = (*([subject] if subject.role == "subject" else []), *terms)
                if obj.role == "object":
                    constants = (*constants, obj)
                found.append(Triple(subject.text, predicate, obj.text, start, path, constants))
                if not self.at(","):
                    break
                self.take()
            if not self.at(";"):
                return
            while self.at(";"):
                self.take()
            if self.at(".") or self.at("}") or self.at("]"):
                return
            token = self.peek()
            start = token.start if token else start

    def _node(self, role: str, found: list[Part], after: str = "") -> Term:
        """A subject or object; of a constant the role is kept, else it is blank."""
        token = self.peek()
        if token is None or token.text in {"}", ".", ";", ",", "]"}:
            missing = f"The {role} is missing" + (f" after {after}." if after else ".")
            self.fail(missing)
        assert token is not None
        if self.at("["):
            self.take()
            name = Term(self.fresh(), "", token.start)
            if not self.at("]"):
                self._properties(name, token.start, found)
            self.expect("]", token)
            return name
        if self.at("("):
            return self._collection(found)
        if token.kind in {"var", "bnode"}:
            self.take()
            blank = "_b_" + re.sub(r"\W", "_", token.text[2:])
            return Term("?" + (token.text[1:] if token.kind == "var" else blank), "", token.start)
        return self.constant(role)

    def _collection(self, found: list[Part]) -> Term:
        first = self.take()
        rdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
        nil = Term(f"<{rdf}nil>", "", first.start)
        items = []
        while not self.at(")"):
            if self.peek() is None or self.at("}"):
                self.unclosed(first)
            items.append(self._node("object", found))
        self.take()
        nodes = [Term(self.fresh(), "", first.start) for _ in items] + [nil]
        for item, node, rest in zip(items, nodes, nodes[1:], strict=False):
            terms = (item,) if item.role == "object" else ()
            found.append(Triple(node.text, f"<{rdf}first>", item.text, item.start, False, terms))
            found.append(Triple(node.text, f"<{rdf}rest>", rest.text, item.start))
        return nodes[0]

    def _starts_term(self) -> bool:
        return self.kind() in _TERM_KINDS or self.at("[") or self.at("(")


def _only(group: Group) -> Part | None:
    return group.parts[0] if len(group.parts) == 1 else None

"""Steps through the tokens of a query and says what is missing where one does not fit."""

from __future__ import annotations

import difflib
from typing import NoReturn
from urllib.parse import urljoin

from clusterloom.namespaces import PREFIXES
from clusterloom.store.patterns import Term
from clusterloom.store.tokens import Token, place


def words(text: str) -> tuple[str, ...]:
    """The words of a line."""
    return tuple(text.split())


FUNCTIONS = frozenset(
    words(
        """STR LANG LANGMATCHES LANGDIR HASLANG HASLANGDIR STRLANGDIR DATATYPE BOUND IRI URI BNODE
        RAND ABS CEIL FLOOR ROUND CONCAT STRLEN UCASE LCASE ENCODE_FOR_URI CONTAINS STRSTARTS
        STRENDS STRBEFORE STRAFTER YEAR MONTH DAY HOURS MINUTES SECONDS TIMEZONE TZ NOW UUID
        STRUUID MD5 SHA1 SHA256 SHA384 SHA512 COALESCE IF STRLANG STRDT SAMETERM ISIRI ISURI
        ISBLANK ISLITERAL ISNUMERIC ISTRIPLE TRIPLE SUBJECT PREDICATE OBJECT REGEX SUBSTR REPLACE
        ADJUST"""
    )
)
AGGREGATES = frozenset(words("COUNT SUM MIN MAX AVG SAMPLE GROUP_CONCAT"))
KEYWORDS = FUNCTIONS | AGGREGATES | frozenset(
    words(
        """SELECT CONSTRUCT DESCRIBE ASK PREFIX BASE VERSION DISTINCT REDUCED FROM NAMED WHERE
        GRAPH OPTIONAL UNION MINUS FILTER BIND VALUES UNDEF EXISTS NOT IN AS GROUP BY HAVING ORDER
        ASC DESC LIMIT OFFSET SEPARATOR A TRUE FALSE LATERAL"""
    )
)  # fmt: skip
_MEANT = {
    "AND": "SPARQL writes `&&` for and.",
    "OR": "In an expression write `||` for or; between two groups write UNION.",
    "LIKE": "There is no LIKE: use CONTAINS, STRSTARTS or REGEX.",
    "ILIKE": 'There is no ILIKE: use CONTAINS(LCASE(STR(?x)), ...) or REGEX(..., "i").',
    "LOWER": "The function is LCASE.",
    "UPPER": "The function is UCASE.",
    "TOLOWER": "The function is LCASE.",
    "TOUPPER": "The function is UCASE.",
    "LENGTH": "The function is STRLEN.",
    "LEN": "The function is STRLEN.",
    "SUBSTRING": "The function is SUBSTR.",
    "IFNULL": "The function is COALESCE.",
    "ISNULL": "For a variable without value write !BOUND(?x).",
    "NULL": "There is no null: a variable without value is tested by !BOUND(?x).",
    "IS": "For a variable without value write !BOUND(?x); equality is `=`.",
    "BETWEEN": "Write ?x >= 1 && ?x <= 9.",
    "SORT": "Write ORDER BY.",
    "TOP": "Write LIMIT 10 at the end of the query.",
    "EXCEPT": "Use MINUS { ... }.",
    "JOIN": "Patterns in one group are joined already: leave the word out.",
    "UNIQUE": "Write DISTINCT.",
    "CAST": "Write the datatype as a function: xsd:integer(?x).",
    "AVERAGE": "The aggregate is AVG.",
    "MEAN": "The aggregate is AVG.",
    "MAXIMUM": "The aggregate is MAX.",
    "MINIMUM": "The aggregate is MIN.",
    "STRING": "The function is STR.",
    "MATCHES": "The function is REGEX.",
}
_PAIRS = {"{": "}", "(": ")", "[": "]"}


class Misread(ValueError):
    """The text cannot be read on at `offset`; `hint` says what to write there.

    `fault` is false for what may well be SPARQL but is not read here.
    """

    def __init__(self, offset: int, hint: str, fault: bool = True) -> None:
        super().__init__(hint)
        self.offset = offset
        self.hint = hint
        self.fault = fault


def meant(word: str, among: frozenset[str] = KEYWORDS, cutoff: float = 0.6) -> str:
    """What to write in place of a word that is no keyword; blank where nothing is near."""
    upper = word.upper()
    if upper in _MEANT:
        return _MEANT[upper]
    near = difflib.get_close_matches(upper, sorted(among), 1, cutoff)
    return f"Did you mean {near[0]}?" if near else ""


def prefix_hint(prefix: str) -> str:
    """How to declare a prefix that the query uses without declaring it."""
    if prefix in PREFIXES:
        return f"Add this line on top: PREFIX {prefix}: <{PREFIXES[prefix]}>"
    if prefix in {"http", "https"}:
        return "An IRI stands in angle brackets: <https://...>."
    near = difflib.get_close_matches(prefix, PREFIXES, 1)
    also = f" Did you mean {near[0]}: <{PREFIXES[near[0]]}>?" if near else ""
    return f"The prefix {prefix}: is not declared. Add PREFIX {prefix}: <...> on top.{also}"


def resolve(base: str, iri: str) -> str:
    """An IRI of the query in full; unlike `urljoin` it keeps a `#` at the end.

    >>> resolve("http://b/c", "d#"), resolve("", "http://e/#"), resolve("http://b/", "urn:x")
    ('http://b/d#', 'http://e/#', 'urn:x')
    """
    if not base:
        return iri
    return urljoin(base, iri) + ("#" if iri.endswith("#") else "")


class TokenReader:
    """A position in the tokens of a query. `end` is the offset after the last one taken."""

    def __init__(self, text: str, tokens: list[Token]) -> None:
        self.text = text
        self.end = 0
        self._tokens = _split_dots(tokens)
        self._next = 0
        self._fresh = 0

    def peek(self, ahead: int = 0) -> Token | None:
        """The next token, or one further ahead; None at the end."""
        index = self._next + ahead
        return self._tokens[index] if index < len(self._tokens) else None

    def kind(self) -> str:
        """The kind of the next token; blank at the end."""
        token = self.peek()
        return token.kind if token else ""

    def word(self) -> str:
        """The next token in capitals where it is a word, else blank."""
        token = self.peek()
        return token.text.upper() if token is not None and token.kind == "word" else ""

    def at(self, mark: str) -> bool:
        """Whether the next token is that operator or bracket."""
        token = self.peek()
        return token is not None and token.kind == "op" and token.text == mark

    def take(self, wanted: str = "") -> Token:
        """The next token, which is stepped over; Misread at the end of the text."""
        token = self.peek()
        if token is None:
            self.fail(f"The query ends too early: {wanted} is missing." if wanted else "")
        assert token is not None
        self._next += 1
        self.end = token.start + len(token.text)
        return token

    def accept_word(self, word: str) -> bool:
        """Steps over that word where it comes next."""
        if self.word() == word:
            self.take()
            return True
        return False

    def expect(self, mark: str, opened: Token | None = None) -> Token:
        """Steps over that bracket; Misread where another token stands."""
        if not self.at(mark):
            if self.peek() is None and opened is not None:
                self.unclosed(opened)
            if self.word() and self.word() not in KEYWORDS:
                self.unknown_word()
            self.fail(f"{mark!r} is missing here.")
        return self.take()

    def unclosed(self, opened: Token) -> NoReturn:
        """The error for a bracket that is never closed."""
        line, column = place(self.text, opened.start)
        raise Misread(
            len(self.text),
            f"The {opened.text!r} of line {line}, column {column} is never closed: "
            f"{_PAIRS[opened.text]!r} is missing.",
        )

    def variable(self, hint: str) -> str:
        """The name of the variable that comes next."""
        if self.kind() != "var":
            self.fail(hint)
        return self.take().text[1:]

    def fresh(self) -> str:
        """A variable that the query does not use."""
        self._fresh += 1
        return f"?_b{self._fresh}"

    def constant(self, role: str) -> Term:
        """The IRI or literal that comes next."""
        first = self.peek()
        start = first.start if first else len(self.text)
        if self.at("-") or self.at("+"):
            self.take()
            if self.kind() != "number":
                self.fail("A number is missing after the sign.")
            self.take()
        elif self.kind() == "string":
            self.take()
            if self.kind() == "lang":
                self.take()
            elif self.at("^^"):
                self.take()
                if self.kind() not in {"iri", "pname"}:
                    self.fail("The datatype is an IRI: ^^xsd:integer.")
                self.check_name(self.take())
            elif self.at("^"):
                self.fail("The datatype follows two carets: ^^.")
            elif self.at("@"):
                self.fail("The language tag follows the `@` without a space: @en.")
        elif self.kind() in {"iri", "pname"}:
            self.check_name(self.take())
        elif self.kind() == "number" or self.word() in {"TRUE", "FALSE"}:
            self.take()
        else:
            self.fail_pattern()
        text = self.text[start : self.end]
        return Term(text.removesuffix(".") if text[-2:-1].isdigit() else text, role, start)

    def check_name(self, token: Token) -> None:
        """Misread for a name whose prefix cannot be one, such as `http://...`."""
        prefix = token.text.partition(":")[0]
        after = self.text.startswith("//", token.start + len(token.text))
        if token.kind == "pname" and after and prefix in {"http", "https"}:
            raise Misread(token.start, prefix_hint(prefix))

    def fail(self, hint: str, offset: int | None = None) -> NoReturn:
        """Misread at the next token."""
        token = self.peek()
        here = token.start if token else len(self.text)
        raise Misread(here if offset is None else offset, hint or "The query ends too early.")

    def fail_pattern(self) -> NoReturn:
        """Misread for a token that no triple pattern has there."""
        token = self.peek()
        if token is None:
            raise Misread(len(self.text), "The query ends too early.")
        if token.kind == "word":
            self.unknown_word()
        shown = token.text
        if shown in {"<<", "~"}:
            raise Misread(token.start, "Quoted triples are not read here.", fault=False)
        if shown in {"?", "$"}:
            raise Misread(token.start, "The name of a variable follows the `?` without a space.")
        if shown == "<":
            raise Misread(
                token.start,
                "This IRI is not closed or holds a space, a quote or a bracket: percent-encode "
                "a space as %20.",
            )
        if shown in {")", "]", "}"}:
            raise Misread(token.start, f"Nothing is open that this {shown!r} could close.")
        if shown in {"-", "/"} and self._after_year():
            raise Misread(token.start, 'A day is written "2020-01-31"^^xsd:date.')
        raise Misread(token.start, f"{shown!r} does not fit here.")

    def _after_year(self) -> bool:
        before = self.peek(-1)
        return before is not None and before.kind == "number" and len(before.text) == 4

    def unknown_word(self) -> NoReturn:
        """Misread for a word that stands where none can."""
        token = self.peek()
        assert token is not None
        word = token.text
        if word.upper() in KEYWORDS and word.upper() != "A":
            raise Misread(token.start, f"{word.upper()} cannot stand here.")
        hint = meant(word, cutoff=0.75)
        if not hint:
            hint = f"If it is a variable, write ?{word}; if a name, give it a prefix."
            if near := [p for p in ("rdfs:label", "rdf:type") if p.endswith(f":{word}")]:
                hint = f"If it is a variable, write ?{word}; the property is {near[0]}."
        raise Misread(token.start, f"{word[:40]!r} is no keyword or function of SPARQL. {hint}")


def _split_dots(tokens: list[Token]) -> list[Token]:
    """The tokens with the dot that ends a triple parted from the number before it."""
    if not any(t.kind == "number" and t.text.endswith(".") for t in tokens):
        return tokens
    found = []
    for token in tokens:
        if token.kind == "number" and token.text.endswith("."):
            found.append(token._replace(text=token.text[:-1]))
            found.append(Token("op", ".", token.start + len(token.text) - 1, token.depth))
        else:
            found.append(token)
    return found

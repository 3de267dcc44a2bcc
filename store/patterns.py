"""The parts of a query: groups, triple patterns, filters, each with its text and its place.

`pattern_reader.read` makes them from the tokens of a query. A part keeps the words it was written
in, so that a smaller query can be put together from parts of a larger one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from clusterloom.store.once import Once

Variables = frozenset[str]
NONE: Variables = frozenset()


@dataclass(frozen=True)
class Triple:
    """One triple pattern or path; blank nodes stand as variables of their own.

    `terms` are the constants of the pattern with their role (`subject`, `predicate`, `object`)
    and place; those of a path are predicates. `graph` is the name of the GRAPH it stands in.
    """

    subject: str
    predicate: str
    object: str
    start: int
    path: bool = False
    terms: tuple[Term, ...] = ()
    graph: str = ""

    @property
    def text(self) -> str:
        """The pattern as a part of a group."""
        plain = f"{self.subject} {self.predicate} {self.object} ."
        return f"GRAPH {self.graph} {{ {plain} }}" if self.graph else plain

    @Once
    def binds(self) -> Variables:
        """The variables that the pattern gives a value."""
        words = (self.subject, self.predicate, self.object, self.graph)
        return frozenset(word[1:] for word in words if word[:1] in {"?", "$"})

    @property
    def open_ended(self) -> bool:
        """Whether the path may have any length."""
        return self.path and any(mark in self.predicate for mark in ("*", "+"))


@dataclass(frozen=True)
class Term:
    """A constant: its text, what it stands for in a pattern, and its place."""

    text: str
    role: str
    start: int


@dataclass(frozen=True)
class Conjunct:
    """One condition of a FILTER: those joined by && are told apart."""

    expression: str
    uses: Variables
    start: int
    groups: tuple[Group, ...] = ()
    terms: tuple[Term, ...] = ()

    @property
    def text(self) -> str:
        """The condition as a part of a group."""
        return f"FILTER ({self.expression})"

    @Once
    def binds(self) -> Variables:
        """A filter gives no variable a value."""
        return NONE


@dataclass(frozen=True)
class Bind:
    """BIND (expression AS ?variable)."""

    text: str
    variable: str
    uses: Variables
    start: int
    groups: tuple[Group, ...] = ()

    @Once
    def binds(self) -> Variables:
        """The variable after AS."""
        return frozenset({self.variable})


@dataclass(frozen=True)
class Values:
    """A VALUES block; a cell is the text of a term, or blank for UNDEF."""

    text: str
    variables: tuple[str, ...]
    rows: tuple[tuple[Term, ...], ...]
    start: int

    @Once
    def binds(self) -> Variables:
        """The variables that some row gives a value."""
        return frozenset(
            name for i, name in enumerate(self.variables) if any(row[i].text for row in self.rows)
        )


@dataclass(frozen=True)
class Block:
    """A group with a word before it: OPTIONAL, MINUS, GRAPH, LATERAL, UNION, or none of them.

    A UNION has all its branches in `groups`, each other block its one group.
    """

    word: str
    groups: tuple[Group, ...]
    text: str
    start: int
    name: str = ""

    @Once
    def binds(self) -> Variables:
        """The variables that can be seen outside."""
        if self.word == "MINUS":
            return NONE
        inside = frozenset[str]().union(*(group.binds for group in self.groups))
        return inside | {self.name[1:]} if self.name[:1] in {"?", "$"} else inside


@dataclass(frozen=True)
class SubSelect:
    """A SELECT inside a group."""

    select: Select
    text: str
    start: int

    @Once
    def binds(self) -> Variables:
        """The variables it projects."""
        return frozenset(self.select.columns)


Part = Triple | Conjunct | Bind | Values | Block | SubSelect


@dataclass(frozen=True)
class Group:
    """What stands between two braces."""

    parts: tuple[Part, ...]
    text: str
    start: int

    @Once
    def binds(self) -> Variables:
        """The variables that its solutions may have."""
        return frozenset[str]().union(*(part.binds for part in self.parts))


@dataclass(frozen=True)
class Column:
    """One column of a SELECT; `expression` is blank for a variable of the pattern."""

    variable: str
    expression: str
    start: int
    uses: Variables = NONE
    aggregate: bool = False


@dataclass(frozen=True)
class Select:
    """A query or sub-query: its pattern and what is done to the solutions."""

    form: str
    group: Group
    start: int
    head: str = ""
    projected: tuple[Column, ...] = ()
    star: bool = False
    distinct: bool = False
    grouping: str = ""
    having: str = ""
    ordering: str = ""
    limit: int | None = None
    offset: int = 0
    values: Values | None = None
    keywords: dict[str, int] = field(default_factory=dict)
    """Where GROUP, HAVING, ORDER, LIMIT and OFFSET stand."""
    uses: Variables = NONE
    """Variables named in the head and in the modifiers."""

    @Once
    def columns(self) -> tuple[str, ...]:
        """The columns of an answer."""
        if self.star or self.form != "select":
            return tuple(sorted(v for v in self.group.binds if not v.startswith("_b")))
        return tuple(column.variable for column in self.projected)

    @property
    def aggregates(self) -> bool:
        """Whether solutions are gathered into groups."""
        return bool(self.grouping) or any(column.aggregate for column in self.projected)


@dataclass(frozen=True)
class QueryParts:
    """A whole query. `default` and `named` are the graphs of its FROM clauses."""

    text: str
    prefixes: dict[str, str]
    base: str
    select: Select
    default: tuple[Term, ...] = ()
    named: tuple[Term, ...] = ()
    template: str = ""
    described: tuple[Term, ...] = ()


def blocks_of(part: Part) -> tuple[Group, ...]:
    """The groups right inside a part."""
    if isinstance(part, Block | Conjunct | Bind):
        return part.groups
    return (part.select.group,) if isinstance(part, SubSelect) else ()


def walk(group: Group) -> Iterator[Part]:
    """Every part of a group, also those of groups inside it."""
    for part in group.parts:
        yield part
        for inner in blocks_of(part):
            yield from walk(inner)


def extent(group: Group, most: int) -> int:
    """How many parts, groups and columns there are; counting ends above `most`."""
    count = 0
    for part in walk(group):
        inside = blocks_of(part)
        count += 1 + len(inside)
        if isinstance(part, SubSelect):
            count += len(part.select.projected)
        elif isinstance(part, Conjunct):
            count += len(part.uses) + len(part.terms)
        if count > most:
            break
    return count


def required(group: Group) -> Iterator[Triple | Values]:
    """The triple patterns and VALUES that every solution needs (not those of one branch)."""
    for part in group.parts:
        if isinstance(part, Triple | Values):
            yield part
        elif isinstance(part, SubSelect):
            if not part.select.aggregates or part.select.grouping:
                yield from required(part.select.group)
        elif isinstance(part, Block) and part.word in {"", "GRAPH", "LATERAL"}:
            yield from required(part.groups[0])

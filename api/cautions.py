"""What in a query is likely to be slow, or not to mean what it looks like, seen from its text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice

from clusterloom.api.findings import named, short
from clusterloom.namespaces import CLOOM, PREFIXES
from clusterloom.ontology.vocabulary import nearest
from clusterloom.store.patterns import (
    Bind,
    Block,
    Conjunct,
    Group,
    Part,
    QueryParts,
    Select,
    SubSelect,
    Triple,
    Values,
    Variables,
    blocks_of,
    walk,
)
from clusterloom.store.query_terms import iri_of, tokens_of

_TEXT = re.compile(r"\b(?:REGEX|CONTAINS|STRSTARTS|STRENDS)\s*\(", re.IGNORECASE)
_BOUND = re.compile(r"\bBOUND\s*\(\s*[?$](\w+)\s*\)", re.IGNORECASE)
_EQUAL = re.compile(r"[?$](\w+)\s*=\s*[?$](\w+)")
_LABELS = frozenset(
    (PREFIXES["rdfs"] + "label", PREFIXES["skos"] + "prefLabel", PREFIXES["skos"] + "altLabel")
)


_MOST = 50
"""Warnings that are given."""
_MOST_NAMES = 300
"""Variables whose names are compared with one another."""


@dataclass(frozen=True)
class Caution:
    """One warning, its place and what to do instead."""

    kind: str
    message: str
    start: int
    suggestion: tuple[str, ...] = ()
    islands: tuple[str, ...] = ()
    """The unconnected parts of a cross product: where all but one have one row, it is none."""


def cautions(parts: QueryParts) -> list[Caution]:
    """The warnings for a query, in the order of its text."""
    found = islice(chain(_dataset(parts), _select(parts, parts.select), _rare(parts)), _MOST)
    return sorted(dict.fromkeys(found), key=lambda caution: caution.start)


def _dataset(parts: QueryParts) -> Iterator[Caution]:
    if len(parts.default) > 1:
        yield Caution(
            "several-from",
            f"{len(parts.default)} FROM clauses are merged for this query, which is slower than "
            "the default graph: that one has the statements of all graphs already.",
            parts.default[0].start,
            ("leave FROM out, or use GRAPH ?g { ... }",),
        )


def _select(parts: QueryParts, select: Select) -> Iterator[Caution]:
    if select.limit == 0:
        start = select.keywords.get("LIMIT", select.start)
        yield Caution("limit", "LIMIT 0 asks for no row at all.", start)
    given = select.group.binds | (select.values.binds if select.values else frozenset())
    given |= {column.variable for column in select.projected if column.expression}
    for column in select.projected:
        if not column.expression and column.variable not in given:
            if re.search(rf"\bAS\s+[?$]{column.variable}\b", select.grouping, re.IGNORECASE):
                continue
            near = nearest(column.variable, given)
            yield Caution(
                "projected-unbound",
                f"?{column.variable} is a column but nothing gives it a value.",
                column.start,
                (f"?{near}",) if near else (),
            )
    yield from _group(parts, select.group, frozenset(), select)


def _group(
    parts: QueryParts, group: Group, outside: Variables, select: Select
) -> Iterator[Caution]:
    yield from _products(group, outside)
    yield from _conditions(parts, group, outside)
    before: set[str] = set(outside)
    for part in group.parts:
        if isinstance(part, Triple):
            yield from _triple(parts, part, group, outside, select)
        if isinstance(part, Block) and part.word == "MINUS" and not _shares(part, before):
            message = f"`{short(part.text)}` shares no variable with the rest: it does nothing."
            yield Caution("minus-unrelated", message, part.start)
        if isinstance(part, SubSelect):
            yield from _select(parts, part.select)
        else:
            # GRAPH, UNION and plain groups are joined with what stands around them
            for inner in blocks_of(part):
                yield from _group(parts, inner, outside | group.binds, select)
        before |= part.binds


def _shares(block: Block, before: set[str]) -> bool:
    return bool(block.groups[0].binds & before) or not block.groups[0].binds


def _triple(
    parts: QueryParts, triple: Triple, group: Group, outside: Variables, select: Select
) -> Iterator[Caution]:
    others = [p for p in group.parts if p is not triple and not isinstance(p, Conjunct | Bind)]
    joined = outside.union(*(p.binds for p in others if not isinstance(p, Block)))
    ends = {word[1:] for word in (triple.subject, triple.object) if word.startswith("?")}
    if triple.open_ended and len(ends) == 2:
        fixed = {v for p in others if isinstance(p, Values) for v in p.binds}
        if not ends & fixed:
            yield Caution(
                "open-path",
                f"`{short(triple.text)}` follows a path of any length from every node: both ends "
                "are open.",
                triple.start,
                ("give one end by VALUES", "cloom:partOf, cloom:within and cloom:locatedIn hold "
                 "every step already"),
            )  # fmt: skip
    alone = len(triple.binds) == 3 and not triple.terms and not triple.binds & joined
    if alone and select.limit is None and not select.aggregates:
        yield Caution(
            "whole-graph",
            f"`{short(triple.text)}` matches every statement.",
            triple.start,
            ("add LIMIT 100", "name a class or a property"),
        )
    if iri_of(parts, triple.predicate) == CLOOM + "kind" and triple.subject.startswith("?"):
        graphs = {p.name for p in walk(parts.select.group) if isinstance(p, Block)}
        if triple.subject not in graphs:
            yield Caution(
                "no-graph",
                f"cloom:kind tells of a graph, but {triple.subject} is not the name of one here.",
                triple.start,
                (f"GRAPH {triple.subject} {{ ... }} around the statements in question",),
            )


def _conditions(parts: QueryParts, group: Group, outside: Variables) -> Iterator[Caution]:
    triples = [p for p in group.parts if isinstance(p, Triple)]
    seen = group.binds | outside
    for part in group.parts:
        if not isinstance(part, Conjunct):
            continue
        if part.groups and len(triples) > 1:
            yield _per_row(part, seen)
        tested = set(_BOUND.findall(part.expression))
        missing = frozenset() if part.groups else part.uses - seen - tested
        if missing:
            near = [f"?{n}" for name in sorted(missing)[:5] if (n := nearest(name, seen))]
            yield Caution(
                "unbound-variable",
                f"{short(part.text)} reads {named(missing)}, which has no value in this group: it "
                "is never true.",
                part.start,
                tuple(near),
            )
        if _TEXT.search(part.expression):
            yield from _text_search(parts, part, group, triples, outside)


def _per_row(part: Conjunct, seen: Variables) -> Caution:
    word = "NOT EXISTS" if re.match(r"\s*(?:!|NOT\b)", part.expression, re.IGNORECASE) else "EXISTS"
    inside = part.groups[0].text.strip()[1:-1].strip()
    shared = " ".join(f"?{name}" for name in sorted(part.groups[0].binds & seen)) or "*"
    around = "MINUS " if word == "NOT EXISTS" else ""
    return Caution(
        "exists-per-row",
        f"{word} beside a join is tried for every row of the join.",
        part.start,
        (short(f"{around}{{ SELECT DISTINCT {shared} WHERE {{ {inside} }} }}"),),
    )


def _text_search(
    parts: QueryParts, part: Conjunct, group: Group, triples: list[Triple], outside: Variables
) -> Iterator[Caution]:
    for triple in triples:
        name = triple.object[1:]
        if name not in part.uses or iri_of(parts, triple.predicate) not in _LABELS:
            continue
        others = [p for p in group.parts if p is not triple and not isinstance(p, Conjunct)]
        if triple.subject[1:] in outside.union(*(p.binds for p in others)):
            continue
        yield Caution(
            "all-labels",
            f"{short(part.text)} is tried on the label of every thing there is.",
            part.start,
            (f"{triple.subject} a cloom:ClusterOrganisation", "/api/v1/search?q=... is indexed"),
        )


def _products(group: Group, outside: Variables) -> Iterator[Caution]:
    """Parts of a join that share no variable, so that each row of one meets each of the other."""
    links = [set(p.uses | p.binds) for p in group.parts if isinstance(p, Bind)]
    links.append(set(outside & group.binds))
    strict = _islands(group, links)
    filters = [p for p in group.parts if isinstance(p, Conjunct) and not p.groups]
    loose = _islands(group, [*links, *(set(p.uses) for p in filters)])
    if len(loose) > 1:
        second, first = _two(loose)
        message = (
            f"`{second}` shares no variable with `{first}`: each solution of one is paired with "
            "each of the other."
        )
        yield Caution("cross-product", message, loose[1][0].start, islands=_texts(loose))
    for island in loose:
        inside = [parts for parts in strict if parts[0] in island]
        if len(inside) > 1:
            second, first = _two(inside)
            message = f"`{second}` is joined with `{first}` by FILTER only: every pair is tried."
            same = tuple(
                f"write ?{pair[0]} for ?{pair[1]}"
                for p in filters
                for pair in _EQUAL.findall(p.expression)
            )
            yield Caution("filter-join", message, inside[1][0].start, same, _texts(inside))


def _two(islands: list[list[Part]]) -> tuple[str, str]:
    return short(islands[1][0].text), short(islands[0][0].text)


def _texts(islands: list[list[Part]]) -> tuple[str, ...]:
    return tuple(" ".join(part.text for part in parts) for parts in islands)


def _islands(group: Group, links: list[set[str]]) -> list[list[Part]]:
    """The parts of a group that share no variable with those of another island."""
    islands: list[tuple[set[str], list[Part]]] = [(link, []) for link in links if link]
    islands += [(set(part.binds), [part]) for part in group.parts if _multiplies(part)]
    return sorted((p for _, p in _merged(islands) if p), key=lambda parts: parts[0].start)


def _merged(
    islands: list[tuple[set[str], list[Part]]],
) -> list[tuple[set[str], list[Part]]]:
    """The islands, those that share a variable made one."""
    found: list[tuple[set[str], list[Part]]] = []
    for variables, parts in islands:
        touched = [island for island in found if island[0] & variables]
        found = [island for island in found if not island[0] & variables]
        names = variables.union(*(island[0] for island in touched))
        found.append((names, [p for island in touched for p in island[1]] + parts))
    return found


def _multiplies(part: Part) -> bool:
    """Whether a part may give several rows: constants, one VALUES row and one total do not."""
    if isinstance(part, Conjunct | Bind) or not part.binds:
        return False
    if isinstance(part, Values):
        return len(part.rows) > 1
    if isinstance(part, SubSelect):
        select = part.select
        return not (select.aggregates and not select.grouping) and select.limit != 1
    return True


def _rare(parts: QueryParts) -> Iterator[Caution]:
    """A variable that occurs once and is spelt much like another one."""
    if parts.select.form != "select":
        return
    tokens = [t for t in tokens_of(parts.text) if t.kind == "var"]
    counts: dict[str, int] = {}
    for token in tokens:
        counts[token.text[1:]] = counts.get(token.text[1:], 0) + 1
    if len(counts) > _MOST_NAMES:
        return
    first = {name: at for at, name in enumerate(counts)}
    for token in tokens:
        name = token.text[1:]
        if counts[name] > 1 or len(name) < 3:
            continue
        # of two that occur once the later one is taken for the slip
        likely = [n for n in counts if n != name and _slip(name, n)]
        likely = [n for n in likely if counts[n] > 1 or first[n] < first[name]]
        if likely:
            yield Caution(
                "used-once",
                f"?{name} occurs once; ?{likely[0]} is spelt almost alike.",
                token.start,
                (f"?{likely[0]}",),
            )


def _slip(one: str, other: str) -> bool:
    """Whether the names differ by case, two letters exchanged, or one letter more.

    Names that differ by a digit or a plural s are meant to.
    """
    if one.lower() == other.lower():
        return True
    long, brief = (one, other) if len(one) > len(other) else (other, one)
    if len(long) - len(brief) > 1 or len(brief) < 4:
        return False
    at = next((i for i, c in enumerate(brief) if c != long[i]), len(brief))
    odd = long[at : at + 1]
    if len(long) == len(brief):
        return long[at : at + 2] == brief[at : at + 2][::-1] and long[at + 2 :] == brief[at + 2 :]
    return long[at + 1 :] == brief[at:] and not odd.isdigit() and (odd, at) != ("s", len(brief))

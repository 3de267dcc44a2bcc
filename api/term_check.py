"""Constants of a query that the release does not have, or has in another role."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from clusterloom import terms
from clusterloom.api.aliases import moved_to
from clusterloom.api.findings import Finding, meant
from clusterloom.api.probes import Probes
from clusterloom.api.suggestions import (
    for_iri,
    foreign,
    graphs,
    graphs_near,
    in_other_role,
    occurs,
    shown,
)
from clusterloom.errors import Gone
from clusterloom.namespaces import CLOOM, ID
from clusterloom.ontology import vocabulary
from clusterloom.store.patterns import Block, Conjunct, Group, Part, Term, Triple, Values, walk
from clusterloom.store.query_terms import RDF_TYPE, iri_of

_MOST = 40
"""Constants that are looked up: each costs a probe."""


def constants(probes: Probes, parts: Iterable[Part]) -> Iterator[tuple[Term, str, str]]:
    """Each IRI once: where it stands, its role (also `class`, `value`), and the IRI in full."""
    seen: set[tuple[str, str]] = set()
    for part in parts:
        for found in _terms_of(probes, part):
            iri = iri_of(probes.parts, found.text)
            if iri and (iri, found.role) not in seen:
                seen.add((iri, found.role))
                yield found, found.role, iri


def _terms_of(probes: Probes, part: Part) -> Iterator[Term]:
    if isinstance(part, Triple):
        is_type = iri_of(probes.parts, part.predicate) == RDF_TYPE
        for found in part.terms:
            role = "class" if is_type and found.role == "object" else found.role
            yield Term(found.text, role, found.start)
    elif isinstance(part, Values):
        yield from (cell for row in part.rows for cell in row)
    elif isinstance(part, Conjunct):
        yield from part.terms
    elif isinstance(part, Block) and part.word == "GRAPH" and not part.name.startswith(("?", "$")):
        yield Term(part.name, "graph", part.start)


async def check_terms(probes: Probes, group: Group) -> list[Finding]:
    """A finding for each constant of the group that can match nothing."""
    found: list[Finding] = []
    listed = list(islice(constants(probes, walk(group)), _MOST))
    for term, role, iri in listed:
        if (finding := await check(probes, term, role, iri)) is not None:
            found.append(finding)
    return found


async def check(probes: Probes, term: Term, role: str, iri: str) -> Finding | None:
    """The finding for one constant; None where it is in the data as it should be."""
    if whose := foreign(iri):
        return _foreign(probes, term, iri, whose)
    if iri == RDF_TYPE:
        return None
    try:
        node = terms.iri(iri)
    except terms.BadTerm:
        return None
    if role == "graph":
        return await unknown_graph(probes, term, iri)
    pattern = {
        "predicate": f"?s {node} ?o",
        "class": f"?s a {node}",
    }.get(role, occurs(node))
    if await probes.ask(pattern, everywhere=True) is not False:
        return None
    query = probes.ask_text(pattern, everywhere=True)
    if role in {"predicate", "class"} and (other := await _other_role(probes, node, role)):
        kind, message = other
        suggestion = in_other_role(iri, role) if "-as-" in kind else []
        message = f"{shown(iri)} {message}{meant(suggestion)}"
        return Finding(kind, message, term.text, query, "false", term.start, shown(iri), suggestion)
    suggestion = await for_iri(probes, iri, role)
    message = f"{shown(iri)} {_what(role)} of this release.{meant(suggestion)}"
    kind = "unknown-term"
    try:
        if iri.startswith(ID) and moved_to(iri.removeprefix(ID)):
            kind, message = "renamed-term", f"{shown(iri)} has a new name: {suggestion[0]}."
    except (Gone, IndexError):
        message = f"{shown(iri)} was withdrawn from the data."
    return Finding(kind, message, term.text, query, "false", term.start, shown(iri), suggestion)


def _what(role: str) -> str:
    return {
        "predicate": "is a property of no statement",
        "class": "is a class without any member in the data",
        "value": "(a value of VALUES) is in no statement",
        "filter": "(in a FILTER) is in no statement",
    }.get(role, "is in no statement")


async def _other_role(probes: Probes, node: str, role: str) -> tuple[str, str] | None:
    name = node[1:-1].removeprefix(CLOOM)
    if role == "predicate":
        if name in vocabulary.classes() or await probes.ask(f"?s a {node}", everywhere=True):
            return "class-as-property", (
                "is a class, not a property: nothing is linked by it. Members are `?x a` it."
            )
        if name in vocabulary.properties():
            return "unused-term", "is declared by the ontology but not used in this release."
        return None
    if name in vocabulary.properties() or await probes.ask(f"?s {node} ?o", everywhere=True):
        return "property-as-class", "is a property, not a class: nothing has it as its type."
    if name in vocabulary.classes():
        return "unused-term", "is declared by the ontology but this release has no member of it."
    return None


def _foreign(probes: Probes, term: Term, iri: str, whose: str) -> Finding:
    return Finding(
        "foreign-predicate",
        f"<{iri}> belongs to {whose}: here it is an ordinary property that nothing has.",
        term.text,
        probes.ask_text(f"?s <{iri}> ?o", everywhere=True),
        "false",
        term.start,
        f"<{iri}>",
        ['FILTER (CONTAINS(LCASE(STR(?label)), "word"))', "/api/v1/search?q=word"],
    )


async def unknown_graph(probes: Probes, term: Term, iri: str) -> Finding | None:
    """The finding for a graph that the release does not have."""
    pattern = f"GRAPH <{iri}> {{ ?s ?p ?o }}"
    if await probes.ask(pattern, everywhere=True) is not False:
        return None
    near = await graphs_near(probes, iri)
    known = len(await graphs(probes))
    return Finding(
        "unknown-graph",
        f"<{iri}> is none of the {known} named graphs of this release.{meant(near[:2])}",
        term.text,
        probes.ask_text(pattern, everywhere=True),
        "false",
        term.start,
        f"<{iri}>",
        near,
    )

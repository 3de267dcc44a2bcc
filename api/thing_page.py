"""What the page of a thing shows: facts by property with their evidence, and links into it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from clusterloom.api.describe import Description, Statement
from clusterloom.api.rdf import types_of
from clusterloom.api.render import property_label
from clusterloom.namespaces import CLOOM, PREFIXES

_HIDDEN = {PREFIXES["rdf"] + "type", PREFIXES["rdfs"] + "label", PREFIXES["dcterms"] + "source"}


@dataclass(frozen=True)
class Value:
    """One value as a page shows it."""

    text: str
    iri: str
    language: str


@dataclass(frozen=True)
class Evidence:
    """How a statement came to be and the dataset it is from."""

    kind: str
    dataset: str
    title: str


@dataclass(frozen=True)
class Fact:
    """Values of one property that rest on the same evidence."""

    property: str
    values: list[Value]
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True)
class LinksIn:
    """Things that point here by one property."""

    property: str
    things: list[Value]
    total: int


@dataclass(frozen=True)
class Shown:
    """Everything the template needs."""

    label: str
    iri: str
    classes: list[str]
    facts: list[tuple[str, list[Fact]]]
    """Each property with its facts, names and codes first, then by the words of the property."""
    links: list[LinksIn]
    sources: list[tuple[Value, tuple[Evidence, ...]]]


def shown(description: Description) -> Shown:
    """The description in the order of the page."""
    classes = types_of(description)
    facts: dict[tuple[str, tuple[Evidence, ...]], list[Value]] = {}
    for statement in description.statements:
        if statement.predicate not in _HIDDEN:
            key = statement.predicate, _evidence(description, statement)
            facts.setdefault(key, []).append(_value(description, statement))
    sources = [
        (_value(description, s), _evidence(description, s))
        for s in description.statements
        if s.predicate == PREFIXES["dcterms"] + "source"
    ]
    return Shown(
        label=description.label,
        iri=description.iri,
        classes=[CLOOM + name for name in classes if ":" not in name],
        facts=_by_property(facts),
        links=[
            LinksIn(
                found.predicate,
                sorted((_thing(description, s) for s in found.subjects), key=_order),
                found.count,
            )
            for found in description.incoming
        ],
        sources=sources,
    )


def _by_property(
    facts: dict[tuple[str, tuple[Evidence, ...]], list[Value]],
) -> list[tuple[str, list[Fact]]]:
    grouped: dict[str, list[Fact]] = {}
    for (iri, evidence), values in facts.items():
        grouped.setdefault(iri, []).append(Fact(iri, sorted(values, key=_order), evidence))

    def rank(entry: tuple[str, list[Fact]]) -> tuple[bool, str]:
        return not entry[0].startswith(PREFIXES["skos"]), property_label(entry[0]).lower()

    return sorted(grouped.items(), key=rank)


def _evidence(description: Description, statement: Statement) -> tuple[Evidence, ...]:
    infos = (description.graphs[g] for g in statement.graphs if g in description.graphs)
    return tuple(Evidence(i.kind, i.dataset, i.title) for i in infos)


def _value(description: Description, statement: Statement) -> Value:
    cell = statement.value
    if cell.is_iri:
        return _thing(description, cell.value)
    return Value(_written(cell.plain()), "", cell.language)


def _thing(description: Description, iri: str) -> Value:
    label = description.labels.get(iri)
    text = label.value if label else iri
    if iri.startswith(CLOOM):
        text = property_label(iri)
    return Value(text, iri, label.language if label else "")


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _order(value: Value) -> tuple[str, str]:
    return value.text.lower(), value.iri

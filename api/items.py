"""Items of a resource: the columns of given things, read in a few queries for all of them."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from clusterloom import terms
from clusterloom.api.aside import aside
from clusterloom.api.labels import labels_of, select_for
from clusterloom.api.resources import Column, Nested, Resource
from clusterloom.api.rows import Cell, Row, compact, key_of
from clusterloom.api.serving import Served
from clusterloom.namespaces import CLOOM, expand
from clusterloom.ontology import vocabulary

_ALWAYS = (Column("label", "rdfs:label"), Column("types", "rdf:type"))

SME = CLOOM + "SME"
PRIVATE = frozenset({"vatNumber", "latitude", "longitude", "coordinateBasis", "geo:hasCentroid"})
"""What is not given away of an SME, even where the operator has loaded it."""

Found = dict[str, dict[str, list[tuple[Cell, str]]]]
"""Thing -> property (`^` for inverse) -> values with their labels, sorted."""


async def read_items(
    served: Served, resource: Resource, iris: Sequence[str]
) -> list[dict[str, Any]]:
    """The items of these things in this order, each with `id, iri, label` and every column."""
    if not iris:
        return []
    found, *nested = await asyncio.gather(
        _properties(served, iris, resource.columns),
        *(read_nested(served, iris, nested) for nested in resource.nested),
    )
    many = len(iris) * len(resource.every_column)
    return await aside(many, lambda: [_whole(iri, resource, found, nested) for iri in iris])


def _whole(
    iri: str, resource: Resource, found: Found, nested: Sequence[dict[str, list[dict[str, Any]]]]
) -> dict[str, Any]:
    item = _item(iri, found.get(iri, {}), resource.columns, resource.of_class)
    for column in resource.computed:
        item[column.name] = _computed(column.name, item)
    for group, nodes in zip(resource.nested, nested, strict=True):
        item[group.name] = nodes.get(iri, [])
    return item


async def _properties(served: Served, iris: Iterable[str], wanted: Iterable[Column]) -> Found:
    """Values of the columns, with the labels of those that are IRIs.

    One branch for each property: joined with a VALUES of properties, the engine would try every
    pair of a thing and a property (measured: 100 times as long).
    """
    columns = [*_ALWAYS, *(c for c in wanted if c.property not in vocabulary.classes())]
    branches = dict.fromkeys(_branch(column.property) for column in columns)
    anyone = f"{{ {' } UNION { '.join(branches)} }}"
    rows = await select_for(
        served,
        "item",
        iris,
        lambda some: f"SELECT DISTINCT ?item ?p ?v WHERE {{ {some} {anyone} }}",
    )
    found = await aside(len(rows), lambda: _linked(rows))
    labels, classes = await asyncio.gather(
        labels_of(served, found),
        _classes(served, found if any(column.of_class for column in columns) else ()),
    )
    return await aside(len(rows), lambda: _grouped(rows, labels, classes))


def _linked(rows: list[Row]) -> set[str]:
    return {row["v"].value for row in rows if row["v"].is_iri and row["p"].value != "rdf:type"}


def _grouped(rows: list[Row], labels: dict[str, Cell], classes: dict[str, set[str]]) -> Found:
    properties: Found = defaultdict(lambda: defaultdict(list))
    for row in rows:
        cell = row["v"]
        label = labels[cell.value].value if cell.is_iri and cell.value in labels else ""
        places = {row["p"].value}
        places |= {f"{row['p'].value} {name}" for name in classes.get(cell.value, ())}
        for place in places:
            properties[row["item"].value][place].append((cell, label))
    return properties


def _branch(name: str) -> str:
    link = terms.iri(expand(name.removeprefix("^")))
    pattern = f"?v {link} ?item" if name.startswith("^") else f"?item {link} ?v"
    return f"{pattern} BIND ({terms.text(name)} AS ?p)"


async def _classes(served: Served, iris: Iterable[str]) -> dict[str, set[str]]:
    """Our classes of each thing."""
    rows = await select_for(
        served, "v", iris, lambda some: f"SELECT DISTINCT ?v ?c WHERE {{ {some} ?v a ?c }}"
    )
    found: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        found[row["v"].value].add(compact(row["c"].value))
    return found


async def read_nested(
    served: Served, iris: Iterable[str], nested: Nested
) -> dict[str, list[dict[str, Any]]]:
    """The nodes of a nested column for each thing, in the order that the column declares."""
    inverse = nested.property.startswith("^")
    link = terms.iri(expand(nested.property.removeprefix("^")))
    pattern = f"?node {link} ?item" if inverse else f"?item {link} ?node"
    of_class = f"?node a {terms.iri(CLOOM + nested.of_class)}" if nested.of_class else ""
    rows = await select_for(
        served,
        "item",
        iris,
        lambda some: f"SELECT DISTINCT ?item ?node WHERE {{ {some} {pattern} . {of_class} }}",
    )
    if not rows:
        return {}
    found = await _properties(served, {row["node"].value for row in rows}, nested.columns)
    return await aside(len(rows), lambda: _nodes(rows, found, nested))


def _nodes(rows: list[Row], found: Found, nested: Nested) -> dict[str, list[dict[str, Any]]]:
    out: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        node = row["node"].value
        out[row["item"].value].append(
            _item(node, found.get(node, {}), nested.columns, nested.of_class)
        )
    for nodes in out.values():
        # a node without the ordering value comes last; the id settles ties
        nodes.sort(key=lambda n: (_rank(n.get(nested.order)), n["id"]))
    return out


def _rank(value: Any) -> tuple[int, float, str]:
    if isinstance(value, int | float):
        return 0, float(value), ""
    return (2, 0.0, "") if value is None else (1, 0.0, str(value))


def _item(
    iri: str,
    found: dict[str, list[tuple[Cell, str]]],
    columns: Sequence[Column],
    of_class: str,
) -> dict[str, Any]:
    labels = sorted(cell.value for cell, _ in found.get("rdfs:label", []))
    item: dict[str, Any] = {"id": key_of(iri), "iri": iri, "label": labels[0] if labels else None}
    if any(cell.value == SME for cell, _ in found.get("rdf:type", [])):
        found = {name: held for name, held in found.items() if name not in PRIVATE}
    caveats = []
    for column in columns:
        held = _values(column, found, of_class)
        if column.many:
            item[column.name] = held
            continue
        item[column.name] = held[0] if held else None
        if len(held) > 1:
            said = ", ".join(str(v) for v in held)
            caveats.append(f"{column.name}: sources give several values: {said}")
    if caveats:
        item["caveats"] = caveats
    return item


def _values(column: Column, found: dict[str, list[tuple[Cell, str]]], of_class: str) -> list[Any]:
    if column.type == "boolean" and column.property in vocabulary.classes():
        return [any(c.value == CLOOM + column.property for c, _ in found.get("rdf:type", []))]
    place = f"{column.property} {column.of_class}" if column.of_class else column.property
    cells = found.get(place, [])
    if column.type == "class":
        # classes and properties of the ontology, told by their local names
        named = {compact(cell.value) for cell, _ in cells} - {of_class}
        return sorted(n for n in named if n in vocabulary.terms() or column.property != "rdf:type")
    if column.type == "thing":
        return sorted(
            ({"id": key_of(c.value), "iri": c.value, "label": label or None} for c, label in cells),
            key=lambda thing: ((thing["label"] or "").lower(), thing["iri"]),
        )
    plain = {cell.plain() for cell, _ in cells}
    return sorted(plain, key=lambda v: (isinstance(v, str), v))


def today() -> str:
    """The day of the request, in UTC, as YYYY-MM-DD."""
    return datetime.now(UTC).date().isoformat()


def call_state(opens: str | None, deadline: str | None, day: str) -> str:
    """forthcoming, open, closed or unknown, from the dates of a call.

    >>> call_state("2026-01-01", "2026-02-01", "2026-01-15")
    'open'
    >>> call_state(None, "2026-02-01", "2026-01-15")
    'unknown'
    """
    if deadline and deadline < day:
        return "closed"
    if opens and opens > day:
        return "forthcoming"
    return "open" if opens and deadline else "unknown"


def _computed(name: str, item: dict[str, Any]) -> Any:
    day = today()
    if name == "state":
        return call_state(item["opens"], item["deadline"], day)
    return day

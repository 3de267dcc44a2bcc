"""Properties of the reconciliation service: what a query may compare, and what may be fetched."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from clusterloom.api.fold import fold
from clusterloom.api.items import read_items
from clusterloom.api.resources import Column
from clusterloom.api.rows import local
from clusterloom.api.search_entries import Entry
from clusterloom.api.search_index import SearchIndex
from clusterloom.api.search_item import description
from clusterloom.api.search_kinds import KINDS, resource_of
from clusterloom.api.serving import Served
from clusterloom.errors import UsageError
from clusterloom.nearest import hint
from clusterloom.ontology import vocabulary

Value = dict[str, Any]
"""One value as the protocol writes it: `{"str": ...}`, `{"id": ..., "name": ...}` ..."""


def _nothing(_: Entry) -> Sequence[str]:
    return ()


@dataclass(frozen=True)
class Property:
    """A property that every entry can be asked for without a query.

    `paths` gives things, as `<type>/<key>`, `texts` plain values. One that `identifies` has a
    value that no two things share.
    """

    id: str
    name: str
    description: str
    texts: Callable[[Entry], Sequence[str]] = _nothing
    paths: Callable[[Entry], Sequence[str]] | None = None
    identifies: bool = False


def _called(*names: str) -> Callable[[Entry], Sequence[str]]:
    return lambda entry: entry.called(*names)


def _city(entry: Entry) -> Sequence[str]:
    return [place.text for place in entry.places if place.called == "city"]


PROPERTIES: dict[str, Property] = {
    p.id: p
    for p in (
        Property(
            "countries", "country", "countries it is in or of: code, name or IRI",
            paths=lambda e: [f"country/{key}" for key in e.countries],
        ),
        Property(
            "regions", "region", "regions it is located in: NUTS code, name or IRI",
            paths=lambda e: [local(iri) for iri in e.regions],
        ),
        Property("city", "city", "towns as the sources write them", _city),
        Property("pic", "PIC", "participant identification code", _called("PIC"),
                 identifies=True),
        Property("nuts_code", "NUTS code", "code of a region", _called("NUTS code"),
                 identifies=True),
        Property("country_code", "country code", "ISO or Eurostat code of a country",
                 _called("country code"), identifies=True),
        Property("grant_number", "grant number", "number of a project's grant",
                 _called("grant number"), identifies=True),
        Property("identifier", "identifier", "identifier of a call", _called("identifier"),
                 identifies=True),
        Property("nace_code", "NACE code", "code of an activity", _called("NACE code")),
        Property("acronym", "acronym", "acronyms and short names",
                 _called("acronym", "short name")),
        Property("other_names", "other name", "other names and full names",
                 _called("other name", "full name", "name", "title")),
        Property("iri", "IRI", "the permanent name", lambda e: [e.iri]),
        Property("label", "label", "the name", lambda e: [e.label]),
    )
}  # fmt: skip

ALIASES = {
    "country": "countries", "inCountry": "countries", "region": "regions",
    "locatedIn": "regions", "nuts": "nuts_code", "nutsCode": "nuts_code", "isoCode":
    "country_code", "grantNumber": "grant_number", "naceCode": "nace_code", "nace": "nace_code",
    "skos:altLabel": "other_names", "PIC": "pic",
}  # fmt: skip
"""Other names of properties: those of the ontology, and those people try."""


def property_named(pid: str) -> Property:
    """The property that a query compares; UsageError names the nearest."""
    found = PROPERTIES.get(ALIASES.get(pid, pid))
    if found is None:
        valid = {p.id: p.name for p in PROPERTIES.values()}
        raise UsageError(
            f"property {pid[:80]!r} cannot be compared{hint(pid, valid)} "
            f"(properties: {', '.join(PROPERTIES)})"
        )
    return found


def agrees(
    index: SearchIndex, entry: Entry, wanted: Property, values: Iterable[str]
) -> bool | None:
    """Whether the entry has one of the values; None where it has no value at all."""
    held: set[str] = {fold(text) for text in wanted.texts(entry)}
    for path in wanted.paths(entry) if wanted.paths else ():
        held |= {fold(path), fold(path.partition("/")[2])}
        if place := index.by_path.get(path):
            held |= {fold(place.iri), *(fold(name.text) for name in place.names)}
    if not held:
        return None
    return not held.isdisjoint(map(fold, values))


def proposed(type_name: str) -> list[Property]:
    """What can be fetched of things of a class: columns of its REST items among them."""
    own = list(PROPERTIES.values())
    columns = _columns(type_name) if type_name else {}
    return own + [
        Property(column.name, column.name.replace("_", " "), column.description)
        for column in columns.values()
        if column.name not in PROPERTIES
    ]


def _columns(type_name: str) -> Mapping[str, Column]:
    above = vocabulary.superclasses(type_name)
    kind = next((kind for kind in KINDS if kind in above), "")
    resource = resource_of(kind)
    if resource is None:
        return {}
    return {column.name: column for column in (*resource.columns, *resource.computed)}


async def extension(
    served: Served, index: SearchIndex, ids: Sequence[str], wanted: Sequence[str]
) -> dict[str, Any]:
    """The answer of the data extension protocol: values of the properties of each entity.

    An entity that is not known has none; a property that no entity can have is a UsageError.
    """
    pids = {pid: ALIASES.get(pid, pid) for pid in wanted}
    entries = {id: entry for id in ids if (entry := index.by_path.get(id))}
    columns: dict[str, Column] = {}
    for kind in KINDS:
        for name, column in _columns(kind).items():
            columns.setdefault(name, column)
    for pid, own in pids.items():
        if own not in PROPERTIES and own not in columns:
            valid = {p: PROPERTIES[p].name for p in PROPERTIES} | dict.fromkeys(columns, "")
            raise UsageError(f"extend: no property {pid[:80]!r}{hint(pid, valid)}")
    items = await _items(served, entries.values(), any(p not in PROPERTIES for p in pids.values()))
    rows: dict[str, dict[str, list[Value]]] = {}
    for id in ids:
        entry = entries.get(id)
        rows[id] = {
            pid: _values(index, entry, items.get(id, {}), own) if entry else []
            for pid, own in pids.items()
        }
    return {"meta": [_meta(pid, own) for pid, own in pids.items()], "rows": rows}


def _meta(pid: str, own: str) -> Value:
    name = PROPERTIES[own].name if own in PROPERTIES else own.replace("_", " ")
    meta: Value = {"id": pid, "name": name}
    if own in {"countries", "regions"}:
        meta["type"] = {"id": "Country", "name": "country"} if own == "countries" else {
            "id": "Region", "name": "region"}  # fmt: skip
    return meta


async def _items(served: Served, entries: Iterable[Entry], needed: bool) -> dict[str, Value]:
    """REST items by `<type>/<key>`, where a property is wanted that only they have."""
    found: dict[str, Value] = {}
    by_kind: dict[str, list[Entry]] = {}
    for entry in entries if needed else ():
        by_kind.setdefault(entry.kind, []).append(entry)
    for kind, held in by_kind.items():
        if resource := resource_of(kind):
            items = await read_items(served, resource, [entry.iri for entry in held])
            found |= {entry.path: item for entry, item in zip(held, items, strict=True)}
    return found


def _values(index: SearchIndex, entry: Entry, item: Value, own: str) -> list[Value]:
    if own in PROPERTIES:
        wanted = PROPERTIES[own]
        if wanted.paths is None:
            return [{"str": text} for text in wanted.texts(entry)]
        return [
            {"id": path, "name": index.by_path[path].label}
            for path in wanted.paths(entry)
            if path in index.by_path
        ]
    resource = resource_of(entry.kind)
    column = next(
        (c for c in (*resource.columns, *resource.computed) if c.name == own), None
    ) if resource else None  # fmt: skip
    if column is None or item.get(own) is None:
        return []
    held = item[own] if isinstance(item[own], list) else [item[own]]
    return [_written(column.type, value) for value in held]


def _written(kind: Literal["date"] | str, value: Any) -> Value:
    if isinstance(value, Mapping):
        return {"id": local(value["iri"]) or value["iri"], "name": value["label"] or value["id"]}
    if isinstance(value, bool):
        return {"str": "true" if value else "false"}
    if isinstance(value, int):
        return {"int": value}
    if isinstance(value, float):
        return {"float": value}
    if kind == "date":
        return {"date": f"{value}T00:00:00Z"}
    return {"str": str(value)}


def preview_lines(index: SearchIndex, entry: Entry) -> list[tuple[str, str]]:
    """What a small page about the entry says, as pairs of heading and text."""
    lines = [("What it is", description(index, entry))]
    other = [n.text for n in entry.names if n.text != entry.label and n.called != "PIC"]
    if other:
        lines.append(("Other names", "; ".join(other[:5])))
    return lines

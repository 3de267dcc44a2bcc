"""Compact JSON-LD of a description: plain nested JSON that is the same graph as the Turtle."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any

from clusterloom import __version__
from clusterloom.api.describe import Description
from clusterloom.api.rows import XSD, Cell
from clusterloom.namespaces import CLOOM, PREFIXES

_TYPE = PREFIXES["rdf"] + "type"
_SINGLE = frozenset({"rdfs:label", "rdfs:comment", "owl:versionInfo"})
"""What has one value and no entry of its own in the context."""


@cache
def context() -> dict[str, Any]:
    """The entries of the published JSON-LD context."""
    path = files("clusterloom.ontology") / "context.jsonld"
    entries: dict[str, Any] = json.loads(path.read_text("utf-8"))["@context"]
    return entries


def name_of(iri: str) -> str:
    """The name the context gives a term: local for ours, prefixed for known others, else the IRI.

    >>> name_of("https://w3id.org/clusterloom/ontology#inChain")
    'inChain'
    """
    if iri.startswith(CLOOM) and iri.removeprefix(CLOOM) in context():
        return iri.removeprefix(CLOOM)
    for prefix, namespace in PREFIXES.items():
        if prefix in context() and iri.startswith(namespace) and iri != namespace:
            return f"{prefix}:{iri.removeprefix(namespace)}"
    return iri


def document(
    description: Description, about: Iterable[tuple[str, Cell]], address: str, public_url: str = ""
) -> dict[str, Any]:
    """The thing as JSON-LD with its context inside, so that reading it needs no network.

    `about` are statements about this document, whose IRI is `address`. Links into the thing
    stand under `@reverse`; what is linked carries its label. A property that may repeat is an
    array, however many values it has; another one is plain. With a `public_url` the context is
    the address of the published one there.
    """
    node: dict[str, Any] = {"id": description.iri}
    types = sorted(name_of(c.value) for c in description.values(_TYPE))
    if types:
        node["type"] = types
    values: dict[str, list[Any]] = defaultdict(list)
    for statement in description.statements:
        if statement.predicate != _TYPE:
            name = name_of(statement.predicate)
            values[name].append(_value(name, statement.value, description.labels))
    node |= {name: _one_or_many(name, found) for name, found in sorted(values.items())}
    reverse = {
        name_of(incoming.predicate): [_link(s, description.labels) for s in incoming.subjects]
        for incoming in description.incoming
    }
    if reverse:
        node["@reverse"] = reverse
    page: dict[str, Any] = {"id": address, "type": ["foaf:Document"]}
    said: dict[str, list[Any]] = defaultdict(list)
    for predicate, cell in about:
        said[name_of(predicate)].append(_value(name_of(predicate), cell, {}))
    page |= {name: _one_or_many(name, found) for name, found in said.items()}
    node["foaf:isPrimaryTopicOf"] = page
    return {"@context": context_address(public_url) if public_url else _used(node), **node}


def context_address(public_url: str) -> str:
    """Where the context of this version is served."""
    return f"{public_url}/context/{__version__}.jsonld"


def _value(name: str, cell: Cell, labels: dict[str, Cell]) -> Any:
    if cell.is_iri:
        return _link(cell.value, labels)
    definition = context().get(name)
    coerced = definition.get("@type", "") if isinstance(definition, dict) else ""
    if cell.language:
        return {"@value": cell.value, "@language": cell.language}
    datatype = name_of(cell.datatype) if cell.datatype else ""
    if datatype == coerced or (datatype == "xsd:integer" and not coerced):
        return _native(cell)
    if not datatype:
        return {"@value": cell.value}
    return {"@value": cell.value, "@type": datatype}


def _native(cell: Cell) -> Any:
    if cell.datatype == XSD + "integer" and str(int(cell.value)) == cell.value:
        return int(cell.value)
    if cell.datatype == XSD + "boolean" and cell.value in {"true", "false"}:
        return cell.value == "true"
    return cell.value


def _link(iri: str, labels: dict[str, Cell]) -> dict[str, Any]:
    link: dict[str, Any] = {"id": iri}
    if iri in labels:
        link["rdfs:label"] = _value("rdfs:label", labels[iri], {})
    return link


def _one_or_many(name: str, values: list[Any]) -> Any:
    """An array where the context says so, or where there are several values after all."""
    definition = context().get(name)
    single = name in _SINGLE or (isinstance(definition, dict) and "@container" not in definition)
    return values[0] if single and len(values) == 1 else values


def _used(node: dict[str, Any]) -> dict[str, Any]:
    """The part of the context that the names in the node need."""
    names: set[str] = set()
    _collect(node, names)
    prefixes = {"xsd"} | {name.partition(":")[0] for name in names if ":" in name}
    entries = context()
    used: dict[str, Any] = {"@version": 1.1, "id": "@id", "type": "@type"}
    for name, definition in entries.items():
        if name in names or (name in prefixes and name in PREFIXES):
            used[name] = definition
    wanted = {str(d.get("@id", "")) + " " + str(d.get("@type", ""))
              for d in used.values() if isinstance(d, dict)}  # fmt: skip
    for prefix in PREFIXES:
        if prefix in entries and any(f"{prefix}:" in text for text in wanted):
            used.setdefault(prefix, entries[prefix])
    return used


def _collect(value: Any, names: set[str]) -> None:
    if isinstance(value, list):
        for part in value:
            _collect(part, names)
    elif isinstance(value, dict):
        for name, part in value.items():
            names.add(name)
            if name in {"type", "@type"}:
                names.update(part if isinstance(part, list) else [part])
            else:
                _collect(part, names)

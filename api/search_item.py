"""A thing that was found, as answers show it: what it is, and what tells it apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clusterloom.api.search_entries import CODES, Entry, Name
from clusterloom.api.search_index import SearchIndex
from clusterloom.api.search_kinds import resource_of
from clusterloom.api.signposting import address
from clusterloom.namespaces import thing
from clusterloom.ontology import vocabulary

_TELLING = CODES - {"identifier", "PIC"}
"""Codes that people know things by."""
_LISTED = 3
"""Countries that a description names; more are counted."""


def item(index: SearchIndex, entry: Entry, matched: Name) -> dict[str, Any]:
    """The item of a list of search results."""
    return {
        "id": entry.id,
        "iri": entry.iri,
        "label": entry.label,
        "type": entry.kind,
        "types": list(entry.types),
        "matched": {"name": matched.text, "called": matched.called},
        "countries": [
            {"id": key, "iri": thing("country", key), "label": label}
            for key, label in countries(index, entry).items()
        ],
        "description": description(index, entry),
        "page": f"/page/{entry.path}",
        "api": data_address(entry),
    }


def data_address(entry: Entry) -> str:
    """Where the thing can be had as JSON: its REST item, else its linked data."""
    resource = resource_of(entry.kind)
    kind, _, key = entry.path.partition("/")
    if resource and kind in resource.kinds:
        return f"/api/v1/{resource.name}/{key}"
    return f"/data/{entry.path}.json"


def description(index: SearchIndex, entry: Entry) -> str:
    """What it is, its codes, what it belongs to, where and when: enough to tell namesakes apart.

    What is not known is left out.
    """
    parts = [nouns(entry.types)]
    parts += [name.text for name in entry.names if name.called in _TELLING][:1]
    parts += [text for text in entry.about[:2] if text != entry.label]
    parts += [place.text for place in entry.places if place.called == "city"][:1]
    named = countries(index, entry)
    if 0 < len(named) <= _LISTED:
        parts.append(", ".join(named.values()))
    elif named:
        parts.append(f"{len(named)} countries")
    if entry.years:
        first, last = entry.years
        parts.append(str(first) if first == last else f"{first}-{last}")
    return " · ".join(part for part in parts if part)


def countries(index: SearchIndex, entry: Entry) -> Mapping[str, str]:
    """Keys and names of its countries; none for a country itself."""
    labels = {key: index.countries.get(key, key) for key in entry.countries}
    return {k: v for k, v in labels.items() if entry.path != address("country", k)}


def nouns(types: tuple[str, ...]) -> str:
    """The most special classes in words.

    >>> nouns(("ClusterOrganisation", "Organisation", "SME"))
    'cluster organisation, SME'
    """
    above = {name for held in types for name in vocabulary.superclasses(held) if name != held}
    return ", ".join(vocabulary.label(name) for name in types if name not in above)

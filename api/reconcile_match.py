"""Candidates of a reconciliation query: found by the search index, scored from 0 to 100.

The score is the likeness of the name, less where a property disagrees. Only one candidate can be
a `match`, and only when nothing is left to doubt: its identifier was given, or its whole name with
its country (for a thing of no country, with its type).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from clusterloom.api.fold import fold
from clusterloom.api.likeness import likeness
from clusterloom.api.reconcile_properties import Property, agrees
from clusterloom.api.search_entries import CODES, Entry
from clusterloom.api.search_index import SearchIndex
from clusterloom.api.search_item import description
from clusterloom.namespaces import ID
from clusterloom.ontology import vocabulary

LOOKED_AT = 30
"""Things found by name that are scored for one query."""
_INEXACT = 99.0
_SHORT = 95.0
"""Acronyms are shared by many, so an exact one is not quite the name."""
_DISAGREES, _OTHER_ID, _NOT_KNOWN, _OTHER_TYPE = 0.5, 0.3, 0.9, 0.8
"""What a score is multiplied by where a property or the type speaks against the thing."""

_SHORT_NAMES = frozenset({"acronym", "short name", "code"})


@dataclass(frozen=True)
class Wanted:
    """A reconciliation query, read and checked; `types` are classes."""

    text: str
    types: tuple[str, ...]
    strict: Literal["any", "all", "should"]
    limit: int
    properties: tuple[tuple[Property, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Candidate:
    """One thing and how it was judged."""

    entry: Entry
    score: float
    certain: bool
    features: tuple[tuple[str, float | bool], ...]


def candidates(index: SearchIndex, wanted: Wanted) -> list[dict[str, Any]]:
    """The candidates in the form of the protocol, best first."""
    judged = [_judged(index, wanted, entry) for entry in _retrieved(index, wanted)]
    judged = [c for c in judged if c.score > 0]
    # equal scores stay in the order of the entries: the better known thing first
    judged.sort(key=lambda c: -c.score)
    only = sum(c.certain for c in judged) == 1
    return [_written(index, c, only) for c in judged[: wanted.limit]]


def _retrieved(index: SearchIndex, wanted: Wanted) -> list[Entry]:
    found: dict[str, Entry] = {}
    path = wanted.text.removeprefix(ID).strip()
    if path in index.by_path:
        found[path] = index.by_path[path]
    filtered = wanted.types if wanted.strict != "should" else ()
    texts = [wanted.text] if wanted.text else []
    texts += [value for p, values in wanted.properties if p.identifies for value in values]
    if not texts:
        texts = [v for p, values in wanted.properties if p.paths is None for v in values]
    countries = _countries(index, wanted)
    for text in texts:
        hits = [*index.search(text, types=filtered, limit=LOOKED_AT).hits]
        if countries:
            within = index.search(text, types=filtered, countries=countries, limit=LOOKED_AT)
            hits += within.hits
        if not hits:
            hits = index.similar(text, types=filtered, limit=LOOKED_AT)
        for hit in hits:
            found.setdefault(hit.entry.path, hit.entry)
    if wanted.strict != "should" and wanted.types:
        fits = all if wanted.strict == "all" else any
        return [e for e in found.values() if fits(t in e.types for t in wanted.types)]
    return list(found.values())


def _countries(index: SearchIndex, wanted: Wanted) -> list[str]:
    """Keys of the countries that the query names."""
    words = {
        fold(v) for p, values in wanted.properties if p.id == "countries" for v in values
    }  # fmt: skip
    if not words:
        return []
    return [
        key
        for key in index.countries
        if (entry := index.by_path.get(f"country/{key}"))
        and not words.isdisjoint(
            {fold(entry.path), fold(entry.iri), *(fold(n.text) for n in entry.names)}
        )
    ]


def _judged(index: SearchIndex, wanted: Wanted, entry: Entry) -> Candidate:
    asked = fold(wanted.text)
    exact = {name.called for name in entry.names if asked and fold(name.text) == asked}
    named = bool(exact - _SHORT_NAMES - CODES)
    identified = wanted.text.removeprefix(ID).strip() == entry.path or bool(exact & CODES)
    name = likeness(wanted.text, entry) if asked else 0.0
    score = 100.0 if named or identified else min(name, _SHORT if exact else _INEXACT)
    features: list[tuple[str, float | bool]] = [
        ("name_likeness", round(name, 1)),
        ("exact_name", named),
    ]
    contradicted, country = False, False
    for prop, values in wanted.properties:
        says = agrees(index, entry, prop, values)
        if says is not None:
            features.append((f"{prop.id}_agrees", says))
        if says and prop.identifies:
            identified, score = True, 100.0
        elif says and not asked:
            score = max(score, 80.0)
        country = country or (prop.id == "countries" and says is True)
        contradicted = contradicted or says is False
        if says is False:
            score *= _OTHER_ID if prop.identifies else _DISAGREES
        elif says is None:
            score *= _NOT_KNOWN
    typed = any(name in entry.types for name in wanted.types)
    if wanted.types:
        features.append(("type_agrees", typed))
        score *= 1.0 if typed else _OTHER_TYPE
    features.append(("links", float(entry.links)))
    whole = named and (country or (not entry.countries and typed))
    certain = (identified or whole) and not contradicted and (typed or not wanted.types)
    return Candidate(entry, round(score, 1), certain, _unique(features))


def _unique(features: Sequence[tuple[str, float | bool]]) -> tuple[tuple[str, float | bool], ...]:
    """The protocol wants each feature once: a property may be given twice."""
    return tuple(dict(features).items())


def _written(index: SearchIndex, candidate: Candidate, only: bool) -> dict[str, Any]:
    entry = candidate.entry
    return {
        "id": entry.path,
        "name": entry.label,
        "description": description(index, entry),
        "type": types_of(entry),
        "score": candidate.score,
        "match": candidate.certain and only,
        "features": [{"id": id, "value": value} for id, value in candidate.features],
    }


def types_of(entry: Entry) -> list[dict[str, str]]:
    """Its classes as the protocol writes types, its kind first."""
    names = [entry.kind, *(name for name in entry.types if name != entry.kind)]
    return [{"id": name, "name": vocabulary.label(name)} for name in names]

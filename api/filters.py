"""Filters of lists: values checked against the release, then written as SPARQL."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from clusterloom import terms
from clusterloom.api.aliases import current
from clusterloom.api.gate import open_select
from clusterloom.api.resources import Filter, Resource
from clusterloom.api.rows import key_of, local, values
from clusterloom.api.serving import Served
from clusterloom.errors import UsageError
from clusterloom.namespaces import PREFIXES, term
from clusterloom.nearest import hint
from clusterloom.ontology import vocabulary
from clusterloom.queries.library import iri_of

_HEAD = "".join(f"PREFIX {p}: <{PREFIXES[p]}>\n" for p in ("cloom", "rdfs", "skos"))
_WORDS = 20
"""Words that one value of a text filter may have."""
_DOMAIN_LIMIT = 20_000
"""Values that are looked through for the nearest ones; in a longer list a wrong value gets none."""


async def conditions(served: Served, resource: Resource, given: Mapping[str, Sequence[str]]) -> str:
    """The SPARQL patterns of the filters that are given; UsageError for a value that is none."""
    parts = []
    for number, wanted in enumerate(resource.filters):
        if wanted.name in given:
            words = given[wanted.name]
            parts.append(await _condition(served, resource, wanted, words, f"f{number}"))
    return "\n".join(parts)


async def _condition(
    served: Served, resource: Resource, wanted: Filter, words: Sequence[str], name: str
) -> str:
    match wanted.type:
        case "text":
            return "\n".join(
                _contains(resource, wanted, w, f"{name}x{i}") for i, w in enumerate(words)
            )
        case "boolean":
            return _flag(resource, wanted, words)
        case "thing":
            written = await _things(served, wanted, words)
        case "class":
            written = [_class(wanted, word) for word in words]
        case "choice":
            written = await _choices(served, resource, wanted, words)
        case "date" | "year":
            written = [_moment(wanted, word) for word in words]
    return f"{{ {values(name, written)} {_bound(wanted.pattern, name)} }}"


def _bound(pattern: str, name: str) -> str:
    """The pattern with `?f` called `?<name>`, and its other variables such as no other filter's."""

    def renamed(variable: re.Match[str]) -> str:
        match variable[1]:
            case "item":
                return "?item"
            case "f":
                return f"?{name}"
            case other:
                return f"?{name}_{other}"

    return re.sub(r"\?(\w+)", renamed, pattern)


def _contains(resource: Resource, wanted: Filter, word: str, name: str) -> str:
    try:
        texts = [terms.text(part) for part in dict.fromkeys(word.lower().split())]
    except terms.BadTerm as error:
        raise UsageError(f"parameter {wanted.name!r}: {error}", parameter=wanted.name) from None
    if len(texts) > _WORDS:
        raise UsageError(f"parameter {wanted.name!r}: more than {_WORDS} words",
                         parameter=wanted.name)  # fmt: skip
    found = " && ".join(f"CONTAINS(LCASE(STR(?{name})), {text})" for text in texts)
    return (
        f"{{ ?item a cloom:{resource.of_class} . {_bound(wanted.pattern, name)} FILTER ({found}) }}"
    )


def _flag(resource: Resource, wanted: Filter, words: Sequence[str]) -> str:
    if len(words) > 1 or words[0] not in {"true", "false"}:
        raise UsageError(
            f"parameter {wanted.name!r}: true or false expected, not {', '.join(words)!r}",
            parameter=wanted.name,
        )
    if words[0] == "true":
        return f"{{ {wanted.pattern} }}"
    return f"{{ ?item a cloom:{resource.of_class} . MINUS {{ {wanted.pattern} }} }}"


def _class(wanted: Filter, word: str) -> str:
    below = {n for n in vocabulary.classes() if wanted.of_class in vocabulary.superclasses(n)}
    by_fold = {n.lower(): n for n in below}
    if word.lower() not in by_fold:
        labels = {n: vocabulary.label(n) for n in below}
        raise _unknown(wanted, word, hint(word, labels))
    return terms.iri(term(by_fold[word.lower()]))


def _moment(wanted: Filter, word: str) -> str:
    try:
        return terms.day(word) if wanted.type == "date" else terms.year(word)
    except terms.BadTerm as error:
        raise UsageError(f"parameter {wanted.name!r}: {error}", parameter=wanted.name) from None


async def _choices(
    served: Served, resource: Resource, wanted: Filter, words: Sequence[str]
) -> list[str]:
    valid = await choices(served, resource, wanted)
    for word in words:
        if word not in valid:
            short = f" (values: {', '.join(sorted(valid))})" if len(valid) <= 12 else ""
            raise _unknown(wanted, word, hint(word, list(valid)) + short)
    return [valid[word] for word in words]


async def choices(served: Served, resource: Resource, wanted: Filter) -> dict[str, str]:
    """The values of a `choice` filter in this release: as text -> as serialised term."""

    async def read(served: Served) -> dict[str, str]:
        rows = await open_select(
            served,
            f"{_HEAD}SELECT DISTINCT ?f WHERE {{ ?item a cloom:{resource.of_class} . "
            f"{wanted.pattern} }} LIMIT {_DOMAIN_LIMIT}",
        )
        return {row["f"].value: row["f"].written() for row in rows}

    return await served.once(("choices", resource.name, wanted.name), read)


async def _things(served: Served, wanted: Filter, words: Sequence[str]) -> list[str]:
    meant: dict[str, list[str]] = {}
    for word in words:
        meant[word] = _candidates(wanted, word)
    every = [iri for iris in meant.values() for iri in iris]
    of_class = f"?v a cloom:{wanted.of_class}" if wanted.of_class else "?v rdfs:label ?label"
    rows = await open_select(
        served,
        f"{_HEAD}SELECT DISTINCT ?v WHERE {{ {values('v', map(terms.iri, every))} {of_class} }}",
    )
    known = {row["v"].value for row in rows}
    written = []
    for word, iris in meant.items():
        found = next((iri for iri in iris if iri in known), None)
        if found is None:
            raise _unknown(wanted, word, hint(word, await domain(served, wanted)))
        written.append(terms.iri(found))
    return written


def _candidates(wanted: Filter, word: str) -> list[str]:
    """The IRIs a value may mean, the likeliest first: a bare key may be of any type allowed."""
    kinds = wanted.kinds if "/" not in word else ("",)
    try:
        found = [current(iri_of(word, (kind,) if kind else wanted.kinds)) for kind in kinds]
        for iri in found:
            terms.iri(iri)
    except terms.BadTerm as error:
        raise UsageError(f"parameter {wanted.name!r}: {error}", parameter=wanted.name) from None
    return found


async def domain(served: Served, wanted: Filter) -> dict[str, str]:
    """Keys and labels of the things a `thing` filter takes; nothing where they are too many."""

    async def read(served: Served) -> dict[str, str]:
        if not wanted.of_class:
            return {}
        rows = await open_select(
            served,
            f"{_HEAD}SELECT DISTINCT ?v ?label WHERE {{ ?v a cloom:{wanted.of_class} ; "
            f"rdfs:label ?label }} LIMIT {_DOMAIN_LIMIT + 1}",
        )
        if len(rows) > _DOMAIN_LIMIT:
            return {}
        kinds = tuple(f"{kind}/" for kind in wanted.kinds)
        return {
            key_of(row["v"].value): row["label"].value
            for row in rows
            if local(row["v"].value).startswith(kinds)
        }

    return await served.once(("domain", wanted.of_class, wanted.kinds), read)


def _unknown(wanted: Filter, word: str, near: str) -> UsageError:
    return UsageError(
        f"parameter {wanted.name!r}: no {_named(wanted)} {word!r}{near}",
        parameter=wanted.name,
        value=word,
    )


def _named(wanted: Filter) -> str:
    return vocabulary.label(wanted.of_class) if wanted.of_class else wanted.name.replace("_", " ")

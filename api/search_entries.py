"""What the search knows of a release: every thing that has a name, read by SPARQL.

The queries are plain enough for any engine. What stands in graphs that may not be given away is
left out.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from clusterloom import terms
from clusterloom.api.fold import fold
from clusterloom.api.gate import closed_graphs
from clusterloom.api.rows import key_of, local
from clusterloom.api.search_kinds import KINDS, kind_of, searched_classes
from clusterloom.api.serving import Served
from clusterloom.namespaces import CLOOM, ID, PREFIXES, expand, term

NAMES = {
    "rdfs:label": "label",
    "skos:prefLabel": "label",
    "acronym": "acronym",
    "shortName": "short name",
    "skos:altLabel": "other name",
    "name": "name",
    "fullName": "full name",
    "title": "title",
    "nutsCode": "NUTS code",
    "naceCode": "NACE code",
    "isoCode": "country code",
    "eurostatCode": "country code",
    "skos:notation": "code",
    "pic": "PIC",
    "grantNumber": "grant number",
    "identifier": "identifier",
}
"""Properties whose values are names of a thing, and what such a name is called."""

CODES = frozenset({"NUTS code", "NACE code", "country code", "PIC", "grant number", "identifier"})
"""Names that identify; a `code` (skos:notation) may be the number of something in a list."""

_CONTEXT = {"city": "city", "regionText": "region", "topic": "topic"}
_YEARS = ("startYear", "endYear", "year")
_LINKS = (
    "inCountry", "locatedIn", "countryNamed", "participant", "participatingRegion", "leadRegion",
    "inChain", "inArea", "skos:inScheme", "declares", "underProgramme", "fundedBy",
    "inPartnership", "hasCapability", "requires", "sectorTag", "inField", "workedInField",
)  # fmt: skip
_ABOUT = ("inChain", "skos:inScheme", "inArea", "underProgramme", "fundedBy")
"""Links whose labels tell things of the same name apart."""
_ACTORS = ("participant", "participatingRegion", "leadRegion")
"""Links to those whose countries are countries of the thing."""

_ESCAPED = re.compile(r"\\(.)")
_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "b": "\b", "f": "\f"}


class Name(NamedTuple):
    """One name of a thing and what it is called: label, acronym, NUTS code ..."""

    text: str
    called: str


@dataclass(frozen=True)
class Entry:
    """A thing as the search shows it; `places` are names of where it is."""

    iri: str
    label: str
    kind: str
    types: tuple[str, ...]
    names: tuple[Name, ...]
    places: tuple[Name, ...]
    countries: tuple[str, ...]
    """Keys of countries, such as FR."""
    regions: tuple[str, ...]
    about: tuple[str, ...]
    years: tuple[int, ...]
    links: int
    """How many links of the graph touch it: a measure of how well known it is."""

    @property
    def id(self) -> str:
        """The last part of the IRI."""
        return key_of(self.iri)

    @property
    def path(self) -> str:
        """`<type>/<key>`."""
        return local(self.iri)

    def called(self, *wanted: str) -> list[str]:
        """The names that are called so."""
        return [name.text for name in self.names if name.called in wanted]


Pairs = list[tuple[str, str]]


async def read_entries(served: Served) -> list[Entry]:
    """Every thing that is searched, the ones to show first in front; the same for each run."""
    closed = await closed_graphs(served)
    read: dict[str, Pairs] = {}
    classes = [terms.iri(term(name)) for name in sorted(searched_classes())]
    labelled = [*map(term, KINDS), PREFIXES["skos"] + "ConceptScheme"]
    a, label = terms.iri(PREFIXES["rdf"] + "type"), terms.iri(PREFIXES["rdfs"] + "label")
    texts = {
        "a": _select([f"?s {a} ?o"], closed, f"VALUES ?o {{ {' '.join(classes)} }}"),
        # most labels are those of helpers
        "rdfs:label": _select(
            [f"?s {a} ?c", f"?s {label} ?o"],
            closed,
            f"VALUES ?c {{ {' '.join(map(terms.iri, labelled))} }}",
        ),
    }
    for name in (*NAMES, *_CONTEXT, *_YEARS, *_LINKS):
        texts.setdefault(name, _select([f"?s {terms.iri(expand(name))} ?o"], closed))
    for name, text in texts.items():
        columns = await served.session.columns(text)
        read[name] = await asyncio.to_thread(_pairs, columns)
    return await asyncio.to_thread(entries_of, read)


def _select(patterns: list[str], closed: frozenset[str], values: str = "") -> str:
    if not closed:
        return f"SELECT DISTINCT ?s ?o WHERE {{ {values} {' . '.join(patterns)} }}"
    graphs = ", ".join(map(terms.iri, sorted(closed)))
    where = " ".join(
        f"GRAPH ?g{n} {{ {pattern} }} FILTER (?g{n} NOT IN ({graphs}))"
        for n, pattern in enumerate(patterns)
    )
    return f"SELECT DISTINCT ?s ?o WHERE {{ {values} {where} }}"


def _pairs(columns: Mapping[str, list[str]]) -> Pairs:
    pairs = zip(columns["s"], columns["o"], strict=True)
    return sorted((_plain(s), _plain(o)) for s, o in pairs if s.startswith(f"<{ID}"))


def _plain(written: str) -> str:
    """The value of a term as SPARQL TSV writes it."""
    if written.startswith("<"):
        return written[1:-1]
    if not written.startswith('"'):
        return written
    text = written[1 : written.rindex('"')]
    return _ESCAPED.sub(lambda m: _ESCAPES.get(m[1], m[1]), text) if "\\" in text else text


def entries_of(read: Mapping[str, Pairs]) -> list[Entry]:
    """Entries from what was read: property -> (thing, value); `a` holds classes."""
    types: defaultdict[str, set[str]] = defaultdict(set)
    for iri, value in read["a"]:
        types[iri].add(value.removeprefix(CLOOM))
    names: defaultdict[str, dict[str, Name]] = defaultdict(dict)
    for prop, called in NAMES.items():
        for iri, text in read[prop]:
            if text.strip():
                names[iri].setdefault(fold(text) or text, Name(text, called))
    labels = {iri: found for iri, held in names.items() if (found := _label(held.values()))}
    links = {name: _by_subject(read[name]) for name in _LINKS}
    touched = Counter(end for name in _LINKS for pair in read[name] for end in pair)
    said = {name: _by_subject(read[name]) for name in (*_CONTEXT, *_YEARS)}
    declarers = {o: s for s, o in read["declares"]}

    entries = []
    for iri in types.keys() & labels.keys():
        countries = _countries(iri, types, links)
        regions = links["locatedIn"].get(iri, [])
        about = [labels[o] for name in _ABOUT for o in links[name].get(iri, []) if o in labels]
        if iri in declarers and declarers[iri] in labels:
            about.insert(0, labels[declarers[iri]])
        places = [Name(t, called) for p, called in _CONTEXT.items() for t in said[p].get(iri, [])]
        places += [Name(labels[r], "region") for r in regions if r in labels]
        places += [Name(labels[c], "country") for c in countries if c in labels and c != iri]
        years = {int(y) for name in _YEARS for y in said[name].get(iri, []) if y.isdecimal()}
        entries.append(
            Entry(
                iri=iri,
                label=labels[iri],
                kind=kind_of(types[iri]),
                types=tuple(sorted(types[iri])),
                names=tuple(names[iri].values()),
                places=tuple(dict.fromkeys(places)),
                countries=tuple(key_of(c) for c in countries),
                regions=tuple(regions),
                about=tuple(dict.fromkeys(about)),
                years=(min(years), max(years)) if years else (),
                links=touched[iri],
            )
        )
    return sorted(entries, key=lambda e: (KINDS[e.kind], -e.links, e.iri))


def _label(names: Iterable[Name]) -> str:
    return next((name.text for name in names if name.called == "label"), "")


def _by_subject(pairs: Pairs) -> dict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for subject, value in pairs:
        found[subject].append(value)
    return dict(found)


def _countries(
    iri: str, types: Mapping[str, set[str]], links: Mapping[str, dict[str, list[str]]]
) -> list[str]:
    """Where it is, what it is said to be of, where its actors are; a country has itself."""
    found = {*links["inCountry"].get(iri, []), *links["countryNamed"].get(iri, [])}
    for name in _ACTORS:
        for actor in links[name].get(iri, []):
            found.update(links["inCountry"].get(actor, []))
    if "Country" in types[iri]:
        found.add(iri)
    return sorted(found)

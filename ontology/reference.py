"""Everything a reader wants to know of each term, module by module: the ontology's own pages."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from typing import NamedTuple

import pyoxigraph as ox

from clusterloom.namespaces import CLOOM, ONTOLOGY, PREFIXES
from clusterloom.ontology.modules import MODULES, ontology_quads
from clusterloom.ontology.vocabulary import terms

_TERMS = """SELECT ?term ?module ?example ?domainReason ?rangeReason ?inverse WHERE {
  ?term rdfs:isDefinedBy ?module . FILTER STRSTARTS(STR(?term), "%s")
  OPTIONAL { ?term skos:example ?example }
  OPTIONAL { ?term cloom:noDomainReason ?domainReason }
  OPTIONAL { ?term cloom:noRangeReason ?rangeReason }
  OPTIONAL { ?term owl:inverseOf ?direct } OPTIONAL { ?indirect owl:inverseOf ?term }
  BIND (COALESCE(?direct, ?indirect) AS ?inverse) }"""
_ENDS = """SELECT ?term ?end ?class WHERE {
  VALUES ?end { rdfs:domain rdfs:range }
  { ?term ?end ?class FILTER isIRI(?class) }
  UNION { ?term ?end ?union . ?union owl:unionOf/rdf:rest*/rdf:first ?class } }"""
_CHARACTER = """SELECT ?term ?character WHERE {
  VALUES ?character { owl:FunctionalProperty owl:TransitiveProperty owl:SymmetricProperty
                      owl:AsymmetricProperty owl:IrreflexiveProperty owl:InverseFunctionalProperty }
  ?term a ?character }"""


class Entry(NamedTuple):
    """One term as the page shows it; domains and ranges are compact names, several mean or."""

    name: str
    kind: str
    label: str
    definition: str
    example: str
    above: tuple[str, ...]
    domains: tuple[str, ...]
    domain_reason: str
    ranges: tuple[str, ...]
    range_reason: str
    inverse: str
    characters: tuple[str, ...]


@cache
def reference() -> dict[str, tuple[Entry, ...]]:
    """Module name -> its terms, classes first, each group in alphabetical order."""
    store = ox.Store()
    store.extend(ontology_quads())
    ends: dict[tuple[str, str], set[str]] = defaultdict(set)
    for term, end, cls in _rows(store, _ENDS):
        ends[_compact(term), end.rpartition("#")[2]].add(_compact(cls))
    characters: dict[str, set[str]] = defaultdict(set)
    for term, character in _rows(store, _CHARACTER):
        found = character.rpartition("#")[2].removesuffix("Property")
        characters[_compact(term)].add(found.lower())
    modules: dict[str, dict[str, Entry]] = defaultdict(dict)
    for term, module, example, domain_reason, range_reason, inverse in _rows(store, _TERMS % CLOOM):
        name = _compact(term)
        if name not in terms():
            continue
        declared = terms()[name]
        modules[module.removeprefix(ONTOLOGY + "/")][name] = Entry(
            name,
            declared.kind,
            declared.label,
            declared.definition,
            example,
            tuple(sorted(declared.supers)),
            tuple(sorted(ends[name, "domain"])),
            domain_reason,
            tuple(sorted(ends[name, "range"])),
            range_reason,
            _compact(inverse) if inverse else "",
            tuple(sorted(characters[name])),
        )
    return {
        module: tuple(sorted(modules[module].values(), key=lambda e: (e.kind != "class", e.name)))
        for module in MODULES
    }


def _rows(store: ox.Store, query: str) -> list[tuple[str, ...]]:
    solutions = store.query(query, prefixes=PREFIXES)
    assert isinstance(solutions, ox.QuerySolutions)
    return [
        tuple("" if t is None or isinstance(t, ox.Triple) else t.value for t in row)
        for row in solutions
    ]


def _compact(iri: str) -> str:
    if iri.startswith(CLOOM):
        return iri.removeprefix(CLOOM)
    for prefix, namespace in PREFIXES.items():
        if iri.startswith(namespace):
            return f"{prefix}:{iri.removeprefix(namespace)}"
    return iri

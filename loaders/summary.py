"""What a release holds, counted: the figures of the report, the README and the home page."""

from __future__ import annotations

from typing import Any

import pyoxigraph as ox

from clusterloom import namespaces as ns
from clusterloom.ontology import vocabulary

_PREFIX = f"PREFIX cloom: <{ns.CLOOM}> PREFIX skos: <{ns.PREFIXES['skos']}> "
_CLASSES = _PREFIX + "SELECT ?class (COUNT(*) AS ?n) WHERE { ?thing a ?class } GROUP BY ?class"
_TWO = (
    "SELECT ?p WHERE { ?p a cloom:Partnership ; cloom:participant ?o } "
    "GROUP BY ?p HAVING (COUNT(DISTINCT ?o) > 1)"
)
_CLUSTER = "?c a cloom:ClusterOrganisation"
_FIGURES = {
    "partnerships with two or more participants": (
        "?p a cloom:Partnership ; cloom:participantsAtLeast ?n FILTER (?n > 1)"
    ),
    "of which two or more are named": f"{{ {_TWO} }}",
    "cluster organisations": _CLUSTER,
    "of which with a region": f"{_CLUSTER} FILTER EXISTS {{ ?c cloom:locatedIn ?r }}",
    "of which with a country": f"{_CLUSTER} FILTER EXISTS {{ ?c cloom:inCountry ?r }}",
    "of which with a partnership": f"{_CLUSTER} FILTER EXISTS {{ ?c cloom:inPartnership ?r }}",
    "of which with a label award": f"{_CLUSTER} FILTER EXISTS {{ ?c cloom:label ?r }}",
}
_CAPABILITIES = (
    _PREFIX
    + """SELECT ?n (COUNT(*) AS ?clusters) WHERE {
  SELECT ?c (COUNT(DISTINCT ?capability) AS ?n) WHERE {
    ?c a cloom:ClusterOrganisation . OPTIONAL { ?c cloom:hasCapability ?capability }
  } GROUP BY ?c } GROUP BY ?n"""
)


def summarise(store: ox.Store) -> dict[str, Any]:
    """Instances per class of ours, and the table of coverage of cluster organisations."""
    ours = vocabulary.classes()
    classes = {
        name: int(count.value)
        for cls, count in _rows(store, _CLASSES)
        if cls.value.startswith(ns.CLOOM) and (name := cls.value[len(ns.CLOOM) :]) in ours
    }
    coverage = {name: _count(store, pattern) for name, pattern in _FIGURES.items()}
    spread = {int(n.value): int(clusters.value) for n, clusters in _rows(store, _CAPABILITIES)}
    for label, counts in (
        ("of which with no capability", [spread.get(0, 0)]),
        ("of which with one capability", [spread.get(1, 0)]),
        ("of which with two or more capabilities", [v for k, v in spread.items() if k > 1]),
    ):
        coverage[label] = sum(counts)
    return {"classes": dict(sorted(classes.items())), "coverage": coverage}


def _count(store: ox.Store, pattern: str) -> int:
    query = f"{_PREFIX} SELECT (COUNT(*) AS ?n) WHERE {{ {pattern} }}"
    return int(next(iter(_rows(store, query)))[0].value)


def _rows(store: ox.Store, query: str) -> Any:
    return store.query(query)

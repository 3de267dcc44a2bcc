"""What a release holds, counted: the figures of the report, the README and the home page."""

from __future__ import annotations

from typing import Any

import pyoxigraph as ox

from clusterloom import namespaces as ns
from clusterloom.loaders.select import select
from clusterloom.ontology import vocabulary

_CLASSES = "SELECT ?class (COUNT(*) AS ?n) WHERE { ?thing a ?class } GROUP BY ?class"
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
    "of which covering a stage of a value chain": (
        f"{{ SELECT DISTINCT ?c WHERE {{ {_CLUSTER} ; cloom:covers ?stage }} }}"
    ),
    "of which with a partnership": f"{_CLUSTER} FILTER EXISTS {{ ?c cloom:inPartnership ?r }}",
    "of which with a label award": f"{_CLUSTER} FILTER EXISTS {{ ?c cloom:label ?r }}",
}
_CAPABILITIES = """SELECT ?n (COUNT(*) AS ?clusters) WHERE {
  SELECT ?c (COUNT(DISTINCT ?capability) AS ?n) WHERE {
    ?c a cloom:ClusterOrganisation . OPTIONAL { ?c cloom:hasCapability ?capability }
  } GROUP BY ?c } GROUP BY ?n"""


def summarise(store: ox.Store) -> dict[str, Any]:
    """Instances per class of ours, and the table of coverage of cluster organisations."""
    ours = vocabulary.classes()
    classes = {
        name: int(count)
        for cls, count in select(store, _CLASSES)
        if cls.startswith(ns.CLOOM) and (name := cls.removeprefix(ns.CLOOM)) in ours
    }
    coverage = {name: _count(store, pattern) for name, pattern in _FIGURES.items()}
    spread = {int(n): int(clusters) for n, clusters in select(store, _CAPABILITIES)}
    for label, counts in (
        ("of which with no capability", [spread.get(0, 0)]),
        ("of which with one capability", [spread.get(1, 0)]),
        ("of which with two or more capabilities", [v for k, v in spread.items() if k > 1]),
    ):
        coverage[label] = sum(counts)
    return {"classes": dict(sorted(classes.items())), "coverage": coverage}


def _count(store: ox.Store, pattern: str) -> int:
    ((count,),) = select(store, f"SELECT (COUNT(*) AS ?n) WHERE {{ {pattern} }}")
    return int(count)

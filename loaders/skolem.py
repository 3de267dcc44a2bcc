"""Stable IRIs for blank nodes: the same data gives the same IRIs, whatever the file is called.

Blank nodes that hang together are named by their canonical form (RDFC-1.0), so a change elsewhere
in the file leaves them alone. Structures so symmetric that the canonical form would take too long
are named by the content of the file and the order in which they stand in it.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator

import pyoxigraph as ox

from clusterloom import namespaces as ns

GENID = ns.BASE + ".well-known/genid/"
_Term = ox.NamedNode | ox.BlankNode | ox.Literal | ox.DefaultGraph | ox.Triple
_FEW, _MANY = 7, 100


def blank_nodes(quad: ox.Quad) -> list[ox.BlankNode]:
    """The blank nodes of a quad, that of its graph name included."""
    ends = (quad.subject, quad.object, quad.graph_name)
    return [end for end in ends if isinstance(end, ox.BlankNode)]


class Skolemiser:
    """Names blank nodes over one load; alike structures of several files stay apart."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def quads(self, quads: Iterable[ox.Quad], file_sha256: str) -> Iterator[ox.Quad]:
        """The quads of one file that have blank nodes, each blank node replaced by its IRI."""
        first: dict[str, int] = {}
        components = _components(quads, first)
        for component in components:
            if _is_tractable(component):
                yield from self._canonical(component)
            else:
                yield from _renamed(component, lambda b: f"{file_sha256} {first[b.value]}")

    def _canonical(self, component: list[ox.Quad]) -> Iterator[ox.Quad]:
        dataset = ox.Dataset(component)
        dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
        form = "\n".join(sorted(map(str, dataset)))
        ordinal = self._seen[form]
        self._seen[form] += 1
        digest = hashlib.sha256(form.encode()).hexdigest()
        yield from _renamed(dataset, lambda b: f"{digest} {ordinal} {b.value}")


def _renamed(quads: Iterable[ox.Quad], seed: Callable[[ox.BlankNode], str]) -> Iterator[ox.Quad]:
    def name(term: _Term) -> _Term:
        if not isinstance(term, ox.BlankNode):
            return term
        return ox.NamedNode(GENID + ns.short_hash(seed(term), 32))

    for quad in quads:
        yield ox.Quad(name(quad.subject), quad.predicate, name(quad.object), name(quad.graph_name))  # type: ignore[arg-type]


def _components(quads: Iterable[ox.Quad], first: dict[str, int]) -> list[list[ox.Quad]]:
    """Quads grouped by the blank nodes that hang together; `first` gets the order of nodes."""
    parent: dict[str, str] = {}

    def root(node: str) -> str:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    kept: list[tuple[str, ox.Quad]] = []
    for quad in quads:
        labels = [b.value for b in blank_nodes(quad)]
        for label in labels:
            parent.setdefault(label, label)
            first.setdefault(label, len(first))
        for label in labels[1:]:
            parent[root(label)] = root(labels[0])
        kept.append((labels[0], quad))
    groups: dict[str, list[ox.Quad]] = defaultdict(list)
    for label, quad in kept:
        groups[root(label)].append(quad)
    return list(groups.values())


def _is_tractable(component: list[ox.Quad]) -> bool:
    """Whether few blank nodes look alike, or those that do form no dense web.

    RDFC-1.0 is fast where the statements around a node tell it from the others and takes
    factorial time on dense symmetric webs; the bounds were set by timing cliques, cubes, chains.
    """
    around: dict[str, list[str]] = defaultdict(list)
    near: dict[str, set[str]] = defaultdict(set)
    for quad in component:
        labels = {b.value for b in blank_nodes(quad)}
        for label in labels:
            around[label].append(_seen_from(quad, label))
            near[label] |= labels - {label}
    looks = {label: "\n".join(sorted(lines)) for label, lines in around.items()}
    count = Counter(looks.values())
    alike = {label for label, look in looks.items() if count[look] > 1}
    if len(alike) <= _FEW:
        return True
    return len(alike) <= _MANY and all(len(near[label] & alike) <= 2 for label in alike)


def _seen_from(quad: ox.Quad, label: str) -> str:
    def word(term: _Term) -> str:
        if isinstance(term, ox.BlankNode):
            return "_:this" if term.value == label else "_:other"
        return str(term)

    return " ".join(map(word, (quad.subject, quad.predicate, quad.object, quad.graph_name)))

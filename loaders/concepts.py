"""What every concept scheme has in common: the scheme itself and its concepts in SKOS.

A row states its scheme too; the runner keeps each statement once.
"""

from __future__ import annotations

from typing import NamedTuple

from clusterloom import namespaces as ns
from clusterloom.loaders.node import Node


class Scheme(NamedTuple):
    """A concept scheme and the kind of its concepts."""

    key: str
    """Last part of its IRI, `id/scheme/<key>`."""
    title: str
    concept: str
    """The class of its concepts."""
    path: str
    """The kind in the IRI of a concept, `id/<path>/<key>`."""

    @property
    def iri(self) -> str:
        """IRI of the scheme."""
        return ns.thing("scheme", self.key)

    def concept_iri(self, key: str) -> str:
        """IRI of the concept with that key."""
        return ns.thing(self.path, key)


def concept(
    scheme: Scheme, key: str, label: str, notation: str, parent: str = "", kind: str = "asserted"
) -> Node:
    """The concept in its scheme, below the concept with the key `parent` or else on top."""
    node = Node(scheme.concept_iri(key), kind).a(scheme.concept)
    node.link("rdf:type", ns.expand("skos:Concept"))
    node.label(label).text("skos:prefLabel", label, "en").text("skos:notation", notation)
    node.link("skos:inScheme", scheme.iri)
    if parent:
        node.link("skos:broader", scheme.concept_iri(parent))
    else:
        node.link("skos:topConceptOf", scheme.iri)
    top = node.about(scheme.iri).link("rdf:type", ns.expand("skos:ConceptScheme"))
    top.label(scheme.title)
    return node

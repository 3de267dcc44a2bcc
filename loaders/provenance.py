"""The `meta` family: what each source, rule and graph is, and what a load of it gave.

Nothing here depends on clock, host, path or duration, so that equal inputs give an equal id.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import clusterloom
from clusterloom import namespaces as ns
from clusterloom import terms
from clusterloom.loaders.metadata import Metadata
from clusterloom.loaders.node import Node
from clusterloom.loaders.rules import Rule
from clusterloom.loaders.runner import Loaded
from clusterloom.terms import Statement

OUR_LICENCE = "https://creativecommons.org/licenses/by/4.0/"
NO_LICENCE = "http://spdx.org/rdf/terms#noassertion"
SUFFIX = "-closed"
"""What the name of a rule has behind it in the name of its closed graph."""
_SOFTWARE = ns.thing("software", f"clusterloom-{clusterloom.__version__}")


def software() -> Node:
    """This program in this version, the agent of every load and rule."""
    node = Node(_SOFTWARE).label(f"Clusterloom {clusterloom.__version__}", "")
    return node.link("rdf:type", ns.expand("prov:SoftwareAgent"))


def dataset_iri(name: str) -> str:
    """IRI of the dataset of a source or rule."""
    return ns.thing("dataset", name)


def describe_source(loaded: Loaded, metadata: Metadata) -> Node:
    """The dataset of a source, its graphs, its load and the file it was loaded from."""
    dataset = Node(dataset_iri(loaded.source)).a("Dataset").label(metadata.title)
    dataset.link("rdf:type", ns.expand("dcat:Dataset"))
    dataset.text("dcterms:description", metadata.description, "en")
    dataset.text("dcterms:publisher", metadata.publisher)
    dataset.link("dcterms:license", metadata.licence)
    dataset.text("attribution", metadata.attribution)
    dataset.boolean("redistribute", "yes" if metadata.redistribute else "no")
    dataset.boolean("referenceData", "yes" if metadata.reference else "no")
    dataset.add("retrieved", terms.day(metadata.retrieved.isoformat()))
    dataset.text("periodText", metadata.period)
    dataset.text("completeness", metadata.completeness)
    dataset.link("foaf:page", metadata.homepage)
    file = dataset.about(ns.thing("file", loaded.input_sha256[:16]))
    file.link("rdf:type", ns.expand("prov:Entity")).label(metadata.table, "")
    file.text("sha256", loaded.input_sha256)
    load = dataset.about(ns.thing("activity", f"load-{loaded.source}"))
    load.link("rdf:type", ns.expand("prov:Activity")).label(f"Load of {metadata.title}")
    load.link("prov:used", file.iri).link("prov:wasAssociatedWith", _SOFTWARE)
    load.integer("rowsRead", loaded.read).integer("rowsMapped", loaded.mapped)
    load.integer("rowsRejected", loaded.rejected)
    load.integer("rowsSkipped", sum(loaded.skipped.values()))
    load.integer("statements", loaded.statements)
    dataset.link("prov:wasGeneratedBy", load.iri)
    for kind in sorted(loaded.kinds):
        describe_graph(dataset, ns.graph(loaded.source, kind), kind, metadata.licence)
    for graph in sorted(loaded.graphs):
        describe_graph(dataset, graph, "asserted", metadata.licence)
    return dataset


def describe_graph(dataset: Node, iri: str, kind: str, licence: str) -> None:
    """One named graph: its kind, the dataset it belongs to and its licence."""
    graph = dataset.about(iri)
    name = iri.removeprefix(ns.GRAPH).removesuffix(f"/{kind}")
    graph.link("rdf:type", ns.expand("prov:Entity")).label(f"{name}, {kind} statements")
    graph.text("kind", kind).link("dcterms:source", dataset.iri)
    graph.link("dcterms:license", licence)


def describe_rule(rule: Rule, statements: int) -> Node:
    """The dataset of a rule: what it says, its version, how much it derived."""
    dataset = Node(dataset_iri(f"rule-{rule.name}")).a("Dataset")
    dataset.link("rdf:type", ns.expand("dcat:Dataset"))
    dataset.label(f"Rule {rule.name}").text("dcterms:description", rule.description, "en")
    dataset.text("ruleVersion", f"{rule.name} {rule.version}")
    dataset.text("dcterms:publisher", "Clusterloom").link("dcterms:license", OUR_LICENCE)
    dataset.boolean("redistribute", "yes").boolean("referenceData", "no")
    dataset.integer("statements", statements).link("prov:wasAttributedTo", _SOFTWARE)
    describe_graph(dataset, ns.graph(rule.name, "derived"), "derived", OUR_LICENCE)
    return dataset


def describe_closed(rule: Rule, statements: int) -> Node:
    """The dataset of what a rule derives only from sources that may not be redistributed."""
    name = rule.name + SUFFIX
    dataset = Node(dataset_iri(f"rule-{name}")).a("Dataset")
    dataset.link("rdf:type", ns.expand("dcat:Dataset"))
    dataset.label(f"Rule {rule.name}, over sources that are not redistributed")
    dataset.text("dcterms:description", rule.description, "en")
    dataset.text("ruleVersion", f"{rule.name} {rule.version}")
    dataset.text("dcterms:publisher", "Clusterloom").link("dcterms:license", NO_LICENCE)
    dataset.boolean("redistribute", "no").boolean("referenceData", "no")
    dataset.integer("statements", statements).link("prov:wasAttributedTo", _SOFTWARE)
    describe_graph(dataset, ns.graph(name, "derived"), "derived", NO_LICENCE)
    return dataset


def describe_ontology() -> Node:
    """The dataset of the ontology and shapes."""
    dataset = Node(dataset_iri("ontology")).a("Dataset").label("Clusterloom ontology and shapes")
    dataset.link("rdf:type", ns.expand("dcat:Dataset"))
    dataset.text("dcterms:publisher", "Clusterloom").link("dcterms:license", OUR_LICENCE)
    dataset.boolean("redistribute", "yes").boolean("referenceData", "yes")
    for family in ("ontology", "shapes"):
        describe_graph(dataset, ns.graph(family, "asserted"), "asserted", OUR_LICENCE)
    return dataset


def meta_lines(nodes: Iterable[Iterable[Statement]]) -> Iterator[bytes]:
    """N-Quads lines of the descriptions, all in `graph/meta`."""
    for node in nodes:
        for _, subject, predicate, value in node:
            yield f"{subject} {predicate} {value} <{ns.META_GRAPH}> .\n".encode()

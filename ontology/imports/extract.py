"""Cuts the few terms we use out of other people's vocabularies; writes one Turtle file each.

Run `python ontology/imports/extract.py [FOLDER]`; FOLDER holds the published files named in
`EXTRACTS` (default: `shared/ontologies` beside the repository). Nothing is fetched.

What an extract keeps of each chosen term: its OWL type, its English label and definition, and
sub-term, domain, range and inverse axioms whose other end is also chosen (or is a datatype)
and of a kind that OWL 2 DL allows there.
What it adds: `owl:Class` or the OWL property type given in `EXTRACTS` where the original says
only rdfs:Class or rdf:Property, since OWL 2 DL wants every term typed. What it leaves out:
disjointness (SKOS declares some of transitive properties, which OWL 2 DL forbids),
restrictions, notes, examples and other languages.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import NamedTuple

import pyoxigraph as ox

from clusterloom.namespaces import ONTOLOGY, PREFIXES

HERE = Path(__file__).resolve().parent
DEFAULT = HERE.parents[2] / "shared" / "ontologies"
NOT_STATED = "not stated in the file"
CC_BY = "CC BY 4.0"


class Extract(NamedTuple):
    """One vocabulary: where it comes from, under what terms, and which names we take."""

    file: str
    namespace: str
    version: str
    licence: str
    classes: str = ""
    objects: str = ""
    data: str = ""
    annotations: str = ""
    datatypes: str = ""


EXTRACTS: dict[str, Extract] = {
    "skos": Extract(
        "skos-1.0.6.nq",
        PREFIXES["skos"],
        "W3C Recommendation of 2009",
        NOT_STATED,
        classes="Collection Concept ConceptScheme",
        objects="broadMatch broader broaderTransitive closeMatch exactMatch hasTopConcept inScheme"
        " mappingRelation narrowMatch narrower narrowerTransitive related relatedMatch"
        " semanticRelation topConceptOf",
        data="notation",
        annotations="altLabel definition example hiddenLabel note prefLabel scopeNote",
    ),
    "dcterms": Extract(
        "dcterms-1.0.6.nq",
        PREFIXES["dcterms"],
        "modified 2012-06-14",
        NOT_STATED,
        annotations="created creator description format identifier issued language license modified"
        " publisher rights source subject title",
    ),
    "vann": Extract(
        "vann-1.0.6.nq",
        PREFIXES["vann"],
        "2005",
        "CC BY 1.0",
        annotations="preferredNamespacePrefix preferredNamespaceUri",
    ),
    "foaf": Extract(
        "foaf-1.0.6.nq",
        PREFIXES["foaf"],
        "0.1",
        NOT_STATED,
        classes="Agent Document Organization Project",
        objects="homepage page",
    ),
    "prov": Extract(
        "prov-1.0.6.nq",
        PREFIXES["prov"],
        "PROV-O of 2013-04-30",
        NOT_STATED,
        classes="Activity Agent Entity Organization Plan SoftwareAgent",
        objects="hadPrimarySource used wasAssociatedWith wasAttributedTo wasDerivedFrom"
        " wasGeneratedBy",
        data="endedAtTime generatedAtTime startedAtTime",
    ),
    "dcat": Extract(
        "dcat-1.0.5.nq",
        PREFIXES["dcat"],
        "DCAT 2.0",
        CC_BY,
        classes="Catalog Dataset Distribution Resource",
        objects="accessURL dataset distribution downloadURL landingPage mediaType theme",
        data="byteSize keyword",
    ),
    "qb": Extract(
        "qb-1.0.6.nq",
        PREFIXES["qb"],
        "0.2",
        "Open Data Commons PDDL 1.0",
        classes="AttributeProperty ComponentProperty ComponentSpecification DataSet"
        " DataStructureDefinition DimensionProperty MeasureProperty Observation",
        objects="attribute component dataSet dimension measure structure",
        data="order",
    ),
    "xkos": Extract(
        "xkos.ttl",
        PREFIXES["xkos"],
        "1.2 of 2019-05-01",
        CC_BY,
        classes="ClassificationLevel ConceptAssociation Correspondence",
        objects="belongsTo compares follows madeOf next precedes previous sequential sourceConcept"
        " succeeds targetConcept",
        data="depth numberOfLevels",
        annotations="additionalContentNote coreContentNote exclusionNote inclusionNote",
    ),
    "geosparql": Extract(
        "geo-1.0.6.nq",
        PREFIXES["geo"],
        "1.1",
        "OGC licence (https://www.ogc.org/license)",
        classes="Feature Geometry SpatialObject",
        objects="hasCentroid hasGeometry sfWithin",
        data="asWKT",
        datatypes="wktLiteral",
    ),
    "org": Extract(
        "org-1.0.6.nq",
        PREFIXES["org"],
        "0.8",
        "Open Data Commons PDDL 1.0",
        classes="FormalOrganization Membership Organization OrganizationalCollaboration",
        objects="linkedTo member memberOf organization",
        data="identifier",
    ),
    "regorg": Extract(
        "regorg_rov_1.00.rdf",
        "http://www.w3.org/ns/legal#",
        "1.00 of 2012-05-07",
        "ISA Open Metadata Licence v1.1",
        classes="LegalEntity",
        objects="companyActivity",
    ),
    "core-location": Extract(
        "core-location_2.1.0.ttl",
        "http://data.europa.eu/m8g/",
        "2.1.0",
        CC_BY,
        classes="AdminUnit",
        data="latitude longitude",
    ),
    "cpov": Extract(
        "cpov_2.1.2.ttl",
        "http://data.europa.eu/m8g/",
        "2.1.2",
        CC_BY,
        classes="PublicOrganisation",
    ),
    "eurio": Extract(
        "EURIO_2.4.ttl",
        "http://data.europa.eu/s66#",
        "2.4",
        CC_BY,
        classes="AdministrativeArea Country FundingScheme Grant Organisation OrganisationRole"
        " Project PublicBody ResearchOrganisation Role SME",
        objects="hasEuroSciVocClassification hasInvolvedParty isRoleOf",
        data="date endDate latitude legalName longitude roleLabel startDate title vatNumber",
    ),
}

_RDF, _RDFS, _OWL = PREFIXES["rdf"], PREFIXES["rdfs"], PREFIXES["owl"]
_TYPE = ox.NamedNode(_RDF + "type")
_TEXTS = {
    _RDFS + "label",
    _RDFS + "comment",
    PREFIXES["skos"] + "prefLabel",
    PREFIXES["skos"] + "definition",
}
_LINKS = {_RDFS + name for name in ("domain", "range", "subClassOf", "subPropertyOf")} | {
    _OWL + "inverseOf"
}
_CHARACTERISTICS = {_OWL + f"{name}Property" for name in ("Functional", "Symmetric", "Transitive")}
_KINDS = {
    "classes": _OWL + "Class",
    "objects": _OWL + "ObjectProperty",
    "data": _OWL + "DatatypeProperty",
    "annotations": _OWL + "AnnotationProperty",
    "datatypes": _RDFS + "Datatype",
}


def chosen(extract: Extract) -> dict[str, str]:
    """The IRI of each name taken, with the OWL type it has in the extract."""
    return {
        extract.namespace + name: owl_type
        for field, owl_type in _KINDS.items()
        for name in getattr(extract, field).split()
    }


def cut(extract: Extract, folder: Path) -> list[ox.Triple]:
    """The triples of the extract, in order; raises SystemExit for a name not in the file."""
    kinds = chosen(extract)
    everywhere = {iri: kind for one in EXTRACTS.values() for iri, kind in chosen(one).items()}
    kept: set[ox.Triple] = set()
    seen: set[str] = set()
    rdf_xml = ox.RdfFormat.RDF_XML if extract.file.endswith(".rdf") else None
    for quad in ox.parse(path=folder / extract.file, format=rdf_xml):
        if not isinstance(quad.subject, ox.NamedNode) or quad.subject.value not in kinds:
            continue
        seen.add(quad.subject.value)
        subject, predicate, value = quad.subject, quad.predicate.value, quad.object
        kind = kinds[subject.value]
        if isinstance(value, ox.Literal):
            english = value.language in (None, "en")
            if predicate in _TEXTS and english and value.value:
                text = ox.Literal(" ".join(value.value.split()), language="en")
                kept.add(ox.Triple(subject, quad.predicate, text))
        elif isinstance(value, ox.NamedNode):
            link = predicate in _LINKS and (value.value in everywhere or _is_datatype(value))
            if predicate == _RDFS + "subPropertyOf":
                link = everywhere.get(value.value) == kind
            elif kind == _KINDS["annotations"]:
                link = False
            characteristic = predicate == _TYPE.value and value.value in _CHARACTERISTICS
            home = extract.namespace.startswith(value.value.rstrip("#/"))
            if characteristic or link or (home and predicate == _RDFS + "isDefinedBy"):
                kept.add(ox.Triple(subject, quad.predicate, value))
    if missing := sorted(set(kinds) - seen):
        raise SystemExit(f"{extract.file} has no {', '.join(missing)}")
    for iri, owl_type in kinds.items():
        kept.add(ox.Triple(ox.NamedNode(iri), _TYPE, ox.NamedNode(owl_type)))
    return sorted(kept, key=str)


def _is_datatype(node: ox.NamedNode) -> bool:
    return node.value.startswith(PREFIXES["xsd"])


def write(name: str, folder: Path, target: Path) -> None:
    """Writes the extract as Turtle with a header that states its origin."""
    extract = EXTRACTS[name]
    used = {p: ns for p, ns in PREFIXES.items() if p in ("rdfs", "owl", "skos", "xsd", "rdf")}
    used[name.replace("-", "")] = extract.namespace
    triples = cut(extract, folder)
    iri = ox.NamedNode(f"{ONTOLOGY}/imports/{name}")
    about = [
        ox.Triple(iri, _TYPE, ox.NamedNode(_OWL + "Ontology")),
        ox.Triple(
            iri,
            ox.NamedNode(_RDFS + "comment"),
            ox.Literal(
                f"Extract of {extract.namespace}, version: {extract.version}", language="en"
            ),
        ),
    ]
    text = io.BytesIO()
    ox.serialize(about + triples, text, format=ox.RdfFormat.TURTLE, prefixes=used)
    header = (
        f"# Extract of <{extract.namespace}> with only the terms that Clusterloom uses.\n"
        f"# Origin: file {extract.file}; version: {extract.version}; licence: {extract.licence}.\n"
        "# Made by extract.py, which says what is kept, added and left out. Do not edit.\n\n"
    )
    (target / f"{name}.ttl").write_bytes(header.encode() + text.getvalue())


def main() -> None:
    """Writes all extracts beside this script."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT
    for name in EXTRACTS:
        write(name, folder, HERE)


if __name__ == "__main__":
    main()

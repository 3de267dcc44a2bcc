"""Curated mappings of concepts to capabilities: sector tags, thematic areas, fields of science.

Each row is a `cloom:CapabilityMapping` with its reason and source, and the direct link it means.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

from pydantic import Field

from clusterloom import namespaces as ns
from clusterloom.errors import DataRefused
from clusterloom.loaders.areas import AREA_SLUGS, area_iri
from clusterloom.loaders.concepts import Scheme, concept
from clusterloom.loaders.contract import Match, Record, Reject, Required, Row, Source, parts
from clusterloom.loaders.node import Node
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.researched import ResearchedRow
from clusterloom.loaders.tabular import csv_of, read_csv
from clusterloom.terms import Statement

TAGS = Scheme("sector-tags", "Sector tags of cluster organisations", "SectorTag", "sector")
CLUSTERS = "clusters.csv"


class TagRow(ResearchedRow):
    """A capability that a sector tag comprises."""

    tag: Required
    scheme: Required
    code: Required
    code_label: Required
    match: Match
    rationale: Required


class AreaRow(ResearchedRow):
    """A capability that a thematic area comprises."""

    area_no: Annotated[int, Field(ge=1)]
    area: Required
    scheme: Required
    code: Required
    code_label: Required
    match: Match
    in_statistics: Annotated[str, Field(pattern=r"^(yes|no: outside the statistics)$")]
    rationale: Required


class FieldRow(ResearchedRow):
    """A NACE division whose activity rests on a field of science."""

    euroscivoc_code: Required
    euroscivoc_path: Required
    nace_division: Annotated[str, Field(pattern=r"^\d\d$")]
    nace_label: Required
    match: Match
    rationale: Required


class UnmappedRow(Row):
    """A field of science that was looked at and has no NACE division."""

    euroscivoc_code: Required
    euroscivoc_path: Required
    reason: Required


def _mapping(
    row: TagRow | AreaRow | FieldRow, subject: Node, name: str, target: str, code: str
) -> Node:
    """The mapping from the subject to the target; `name` and `code` make its label."""
    key = "-".join(iri.removeprefix(ns.ID).replace("/", "-") for iri in (subject.iri, target))
    mapping = subject.about(ns.thing("mapping", key)).a("CapabilityMapping")
    mapping.label(f"{name}: {code}, {row.match}")
    mapping.link("mapsFrom", subject.iri).link("mapsTo", target)
    mapping.text("match", row.match).text("rationale", row.rationale)
    mapping.text("quoted", row.quoted).text("sourceDate", row.source_date)
    mapping.boolean("wasRead", "yes" if row.read == "yes" else "no")
    subject.cite(row.source)
    return mapping.cite(row.source)


def tag_records(path: Path) -> Iterator[Record]:
    """The rows of the table; DataRefused when it lacks a tag of the clusters beside it."""
    rows = list(read_csv(path, tuple(TagRow.model_fields)))
    known = {record.cells.get("tag", "").strip() for record in rows}
    with open(path.with_name(CLUSTERS), encoding="utf-8", newline="") as handle:
        used = {tag for row in csv.DictReader(handle) for tag in parts(row["sectors"])}
    if missing := sorted(used - known):
        raise DataRefused(
            f"{path.name}: no row for the sector tag {missing[0]!r} of {CLUSTERS}"
            f" ({len(missing)} missing); add a row that maps it to a capability"
        )
    yield from rows


def tag(row: TagRow, reference: Reference) -> Iterable[Statement]:
    """A `cloom:SectorTag` that comprises the capability."""
    target = reference.capability(row.scheme, row.code)
    node = concept(TAGS, ns.slug(row.tag), row.tag, "", kind="curated")
    _mapping(row, node, row.tag, target, row.code_label)
    return node.link("comprises", target)


def area(row: AreaRow, reference: Reference) -> Iterable[Statement]:
    """A thematic area that comprises the capability, and whether statistics speak of it."""
    if row.area_no not in AREA_SLUGS:
        raise Reject("area_no", f"no area has the number {row.area_no}")
    target = reference.capability(row.scheme, row.code)
    node = Node(area_iri(row.area_no), "curated")
    mapping = _mapping(row, node, row.area, target, row.code_label)
    mapping.boolean("inStatistics", "yes" if row.in_statistics == "yes" else "no")
    return node.link("comprises", target)


def field(row: FieldRow, reference: Reference) -> Iterable[Statement]:
    """A field of science and the NACE division to which it corresponds."""
    source = reference.capability("euroscivoc", row.euroscivoc_code)
    target = reference.capability("nace-r2", row.nace_division)
    node = Node(source, "curated")
    name = row.euroscivoc_path.rpartition("/")[2]
    _mapping(row, node, name, target, row.nace_label)
    return node.link("correspondsTo", target)


def unmapped(row: UnmappedRow, reference: Reference) -> Iterable[Statement]:
    """Coverage that says: this field corresponds to no NACE division, for the reason given."""
    node = Node(reference.capability("euroscivoc", row.euroscivoc_code), "curated")
    key = f"{row.euroscivoc_code.strip('/').replace('/', '-')}-nace"
    coverage = node.about(ns.thing("coverage", f"euroscivoc-{key}")).a("Coverage")
    name = row.euroscivoc_path.rpartition("/")[2]
    coverage.label(f"NACE divisions of {name}: none")
    coverage.link("ofSubject", node.iri).link("ofProperty", ns.term("correspondsTo"))
    coverage.integer("total", 0).boolean("complete", "yes").text("note", row.reason)
    coverage.cite("Clusterloom, reading of the EuroSciVoc fields of the projects, November 2026")
    return node


SOURCES = (
    Source("sector-tags", TagRow, tag_records, tag),
    Source("area-capabilities", AreaRow, csv_of(AreaRow), area),
    Source("euroscivoc-nace", FieldRow, csv_of(FieldRow), field),
    Source("euroscivoc-unmapped", UnmappedRow, csv_of(UnmappedRow), unmapped),
)

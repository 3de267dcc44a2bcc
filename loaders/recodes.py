"""Changes of region codes between vintages of NUTS (`nuts_recode.csv`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from clusterloom import namespaces as ns
from clusterloom.loaders.contract import Number, Required, Row, Source, country_iri, region_iri
from clusterloom.loaders.node import Node
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.tabular import csv_of
from clusterloom.loaders.vintages import regions
from clusterloom.terms import Statement

Vintage = Annotated[str, Field(pattern=r"^20(13|21|24)$")]


class RecodeRow(Row):
    """One pair of codes, with the share of the older region's population that passes over."""

    level: int = Field(ge=1, le=3)
    from_vintage: Vintage
    from_code: Required
    to_vintage: Vintage
    to_code: Required
    change: str = Field(pattern=r"^(recoded|split|merged)$")
    population_share: Number


def statements(row: RecodeRow, reference: Reference) -> Iterable[Statement]:
    """A `cloom:Recode`; the direct link `cloom:recodedTo` only where one region is one other."""
    key = f"{row.from_code}-{row.from_vintage}-{row.to_code}-{row.to_vintage}"
    recode = Node(ns.thing("recode", key)).a("Recode")
    recode.label(
        f"{row.from_code} (NUTS {row.from_vintage}) to {row.to_code} (NUTS {row.to_vintage})"
    )
    older, newer = region_iri(row.from_code), region_iri(row.to_code)
    recode.link("fromRegion", older).link("toRegion", newer)
    recode.text("fromVintage", row.from_vintage).text("toVintage", row.to_vintage)
    recode.text("change", row.change)
    recode.decimal("populationShare", row.population_share)
    if row.change == "recoded":
        recode.about(older).link("recodedTo", newer)
    for code, vintage in ((row.from_code, row.from_vintage), (row.to_code, row.to_vintage)):
        _region(recode.about(region_iri(code)), code, vintage, row.level, reference)
    return recode


def _region(node: Node, code: str, vintage: str, level: int, reference: Reference) -> None:
    """The vintage of the code; everything else only where no list holds the code."""
    node.text("vintage", vintage)
    if code in regions():
        return
    country = country_iri(code[:2])
    node.a("Region").label(f"{code} (NUTS {vintage})", "")
    node.text("nutsCode", code).integer("level", level).link("inCountry", country)
    if level == 1:
        node.link("partOf", country)
    elif code[:-1] in reference.nuts:
        node.link("partOf", region_iri(code[:-1]))


SOURCE = Source("nuts-recode", RecodeRow, csv_of(RecodeRow), statements)

"""Persons employed by region and NACE Rev. 2 division in 2015 (`employment_2015.csv`)."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field

from clusterloom import namespaces as ns
from clusterloom.loaders.contract import Digits, Reject, Required, Row, Skip, Source, region_iri
from clusterloom.loaders.node import Node
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.tabular import csv_of
from clusterloom.terms import Statement

YEAR = 2015
CITATION = "Eurostat, table sbs_r_nuts06_r2, persons employed, 2015, via a public copy"
OLDER = "region code of a list before NUTS 2013"


class EmploymentRow(Row):
    """One cell of the table."""

    nuts_2013: Required
    nuts_2021: str
    nace_rev2_division: Annotated[str, Field(pattern=r"^\d\d$")]
    persons_employed: Digits
    status: Annotated[str, Field(pattern=r"^(known|unknown)$")]


@cache
def recoded(folder: Path) -> frozenset[tuple[str, str]]:
    """Pairs of codes of 2013 and 2021 that are one region, by `nuts_recode.csv` of the folder.

    The employment table holds two pairs more, one of which (NO05, NO0A) joins unlike regions.
    """
    with open(folder / "nuts_recode.csv", encoding="utf-8", newline="") as handle:
        return frozenset(
            (row["from_code"], row["to_code"])
            for row in csv.DictReader(handle)
            if row["change"] == "recoded" and row["to_vintage"] == "2021"
        )


def statements(row: EmploymentRow, reference: Reference) -> Iterable[Statement]:
    """A `cloom:Specialisation` with the employment, absent where it is unknown.

    The region of 2021 is stated too, as derived, where the change from that of 2013 is one to
    one. Rows of regions that had gone before 2013 hold no figure and are left out.
    """
    if row.nuts_2013 not in reference.nuts and row.status == "unknown":
        raise Skip(OLDER)
    if (row.status == "known") != bool(row.persons_employed):
        raise Reject("persons_employed", f"{row.persons_employed!r} with status {row.status}")
    if row.nace_rev2_division not in reference.nace2:
        raise Reject("nace_rev2_division", f"{row.nace_rev2_division!r} is no NACE Rev. 2 division")
    region = reference.region(row.nuts_2013, "nuts_2013")
    key = f"{row.nuts_2013}-{row.nace_rev2_division}-{YEAR}"
    cell = Node(ns.thing("specialisation", key)).a("Specialisation")
    cell.label(f"{row.nuts_2013}, division {row.nace_rev2_division}, {YEAR}")
    cell.link("ofRegion", region)
    cell.link("ofCapability", ns.thing("nace2", row.nace_rev2_division))
    cell.integer("year", YEAR).integer("employment", row.persons_employed)
    cell.text("employmentStatus", row.status).cite(CITATION)
    if (row.nuts_2013, row.nuts_2021) in recoded(reference.folder):
        cell.other("derived").link("ofRegion", region_iri(row.nuts_2021)).cite(CITATION)
    return cell


SOURCE = Source("employment", EmploymentRow, csv_of(EmploymentRow), statements)

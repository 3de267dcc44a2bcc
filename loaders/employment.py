"""Persons employed by region and NACE Rev. 2 division in 2015 (`employment_2015.csv`)."""

from __future__ import annotations

from collections.abc import Iterable
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


def statements(row: EmploymentRow, reference: Reference) -> Iterable[Statement]:
    """A `cloom:Specialisation` with the employment, absent where it is unknown.

    The region of 2021 is stated too, as derived, where it is one to one that of 2013. Rows of
    regions that had gone before 2013 hold no figure and are left out.
    """
    if row.nuts_2013 not in reference.nuts and row.status == "unknown":
        raise Skip(OLDER)
    if (row.status == "known") != bool(row.persons_employed):
        raise Reject("persons_employed", f"{row.persons_employed!r} with status {row.status}")
    region = reference.region(row.nuts_2013, "nuts_2013")
    key = f"{row.nuts_2013}-{row.nace_rev2_division}-{YEAR}"
    cell = Node(ns.thing("specialisation", key)).a("Specialisation")
    cell.label(f"{row.nuts_2013}, division {row.nace_rev2_division}, {YEAR}")
    cell.link("ofRegion", region)
    cell.link("ofCapability", reference.capability("nace-r2", row.nace_rev2_division))
    cell.integer("year", YEAR).integer("employment", row.persons_employed)
    cell.text("employmentStatus", row.status).cite(CITATION)
    if row.nuts_2021 not in {"", row.nuts_2013}:
        reference.region(row.nuts_2021, "nuts_2021")
        cell.other("derived").link("ofRegion", region_iri(row.nuts_2021)).cite(CITATION)
    return cell


SOURCE = Source("employment", EmploymentRow, csv_of(EmploymentRow), statements)

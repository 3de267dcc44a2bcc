"""Cluster organisations and SMEs in Horizon Europe projects (`horizon_participations.csv`).

VAT numbers and points of SMEs are not loaded at all: a small firm may be a person's home.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field

from clusterloom import namespaces as ns
from clusterloom.loaders.contract import Country, Number, Required, Row, Source, Web
from clusterloom.loaders.horizon_projects import CITATION, partnerships, project_iri
from clusterloom.loaders.joint import cite_all, take_part
from clusterloom.loaders.node import Node
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.tabular import csv_of
from clusterloom.terms import Statement

_COUNTRY_LENGTH = 2
_DIGITS = 5


class ParticipationRow(Row):
    """One organisation in one role in one project."""

    grant_number: Annotated[str, Field(pattern=r"^\d+$")]
    pic: Annotated[str, Field(pattern=r"^\d{9}$")]
    name: Required
    short_name: str
    kind: Literal["cluster", "sme"]
    vat_number: str
    city: str
    country: Country
    nuts_code: str
    geolocation: Annotated[str, Field(pattern=r"^(-?\d+(\.\d+)?,-?\d+(\.\d+)?)?$")]
    website: Web
    role: Required
    ec_contribution_eur: Number


def statements(row: ParticipationRow, reference: Reference) -> Iterable[Statement]:
    """The organisation, its `Participation` and the direct links.

    SME is CORDIS's own flag; a cluster organisation is recognised by its name (kind `derived`).
    """
    who = reference.organisation(row.name, row.country, row.pic)
    node = Node(who).text("name", row.name).text("pic", row.pic)
    node.text("shortName", row.short_name if row.short_name != row.name else "")
    node.text("city", row.city).link("website", row.website)
    node.link("inCountry", reference.country(row.country))
    if len(row.nuts_code) > _COUNTRY_LENGTH:
        node.link("locatedIn", reference.region(row.nuts_code))
    if row.kind == "sme":
        node.a("SME")
    else:
        _cluster(node.a("Organisation"), row)
    project = project_iri(row.grant_number)
    take_part(
        node,
        f"{row.grant_number}-pic-{row.pic}-{ns.slug(row.role)}",
        f"{row.name} in {row.grant_number}, {row.role}",
        who,
        row.role,
        project=project,
        partnership=project if row.grant_number in partnerships(reference) else "",
    ).decimal("contributionEur", row.ec_contribution_eur)
    return cite_all(node, CITATION)


def _cluster(node: Node, row: ParticipationRow) -> None:
    node.other("derived").a("ClusterOrganisation")
    node.text("vatNumber", row.vat_number)
    if row.geolocation:
        latitude, longitude = (round(float(part), _DIGITS) for part in row.geolocation.split(","))
        node.decimal("latitude", str(latitude)).decimal("longitude", str(longitude))
        node.text("coordinateBasis", "address")


SOURCE = Source("horizon-participations", ParticipationRow, csv_of(ParticipationRow), statements)

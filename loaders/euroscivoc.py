"""EuroSciVoc fields of science, as they stand on Horizon projects (`horizon_project_fields.csv`).

Only the fields in use there are known, each with all the fields above it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from clusterloom.loaders.concepts import Scheme, concept
from clusterloom.loaders.contract import Reject, Row, Source
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.tabular import csv_of
from clusterloom.terms import Statement

EUROSCIVOC = Scheme("euroscivoc", "EuroSciVoc fields of science", "ScienceField", "euroscivoc")


class FieldRow(Row):
    """One field of one project: the path of codes and the path of English names."""

    grant_number: Annotated[str, Field(pattern=r"^\d+$")]
    euroscivoc_code: Annotated[str, Field(pattern=r"^(/\d+)+$")]
    euroscivoc_path: Annotated[str, Field(pattern=r"^(/[^/]+)+$")]


def statements(row: FieldRow, _reference: Reference) -> Iterable[Statement]:
    """The field and every field above it as `cloom:ScienceField`; the project is not our topic."""
    codes = row.euroscivoc_code.strip("/").split("/")
    labels = row.euroscivoc_path.strip("/").split("/")
    if len(codes) != len(labels):
        raise Reject("euroscivoc_path", f"{len(labels)} names for {len(codes)} codes")
    for depth, label in enumerate(labels, 1):
        key = "-".join(codes[:depth])
        path = "/" + "/".join(codes[:depth])
        field = concept(EUROSCIVOC, key, label, path, "-".join(codes[: depth - 1]))
        yield from field.text("euroscivocCode", path).integer("level", depth)


SOURCE = Source("euroscivoc", FieldRow, csv_of(FieldRow), statements)

"""EuroSciVoc fields of Horizon Europe projects (`horizon_project_fields.csv`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from clusterloom.loaders.contract import Reject, Required, Row, Source
from clusterloom.loaders.horizon_projects import CITATION, project_iri
from clusterloom.loaders.node import Node
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.tabular import csv_of
from clusterloom.terms import Statement


class FieldRow(Row):
    """One field of one project, as a path of codes and the same path of names."""

    grant_number: Annotated[str, Field(pattern=r"^\d+$")]
    euroscivoc_code: Annotated[str, Field(pattern=r"^(/\d+)+$")]
    euroscivoc_path: Required


def statements(row: FieldRow, reference: Reference) -> Iterable[Statement]:
    """`inField` from the project to the field; the fields themselves are another source's."""
    if row.euroscivoc_code.count("/") != row.euroscivoc_path.count("/"):
        raise Reject("euroscivoc_path", "the path of names is not as long as the path of codes")
    field = reference.capability("euroscivoc", row.euroscivoc_code)
    return Node(project_iri(row.grant_number)).link("inField", field).cite(CITATION)


SOURCE = Source("horizon-project-fields", FieldRow, csv_of(FieldRow), statements)

"""NACE Rev. 2 (`nace_rev2.csv`) and NACE Rev. 2.1 (the table in the package `naceconverter`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

from pydantic import Field

from clusterloom.loaders.concepts import Scheme, concept
from clusterloom.loaders.contract import Record, Required, Row, Skip, Source
from clusterloom.loaders.node import Node
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.tabular import csv_of, read_csv
from clusterloom.terms import Statement

REV2 = Scheme("nace-r2", "NACE Rev. 2", "NaceActivity", "nace2")
REV21 = Scheme("nace-r2.1", "NACE Rev. 2.1", "NaceActivity", "nace21")
LAW = "Regulation (EC) No 1893/2006, Annex I, https://eur-lex.europa.eu/eli/reg/2006/1893/oj"
NATIONAL = "level 5 is national, not NACE"
_FILE = "nacecodes.csv"

Code = Annotated[str, Field(pattern=r"^([A-V]|\d\d(\.\d{1,2})?)$")]


class Rev2Row(Row):
    """One section, division, group or class."""

    code: Code
    parent: str
    level: int = Field(ge=1, le=4)
    title_en: Required


class Rev21Row(Row):
    """One line of the package's table; its rows end before the last, unused columns."""

    code: str = Field(pattern=r"^([A-V]|\d\d(\.\d{1,3})?)$")
    parentCode: str
    level: int = Field(ge=1, le=5)
    name: Required
    shortName: str = ""
    notes: str = ""
    validFrom: str = ""
    validTo: str = ""


def _activity(scheme: Scheme, code: str, parent: str, level: int, title: str) -> Node:
    node = concept(scheme, code, title, code, parent)
    return node.text("naceCode", code).integer("level", level)


def rev2_statements(row: Rev2Row, _reference: Reference) -> Iterable[Statement]:
    """A `cloom:NaceActivity` of NACE Rev. 2."""
    return _activity(REV2, row.code, row.parent, row.level, row.title_en).cite(LAW)


def rev21_records(path: Path) -> Iterator[Record]:
    """The lines of the table in the folder of the package, or of such a table."""
    table = path / _FILE if path.is_dir() else path
    return read_csv(table, tuple(Rev21Row.model_fields), ";")


def rev21_statements(row: Rev21Row, _reference: Reference) -> Iterable[Statement]:
    """A `cloom:NaceActivity` of NACE Rev. 2.1; national codes below the class are skipped."""
    if row.level > 4:
        raise Skip(NATIONAL)
    return _activity(REV21, row.code, row.parentCode, row.level, row.name)


NACE2 = Source("nace-r2", Rev2Row, csv_of(Rev2Row), rev2_statements)
NACE21 = Source("nace-r2.1", Rev21Row, rev21_records, rev21_statements)
SOURCES = (NACE2, NACE21)

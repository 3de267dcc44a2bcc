"""What a source is: a row model, a way to split its file, and the meaning of one row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from clusterloom import namespaces as ns
from clusterloom.terms import Statement, day, iri, year

if TYPE_CHECKING:
    from clusterloom.loaders.reference import Reference


class Record(NamedTuple):
    """One row as the file has it: where it stands and its cells by column name."""

    file: str
    line: int
    cells: dict[str, Any]


class Skip(Exception):
    """Raised by `statements`: the row is left out on purpose; the argument names the reason."""


class Reject(Exception):
    """Raised by `statements`: the row is wrong; it goes to the quarantine file."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field, self.reason = field, reason


class Row(BaseModel):
    """Base of the row models: unknown cells refused, white space trimmed, immutable."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, frozen=True)


RowT = TypeVar("RowT", bound=Row)


@dataclass(frozen=True)
class Source:
    """One source: its slug (also the name of its metadata file), tables and mapping.

    `records` splits a file into rows and gives no meaning to them; it raises DataRefused for a
    structural surprise. `statements` gives the meaning of one row and does no I/O; it may raise
    Skip or Reject.
    """

    name: str
    model: type[Row]
    records: Callable[[Path], Iterator[Record]]
    statements: Callable[[Any, Reference], Iterable[Statement]]


def _checked(check: Callable[[str], str]) -> AfterValidator:
    def blank_or_good(value: str) -> str:
        if value:
            check(value)
        return value

    return AfterValidator(blank_or_good)


def _web(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise ValueError("not a web address (http:// or https:// expected)")
    return iri(value)


def _yes_no(value: str) -> str:
    if value not in {"yes", "no"}:
        raise ValueError("yes, no or blank expected")
    return value


def _partial_date(value: str) -> str:
    if len(value) == 4:
        return year(value)
    return day(value if len(value) > 7 else f"{value}-01")


def _number(value: str) -> str:
    float(value)
    return value


def _confidence(value: str) -> str:
    if value not in {"high", "medium", "low"}:
        raise ValueError("high, medium or low expected")
    return value


Required = Annotated[str, Field(min_length=1)]
Web = Annotated[str, _checked(_web)]
YesNo = Annotated[str, _checked(_yes_no)]
PartialDate = Annotated[str, _checked(_partial_date)]
"""`YYYY`, `YYYY-MM` or `YYYY-MM-DD`, or blank for unknown."""
Day = Annotated[str, _checked(day)]
Year = Annotated[str, _checked(year)]
Number = Annotated[str, _checked(_number)]
Confidence = Annotated[str, _checked(_confidence)]
Digits = Annotated[str, Field(pattern=r"^\d*$")]
Country = Annotated[str, Field(pattern=r"^([A-Z]{2})?$")]
Match = Annotated[str, Field(pattern=r"^(exact|broad|narrow)$")]
Read = Annotated[str, Field(pattern=r"^(yes|not read)$")]


def parts(cell: str) -> list[str]:
    """The entries of a cell with several, separated by semicolons; blanks dropped.

    >>> parts("a; b;")
    ['a', 'b']
    """
    return [p for p in (part.strip() for part in cell.split(";")) if p]


def country_iri(code: str) -> str:
    """IRI of a country by ISO or Eurostat code; blank stays blank."""
    return ns.thing("country", ns.iso_country(code)) if code else ""


def region_iri(code: str) -> str:
    """IRI of a NUTS region; blank stays blank."""
    return ns.thing("region", code) if code else ""

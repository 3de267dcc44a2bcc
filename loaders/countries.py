"""The countries of ISO 3166-1 from the package `pycountry`, and Kosovo."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import Field

from clusterloom import namespaces as ns
from clusterloom.errors import DataRefused
from clusterloom.loaders.contract import Record, Row, Source, country_iri
from clusterloom.loaders.node import Node
from clusterloom.loaders.reference import Reference
from clusterloom.terms import Statement

TABLE = "databases/iso3166-1.json"
KOSOVO = {
    "alpha_2": "XK",
    "name": "Kosovo",
    "note": "XK is user-assigned, not part of ISO 3166-1; the European Union uses it for Kosovo. "
    "This designation is without prejudice to positions on status.",
}
_EUROSTAT = {iso: code for code, iso in ns.EU_TO_ISO.items()}
_CELLS = ("alpha_2", "name", "common_name", "official_name")


class CountryRow(Row):
    """One country of the list."""

    alpha_2: str = Field(pattern=r"^[A-Z]{2}$")
    name: str = Field(min_length=1)
    common_name: str = ""
    official_name: str = ""
    note: str = ""


def records(folder: Path) -> Iterator[Record]:
    """The entries of ISO 3166-1 in the order of the file, then Kosovo."""
    try:
        entries = json.loads((folder / TABLE).read_text("utf-8"))["3166-1"]
    except (FileNotFoundError, KeyError):
        raise DataRefused(f"{TABLE}: no list of ISO 3166-1 in this release of pycountry") from None
    for line, entry in enumerate(entries, 1):
        yield Record(TABLE, line, {name: entry.get(name, "") for name in _CELLS})
    yield Record("countries.py", 0, dict(KOSOVO))


def statements(row: CountryRow, _reference: Reference) -> Iterable[Statement]:
    """A `cloom:Country` under its common English name, with the code Eurostat uses instead."""
    country = Node(country_iri(row.alpha_2)).a("Country")
    label = row.common_name or row.name
    country.label(label)
    for other in sorted({row.name, row.official_name} - {label, ""}):
        country.text("skos:altLabel", other, "en")
    country.text("isoCode", row.alpha_2)
    country.text("eurostatCode", _EUROSTAT.get(row.alpha_2, ""))
    return country.text("note", row.note)


SOURCE = Source("countries", CountryRow, records, statements)

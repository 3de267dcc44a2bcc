"""The classifications: complete, whole, and as the law words them."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from clusterloom.errors import DataRefused
from clusterloom.loaders import mappings, nace
from clusterloom.loaders.registry import data_folder
from clusterloom.loaders.vintages import package_folder

TYPESETTING = {"28.1"}
"""Titles in which the copies have a dash where the word has a hyphen."""


@pytest.fixture(scope="module")
def rev2() -> dict[str, dict[str, str]]:
    """Code -> row of our table."""
    with open(data_folder() / "nace_rev2.csv", encoding="utf-8", newline="") as handle:
        return {row["code"]: row for row in csv.DictReader(handle)}


def test_rev2_is_complete(rev2: dict[str, dict[str, str]]) -> None:
    assert Counter(r["level"] for r in rev2.values()) == {"1": 21, "2": 88, "3": 272, "4": 615}


def test_rev2_parents(rev2: dict[str, dict[str, str]]) -> None:
    for code, row in rev2.items():
        level = int(row["level"])
        if level == 1:
            assert row["parent"] == ""
            continue
        assert rev2[row["parent"]]["level"] == str(level - 1)
        if level > 2:
            assert row["parent"] == (code[:2] if level == 3 else code[:-1])


def test_rev2_titles_as_published(rev2: dict[str, dict[str, str]], shared: Path) -> None:
    sample = shared / "samples" / "nace" / "estat_Nace2_long.csv"
    with open(sample, encoding="utf-8-sig", newline="") as handle:
        published = {row["nace2"]: row for row in csv.DictReader(handle)}
    assert set(published) == set(rev2)
    for code, row in published.items():
        assert rev2[code]["parent"] == row["Parent"].replace("NA", "")
        if code not in TYPESETTING:
            assert rev2[code]["title_en"].lower() == row["Name"].lower()


def test_rev21_without_national_codes_is_complete() -> None:
    rows = [r.cells for r in nace.rev21_records(package_folder("naceconverter"))]
    levels = Counter(row["level"] for row in rows)
    assert {k: levels[k] for k in "1234"} == {"1": 22, "2": 87, "3": 287, "4": 651}
    codes = {row["code"]: row["level"] for row in rows}
    for row in rows:
        if row["level"] in "234":
            assert codes[row["parentCode"]] == str(int(row["level"]) - 1)


def test_a_tag_without_a_row_stops_the_build(tmp_path: Path) -> None:
    header = ",".join(mappings.TagRow.model_fields)
    (tmp_path / "sector_tags.csv").write_text(header + "\n", "utf-8")
    (tmp_path / "clusters.csv").write_text("name,sectors\nA,textiles; steel\n", "utf-8")
    with pytest.raises(DataRefused) as refused:
        list(mappings.tag_records(tmp_path / "sector_tags.csv"))
    assert str(refused.value) == (
        "sector_tags.csv: no row for the sector tag 'steel' of clusters.csv (2 missing); "
        "add a row that maps it to a capability"
    )

"""Keys that modules hold as tables agree with the tables they stand for."""

from __future__ import annotations

import csv
from collections import Counter

import pytest

from clusterloom import namespaces as ns
from clusterloom.loaders import registry
from clusterloom.loaders.areas import AREA_SLUGS
from clusterloom.loaders.funding import PROGRAMME_KEYS, call_key, rounds
from clusterloom.loaders.s3_areas import FULL_LISTS
from clusterloom.loaders.value_chains import STRATEGIC_SLUGS


def rows(table: str) -> list[dict[str, str]]:
    with open(registry.data_folder() / table, encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def test_areas() -> None:
    assert sorted(AREA_SLUGS) == [int(r["area_no"]) for r in rows("s3_thematic_areas.csv")]
    assert len(set(AREA_SLUGS.values())) == 21


def test_full_lists_hold_as_many_regions_as_the_sources_count() -> None:
    found = Counter(int(r["area_no"]) for r in rows("s3_area_regions.csv"))
    stated = {
        int(r["area_no"]): int(r["n_regions"])
        for r in rows("s3_thematic_areas.csv")
        if r["n_regions"]
    }
    assert {no for no, total in stated.items() if found[no] == total} == FULL_LISTS


def test_strategic_value_chains() -> None:
    table = rows("strategic_value_chains_ipcei.csv")
    assert {int(r["n"]): ns.slug(r["name"]) for r in table} == STRATEGIC_SLUGS


def test_programmes() -> None:
    assert {r["key"] for r in rows("programmes.csv")} == set(PROGRAMME_KEYS.values())


def test_call_profiles_and_projects_name_calls_of_the_table() -> None:
    known = {call_key(r["identifier"]) for r in rows("calls.csv")}
    assert len(known) == len(rows("calls.csv"))
    for row in rows("call_profiles.csv"):
        assert {call_key(i) for i in rounds(row["call_identifier"])} <= known
    assert {call_key(r["call"]) for r in rows("innosup_projects.csv") if r["call"]} <= known


@pytest.mark.parametrize(
    ("table", "column", "to", "key"),
    [
        ("value_chain_stages.csv", "chain", "value_chains.csv", "chain"),
        ("value_chain_stages.csv", "after", "value_chain_stages.csv", "stage"),
        ("stage_capabilities.csv", "stage", "value_chain_stages.csv", "stage"),
        ("platform_tools.csv", "platform", "platform_tools.csv", "platform"),
        ("expert_group.csv", "group", "expert_group.csv", "key"),
        ("exchange_visits.csv", "scheme", "exchange_schemes.csv", "key"),
    ],
)
def test_what_a_row_names_is_there(table: str, column: str, to: str, key: str) -> None:
    known = {r[key] for r in rows(to)}
    named = {part.strip() for r in rows(table) for part in r[column].split(";")} - {""}
    assert named - known == set(), f"add the row to data/{to} or correct data/{table}"


def test_stages_are_ordered_without_loops() -> None:
    position = {r["stage"]: int(r["position"]) for r in rows("value_chain_stages.csv")}
    backwards = [
        (before, r["stage"])
        for r in rows("value_chain_stages.csv")
        for before in (p.strip() for p in r["after"].split(";") if p.strip())
        if position[before] >= position[r["stage"]]
    ]
    assert backwards == []

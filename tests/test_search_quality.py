"""Search in the default release: names as people type them find the thing that was meant."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import fixtures_api as small
from clusterloom.settings import Settings
from clusterloom.store.release import Release

CASES = Path(__file__).parent / "cases" / "search" / "queries.csv"
AMONG = 3
RECALL = 0.9


@pytest.fixture(scope="module")
def client(settings: Settings, default_release: Release) -> Iterator[httpx.Client]:
    """A client of the service over the default release."""
    assert default_release.id
    with small.serving(settings) as client:
        yield client


def search(client: httpx.Client, query: str, limit: int = 20) -> list[dict[str, str]]:
    answer = client.get("/api/v1/search", params={"q": query, "limit": limit})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, str]] = answer.json()["items"]
    return items


def test_names_spelt_wrong_find_what_was_meant(client: httpx.Client) -> None:
    with CASES.open(encoding="utf-8", newline="") as file:
        cases = list(csv.DictReader(file))
    assert len(cases) >= 60
    missed = []
    for case in cases:
        found = [item["iri"].partition("/id/")[2] for item in search(client, case["query"])]
        if case["expected"] not in found[:AMONG]:
            place = found.index(case["expected"]) + 1 if case["expected"] in found else None
            missed.append(f"{case['query']} ({case['what']}): place {place}, {found[:AMONG]}")
    recall = 1 - len(missed) / len(cases)
    print(f"recall among the first {AMONG}: {recall:.3f} of {len(cases)}", *missed, sep="\n")
    assert recall >= RECALL, "\n".join(missed)


def test_namesakes_are_told_apart(client: httpx.Client) -> None:
    items = search(client, "Advanced manufacturing")
    kinds = {item["type"] for item in items}
    assert {"ThematicArea", "Partnership", "ClusterOrganisation", "SectorTag"} <= kinds
    assert items[0]["type"] == "ThematicArea"
    told = [(item["label"], item["description"]) for item in items]
    assert len(told) == len(set(told))


@pytest.mark.parametrize(
    ("one", "other"),
    [("Hàbitat", "habitat"), ("Łódź", "lodz"), ("Østsjælland", "ostsjaelland"),
     ("Düsseldorf", "dusseldorf"), ("Αττική", "attiki"), ("PÔLE", "pole"),
     ("agri-food", "agrifood")],
)  # fmt: skip
def test_spellings_of_one_name_find_the_same_first(
    client: httpx.Client, one: str, other: str
) -> None:
    first, second = (search(client, q, 3) for q in (one, other))
    assert first, one
    assert [i["iri"] for i in first][:1] == [i["iri"] for i in second][:1]


def test_every_label_finds_its_thing(client: httpx.Client) -> None:
    """By the whole name a thing is among the first, unless it has many namesakes."""
    areas = client.get("/api/v1/areas?limit=100").json()["items"]
    chains = client.get("/api/v1/value-chains?limit=100").json()["items"]
    for thing in [*areas, *chains]:
        found = [item["iri"] for item in search(client, thing["label"][:200])]
        assert thing["iri"] in found[:5], thing["label"]

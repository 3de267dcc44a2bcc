"""Data extension of `/reconcile`: which properties there are, and their values."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import fixtures_api as small
from clusterloom.settings import Settings


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of the service over the sample release and a thing that is closed in part."""
    folder: Path = tmp_path_factory.mktemp("extend")
    settings = Settings(data_dir=folder, workers=4, query_timeout=20, public_url="http://test")
    graphs = dict(small.GRAPHS)
    graphs["clusters", "asserted"] += "<org/secret-name> a cloom:SME ; rdfs:label 'Open name' ."
    graphs["secret", "asserted"] += "<org/secret-name> cloom:city 'Nirgendwo' ."
    small.make_release(settings.releases, graphs)
    with small.serving(settings) as client:
        yield client


def extend(client: httpx.Client, ids: list[str], *properties: str) -> dict[str, Any]:
    asked = {"ids": ids, "properties": [{"id": p} for p in properties]}
    answer = client.post("/reconcile", data={"extend": json.dumps(asked)})
    assert answer.status_code == 200, answer.text
    got = client.get("/reconcile", params={"extend": json.dumps(asked)})
    assert got.json() == answer.json()
    body: dict[str, Any] = answer.json()
    return body


def test_properties_are_fetched_as_values_of_the_protocol(client: httpx.Client) -> None:
    body = extend(
        client, ["org/pic-1", "call/old", "org/none"],
        "country", "partnerships", "deadline", "sme", "latitude", "label",
    )  # fmt: skip
    assert [meta["id"] for meta in body["meta"]] == [
        "country", "partnerships", "deadline", "sme", "latitude", "label",
    ]  # fmt: skip
    assert body["meta"][0] == {
        "id": "country", "name": "country", "type": {"id": "Country", "name": "country"},
    }  # fmt: skip
    assert body["rows"]["org/pic-1"] == {
        "country": [{"id": "country/FR", "name": "France"}],
        "partnerships": [{"id": "partnership/glow", "name": "GLOW"}],
        "deadline": [],
        "sme": [{"str": "false"}],
        "latitude": [{"float": 48.8}],
        "label": [{"str": "Zêta Cluster"}],
    }
    assert body["rows"]["call/old"]["deadline"] == [{"date": "2020-04-02T00:00:00Z"}]
    assert body["rows"]["org/none"] == {key: [] for key in body["rows"]["org/pic-1"]}


def test_every_proposed_property_can_be_fetched(client: httpx.Client) -> None:
    things = {"ClusterOrganisation": "org/pic-1", "Region": "region/FR10", "Call": "call/old",
              "ESCP4iPartnership": "partnership/glow", "NaceActivity": "nace2/26"}  # fmt: skip
    for name, thing in things.items():
        offered = client.get("/reconcile/properties", params={"type": name}).json()
        assert offered["type"] == name
        ids = [p["id"] for p in offered["properties"]]
        assert len(ids) == len(set(ids))
        row = extend(client, [thing], *ids[:30])["rows"][thing]
        assert list(row) == ids[:30]
        assert row["label"]
    two = client.get("/reconcile/properties?type=Region&limit=2").json()
    assert (two["limit"], len(two["properties"])) == (2, 2)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"ids": ["org/pic-1"], "properties": [{"id": "contries"}]}, "nearest: countries"),
        ({"ids": "org/pic-1", "properties": []}, "a list is wanted"),
        ({"ids": [1], "properties": []}, "strings"),
        ({"ids": [], "properties": ["label"]}, "an object with an id"),
        ({"ids": []}, "a list is wanted"),
    ],
)
def test_a_wrong_extension_says_what_is_wrong(
    client: httpx.Client, asked: dict[str, Any], said: str
) -> None:
    answer = client.post("/reconcile", data={"extend": json.dumps(asked)})
    assert said in small.is_problem(answer, 400)


def test_what_is_private_or_closed_is_not_given(client: httpx.Client) -> None:
    rows = extend(client, ["org/pic-3", "org/secret-name"], "latitude", "city", "label")["rows"]
    assert rows["org/pic-3"]["latitude"] == []
    assert rows["org/secret-name"]["city"] == []
    assert rows["org/secret-name"]["label"] == [{"str": "Open name"}]

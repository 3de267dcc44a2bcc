"""CSV that spreadsheets may open, and GeoJSON that says nothing of where an SME is."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fixtures_api as small
from clusterloom.api import tables
from clusterloom.api.catalogue import RESOURCES


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of the service over the sample release."""
    with (
        small.small_settings(tmp_path_factory.mktemp("tables")) as settings,
        small.serving(settings) as client,
    ):
        yield client


def get(client: httpx.Client, path: str) -> dict[str, Any]:
    body: dict[str, Any] = client.get(f"/api/v1/{path}").json()
    return body


def ids(client: httpx.Client, path: str) -> list[str]:
    return [item["id"] for item in get(client, path)["items"]]


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix(tables.BOM), newline="")))


@pytest.mark.parametrize("name", RESOURCES)
def test_csv_has_every_item_and_a_mark_for_spreadsheets(client: httpx.Client, name: str) -> None:
    answer = client.get(f"/api/v1/{name}", headers={"accept": "text/csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert [row["id"] for row in rows(answer.text)] == ids(client, name)


def test_csv_runs_no_formula_and_keeps_numbers(client: httpx.Client) -> None:
    found = {row["id"]: row for row in rows(client.get("/api/v1/clusters?format=csv").text)}
    assert found["pic-2"]["label"] == "'=Alpha()"
    assert found["pic-1"]["regions"] == "FR10; FR1"
    assert found["pic-1"]["labels"] == "level=gold, year=2016"
    regions = {row["id"]: row for row in rows(client.get("/api/v1/regions?format=csv").text)}
    assert regions["FR10"]["longitude"] == "-2.5"


@given(st.text() | st.lists(st.text(), max_size=3))
def test_no_text_begins_like_a_formula(value: str | list[str]) -> None:
    assert not tables.cell(value).startswith(("=", "+", "-", "@", "\t", "\r"))


def test_geojson_has_points_but_none_of_smes(client: httpx.Client) -> None:
    answer = client.get("/api/v1/clusters", headers={"accept": "application/geo+json"})
    assert answer.headers["content-type"] == "application/geo+json"
    body = answer.json()
    assert body["type"] == "FeatureCollection"
    assert body["total"] == 3
    points = {f["id"].rpartition("/")[2]: f["geometry"] for f in body["features"]}
    assert points["pic-1"] == {"type": "Point", "coordinates": [2.3, 48.8]}
    assert points["pic-2"] is None
    assert points["pic-3"] is None
    assert client.get("/api/v1/regions?format=geojson&limit=1").json()["next"]


def test_an_sme_has_no_coordinates_in_any_answer(client: httpx.Client) -> None:
    both = get(client, "clusters/pic-3")
    assert both["sme"] is True
    assert both["latitude"] is None
    assert "latitude" not in both["facts"]

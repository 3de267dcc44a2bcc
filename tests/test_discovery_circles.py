"""Chains and supply that go in circles, and an empty graph: answered, and by no endless loop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from clusterloom.settings import Settings
from fixtures_api import is_problem, make_release, serving

CIRCLE = """
  <value-chain/ring> a cloom:ValueChain ; rdfs:label "Ring"@en .
  <stage/ring-a> a cloom:Stage ; rdfs:label "A"@en ; cloom:inChain <value-chain/ring> ;
    cloom:position 1 ; cloom:precedes <stage/ring-b> ; cloom:follows <stage/ring-c> .
  <stage/ring-b> a cloom:Stage ; rdfs:label "B"@en ; cloom:inChain <value-chain/ring> ;
    cloom:position 1 ; cloom:precedes <stage/ring-c> ; cloom:follows <stage/ring-a> .
  <stage/ring-c> a cloom:Stage ; rdfs:label "C"@en ; cloom:inChain <value-chain/ring> ;
    cloom:precedes <stage/ring-a> ; cloom:follows <stage/ring-b> .
  <region/FR1> a cloom:Region ; rdfs:label "R" ; cloom:nutsCode "FR1" ; cloom:level 1 ;
    cloom:vintage "2021" .
  <org/x> a cloom:ClusterOrganisation ; rdfs:label "X" ; cloom:covers <stage/ring-a>,
    <stage/ring-b> ; cloom:hasCapability <nace2/26> .
  <org/y> a cloom:ClusterOrganisation ; rdfs:label "Y" ; cloom:covers <stage/ring-c> .
  <nace2/26> a cloom:Capability ; rdfs:label "26"@en ; cloom:naceCode "26" ;
    cloom:within <nace2/27> .
  <nace2/27> a cloom:Capability ; rdfs:label "27"@en ; cloom:naceCode "27" ;
    cloom:within <nace2/26> .
"""
SUPPLY = "".join(
    f"""
  <product-group/{one}> a cloom:ProductGroup ; rdfs:label "{one}"@en .
  <supply/{one}-{other}> cloom:fromProduct <product-group/{one}> ; cloom:coefficient 0.5 ;
    cloom:toProduct <product-group/{other}> ; cloom:year 2015 ; cloom:economy "CZ" .
"""
    for one, other in (("PA", "PB"), ("PB", "PC"), ("PC", "PA"), ("PD", "PE"), ("PE", "PD"))
)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("circles"), workers=4, public_url="http://test"
    )
    make_release(settings.releases, {("clusters", "asserted"): CIRCLE + SUPPLY})
    with serving(settings) as one:
        yield one


def asked(client: httpx.Client, address: str) -> dict[str, Any]:
    answer = client.get(f"/api/v1/{address}", timeout=20)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def test_stages_in_a_circle_have_an_order_all_the_same(client: httpx.Client) -> None:
    body = asked(client, "value-chains/ring/completion?region=FR1")
    # by their positions, then by their ids; the one without a position comes first
    assert [s["id"] for s in body["about"]["stages"]] == ["ring-c", "ring-a", "ring-b"]
    assert {item["id"]: item["value"] for item in body["items"]} == {"x": 2, "y": 1}
    sets = asked(client, "discovery/consortia?chain=ring")
    assert [item["facts"]["members"] for item in sets["items"]] == [["x", "y"]]
    statement = {"subject": "y", "property": "covers", "object": "ring-c", "holds": False}
    what = {"operation": "consortia", "parameters": {"chain": "ring", "whole": True},
            "statements": [statement]}  # fmt: skip
    found = client.post("/api/v1/discovery/what-if", json=what).json()
    assert found["after"]["total"] == 0
    assert "no candidate covers ring-c" in found["after"]["reason"]


def test_capabilities_within_each_other_are_one_circle(client: httpx.Client) -> None:
    body = {"chain": "ring", "profile": {"capabilities": ["26", "27"]}}
    assert client.post("/api/v1/discovery/completion", json=body).status_code == 200
    assert asked(client, "clusters/x/partners?axis=similarity&capability=27")["items"] == []


def test_no_supply_path_goes_through_a_product_twice(client: httpx.Client) -> None:
    found = asked(client, "discovery/paths?source=PA&target=PC&longest=8")
    assert [item["id"] for item in found["items"]] == ["PA>PB>PC"]
    assert found["items"][0]["value"] == 0.25
    round_trip = asked(client, "discovery/paths?source=PA&target=PA&longest=8")
    assert round_trip["items"] == []
    assert "the same product group" in round_trip["coverage"]["reason"]
    none = asked(client, "discovery/paths?source=PA&target=PD&longest=8")
    assert none["items"] == []
    assert "no path of at most 8 hops" in none["coverage"]["reason"]


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("clusters/y/partners", "no capability of the profile is known"),
        ("clusters/y/partners?axis=similarity", "no capability of the profile is known"),
        ("clusters/y/partners?axis=network", "no joint partnership"),
        ("clusters/y/partners?axis=supply", "no capability of the profile is known"),
        ("value-chains/ring/completion?region=FR1", ""),
        (
            "discovery/consortia?chain=ring&pilot_region=true",
            "no candidate is known to be in a pil",
        ),
        ("discovery/consortia?chain=ring&excluded=x&excluded=y", "no candidate covers ring-a"),
    ],
)
def test_where_nothing_is_known_the_reason_is_told(
    client: httpx.Client, address: str, reason: str
) -> None:
    assert reason in asked(client, address)["coverage"]["reason"]


@pytest.mark.parametrize(
    ("address", "status", "says"),
    [
        ("regions/FR1/partners?area=photonics", 404, "area 'photonics' is not known"),
        ("discovery/compare?region=FR1&region=FR1", 400, "2 to 10"),
        ("discovery/paths?source=PA&target=PX", 400, "neither a product group"),
        ("clusters/z/found-by", 404, "cluster 'z' is not known"),
    ],
)
def test_things_that_a_small_graph_does_not_have(
    client: httpx.Client, address: str, status: int, says: str
) -> None:
    assert says in is_problem(client.get(f"/api/v1/{address}"), status)


def test_bridges_of_a_graph_without_figures(client: httpx.Client) -> None:
    assert asked(client, "discovery/bridges")["items"] == []
    assert asked(client, "discovery/bridges?basis=supply")["items"] == []

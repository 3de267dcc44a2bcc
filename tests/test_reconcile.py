"""`/reconcile`: the Reconciliation API 0.2, its answers held against the schemas of the API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
import referencing
from referencing.jsonschema import DRAFT7

import fixtures_api as small
from clusterloom.api.reconcile_properties import ALIASES, PROPERTIES
from clusterloom.api.reconcile_read import MAX_IDS, MAX_QUERIES, MAX_VALUES
from clusterloom.namespaces import CLOOM, ID

MORE = """
    <org/twin-fr> a cloom:ClusterOrganisation ; rdfs:label "Twin Cluster" ;
      cloom:inCountry <country/FR> ; cloom:pic "111111111" ; cloom:acronym "TWC" .
    <org/twin-gr> a cloom:ClusterOrganisation ; rdfs:label "Twin Cluster" ;
      cloom:inCountry <country/GR> ; cloom:pic "222222222" .
    <org/twin-sme> a cloom:SME ; rdfs:label "Twin Cluster" ; cloom:inCountry <country/GR> .
    <org/secret-name> a cloom:SME ; rdfs:label "Open name" .
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of the service over the sample release and some namesakes."""
    folder: Path = tmp_path_factory.mktemp("reconcile")
    with small.small_settings(folder) as settings:
        graphs = dict(small.GRAPHS)
        graphs["clusters", "asserted"] += MORE
        graphs["secret", "asserted"] += "<org/secret-name> cloom:city 'Nirgendwo' ."
        small.make_release(settings.releases, graphs, small.NEXT_RELEASE)
        with small.serving(settings) as client:
            yield client


@pytest.fixture(scope="session")
def valid(shared: Path) -> Any:
    """Holds a document against a schema of the API 0.2."""
    folder = shared / "conformance" / "reconciliation"
    schemas = {path.stem: json.loads(path.read_text("utf-8")) for path in folder.glob("*.json")}
    # what a swagger schema says of authentication is not needed: the service has none
    outside = "http://swagger.io/v2/schema.json"
    registry: referencing.Registry[Any] = referencing.Registry().with_resources(
        [
            (schema["$id"], DRAFT7.create_resource(schema))
            for schema in [*schemas.values(), {"$id": outside}]
        ]
    )

    def check(name: str, document: Any) -> None:
        jsonschema.Draft7Validator(schemas[name], registry=registry).validate(document)

    return check


def post(client: httpx.Client, queries: dict[str, Any]) -> httpx.Response:
    return client.post("/reconcile", data={"queries": json.dumps(queries)})


def result(client: httpx.Client, **query: Any) -> list[dict[str, Any]]:
    answer = post(client, {"q": query})
    assert answer.status_code == 200, answer.text
    candidates: list[dict[str, Any]] = answer.json()["q"]["result"]
    return candidates


def by(pid: str, *values: Any) -> dict[str, Any]:
    return {"pid": pid, "v": values[0] if len(values) == 1 else list(values)}


def test_the_manifest_is_valid_and_its_addresses_answer(client: httpx.Client, valid: Any) -> None:
    answer = client.get("/reconcile", headers={"Origin": "http://refine.example"})
    manifest = answer.json()
    valid("manifest", manifest)
    assert manifest["versions"] == ["0.2"]
    assert manifest["identifierSpace"] == ID
    assert manifest["schemaSpace"] == CLOOM
    assert manifest["batchSize"] == MAX_QUERIES
    assert answer.headers["access-control-allow-origin"] == "*"

    def local(address: str) -> httpx.Response:
        assert address.startswith("http://test/")
        return client.get(address.removeprefix("http://test"))

    for kind in ("entity", "type", "property"):
        service = manifest["suggest"][kind]
        assert local(service["service_url"] + service["service_path"] + "?prefix=c").json()[
            "result"
        ]
    proposals = manifest["extend"]["propose_properties"]
    where = proposals["service_url"] + proposals["service_path"]
    assert local(where + "?type=ClusterOrganisation").json()["properties"]
    encoded = "org%2Fpic-1"
    for template in (manifest["view"]["url"], manifest["preview"]["url"]):
        assert local(template.replace("{{id}}", encoded)).status_code == 200


def test_a_batch_is_answered_by_its_keys_and_is_valid(client: httpx.Client, valid: Any) -> None:
    queries = {
        "q0": {"query": "Zeta Clustr", "type": "ClusterOrganisation", "limit": 2},
        "q1": {"query": "Photonics", "type": ["ThematicArea", "ValueChain"], "type_strict": "any"},
        "q2": {"query": "no such thing at all anywhere"},
        "q3": {"query": "Twin", "properties": [by("countries", {"id": "country/GR"})]},
        "q4": {"properties": [by("nuts_code", "FR10")]},
    }
    valid("reconciliation-query-batch", queries)
    answer = post(client, queries)
    body = answer.json()
    valid("reconciliation-result-batch", body)
    assert list(body) == list(queries)
    assert answer.headers["access-control-allow-origin"] == "*"
    first = body["q0"]["result"][0]
    assert first["id"] == "org/pic-1"
    assert first["name"] == "Zêta Cluster"
    assert first["type"][0] == {"id": "ClusterOrganisation", "name": "cluster organisation"}
    assert 80 < first["score"] < 100
    assert first["match"] is False
    assert body["q1"]["result"][0]["id"] == "area/photonics"
    assert body["q3"]["result"][0]["id"] in {"org/twin-gr", "org/twin-sme"}
    assert body["q4"]["result"][0]["id"] == "region/FR10"
    assert body["q4"]["result"][0]["match"] is True
    for one in body.values():
        scores = [candidate["score"] for candidate in one["result"]]
        assert scores == sorted(scores, reverse=True)
        assert all(0 < score <= 100 for score in scores)
        assert sum(candidate["match"] for candidate in one["result"]) <= 1
        for candidate in one["result"]:
            ids = [feature["id"] for feature in candidate["features"]]
            assert len(ids) == len(set(ids))


def test_get_answers_as_post_does(client: httpx.Client) -> None:
    queries = {"q0": {"query": "Zêta Cluster"}}
    got = client.get("/reconcile", params={"queries": json.dumps(queries)})
    assert got.json() == post(client, queries).json()
    assert got.headers["x-clusterloom-release"] == small.NEXT_RELEASE


def test_a_name_alone_is_never_a_match_where_there_are_namesakes(client: httpx.Client) -> None:
    candidates = result(client, query="Twin Cluster")
    assert [c["score"] for c in candidates[:3]] == [100, 100, 100]
    assert not any(c["match"] for c in candidates)
    # nor where there are none: another organisation may well have that name
    assert result(client, query="Zêta Cluster")[0]["score"] == 100
    assert result(client, query="Zêta Cluster")[0]["match"] is False


@pytest.mark.parametrize("country", ["FR", "France", "country/FR", ID + "country/FR"])
@pytest.mark.parametrize("pid", ["countries", "country", "inCountry"])
def test_name_and_country_make_a_match(client: httpx.Client, country: str, pid: str) -> None:
    candidates = result(client, query="twin cluster", properties=[by(pid, country)])
    assert candidates[0]["id"] == "org/twin-fr"
    assert candidates[0]["match"] is True
    assert {"id": "countries_agrees", "value": True} in candidates[0]["features"]
    assert all(c["score"] <= 50 and not c["match"] for c in candidates[1:])


def test_two_of_one_name_and_country_are_no_match(client: httpx.Client) -> None:
    candidates = result(client, query="Twin Cluster", properties=[by("countries", "EL")])
    assert {c["id"] for c in candidates[:2]} == {"org/twin-gr", "org/twin-sme"}
    assert not any(c["match"] for c in candidates)
    typed = result(client, query="Twin Cluster", type="SME", properties=[by("countries", "GR")])
    assert [(c["id"], c["match"]) for c in typed] == [("org/twin-sme", True)]


@pytest.mark.parametrize(
    "query",
    [
        {"query": "111111111"},
        {"query": "org/twin-fr"},
        {"query": ID + "org/twin-fr"},
        {"query": "Twin", "properties": [{"pid": "pic", "v": "111111111"}]},
        {"query": "Twin", "properties": [{"pid": "pic", "v": 111111111}]},
        {"query": "Twin", "properties": [{"pid": "pic", "v": 111111111.0}]},
        {"query": "", "properties": [{"pid": "pic", "v": ["999999999", "111111111"]}]},
        {"query": "wholly else", "properties": [{"pid": "pic", "v": "111111111"}]},
    ],
)
def test_an_identifier_makes_a_match(client: httpx.Client, query: dict[str, Any]) -> None:
    candidates = result(client, **query)
    assert (candidates[0]["id"], candidates[0]["match"]) == ("org/twin-fr", True)
    assert candidates[0]["score"] == 100


def test_an_identifier_that_disagrees_with_the_country_is_no_match(client: httpx.Client) -> None:
    candidates = result(client, query="111111111", properties=[by("countries", "GR")])
    assert candidates[0]["match"] is False
    assert candidates[0]["score"] <= 50


def test_an_acronym_is_not_the_name(client: httpx.Client) -> None:
    candidates = result(client, query="TWC", properties=[by("countries", "FR")])
    assert (candidates[0]["id"], candidates[0]["match"]) == ("org/twin-fr", False)
    assert candidates[0]["score"] == 95


def test_a_thing_of_no_country_matches_by_name_and_type(client: httpx.Client) -> None:
    assert result(client, query="Photonics", type="ThematicArea")[0]["match"] is True
    assert result(client, query="Photonics")[0]["match"] is False


def test_types_filter_unless_they_only_should(client: httpx.Client) -> None:
    for strict, ids in (
        ("any", {"org/twin-fr", "org/twin-gr", "org/twin-sme"}),
        ("all", set()),
    ):
        found = result(
            client, query="Twin Cluster", type=["SME", "ClusterOrganisation"], type_strict=strict
        )
        assert {c["id"] for c in found} == ids
    should = result(client, query="Twin Cluster", type=["SME"], type_strict="should")
    assert should[0]["id"] == "org/twin-sme"
    assert len(should) >= 3
    by_iri = result(client, query="Twin Cluster", type=CLOOM + "SME")
    by_resource = result(client, query="Twin Cluster", type="clusters")
    assert [c["id"] for c in by_iri] == ["org/twin-sme"]
    assert {c["id"] for c in by_resource} == {"org/twin-fr", "org/twin-gr"}


def test_a_query_that_is_far_from_any_name_has_only_poor_candidates(client: httpx.Client) -> None:
    for candidate in result(client, query="Zweckverband Abwasser"):
        assert candidate["score"] < 70
        assert candidate["match"] is False


@pytest.mark.parametrize(
    ("queries", "said"),
    [
        ("{", "not JSON"),
        ("[]", "JSON object"),
        ('{"q": 1}', "query 'q' is a JSON object"),
        ('{"q": {}}', "a query or properties"),
        ('{"q": {"query": " "}}', "a query or properties"),
        ('{"q": {"query": 1}}', "query is a string"),
        ('{"q": {"query": "a", "kind": "b"}}', "unknown member 'kind'"),
        ('{"q": {"query": "a", "limit": 0}}', "at least 1"),
        ('{"q": {"query": "a", "limit": 1.5}}', "whole number"),
        ('{"q": {"query": "a", "limit": true}}', "whole number"),
        ('{"q": {"query": "a", "type": "Clusters of"}}', "nothing of a type"),
        ('{"q": {"query": "a", "type": [1]}}', "list of strings"),
        ('{"q": {"query": "a", "type_strict": "none"}}', "any, all or should"),
        ('{"q": {"query": "a", "properties": {}}}', "a list is wanted"),
        ('{"q": {"query": "a", "properties": [{"v": 1}]}}', "pid and v"),
        ('{"q": {"query": "a", "properties": [{"pid": "contry", "v": 1}]}}', "nearest: countries"),
        ('{"q": {"query": "a", "properties": [{"pid": "pic", "v": null}]}}', "a value is"),
        ("[" * 5000, "not JSON"),
    ],
)
def test_a_wrong_batch_says_what_is_wrong(client: httpx.Client, queries: str, said: str) -> None:
    answer = client.post("/reconcile", data={"queries": queries})
    assert said in small.is_problem(answer, 400)


def test_batches_and_bodies_are_bounded(client: httpx.Client) -> None:
    most = {f"q{n}": {"query": f"cluster {n}", "limit": 1} for n in range(MAX_QUERIES)}
    assert len(post(client, most).json()) == MAX_QUERIES
    more = most | {"one more": {"query": "a"}}
    assert str(MAX_QUERIES) in small.is_problem(post(client, more), 413)
    values = [{"pid": "pic", "v": [str(n) for n in range(MAX_VALUES // 25)]}] * 25
    assert post(client, {"q0": {"query": "cluster", "properties": values}}).status_code == 200
    many = {"q0": {"query": "cluster", "properties": [*values, {"pid": "pic", "v": "1"}]}}
    assert f"{MAX_VALUES} values" in small.is_problem(post(client, many), 413)
    small.is_problem(client.post("/reconcile", data={"queries": "x" * 1_100_000}), 413)
    wide = {"ids": [str(n) for n in range(MAX_IDS + 1)], "properties": [{"id": "label"}]}
    small.is_problem(client.post("/reconcile", data={"extend": json.dumps(wide)}), 413)
    long = result(client, query="zeta cluster " * 1000)
    assert long[0]["id"] == "org/pic-1"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/reconcile?callback=alert", "JSONP"),
        ("/reconcile?queries={}&jsonp=x", "JSONP"),
        ("/reconcile/suggest/entity?prefix=a&callback=alert", "JSONP"),
        ("/reconcile?query=a", "not 'query'"),
        ("/reconcile?queries={}&extend={}", "not both"),
        ("/reconcile?queries={}&queries={}", "takes one value"),
        ("/reconcile/suggest/type?prefix=a&cursor=-1", "whole number"),
        ("/reconcile/properties?type=Nope", "nothing of a type"),
        ("/reconcile/properties?limit=0", "whole number"),
    ],
)
def test_wrong_addresses_are_refused(client: httpx.Client, path: str, said: str) -> None:
    assert said in small.is_problem(client.get(path), 400)


def test_a_body_is_a_form_and_nothing_else(client: httpx.Client) -> None:
    small.is_problem(client.post("/reconcile", json={"queries": {}}), 415)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    small.is_problem(client.post("/reconcile", content=b"queries=\xff", headers=headers), 400)
    small.is_problem(client.post("/reconcile", content=b"", headers=headers), 400)
    small.is_problem(client.put("/reconcile", content=b""), 405)


def test_entities_are_suggested_by_beginning_id_and_typo(client: httpx.Client, valid: Any) -> None:
    def suggested(prefix: str, **more: Any) -> list[str]:
        answer = client.get("/reconcile/suggest/entity", params={"prefix": prefix, **more})
        valid("suggest-entities-response", answer.json())
        return [one["id"] for one in answer.json()["result"]]

    assert suggested("zêt")[0] == "org/pic-1"
    assert suggested("org/pic-1")[0] == "org/pic-1"
    assert suggested(ID + "org/pic-1")[0] == "org/pic-1"
    assert suggested("") == []
    every = suggested("cluster")
    assert suggested("cluster", cursor=1) == [*every, *suggested("cluster", cursor=10)][1:11]
    assert suggested("twin", type="SME") == ["org/twin-sme"]


def test_types_and_properties_are_suggested(client: httpx.Client, valid: Any) -> None:
    types = client.get("/reconcile/suggest/type?prefix=cluster").json()
    valid("suggest-types-response", types)
    organisation = next(t for t in types["result"] if t["id"] == "ClusterOrganisation")
    assert organisation["broader"] == [{"id": "Organisation", "name": "organisation"}]
    properties = client.get("/reconcile/suggest/property?prefix=c").json()
    valid("suggest-properties-response", properties)
    assert {"countries", "city"} <= {p["id"] for p in properties["result"]}
    assert client.get("/reconcile/suggest/property?prefix=qq").json() == {"result": []}
    skipped = client.get("/reconcile/suggest/type?prefix=&cursor=1").json()["result"]
    assert skipped[0] == client.get("/reconcile/suggest/type").json()["result"][1]
    assert set(ALIASES.values()) <= PROPERTIES.keys()


def test_a_preview_is_a_page_that_runs_nothing(client: httpx.Client) -> None:
    answer = client.get("/reconcile/preview", params={"id": "org/pic-3"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors *" in policy
    assert "x-frame-options" not in answer.headers
    assert "<i>" not in answer.text
    assert "Both &lt;i&gt;&amp;&lt;/i&gt;" in answer.text
    assert 'href="http://test/page/org/pic-3"' in answer.text
    small.is_problem(client.get("/reconcile/preview?id=org/none"), 404)
    small.is_problem(client.get("/reconcile/preview?id=org/hidden"), 404)


def test_what_is_closed_is_no_candidate(client: httpx.Client) -> None:
    assert "org/hidden" not in [candidate["id"] for candidate in result(client, query="Hidden")]
    closed = result(client, query="Open name", properties=[by("city", "Nirgendwo")])
    assert {"id": "city_agrees", "value": True} not in closed[0]["features"]

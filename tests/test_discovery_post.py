"""The discovery routes by POST: who is not in the graph, batches, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from clusterloom.settings import Settings
from clusterloom.store.release import Release
from discovery_release import CALL
from fixtures_api import is_problem, serving

CLUSTER = "be-greenwin-40ab75"
REGIONS, COMPLETION, CONSORTIA = (
    f"/api/v1/discovery/{name}" for name in ("regions", "completion", "consortia")
)


@pytest.fixture(scope="module")
def client(settings: Settings, default_release: Release) -> Iterator[httpx.Client]:
    with serving(settings) as one:
        yield one


def asked(client: httpx.Client, address: str) -> dict[str, Any]:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def sent(client: httpx.Client, address: str, body: Any) -> Any:
    answer = client.post(address, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


# partners


def posted(client: httpx.Client, body: Any) -> httpx.Response:
    return client.post("/api/v1/discovery/partners", json=body)


def test_a_profile_that_is_not_in_the_graph(client: httpx.Client) -> None:
    profile = {"name": "We", "region": "ES13", "capabilities": ["27.2", "38"]}
    body = posted(client, {"profile": profile, "axis": "complementarity", "limit": 3}).json()
    assert body["about"]["label"] == "We"
    assert len(body["items"]) == 3
    elsewhere = posted(client, {"profile": profile, "elsewhere": "country"}).json()
    assert "ES" not in {item["facts"]["country"]["id"] for item in elsewhere["items"]}


def test_a_batch_is_answered_in_order(client: httpx.Client) -> None:
    one = {"cluster": CLUSTER, "axis": "similarity"}
    answers = posted(client, [one, {**one, "axis": "supply"}]).json()["answers"]
    assert [a["method"]["parameters"]["axis"] for a in answers] == ["similarity", "supply"]
    alone = asked(client, f"/api/v1/clusters/{CLUSTER}/partners?axis=similarity")
    assert answers[0] == alone


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "either"),
        ({"cluster": CLUSTER, "profile": {}}, "not both"),
        ({"cluster": 7}, "key of a cluster"),
        ({"profile": []}, "object"),
        ({"profile": {"capabilities": "27"}}, "list of texts"),
        ({"profile": {"capabilities": ["99.99"]}}, "not known"),
        ({"profile": {"country": "FR", "region": "ES13"}}, "not in FR"),
        ({"profile": {"region": "ES130"}, "limit": "3"}, "whole number"),
        ({"profile": {"color": "red"}}, "no field"),
        ({"profile": {"name": ""}}, "1 to 200"),
        ({"cluster": CLUSTER, "axes": "x"}, "axis"),
        ([], "1 to 50"),
        ([{"cluster": CLUSTER}] * 51, "1 to 50"),
        ("text", "JSON object"),
    ],
)
def test_bad_profiles_are_told_what_is_wrong(client: httpx.Client, body: Any, says: str) -> None:
    assert says in is_problem(posted(client, body), 400)


def test_bodies_that_are_no_json(client: httpx.Client) -> None:
    route = "/api/v1/discovery/partners"
    is_problem(client.post(route, content=b"{", headers={"Content-Type": "application/json"}), 400)
    is_problem(client.post(route, content=b"a=1"), 415)
    large = b'{"cluster": "' + b"x" * 1_100_000 + b'"}'
    is_problem(client.post(route, content=large, headers={"Content-Type": "application/json"}), 413)


def test_codes_of_nace_rev_21_are_read(client: httpx.Client) -> None:
    two = posted(client, {"profile": {"capabilities": ["27.2"]}}).json()
    for word in ("nace21/27.2", "NACE 2.1 27.2", "NACE Rev. 2.1 27.2"):
        one = posted(client, {"profile": {"capabilities": [word]}}).json()
        assert [(i["id"], i["value"]) for i in one["items"]] == [
            (i["id"], i["value"]) for i in two["items"]
        ]
        assert any("Rev. 2.1" in caveat for caveat in one["caveats"])
    assert not any("Rev. 2.1" in caveat for caveat in two["caveats"])
    lost = posted(client, {"profile": {"capabilities": ["nace21/61"]}}).json()
    assert lost["items"] == []
    assert any("no activity of NACE Rev. 2 has the code and title of nace21/61" in caveat
               for caveat in lost["caveats"])  # fmt: skip
    wrong = is_problem(posted(client, {"profile": {"capabilities": ["nace21/27.99"]}}), 400)
    assert "no code of NACE Rev. 2.1" in wrong


# regions


def test_a_region_by_its_code_is_that_of_the_get_route(client: httpx.Client) -> None:
    one = sent(client, REGIONS, {"region": "ES61", "area": "photonics", "direction": "both"})
    assert one == asked(client, "/api/v1/regions/ES61/partners?area=photonics&direction=both")


def test_a_region_with_figures_of_its_own(client: httpx.Client) -> None:
    own = {"name": "We", "specialised": ["26", "nace21/27"], "not_specialised": ["72", "28"]}
    found = sent(client, REGIONS, {"profile": own, "area": "photonics"})
    assert found["about"]["region"] == {"id": None, "label": "We"}
    assert found["coverage"]["known_divisions"] == 4
    assert found["items"]
    named = {p["parameters"]["division"].rsplit("/", 1)[1]
             for item in found["items"] for p in item["explanation"]}  # fmt: skip
    # only what it says that it lacks can be brought: of the rest it is unknown
    assert named <= {"72", "28"}
    for item in found["items"]:
        assert item["measures"]["high"] >= item["value"] - 1e-9
        assert "known_ties" not in item["measures"]
    assert any("of the request, not of the graph" in caveat for caveat in found["caveats"])


def test_a_region_of_the_graph_with_another_division(client: httpx.Client) -> None:
    base = sent(client, REGIONS, {"region": "ES61", "area": "photonics", "limit": 100})
    best = base["items"][0]["explanation"][0]["parameters"]["division"].rsplit("/", 1)[1]
    own = {"region": "ES61", "specialised": [best]}
    found = sent(client, REGIONS, {"profile": own, "area": "photonics", "limit": 100})
    parts = {p["parameters"]["division"].rsplit("/", 1)[1]
             for item in found["items"] for p in item["explanation"]}  # fmt: skip
    assert best not in parts
    assert "ES61" not in {item["id"] for item in found["items"]}
    same = sent(client, REGIONS, {"profile": {"region": "ES61"}, "area": "photonics",
                                  "limit": 100})  # fmt: skip
    assert [i["value"] for i in same["items"]] == [i["value"] for i in base["items"]]
    nothing = sent(client, REGIONS, {"profile": {"unknown": ["26"]}, "area": "photonics"})
    assert nothing["items"] == []
    assert "no employment figures" in nothing["coverage"]["reason"]


# completion


def test_who_completes_an_organisation_that_is_not_in_the_graph(client: httpx.Client) -> None:
    profile = {"name": "We", "country": "ES", "stages": ["batteries-recycling"],
               "missing": ["batteries-cells-and-modules"]}  # fmt: skip
    found = sent(client, COMPLETION, {"chain": "batteries", "profile": profile})
    states = {s["id"]: s["status"] for s in found["about"]["stages"]}
    assert states.pop("batteries-recycling") == "covered"
    assert states.pop("batteries-cells-and-modules") == "missing"
    assert set(states.values()) == {"unknown"}
    stages = {p["parameters"]["stage"].rsplit("/", 1)[1]
              for item in found["items"] for p in item["explanation"]}  # fmt: skip
    assert "batteries-cells-and-modules" in stages
    assert "batteries-recycling" not in stages
    abroad = sent(client, COMPLETION, {"chain": "batteries", "profile": profile,
                                       "elsewhere": "country"})  # fmt: skip
    assert "ES" not in {item["facts"]["country"] for item in abroad["items"]}
    able = {"chain": "batteries", "profile": {"capabilities": ["38.32", "07"]}}
    told = {s["id"]: s["status"] for s in sent(client, COMPLETION, able)["about"]["stages"]}
    assert told["batteries-recycling"] == "covered"
    # a wide field proves no single stage
    assert told["batteries-raw-material-mining"] == "weak"
    nothing = sent(client, COMPLETION, {"chain": "batteries", "profile": {}})
    assert "nothing is said" in nothing["coverage"]["reason"]
    assert nothing["coverage"]["missing"] == 0


def test_a_cluster_is_not_among_those_that_complete_it(client: httpx.Client) -> None:
    found = sent(client, COMPLETION, {"chain": "batteries", "cluster": CLUSTER})
    states = {s["id"]: s for s in found["about"]["stages"]}
    assert states["batteries-recycling"]["status"] == "covered"
    assert states["batteries-recycling"]["by"][0]["id"] == CLUSTER
    assert CLUSTER not in {item["id"] for item in found["items"]}
    region = sent(client, COMPLETION, {"chain": "batteries", "region": "FRE1"})
    assert region == asked(client, "/api/v1/value-chains/batteries/completion?region=FRE1")


# consortia


def test_a_member_that_is_not_in_the_graph(client: httpx.Client) -> None:
    we = {"id": "we", "name": "We", "country": "PT", "stages": ["hydrogen-storage"],
          "required": True}  # fmt: skip
    rules = {"name": "Our call", "min_entities": 3, "min_countries": 3, "checklist": ["a letter"]}
    found = sent(client, CONSORTIA, {"chain": "hydrogen", "members": [we], "call_profile": rules})
    assert "hydrogen-storage" in found["about"]["stages"]
    assert found["about"]["checklist"] == [{"code": "request", "label": "a letter"}]
    assert found["about"]["members"][0]["country"] == "PT"
    for item in found["items"]:
        assert "we" in item["facts"]["members"]
        assert len(item["facts"]["members"]) >= 3
        assert {"PT"} < set(item["facts"]["countries"])
        assert "We" in item["label"]
    assert any("as the request says" in caveat for caveat in found["caveats"])
    kept = sent(client, CONSORTIA, {"chain": "hydrogen", "members": [{**we, "required": False}],
                                    "excluded": ["we"]})  # fmt: skip
    assert "hydrogen-storage" not in kept["about"]["stages"]


def test_what_a_call_asks_for_can_be_switched_off(client: httpx.Client) -> None:
    whole = {"chain": "batteries", "call": CALL}
    assert sent(client, CONSORTIA, whole)["items"] == []
    found = sent(client, CONSORTIA, {**whole, "less_developed": False})
    assert found["items"]
    assert found["method"]["parameters"]["switched_off"] == ["less_developed"]
    assert any("switched off" in caveat for caveat in found["caveats"])
    same = asked(client, f"/api/v1/discovery/consortia?chain=batteries&call={CALL}"
                 "&less_developed=false")  # fmt: skip
    assert same == found
    inline = {"chain": "batteries", "call_profile": {"less_developed": True, "min_entities": 5}}
    assert sent(client, CONSORTIA, inline)["items"] == []
    five = sent(client, CONSORTIA, {**inline, "less_developed": False})["items"]
    assert {item["value"] for item in five} == {5}
    rules = {"less_developed": False, "min_entities": 0}
    fewer = sent(client, CONSORTIA, {**inline, **rules})["items"]
    assert fewer[0]["value"] == 3


def test_a_member_that_covers_nothing_may_join_for_a_rule(client: httpx.Client) -> None:
    whole = {"chain": "batteries", "call": CALL}
    none = sent(client, CONSORTIA, whole)
    (told,) = [r for r in none["coverage"]["reasons"] if r["code"] == "companions"]
    assert "were not considered; with them a set of" in told["message"]
    found = sent(client, CONSORTIA, {**whole, "companions": True})
    assert found["items"][0]["value"] == told["parameters"]["suffices"]
    idle = [p for p in found["items"][0]["explanation"] if not p["parameters"]["stages"]]
    assert idle
    assert all("it joins for a rule" in part["label"] for part in idle)
    hopeless = sent(client, CONSORTIA, {"stage": ["hydrogen-fuel-cells"]})
    assert [r["code"] for r in hopeless["coverage"]["reasons"]] == ["stage-uncovered"]


# batches and errors


@pytest.mark.parametrize(
    ("address", "one", "other"),
    [
        (REGIONS, {"region": "ES61", "area": "photonics"},
         {"profile": {"specialised": ["26"], "not_specialised": ["27"]}, "area": "photonics"}),
        (COMPLETION, {"chain": "batteries", "region": "FRE1"},
         {"chain": "textiles", "profile": {"capabilities": ["13"]}}),
        (CONSORTIA, {"chain": "hydrogen", "call": CALL}, {"chain": "textiles"}),
    ],
)  # fmt: skip
def test_batches_are_answered_in_order(
    client: httpx.Client, address: str, one: Any, other: Any
) -> None:
    answers = sent(client, address, [one, other])["answers"]
    assert answers == [sent(client, address, one), sent(client, address, other)]
    wrong = is_problem(client.post(address, json=[one, {**other, "wrong": 1}]), 400)
    assert "request 2 of 2: no field 'wrong'" in wrong


PHOTONICS, HYDROGEN = {"area": "photonics"}, {"chain": "hydrogen"}
BATTERIES = {"chain": "batteries"}
BAD = [
    (REGIONS, {}, 400, "'area' is wanted"),
    (REGIONS, PHOTONICS, 400, "`region` or `profile`"),
    (REGIONS, {**PHOTONICS, "region": "ES61", "profile": {}}, 400, "not both"),
    (REGIONS, {**PHOTONICS, "region": "ES6Q"}, 404, "ES6"),
    (REGIONS, {**PHOTONICS, "region": "BE221"}, 400, "NUTS 2013"),
    (REGIONS, {**PHOTONICS, "region": 7}, 400, "NUTS code"),
    (REGIONS, {"region": "ES61", "area": "photonix"}, 404, "photonics"),
    (REGIONS, {**PHOTONICS, "region": "ES61", "direction": "take"}, 400, "get, give, both"),
    (REGIONS, {**PHOTONICS, "profile": {}}, 400, "are wanted"),
    (REGIONS, {**PHOTONICS, "profile": []}, 400, "an object"),
    (REGIONS, {**PHOTONICS, "profile": {"specialized": ["26"]}}, 400, "specialised"),
    (REGIONS, {**PHOTONICS, "profile": {"specialised": "26"}}, 400, "list of texts"),
    (REGIONS, {**PHOTONICS, "profile": {"specialised": ["26.1"]}}, 400, "not a division"),
    (REGIONS, {**PHOTONICS, "profile": {"specialised": ["00"]}}, 400, "not measured"),
    (REGIONS, {**PHOTONICS, "profile": {"specialised": ["nace21/61"]}}, 400, "code and title"),
    (REGIONS, {**PHOTONICS, "profile": {"specialised": ["26"], "not_specialised": ["26"]}}, 400,
     "both in `specialised` and in `not_specialised`"),
    (REGIONS, {**PHOTONICS, "profile": {"region": "BE221", "specialised": ["26"]}}, 400, "2013"),
    (COMPLETION, {"region": "ES61"}, 400, "'chain' is wanted"),
    (COMPLETION, BATTERIES, 400, "`region` or `cluster` or `profile`"),
    (COMPLETION, {"chain": "battery", "region": "ES61"}, 404, "batteries"),
    (COMPLETION, {**BATTERIES, "region": "BE221"}, 400, "NUTS 2013"),
    (COMPLETION, {**BATTERIES, "cluster": "be-greenwyn"}, 404, CLUSTER),
    (COMPLETION, {**BATTERIES, "profile": {"stages": ["battery-cells"]}}, 400,
     "batteries-cells-and-modules"),
    (COMPLETION, {**BATTERIES, "profile": {"stages": ["batteries-recycling"],
                                           "missing": ["batteries-recycling"]}}, 400,
     "both in `stages` and in `missing`"),
    (COMPLETION, {**BATTERIES, "profile": {"capabilities": ["38.32"],
                                           "missing": ["batteries-recycling"]}}, 400,
     "one of the capabilities covers it"),
    (COMPLETION, {**BATTERIES, "profile": {"country": "FR", "region": "ES13"}}, 400, "not in FR"),
    (COMPLETION, {**BATTERIES, "profile": {"region": "FR26"}}, 400, "2013"),
    (CONSORTIA, {}, 400, "value chain"),
    (CONSORTIA, {"chain": "hydrogn"}, 404, "hydrogen"),
    (CONSORTIA, {**HYDROGEN, "members": {}}, 400, "a list of objects"),
    (CONSORTIA, {**HYDROGEN, "members": [7]}, 400, "members[1]: an object"),
    (CONSORTIA, {**HYDROGEN, "members": [{"id": CLUSTER}]}, 400, "name it in `required`"),
    (CONSORTIA, {**HYDROGEN, "members": [{"id": "a"}, {"id": "a"}]}, 400, "members[2].id"),
    (CONSORTIA, {**HYDROGEN, "members": [{"required": "yes"}]}, 400, "true or false"),
    (CONSORTIA, {**HYDROGEN, "members": [{"country": "FR", "region": "ES13"}]}, 400,
     "members[1]: region ES13 is in ES"),
    (CONSORTIA, {**HYDROGEN, "members": [{"region": "FR26"}]}, 400, "2013"),
    (CONSORTIA, {**HYDROGEN, "members": [{"stages": ["hydrogen-storag"]}]}, 400,
     "hydrogen-storage"),
    (CONSORTIA, {**HYDROGEN, "members": [{"third_countries": ["XQ"]}]}, 400, "third_countries"),
    (CONSORTIA, {**HYDROGEN, "members": [{"name": "a"}] * 51}, 400, "at most 50"),
    (CONSORTIA, {**HYDROGEN, "members": [{"nam": "a"}]}, 400, "no field 'nam'"),
    (CONSORTIA, {**HYDROGEN, "call_profile": []}, 400, "an object"),
    (CONSORTIA, {**HYDROGEN, "call_profile": {"min_entity": 3}}, 400, "min_entities"),
    (CONSORTIA, {**HYDROGEN, "call_profile": {"min_entities": "3"}}, 400, "whole number"),
    (CONSORTIA, {**HYDROGEN, "call_profile": {}, "call": CALL}, 400, "not both"),
    (CONSORTIA, {**HYDROGEN, "call_profile": {"country": ["XQ"]}}, 400, "XQ"),
    (CONSORTIA, {**HYDROGEN, "required": ["member-1"]}, 400, "required: cluster"),
]  # fmt: skip


@pytest.mark.parametrize(("address", "body", "status", "says"), BAD)
def test_bad_requests_are_told_what_is_wrong(
    client: httpx.Client, address: str, body: Any, status: int, says: str
) -> None:
    assert says in is_problem(client.post(address, json=body), status)


def test_rules_of_an_inline_call_that_contradict_one_another_give_a_reason(
    client: httpx.Client,
) -> None:
    rules = {"min_entities": 5, "max_entities": 2}
    found = sent(client, CONSORTIA, {"chain": "hydrogen", "call_profile": rules})
    assert found["items"] == []
    assert found["coverage"]["reasons"][0]["code"] == "contradiction"


def test_an_empty_pool_says_why(client: httpx.Client) -> None:
    found = sent(client, CONSORTIA, {"chain": "artificial-intelligence"})
    assert found["items"] == []
    assert found["coverage"]["candidates"] == 0
    assert "no candidate covers" in found["coverage"]["reason"]
    alone = {"name": "We", "stages": ["artificial-intelligence-hardware"]}
    with_us = sent(client, CONSORTIA, {"chain": "artificial-intelligence", "members": [alone]})
    assert [item["facts"]["members"] for item in with_us["items"]] == [["member-1"]]

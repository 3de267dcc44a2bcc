"""What if over HTTP: what came and went, how it is marked, and what is refused."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from clusterloom.api import discovery_post_routes
from clusterloom.discovery.model import Model
from clusterloom.discovery.what_if import changes_of
from clusterloom.settings import Settings
from clusterloom.store.release import Release
from discovery_release import CALL, model_of_release
from fixtures_api import is_problem, serving

ROUTE = "/api/v1/discovery/what-if"
GREENWIN, AEROSPACE = "be-greenwin-40ab75", "pic-999964271"


@pytest.fixture(scope="module")
def client(settings: Settings, default_release: Release) -> Iterator[httpx.Client]:
    with serving(settings) as one:
        yield one


@pytest.fixture(scope="module")
def model(
    default_release: Release, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Model:
    """The default release."""
    return model_of_release(default_release, settings, tmp_path_factory.mktemp("index") / "index")


def posted(client: httpx.Client, operation: str, parameters: Any, *statements: Any) -> Any:
    body = {"operation": operation, "parameters": parameters, "statements": [*statements]}
    answer = client.post(ROUTE, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def said(subject: str, name: str, thing: str, yes: bool = True) -> dict[str, Any]:
    return {"subject": subject, "property": name, "object": thing, "holds": yes}


def test_a_hit_that_comes_is_named_and_the_answer_is_marked(client: httpx.Client) -> None:
    address = f"/api/v1/clusters/{GREENWIN}/partners?axis=similarity"
    before = client.get(address)
    supposed = said(AEROSPACE, "hasCapability", "20.14")
    found = posted(client, "cluster_partners", {"id": GREENWIN, "axis": "similarity"}, supposed)
    assert found["hypothetical"] is True
    assert "no answer of the graph" in found["caveats"][0]
    (echo,) = found["statements"]
    assert (echo["subject"]["id"], echo["property"], echo["object"]["id"]) == (
        AEROSPACE, "hasCapability", "20.14",
    )  # fmt: skip
    assert echo["holds"]
    assert not echo["already"]
    (came,) = found["difference"]["came"]
    assert came["id"] == AEROSPACE
    assert came["value"] == 1
    assert found["before"]["total"] + 1 == found["after"]["total"]
    again = client.get(address)
    assert again.content == before.content
    assert again.headers["etag"] == before.headers["etag"]


def test_a_stage_that_becomes_covered_is_told(client: httpx.Client) -> None:
    stage = "batteries-cells-and-modules"
    asked = {"id": "batteries", "region": "FRE1"}
    found = posted(
        client, "chain_completion", asked,
        said(AEROSPACE, "locatedIn", "FRE1"), said(AEROSPACE, "covers", stage),
    )  # fmt: skip
    changed = {row["path"]: row for row in found["difference"]["about"]}
    assert changed[f"stages/{stage}/status"]["after"] == "covered"
    assert changed[f"stages/{stage}/status"]["before"] != "covered"
    rules = {row["rule"] for row in found["consequences"]}
    assert {"actor-in-region", "stage-coverage"} <= rules
    before = client.get("/api/v1/value-chains/batteries/completion?region=FRE1").json()
    (one,) = [s for s in before["about"]["stages"] if s["id"] == stage]
    assert one["status"] == changed[f"stages/{stage}/status"]["before"]


def test_a_consortium_that_one_known_region_makes_possible(
    client: httpx.Client, model: Model
) -> None:
    asked = {"chain": "batteries", "call": CALL}
    bare = posted(client, "consortia", asked)
    assert bare["before"]["total"] == 0
    regions = model.index.things["regions"]
    where = next(
        regions.key(n) for n, category in enumerate(regions.facts["cohesion"])
        if category == "less developed" and not regions.key(n).startswith("PL")
    )  # fmt: skip
    who = "pl-klaster-gospodarki-odpadowej-i-recyklingu-af8abd"
    twice = posted(client, "consortia", asked, said(who, "locatedIn", where))
    assert any("several countries" in caveat for caveat in twice["caveats"])
    statements = said(who, "locatedIn", where), said(who, "inCountry", "PL", False)
    found = posted(client, "consortia", asked, *statements)
    assert not any("several countries" in caveat for caveat in found["caveats"])
    assert found["difference"]["came"]
    assert all(who in row["members"] for row in found["difference"]["came"])
    assert any(row["path"] == "reason" for row in found["difference"]["coverage"])


def test_profiles_of_the_request_can_be_asked_about_too(client: httpx.Client) -> None:
    profile = {"name": "We", "capabilities": ["38"]}
    found = posted(
        client, "cluster_partners", {"profile": profile, "axis": "similarity"},
        said(AEROSPACE, "hasCapability", "38"),
    )  # fmt: skip
    assert AEROSPACE in {row["id"] for row in found["difference"]["came"]}


def test_what_the_graph_says_already_changes_nothing(client: httpx.Client) -> None:
    stages = client.get("/api/v1/value-chains/batteries/completion?region=FRE1").json()["about"]
    stage, by = next((s["id"], s["by"][0]["id"]) for s in stages["stages"] if s["by"])
    found = posted(
        client, "chain_completion", {"id": "batteries", "region": "FRE1"},
        said(by, "covers", stage),
    )  # fmt: skip
    assert found["statements"][0]["already"]
    assert found["before"] == found["after"]
    assert not found["difference"]["about"]


def test_it_is_done_beside_the_loop(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    work = discovery_post_routes._supposed

    def watched(model: Model, given: Any) -> bytes:
        seen.append(threading.current_thread().name)
        return work(model, given)

    monkeypatch.setattr(discovery_post_routes, "_supposed", watched)
    posted(client, "bridges", {})
    assert len(seen) == 1
    # the loop has a thread of its own, from which the work is handed on
    assert seen[0] not in {"MainThread", "server"}
    assert seen[0].rsplit("_", 1)[-1].isdigit()


ASKED = {"operation": "cluster_partners", "parameters": {"id": GREENWIN}}


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ([], 400, "JSON object"),
        ({}, 400, "operation"),
        ({"operation": "cluster_partner", "statements": []}, 400, "nearest: cluster_partners"),
        ({"operation": "bridges"}, 400, "'statements' is wanted"),
        ({"operation": "bridges", "statements": [], "suppose": []}, 400, "no field 'suppose'"),
        ({"operation": "bridges", "statements": [], "parameters": []}, 400, "an object"),
        ({"operation": "bridges", "statements": {}}, 400, "a list of objects"),
        ({"operation": "bridges", "statements": [7]}, 400, "statements[1]: an object"),
        ({"operation": "bridges", "statements": [{"subject": "x"}]}, 400, "statements[1].property"),
        ({**ASKED, "statements": [said(GREENWIN, "hasCapabilty", "38")]}, 400, "hasCapability"),
        ({**ASKED, "statements": [said("be-greenwyn", "covers", "x")]}, 400, GREENWIN),
        ({**ASKED, "statements": [said(GREENWIN, "covers", "battery-recycling")]}, 400,
         "batteries-recycling"),
        ({**ASKED, "statements": [said(GREENWIN, "hasCapability", "99.99")]}, 400, "not known"),
        ({**ASKED, "statements": [said(GREENWIN, "locatedIn", "BE221")]}, 400, "NUTS 2013"),
        ({**ASKED, "statements": [said("ES61", "specialisedIn", "26.1")]}, 400, "not measured"),
        ({**ASKED, "statements": [said(GREENWIN, "covers", "x") | {"holds": 1}]}, 400,
         "true or false"),
        ({**ASKED, "statements": [said(GREENWIN, "covers", "x") | {"why": 1}]}, 400, "'why'"),
        ({**ASKED, "statements": [said(GREENWIN, "hasCapability", "38"),
                                  said(GREENWIN, "hasCapability", "38", False)]}, 400, "contrary"),
        ({**ASKED, "statements": [said(GREENWIN, "locatedIn", "ES13"),
                                  said(GREENWIN, "inCountry", "ES", False)]}, 400,
         "actor-in-country"),
        ({**ASKED, "statements": [said(GREENWIN, "hasCapability", "38")] * 21}, 400, "at most 20"),
        ({**ASKED, "parameters": {"id": "nobody"}, "statements": []}, 404, "not known"),
        ({**ASKED, "parameters": {"id": GREENWIN, "limit": 1000}, "statements": []}, 400,
         "1 to 100"),
        ({**ASKED, "parameters": {}, "statements": []}, 400, "`cluster` or `profile`"),
        ({"operation": "region_partners", "parameters": {"id": "ES61"}, "statements": []}, 400,
         "'area' is wanted"),
    ],
)  # fmt: skip
def test_bad_suppositions_are_told_what_is_wrong(
    client: httpx.Client, body: Any, status: int, says: str
) -> None:
    assert says in is_problem(client.post(ROUTE, json=body), status)


def test_a_statement_twice_counts_once(model: Model) -> None:
    one = said(GREENWIN, "hasCapability", "38")
    assert len(changes_of(model.index, [one, one])) == 1

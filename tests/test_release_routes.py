"""`/api/v1/releases`: what is kept, what a release holds, what changed in statements and rows."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import openpyxl
import pyoxigraph as ox
import pytest

import fixtures_api as small
from clusterloom import namespaces as ns
from clusterloom.api import differences
from clusterloom.settings import Settings
from clusterloom.store import release as disk

OLD, NOW = small.RELEASE, small.NEXT_RELEASE
LIST = "/api/v1/releases"
DIFFERENCE = f"{LIST}/{OLD}..{NOW}"
CLUSTERS = ("clusters", "asserted")


def changed() -> dict[tuple[str, str], str]:
    """The sample with a cluster renamed, one added, a closed source changed, a family gone."""
    text = small.GRAPHS[CLUSTERS].replace('"Zêta Cluster"', '"Zeta Cluster"')
    text += """
        <org/pic-9> a cloom:ClusterOrganisation ; rdfs:label "Nine" ; cloom:inCountry <country/JP> .
    """
    graphs = small.GRAPHS | {CLUSTERS: text}
    graphs["secret", "asserted"] = '<area/photonics> cloom:note "another secret" .'
    del graphs["actor-in-region", "derived"]
    return graphs


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with small.small_settings(tmp_path_factory.mktemp("releases")) as settings:
        small.make_release(settings.releases, changed(), NOW)
        yield settings


@pytest.fixture(scope="module")
def client(settings: Settings) -> Iterator[httpx.Client]:
    """A client of the service over two releases."""
    with small.serving(settings) as client:
        yield client


def get(client: httpx.Client, path: str) -> dict[str, Any]:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def quads(settings: Settings, release: str) -> set[str]:
    """Every line of a release, but for the source that may not be given away."""
    store = ox.Store.read_only(str(settings.releases / release / "oxigraph"))
    return {
        f"{quad} .\n" for quad in store
        if isinstance(quad.graph_name, ox.NamedNode) and "/secret/" not in quad.graph_name.value
    }  # fmt: skip


def test_the_list_tells_what_is_kept_and_served(client: httpx.Client) -> None:
    body = get(client, LIST)
    assert [(i["id"], i["served"], i["previous"]) for i in body["items"]] == [
        (NOW, True, OLD),
        (OLD, False, None),
    ]
    assert body["release"] == NOW
    assert body["total"] == 2
    assert body["items"][0]["triples"] > 100
    assert body["items"][0]["families"] > 10
    again = client.get(LIST, headers={"if-none-match": client.get(LIST).headers["etag"]})
    assert again.status_code == 304


def test_the_list_is_a_table_too(client: httpx.Client) -> None:
    text = client.get(LIST, headers={"accept": "text/csv"}).text
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert [row["id"] for row in rows] == [NOW, OLD]
    book = openpyxl.load_workbook(io.BytesIO(client.get(f"{LIST}?format=xlsx").content))
    assert [row[0].value for row in book["data"].iter_rows()] == ["id", NOW, OLD]


def test_the_list_changes_with_what_is_kept_though_the_served_one_stays(tmp_path: Path) -> None:
    with small.small_settings(tmp_path) as settings:
        small.make_release(settings.releases, changed(), NOW)
        with small.serving(settings) as client:
            before = client.get(LIST)
            assert disk.prune(settings.releases, 1) == [OLD]
            after = client.get(LIST, headers={"if-none-match": before.headers["etag"]})
            assert after.status_code == 200
            assert [i["id"] for i in after.json()["items"]] == [NOW]
            assert [i["id"] for i in after.json()["pruned"]] == [OLD]
            small.is_problem(client.get(f"{LIST}/{OLD}"), 410)
            small.is_problem(client.get(DIFFERENCE), 410)


def test_one_release_shows_its_report(client: httpx.Client) -> None:
    for name in (NOW, "current"):
        body = get(client, f"{LIST}/{name}")
        assert body["id"] == NOW
        assert body["sources"][0]["source"] == "clusters"
        assert body["sources"][0]["read"] == 4
        assert body["sources"][0]["rejected"] == 1
        assert body["classes"] == {"Region": 3}
        assert body["checks"]["rows"] == 2
        assert "clusters" in body["families"]
    text = client.get(f"{LIST}/{OLD}?format=csv").text
    assert text.splitlines()[1].startswith("clusters,4,3,1,0,40")


def test_the_figures_are_those_of_the_graphs(client: httpx.Client, settings: Settings) -> None:
    old, now = quads(settings, OLD), quads(settings, NOW)
    body = get(client, f"{DIFFERENCE}?limit=1000")
    assert (body["added"], body["removed"]) == (len(now - old), len(old - now))
    assert body["withheld"] == ["secret"]
    assert body["complete"] is False
    for name in ("families", "graphs"):
        assert sum(f["added"] for f in body[name]) == body["added"]
        assert sum(f["removed"] for f in body[name]) == body["removed"]
    items = {(i["change"], i["quad"] + "\n") for i in body["items"]}
    assert items == {("added", q) for q in now - old} | {("removed", q) for q in old - now}
    gone = next(f for f in body["families"] if f["family"] == "actor-in-region")
    assert gone == {"family": "actor-in-region", "added": 0, "removed": 1}


def test_pages_hold_every_statement_once(client: httpx.Client) -> None:
    whole = get(client, f"{DIFFERENCE}?limit=1000")["items"]
    path, seen = f"{DIFFERENCE}?limit=2", []
    while path:
        answer = client.get(path)
        body = answer.json()
        assert 1 <= len(body["items"]) <= 2
        seen += body["items"]
        path = body["next"]
        assert (f'<{path}>; rel="next"' in answer.headers["link"]) == bool(path)
    assert seen == whole
    assert len(whole) == get(client, DIFFERENCE)["total"]


def test_each_side_is_plain_nquads(client: httpx.Client, settings: Settings) -> None:
    old, now = quads(settings, OLD), quads(settings, NOW)
    for side, wanted in (("added", now - old), ("removed", old - now)):
        answer = client.get(f"{DIFFERENCE}?side={side}", headers={"accept": "application/n-quads"})
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("application/n-quads")
        assert answer.headers["x-clusterloom-withheld"] == "secret"
        assert "secret" not in answer.text.replace("dataset/secret", "")
        found = ox.parse(answer.content, format=ox.RdfFormat.N_QUADS)
        assert {f"{quad} .\n" for quad in found} == wanted
    same = client.get(f"{LIST}/{OLD}..{OLD}?side=added&format=nq")
    assert same.status_code == 200
    assert same.content == b""


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        (f"{LIST}?limit=1", 400, "no parameter 'limit'"),
        (f"{LIST}?format=nq", 400, "not one of"),
        (f"{LIST}/x", 404, "16 hex digits"),
        (f"{LIST}/{'f' * 16}", 404, "nearest"),
        (f"{LIST}/{OLD}..x", 404, "16 hex digits"),
        (f"{LIST}/{'f' * 16}..{OLD}", 404, "nearest"),
        (f"{DIFFERENCE}?format=nq", 400, "side=added"),
        (f"{DIFFERENCE}?format=nq&side=both", 400, "neither"),
        (f"{DIFFERENCE}?side=added", 400, "N-Quads"),
        (f"{DIFFERENCE}?limit=0", 400, "1 to 1000"),
        (f"{DIFFERENCE}?limit=99999999999", 400, "1 to 1000"),
        (f"{DIFFERENCE}?cursor=../x:1", 400, "not one that"),
        (f"{DIFFERENCE}?format=csv", 400, "json, nq"),
        (f"{DIFFERENCE}?curser=x", 400, "nearest: cursor"),
        (f"{DIFFERENCE}?query=clustr-directory", 404, "cluster-directory"),
        (f"{DIFFERENCE}?query=areas&query=areas", 400, "one library query"),
        (f"{DIFFERENCE}?query=areas&nothing=1", 400, "no parameter 'nothing'"),
        (f"{DIFFERENCE}?query=area-takes-part&area=nowhere", 400, "nowhere"),
        (f"{DIFFERENCE}?query=areas&format=nq", 400, "not one of"),
    ],
)
def test_wrong_requests_are_problems(
    client: httpx.Client, path: str, status: int, said: str
) -> None:
    assert said in small.is_problem(client.get(path), status)


def test_only_what_is_offered_is_acceptable(client: httpx.Client) -> None:
    for path in (LIST, f"{LIST}/{OLD}", DIFFERENCE, f"{DIFFERENCE}?query=areas"):
        small.is_problem(client.get(path, headers={"accept": "text/turtle"}), 406)


def test_changed_rows_of_a_library_query_are_a_multiset_difference(client: httpx.Client) -> None:
    path = f"{DIFFERENCE}?query=cluster-directory"
    body = get(client, path)
    old, now = (
        [tuple(item.items()) for item in
         get(client, f"/api/v1/queries/cluster-directory?release={r}")["items"]]
        for r in (OLD, NOW)
    )  # fmt: skip
    found: dict[str, Counter[Any]] = {"added": Counter(), "removed": Counter()}
    for item in body["items"]:
        found[item.pop("change")][tuple(item.items())] += 1
    assert found["added"] == Counter(now) - Counter(old)
    assert found["removed"] == Counter(old) - Counter(now)
    assert body["added"] >= 2
    assert body["removed"] >= 1
    assert body["rows"] == {"before": len(old), "after": len(now)}
    assert body["complete"] is True
    table = client.get(f"{path}&format=csv").text.removeprefix("\ufeff")
    rows = list(csv.DictReader(io.StringIO(table, newline="")))
    assert Counter(row["change"] for row in rows) == {
        "added": body["added"], "removed": body["removed"],
    }  # fmt: skip
    book = openpyxl.load_workbook(io.BytesIO(client.get(f"{path}&format=xlsx").content))
    assert book["data"].max_row == 1 + body["total"]
    about = {row[0].value: row[1].value for row in book["about"].iter_rows()}
    assert "SELECT" in str(about["SPARQL"])


def test_a_thing_that_one_release_lacks_is_a_caveat(client: httpx.Client) -> None:
    body = get(client, f"{DIFFERENCE}?query=cluster-partnerships&cluster=pic-9")
    assert "pic-9" in body["caveats"][0]
    assert body["rows"] == {"before": 0, "after": body["added"]}


def test_a_crowd_that_wants_differences_is_told(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(differences, "WAITING", 2)

    def ask(number: int) -> int:
        path = f"{client.base_url}{DIFFERENCE}?side=added&format=nq&limit={number + 1}"
        answer = httpx.get(path, timeout=60)
        if answer.status_code == 503:
            assert answer.headers["retry-after"]
        return answer.status_code

    with ThreadPoolExecutor(12) as pool:
        found = Counter(pool.map(ask, range(24)))
    assert set(found) <= {200, 503}
    assert found[200] >= 2
    assert client.get(f"{DIFFERENCE}?side=added&format=nq").status_code == 200


def test_a_damaged_release_ends_the_answer_as_an_error(tmp_path: Path) -> None:
    with small.small_settings(tmp_path) as settings:
        small.make_release(settings.releases, changed(), NOW)
        family = settings.releases / NOW / "families" / "clusters.nq.gz"
        family.write_bytes(family.read_bytes()[:-15])
        with small.serving(settings) as client:
            detail = small.is_problem(client.get(DIFFERENCE), 500)
            assert "damaged" in detail
            assert "clusters" in detail


def test_openapi_describes_the_release_parameter_of_every_data_route(client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert {LIST, LIST + "/{id}", LIST + "/{before}..{after}"} <= set(paths)
    data = [p for p in paths if p.startswith(("/api/v1/", "/data/", "/id/", "/sparql", "/catalog"))]
    for path in data:
        for method, operation in paths[path].items():
            names = [p["name"] for p in operation.get("parameters", [])]
            assert ("release" in names) == (not path.startswith(LIST)), (path, method)
            assert {"404", "410"} <= set(operation["responses"]) or path == LIST


def test_the_names_are_those_of_the_ontology_graphs(client: httpx.Client) -> None:
    body = get(client, f"{DIFFERENCE}?limit=1000")
    assert {item["graph"] for item in body["items"]} == {g["graph"] for g in body["graphs"]}
    assert ns.graph("clusters", "asserted") in {g["graph"] for g in body["graphs"]}

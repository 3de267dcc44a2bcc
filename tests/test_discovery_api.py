"""The discovery routes of a running service: formats, errors, profiles, batches, closed sources."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import httpx
import openpyxl
import pyoxigraph as ox
import pytest
import rdflib

from clusterloom.api.discovery_operations import OPERATIONS
from clusterloom.settings import Settings
from clusterloom.store.release import Release
from fixtures_api import is_problem, make_release, serving

CLUSTER = "be-greenwin-40ab75"
PARTNERS = f"/api/v1/clusters/{CLUSTER}/partners"
REGION = "/api/v1/regions/ES61/partners?area=photonics"
CHAIN = "/api/v1/value-chains/batteries/completion?region=ES13"
CONSORTIA = "/api/v1/discovery/consortia?chain=hydrogen&call=cos-cluster-2018-3-02"
FOUND = f"/api/v1/clusters/{CLUSTER}/found-by?axis=similarity"
COMPARED = "/api/v1/discovery/compare?region=ES13&region=PT11&region=FRE1"
PATHS = "/api/v1/discovery/paths?source=20&target=29"
BRIDGES = "/api/v1/discovery/bridges"
ALL = (f"{PARTNERS}?axis=supply", f"{PARTNERS}?axis=borda", REGION, CHAIN, CONSORTIA, FOUND,
       COMPARED)  # fmt: skip
MANY = "axis=complementarity&elsewhere=country&limit=25"


@pytest.fixture(scope="module")
def client(settings: Settings, default_release: Release) -> Iterator[httpx.Client]:
    with serving(settings) as one:
        yield one


def asked(client: httpx.Client, address: str) -> dict[str, Any]:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


@pytest.mark.parametrize("address", ALL)
def test_every_hit_is_explained(
    client: httpx.Client, address: str, default_release: Release
) -> None:
    body = asked(client, address)
    assert body["release"] == default_release.id
    assert body["method"]["citation"]
    assert body["items"]
    assert body["total"] >= len(body["items"])
    for item in body["items"]:
        assert item["value"] == pytest.approx(
            sum(p["value"] for p in item["explanation"]), abs=1e-9
        )
        assert all(part["code"] and part["label"] for part in item["explanation"])
    ranks = [item["rank"] for item in body["items"]]
    assert ranks == sorted(ranks)


@pytest.mark.parametrize("address", [f"{PARTNERS}?axis=similarity", CHAIN, FOUND])
def test_the_query_of_a_hit_runs_at_the_endpoint(client: httpx.Client, address: str) -> None:
    for item in asked(client, address)["items"]:
        answer = client.get("/sparql", params={"query": item["query"], "format": "json"})
        assert answer.status_code == 200, answer.text
        rows = answer.json()["results"]["bindings"]
        assert sum(float(row["part"]["value"]) for row in rows) == pytest.approx(item["value"])


@pytest.mark.parametrize("address", ALL)
def test_as_csv(client: httpx.Client, address: str) -> None:
    items = asked(client, address)["items"]
    answer = client.get(address, headers={"Accept": "text/csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["id"] for row in rows] == [item["id"] for item in items]
    for row, item in zip(rows, items, strict=True):
        assert float(row["value"]) == pytest.approx(item["value"])
        assert row["explanation"].count("; ") >= len(item["explanation"]) - 1


@pytest.mark.parametrize("address", [f"{PARTNERS}?{MANY}", CONSORTIA])
def test_as_a_workbook(client: httpx.Client, address: str) -> None:
    items = asked(client, address)["items"]
    answer = client.get(f"{address}&format=xlsx")
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    data, about = book.worksheets[:2]
    assert data.max_row == len(items) + 1
    said = " ".join(str(cell.value) for row in about.iter_rows() for cell in row if cell.value)
    assert "implements" in said or "HiGHS" in said
    assert "CC BY" in said


@pytest.mark.parametrize("address", ALL)
def test_the_proof_as_turtle(client: httpx.Client, address: str) -> None:
    body = asked(client, address)
    answer = client.get(address, headers={"Accept": "text/turtle"})
    assert answer.headers["content-type"].startswith("text/turtle")
    store = ox.Store()
    store.load(answer.content, format=ox.RdfFormat.TURTLE)
    graph = rdflib.Graph().parse(data=answer.text, format="turtle")
    assert len(graph) == len(store)
    found = store.query(
        "PREFIX prov: <http://www.w3.org/ns/prov#> PREFIX dcterms: <http://purl.org/dc/terms/> "
        "PREFIX rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> "
        "SELECT ?hit ?value (SUM(?part) AS ?sum) { ?hit prov:wasGeneratedBy ?made ; "
        "rdf:value ?value ; dcterms:hasPart ?p . ?p rdf:value ?part } GROUP BY ?hit ?value"
    )
    solutions = list(cast(ox.QuerySolutions, found))
    rows = [(float(row[1].value), float(row[2].value)) for row in solutions]
    assert len(rows) == len(body["items"])
    assert all(value == pytest.approx(total) for value, total in rows)


BAD = [
    ("/api/v1/clusters/be-greenwyn/partners", 404, "be-greenwin-40ab75"),
    ("/api/v1/regions/ES99/partners?area=photonics", 404, "nearest"),
    ("/api/v1/regions/ES61/partners?area=photonic", 404, "photonics"),
    ("/api/v1/regions/ES61/partners", 400, "'area' is wanted"),
    ("/api/v1/regions/FR26/partners?area=photonics", 400, "2013"),
    (f"{REGION}&direction=take", 400, "get, give, both"),
    ("/api/v1/value-chains/battery/completion?region=ES13", 404, "batteries"),
    ("/api/v1/value-chains/batteries/completion?region=XX1", 400, "not known"),
    ("/api/v1/value-chains/batteries/completion?region=FR26", 400, "2013"),
    ("/api/v1/value-chains/batteries/completion", 400, "'region' is wanted"),
    ("/api/v1/discovery/compare?region=ES13&region=FR26", 400, "2013"),
    ("/api/v1/discovery/compare?region=ES13&region=ES99", 400, "not known"),
    ("/api/v1/discovery/compare?region=ES13&region=ES13", 400, "2 to 10"),
    ("/api/v1/clusters/be-greenwyn/found-by", 404, "be-greenwin-40ab75"),
    (f"{FOUND}z", 400, "similarity"),
    (f"{PARTNERS}?region=FR26", 400, "2013"),
    (f"{PARTNERS}?area=photonic", 400, "photonics"),
    (f"{PARTNERS}?capability=nace21/99.99", 400, "no code of NACE Rev. 2.1"),
    ("/api/v1/discovery/paths?source=20", 400, "'target' is wanted"),
    ("/api/v1/discovery/paths?source=20&target=29&longest=9", 400, "1 to 8"),
    ("/api/v1/discovery/consortia?chain=hydrogen&country=XQ", 400, "XQ"),
    ("/api/v1/discovery/consortia?chain=hydrogen&max_entities=0", 400, "1 to 100"),
    (f"{PARTNERS}?axis=suply", 400, "supply"),
    (f"{PARTNERS}?axis=network&rank_by=z", 400, "no measure"),
    (f"{PARTNERS}?country=GERMANY", 400, "not known"),
    (f"{PARTNERS}?kind=ESCP4i", 400, "ESCP4iPartnership"),
    (f"{PARTNERS}?limit=0", 400, "1 to 100"),
    (f"{PARTNERS}?limit=5&limit=6", 400, "one value"),
    (f"{PARTNERS}?labelled=yes", 400, "true or false"),
    (f"{PARTNERS}?contry=ES", 400, "country"),
    (f"{PARTNERS}?format=pdf", 400, "json, csv"),
    ("/api/v1/discovery/paths?source=20&target=292", 400, "nor a NACE code"),
    ("/api/v1/discovery/compare?region=ES13", 400, "2 to 10"),
    (f"{BRIDGES}?basis=size", 400, "relatedness, supply"),
    (f"{PARTNERS}?why_not=nobody", 404, "nobody"),
    ("/api/v1/discovery/consortia", 400, "value chain"),
    ("/api/v1/discovery/consortia?chain=hydrogn", 404, "hydrogen"),
    ("/api/v1/discovery/consortia?chain=hydrogen&call=cosme", 404, "not known"),
    ("/api/v1/discovery/consortia?chain=hydrogen&required=nobody", 400, "nobody"),
    ("/api/v1/discovery/consortia?stage=nothing", 400, "not known"),
]


@pytest.mark.parametrize(("address", "status", "says"), BAD)
def test_bad_requests_are_told_what_is_wrong(
    client: httpx.Client, address: str, status: int, says: str
) -> None:
    assert says in is_problem(client.get(address), status)


def test_a_path_is_the_product_of_its_hops(client: httpx.Client) -> None:
    body = asked(client, PATHS)
    assert body["method"]["parameters"]["operation"] == "product"
    for item in body["items"]:
        hops = [part["value"] for part in item["explanation"]]
        assert item["value"] == pytest.approx(math.prod(hops))
    values = [item["value"] for item in body["items"]]
    assert values == sorted(values, reverse=True)


def test_bridges_say_what_could_not_be_tested(client: httpx.Client) -> None:
    body = asked(client, BRIDGES)
    assert body["coverage"]["states"]["untested"] > 0
    assert body["caveats"]


def test_why_one_is_not_among_the_hits(client: httpx.Client) -> None:
    shown = asked(client, f"{PARTNERS}?axis=similarity&limit=1")["items"][0]
    country = shown["facts"]["country"]["id"]
    other = "ES" if country != "ES" else "FR"
    address = f"{PARTNERS}?axis=similarity&limit=1&country={other}&why_not={shown['id']}"
    body = asked(client, address)
    assert shown["id"] not in {item["id"] for item in body["items"]}
    assert "country" in str(body["about"]["why_not"])


def test_rules_that_contradict_give_a_reason(client: httpx.Client) -> None:
    rules = "chain=hydrogen&min_entities=5&max_entities=2"
    body = asked(client, f"/api/v1/discovery/consortia?{rules}")
    assert body["items"] == []
    assert body["coverage"]["reasons"][0]["code"] == "contradiction"


def test_no_known_tie_is_a_reason_and_no_error(client: httpx.Client) -> None:
    body = asked(client, f"{PARTNERS}?axis=network")
    assert body["items"] == []
    assert "no joint partnership" in body["coverage"]["reason"]
    assert not body["complete"]


def test_formats_that_do_not_fit(client: httpx.Client) -> None:
    is_problem(client.get(PARTNERS, headers={"Accept": "image/png"}), 406)


def test_an_answer_is_known_by_its_tag(client: httpx.Client) -> None:
    tag = client.get(PARTNERS).headers["etag"]
    assert client.get(PARTNERS, headers={"If-None-Match": tag}).status_code == 304


def test_every_operation_is_listed_at_the_entry(client: httpx.Client) -> None:
    listed = asked(client, "/api/v1")["discovery"]
    found = {(one["method"], one["url"].partition("/api/v1/")[2]) for one in listed}
    described = asked(client, "/openapi.json")["paths"]
    assert found == {
        (method.upper(), path.removeprefix("/api/v1/"))
        for path, methods in described.items()
        for method, told in methods.items()
        if "Discovery" in told.get("tags", ())
    }
    assert len(found) > len(OPERATIONS)


def test_a_closed_source_is_in_no_answer(tmp_path: Path) -> None:
    open_graph = """
      <org/a> a cloom:ClusterOrganisation ; rdfs:label "A" ; cloom:hasCapability <nace2/26> .
      <org/b> a cloom:ClusterOrganisation ; rdfs:label "B" .
      <nace2/26> a cloom:Capability ; rdfs:label "26"@en ; cloom:naceCode "26" .
    """
    closed = "<org/b> cloom:hasCapability <nace2/26> ."
    for name, kept in (("clusters", True), ("secret", False)):
        settings = Settings(data_dir=tmp_path / name, workers=4, public_url="http://test")
        graphs = {("clusters", "asserted"): open_graph, (name, "curated"): closed}
        make_release(settings.releases, graphs)
        with serving(settings) as client:
            body = asked(client, "/api/v1/clusters/a/partners?axis=similarity")
        assert [item["id"] for item in body["items"]] == (["b"] if kept else [])


def test_an_index_of_a_release_that_is_gone_is_removed(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, workers=4, public_url="http://test")
    make_release(settings.releases)
    old = tmp_path / "discovery" / "00000000000000ff-1"
    old.mkdir(parents=True)
    with serving(settings) as client:
        client.get("/api/v1/clusters/nobody/partners")
        made = [path.name for path in (tmp_path / "discovery").iterdir()]
    assert made == ["00000000000000aa-1"]
